"""Tokens: kinds never meet, values never meet, and nothing hangs on the order."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from consortium.tokens import COMPOSITE_KINDS, CONTACT_KINDS, HmacTokeniser, Profile

anything = st.text(st.characters(codec=None, exclude_categories=()))
keys = st.binary(min_size=32, max_size=32)
kinds = st.sampled_from(sorted(CONTACT_KINDS | COMPOSITE_KINDS))


def token(tokeniser: HmacTokeniser, kind: str, value: str) -> bytes:
    make = tokeniser.contact if kind in CONTACT_KINDS else tokeniser.composite
    return make(kind, [value])[0][:16]


@given(keys, kinds, kinds, anything, anything)
def test_only_the_same_kind_and_value_meet(
    key: bytes, kind: str, other_kind: str, value: str, other: str
) -> None:
    tokeniser = HmacTokeniser(key, epoch=1)
    same = (kind, value) == (other_kind, other)
    assert (token(tokeniser, kind, value) == token(tokeniser, other_kind, other)) == same


@given(keys, anything, st.integers(1, 99), st.integers(1, 99))
def test_no_value_of_one_profile_spells_one_of_another(
    key: bytes, value: str, one: int, other: int
) -> None:
    first = HmacTokeniser(key, epoch=1, profile=Profile(number=one))
    second = HmacTokeniser(key, epoch=1, profile=Profile(number=other))
    spelt = f"{one}|{value}"
    assert (token(first, "email", value) == token(second, "email", value)) == (one == other)
    assert token(first, "email", value) != token(second, "email", spelt)


@given(keys, st.lists(anything))
def test_a_column_is_its_values(key: bytes, values: list[str]) -> None:
    tokeniser = HmacTokeniser(key, epoch=1)
    assert tokeniser.contact("email", values) == [
        tokeniser.contact("email", [value])[0] for value in values
    ]
    assert all(len(made) == 32 for made in tokeniser.contact("phone", values))
    assert all(len(made) == 16 for made in tokeniser.composite("content", values))
