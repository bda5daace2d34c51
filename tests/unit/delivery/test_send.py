"""Sending a campaign, over a transport in memory and a clock that only the test moves."""

import email
import email.policy
import json
from collections import Counter

import pytest

from consortium.delivery import Envelope, Later, Rejected, Unknown
from consortium.errors import StateConflict
from consortium.model import CampaignState, MessageState, Silent
from consortium.store import ledger
from consortium.testing.transport import MemoryTransport
from consortium.vault.wraps import campaign_scope
from tests.harness.sending import NAME, START, Someone, crowd
from tests.harness.sent import Build, ban, leaves_of, recipients


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
