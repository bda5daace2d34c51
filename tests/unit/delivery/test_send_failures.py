"""What becomes of messages when servers refuse, fall silent or go away."""

from collections import Counter
from datetime import datetime, timedelta
from itertools import pairwise

import pytest

from consortium.campaign import states
from consortium.delivery import Accepted, Envelope, Later, NotHandedOver, Outcome, Rejected, Unknown
from consortium.errors import ConsortiumError
from consortium.model import CampaignState, MessageState
from consortium.store import campaigns, messages
from consortium.testing.clock import FakeClock
from consortium.testing.transport import MemoryTransport
from tests.harness.sending import NAME, START, crowd
from tests.harness.sent import Build, ban, clock_of, recipients


def test_refused_for_now_is_tried_again_later_and_later(make: Build) -> None:
    world = make(crowd(1, "nurses"))
    at = []
    answers: list[Outcome] = [Later("451 4.7.1")] * 3 + [Accepted("250")]
    transport = MemoryTransport(answers, before=lambda _: at.append(world.clock.now()))
    result = world.send(transport, patience=None)
    assert [round((b - a).total_seconds()) for a, b in pairwise(at)] == [60, 120, 240]
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
