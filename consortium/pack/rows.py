"""From records to what is sent: every record of a list has exactly one fate.

- *usable*: sent as a row, with the contact points that are good; one bad value costs only itself;
- *opt-out*: because its system says unsubscribed, bounced, spam report or do not contact; kept only
  to block;
- *repeated*: says after normalisation just what an earlier row says (its own record id aside);
- *rejected*: with record, line, column, code and sentence.

So rows in = usable + opt-outs + repeated + rejected, always. A row that refuses one channel and
has consent of its own for the other is usable by that other and blocked on the first: counted as
usable, with an opt-out of the same number beside it (`Batch.partly`). So is one that refuses at one
address of several (`consortium.pack.points`). Whoever refused something and consented to nothing is
no source row.

A row with cells beyond its header's columns is rejected, because a shifted status cell would turn a
no into a yes; one that is short is used unless a cell about consent is among the missing ones.

Records are judged in batches, in processes beside this one if the list is long
(`consortium.pack.judge`); here they are put together in the order of the list, and repeats are
found. Cost: about 25 µs of processor time a row, most of it normalising, 5 of them here, where they
cannot be shared out (measured on 1,000,000 rows); memory for some batches and 8 bytes for each row
before them (`consortium.pack.repeats`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import compress
from typing import NamedTuple

from consortium.model import Channel, ConsentBasis, PackOptOut, PackRow, Relationship
from consortium.pack.consent import WordAt
from consortium.pack.date_columns import survey_dates
from consortium.pack.judge import BY_EMAIL, BY_PHONE, KINDS, Judged, Setup
from consortium.pack.layout import Layout
from consortium.pack.mapping import Stated
from consortium.pack.mistakes import Seen
from consortium.pack.problems import Flaw, RejectedRow
from consortium.pack.record_ids import RecordIdSealer
from consortium.pack.repeats import Repeats
from consortium.pack.settings import Settings
from consortium.pack.source import Source
from consortium.vault.pack_rows import Line, decode_lines, item_of
from consortium.workers import map_batches, usable_cores

__all__ = ["Batch", "Claimed", "Repeated", "read_rows"]

_LONG_BYTES = 5 * 2**20  # a list of some 40,000 rows: what starting processes takes pays
_MOST_WORKERS = 4  # more would wait for this process

Claimed = tuple[Channel, ConsentBasis, Relationship]
"""What is claimed for rows: on which channel, on which basis, of what kind of people."""


class Repeated(NamedTuple):
    """A row left out because an earlier one says the same."""

    number: int
    line: int


@dataclass(slots=True, repr=False)
class Batch:
    """What became of consecutive records.

    Attributes:
        records: How many there were.
        member: The archive's member they are from; empty: the list itself.
        packed: What is sent, as lines of a pack in ascending order of number, each with its
            newline; empty when checking.
        rejected, repeated: Rows that are not sent.
        flaws: Values that are not sent.
        usable, opt_outs: Rows that are sent, and rows that are kept only to block.
        partly: How many of the usable are blocked in part.
        seen: Likely mistakes of whole columns.
        claimed: Usable rows by channel on which they have a contact point, and what is claimed.
        refused: Rows with a contact point to block, by cause.
        tags: Usable rows by tag that they share.
        words: Words about consent that are not known, with how many rows have each.
    """

    records: int
    member: str = ""
    packed: bytes = b""
    rejected: list[RejectedRow] = field(default_factory=list)
    repeated: list[Repeated] = field(default_factory=list)
    flaws: list[Flaw] = field(default_factory=list)
    usable: int = 0
    opt_outs: int = 0
    partly: int = 0
    seen: Seen = field(default_factory=Seen)
    claimed: Counter[Claimed] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    tags: Counter[str] = field(default_factory=Counter)
    words: Counter[WordAt] = field(default_factory=Counter)

    @property
    def sent(self) -> list[Line]:
        """What is sent, decoded."""
        return decode_lines(self.packed, first=1)

    @property
    def items(self) -> list[PackRow | PackOptOut]:
        """The same, in parts."""
        return [item_of(line) for line in self.sent]

    def problems(self) -> list[RejectedRow | Flaw]:
        """All that is wrong, in the order of the list."""
        return sorted([*self.rejected, *self.flaws], key=lambda problem: problem.number)

    def __repr__(self) -> str:
        return f"Batch(records={self.records}, usable={self.usable}, ‹personal›)"


def read_rows(
    source: Source,
    *,
    layout: Layout,
    settings: Settings,
    stated: Stated,
    repeats_key: bytes,
    sealer: RecordIdSealer | None = None,
    packing: bool = True,
    workers: int | None = None,
) -> Iterator[Batch]:
    """Read a list in a stream; the batches are the same with any number of workers.

    Args:
        source: The list; read twice if it has a column of dates.
        layout: What its columns hold.
        settings: How values are read.
        stated: What the partner states of the whole list.
        repeats_key: 16 to 64 random bytes.
        sealer: Seals record ids; None leaves them out.
        packing: Whether lines for a pack are wanted.
        workers: Processes beside this one; None: as many as there are cores, up to four, for a
            list of more than 5 MiB, else none.

    Raises:
        BadFile: The list changed while it was read, or has a quoted cell without end.
        StoreFailure: A process beside this one was ended.
    """

    def setup() -> Setup:
        return Setup(
            layout=layout,
            delimiter=source.delimiter,
            settings=settings,
            dates=survey_dates(source, layout, settings=settings),
            stated=stated,
            repeats_key=repeats_key,
            sealer=sealer,
            packing=packing,
        )

    if workers is None:
        cores = usable_cores()
        workers = min(cores, _MOST_WORKERS) if cores > 1 and source.size_bytes > _LONG_BYTES else 0
    repeats = Repeats()
    judged: Judged
    for judged in map_batches(
        "consortium.pack.judge:judge", setup, source.batches(), workers=workers
    ):
        yield _sift(judged, repeats)


def _sift(judged: Judged, repeats: Repeats) -> Batch:
    """Take out what earlier rows say, and count what is left."""
    fresh = repeats.first_time(judged.prints)
    batch = Batch(
        judged.records,
        judged.member,
        rejected=judged.rejected,
        flaws=judged.flaws,
        seen=judged.seen,
        words=judged.words,
    )
    if not all(fresh):
        again = [not new for new in fresh]
        rows = zip(judged.numbers, judged.lines, strict=True)
        batch.repeated = list(map(Repeated._make, compress(rows, again)))
    _count(judged, fresh, batch)
    sent = [*compress(judged.packed, fresh)] if judged.packed else []
    batch.packed = b"\n".join([*sent, b""])
    return batch


def _count(judged: Judged, fresh: Sequence[bool], batch: Batch) -> None:
    """Count what is left by what becomes of it."""
    for kind, rows_of in Counter(compress(judged.kinds, fresh)).items():
        email, sms, relationship = judged.claims[kind // KINDS]
        if kind & (BY_EMAIL | BY_PHONE):
            batch.usable += rows_of
        else:
            batch.opt_outs += rows_of
        if kind & BY_EMAIL:
            batch.claimed[Channel.EMAIL, email, relationship] += rows_of
        if kind & BY_PHONE:
            batch.claimed[Channel.SMS, sms, relationship] += rows_of
    for index, cause in judged.blocked.items():
        if fresh[index]:
            batch.refused[cause] += 1
            batch.partly += judged.kinds[index] & (BY_EMAIL | BY_PHONE) != 0
    if judged.tags:
        for kind, tags in compress(zip(judged.kinds, judged.tags, strict=True), fresh):
            if tags and kind & (BY_EMAIL | BY_PHONE):
                batch.tags.update(tags)
