"""Finding persons in voter files: links that count, all of a run or none.

Every person that merges made since the last run is looked for in every load that counts, with the
evidence of all its rows, of all owners of one firewall group; who is found is decided by `judge`.
Links are kept by source row, so that they outlive the next merge; persons that a merge has left
alone are not looked for again, and a run that has nothing to do changes nothing. But once a list
has ended everybody is looked for anew: what it said of a person may be why they were found.

It needs the match key and no other. Evidence is opened in memory, some two hundred thousand persons
at a time; a load is read once for each of these. What is written is invisible until one short
transaction shows it and appends the ledger entry; it may die at any point.

`rate_of_owner` says what an owner's own rows alone would find, each by itself, so that nothing in
the figure comes from anybody else's list.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import Final

from consortium.clock import Clock
from consortium.errors import StateConflict
from consortium.ledger import entries
from consortium.model import Observer, Silent
from consortium.model.match_block import MatchBlock
from consortium.store import (
    ledger,
    locks,
    partners,
    state,
    voter_evidence,
    voter_links,
    voters,
)
from consortium.store.engine import Database, Tx, chunked
from consortium.store.voter_links import Link
from consortium.store.voters import LoadRecord
from consortium.types import EntryIndex, PartnerSlug
from consortium.vault.seal import RowOpener, SealContext
from consortium.voters import compare, sweep
from consortium.voters.compare import PersonEvidence
from consortium.voters.evidence import VoterBlock, short
from consortium.voters.judge import Matcher
from consortium.voters.staging import open_frequencies, row_opener

__all__ = ["MatchResult", "OwnRate", "rate_of_owner", "run"]

_PERSONS: Final = 200_000
_ROWS: Final = 5_000
_SMALLEST: Final = 50
_ROUND: Final = 10


@dataclass(frozen=True, slots=True)
class MatchResult:
    """What a match of one load came to.

    Attributes:
        load: The load.
        persons, matched: How many persons there are, and are found in it.
        judged: How many were looked for now.
        changed_rows: How many rows got another voter, or lost theirs.
        rules: Rule → how many of the persons looked for now it decided.
        entry: The ledger entry; None if nothing was to do.
    """

    load: LoadRecord
    persons: int
    matched: int
    judged: int
    changed_rows: int
    rules: Mapping[str, int]
    entry: EntryIndex | None


@dataclass(frozen=True, slots=True)
class OwnRate:
    """What an owner's own rows find in a load, in tens; None: too few rows to say."""

    load: LoadRecord
    rows: int | None
    matched: int | None


def run(
    database: Database,
    *,
    match_key: bytes,
    clock: Clock,
    observer: Observer | None = None,
    full: bool = False,
) -> list[MatchResult]:
    """Look for new persons in every load that counts.

    Args:
        database: The store.
        match_key: Opens match blocks and voters.
        clock: For the times of the run and its ledger entries.
        observer: Told of persons and voters read.
        full: Look for everybody anew.

    Returns:
        One result for each load, oldest first.

    Raises:
        StateConflict: No voter file counts, there are no persons yet, or another match is running.
        EvidenceError: Something sealed was altered or belongs elsewhere.
        StoreFailure: The database is busy, full, read-only or unreachable.
    """
    with locks.exclusive(database, sweep.MATCH_LOCK):
        voter_links.sweep(database)
        with database.read() as tx:
            loads = voters.usable(tx, at=clock.now())
            generation = state.merge_generation(tx)
        if not loads:
            raise StateConflict(
                "no voter file counts today", hint="Load one first: consortium voters load FILE"
            )
        if not generation:
            raise StateConflict("there are no persons yet", hint="Run: consortium merge run")
        work = _Run(database, match_key, clock, observer or Silent())
        return [work.one(load, full=full) for load in loads]


@dataclass(frozen=True, slots=True)
class _Run:
    database: Database
    match_key: bytes
    clock: Clock
    observer: Observer

    def one(self, load: LoadRecord, *, full: bool) -> MatchResult:
        """Match one load and show what was found."""
        model = compare.weights()
        with self.database.read() as tx:
            generation = state.merge_generation(tx)
            last = voter_links.latest(tx, load.id)
            ended = voter_links.lists_ended(tx)
            again = full or last is None or (last.weights, last.lists_ended) != (model.name, ended)
            since = 0 if again or last is None else last.generation
            wanted: dict[int, Link] = {}
            rules: dict[str, int] = defaultdict(int)
            judged_rows: set[int] = set()
            judged = 0
            members = voter_links.changed_since(tx, since, now=generation)
            for part in _persons(members):
                judged += len(part)
                judged_rows.update(row for group in part for row in group)
                for group, link in self._found(tx, load, part):
                    rules[link.rule] += 1
                    wanted.update(dict.fromkeys(group, link))
            before = voter_links.current(tx, load.id, load.match_run)
            gone = _gone(tx, before, judged_rows, generation=generation)
        close = sorted(
            row
            for row, link in before.items()
            if (row in judged_rows and wanted.get(row) != link) or row in gone
        )
        add = sorted((row, link) for row, link in wanted.items() if before.get(row) != link)
        changed = len({*close, *(row for row, _ in add)})
        if last is not None and not (changed or judged or again):
            return self._unchanged(load, generation)
        return self._write(
            load,
            close,
            add,
            generation=generation,
            ended=ended,
            judged=judged,
            changed=changed,
            rules=rules,
        )

    def _unchanged(self, load: LoadRecord, generation: int) -> MatchResult:
        """Nobody is new; lists may have ended since."""
        with self.database.read() as tx:
            return MatchResult(
                load=load,
                persons=voter_links.count_persons(tx, generation),
                matched=voter_links.matched_persons(
                    tx, load.id, run=load.match_run, generation=generation
                ),
                judged=0,
                changed_rows=0,
                rules={},
                entry=None,
            )

    def _write(
        self,
        load: LoadRecord,
        close: Sequence[int],
        add: Sequence[tuple[int, Link]],
        *,
        generation: int,
        ended: int,
        judged: int,
        changed: int,
        rules: Mapping[str, int],
    ) -> MatchResult:
        with self.database.write() as tx:
            number = voter_links.begin(
                tx,
                load.id,
                generation=generation,
                weights=compare.weights().name,
                lists_ended=ended,
                at=self.clock.now(),
            )
        voter_links.close(self.database, load.id, close, run=number)
        voter_links.add(self.database, load.id, add, run=number)
        with self.database.read() as tx:  # counting takes longer than a writer may
            persons = voter_links.count_persons(tx, generation)
            matched = voter_links.matched_persons(tx, load.id, run=number, generation=generation)
        with self.database.write() as tx:
            if not voter_links.show(tx, load.id, run=number, instead_of=load.match_run):
                raise StateConflict(
                    f"{load.name} ended while persons were looked for in it",
                    hint="Run the match again.",
                )
            now = self.clock.now()
            entry = ledger.append(
                tx,
                entries.voters_matched(
                    load.digest,
                    generation=generation,
                    weights=compare.weights().name,
                    persons=persons,
                    matched=matched,
                    changed_rows=changed,
                    at=now,
                ),
            )
            voter_links.finish(
                tx,
                number,
                persons=persons,
                matched=matched,
                changed_rows=changed,
                at=now,
                entry=entry,
            )
        return MatchResult(load, persons, matched, judged, changed, rules, entry)

    def _found(
        self, tx: Tx, load: LoadRecord, persons: Sequence[Sequence[int]]
    ) -> Iterator[tuple[Sequence[int], Link]]:
        """The rows and the link of each of these persons who is found."""
        self.observer.begin(f"looking for people in {load.name}", load.counts.rows)
        reader = _Reader(tx, state.get(tx).origin, self.match_key)
        evidence = reader.persons(persons)
        yield from ((persons[i], link) for i, link in reader.links(load, evidence, self.observer))
        self.observer.end()


class _Reader:
    """Opens rows and voters."""

    def __init__(self, tx: Tx, origin: str, match_key: bytes) -> None:
        self._tx = tx
        self._origin = origin
        self._key = match_key
        self._openers: dict[int, RowOpener] = {}

    def persons(self, persons: Sequence[Sequence[int]]) -> list[PersonEvidence]:
        """What all rows of each person say."""
        blocks: dict[int, MatchBlock] = {}
        points: defaultdict[int, set[str]] = defaultdict(set)
        for part in chunked((row for rows_of in persons for row in rows_of), _ROWS):
            for row, upload, number, sealed in voter_evidence.blocks(self._tx, part):
                opened = self._opener(upload).open(sealed, number=number)
                blocks[row] = MatchBlock.decode(opened)
            for row, token in voter_evidence.tokens(self._tx, part):
                points[row].add(short(token))
        return [
            PersonEvidence(
                blocks=tuple(dict.fromkeys(blocks[row] for row in group if row in blocks)),
                points=frozenset[str]().union(*(points[row] for row in group if row in points)),
            )
            for group in persons
        ]

    def _opener(self, upload_id: int) -> RowOpener:
        if upload_id not in self._openers:
            upload = voter_evidence.upload(self._tx, upload_id)
            self._openers[upload_id] = RowOpener(
                self._key,
                label="match",
                salt=upload.match_salt,
                context=SealContext(self._origin, upload.owner, upload.digest),
            )
        return self._openers[upload_id]

    def links(
        self, load: LoadRecord, evidence: Sequence[PersonEvidence], observer: Observer
    ) -> Iterator[tuple[int, Link]]:
        """Who of these persons is found in a load, by position."""
        frequencies = open_frequencies(
            row_opener(self._key, load, origin=self._origin, what="frequencies"),
            voters.frequencies(self._tx, load.id),
        )
        matcher = Matcher(evidence, of=frequencies)
        opener = row_opener(self._key, load, origin=self._origin)
        kept: dict[int, tuple[bytes, int]] = {}
        for part in voters.stream(self._tx, load.id):
            offered = [
                (number, VoterBlock.decode(opener.open(sealed, number=number)))
                for number, _, sealed in part
            ]
            digests = {number: voter for number, voter, _ in part}
            for number, block in matcher.offer(offered):
                kept[number] = (digests[number], block.place_set)
            observer.advance(len(part))
        for i, match in matcher.matches():
            voter, places = kept[match.voter]
            yield i, Link(voter, places, match.rule)


def _persons(members: Iterable[tuple[int, int]]) -> Iterator[list[list[int]]]:
    """Rows by person, a limited number of persons at a time."""
    groups = ([row for _, row in group] for _, group in groupby(members, key=itemgetter(0)))
    yield from chunked(groups, _PERSONS)


def _gone(tx: Tx, before: Mapping[int, Link], judged: set[int], *, generation: int) -> set[int]:
    """Linked rows that were not judged because they belong to nobody any more."""
    rest = set(before) - judged
    return rest - voter_links.still_there(tx, rest, generation=generation)


def rate_of_owner(
    database: Database,
    partner: PartnerSlug,
    *,
    match_key: bytes,
    clock: Clock,
    observer: Observer | None = None,
) -> list[OwnRate]:
    """How many of an owner's rows its own evidence finds, in each load licensed to it.

    Each row is looked for alone: neither other owners' rows nor what merges made of them count.

    Raises:
        NotFound: There is no such partner.
        EvidenceError: Something sealed was altered or belongs elsewhere.
    """
    watch = observer or Silent()
    with database.read() as tx:
        owner = partners.get(tx, partner)
        loads = [load for load in voters.usable(tx, at=clock.now()) if partner in load.licensed]
        mine = voter_links.rows_of_owner(tx, owner.id)
        if len(mine) < _SMALLEST:
            return [OwnRate(load, None, None) for load in loads]
        reader = _Reader(tx, state.get(tx).origin, match_key)
        found: dict[int, int] = dict.fromkeys((load.id for load in loads), 0)
        for part in chunked(([row] for row in mine), _PERSONS):
            evidence = reader.persons(part)
            for load in loads:
                watch.begin(f"looking for {partner}'s rows in {load.name}", load.counts.rows)
                found[load.id] += sum(1 for _ in reader.links(load, evidence, watch))
                watch.end()
    return [OwnRate(load, _tens(len(mine)), _tens(found[load.id])) for load in loads]


def _tens(number: int) -> int:
    return (number + _ROUND // 2) // _ROUND * _ROUND
