"""A state machine: a campaign is sent by processes that die between any two steps.

Whatever happens in whatever order: nobody is written to twice, nobody who has opted out, nobody in
the name of an owner that has not approved; what is unknown stays so; and the ledger tells one
intent and at most one outcome for each attempt.
"""

import json
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

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
from consortium.errors import ConsortiumError
from consortium.model import CampaignState, Channel, MessageState, Scope
from consortium.store import campaigns, ledger, messages, migrate, suppressions
from consortium.store.engine import Database, Tx
from consortium.store.suppressions import Request
from consortium.testing.clock import FakeClock
from consortium.testing.transport import MemoryTransport
from consortium.types import EntryIndex, MessageName
from tests.harness.sending import NAME, build, crowd

PEOPLE = 33
OUTCOMES: list[Outcome] = [
    Accepted("250 2.0.0"),
    Later("451 4.7.1"),
    Rejected("550 5.1.1"),
    Rejected("550 5.7.1"),
    NotHandedOver("no_connection"),
    NotHandedOver("connection_lost"),
    Unknown("timeout"),
]


class Died(BaseException):
    """The process is gone: nothing it would still do happens."""


class Mortal(Database):
    """The same database, until it has written so often; then its process is dead."""

    def __init__(self, database: Database, *, writes: int, when: str) -> None:
        vars(self).update(vars(database))
        self.dead = False
        self._left = writes
        self._when = when

    def die(self) -> None:
        self.dead = True
        raise Died

    @contextmanager
    def read(self) -> Iterator[Tx]:
        if self.dead:
            raise Died
        with super().read() as tx:
            yield tx

    @contextmanager
    def write(self) -> Iterator[Tx]:
        self._left -= 1
        if self.dead or (self._left == 0 and self._when == "before"):
            self.die()
        with super().write() as tx:
            yield tx
            if self._left == 0 and self._when == "inside":
                self.die()
        if self._left == 0 and self._when == "after":
            self.die()


class Sending(RuleBasedStateMachine):
    template: Path | None = None

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="consortium-machine-"))
        if Sending.template is None:
            Sending.template = Path(tempfile.mkdtemp(prefix="consortium-machine-")) / "empty.db"
            empty = Database.open(f"sqlite:///{Sending.template}")
            migrate.create(empty)
            empty.close()
        shutil.copyfile(Sending.template, self.folder / "consortium.db")
        self.database = Database.open(f"sqlite:///{self.folder / 'consortium.db'}")
        self.world = build(
            self.database, self.folder, crowd(PEOPLE, "nurses", "teachers"), rate="50/second"
        )
        assert isinstance(self.world.clock, FakeClock)
        self.clock = self.world.clock
        self.taken: list[Envelope] = []
        self.banned: set[str] = set()
        self.silent: set[str] = set()  # owners that have declined
        self.unknown: set[MessageName] = set()
        self.crashes = 0

    def teardown(self) -> None:
        self.database.close()
        shutil.rmtree(self.folder)

    def send(self, transport: MemoryTransport, database: Database | None = None) -> None:
        banned, silent = set(self.banned), set(self.silent)
        try:
            self.world.send(transport, database=database)
        except ConsortiumError:
            pass  # a server without mercy; whatever it did is in the invariants
        except Died:
            self.crashes += 1
        for envelope in transport.taken:
            assert envelope.recipient.reveal() not in banned
            assert envelope.sender.partition("@")[2].removesuffix(".example") not in silent
        self.taken += transport.taken

    @rule(answers=st.lists(st.sampled_from(OUTCOMES), max_size=30))
    def send_in_peace(self, answers: list[Outcome]) -> None:
        self.send(MemoryTransport(answers))

    @rule(
        writes=st.integers(1, 8),
        when=st.sampled_from(["before", "inside", "after"]),
        answers=st.lists(st.sampled_from(OUTCOMES), max_size=10),
    )
    def die_at_the_database(self, writes: int, when: str, answers: list[Outcome]) -> None:
        mortal = Mortal(self.database, writes=writes, when=when)
        self.send(MemoryTransport(answers), mortal)

    @rule(messages=st.integers(1, 25), after=st.booleans())
    def die_at_the_server(self, messages: int, *, after: bool) -> None:
        mortal = Mortal(self.database, writes=-1, when="never")
        left = [messages]

        def maybe(_: Envelope) -> None:
            left[0] -= 1
            if not left[0]:
                mortal.die()

        self.send(MemoryTransport(after=maybe) if after else MemoryTransport(before=maybe), mortal)

    @rule(messages=st.integers(0, 25))
    def stop_in_good_order(self, messages: int) -> None:
        transport = MemoryTransport()
        before = self.unknown | self._names(MessageState.INTENDED)
        try:
            self.world.send(transport, stop=lambda: transport.offered >= messages)
        except ConsortiumError:
            pass
        else:
            assert self._names(MessageState.INTENDED) == set()
            assert self._names(MessageState.UNKNOWN) == before
        self.taken += transport.taken

    @rule(number=st.integers(0, PEOPLE - 1))
    def opt_out(self, number: int) -> None:
        address = f"p{number:04d}@example.org"
        request = Request(
            self.clock.now(), Channel.EMAIL, Scope.CONSORTIUM, None, "asked", "operator"
        )
        with self.database.write() as tx:
            suppressions.ban(tx, request, [self.world.token(address)])
        self.banned.add(address)

    @rule(owner=st.sampled_from(["nurses", "teachers"]), yes=st.booleans())
    def answer(self, owner: str, *, yes: bool) -> None:
        self.world.answer(owner, yes=yes)
        (self.silent.discard if yes else self.silent.add)(owner)

    @rule(minutes=st.integers(1, 40))
    def time_passes(self, minutes: int) -> None:
        self.clock.advance(timedelta(minutes=minutes))

    @precondition(lambda self: self._state() is CampaignState.SENDING)
    @rule()
    def pause(self) -> None:
        states.pause(self.database, NAME, clock=self.clock)

    @precondition(lambda self: self._state() is CampaignState.PAUSED)
    @rule()
    def resume(self) -> None:
        states.resume(self.database, NAME, clock=self.clock)

    @invariant()
    def nobody_is_written_to_twice(self) -> None:
        counted = Counter(envelope.recipient.reveal() for envelope in self.taken)
        assert max(counted.values(), default=0) <= 1

    @invariant()
    def every_message_is_in_a_state_and_the_unknown_stay_so(self) -> None:
        with self.database.read() as tx:
            tally = messages.tally(tx, campaigns.get(tx, NAME).id)
        assert sum(t.messages for t in tally) == PEOPLE
        intended = self._names(MessageState.INTENDED)
        assert len(intended) <= BATCH
        now = self._names(MessageState.UNKNOWN)
        assert now >= self.unknown
        self.unknown = now
        accepted = len(self._names(MessageState.ACCEPTED))
        assert accepted <= len(self.taken) <= accepted + len(now) + len(intended)
        if self._state() is CampaignState.FINISHED:
            assert not self._names(MessageState.WAITING) | intended

    @invariant()
    def ledger_tells_the_same(self) -> None:
        with self.database.read() as tx:
            leaves = [
                json.loads(leaf)
                for index, entry in enumerate(list(ledger.entries(tx)))
                if json.loads(entry)["kind"] == "send_batch"
                for leaf in ledger.leaves(tx, EntryIndex(index))
            ]
        intents = Counter((x["message"], x["attempt"]) for x in leaves if x["kind"] == "intent")
        outcomes = Counter((x["message"], x["attempt"]) for x in leaves if x["kind"] == "outcome")
        assert max([*intents.values(), *outcomes.values()], default=1) == 1
        assert outcomes.keys() <= intents.keys()
        open_now = {message for message, _ in intents.keys() - outcomes.keys()}
        assert open_now == self._names(MessageState.INTENDED)
        said = {x["message"] for x in leaves if x.get("outcome") == "unknown"}
        assert said == self._names(MessageState.UNKNOWN)
        stopped = Counter(x["message"] for x in leaves if x["kind"] == "stopped")
        assert max(stopped.values(), default=1) == 1
        assert stopped.keys() == self._names(MessageState.STOPPED)

    def _names(self, state: MessageState) -> set[MessageName]:
        with self.database.read() as tx:
            return set(messages.names(tx, campaigns.get(tx, NAME).id, state=state))

    def _state(self) -> CampaignState:
        with self.database.read() as tx:
            return campaigns.get(tx, NAME).state


TestSending = Sending.TestCase
TestSending.settings = settings(max_examples=25, stateful_step_count=14, deadline=None)
