"""Sending a campaign, over a transport in memory and a clock that only the test moves."""

import email
import email.policy
import json
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from consortium.campaign import states
from consortium.delivery import (
    BATCH,
    Accepted,
    Envelope,
    Later,
    NotHandedOver,
    Outcome,
    Rejected,
    Unknown,
)
from consortium.errors import ConsortiumError, PolicyRefused, StateConflict
from consortium.ledger import leaves as leaf_kinds
from consortium.model import CampaignState, Channel, MessageState, Scope, Silent, UploadState
from consortium.store import campaigns, ledger, messages, partners, suppressions, uploads
from consortium.store.engine import Database
from consortium.store.suppressions import Request
from consortium.testing.clock import FakeClock
from consortium.testing.transport import MemoryTransport
from consortium.tokens import HmacTokeniser
from consortium.types import EntryIndex, PartnerSlug
from consortium.vault.wraps import campaign_scope
from tests.harness.sending import NAME, START, Someone, World, build, crowd

Build = Callable[..., World]


@pytest.fixture
def make(sqlite_database: Database, tmp_path: Path) -> Build:
    def made(people: list[Someone], **options: object) -> World:
        return build(sqlite_database, tmp_path, people, **options)  # type: ignore[arg-type] - by name

    return made


def recipients(transport: MemoryTransport) -> list[str]:
    return [envelope.recipient.reveal() for envelope in transport.taken]


def clock_of(world: World) -> FakeClock:
    assert isinstance(world.clock, FakeClock)
    return world.clock


def ban(world: World, address: str, *, partner: str | None = None) -> None:
    with world.database.write() as tx:
        request = Request(
            at=world.clock.now(),
            channel=Channel.EMAIL,
            scope=Scope.CONSORTIUM if partner is None else Scope.PARTNER,
            partner_id=None if partner is None else partners.get(tx, PartnerSlug(partner)).id,
            cause="asked",
            author="operator",
        )
        suppressions.ban(tx, request, [world.token(address)])


def leaves_of(world: World) -> list[dict[str, object]]:
    with world.database.read() as tx:
        return [
            leaf_kinds.check(json.loads(data), batch="send_batch")
            for index, entry in enumerate(list(ledger.entries(tx)))
            if json.loads(entry)["kind"] == "send_batch"
            for data in ledger.leaves(tx, EntryIndex(index))
        ]


def test_everybody_gets_one_message_in_the_owners_name_and_the_campaign_is_finished(
    make: Build,
) -> None:
    world = make(crowd(45, "nurses", "teachers"))
    transport = MemoryTransport()
    result = world.send(transport)
    assert result.state is CampaignState.FINISHED
    assert result.count(MessageState.ACCEPTED) == 45
    assert sorted(recipients(transport)) == [f"p{i:04d}@example.org" for i in range(45)]
    for envelope in transport.taken:
        number = int(envelope.recipient.reveal()[1:5])
        owner = "teachers" if number % 2 else "nurses"
        message = email.message_from_bytes(envelope.data, policy=email.policy.default)
        assert message["From"] == f"The {owner.title()} <gotv@{owner}.example>"
        assert envelope.sender == f"gotv@{owner}.example"
        assert f"unsubscribe+code1x{number + 1:08d}@{owner}.example" in message["List-Unsubscribe"]
    assert transport.closed == 1
    assert world.wraps.uploads(campaign_scope(NAME)) == []


def test_ledger_has_one_intent_and_one_outcome_for_each_message(make: Build) -> None:
    world = make(crowd(25, "nurses"))
    world.send(MemoryTransport([Later("451 4.7.1"), Rejected("550 5.1.1")]), patience=None)
    found = leaves_of(world)
    intents = [(x["message"], x["attempt"]) for x in found if x["kind"] == "intent"]
    outcomes = [(x["message"], x["attempt"]) for x in found if x["kind"] == "outcome"]
    assert len(intents) == 26
    assert sorted(intents) == sorted(outcomes)
    assert Counter(x["outcome"] for x in found if x["kind"] == "outcome") == {
        "accepted": 24,
        "later": 1,
        "rejected": 1,
    }
    with world.database.read() as tx:
        kinds = [json.loads(data)["kind"] for data in ledger.entries(tx)]
        states_said = [json.loads(data).get("state") for data in ledger.entries(tx)]
    assert kinds.count("campaign_planned") == 1
    assert [s for s in states_said if s] == ["sending", "finished"]


def test_owners_take_turns_whatever_the_length_of_their_queues(make: Build) -> None:
    people = crowd(200, "nurses") + [Someone("tenants", (f"t{i}@example.org",)) for i in range(10)]
    transport = MemoryTransport()
    make(people).send(transport)
    senders = [envelope.sender for envelope in transport.taken[:20]]
    assert Counter(senders) == {"gotv@nurses.example": 10, "gotv@tenants.example": 10}


def test_rate_is_kept_from_message_to_message_and_over_a_restart(make: Build) -> None:
    world = make(crowd(30, "nurses"), rate="5/second")
    at: list[float] = []
    seen = lambda _: at.append((world.clock.now() - START).total_seconds())  # noqa: E731
    stop_after = [12]
    world.send(MemoryTransport(after=seen), stop=lambda: len(at) >= stop_after[0], patience=None)
    assert len(at) == 12
    world.send(MemoryTransport(after=seen), patience=None)
    assert len(at) == 30
    for i, first in enumerate(at):  # at most N + burst - 1 in any second; the burst is 3
        assert sum(first <= t < first + 1 for t in at[i:]) <= 5 + 2
    assert at[-1] - at[0] >= (30 - 1 - 3) / 5


def test_opt_out_arriving_during_a_send_stops_the_next_intent(make: Build) -> None:
    world = make(crowd(60, "nurses"))
    late = "p0059@example.org"

    def opt_out(envelope: Envelope) -> None:
        if envelope.recipient.reveal() == "p0000@example.org":
            ban(world, late)

    transport = MemoryTransport(after=opt_out)
    result = world.send(transport)
    assert late not in recipients(transport)
    assert result.stopped == {("suppression", "opted_out"): 1}
    [stopped] = [x for x in leaves_of(world) if x["kind"] == "stopped"]
    assert stopped["reason"] == "opted_out"


def test_partners_ban_stops_that_partners_messages_only(make: Build) -> None:
    world = make(crowd(4, "nurses", "teachers"))
    for address in ("p0000@example.org", "p0001@example.org"):
        ban(world, address, partner="nurses")
    transport = MemoryTransport()
    result = world.send(transport)
    assert sorted(recipients(transport)) == [f"p000{i}@example.org" for i in (1, 2, 3)]
    assert result.stopped == {("suppression", "opted_out_of_partner"): 1}


def test_withdrawn_list_is_not_used_any_more(make: Build) -> None:
    world = make(crowd(50, "nurses", "teachers"))

    def withdraw(envelope: Envelope) -> None:
        if len(transport.taken) == 10:
            with world.database.write() as tx:
                upload = world.upload_ids["teachers"]
                uploads.end(tx, upload, state=UploadState.WITHDRAWN, at=world.clock.now())

    transport = MemoryTransport(after=withdraw)
    result = world.send(transport)
    assert result.stopped == {("upload", "ended"): 25 - BATCH // 2}
    assert result.state is CampaignState.FINISHED


def test_person_found_by_a_later_merge_gets_no_second_message(make: Build) -> None:
    people = [
        Someone("nurses", ("dana@example.org",), human="dana"),
        Someone("teachers", ("dana.lopez@example.net",), human="dana"),
        Someone("nurses", ("kim@example.org",)),
    ]
    transport = MemoryTransport()
    result = make(people).send(transport)
    assert len(transport.taken) == 2
    assert result.stopped == {("one_message", "already_written_to"): 1}


def test_frequency_cap_counts_other_campaigns_and_every_contact_point(make: Build) -> None:
    people = [Someone("nurses", ("dana@example.org", "d@example.net")), *crowd(3, "nurses")]
    world = make(people, guards="frequency = [{ max = 1, per_days = 7 }]")
    world.send(MemoryTransport())
    world.create(name="second")
    world.answer("nurses", name="second")
    world.plan(people[:2], name="second")
    transport = MemoryTransport()
    result = world.send(transport, name="second")
    assert transport.taken == []
    assert result.stopped == {("frequency", "too_late"): 2}


def test_quiet_hours_of_the_recipient_are_waited_for(make: Build) -> None:
    people = [
        Someone("nurses", ("west@example.org",), zones="America/Los_Angeles"),
        Someone("nurses", ("east@example.org",), zones="America/New_York"),
    ]  # it begins at 17:00 UTC: 9 o'clock in Los Angeles, 12 in New York
    world = make(people, guards="quiet_hours = { from = 20:00:00, to = 10:00:00 }", rate="1/second")
    transport = MemoryTransport()
    result = world.send(transport)
    assert recipients(transport) == ["east@example.org"]
    assert result.next_at == START + timedelta(hours=1)
    result = world.send(transport, patience=None)
    assert recipients(transport) == ["east@example.org", "west@example.org"]
    assert START + timedelta(hours=1) <= world.clock.now() < START + timedelta(hours=1, minutes=1)
    assert result.state is CampaignState.FINISHED


def test_nothing_goes_before_the_window(make: Build) -> None:
    world = make(crowd(30, "nurses"))
    clock_of(world).advance(-timedelta(minutes=10))
    transport = MemoryTransport()
    assert world.send(transport).next_at == START
    assert transport.taken == []
    assert world.send(transport, patience=None).state is CampaignState.FINISHED
    assert world.clock.now() >= START


def test_after_the_window_only_what_was_put_off_goes_and_after_the_deadline_nothing(
    make: Build,
) -> None:
    world = make(crowd(30, "nurses"), hours=1)
    clock = clock_of(world)
    clock.set(START + timedelta(minutes=59))
    at = []

    def slow(_: Envelope) -> None:
        at.append(clock.now() - START)
        clock.advance(timedelta(minutes=2))

    answers: list[Outcome] = [Later("451")] * 30
    result = world.send(MemoryTransport(answers, after=slow), patience=None)
    assert result.state is CampaignState.FINISHED
    assert result.stopped == {("deadline", "too_late"): 1, ("deadline", "window_ended"): 29}
    assert len(at) > 3
    assert max(at) <= timedelta(minutes=90)


def test_pause_takes_effect_before_the_next_batch_and_resume_goes_on(make: Build) -> None:
    world = make(crowd(60, "nurses"))

    def pause(_: Envelope) -> None:
        if len(transport.taken) == 5:
            states.pause(world.database, NAME, clock=world.clock)

    transport = MemoryTransport(after=pause)
    result = world.send(transport)
    assert (result.state, len(transport.taken)) == (CampaignState.PAUSED, BATCH)
    with pytest.raises(StateConflict, match="paused"):
        world.send(transport)
    states.resume(world.database, NAME, clock=world.clock)
    assert world.send(transport).state is CampaignState.FINISHED
    assert len(set(recipients(transport))) == len(transport.taken) == 60


def test_being_told_to_stop_gives_back_what_was_not_handed_over(make: Build) -> None:
    world = make(crowd(60, "nurses"))
    transport = MemoryTransport()
    result = world.send(transport, stop=lambda: len(transport.taken) >= 7)
    assert result.state is CampaignState.SENDING
    assert result.count(MessageState.ACCEPTED) == 7
    assert result.count(MessageState.WAITING) == 53
    assert world.send(transport).state is CampaignState.FINISHED
    assert len(set(recipients(transport))) == len(transport.taken) == 60


def test_owner_without_approval_is_held_while_others_go(make: Build) -> None:
    world = make(crowd(20, "nurses", "teachers"))
    world.answer("teachers", yes=False)
    transport = MemoryTransport()
    result = world.send(transport)
    assert result.held == {"teachers": "declined"}
    assert {envelope.sender for envelope in transport.taken} == {"gotv@nurses.example"}
    assert result.state is CampaignState.SENDING
    world.answer("teachers")
    assert world.send(transport).state is CampaignState.FINISHED
    assert len(transport.taken) == 20


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ({"digest": b"\x00" * 32}, "other_text"),
        ({"until": START - timedelta(seconds=1)}, "approval_ended"),
        ({"ceiling": 0}, "ceiling_reached"),
        ({"yes": False}, "declined"),
    ],
)
def test_newest_answer_must_be_a_yes_to_this_text_now_and_with_room(
    make: Build, answer: dict[str, object], reason: str
) -> None:
    world = make(crowd(4, "nurses", "teachers"))
    world.answer("nurses", **answer)  # type: ignore[arg-type] - by name
    transport = MemoryTransport()
    assert world.send(transport).held == {"nurses": reason}
    assert {envelope.sender for envelope in transport.taken} == {"gotv@teachers.example"}


def test_nothing_that_may_go_is_refused_by_name(make: Build) -> None:
    world = make(crowd(4, "nurses", "teachers"))
    world.answer("nurses", yes=False)
    world.wraps.drop(campaign_scope(NAME), upload=world.digests["teachers"])
    with pytest.raises(PolicyRefused) as caught:
        world.send(MemoryTransport())
    assert caught.value.message == (
        "nurses has declined this campaign, and 1 more hold theirs back"
    )


def test_ceiling_is_never_passed_and_a_higher_one_lets_the_rest_go(make: Build) -> None:
    world = make(crowd(50, "nurses"))
    world.answer("nurses", ceiling=33)
    transport = MemoryTransport([Rejected("550 5.1.1"), Unknown("timeout"), Later("451")])
    result = world.send(transport, patience=None)
    assert result.held == {"nurses": "ceiling_reached"}
    assert result.count(MessageState.WAITING) == 17
    world.answer("nurses", ceiling=50)
    assert world.send(transport, patience=None).state is CampaignState.FINISHED


def test_without_a_wrap_nothing_of_an_upload_is_opened(make: Build) -> None:
    world = make(crowd(6, "nurses", "teachers"))
    world.wraps.drop(campaign_scope(NAME), upload=world.digests["nurses"])
    result = world.send(transport := MemoryTransport())
    assert result.held == {"nurses": "no_wrap"}
    assert {envelope.sender for envelope in transport.taken} == {"gotv@teachers.example"}
    world.answer("nurses")
    assert world.send(transport).state is CampaignState.FINISHED


def test_wrap_around_another_key_opens_nothing_and_spends_no_recipient(make: Build) -> None:
    world = make(crowd(6, "nurses", "teachers"))
    nurses, teachers = world.digests["nurses"], world.digests["teachers"]
    foreign = world.wraps.get(campaign_scope(NAME), upload=teachers)
    assert foreign is not None
    world.wraps.put(campaign_scope(NAME), upload=nurses, wrap=foreign)
    assert world.send(MemoryTransport()).held == {"nurses": "no_wrap"}


def test_standing_yes_needs_no_answer_and_uses_the_standing_wrap(make: Build) -> None:
    world = make(crowd(4, "nurses", "teachers"))
    world.set_policy("nurses", approval="standing")
    world.create(name="second")
    world.answer("teachers", name="second")
    world.plan(crowd(4, "nurses", "teachers"), name="second")
    assert world.send(MemoryTransport(), name="second").held == {"nurses": "no_wrap"}
    world.wrap("nurses")
    transport = MemoryTransport()
    assert world.send(transport, name="second").state is CampaignState.FINISHED
    assert {envelope.sender for envelope in transport.taken} == {"gotv@nurses.example"}


def test_details_moved_to_another_row_reach_nobody(make: Build) -> None:
    world = make(crowd(4, "nurses"))
    with world.database.write() as tx:
        tx.connection.exec_driver_sql(
            "UPDATE consortium_source_row SET details ="
            " (SELECT details FROM consortium_source_row WHERE number = 1) WHERE number = 3"
        )
    transport = MemoryTransport()
    result = world.send(transport)
    assert recipients(transport) == [f"p000{i}@example.org" for i in (0, 1, 3)]
    assert result.stopped == {("details", "do_not_open"): 1}


def test_message_moved_to_another_contact_point_reaches_nobody(make: Build) -> None:
    world = make(crowd(4, "nurses"))
    with world.database.write() as tx:
        tx.connection.exec_driver_sql(
            "UPDATE consortium_message SET row_id ="
            " (SELECT row_id FROM consortium_message WHERE number = 1) WHERE number = 3"
        )
    result = world.send(MemoryTransport())
    assert set(result.stopped) <= {
        ("details", "other_address"),
        ("one_message", "already_written_to"),
    }
    assert result.count(MessageState.STOPPED) == 1


def test_second_address_of_a_row_is_used_when_the_plan_chose_it(make: Build) -> None:
    people = [Someone("nurses", ("first@example.org", "second@example.org"))]
    world = make(people)
    with world.database.write() as tx:
        tx.connection.exec_driver_sql(
            "UPDATE consortium_message SET point_id = (SELECT point_id FROM consortium_row_contact"
            " WHERE position = 1)"
        )
    transport = MemoryTransport()
    world.send(transport)
    assert recipients(transport) == ["second@example.org"]


def test_opt_out_under_another_key_epoch_stops_the_message_at_the_last_moment(
    make: Build,
) -> None:
    world = make(crowd(4, "nurses"))
    older = HmacTokeniser(b"\xaa" * 32, epoch=0)
    with world.database.write() as tx:
        request = Request(
            at=world.clock.now(),
            channel=Channel.EMAIL,
            scope=Scope.CONSORTIUM,
            partner_id=None,
            cause="asked",
            author="operator",
        )
        suppressions.ban(tx, request, older.contact("email", ["p0002@example.org"]))
    transport = MemoryTransport()
    result = world.send(transport, tokenisers=[world.tokeniser, older])
    assert "p0002@example.org" not in recipients(transport)
    assert result.stopped == {("suppression", "opted_out"): 1}
    assert result.state is CampaignState.FINISHED


def test_refused_for_now_is_tried_again_later_and_later(make: Build) -> None:
    world = make(crowd(1, "nurses"))
    at = []
    answers: list[Outcome] = [Later("451 4.7.1")] * 3 + [Accepted("250")]
    transport = MemoryTransport(answers, before=lambda _: at.append(world.clock.now()))
    result = world.send(transport, patience=None)
    assert [round((b - a).total_seconds()) for a, b in pairwise(at)] == [
        60,
        120,
        240,
    ]
    assert result.state is CampaignState.FINISHED


def test_unknown_is_named_and_never_tried_again(make: Build) -> None:
    world = make(crowd(3, "nurses"))
    transport = MemoryTransport([Accepted("250"), Unknown("connection_lost")])
    result = world.send(transport)
    assert result.unknown == ("m-2",)
    assert result.state is CampaignState.FINISHED
    assert transport.offered == 3


def test_third_refusal_that_is_about_us_counts_as_the_recipients(make: Build) -> None:
    world = make(crowd(1, "nurses"))
    transport = MemoryTransport([Rejected("550 5.7.1")] * 3)
    result = world.send(transport, patience=None)
    assert transport.offered == 3
    assert result.count(MessageState.REJECTED) == 1


def test_flood_of_refusals_about_us_pauses_before_more_recipients_are_spent(
    make: Build,
) -> None:
    world = make(crowd(60, "nurses"))
    with pytest.raises(ConsortiumError, match=r"keeps refusing our messages \(550 5\.7\.1\)"):
        world.send(MemoryTransport([Rejected("550 5.7.1")] * 60))
    with world.database.read() as tx:
        campaign = campaigns.get(tx, NAME)
        counted = Counter[MessageState]()
        for t in messages.tally(tx, campaign.id):
            counted[t.state] += t.messages
    assert campaign.state is CampaignState.PAUSED
    assert counted == {MessageState.WAITING: 60}


def test_flood_of_refusals_is_told_even_if_somebody_has_paused_already(make: Build) -> None:
    world = make(crowd(30, "nurses"))
    answers: list[Outcome] = [Rejected("550 5.7.1")] * 30

    def pause(_: Envelope) -> None:
        if transport.offered == 3:
            states.pause(world.database, NAME, clock=world.clock)

    transport = MemoryTransport(answers, after=pause)
    with pytest.raises(ConsortiumError, match="keeps refusing our messages"):
        world.send(transport)


def test_sender_side_failure_ends_the_run_and_everything_still_waits(make: Build) -> None:
    world = make(crowd(30, "nurses"))
    trouble = ConsortiumError("mail.example refused the login (535)")
    with pytest.raises(ConsortiumError, match="refused the login"):
        world.send(MemoryTransport([Accepted("250"), trouble]))
    transport = MemoryTransport()
    result = world.send(transport)
    assert result.unknown == ()
    assert len(transport.taken) == 29


def test_server_that_cannot_be_reached_ends_the_run_after_a_minute_of_trying(
    make: Build,
) -> None:
    world = make(crowd(30, "nurses"))
    with pytest.raises(ConsortiumError, match="could not be reached 6 times in a row; 30"):
        world.send(MemoryTransport([NotHandedOver("no_connection")] * 10), patience=None)
    assert 30 <= (world.clock.now() - START).total_seconds() <= 60
    assert world.send(MemoryTransport()).state is CampaignState.FINISHED


def test_lost_answers_in_a_row_end_the_run(make: Build) -> None:
    world = make(crowd(30, "nurses"))
    with pytest.raises(ConsortiumError, match="3 messages in a row without an answer"):
        world.send(MemoryTransport([Unknown("timeout")] * 30))
    transport = MemoryTransport()
    result = world.send(transport)
    assert (len(result.unknown), len(transport.taken)) == (3, 27)


def test_intent_that_has_grown_old_is_given_back_and_decided_anew(make: Build) -> None:
    world = make(crowd(25, "nurses"))
    ages = []

    def slow(_: Envelope) -> None:
        with world.database.read() as tx:
            [(at,)] = tx.connection.exec_driver_sql(
                "SELECT max(intended_at) FROM consortium_attempt"
            ).all()
        ages.append(world.clock.now().timestamp() - at / 1e6)
        clock_of(world).advance(timedelta(seconds=2))

    result = world.send(MemoryTransport(before=slow), patience=None)
    assert result.count(MessageState.ACCEPTED) == 25
    assert max(ages) <= 5


class _InterruptedClock(FakeClock):
    """Ctrl-C comes when somebody next asks what time it is."""

    armed = False

    def now(self) -> datetime:
        if self.armed:
            self.armed = False
            raise KeyboardInterrupt
        return super().now()


def test_interrupt_between_an_answer_and_its_note_never_sends_the_message_again(
    make: Build,
) -> None:
    clock = _InterruptedClock(START)
    world = make(crowd(5, "nurses"), clock=clock)
    transport = MemoryTransport(after=lambda _: setattr(clock, "armed", len(transport.taken) == 2))
    with pytest.raises(KeyboardInterrupt):
        world.send(transport)
    result = world.send(transport)
    assert sorted(recipients(transport)) == [f"p{i:04d}@example.org" for i in range(5)]
    assert result.unknown == ("m-2",)
    assert result.count(MessageState.ACCEPTED) == 4


def test_clock_turned_back_does_not_keep_an_intent_waiting(make: Build) -> None:
    world = make(crowd(3, "nurses"), rate="5/second")
    turns = [timedelta(hours=-1)]

    def turned_back(_: Envelope) -> None:
        if turns:
            clock_of(world).advance(turns.pop())
            ban(world, "p0001@example.org")

    transport = MemoryTransport(after=turned_back)
    result = world.send(transport, patience=None)
    assert recipients(transport) == ["p0000@example.org", "p0002@example.org"]
    assert result.stopped == {("suppression", "opted_out"): 1}


QUIET_AT_NIGHT = "quiet_hours = { from = 18:00:00, to = 08:00:00 }"
BEFORE_QUIET = datetime(2026, 11, 4, 1, 59, 58, tzinfo=UTC)  # two seconds before 18:00 in Oregon


def slowly(world: World, times: list[datetime]) -> MemoryTransport:
    """Takes a second for each message, and notes when the server has it."""

    def before(_: Envelope) -> None:
        clock_of(world).advance(timedelta(seconds=0.7))

    def after(_: Envelope) -> None:
        times.append(clock_of(world).now())
        clock_of(world).advance(timedelta(seconds=0.3))

    return MemoryTransport(before=before, after=after)


def test_first_quiet_hour_ends_a_batch_that_is_under_way(make: Build) -> None:
    world = make(crowd(9, "nurses"), guards=QUIET_AT_NIGHT, hours=20, clock=FakeClock(BEFORE_QUIET))
    times: list[datetime] = []
    result = world.send(slowly(world, times), patience=None)
    assert result.count(MessageState.ACCEPTED) == 9
    begin = BEFORE_QUIET + timedelta(seconds=2)
    assert [t for t in times if begin <= t < begin + timedelta(hours=14)] == []
    assert times[0] < begin


def test_end_of_the_window_ends_a_batch_that_is_under_way(make: Build) -> None:
    world = make(crowd(9, "nurses"))
    end = START + timedelta(hours=3)
    clock_of(world).set(end - timedelta(seconds=2))
    times: list[datetime] = []
    result = world.send(slowly(world, times), patience=None)
    assert result.stopped == {("deadline", "window_ended"): 9 - len(times)}
    assert len(times) == 2
    assert max(times) <= end


def test_end_of_an_approval_ends_a_batch_that_is_under_way(make: Build) -> None:
    world = make(crowd(9, "nurses"))
    end = START + timedelta(seconds=2)
    world.answer("nurses", until=end)
    times: list[datetime] = []
    result = world.send(slowly(world, times), patience=None)
    assert result.held == {"nurses": "approval_ended"}
    assert len(times) == 2
    assert max(times) <= end


def test_only_one_process_sends_a_campaign(make: Build) -> None:
    world = make(crowd(3, "nurses"))

    def again(_: Envelope) -> None:
        with pytest.raises(StateConflict):
            world.send(MemoryTransport())

    assert world.send(MemoryTransport(before=again)).state is CampaignState.FINISHED


def test_observer_is_told_of_every_message_once(make: Build) -> None:
    class Watcher:
        def __init__(self) -> None:
            self.total: int | None = None
            self.steps = 0
            self.last: dict[str, float | str] = {}

        def begin(self, label: str, total: int | None) -> None:
            self.total = total

        def advance(self, steps: int, **facts: float | str) -> None:
            self.steps += steps
            self.last = facts

        def end(self) -> None:
            pass

    world = make(crowd(40, "nurses"))
    ban(world, "p0003@example.org")
    transport = MemoryTransport([Unknown("timeout"), Later("451")])
    world.send(transport, stop=lambda: transport.offered >= 10, observer=(first := Watcher()))
    assert (first.total, first.steps, first.last["later"]) == (40, 10, 1)
    world.send(transport, patience=None, observer=(second := Watcher()))
    assert (second.total, second.steps) == (40, 40)
    assert (second.last["accepted"], second.last["unknown"], second.last["stopped"]) == (38, 1, 1)


class _Broken(Silent):
    """Its screen goes away after so many reports."""

    def __init__(self, reports: int) -> None:
        self.left = reports

    def advance(self, steps: int = 1, **facts: float | str) -> None:
        self.left -= 1
        if self.left <= 0:
            raise BrokenPipeError


@pytest.mark.parametrize("reports", [1, 2, 3])
def test_observer_that_fails_leaves_no_message_in_doubt(make: Build, reports: int) -> None:
    world = make(crowd(45, "nurses"))
    transport = MemoryTransport()
    with pytest.raises(BrokenPipeError):
        world.send(transport, observer=_Broken(reports))
    result = world.send(transport)
    assert result.unknown == ()
    assert sorted(recipients(transport)) == [f"p{i:04d}@example.org" for i in range(45)]


def test_message_is_in_the_recipients_language(make: Build) -> None:
    people = [Someone("nurses", ("a@example.org",), language="es", first_name="Zoë")]
    transport = MemoryTransport()
    make(people).send(transport)
    message = email.message_from_bytes(transport.taken[0].data, policy=email.policy.default)
    assert isinstance(message, email.message.EmailMessage)
    assert message.get_content().startswith("Hola Zoë, el buzón cierra a las 8.")
