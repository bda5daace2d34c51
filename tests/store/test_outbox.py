"""The outbox and what is read for its decisions, on both databases."""

import threading
from datetime import timedelta
from pathlib import Path

import pytest

from consortium.errors import NotFound, StateConflict
from consortium.model import Channel, ConsentBasis, MessageState, Scope, UploadState
from consortium.policy.facts import SuppressionFact
from consortium.store import (
    campaigns,
    ledger,
    messages,
    opt_outs,
    outbox,
    partners,
    policies,
    recipients,
    suppressions,
    uploads,
)
from consortium.store.engine import Database, Tx
from consortium.store.outbox import Intent, Settlement
from consortium.store.suppressions import Request
from consortium.types import EntryIndex, PartnerSlug
from tests.harness.sending import NAME, START, Someone, World, build, crowd

LATER = START + timedelta(minutes=5)


@pytest.fixture
def world(database: Database, tmp_path: Path) -> World:
    return build(database, tmp_path, crowd(6, "nurses", "teachers"))


def owner(tx: Tx, slug: str) -> int:
    return partners.get(tx, PartnerSlug(slug)).id


def campaign_id(tx: Tx) -> int:
    return campaigns.get(tx, NAME).id


def due(tx: Tx, slug: str = "nurses", **options: object) -> list[int]:
    given: dict[str, object] = {"now": START, "limit": 100, **options}
    return outbox.waiting(tx, campaign_id(tx), owner_id=owner(tx, slug), **given)  # type: ignore[arg-type] - by name


def settled(intent: Intent, outcome: str, state: MessageState) -> Settlement:
    return Settlement(intent, outcome, None, state, LATER, LATER)  # type: ignore[arg-type] - by name


def states(world: World) -> dict[MessageState, int]:
    with world.database.read() as tx:
        found: dict[MessageState, int] = {}
        for t in messages.tally(tx, campaign_id(tx)):
            found[t.state] = found.get(t.state, 0) + t.messages
        return found


def request(scope: Scope = Scope.CONSORTIUM, partner_id: int | None = None) -> Request:
    return Request(START, Channel.EMAIL, scope, partner_id, "asked", "operator")


def test_message_goes_from_waiting_to_intended_to_its_end(world: World) -> None:
    with world.database.write() as tx:
        first, second, third = outbox.intend(tx, due(tx), at=START)
    assert [i.attempt for i in (first, second, third)] == [1, 1, 1]
    assert states(world) == {MessageState.WAITING: 3, MessageState.INTENDED: 3}
    with world.database.write() as tx:
        outbox.settle(
            tx,
            [
                settled(first, "accepted", MessageState.ACCEPTED),
                settled(second, "later", MessageState.WAITING),
                settled(third, "unknown", MessageState.UNKNOWN),
            ],
        )
    assert states(world) == {
        MessageState.WAITING: 4,
        MessageState.ACCEPTED: 1,
        MessageState.UNKNOWN: 1,
    }
    with world.database.write() as tx:
        assert due(tx) == []
        assert due(tx, now=LATER) == [second.message_id]
        [again] = outbox.intend(tx, [second.message_id], at=LATER)
        assert again.attempt == 2
        assert messages.handed_over(tx, campaign_id(tx)) == {owner(tx, "nurses"): 3}
        assert messages.names(tx, campaign_id(tx), state=MessageState.UNKNOWN) == [
            f"m-{third.message_id}"
        ]


def test_message_that_is_not_waiting_cannot_be_intended_stopped_or_postponed(
    world: World,
) -> None:
    with world.database.write() as tx:
        [first, *_] = outbox.intend(tx, due(tx), at=START)
    for wrong in (
        lambda tx: outbox.intend(tx, [first.message_id], at=START),
        lambda tx: outbox.stop(tx, [first.message_id], rule="x", reason="y", at=START),
        lambda tx: outbox.postpone(tx, [first.message_id], until=LATER),
    ):
        with pytest.raises(StateConflict), world.database.write() as tx:
            wrong(tx)
    assert states(world) == {MessageState.WAITING: 3, MessageState.INTENDED: 3}


def test_outcome_is_recorded_once(world: World) -> None:
    with world.database.write() as tx:
        [first, *_] = outbox.intend(tx, due(tx), at=START)
        outbox.settle(tx, [settled(first, "accepted", MessageState.ACCEPTED)])
    with pytest.raises(StateConflict), world.database.write() as tx:
        outbox.settle(tx, [settled(first, "later", MessageState.WAITING)])


def test_one_wrong_change_undoes_its_whole_transaction(world: World) -> None:
    with world.database.read() as tx:
        [first, *_] = due(tx)
    with pytest.raises(StateConflict), world.database.write() as tx:
        outbox.intend(tx, [first, 999_999], at=START)
    assert states(world) == {MessageState.WAITING: 6}


def test_orphans_are_the_intents_without_an_outcome_with_their_attempt(world: World) -> None:
    with world.database.write() as tx:
        first, second, third = outbox.intend(tx, due(tx), at=START)
        outbox.settle(tx, [settled(first, "accepted", MessageState.ACCEPTED)])
        outbox.settle(tx, [settled(second, "later", MessageState.WAITING)])
        [again] = outbox.intend(tx, [second.message_id], at=LATER)
    with world.database.read() as tx:
        assert outbox.orphans(tx, campaign_id(tx)) == [third, again]
        assert again.attempt == 2


def test_entries_are_noted_for_intents_and_outcomes_apart(world: World) -> None:
    with world.database.write() as tx:
        first, second, _ = outbox.intend(tx, due(tx), at=START)
        done = settled(first, "accepted", MessageState.ACCEPTED)
        outbox.settle(tx, [done])
        outbox.set_entries(tx, intents=[first, second], settlements=[done], entry=EntryIndex(7))
        rows = tx.connection.exec_driver_sql(
            "SELECT intent_entry, outcome_entry FROM consortium_attempt ORDER BY id"
        ).all()
    assert [tuple(row) for row in rows] == [(7, 7), (7, None), (0, None)]


def test_overdue_tells_the_untried_from_those_put_off(world: World) -> None:
    with world.database.write() as tx:
        first, second, _ = outbox.intend(tx, due(tx), at=START)
        outbox.settle(
            tx,
            [
                settled(first, "later", MessageState.WAITING),
                settled(second, "not_handed_over", MessageState.WAITING),
            ],
        )
        every = outbox.overdue(tx, campaign_id(tx), limit=100, untried=False)
        untried = outbox.overdue(tx, campaign_id(tx), limit=100, untried=True)
    assert len(every) == 5
    assert {i for i, _ in every} - {i for i, _ in untried} == {first.message_id}
    assert dict(every)[first.message_id] == 1


def test_shut_uploads_and_other_owners_are_left_out(world: World) -> None:
    shut = [world.upload_ids["nurses"]]
    with world.database.write() as tx:
        both = [owner(tx, "nurses"), owner(tx, "teachers")]
        assert due(tx, without_uploads=shut) == []
        assert len(due(tx, "teachers", without_uploads=shut)) == 3
        outbox.postpone(tx, due(tx, "teachers"), until=LATER)
        first = campaign_id(tx)
        assert outbox.next_due(tx, first, owner_ids=both) == START
        assert outbox.next_due(tx, first, owner_ids=both, without_uploads=shut) == LATER
        assert outbox.next_due(tx, first, owner_ids=[]) is None


def test_tally_is_by_owner_state_rule_and_reason(world: World) -> None:
    with world.database.write() as tx:
        outbox.stop(tx, due(tx)[:2], rule="suppression", reason="opted_out", at=START)
        found = messages.tally(tx, campaign_id(tx))
    assert [(t.owner, t.state.value, t.rule, t.messages) for t in found] == [
        ("nurses", "stopped", "suppression", 2),
        ("nurses", "waiting", None, 1),
        ("teachers", "waiting", None, 3),
    ]


def test_message_is_found_by_what_people_call_it(world: World) -> None:
    with world.database.read() as tx:
        [first, *_] = due(tx)
        assert messages.message_id(tx, f"m-{first}") == first
        for wrong in ("m-999999", "m-", "999", "m-1x", "m-" + "9" * 40, "M-1", "m--1"):
            with pytest.raises(NotFound):
                messages.message_id(tx, wrong)


def test_facts_are_those_of_todays_person(database: Database, tmp_path: Path) -> None:
    people = [
        Someone("nurses", ("dana@example.org",), human="dana", zones="America/Los_Angeles"),
        Someone("teachers", ("d@example.net",), human="dana", zones="America/New_York"),
        Someone("tenants", ("dl@example.com",), human="dana", basis=ConsentBasis.NONE),
        Someone("nurses", ("kim@example.org",)),
    ]
    world = build(database, tmp_path, people)
    with database.write() as tx:
        suppressions.ban(
            tx, request(Scope.PARTNER, owner(tx, "teachers")), [world.token("kim@example.org")]
        )
        ids = [i for slug in world.upload_ids for i in due(tx, slug)]
        found = {c.number: c for c in recipients.read(tx, ids, day=START.date())}
        assert found[1].person.zones == ("America/Los_Angeles", "America/New_York")
        assert found[1].person.guarded_by == ("nurses", "teachers")
        assert found[1].person_id == found[2].person_id != found[4].person_id
        assert (found[1].person.country, found[1].person.prior) == ("US", ())
        assert found[4].person.suppressions == (SuppressionFact(Channel.EMAIL, "teachers"),)
        assert found[1].row is not None
        assert found[1].row.basis is ConsentBasis.EXPRESS
        assert not found[1].written_to
        assert not found[1].tried
        [intent] = outbox.intend(tx, [found[1].message_id], at=START)
        [other] = recipients.read(tx, [found[2].message_id], day=START.date())
        assert other.written_to
        assert [m.at for m in other.person.prior] == [START]
        outbox.settle(tx, [settled(intent, "later", MessageState.WAITING)])
        [first] = recipients.read(tx, [found[1].message_id], day=START.date())
        assert (first.tried, first.written_to, first.person.prior) == (True, False, ())


def test_row_of_an_ended_or_expired_upload_is_not_there(world: World) -> None:
    with world.database.write() as tx:
        uploads.end(
            tx, world.upload_ids["nurses"], state=UploadState.WITHDRAWN, at=world.clock.now()
        )
        ids = [*due(tx), *due(tx, "teachers")]
        found = recipients.read(tx, ids, day=START.date())
        assert [c.row is None for c in found] == [c.owner == "nurses" for c in found]
        assert all(c.person_id is None for c in found if c.owner == "nurses")
        tx.connection.exec_driver_sql("UPDATE consortium_upload SET expires_on = '2026-11-02'")
        assert all(c.row is None for c in recipients.read(tx, ids, day=START.date()))


def test_ban_under_way_is_waited_for_and_seen(world: World) -> None:
    """So the ledger never has an intent after the opt-out that forbids it."""
    seen: list[bool] = []
    began = threading.Event()

    def decide() -> None:
        began.wait(10)
        with world.database.write() as tx:
            found = recipients.read(tx, due(tx), day=START.date())
            seen.extend(bool(c.person.suppressions) for c in found)

    thread = threading.Thread(target=decide)
    thread.start()
    with world.database.write() as tx:
        suppressions.ban(tx, request(), [world.token("p0000@example.org")])
        began.set()
        thread.join(0.5)
        assert thread.is_alive()
    thread.join(20)
    assert seen == [True, False, False]


def test_intents_of_two_campaigns_are_decided_one_after_the_other(world: World) -> None:
    """So each sees what the other may have handed over, and caps and "one message" hold."""
    heard: list[int] = []
    began = threading.Event()

    def decide() -> None:
        began.wait(10)
        with world.database.write() as tx:
            ids = outbox.waiting(
                tx, campaigns.get(tx, "other").id, owner_id=owner(tx, "nurses"), now=START, limit=9
            )
            heard.extend(len(c.person.prior) for c in recipients.read(tx, ids, day=START.date()))

    world.create(name="other")
    world.plan(crowd(6, "nurses", "teachers"), name="other")
    thread = threading.Thread(target=decide)
    thread.start()
    with world.database.write() as tx:
        first = due(tx)[:1]
        recipients.read(tx, first, day=START.date())
        outbox.intend(tx, first, at=START)
        began.set()
        thread.join(0.5)
    thread.join(20)
    assert heard == [1, 0, 0]


def test_policy_being_set_is_waited_for(
    world: World,
) -> None:
    """So the ledger never has an intent under a policy that was replaced before it."""
    read: list[int] = []
    began = threading.Event()

    def decide() -> None:
        began.wait(10)
        with world.database.write() as tx:
            read.append(policies.current(tx)[PartnerSlug("nurses")].version)

    thread = threading.Thread(target=decide)
    thread.start()
    with world.database.write() as tx:
        policies.set(
            tx,
            owner(tx, "nurses"),
            document="another",
            digest=b"\x09" * 32,
            signature=b"\x01" * 64,
            at=START,
            entry=EntryIndex(0),
        )
        began.set()
        thread.join(0.5)
        assert thread.is_alive()
    thread.join(20)
    assert read == [2]


def test_code_leads_to_its_contact_point_in_either_case(world: World) -> None:
    with world.database.read() as tx:
        found = opt_outs.by_code(tx, "CODE1X00000002".lower())
        assert found is not None
        assert found.token == world.token("p0001@example.org")
        assert found.channel is Channel.EMAIL
        assert opt_outs.by_code(tx, "code1x00000099") is None


def test_mail_is_marked_as_read_once(world: World) -> None:
    with world.database.write() as tx:
        assert not opt_outs.was_read(tx, b"\x01" * 32)
        assert opt_outs.mark_read(tx, b"\x01" * 32, kind="already", at=START)
        assert not opt_outs.mark_read(tx, b"\x01" * 32, kind="already", at=START)
        assert opt_outs.was_read(tx, b"\x01" * 32)
        assert ledger.size(tx) == 1  # the plan's entry alone
