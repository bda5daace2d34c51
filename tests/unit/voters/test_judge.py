"""Who is whom: what is exact decides, what is likely must be clearly so; no order matters."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consortium.model.match_block import MatchBlock
from consortium.voters.compare import Frequencies, PersonEvidence, birth_level, first_level, weights
from consortium.voters.evidence import VoterBlock
from consortium.voters.judge import RULES, Matcher

CODES = [f"{letter}{number}" for letter in "abcdfghklm" for number in range(100, 140)]
FIRSTS = ["carla", "deborah", "nancy", "ruth", "gloria", "walter", "harold", "arthur", "bruce"]


def voter(number: int, **changes: object) -> VoterBlock:
    fields: dict[str, object] = {
        "first": FIRSTS[number % len(FIRSTS)],
        "surname_code": CODES[number % len(CODES)],
        "birth": f"{1950 + number % 50}-03-{1 + number % 28:02d}",
        "house_number": str(number),
        "postcode": f"27{number % 40:03d}",
        "points": (f"p{number}",),
    }
    return VoterBlock(**{**fields, **changes})  # type: ignore[arg-type] # a test's own fields


def person(*blocks: MatchBlock, points: tuple[str, ...] = ()) -> PersonEvidence:
    return PersonEvidence(blocks, frozenset(points))


def block(of: VoterBlock, **changes: str) -> MatchBlock:
    found = MatchBlock(
        first=of.first,
        surname_code=of.surname_code,
        suffix=of.suffix,
        birth_date=of.birth,
        house_number=of.house_number,
        postcode=of.postcode,
    )
    return replace(found, **changes)


FILE = [voter(n) for n in range(2000)]


def match(
    persons: list[PersonEvidence], file: list[VoterBlock] | None = None, *, chunk: int = 500
) -> dict[int, tuple[int, str]]:
    voters = list(enumerate(FILE if file is None else file))
    frequencies = Frequencies()
    frequencies.add(one for _, one in voters)
    matcher = Matcher(persons, of=frequencies)
    for start in range(0, len(voters), chunk):
        matcher.offer(voters[start : start + chunk])
    return {i: (found.voter, found.rule) for i, found in matcher.matches()}


@pytest.mark.parametrize(
    ("changes", "points", "rule"),
    [
        ({"house_number": "", "postcode": ""}, (), "name_birth"),
        ({"birth_date": "", "house_number": "", "postcode": ""}, ("p7",), "name_point"),
        ({"birth_date": ""}, (), "name_door"),
        ({"birth_date": "1957-03", "surname_code": "z999"}, (), None),
        ({"surname_code": "z999", "house_number": ""}, (), "score"),
        ({"birth_date": "1957", "house_number": ""}, (), "score"),
    ],
)
def test_the_strongest_rule_that_holds_decides(
    changes: dict[str, str], points: tuple[str, ...], rule: str | None
) -> None:
    if changes.get("birth_date") == "1957-03":
        changes = {"surname_code": "", "birth_date": "", "house_number": ""}
    found = match([person(block(FILE[7], **changes), points=points)])
    assert found == ({} if rule is None else {0: (7, rule)})
    assert rule is None or rule in RULES


def test_evidence_of_several_rows_is_taken_together() -> None:
    mine = FILE[7]
    name = block(mine, birth_date="", house_number="", postcode="")
    address = block(mine, first="", surname_code="", birth_date="")
    assert match([person(name)]) == {}
    assert match([person(name, address)])[0][0] == 7


def test_a_namesake_who_cannot_be_told_apart_leaves_both_unmatched() -> None:
    twin = [*FILE, replace(FILE[7], points=())]
    assert match([person(block(FILE[7]))], twin) == {}
    assert match([person(block(FILE[7]), points=("p7",))], twin)[0] == (7, "name_point")


@pytest.mark.parametrize(
    "changes",
    [{"first": "zelda"}, {"suffix": "sr"}, {"birth_date": "1982-03-08"}],
    ids=["first name", "suffix", "a generation"],
)
def test_a_contradiction_outweighs_a_shared_door_and_telephone(changes: dict[str, str]) -> None:
    file = [replace(one, suffix="jr") if i == 7 else one for i, one in enumerate(FILE)]
    assert match([person(block(FILE[7], **changes), points=("p7",))], file) == {}


def test_father_and_son_of_one_name_are_told_apart_by_suffix_or_birth() -> None:
    son = replace(FILE[7], suffix="jr")
    father = replace(FILE[7], suffix="sr", birth="1930-01-02", points=())
    file = [*FILE[:7], son, *FILE[8:], father]
    nobody = person(block(FILE[7], suffix="", birth_date=""))
    assert match([nobody], file) == {}
    assert match([person(block(father, birth_date=""))], file)[0][0] == 2000
    assert match([person(block(son, suffix=""))], file)[0][0] == 7


def test_somebody_who_is_not_in_the_file_is_not_found() -> None:
    others = [person(block(voter(n))) for n in range(5000, 5100)]
    file = FILE
    strangers = [
        replace(one.blocks[0], birth_date="1999-12-31", house_number="x") for one in others
    ]
    assert match([person(one) for one in strangers], file) == {}


@given(st.permutations(range(60)), st.integers(1, 300), st.data())
def test_neither_the_order_of_voters_nor_of_rows_nor_chunks_matters(
    order: list[int], chunk: int, data: st.DataObject
) -> None:
    file = FILE[:60]
    blocks = [
        block(file[n], **data.draw(st.sampled_from([{}, {"birth_date": ""}, {"postcode": ""}])))
        for n in range(0, 60, 3)
    ]
    persons = [person(one, replace(one, house_number="")) for one in blocks]
    expected = match(persons, file)
    shuffled = match(
        [PersonEvidence(p.blocks[::-1], p.points) for p in persons],
        [file[i] for i in order],
        chunk=chunk,
    )
    assert {i: (order[v], rule) for i, (v, rule) in shuffled.items()} == expected


@given(
    st.sampled_from(["", "1961", "1961-03-09", "1961-09-03", "1985-03-09", "--03-09", "1962"]),
    st.sampled_from(["", "1961", "1961-03-09", "1961-09-03", "1985-03-09", "1962-05-01"]),
)
def test_two_birth_dates_stand_to_each_other_in_one_of_the_known_ways(a: str, b: str) -> None:
    known = {*weights().fields["birth"], "generation"}
    assert birth_level(a, b) in known
    assert (birth_level(a, b) == "day") == (a == b and len(a) == 10)


def test_first_names_agree_by_nickname_and_differ_by_name() -> None:
    assert first_level("liz", "elizabeth") == "nickname"
    assert first_level("mary", "gary") == "differ"
    assert first_level("m", "mary") == "initial"
    assert first_level("", "mary") == "unknown"
    assert first_level("jhon", "john") == "slip"


def test_a_voter_is_read_back_as_it_was_sealed() -> None:
    one = replace(FILE[7], status="A", age="44", elections=("2024=X",), place_set=9)
    assert VoterBlock.decode(one.encode()) == one
    assert "carla" not in repr(one)
