"""What two match blocks say of each other."""

from __future__ import annotations

import pytest
from hypothesis import given

from consortium.errors import EvidenceError
from consortium.identity.evidence import (
    GENERATION_YEARS,
    Birth,
    First,
    compare_birth,
    compare_first,
    contradict,
    relate,
    suffixes_differ,
)
from consortium.model.match_block import MatchBlock
from tests.unit.identity.world import claims

BLOCKS = claims().map(lambda claim: claim.block)


@given(BLOCKS, BLOCKS)
def test_every_judgement_is_symmetric(a: MatchBlock, b: MatchBlock) -> None:
    assert relate(a, b) is relate(b, a)
    assert contradict(a, b) == contradict(b, a)
    assert compare_birth(a.birth_date, b.birth_date) is compare_birth(b.birth_date, a.birth_date)


@given(BLOCKS)
def test_nothing_contradicts_itself_or_an_empty_block(block: MatchBlock) -> None:
    assert not contradict(block, block)
    assert not contradict(block, MatchBlock())


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ("mary", "", First.UNKNOWN),
        ("mary", "m", First.UNKNOWN),
        ("mary", "j", First.DIFFER),
        ("mary", "mary", First.AGREE),
        ("beth", "elizabeth", First.AGREE),
        ("jhon", "john", First.SLIP),
        ("mary", "gary", First.DIFFER),
        ("eric", "erica", First.DIFFER),
        ("mary", "john", First.DIFFER),
    ],
)
def test_first_names(a: str, b: str, expected: First) -> None:
    assert compare_first(a, b) is expected


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ("1980-03-04", "", Birth.UNKNOWN),
        ("1980", "--03-04", Birth.UNKNOWN),
        ("1980-03-04", "1980-03-04", Birth.AGREE),
        ("1980-03-04", "1980", Birth.AGREE),
        ("1980-03-04", "--03-04", Birth.AGREE),
        ("1980-03-04", "1980-03-05", Birth.SLIP),
        ("1980-03-04", "1981-03-04", Birth.SLIP),
        ("1980-03-04", "1980-04-03", Birth.SLIP),
        ("1980-03-04", "1981-04-04", Birth.DIFFER),
        ("1980-03-04", "1981", Birth.DIFFER),
        ("1980-03-04", "--03-05", Birth.DIFFER),
        ("1980-03-04", f"{1980 + GENERATION_YEARS}-03-04", Birth.GENERATION),
        ("1980", f"{1980 + GENERATION_YEARS}", Birth.GENERATION),
    ],
)
def test_birth_dates(a: str, b: str, expected: Birth) -> None:
    assert compare_birth(a, b) is expected


def test_suffixes() -> None:
    assert suffixes_differ("jr", "sr")
    assert suffixes_differ("ii", "iii")
    assert not suffixes_differ("jr", "")
    assert not suffixes_differ("jr", "ii")


@given(BLOCKS)
def test_a_match_block_comes_back_as_it_was_sealed(block: MatchBlock) -> None:
    assert MatchBlock.decode(block.encode()) == block


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"{}",
        b"1",
        b'["a"]',
        b'["","","","","","",1]',
        b'["","","","","","",""]x',
        b'["","","","","","","",""]',
        b"\xff",
        b'["\xff","","","","","",""]',
        b"null",
    ],
)  # fmt: skip - a list of bytes
def test_what_is_no_match_block_is_refused(data: bytes) -> None:
    with pytest.raises(EvidenceError):
        MatchBlock.decode(data)
