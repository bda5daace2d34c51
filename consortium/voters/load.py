"""Loading a voter file or register: rows that may be used under its licence, all of them or none.

1. The file is read in a stream; each record is normalised (`convert`), its contact points become
   tokens, its places a number. Voters are put into the order of their keyed digests and sealed
   under the match key (`staging`), so that nothing stored says which line of the file a voter stood
   on. They are written invisible, in transactions of at most 30 ms.
2. A history file that comes with it is sealed in the same way, under digests of its own.
3. One short transaction makes the load active and appends the ledger entry. Up to its commit an
   error, a full disk or `kill -9` leaves nothing that counts; `sweep` removes what is left.

A file of which more than a fifth does not fit its layout is refused: it is damaged, or another one.
Its licence ends with its last day, where its voters live (`licence`). What it costs:
docs/benchmarks.md.
"""

from __future__ import annotations

import contextlib
import re
import secrets
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from consortium.clock import Clock
from consortium.errors import ConsortiumError, StateConflict, UsageError
from consortium.ledger import entries
from consortium.model import ConsortiumCard, Observer, Purpose, Silent
from consortium.store import ledger, locks, partners, voters
from consortium.store.engine import Database
from consortium.store.voters import LoadRecord
from consortium.tokens import Profile, Tokeniser
from consortium.types import PartnerSlug
from consortium.voters import layout as layouts
from consortium.voters import licence, sweep
from consortium.voters.convert import Converted, ConvertSetup, RawVoters, converter
from consortium.voters.evidence import VoterIds
from consortium.voters.layout import Layout
from consortium.voters.staging import Staging, VoterFile
from consortium.workers import map_batches

__all__ = ["LoadResult", "load"]

_BESIDE_BYTES: Final = 20_000_000  # a process beside this one pays from here on
_REGISTER = re.compile(r"[a-z][a-z0-9_-]{0,63}")


@dataclass(frozen=True, slots=True)
class LoadResult:
    """What a load came to.

    Attributes:
        record: The load, active.
        title: What people call its layout.
        rejected: Code → how many records.
        shown: The first (line, code) of them.
        place_kinds: Kind → how many places.
    """

    record: LoadRecord
    title: str
    rejected: dict[str, int]
    shown: tuple[tuple[int, str], ...]
    place_kinds: dict[str, int]


def load(
    database: Database,
    file: VoterFile,
    *,
    licensed: Sequence[PartnerSlug],
    purposes: Sequence[Purpose],
    until: date,
    consortium: ConsortiumCard,
    tokeniser: Tokeniser,
    profile: Profile,
    match_key: bytes,
    clock: Clock,
    layout: str | None = None,
    register: str | None = None,
    history: VoterFile | None = None,
    workers: int = 0,
    observer: Observer | None = None,
) -> LoadResult:
    """Load a voter file.

    Args:
        database: Where to.
        file: The file.
        licensed, purposes, until: Whose messages may rest on it, what for, and to which last day.
        consortium, tokeniser, profile, match_key: The host's.
        clock: What time it is.
        layout: Its layout; None: recognised by its headers.
        register: Whose ids it has, one word; None: the layout's name.
        history: A history file of the same register.
        workers: Processes to convert in, where the file is large.
        observer: Told of each batch.

    Raises:
        BadFile: Not a voter file that is known here, or too much of it is damaged.
        NotFound: A licensed partner is not admitted.
        UsageError: The licence has ended already; no partner or purpose; no such layout.
        StateConflict: The same file is loaded, or another load is running.
        StoreFailure: The database is busy, full, read-only or unreachable.
    """
    found = layouts.recognise(file.headers, name=file.name, layout=layout)
    register = register or found.name
    _check(register, licensed, purposes)
    ends_at = _end(until, found, states={found.state} - {""}, clock=clock)
    columns = (
        None
        if history is None
        else layouts.recognise_history(history.headers, layout=found.name, name=history.name)
    )
    with locks.exclusive(database, sweep.LOCK):
        sweep.clear(database)
        salt = secrets.token_bytes(32)
        with database.write() as tx:
            ids = [partners.get(tx, slug).id for slug in licensed]
            _refuse_known(voters.live_with_digest(tx, file.digest), file.name)
            _refuse_mixed(voters.all_of(tx), register=register, layout=found.name)
            load_id = voters.stage(
                tx,
                digest=file.digest,
                layout=found.name,
                register=register,
                licensed=ids,
                purposes=purposes,
                until=until,
                ends_at=ends_at,
                salt=salt,
                at=clock.now(),
            )
        work = Staging(
            database=database,
            load_id=load_id,
            ids=VoterIds(match_key, register=register),
            tokeniser=tokeniser,
            match_key=match_key,
            salt=salt,
            origin=consortium.origin,
            digest=file.digest,
            observer=observer or Silent(),
        )
        try:
            setup = ConvertSetup(found, register, profile, clock.now().date())
            beside = workers if file.size_bytes > _BESIDE_BYTES else 0
            work.rows(_converted(file, found, setup, workers=beside), name=file.name)
            if history is not None and columns is not None:
                work.history(history, columns)
            work.finish_staging()
            ends_at = _end(until, found, states=work.states, clock=clock)
            return _activate(database, work, found, licensed, ends_at=ends_at, clock=clock)
        except BaseException:
            # The sweep at the next start does the same, if this does not come off.
            with contextlib.suppress(ConsortiumError):
                sweep.discard(database, load_id)
            raise


def _check(register: str, licensed: Sequence[PartnerSlug], purposes: Sequence[Purpose]) -> None:
    if not _REGISTER.fullmatch(register):
        raise UsageError(
            "a register is called by one word", hint="Small letters, digits and hyphens: unison-nw"
        )
    if not licensed or not purposes:
        raise UsageError(
            "a voter file is licensed to somebody, for something",
            hint="Say --licensed-to PARTNER and --purpose gotv; both may be repeated.",
        )


def _end(until: date, layout: Layout, *, states: Collection[str], clock: Clock) -> datetime:
    """When the licence is over; refuses one that is."""
    found = licence.end_of(until, country=layout.country, states=states)
    if found <= clock.now():
        raise UsageError(
            f"the licence ended on {until.isoformat()}, before today",
            hint="Give the last day on which the file may be used.",
        )
    return found


def _refuse_known(known: LoadRecord | None, name: str) -> None:
    if known is not None:
        raise StateConflict(
            f"{name} is loaded already, as {known.name}",
            hint=f"Nothing was changed. To load it anew: consortium voters end {known.name}",
        )


def _refuse_mixed(known: Iterable[LoadRecord], *, register: str, layout: str) -> None:
    for record in known:
        if record.state == voters.ACTIVE and (record.register, record.layout != layout) == (
            register,
            True,
        ):
            raise StateConflict(
                f"the register {register} is known by files of the layout {record.layout}",
                hint="Ids of two kinds do not mix; name another with --register.",
            )


def _converted(
    file: VoterFile, layout: Layout, setup: ConvertSetup, *, workers: int
) -> Iterator[Converted]:
    batches = file.batches()
    if layout.headless:
        batches = _with_first(file.headers, batches)
    if workers:
        make = f"{converter.__module__}:{converter.__name__}"
        yield from map_batches(make, setup, batches, workers=workers)
    else:
        yield from map(converter(setup), batches)


def _with_first(first: Sequence[str], batches: Iterator[RawVoters]) -> Iterator[RawVoters]:
    yield RawVoters([1], [list(first)])
    yield from batches


def _activate(
    database: Database,
    work: Staging,
    layout: Layout,
    licensed: Sequence[PartnerSlug],
    *,
    ends_at: datetime,
    clock: Clock,
) -> LoadResult:
    """The moment from which the load counts."""
    with database.write() as tx:
        now = clock.now()
        voters.activate(tx, work.load_id, work.counts(), ends_at=ends_at, at=now)
        record = voters.by_id(tx, work.load_id)
        entry = ledger.append(
            tx,
            entries.voters_loaded(
                record.digest,
                layout=record.layout,
                register=record.register,
                licensed=licensed,
                purposes=record.purposes,
                until=record.until,
                rows=record.counts.rows,
                left_out=record.counts.left_out,
                rejected=record.counts.rejected,
                repeated=record.counts.repeated,
                history_rows=record.counts.history_rows,
                at=now,
            ),
        )
        voters.set_entry(tx, work.load_id, entry=entry)
        record = voters.by_id(tx, work.load_id)
    return LoadResult(
        record=record,
        title=layout.title,
        rejected=dict(work.rejected),
        shown=tuple(work.shown),
        place_kinds=work.place_kinds(),
    )
