"""Taking back that rows are two people: who may, what of it, and that nothing is left behind."""

from __future__ import annotations

import pytest

from consortium.errors import EvidenceError, NotFound, PolicyRefused, StateConflict, UsageError
from consortium.identity import decisions, taking_back
from consortium.identity.taking_back import TakenBack
from consortium.ledger import canonical
from consortium.model import UploadState
from consortium.store import decisions as kept
from consortium.store import ledger, uploads
from consortium.store.carry_over import carry_over
from consortium.store.engine import Database
from consortium.types import EntryIndex, PartnerSlug
from tests.store.test_decisions import FATHER, SECRET, SON, apart, card, never, record, with_key
from tests.store.test_decisions import word as signed_word
from tests.unit.identity.world import ORIGIN, World, row

FATHER_MOVED = row("john", "smith", emails=(1,), phones=(101,), house="7", postcode="27000")
SON_MOVED = row("john", "smith", emails=(2,), phones=(101, 105))


@pytest.fixture
def world(database: Database) -> World:
    return with_key(World.begin(database), "p1")


def said(world: World, one: str = "u-0001:1", other: str = "u-0001:2") -> EntryIndex:
    entry = never(world, one, other).entry
    assert entry is not None
    return entry


def again(world: World, entry: int) -> TakenBack:
    return taking_back.take_back(world.database, entry, clock=world.clock)


def owner_takes_back(world: World, answer: str) -> TakenBack:
    text = taking_back.sign(answer, partner=PartnerSlug("p1"), origin=ORIGIN, sign_key=SECRET)
    return taking_back.record(
        world.database, text, card=card(), clock=world.clock, name="p1.taken-back"
    )


def test_rows_are_one_person_again_from_the_next_merge_on(world: World) -> None:
    upload = world.upload([FATHER, SON])
    entry = said(world)
    world.merge()
    assert apart(world, (upload, 1), (upload, 2))
    found = again(world, entry)
    assert (found.pairs, found.word) == (1, entry)
    assert apart(world, (upload, 1), (upload, 2))  # persons are those of the last merge
    assert world.merge().judged_rows == 2
    assert not apart(world, (upload, 1), (upload, 2))
    assert world.merge().entry is None
    assert world.merge(full=True).changed_rows == 0


def test_what_is_not_concerned_is_not_looked_at(world: World) -> None:
    world.upload([FATHER, SON, row("mary", "jones", emails=(9,)), row("ann", "lee", emails=(8,))])
    entry = said(world)
    world.merge()
    again(world, entry)
    assert world.merge().judged_rows == 2


def test_rows_of_a_later_list_that_say_the_same_are_judged_anew_too(world: World) -> None:
    first = world.upload([FATHER, SON])
    entry = said(world)
    world.merge()
    world.withdraw(first)
    world.erase(first)
    later = world.upload([SON, FATHER])
    world.merge()
    assert apart(world, (later, 1), (later, 2))
    again(world, entry)
    world.merge()
    assert not apart(world, (later, 1), (later, 2))
    assert world.merge(full=True).changed_rows == 0


def test_what_was_carried_over_goes_with_it_and_not_without_it(world: World) -> None:
    entry = said_and_replaced(world)
    with world.database.read() as tx:
        root, carried = kept.all_of(tx)
    assert (root.entry, carried.follows) == (entry, entry)
    with pytest.raises(UsageError, match=f"carries entry {entry} over") as refused:
        again(world, carried.entry)
    assert f"merge take-back {entry}" in refused.value.hint
    world.merge()
    assert apart(world, (2, 1), (2, 2))
    again(world, entry)
    world.merge()
    assert not apart(world, (2, 1), (2, 2))
    assert world.merge(full=True).changed_rows == 0


def said_and_replaced(world: World) -> EntryIndex:
    world.upload([FATHER, SON])
    entry = said(world)
    replaced(world)
    return entry


def replaced(world: World) -> int:
    """Upload 2 in the place of upload 1; how many pairs were carried over."""
    world.upload([FATHER_MOVED, SON_MOVED])
    with world.database.write() as tx:
        uploads.end(tx, 1, state=UploadState.WITHDRAWN, at=world.clock.now())
        now = world.clock.now()
        return carry_over(tx, uploads.by_id(tx, 1), uploads.by_id(tx, 2), at=now)


def test_nothing_of_it_follows_to_a_newer_list(world: World) -> None:
    world.upload([FATHER, SON])
    again(world, said(world))
    assert replaced(world) == 0


def test_the_ledger_keeps_both_entries_and_the_later_names_the_earlier(world: World) -> None:
    world.upload([FATHER, SON])
    entry = said(world)
    found = again(world, entry)
    assert found.entry is not None
    with world.database.read() as tx:
        [listed] = kept.all_of(tx)
        told = canonical.decode(ledger.entry(tx, found.entry))
        assert canonical.decode(ledger.entry(tx, entry))["kind"] == "never_merge_added"
    assert (told["kind"], told["entry"], told["by"]) == (
        "never_merge_taken_back",
        entry,
        "operator",
    )
    assert listed.taken_back == found.entry
    assert again(world, entry) == TakenBack(1, entry, None)


def test_it_can_be_said_anew_and_taken_back_anew(world: World) -> None:
    upload = world.upload([FATHER, SON])
    again(world, said(world))
    second = said(world)
    world.merge()
    assert apart(world, (upload, 1), (upload, 2))
    again(world, second)
    world.merge()
    assert not apart(world, (upload, 1), (upload, 2))


def test_an_owner_takes_back_its_own_word(world: World) -> None:
    upload = world.upload([FATHER, SON])
    answer = signed_word(world, ((upload, 1), (upload, 2)))
    entry = record(world, answer).entry
    world.merge()
    found = owner_takes_back(world, answer)
    assert (found.pairs, found.word) == (1, entry)
    assert owner_takes_back(world, answer).entry is None
    world.merge()
    assert not apart(world, (upload, 1), (upload, 2))


def test_an_old_answer_does_not_come_to_life_again_but_a_new_one_holds(world: World) -> None:
    upload = world.upload([FATHER, SON])
    answer = signed_word(world, ((upload, 1), (upload, 2)))
    record(world, answer)
    owner_takes_back(world, answer)
    with pytest.raises(StateConflict, match="taken back by p1"):
        record(world, answer)
    world.clock.sleep(1)
    assert record(world, signed_word(world, ((upload, 1), (upload, 2)))).pairs == 1
    world.merge()
    assert apart(world, (upload, 1), (upload, 2))


def test_nobody_takes_back_the_word_of_another(world: World) -> None:
    upload = world.upload([FATHER, SON])
    answer = signed_word(world, ((upload, 1), (upload, 2)))
    entry = record(world, answer).entry
    assert entry is not None
    with pytest.raises(PolicyRefused, match="the word of p1, who alone takes it back"):
        again(world, entry)
    with pytest.raises(EvidenceError):  # signed by another key
        taking_back.sign(
            answer, partner=PartnerSlug("p1"), origin=ORIGIN, sign_key=bytes(range(1, 33))
        )
    other = signed_word(with_key(world, "p2"), ((upload, 1), (upload, 2)), slug="p2")
    text = taking_back.sign(other, partner=PartnerSlug("p2"), origin=ORIGIN, sign_key=SECRET)
    with pytest.raises(NotFound, match="never recorded here"):
        taking_back.record(
            world.database, text, card=card(), clock=world.clock, name="p2.taken-back"
        )
    for wrong in (text.replace("— p2 ", "— p1 "), text.replace('"p2"', '"p1"'), answer):
        with pytest.raises(EvidenceError):
            taking_back.record(
                world.database, wrong, card=card(), clock=world.clock, name="p2.taken-back"
            )
    world.merge()
    assert apart(world, (upload, 1), (upload, 2))


def test_one_partys_word_does_not_rest_on_anothers(world: World) -> None:
    """Both say it; whichever is taken back, the other's holds."""
    upload = world.upload([FATHER, SON])
    entry = said(world)
    answer = signed_word(world, ((upload, 1), (upload, 2)))
    assert record(world, answer).pairs == 1
    again(world, entry)
    world.merge()
    assert apart(world, (upload, 1), (upload, 2))
    owner_takes_back(world, answer)
    world.merge()
    assert not apart(world, (upload, 1), (upload, 2))


@pytest.mark.parametrize("entry", [7, 2**40])
def test_an_entry_that_says_nothing_of_rows_is_refused(world: World, entry: int) -> None:
    upload = world.upload([FATHER, SON])
    decisions.say_never(world.database, "u-0001:1", "u-0001:2", clock=world.clock)
    with pytest.raises(NotFound, match="does not say"):
        again(world, entry)
    world.merge()
    assert apart(world, (upload, 1), (upload, 2))
