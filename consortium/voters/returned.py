"""Reading a list of who has voted: from then on nobody on it need be asked to vote.

The county's or the union's daily list names voters by the ids of the voter file (`ncid`,
`Membership Number`). Each id becomes the keyed digest that rows and links know it by; ids that no
loaded file has are counted and dropped. The list counts from one short transaction on, also in the
middle of a campaign: every batch of messages asks for it before anything is handed over. Reading a
list twice changes nothing; what a list says, no later one takes back.

A list of which no id is known is refused: it is of another register, or its column is another one.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from consortium.clock import Clock
from consortium.errors import BadFile, ConsortiumError, StateConflict, UsageError
from consortium.ledger import entries
from consortium.model import Observer, Silent
from consortium.store import ledger, locks, returned, voters
from consortium.store.engine import Database
from consortium.store.returned import ReturnedRecord
from consortium.store.voters import LoadRecord
from consortium.voters import sweep
from consortium.voters.convert import id_of
from consortium.voters.evidence import VoterIds
from consortium.voters.layout import Columns, fold, id_columns
from consortium.voters.staging import VoterFile

__all__ = ["ReturnedResult", "read"]

_IDS_AT_ONCE: Final = 4_000
_CUT_SHORT: Final = re.compile(r"[0-9][.,]?[0-9]*E\+[0-9]{1,3}")


@dataclass(frozen=True, slots=True)
class ReturnedResult:
    """What a list came to.

    Attributes:
        record: The list as it counts now.
        again: Whether it had been read before; then nothing was changed.
    """

    record: ReturnedRecord
    again: bool


def read(
    database: Database,
    file: VoterFile,
    *,
    match_key: bytes,
    as_of: datetime,
    clock: Clock,
    register: str | None = None,
    column: str | None = None,
    observer: Observer | None = None,
) -> ReturnedResult:
    """Read a list of who has voted.

    Args:
        database: The store.
        file: The list.
        match_key: Makes the digests.
        as_of: When the list was true.
        clock: What time it is.
        register: Whose ids it has; None: the one register that is loaded.
        column: The column with the ids; None: called as in the voter file.
        observer: Told of each batch.

    Raises:
        StateConflict: No voter file counts, or another list is being read.
        UsageError: Several registers are loaded and none was named; no such column; a time to come.
        BadFile: No column has the ids, none of them is known, or a spreadsheet has cut them short.
    """
    if as_of > clock.now():
        raise UsageError(
            "a list cannot be true of a time that has not come",
            hint="Say when it was written by --as-of, or leave that out.",
        )
    with locks.exclusive(database, sweep.RETURNED_LOCK):
        with database.read() as tx:
            loads = voters.usable(tx, at=clock.now())
            mine = _register(loads, register, file)
            known = returned.known_digest(tx, mine[0].register, file.digest)
            orphans = returned.unerased(tx)
        columns, headless = _columns(file, mine[0].layout, column)
        if known is not None:
            return ReturnedResult(known, again=True)
        for orphan in orphans:
            returned.erase(database, orphan)
        with database.write() as tx:
            number = returned.stage(
                tx,
                register=mine[0].register,
                digest=file.digest,
                as_of=as_of,
                at=clock.now(),
            )
        try:
            work = _List(
                database,
                number,
                [load.id for load in mine],
                VoterIds(match_key, register=mine[0].register),
            )
            work.take(_ids(file, columns, headless=headless), observer or Silent())
            work.refuse_unless_some_are_known(file.name, register=mine[0].register)
            record = work.activate(file.digest, mine[0].register, as_of, clock)
            return ReturnedResult(record, again=False)
        except BaseException:
            with contextlib.suppress(ConsortiumError):
                returned.erase(database, number)
            raise


def _register(
    loads: Sequence[LoadRecord], register: str | None, file: VoterFile
) -> list[LoadRecord]:
    """The loads whose ids the list has: of the named register, or of the only one that could be."""
    if not loads:
        raise StateConflict(
            "no voter file counts today", hint="Load one first: consortium voters load FILE"
        )
    registers = sorted({load.register for load in loads})
    if register is None and len(registers) > 1:
        named = {r.register for r in loads if id_columns(file.headers, layout=r.layout)[0]}
        registers = sorted(named) if len(named) == 1 else registers
    if register is None and len(registers) > 1:
        raise UsageError(
            "several registers are loaded", hint=f"Say --register: {', '.join(registers)}"
        )
    if register is not None and register not in registers:
        raise UsageError(
            "no register of that name is loaded", hint=f"There is: {', '.join(registers)}"
        )
    return [load for load in loads if load.register == (register or registers[0])]


def _columns(file: VoterFile, layout: str, column: str | None) -> tuple[Columns, bool]:
    if column is not None:
        folded = [fold(header) for header in file.headers]
        if fold(column) not in folded:
            raise UsageError(f"{file.name} has no column of that name", hint="See its first line.")
        return ((folded.index(fold(column)),),), False
    columns, headless = id_columns(file.headers, layout=layout)
    if not columns:
        raise BadFile(
            f"{file.name} has no column called as the ids of the voter file are",
            hint="Name it with --column; without a header line, a list holds the ids alone.",
        )
    return columns, headless


def _ids(file: VoterFile, columns: Columns, *, headless: bool) -> Iterator[list[str]]:
    last = max(i for group in columns for i in group)
    if headless and (first := id_of(file.headers, columns)):
        yield [first]
    for batch in file.batches():
        found = [id_of(row, columns) for row in batch.rows if len(row) > last]
        if any(map(_CUT_SHORT.fullmatch, found)):
            raise BadFile(
                f"{file.name} has ids like 1.23E+11, which a spreadsheet has cut short",
                hint="Export the column of ids as text; nothing was changed.",
            )
        for start in range(0, len(found), _IDS_AT_ONCE):
            yield [one for one in found[start : start + _IDS_AT_ONCE] if one]


@dataclass(slots=True)
class _List:
    database: Database
    number: int
    loads: list[int]
    digests: VoterIds
    ids: int = 0
    unknown: int = 0
    new: int = 0

    def take(self, batches: Iterator[list[str]], observer: Observer) -> None:
        """Write every voter of the list that no list had before, invisibly."""
        observer.begin("reading who has voted", None)
        try:
            for ids in batches:
                asked = sorted(set(self.digests.voters(ids)))
                with self.database.read() as tx:
                    known = voters.known(tx, asked, loads=self.loads)
                    before = returned.already(tx, sorted(known), also=self.number)
                self.ids += len(asked)
                self.unknown += len(asked) - len(known)
                self.new += returned.add(self.database, self.number, sorted(known - before))
                observer.advance(len(ids))
        finally:
            observer.end()

    def refuse_unless_some_are_known(self, name: str, *, register: str) -> None:
        if self.ids > self.unknown:
            return
        what = f"none of the {self.ids:,} ids in {name} is in the voter file"
        raise BadFile(
            what if self.ids else f"{name} holds no id",
            hint=f"Name the column with the ids of {register} by --column; nothing was changed.",
        )

    def activate(
        self, digest: bytes, register: str, as_of: datetime, clock: Clock
    ) -> ReturnedRecord:
        """The moment from which the list counts."""
        with self.database.write() as tx:
            now = clock.now()
            entry = ledger.append(
                tx,
                entries.voters_returned(
                    register,
                    list_digest=digest,
                    as_of=as_of,
                    ids=self.ids,
                    unknown=self.unknown,
                    new=self.new,
                    at=now,
                ),
            )
            returned.activate(
                tx, self.number, ids=self.ids, unknown=self.unknown, new=self.new, entry=entry
            )
            record = returned.known_digest(tx, register, digest)
            assert record is not None
            return record
