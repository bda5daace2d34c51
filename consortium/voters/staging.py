"""What a load stages: voters, turnout, places and frequencies, sealed and written invisibly.

Voters are taken a hundred thousand at a time, put in the order of their keyed digests, numbered in
that order and sealed; those whose digest is written already are left out. Rows, history and
frequencies are sealed under keys of their own, so that their numbers may be the same. What is held
beside a hundred thousand voters: distinct names, postcodes and combinations of places.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Final

from consortium.errors import BadFile, EvidenceError
from consortium.model import Observer
from consortium.store import places, voters
from consortium.store.engine import Database, chunked
from consortium.store.places import NewPlace
from consortium.store.voters import LoadCounts, LoadRecord
from consortium.tokens import Tokeniser
from consortium.vault.seal import RowOpener, RowSealer
from consortium.voters.compare import Frequencies
from consortium.voters.convert import Converted, PlaceStep, RawVoters, VoterFacts, id_of
from consortium.voters.evidence import VoterBlock, VoterIds, seal_context, short
from consortium.voters.layout import HistoryColumns

__all__ = ["Staging", "VoterFile", "open_frequencies", "row_opener"]

_RUN: Final = 100_000  # voters put in order at once
_MOST_SETS: Final = 500_000
_SETS_AT_ONCE: Final = 100
_DAMAGED_SHARE: Final = 5  # one in so many
_JUDGE_FROM: Final = 50  # records
_SHOWN: Final = 20


@dataclass(frozen=True, slots=True)
class VoterFile:
    """A file that was found readable.

    Attributes:
        name: What messages call it.
        digest: SHA-256 of its bytes.
        headers: Its first record.
        batches: Reads all records after the first, from the start, each time it is called.
        size_bytes: How large it is.
    """

    name: str
    digest: bytes
    headers: tuple[str, ...] = field(repr=False)
    batches: Callable[[], Iterator[RawVoters]] = field(repr=False)
    size_bytes: int = 0


@dataclass(slots=True)
class Staging:
    """The steps of one load, in order, and what they share."""

    database: Database
    load_id: int
    ids: VoterIds
    tokeniser: Tokeniser
    match_key: bytes
    salt: bytes
    origin: str
    digest: bytes
    observer: Observer
    frequencies: Frequencies = field(default_factory=Frequencies)
    rejected: Counter[str] = field(default_factory=Counter)
    shown: list[tuple[int, str]] = field(default_factory=list)
    records: int = 0
    left_out: int = 0
    repeated: int = 0
    written: int = 0
    history_rows: int = 0
    states: set[str] = field(default_factory=set)
    _sets: dict[tuple[PlaceStep, ...], int] = field(default_factory=dict)
    _voters_of: Counter[int] = field(default_factory=Counter)

    def rows(self, converted: Iterable[Converted], *, name: str) -> None:
        """Write every voter invisibly."""
        self.observer.begin("reading voters", None)
        waiting: list[tuple[bytes, VoterBlock]] = []
        try:
            for batch in converted:
                waiting += self._prepared(batch)
                self._refuse_damaged(name, last=False)
                if len(waiting) >= _RUN:
                    self._write(waiting)
                    waiting = []
                self.observer.advance(len(batch.voters))
            self._refuse_damaged(name, last=True)
            self._write(waiting)
        finally:
            self.observer.end()

    def _prepared(self, batch: Converted) -> list[tuple[bytes, VoterBlock]]:
        """The digest and the evidence of a batch's voters."""
        self.records += len(batch.voters) + batch.left_out + len(batch.rejected)
        self.left_out += batch.left_out
        self.states |= batch.states
        self.rejected.update(code for _, code in batch.rejected)
        self.shown += batch.rejected[: _SHOWN - len(self.shown)]
        sets = [self._set_number(chain) for chain in batch.chains]
        points = self._points(batch.voters)
        digests = self.ids.voters(voter.id for voter in batch.voters)
        return [
            (
                digest,
                VoterBlock(
                    first=voter.first,
                    surname_code=voter.surname_code,
                    suffix=voter.suffix,
                    birth=voter.birth,
                    house_number=voter.house_number,
                    postcode=voter.postcode,
                    points=known,
                    place_set=sets[voter.places],
                    status=voter.status,
                    age=voter.age,
                    elections=voter.elections,
                ),
            )
            for voter, digest, known in zip(batch.voters, digests, points, strict=True)
        ]

    def _points(self, found: Sequence[VoterFacts]) -> list[tuple[str, ...]]:
        tokens = {
            kind: iter(self.tokeniser.contact(kind, [v for group in groups for v in group]))
            for kind, groups in (
                ("email", [voter.emails for voter in found]),
                ("phone", [voter.phones for voter in found]),
            )
        }
        return [
            (
                *(short(next(tokens["email"])) for _ in voter.emails),
                *(short(next(tokens["phone"])) for _ in voter.phones),
            )
            for voter in found
        ]

    def _set_number(self, chain: tuple[PlaceStep, ...]) -> int:
        number = self._sets.setdefault(chain, len(self._sets) + 1)
        if number > _MOST_SETS:
            raise BadFile(
                f"its voters live in more than {_MOST_SETS:,} combinations of places",
                hint="A column of places holds something else; check the layout.",
            )
        return number

    def _refuse_damaged(self, name: str, *, last: bool) -> None:
        bad = sum(self.rejected.values())
        if last and self.records == bad:
            raise BadFile(f"{name} holds no voter", hint="Is it the right file, and complete?")
        if self.records >= _JUDGE_FROM and bad * _DAMAGED_SHARE > self.records:
            line = self.shown[0][0]
            raise BadFile(
                f"more than a fifth of {name} does not fit its layout, line {line:,} first",
                hint="It is damaged, or of another layout; nothing of it was loaded.",
            )

    def _write(self, waiting: list[tuple[bytes, VoterBlock]]) -> None:
        """Put voters in the order of their digests, number, seal and write them."""
        waiting.sort(key=itemgetter(0))
        first: dict[bytes, VoterBlock] = {}
        for digest, block in waiting:
            first.setdefault(digest, block)
        with self.database.read() as tx:
            before = voters.known(tx, list(first), loads=[self.load_id])
        kept = [(digest, block) for digest, block in first.items() if digest not in before]
        self.repeated += len(waiting) - len(kept)
        self.frequencies.add(block for _, block in kept)
        self._voters_of.update(block.place_set for _, block in kept)
        seal = self._sealer("voters")
        rows = (
            (number, voter, seal.seal(block.encode(), number=number))
            for number, (voter, block) in enumerate(kept, start=self.written + 1)
        )
        self.written += voters.add_rows(self.database, self.load_id, rows)

    def history(self, file: VoterFile, columns: HistoryColumns) -> None:
        """Write a history file invisibly: elections by voter, as far as a run of rows goes."""
        seal = self._sealer("history")
        number = 0
        self.observer.begin("reading turnout", None)
        try:
            for run in _history_runs(file, columns):
                self.history_rows += sum(map(len, run.values()))
                digests = self.ids.history(run)
                held = sorted(zip(digests, map(_joined, run.values()), strict=True))
                rows = (
                    (at, voter, seal.seal(plain, number=at))
                    for at, (voter, plain) in enumerate(held, start=number + 1)
                )
                number += voters.add_history(self.database, self.load_id, rows)
                self.observer.advance(len(run))
        finally:
            self.observer.end()

    def finish_staging(self) -> None:
        """Write places and frequencies."""
        ordered = [
            (number, self._voters_of[number], [NewPlace(*step) for step in chain])
            for chain, number in self._sets.items()
        ]
        for part in chunked(ordered, _SETS_AT_ONCE):
            with self.database.write(durable=False) as tx:
                places.add_sets(tx, self.load_id, part)
        sealed = self._sealer("frequencies").seal(_pack_frequencies(self.frequencies), number=0)
        with self.database.write(durable=False) as tx:
            voters.save_frequencies(tx, self.load_id, sealed)

    def counts(self) -> LoadCounts:
        """What became of the file's records."""
        return LoadCounts(
            rows=self.written,
            left_out=self.left_out,
            rejected=sum(self.rejected.values()),
            repeated=self.repeated,
            history_rows=self.history_rows,
        )

    def place_kinds(self) -> dict[str, int]:
        """Kind → how many places."""
        found = {(kind.value, path) for chain in self._sets for kind, path, _ in chain}
        return dict(sorted(Counter(kind for kind, _ in found).items()))

    def _sealer(self, what: str) -> RowSealer:
        return RowSealer(
            self.match_key,
            label="match",
            salt=_salt(self.salt, what),
            context=seal_context(self.origin, self.digest, what=what),
        )


def row_opener(
    match_key: bytes, record: LoadRecord, *, origin: str, what: str = "voters"
) -> RowOpener:
    """Opens what a load sealed: its `voters`, `history` or `frequencies`."""
    return RowOpener(
        match_key,
        label="match",
        salt=_salt(record.salt, what),
        context=seal_context(origin, record.digest, what=what),
    )


def _salt(salt: bytes, what: str) -> bytes:
    """One key for each kind of sealed value, so that their numbers may be the same."""
    return hashlib.sha256(salt + what.encode()).digest()


def _history_runs(file: VoterFile, columns: HistoryColumns) -> Iterator[dict[str, list[str]]]:
    """Elections by voter's id, a limited number of records at a time."""
    run: dict[str, list[str]] = {}
    held = 0
    last = max(columns.id, columns.election, columns.how or 0)
    for batch in file.batches():
        for row in batch.rows:
            if len(row) <= last:
                continue
            voter = id_of(row, ((columns.id,),))
            election = row[columns.election].strip()[:40]
            how = row[columns.how].strip()[:20] if columns.how is not None else ""
            if voter and election:
                run.setdefault(voter, []).append(f"{election}={how}" if how else election)
                held += 1
        if held >= _RUN:
            yield run
            run, held = {}, 0
    if run:
        yield run


def _joined(elections: list[str]) -> bytes:
    return json.dumps([1, sorted(elections)], ensure_ascii=False).encode()


def _pack_frequencies(found: Frequencies) -> bytes:
    counts = [
        {value: count for value, count in sorted(counter.items()) if count > 1}
        for counter in (found.firsts, found.surnames, found.postcodes)
    ]
    return zlib.compress(json.dumps([1, found.voters, *counts], ensure_ascii=False).encode())


def open_frequencies(opener: RowOpener, sealed: bytes) -> Frequencies:
    """How often names and postcodes stand in a load.

    Raises:
        EvidenceError: It was altered, or is of another version.
    """
    try:
        version, number, *counts = json.loads(zlib.decompress(opener.open(sealed, number=0)))
        if version != 1:
            raise ValueError  # noqa: TRY301 - one handler for every shape of wrong
        return Frequencies(number, *(Counter(one) for one in counts))
    except (ValueError, TypeError, zlib.error):
        raise EvidenceError(
            "a voter file's frequencies are not of a version this program knows"
        ) from None
