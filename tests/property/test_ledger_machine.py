"""The ledger under every order of appends, batches, checkpoints, proofs and crashes.

After each step everything is verified again: canonical entries, hashes, every checkpoint ever
signed, consistency between each two of them. A crash ends a transaction between its steps; what was
not committed must leave no trace, what was must be whole. The machine runs on the real store.
"""

from __future__ import annotations

import shutil
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from consortium.ledger import canonical, checkpoint, entries, leaves, merkle, note
from consortium.ledger.canonical import JSON
from consortium.ledger.export import Contents, verify, write
from consortium.ledger.proof import EntryProof, LeafProof
from consortium.model import ConsortiumCard
from consortium.store import batches, ledger, migrate
from consortium.store.engine import Database, Tx
from consortium.types import CampaignName, EntryIndex, MessageName, PartnerSlug

AT = datetime(2026, 11, 3, 17, tzinfo=UTC)
ORIGIN = "example.org/machine"
SIGNER = note.Signer.from_secret(ORIGIN, b"\x07" * 32)
CARD = ConsortiumCard(
    name="Machine",
    origin=ORIGIN,
    intake_recipient="age1" + "q" * 58,
    vault_key=b"\x01" * 32,
    ledger_key=SIGNER.verifier.public,
    coordinator_key=b"\x03" * 32,
)


class _Crash(Exception):
    """The process is gone between two steps of a transaction."""


def _fact(number: int) -> dict[str, JSON]:
    return entries.policy_set(
        PartnerSlug("nurses"),
        version=number + 1,
        digest=number.to_bytes(32, "big"),
        signature=bytes(64),
        at=AT,
    )


def _leaves(count: int) -> list[bytes]:
    return [
        leaves.outcome(MessageName(f"m-{n + 1}"), attempt=1, outcome="accepted", code=None, at=AT)
        for n in range(count)
    ]


class Ledger(RuleBasedStateMachine):
    """A model of plain lists beside the store."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="consortium-ledger-"))
        self.database = Database.open(f"sqlite:///{self.folder / 'ledger.db'}")
        migrate.create(self.database)
        self.expected: list[bytes] = []
        self.batches: dict[int, list[bytes]] = {}
        self.notes: list[tuple[int, str]] = []
        self.number = 0

    def teardown(self) -> None:
        self.database.close()
        shutil.rmtree(self.folder)

    @initialize()
    def create(self) -> None:
        fact = entries.consortium_created(CARD, at=AT, token_epoch=1, profile=1)
        self._append([fact], crash_after=None)

    def _append(self, facts: list[dict[str, JSON]], crash_after: int | None) -> None:
        try:
            with self.database.write() as tx:
                for done, fact in enumerate(facts):
                    if done == crash_after:
                        raise _Crash  # noqa: TRY301 - as if the process had gone here
                    ledger.append(tx, fact)
                if crash_after == len(facts):
                    raise _Crash  # noqa: TRY301 - after the last step, before the commit
        except _Crash:
            return
        self.expected += [canonical.encode(fact) for fact in facts]

    @rule(count=st.integers(1, 5), crash_after=st.none() | st.integers(0, 5))
    def append(self, count: int, crash_after: int | None) -> None:
        facts = [_fact(self.number + n) for n in range(count)]
        self.number += count
        crash = None if crash_after is None else min(crash_after, count)
        self._append(facts, crash)

    @rule(count=st.integers(0, 9), crash=st.booleans())
    def append_batch(self, count: int, *, crash: bool) -> None:
        fact, data = entries.send_batch(CampaignName("salem"), plan=1, at=AT), _leaves(count)
        try:
            with self.database.write() as tx:
                index = ledger.append_batch(tx, fact, data)
                if crash:
                    raise _Crash  # noqa: TRY301 - after the last step, before the commit
        except _Crash:
            return
        assert index == len(self.expected)
        root = merkle.root(map(merkle.leaf_hash, data)).hex()
        self.expected.append(canonical.encode({**fact, "leaves": count, "root": root}))
        self.batches[index] = data

    @rule(
        count=st.integers(0, 9),
        fate=st.sampled_from(["appended", "crash at the entry", "dropped", "left"]),
    )
    def stage(self, count: int, fate: str) -> None:
        fact, data = entries.send_batch(CampaignName("salem"), plan=1, at=AT), _leaves(count)
        with self.database.write() as tx:
            batch = batches.open_batch(tx)
        staged = batches.stage_leaves(self.database, data, batch=batch)
        if fate == "dropped":
            batches.drop_staged(self.database, batch)
            with self.database.write() as tx:
                batches.forget_batch(tx, batch)
        if fate in {"dropped", "left"}:
            return
        try:
            with self.database.write() as tx:
                index = batches.append_staged(tx, fact, staged)
                if fate != "appended":
                    raise _Crash  # noqa: TRY301 - after the last step, before the commit
        except _Crash:
            return
        assert index == len(self.expected)
        entry = {**fact, "leaves": count, "root": staged.root.hex()}
        self.expected.append(canonical.encode(entry))
        self.batches[index] = data

    @rule(crash=st.booleans())
    def sign(self, *, crash: bool) -> None:
        try:
            with self.database.write() as tx:
                size = ledger.size(tx)
                head = checkpoint.Checkpoint(ORIGIN, size, ledger.root(tx))
                signed = checkpoint.sign(head, [SIGNER])
                ledger.save_checkpoint(tx, signed, at_size=size, at=AT)
                if crash:
                    raise _Crash  # noqa: TRY301 - after the last step, before the commit
        except _Crash:
            return
        if (size, signed) not in self.notes:
            self.notes.append((size, signed))

    @rule()
    def reopen(self) -> None:
        url = self.database.engine.url
        self.database.close()
        self.database = Database.open(url.render_as_string(hide_password=False))
        migrate.check(self.database)

    @precondition(lambda self: self.notes)
    @rule(data=st.data())
    def prove(self, data: st.DataObject) -> None:
        with self.database.read() as tx:
            head = data.draw(st.sampled_from(ledger.checkpoints(tx)))
            index = EntryIndex(data.draw(st.integers(0, head.size - 1)))
            text = ledger.prove(tx, index, head).encode()
            EntryProof.decode(text).verify(
                self.expected[index], origin=ORIGIN, verifiers=[SIGNER.verifier]
            )
            if self.batches.get(index):
                position = data.draw(st.integers(0, len(self.batches[index]) - 1))
                text = ledger.prove_leaf(tx, index, position, head).encode()
                LeafProof.decode(text).verify(origin=ORIGIN, verifiers=[SIGNER.verifier])

    @precondition(lambda self: self.notes and self.notes[-1][0] == len(self.expected))
    @rule()
    def export(self) -> None:
        target = self.folder / f"export-{len(self.expected)}"
        shutil.rmtree(target, ignore_errors=True)
        with self.database.read() as tx:
            contents = Contents(
                entries=ledger.entries(tx),
                leaves=lambda index: ledger.leaves(tx, index),
                checkpoints={c.size: c.note for c in ledger.checkpoints(tx)},
            )
            write(target, contents)
        assert verify(target).entries == len(self.expected)

    @invariant()
    def everything_verifies_again(self) -> None:
        with self.database.read() as tx:
            self._verify(tx)

    def _verify(self, tx: Tx) -> None:
        found = list(ledger.entries(tx))
        assert found == self.expected
        for data in found:
            entries.check(canonical.decode(data))
        hashes = [merkle.leaf_hash(data) for data in found]
        assert ledger.root(tx) == merkle.root(hashes)
        for index, data_of in self.batches.items():
            assert list(ledger.leaves(tx, EntryIndex(index))) == data_of
        kept = ledger.checkpoints(tx)
        assert [(c.size, c.note) for c in kept] == sorted(self.notes)
        heads = [checkpoint.open(c.note, origin=ORIGIN, verifiers=[SIGNER.verifier]) for c in kept]
        for old in heads:
            assert old.root == merkle.root(hashes[: old.size])
            for new in heads:
                if old.size <= new.size:
                    merkle.verify_consistency(
                        old=old.size,
                        new=new.size,
                        path=ledger.consistency(tx, old.size, new.size),
                        old_root=old.root,
                        new_root=new.root,
                    )


TestLedgerMachine = Ledger.TestCase
TestLedgerMachine.settings = settings(max_examples=12, stateful_step_count=20, deadline=None)
