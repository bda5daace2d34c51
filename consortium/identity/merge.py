"""A merge: bring persons up to date with the uploads that are active now.

In order: find the rows that came or went since the generation in use; find the components they can
have touched; judge those whole, with match blocks opened in memory; write the memberships that
changed as the next generation, invisibly; show it and append its ledger entry in one short
transaction. What is not touched keeps its person and is not written. If an upload became active
meanwhile, a further round takes it in before anything is shown; if one ended, the merge starts
over. So the entry's list of uploads is exactly what the persons are made of, and every
never-merge pair that the ledger has by then, and that is not taken back, is held to.

A merge needs the match key and no other: it never sees an address or a name. It may die at any
point; the generation in use stays as it was, and the next merge takes the remains back first. One
merge runs at a time, under the lock `LOCK`; uploads and withdrawals need not wait for it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from consortium.clock import Clock
from consortium.errors import StateConflict
from consortium.identity.components import Closure, Flags, Ints
from consortium.identity.components import closure as closure_here
from consortium.identity.decisions import Never
from consortium.identity.evaluate import Scorer
from consortium.identity.judging import MatchOpener, judge
from consortium.identity.reading import all_components, touched_components
from consortium.identity.scored import shipped
from consortium.ledger import entries
from consortium.model.progress import Observer
from consortium.store import decisions, ledger, locks, merge_basis, merge_keys, merges, state
from consortium.store.engine import Database, Tx
from consortium.store.merge_basis import Basis
from consortium.store.merge_keys import MergeUpload
from consortium.types import EntryIndex, UploadDigest
from consortium.workers import collecting_seldom, usable_cores

__all__ = ["LOCK", "RULES", "MergeResult", "run", "sweep"]

LOCK: Final = "merge"
"""Name of the lock that keeps merges apart."""
RULES: Final = "rules-1"
"""What the rules of `evaluate` are called in the ledger; where they judge otherwise, they get
another number, and the next merge judges every row anew."""

_MOST_ROUNDS = 20
_FEW_ROWS = 2_000  # a change so small is always looked up
_READ_ALL_FROM = 4  # a look-up costs some six times a read, and reaches rows beside the changed


@dataclass(frozen=True, slots=True)
class MergeResult:
    """What a merge came to.

    Attributes:
        generation: The generation now in use.
        rows, persons: How many there are in it.
        changed_rows: How many rows got another person, or left one; 0: nothing was to do.
        judged_rows: How many rows were looked at.
        entry: The ledger entry; None if nothing was to do, and so no generation was made.
    """

    generation: int
    rows: int
    persons: int
    changed_rows: int
    judged_rows: int
    entry: EntryIndex | None


def run(
    database: Database,
    *,
    match_opener: MatchOpener,
    clock: Clock,
    observer: Observer,
    full: bool = False,
    scored: bool | None = None,
    workers: int | None = None,
    closure: Closure = closure_here,
) -> MergeResult:
    """Merge what is new and let go what has ended.

    Args:
        database: The store.
        match_opener: Opens match blocks; see `match_opener`.
        clock: For the times of the run and its ledger entry.
        observer: Told of rows judged and written.
        full: Judge every row anew; the result is the same. Where the generation in use was judged
            by other rules, every row is judged anew in any case.
        scored: Whether the scored layer adds edges (docs/explanation/scored-matching.md); None: as
            in the generation in use, at first not.
        workers: Processes to share the judging of many rows, which need the match key; the result
            is the same with any number. None: as many as there are cores, if there are several.
        closure: What finds the rows that share a key when every row is looked at; all engines
            give the same (`identity.spark`).

    Raises:
        StateConflict: Another merge is running.
        EvidenceError: A match block was altered or belongs elsewhere; nothing was changed.
        StoreFailure: The database is busy, full, read-only or unreachable.
    """
    if workers is None:
        workers = cores if (cores := usable_cores()) > 1 else 0
    with locks.exclusive(database, LOCK):
        merges.sweep(database)
        started = clock.now()
        with database.read() as tx:
            shown = state.merge_generation(tx)
            before = merge_basis.basis(tx, shown) or Basis(RULES)
        judgement = _judgement(before, scored=scored)
        anew = judgement.rules != before.rules and shown > 0
        view, changed, judged, seen, everything = shown, 0, 0, set[UploadDigest](), full or anew
        for _ in range(_MOST_ROUNDS):
            with database.read() as tx, collecting_seldom():
                change = _plan(
                    tx,
                    view,
                    opener=match_opener,
                    judgement=judgement,
                    observer=observer,
                    full=everything,
                    workers=workers,
                    closure=closure,
                )
            everything = False
            judged += change.judged
            changed += change.changed
            seen.update(change.uploads)
            holds = True
            if change.changed or (anew and view == shown):
                view += 1
                with database.write() as tx:
                    merges.begin(tx, view, at=started)
                holds = _write(
                    database, change, generation=view, still_active=seen, observer=observer
                )
            if holds and merges.settle(database, change.settle, still_active=seen):
                basis = Basis(judgement.rules, change.decisions)
                if view == shown:
                    if basis != before and shown:  # held to by persons as they are
                        with database.write() as tx:
                            merge_basis.set_basis(tx, shown, basis)
                    return MergeResult(shown, change.rows, change.persons, 0, judged, None)
                with database.write() as tx:
                    active = merges.active_uploads(tx)
                    if active == change.uploads and decisions.latest(tx) == change.decisions:
                        entry = _show(
                            tx,
                            view,
                            instead_of=shown,
                            basis=basis,
                            change=change,
                            changed=changed,
                            clock=clock,
                        )
                        return MergeResult(
                            view, change.rows, change.persons, changed, judged, entry
                        )
                holds = seen <= set(active)
            if not holds:  # an upload ended, and its rows may be gone: what was written is void
                merges.sweep(database)
                view, changed, seen, everything = shown, 0, set(), full or anew
        raise StateConflict(
            f"uploads and decisions came {_MOST_ROUNDS} times while rows were being merged",
            hint="Run the merge again when fewer come: consortium merge run",
        )


@dataclass(frozen=True, slots=True)
class _Judgement:
    """By what rows are judged.

    Attributes:
        rules: Its name in the ledger.
        scorer: Weighs what no rule joins; None: rules alone.
        decisions: The last never-merge decision that the generation in use holds to.
    """

    rules: str
    scorer: Scorer | None
    decisions: int


def _judgement(before: Basis, *, scored: bool | None) -> _Judgement:
    """The rules asked for; where nothing is asked, those that the generation in use was made by."""
    if scored is None:
        scored = before.rules.partition("-scored-")[1] != ""
    if not scored:
        return _Judgement(RULES, None, before.decisions)
    weights = shipped()
    return _Judgement(f"{RULES}-{weights.name}", weights, before.decisions)


def _show(
    tx: Tx,
    generation: int,
    *,
    instead_of: int,
    basis: Basis,
    change: _Change,
    changed: int,
    clock: Clock,
) -> EntryIndex:
    """Make what was written the generation in use, and record it."""
    now = clock.now()
    state.show_generation(tx, generation, instead_of=instead_of)
    entry = entries.merge_run(
        generation,
        rules=basis.rules,
        uploads=change.uploads,
        rows=change.rows,
        persons=change.persons,
        changed_rows=changed,
        at=now,
    )
    merge_basis.set_basis(tx, generation, basis)
    index = ledger.append(tx, entry)
    merges.finish(
        tx,
        generation,
        rows=change.rows,
        persons=change.persons,
        changed_rows=changed,
        at=now,
        entry=index,
    )
    return index


def sweep(database: Database) -> bool:
    """Take back what a merge that died had written; returns whether there was anything.

    Does nothing while a merge is running.
    """
    try:
        with locks.exclusive(database, LOCK):
            return merges.sweep(database)
    except StateConflict:
        return False


@dataclass(frozen=True, slots=True)
class _Change:
    """What one round has to write, and what it makes of the whole.

    Attributes:
        uploads: Digests of the active uploads it took in, sorted.
        decisions: The last never-merge decision it holds to.
        close: Rows that leave their person, ascending.
        add_row, add_person: Rows and the persons that they join.
        settle: Stale rows that keep their person.
        changed, judged: Rows that change person, and rows looked at.
        rows, persons: Of the generation that this makes.
    """

    uploads: list[UploadDigest]
    decisions: int
    close: Ints
    add_row: Ints
    add_person: Ints
    settle: list[int]
    changed: int
    judged: int
    rows: int
    persons: int


def _plan(
    tx: Tx,
    generation: int,
    *,
    opener: MatchOpener,
    judgement: _Judgement,
    observer: Observer,
    full: bool,
    workers: int,
    closure: Closure,
) -> _Change:
    """Compare what persons should be with what `generation` says they are."""
    uploads = merge_keys.uploads(tx, generation)
    stale = merges.stale_rows(tx)
    never = list(decisions.pairs(tx))
    fresh = {s for pair in never if pair.decision > judgement.decisions for s in pair.sources}
    parted = [row.id for row in decisions.named(tx, fresh).values()]
    parted += decisions.let_go(tx, since=judgement.decisions)
    observer.begin("finding rows that share something", None)
    whole = full or _most_changed(uploads)
    if whole:
        found = all_components(tx, uploads, closure=closure)
        old_row, old_person = merges.open_memberships(tx, generation)
    else:
        found = touched_components(tx, uploads, stale={*stale, *parted})
        gone = merge_keys.rows_of(tx, [u.id for u in uploads if u.covered and not u.active])
        reached = np.union1d(found.keys.row, gone)
        old_row, old_person = merges.memberships(tx, generation, reached)
    observer.end()
    cluster = judge(
        tx,
        found,
        uploads=uploads,
        never=Never(never),
        scored=judgement.scorer,
        origin=state.get(tx).origin,
        opener=opener,
        observer=observer,
        workers=workers,
    )
    rows = found.keys.row
    persons, sizes = np.unique(old_person, return_counts=True)
    if not whole:  # they may have rows that the change does not reach
        sizes = merges.person_sizes(tx, generation, persons)
    place = np.searchsorted(old_row, rows)
    known = place < len(old_row)
    known[known] = old_row[place[known]] == rows[known]
    before = np.zeros(len(rows), dtype=np.int64)
    before[known] = old_person[place[known]]
    kept, new = _compare(cluster, before, persons, sizes)
    close = np.setdiff1d(old_row, rows[kept], assume_unique=True)
    add = rows[~kept]
    row_count, person_count = merges.counts(tx, generation)
    left = np.unique(old_person[np.searchsorted(old_row, close)])
    return _Change(
        uploads=sorted(u.digest for u in uploads if u.active),
        decisions=decisions.latest(tx),
        close=close,
        add_row=add,
        add_person=merges.next_person(tx) + new,
        settle=np.intersect1d(np.array(stale, dtype=np.int64), rows[kept]).tolist(),
        changed=len(np.union1d(close, add)),
        judged=len(rows),
        rows=row_count + len(add) - len(close),
        persons=person_count + int(new.max(initial=-1)) + 1 - len(left),
    )


def _most_changed(uploads: Sequence[MergeUpload]) -> bool:
    """Whether reading every key is cheaper than looking up those that a change touches."""
    changed = sum(u.rows for u in uploads if u.active != u.covered)
    active = sum(u.rows for u in uploads if u.active)
    return changed > _FEW_ROWS and changed * _READ_ALL_FROM > active


def _compare(cluster: Ints, before: Ints, persons: Ints, sizes: Ints) -> tuple[Flags, Ints]:
    """Which rows keep their person, and a number from 0 of the new person for the others.

    A person is kept if exactly its rows are again one human.

    Args:
        cluster: For each row, what stands for its person now.
        before: The person whom it belonged to; 0: none.
        persons, sizes: Each person of `before`, ascending, and how many rows it had.
    """
    _, of_row, size = np.unique(cluster, return_inverse=True, return_counts=True)
    lowest = np.full(len(size), np.iinfo(np.int64).max)
    highest = np.zeros(len(size), dtype=np.int64)
    np.minimum.at(lowest, of_row, before)
    np.maximum.at(highest, of_row, before)
    whole = np.zeros(len(size), dtype=np.int64)
    held = highest > 0
    whole[held] = sizes[np.searchsorted(persons, highest[held])]
    same = (lowest == highest) & held & (whole == size)
    kept = same[of_row]
    _, new = np.unique(of_row[~kept], return_inverse=True)
    return kept, new.astype(np.int64)


def _write(
    database: Database,
    change: _Change,
    *,
    generation: int,
    still_active: Collection[UploadDigest],
    observer: Observer,
) -> bool:
    """Write a change as `generation`; False if an upload has ended in the meantime."""
    observer.begin("writing persons", len(change.close) + len(change.add_row))
    merges.close(database, change.close, generation=generation)
    observer.advance(len(change.close))
    written = merges.add(
        database,
        change.add_row,
        change.add_person,
        generation=generation,
        still_active=still_active,
    )
    observer.advance(len(change.add_row))
    observer.end()
    return written
