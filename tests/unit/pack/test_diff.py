"""What has changed between two packs, told before one list replaces another."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consortium.errors import BadFile, ConsortiumError, EvidenceError
from consortium.pack import PackDiff
from consortium.testing.keys import MemoryKeys
from tests.attack.stage import Someone, Stage, people


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    made = Stage.found(tmp_path)
    made.admit("nurses")
    return made


def compared(stage: Stage, before: list[Someone], after: list[Someone]) -> PackDiff:
    older = stage.pack("nurses", before, name="older")
    newer = stage.pack("nurses", after, name="newer")
    return stage.desks["nurses"].diff(older, newer)


def test_the_same_list_packed_twice_has_no_difference(stage: Stage) -> None:
    found = compared(stage, people(1, 31), people(1, 31))
    assert (found.same, found.changed, found.gone, found.added) == (30, 0, (), ())
    assert found.parts == ()


def test_rows_gone_and_new_are_named_by_their_numbers(stage: Stage) -> None:
    found = compared(stage, people(1, 11), people(3, 15))
    assert found.gone == (1, 2)
    assert found.added == (9, 10, 11, 12)
    assert found.same == 8


def test_a_changed_row_is_found_by_its_record_id_and_its_parts_are_named(stage: Stage) -> None:
    before = people(1, 6)
    after = [
        dataclasses.replace(before[0], email="elsewhere@people.example.org"),
        dataclasses.replace(before[1], last="Married"),
        *before[2:],
    ]
    found = compared(stage, before, after)
    assert (found.same, found.changed) == (3, 2)
    assert dict(found.parts) == {"e-mail": 1, "name": 1}


def test_without_record_ids_the_contact_points_tell_rows_apart(stage: Stage) -> None:
    before = [dataclasses.replace(one, record_id="") for one in people(1, 6)]
    after = [dataclasses.replace(before[0], last="Married"), *before[1:4]]
    found = compared(stage, before, after)
    assert (found.same, found.changed, found.gone) == (3, 1, (5,))


def test_who_has_opted_out_since_is_counted_apart_from_who_is_missing(stage: Stage) -> None:
    before = people(1, 9)
    after = [dataclasses.replace(before[0], status="unsubscribed"), *before[2:]]
    found = compared(stage, before, after)
    assert found.gone == (1, 2)
    assert found.now_opted_out == 1
    assert (found.opt_outs_added, found.opt_outs_gone) == (1, 0)
    back = stage.desks["nurses"].diff(
        stage.root / "nurses" / "newer.pack", stage.root / "nurses" / "older.pack"
    )
    assert (back.opt_outs_added, back.opt_outs_gone) == (0, 1)


@settings(max_examples=15)
@given(
    before=st.lists(st.integers(1, 12), max_size=14),
    after=st.lists(st.integers(1, 12), max_size=14),
    ids=st.booleans(),
)
def test_rows_of_both_sides_always_add_up(
    tmp_path_factory: pytest.TempPathFactory, *, before: list[int], after: list[int], ids: bool
) -> None:
    stage = Stage.found(tmp_path_factory.mktemp("diff"))
    stage.admit("nurses")
    everybody = people(1, 13)

    def some(numbers: list[int]) -> list[Someone]:
        chosen = [everybody[n - 1] for n in numbers] + [everybody[0]]
        return [one if ids else dataclasses.replace(one, record_id="") for one in chosen]

    found = compared(stage, some(before), some(after))
    assert found.older.rows == found.same + found.changed + len(found.gone)
    assert found.newer.rows == found.same + found.changed + len(found.added)


def test_a_pack_of_somebody_else_or_an_altered_one_is_refused(stage: Stage) -> None:
    stage.admit("teachers")
    mine = stage.pack("nurses", people(1, 9))
    theirs = stage.pack("teachers", people(1, 9))
    with pytest.raises(BadFile, match="can open"):
        stage.desks["nurses"].diff(mine, theirs)
    data = bytearray(mine.read_bytes())
    data[-100] ^= 1
    altered = mine.with_name("altered.pack")
    altered.write_bytes(bytes(data))
    with pytest.raises(EvidenceError):
        stage.desks["nurses"].diff(mine, altered)
    for name in ("missing.pack", "a\0b"):
        with pytest.raises(BadFile):
            stage.desks["nurses"].diff(mine, mine.with_name("x").parent / name)


def test_a_pack_signed_with_other_keys_is_refused_although_it_opens(
    stage: Stage, tmp_path: Path
) -> None:
    """Whoever has the partner's card can encrypt to it, but not sign as it."""
    mine = stage.pack("nurses", people(1, 9))
    keys = MemoryKeys.partner()
    other = Stage(tmp_path / "other", stage.host, stage.clock, in_files=False)
    impostor = other.desk("nurses", keys=keys)
    impostor.join(stage.host.card_text())
    other.desks["nurses"] = impostor
    forged = other.pack("nurses", people(1, 9))
    with pytest.raises(ConsortiumError):
        stage.desks["nurses"].diff(mine, forged)
