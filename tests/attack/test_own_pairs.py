"""What an owner learns from being asked about its own rows: nothing that its lists do not say.

Two rows of its own can be one person because of a third list, and kept apart because of another.
The question must be the same in all these worlds. What comes back is the owner's signed word.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from consortium.errors import (
    BadFile,
    EvidenceError,
    KeyFailure,
    NotFound,
    PolicyRefused,
    StateConflict,
)
from consortium.identity.decisions import sign_never
from consortium.identity.pairs import OwnPairs
from consortium.types import PartnerSlug
from tests.attack.stage import ORIGIN, Someone, Stage, people

DANA = Someone(email="dana@people.example.org", first="Dana", last="Marsh", record_id="n-1")
DANA_AT_WORK = replace(DANA, email="marsh@work.example.org", phone="503-555-0142", record_id="n-2")
DANA_AT_HOME = replace(DANA, phone="503-555-0142", record_id="n-3")
LEE = Someone(email="lee@people.example.org", first="Robin", last="Lee", record_id="n-4")
LEE_BY_PHONE = Someone(email="", first="Robin", last="Lee", phone="503-555-0177", record_id="n-5")
LEE_BRIDGE = replace(LEE, phone="503-555-0177", record_id="t-1")  # only the other partner has it
COUSIN = Someone(
    email="cousin@people.example.org", first="Casey", last="Marsh", phone="503-555-0142"
)
OWN = [DANA, DANA_AT_WORK, DANA_AT_HOME, LEE, LEE_BY_PHONE]


@dataclass(frozen=True, slots=True)
class Asked:
    """What the owner is asked in one world, and how the merge itself went there."""

    groups: list[list[tuple[str, int]]]
    persons_of_own: set[frozenset[int]]


def _nobody(_stage: Stage) -> None:
    pass


def _a_bridge(stage: Stage) -> None:
    stage.join("teachers", [LEE_BRIDGE, *people(1, 30)])


def _a_household(stage: Stage) -> None:
    stage.join("teachers", [COUSIN, replace(COUSIN, first="Quinn", email="q@people.example.org")])


def _an_operators_word(stage: Stage) -> None:
    stage.host.merges.never("u-0001:1", "u-0001:3")


WORLDS: list[Callable[[Stage], None]] = [_nobody, _a_bridge, _a_household, _an_operators_word]


def _stage(folder: Path) -> Stage:
    stage = Stage.found(folder)
    stage.join("nurses", OWN)
    return stage


def _found(pairs: OwnPairs) -> list[list[tuple[str, int]]]:
    return [[(row.list_name, row.number) for row in group] for group in pairs.groups]


def _persons(stage: Stage) -> set[frozenset[int]]:
    shown = [stage.host.merges.show(f"u-0001:{number}") for number in range(1, 6)]
    return {frozenset(row.source[1] for row in person if row.owner == "nurses") for person in shown}


def test_the_questions_are_a_function_of_the_owners_own_rows_and_word(tmp_path: Path) -> None:
    seen = []
    for number, others in enumerate(WORLDS):
        stage = _stage(tmp_path / str(number))
        others(stage)
        stage.host.merges.run()
        seen.append(Asked(_found(stage.host.merges.pairs("nurses")), _persons(stage)))
    alone = seen[0]
    assert alone.groups == [[("list", 1), ("list", 2), ("list", 3)]]
    assert [asked.groups for asked in seen] == [alone.groups] * len(WORLDS)
    # and the worlds do differ: a bridge joins two rows that are never asked about
    assert frozenset({4, 5}) not in alone.persons_of_own
    assert frozenset({4, 5}) in seen[1].persons_of_own
    assert any(asked.persons_of_own != alone.persons_of_own for asked in seen[2:])


def test_the_questions_do_not_depend_on_whether_a_merge_was_run(tmp_path: Path) -> None:
    stage = _stage(tmp_path)
    before = stage.host.merges.pairs("nurses").encode()
    stage.host.merges.run()
    assert stage.host.merges.pairs("nurses").encode() == before


def test_an_owner_recognises_its_records_says_who_is_not_the_same_and_is_obeyed(
    tmp_path: Path,
) -> None:
    stage = _stage(tmp_path)
    _a_bridge(stage)
    stage.host.merges.run()
    desk = stage.desks["nurses"].own_rows
    sheet = desk.review(stage.host.merges.pairs("nurses").encode())
    assert (sheet.groups, sheet.rows) == (1, 3)
    lines = list(csv.DictReader(io.StringIO(sheet.text.reveal())))
    assert [line["record_id"] for line in lines] == ["n-1", "n-2", "n-3"]
    assert desk.read(sheet.text.reveal()) == []  # nothing marked, nothing said
    lines[1]["person"] = "2"
    answer = desk.sign(desk.read(_written(lines)))
    decided = stage.host.merges.record(answer)
    assert decided.pairs == 2
    stage.host.merges.run()
    assert {frozenset({1, 3}), frozenset({2})} <= _persons(stage)
    assert _found(stage.host.merges.pairs("nurses")) == [[("list", 1), ("list", 3)]]


def _written(lines: list[dict[str, str]], *, delimiter: str = ",") -> str:
    """As a spreadsheet would save it."""
    out = io.StringIO()
    writer = csv.DictWriter(out, list(lines[0])[::-1], delimiter=delimiter)
    writer.writeheader()
    writer.writerows(lines[::-1])
    return "\ufeff" + out.getvalue()


def test_a_sheet_saved_by_a_spreadsheet_says_the_same(tmp_path: Path) -> None:
    stage = _stage(tmp_path)
    desk = stage.desks["nurses"].own_rows
    text = desk.review(stage.host.merges.pairs("nurses").encode()).text.reveal()
    lines = list(csv.DictReader(io.StringIO(text)))
    lines[2]["person"] = "somebody else"
    said = [
        {frozenset(pair) for pair in desk.read(_written(lines, delimiter=mark))} for mark in ",;\t"
    ]
    assert said[0] == said[1] == said[2]
    assert len(said[0]) == 2


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: text.replace("person", "who", 1),
        lambda text: text.replace(",1,", ",,", 1),
        lambda text: text.replace(",list,2,", ",list,two,"),
        lambda text: text[: len(text) - 20],
        lambda _text: "",
        lambda _text: "\x00",
    ],
)
def test_a_sheet_that_was_spoilt_is_refused(tmp_path: Path, spoil: Callable[[str], str]) -> None:
    stage = _stage(tmp_path)
    desk = stage.desks["nurses"].own_rows
    text = desk.review(stage.host.merges.pairs("nurses").encode()).text.reveal()
    if spoil(text) == text:
        pytest.fail("nothing was spoilt")
    with pytest.raises(BadFile) as caught:
        desk.read(spoil(text))
    assert "n-1" not in str(caught.value)


def test_questions_for_somebody_else_and_record_ids_of_others_open_to_nobody(
    tmp_path: Path,
) -> None:
    stage = _stage(tmp_path)
    stage.join("teachers", [replace(one, record_id=f"t{one.record_id}") for one in OWN])
    asked = stage.host.merges.pairs("nurses")
    other = stage.desks["teachers"].own_rows
    with pytest.raises(BadFile):
        other.review(asked.encode())
    forged = replace(asked, partner=PartnerSlug("teachers"))
    with pytest.raises((EvidenceError, KeyFailure)):
        other.review(forged.encode())
    with pytest.raises(BadFile):
        other.review(asked.encode().replace('"version":1', '"version":2'))


def test_an_owner_that_guesses_rows_of_others_gets_the_answer_for_rows_that_are_not_there(
    tmp_path: Path,
) -> None:
    stage = _stage(tmp_path)
    stage.join("teachers", [LEE_BRIDGE])
    own = stage.uploads["nurses"].digest
    other = stage.uploads["teachers"].digest
    said = []
    for pair in (((own, 1), (other, 1)), ((own, 1), (other, 999)), ((own, 1), (own, 999))):
        answer = sign_never(
            [pair],
            partner=PartnerSlug("nurses"),
            origin=ORIGIN,
            sign_key=stage.desks["nurses"]._keys.open("sign"),
            at=stage.clock.now(),
        )
        with pytest.raises(NotFound) as caught:
            stage.host.merges.record(answer)
        said.append((str(caught.value), caught.value.hint))
    assert said[0] == said[1] == said[2]


def test_an_owners_word_is_taken_back_by_nobody_else_and_does_not_come_to_life_again(
    tmp_path: Path,
) -> None:
    stage = _stage(tmp_path)
    stage.join("teachers", [LEE_BRIDGE])
    own = stage.uploads["nurses"].digest
    nurses, teachers = (stage.desks[slug].own_rows for slug in ("nurses", "teachers"))
    answer = nurses.sign([((own, 4), (own, 5))])
    entry = stage.host.merges.record(answer).entry
    assert entry is not None
    with pytest.raises(PolicyRefused):
        stage.host.merges.take_back(entry)
    with pytest.raises(EvidenceError):
        teachers.take_back(answer)
    with pytest.raises(EvidenceError, match="was signed as"):
        stage.host.merges.record(nurses.take_back(answer))
    with pytest.raises(EvidenceError):
        stage.host.merges.record_taken_back(nurses.take_back(answer).replace("nurses", "teachers"))
    stage.host.merge()
    assert frozenset({4, 5}) not in _persons(stage)  # whose the bridge is depends on the keys
    stage.host.merges.record_taken_back(nurses.take_back(answer))
    with pytest.raises(StateConflict):
        stage.host.merges.record(answer)
    stage.host.merge()
    assert len(stage.host.merges.show("u-0001:5")) > 1


# --- what a partner can do with it all the same -------------------------------------------------


def test_a_partner_can_have_one_human_written_to_at_two_addresses_of_its_own_list(
    tmp_path: Path,
) -> None:
    """Its word makes two persons; as would a list that names one human by two names."""
    stage = _stage(tmp_path)
    stage.host.merges.run()
    assert frozenset({1, 2, 3}) in _persons(stage)
    desk = stage.desks["nurses"].own_rows
    text = desk.review(stage.host.merges.pairs("nurses").encode()).text.reveal()
    lines = list(csv.DictReader(io.StringIO(text)))
    lines[1]["person"] = "2"
    stage.host.merges.record(desk.sign(desk.read(_written(lines))))
    stage.host.merges.run()
    assert frozenset({2}) in _persons(stage)
