from __future__ import annotations

import json
from enum import StrEnum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consortium.errors import EvidenceError
from consortium.ledger import canonical
from consortium.types import Pii

_INTEGERS = st.integers(-(2**53) + 1, 2**53 - 1)
VALUES = st.recursive(
    st.none() | st.booleans() | _INTEGERS | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.text(st.characters(exclude_categories=["Cs"]), max_size=4), inner, max_size=4
        )
    ),
    max_leaves=12,
)


@given(VALUES)
def test_what_is_encoded_is_decoded_again(value: canonical.JSON) -> None:
    assert canonical.decode(canonical.encode(value)) == value


@given(st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), st.integers(0, 9)))
def test_the_order_of_keys_does_not_matter(value: dict[str, int]) -> None:
    turned = dict(reversed(value.items()))
    assert canonical.encode(turned) == canonical.encode(value)


def test_keys_are_in_the_order_of_utf_16_as_the_rfc_says() -> None:
    # RFC 8785, section 3.2.3: U+1F600 sorts before U+FB33, though its code point is larger.
    data = canonical.encode({"\ufb33": 1, "\U0001f600": 2, "\r": 3, "1": 4, "\u20ac": 5})
    assert list(json.loads(data)) == ["\r", "1", "\u20ac", "\U0001f600", "\ufb33"]


@pytest.mark.parametrize(
    "second",
    [
        b'{"a": 1}',
        b'{"a":1} ',
        b'{"a":1}\n',
        b'\xef\xbb\xbf{"a":1}',
        b'{"a":1.0}',
        b'{"a":1e0}',
        b'{"a":-0}',
        b'{"a":01}',
        b'{"a":+1}',
        b'{"a":1,"a":1}',
        b'{"b":1,"a":2}',
        b'{"a":NaN}',
        b'{"a":Infinity}',
        b'{"a":9007199254740992}',
        b'{"a":' + b"9" * 5000 + b"}",
        rb'{"\u0061":1}',
        rb'{"a":"\/"}',
        rb'{"a":"\u000a"}',
        rb'{"a":"\ud83d\ude00"}',
        rb'{"a":"\ud83d"}',
        b'{"a":"\xed\xa0\xbd"}',
        b'{"a":"\xff"}',
        b'{"a":"\n"}',
        b"{'a':1}",
        b'{"a":1,}',
        b'{"a":1}{"a":1}',
        b"",
        b"[" * 5000,
        b"[" * 30 + b"]" * 30,
        b'{"a":1}\x00',
    ],
)
def test_a_second_spelling_is_refused(second: bytes) -> None:
    with pytest.raises(EvidenceError):
        canonical.decode(second)


class _Word(StrEnum):
    YES = "yes"


class _Number(int):
    pass


def test_only_plain_values_have_a_canonical_form() -> None:
    assert canonical.encode({"a": _Word.YES}) == b'{"a":"yes"}'
    for value in (
        1.0,
        float("nan"),
        b"x",
        (1, 2),
        {1: 2},
        2**53,
        -(2**53),
        "\ud800",
        {"\ud800": 1},
        {Pii("a"): 1},
        _Number(1),
        object(),
        {"a": {"b": [1.5]}},
    ):
        with pytest.raises(EvidenceError):
            canonical.encode(value)  # type: ignore[arg-type] # the wrong types are the point


def test_personal_data_never_becomes_evidence_or_an_error_text() -> None:
    with pytest.raises(EvidenceError) as caught:
        canonical.encode({"at": [Pii("dana@example.org")]})
    assert "dana" not in str(caught.value)
