"""The ledger in a database: grows in the fact's own transaction, proves what it holds."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from sqlalchemy import text

from consortium.errors import EvidenceError, NotFound, StateConflict, StoreFailure
from consortium.ledger import canonical, checkpoint, entries, leaves, merkle, note
from consortium.ledger.canonical import JSON
from consortium.store import batches, ledger
from consortium.store.engine import Database
from consortium.types import CampaignName, EntryIndex, MessageName, PartnerSlug

AT = datetime(2026, 11, 3, 17, 2, 11, tzinfo=UTC)
ORIGIN = "example.org/oregon"
SIGNER = note.Signer.from_secret(ORIGIN, b"\x07" * 32)
NURSES, CAMPAIGN = PartnerSlug("nurses"), CampaignName("portland-ballots")


def _fact(number: int) -> dict[str, JSON]:
    return entries.policy_set(
        NURSES, version=number + 1, digest=b"\x01" * 32, signature=b"\x02" * 64, at=AT
    )


def _fill(database: Database, count: int) -> list[bytes]:
    with database.write() as tx:
        for number in range(count):
            assert ledger.append(tx, _fact(number)) == number
    return [canonical.encode(_fact(number)) for number in range(count)]


def _sign(database: Database) -> ledger.CheckpointRecord:
    with database.write() as tx:
        size = ledger.size(tx)
        head = checkpoint.Checkpoint(ORIGIN, size, ledger.root(tx))
        ledger.save_checkpoint(tx, checkpoint.sign(head, [SIGNER]), at_size=size, at=AT)
        latest = ledger.latest_checkpoint(tx)
    assert latest is not None
    return latest


def _outcomes(count: int) -> list[bytes]:
    return [
        leaves.outcome(
            MessageName(f"m-{n + 1}"), attempt=1, outcome="accepted", code="250 2.0.0", at=AT
        )
        for n in range(count)
    ]


def test_an_empty_ledger_has_the_empty_root(database: Database) -> None:
    with database.read() as tx:
        assert ledger.size(tx) == 0
        assert ledger.root(tx) == merkle.EMPTY_ROOT
        assert list(ledger.entries(tx)) == []
        assert ledger.latest_checkpoint(tx) is None


def test_roots_and_proofs_of_every_size_are_those_of_the_whole_tree(database: Database) -> None:
    data = _fill(database, 21)
    hashes = [merkle.leaf_hash(entry) for entry in data]
    node = merkle.node_source(hashes)
    with database.read() as tx:
        assert list(ledger.entries(tx)) == data
        assert list(ledger.entries(tx, 3, 7)) == data[3:7]
        assert ledger.entry(tx, EntryIndex(20)) == data[20]
        for size in range(22):
            assert ledger.root(tx, size) == merkle.root(hashes[:size])
            assert ledger.consistency(tx, size, 21) == merkle.consistency_path(size, 21, node)
        for index in range(21):
            path = ledger.inclusion(tx, EntryIndex(index), 21)
            assert path == merkle.inclusion_path(index, 21, node)


def test_an_entry_goes_with_the_transaction_of_its_fact(database: Database) -> None:
    _fill(database, 3)
    with pytest.raises(ZeroDivisionError), database.write() as tx:
        1 / (ledger.append(tx, _fact(3)) - 3)
    with database.read() as tx:
        assert ledger.size(tx) == 3
    with database.write() as tx:
        assert ledger.append(tx, _fact(99)) == 3
    with database.read() as tx:
        hashes = [merkle.leaf_hash(entry) for entry in ledger.entries(tx)]
        assert ledger.root(tx) == merkle.root(hashes)


def test_two_writers_never_number_or_grow_from_the_same_place(database: Database) -> None:
    def work(first: int) -> None:
        for number in range(12):
            with database.write() as tx:
                ledger.append(tx, _fact(first + number))

    threads = [threading.Thread(target=work, args=(n * 100,)) for n in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.read() as tx:
        assert ledger.size(tx) == 36
        hashes = [merkle.leaf_hash(entry) for entry in ledger.entries(tx)]
        assert len(hashes) == 36
        assert ledger.root(tx) == merkle.root(hashes)


_WRITER = """
import sys
from datetime import UTC, datetime
from consortium.ledger import entries, leaves
from consortium.store import ledger
from consortium.store.engine import Database

at = datetime(2026, 11, 3, tzinfo=UTC)
database = Database.open(sys.argv[1])
batch = entries.send_batch("salem", plan=1, at=at)
leaf = leaves.outcome("m-1", attempt=1, outcome="accepted", code=None, at=at)
while True:
    with database.write() as tx:
        index = ledger.append_batch(tx, batch, [leaf] * 20)
    print(index, flush=True)
"""


def test_what_was_committed_before_a_kill_is_whole_and_nothing_else_is_there(
    database: Database,
) -> None:
    url = database.engine.url.render_as_string(hide_password=False)
    said = -1
    for lines in (1, 7, 12):
        with subprocess.Popen(
            [sys.executable, "-c", _WRITER, url], stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout is not None
            for _ in range(lines):
                said = int(process.stdout.readline())
            process.kill()  # SIGKILL, in the middle of whatever it does
        with database.write() as tx:  # waits for what the server still has of the dead one
            own = ledger.append(tx, _fact(0))
        with database.read() as tx:
            found = list(ledger.entries(tx))
            assert ledger.size(tx) == own + 1 > said + 1
            assert ledger.root(tx) == merkle.root(map(merkle.leaf_hash, found))
            for index, data in enumerate(found):
                entry = entries.check(canonical.decode(data))
                below = list(ledger.leaves(tx, EntryIndex(index)))
                assert len(below) == entry.get("leaves", 0)
                assert not below or len(below) == 20


def test_what_is_not_an_entry_is_refused_and_leaves_nothing(database: Database) -> None:
    for wrong in (
        {"kind": "rumour", "at": "2026-11-03T17:02:11Z"},
        {**_fact(0), "note": "extra"},
        {},
        dict(entries.send_batch(CAMPAIGN, plan=1, at=AT)),  # a batch without its leaves
    ):
        with pytest.raises(EvidenceError), database.write() as tx:
            ledger.append(tx, wrong)
    with pytest.raises(EvidenceError), database.write() as tx:
        ledger.append_batch(tx, _fact(0), [])  # not a batch
    with database.read() as tx:
        assert ledger.size(tx) == 0


@pytest.mark.parametrize("count", [0, 1, 5, 2500])
def test_a_batch_keeps_its_leaves_in_order_under_its_root(database: Database, count: int) -> None:
    made = _outcomes(count)
    _fill(database, 2)
    with database.write() as tx:
        index = ledger.append_batch(tx, entries.send_batch(CAMPAIGN, plan=1, at=AT), made)
    with database.read() as tx:
        entry = entries.check(canonical.decode(ledger.entry(tx, index)))
        assert list(ledger.leaves(tx, index)) == made
        assert list(ledger.leaves(tx, EntryIndex(0))) == []
    assert entry["leaves"] == count
    assert entry["root"] == merkle.root(map(merkle.leaf_hash, made)).hex()


def _stage(database: Database, made: list[bytes]) -> batches.StagedBatch:
    with database.write() as tx:
        batch = batches.open_batch(tx)
    return batches.stage_leaves(database, iter(made), batch=batch)


def _leaves_kept(database: Database) -> int:
    with database.read() as tx:
        return int(tx.execute(text("SELECT count(*) FROM consortium_ledger_leaf")).scalar_one())


@pytest.mark.parametrize("count", [0, 1, 2500])
def test_staged_leaves_are_seen_under_their_entry_alone_and_just_as_those_of_a_batch(
    database: Database, count: int
) -> None:
    made = _outcomes(count)
    data = _fill(database, 2)
    staged = _stage(database, made)
    other = _stage(database, _outcomes(3))
    with database.read() as tx:
        assert list(ledger.entries(tx)) == data
        assert [list(ledger.leaves(tx, EntryIndex(n))) for n in range(4)] == [[], [], [], []]
    fact = entries.send_batch(CAMPAIGN, plan=1, at=AT)
    with database.write() as tx:
        index = batches.append_staged(tx, fact, staged)
    with database.write() as tx:
        same = ledger.append_batch(tx, fact, made)
    assert other.batch != staged.batch
    head = _sign(database)
    with database.read() as tx:
        assert list(ledger.leaves(tx, index)) == made == list(ledger.leaves(tx, same))
        assert ledger.entry(tx, index) == ledger.entry(tx, same)
        assert staged.root == merkle.root(map(merkle.leaf_hash, made))
        for position in {0, count // 2, count - 1} if count else set():
            proof = ledger.prove_leaf(tx, index, position, head)
            proof.verify(origin=ORIGIN, verifiers=[SIGNER.verifier])


def test_a_batch_gets_one_entry_and_none_once_it_was_dropped(database: Database) -> None:
    fact = entries.send_batch(CAMPAIGN, plan=1, at=AT)
    staged, dropped = _stage(database, _outcomes(5)), _stage(database, _outcomes(4500))
    with pytest.raises(ZeroDivisionError), database.write() as tx:
        1 / batches.append_staged(tx, fact, staged)  # as if the process had gone before the commit
    with database.write() as tx:
        index = batches.append_staged(tx, fact, staged)
    with pytest.raises(StateConflict), database.write() as tx:
        batches.append_staged(tx, fact, staged)
    assert _leaves_kept(database) == 4505
    batches.drop_staged(database, dropped.batch)
    with database.write() as tx:
        batches.forget_batch(tx, dropped.batch)
    assert _leaves_kept(database) == 5
    with pytest.raises(StateConflict), database.write() as tx:
        batches.append_staged(tx, fact, dropped)
    with pytest.raises(StoreFailure):
        batches.stage_leaves(database, _outcomes(1), batch=dropped.batch)
    with database.read() as tx:
        assert ledger.size(tx) == 1
        assert list(ledger.leaves(tx, index)) == _outcomes(5)


def test_what_has_an_entry_is_never_dropped(database: Database) -> None:
    staged = _stage(database, _outcomes(5))
    with database.write() as tx:
        index = batches.append_staged(tx, entries.send_batch(CAMPAIGN, plan=1, at=AT), staged)
    with pytest.raises(StoreFailure):
        batches.drop_staged(database, staged.batch)
    with pytest.raises(StoreFailure), database.write() as tx:
        batches.forget_batch(tx, staged.batch)
    with database.read() as tx:
        assert list(ledger.leaves(tx, index)) == _outcomes(5)


def test_staging_that_fails_half_way_shows_nothing_and_can_be_dropped(database: Database) -> None:
    def until_dead() -> Iterator[bytes]:
        yield from _outcomes(1200)
        raise ZeroDivisionError

    with database.write() as tx:
        batch = batches.open_batch(tx)
    with pytest.raises(ZeroDivisionError):
        batches.stage_leaves(database, until_dead(), batch=batch)
    assert _leaves_kept(database) >= 500
    with database.read() as tx:
        assert ledger.size(tx) == 0
    batches.drop_staged(database, batch)
    assert _leaves_kept(database) == 0


def test_proofs_handed_out_verify_offline(database: Database) -> None:
    data, made = _fill(database, 6), _outcomes(7)
    with database.write() as tx:
        batch = ledger.append_batch(tx, entries.send_batch(CAMPAIGN, plan=1, at=AT), made)
    head = _sign(database)
    _fill_more = _fact(7)
    with database.write() as tx:
        ledger.append(tx, _fill_more)  # the ledger may grow on; the proof is under its checkpoint
    with database.read() as tx:
        for index, entry in enumerate(data):
            proof = ledger.prove(tx, EntryIndex(index), head)
            proof.verify(entry, origin=ORIGIN, verifiers=[SIGNER.verifier])
        for position, leaf in enumerate(made):
            shown = ledger.prove_leaf(tx, batch, position, head)
            found, entry_of, _ = shown.verify(origin=ORIGIN, verifiers=[SIGNER.verifier])
            assert canonical.encode(dict(found)) == leaf
            assert entry_of["campaign"] == CAMPAIGN
        with pytest.raises(NotFound):
            ledger.prove_leaf(tx, batch, 7, head)
        with pytest.raises(EvidenceError):
            ledger.prove(tx, EntryIndex(7), head)  # younger than the checkpoint


def test_no_proof_reaches_beyond_the_ledger(database: Database) -> None:
    _fill(database, 3)
    with database.read() as tx:
        for ask in (
            lambda: ledger.root(tx, 4),
            lambda: ledger.inclusion(tx, EntryIndex(0), 4),
            lambda: ledger.inclusion(tx, EntryIndex(3), 3),
            lambda: ledger.consistency(tx, 0, 4),
            lambda: ledger.consistency(tx, 3, 2),
        ):
            with pytest.raises(EvidenceError):
                ask()
        with pytest.raises(NotFound, match="has no entry 3"):
            ledger.entry(tx, EntryIndex(3))


def test_a_checkpoint_is_kept_once_and_never_replaced(database: Database) -> None:
    _fill(database, 2)
    head = _sign(database)
    again = _sign(database)
    assert head == again
    with pytest.raises(StateConflict, match="another checkpoint"), database.write() as tx:
        ledger.save_checkpoint(tx, head.note + " ", at_size=2, at=AT)
    with pytest.raises(EvidenceError), database.write() as tx:
        ledger.save_checkpoint(tx, head.note, at_size=3, at=AT)
    with database.read() as tx:
        assert ledger.checkpoints(tx) == (head,)


def test_a_tree_with_a_hash_missing_is_noticed(database: Database) -> None:
    _fill(database, 5)
    with database.write() as tx:
        if tx.sqlite:
            tx.execute(text("DROP TRIGGER consortium_ledger_node_no_delete"))
        else:
            tx.execute(text("ALTER TABLE consortium_ledger_node DISABLE TRIGGER ALL"))
        tx.execute(text("DELETE FROM consortium_ledger_node WHERE level = 2"))
    with database.read() as tx, pytest.raises(EvidenceError, match="lacks hashes"):
        ledger.root(tx)
