"""From records to what is sent: every record of a list has exactly one fate.

- *usable*: a `PackRow`, with the contact points that are good; one bad value costs only itself;
- *opt-out*: a `PackOptOut`, because its system says unsubscribed, bounced, spam report or do not
  contact; kept only to block;
- *repeated*: says after normalisation just what an earlier row says (its own record id aside);
- *rejected*: with record, line, column, code and sentence.

So rows in = usable + opt-outs + repeated + rejected, always. A row that refuses one channel and
has consent of its own for the other is usable by that other and blocked on the first: counted as
usable, with a `PackOptOut` of the same number beside its `PackRow` (`Batch.partly`). Whoever
refused one channel and consented to none is no source row.

A row with cells beyond its header's columns is rejected, because a shifted status cell would turn a
no into a yes; one that is short is used unless a cell about consent is among the missing ones.

Cost: 35 to 65 µs of processor time a row, two thirds of it normalising (measured on lists of 20,000
to 40,000 rows of the five layouts); memory for one batch and 8 bytes for each row before it
(`consortium.pack.repeats`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from consortium.model import Channel, Consent, ConsentBasis, PackOptOut, PackRow, Relationship
from consortium.pack.consent import ConsentReader, Standing
from consortium.pack.layout import Layout
from consortium.pack.mapping import Stated
from consortium.pack.mistakes import Lookout, Seen
from consortium.pack.problems import Flaw, RejectedRow
from consortium.pack.repeats import Repeats
from consortium.pack.shape import Shape
from consortium.pack.source import RawBatch, Source
from consortium.pack.values import (
    Births,
    Note,
    Settings,
    Values,
    read_values,
    survey_births,
)
from consortium.tokens import Email, Phone

__all__ = ["Batch", "Repeated", "SealRecordId", "read_rows"]

SealRecordId = Callable[[str, int], bytes]
"""Seals an owner's record id for the owner: id, row number → opaque bytes."""


@dataclass(frozen=True, slots=True)
class Repeated:
    """A row left out because an earlier one says the same."""

    number: int
    line: int


@dataclass(slots=True, repr=False)
class Batch:
    """What became of consecutive records.

    Attributes:
        records: How many there were.
        items: What is sent, in ascending order of number.
        rejected, repeated: Rows that are not sent.
        flaws: Values that are not sent.
        usable, opt_outs: Rows that are sent, and rows that are kept only to block.
        partly: How many of the usable are blocked on one channel.
        seen: Likely mistakes of whole columns.
    """

    records: int
    items: list[PackRow | PackOptOut] = field(default_factory=list)
    rejected: list[RejectedRow] = field(default_factory=list)
    repeated: list[Repeated] = field(default_factory=list)
    flaws: list[Flaw] = field(default_factory=list)
    usable: int = 0
    opt_outs: int = 0
    partly: int = 0
    seen: Seen = field(default_factory=Seen)

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
    seal: SealRecordId | None = None,
) -> Iterator[Batch]:
    """Read a list in a stream.

    Args:
        source: The list; read twice if it has a birth-date column.
        layout: What its columns hold.
        settings: How values are read.
        stated: What the partner states of the whole list.
        repeats_key: 16 to 64 random bytes.
        seal: Seals record ids; None leaves them out.

    Raises:
        BadFile: The list changed while it was read, or has a quoted cell without end.
    """
    births = survey_births(source, layout, settings=settings)
    reader = _Reader(
        layout,
        settings=settings,
        births=births,
        consent=ConsentReader(
            layout, stated=stated, today=settings.today, order=settings.date_order
        ),
        shape=Shape(layout, delimiter=source.delimiter),
        repeats=Repeats(key=repeats_key),
        lookout=Lookout(layout, region=settings.region),
        seal=seal,
    )
    for raw in source.batches():
        yield reader.read(raw)


@dataclass(frozen=True, slots=True, repr=False)
class _Fate:
    """A row that is sent, unless it repeats another; `at` is its index in the batch."""

    at: int
    emails: tuple[str, ...]
    phones: tuple[str, ...]
    email: Consent
    sms: Consent
    relationship: Relationship
    blocked: PackOptOut | None
    said: str


class _Reader:
    """Reads batches of one list, in order."""

    def __init__(
        self,
        layout: Layout,
        *,
        settings: Settings,
        births: Mapping[int, Births],
        consent: ConsentReader,
        shape: Shape,
        repeats: Repeats,
        lookout: Lookout,
        seal: SealRecordId | None,
    ) -> None:
        self._layout, self._settings, self._births = layout, settings, births
        self._consent, self._shape = consent, shape
        self._repeats, self._lookout, self._seal = repeats, lookout, seal

    def read(self, raw: RawBatch) -> Batch:
        """What becomes of the records."""
        batch = Batch(records=len(raw.rows))
        numbers, lines, rows = self._fit(raw, batch)
        if not rows:
            return batch
        cells = list(zip(*rows, strict=True))
        batch.seen = self._lookout.look(cells, lines=lines)
        values = read_values(
            cells,
            rows=len(rows),
            layout=self._layout,
            settings=self._settings,
            births=self._births,
        )
        notes: dict[int, list[Note]] = {}
        for note in values.notes:
            notes.setdefault(note.row, []).append(note)
        fates: list[_Fate] = []
        lost: dict[int, tuple[int, str]] = {}
        for at, row in enumerate(rows):
            fate = self._fate(at, numbers[at], row, values, notes.get(at, ()))
            if isinstance(fate, _Fate):
                fates.append(fate)
            else:
                lost[at] = column, code = fate
                batch.rejected.append(
                    RejectedRow(numbers[at], lines[at], self._header(column), code)
                )
        batch.flaws += [
            Flaw(
                numbers[note.row],
                lines[note.row],
                self._header(note.column),
                note.code,
                row_used=note.row not in lost,
            )
            for note in values.notes
            if lost.get(note.row) != (note.column, note.code)
        ]
        fresh = self._repeats.first_time([fate.said for fate in fates])
        for fate, new in zip(fates, fresh, strict=True):
            if new:
                self._send(fate, numbers[fate.at], values, batch)
            else:
                batch.repeated.append(Repeated(numbers[fate.at], lines[fate.at]))
        return batch

    def _fit(self, raw: RawBatch, batch: Batch) -> tuple[list[int], list[int], list[list[str]]]:
        numbers: list[int] = []
        lines: list[int] = []
        rows: list[list[str]] = []
        for number, (line, row) in enumerate(zip(raw.lines, raw.rows, strict=True), raw.first):
            fitted, code = self._shape.fit(row)
            if fitted is None:
                batch.rejected.append(RejectedRow(number, line, "", code))
                continue
            if code:
                batch.flaws.append(Flaw(number, line, "", code, row_used=True))
            numbers.append(number)
            lines.append(line)
            rows.append(fitted)
        return numbers, lines, rows

    def _fate(
        self, at: int, number: int, row: Sequence[str], values: Values, notes: Sequence[Note]
    ) -> _Fate | tuple[int, str]:
        """What is sent of a row, or the column and code it is rejected with."""
        if self._shape.swallowed(row):
            return -1, "open_quote"
        emails, phones = values.emails[at], values.phones[at]
        if not emails and not phones:
            return self._shape.why_unreachable(row, notes)
        by_email = self._consent.standing(row, channel=Channel.EMAIL)
        by_sms = self._consent.standing(row, channel=Channel.SMS)
        for standing in (by_email, by_sms):
            if standing.unknown >= 0:
                values.notes.append(Note(at, standing.unknown, "unknown_word"))
        kept, called, blocked = _divide(number, emails, phones, by_email, by_sms)
        if not kept and not called and blocked is None:
            return -1, "no_one_to_block"
        relationship = self._consent.relationship(row)
        if kept or called:
            said = _said(at, values, kept, called, blocked)
            said = f"{said}\x1f{relationship}\x1f{by_email.said}\x1f{by_sms.said}"
        else:
            assert blocked is not None  # else the row was rejected above
            said = "\x1f".join((blocked.cause, *blocked.emails, *blocked.phones))
        return _Fate(
            at,
            tuple(e.deliverable for e in kept),
            tuple(p.e164 for p in called),
            by_email.consent,
            by_sms.consent,
            relationship,
            blocked,
            said,
        )

    def _send(self, fate: _Fate, number: int, values: Values, batch: Batch) -> None:
        if not fate.emails and not fate.phones:
            batch.opt_outs += 1
        else:
            at, name = fate.at, values.names[fate.at]
            record_id = values.record_ids[at]
            batch.items.append(
                PackRow(
                    number=number,
                    emails=fate.emails,
                    phones=fate.phones,
                    first_name=name.first,
                    last_name=name.last,
                    suffix=name.suffix,
                    birth_date=values.births[at],
                    house_number=values.house_numbers[at],
                    places=values.places[at],
                    language=values.languages[at],
                    relationship=fate.relationship,
                    email_consent=fate.email,
                    sms_consent=fate.sms,
                    sealed_record_id=(
                        self._seal(record_id, number) if self._seal and record_id else b""
                    ),
                    tags=values.tags[at],
                )
            )
            batch.usable += 1
            batch.partly += fate.blocked is not None
        if fate.blocked is not None:
            batch.items.append(fate.blocked)

    def _header(self, column: int) -> str:
        return self._layout.headers[column] if column >= 0 else ""


def _divide(
    number: int,
    emails: list[Email],
    phones: list[Phone],
    by_email: Standing,
    by_sms: Standing,
) -> tuple[list[Email], list[Phone], PackOptOut | None]:
    """Contact points that may be used, and those to block.

    After a refusal on one channel, the other is used only with a consent of its own.
    """
    if not by_email.refusal and not by_sms.refusal:
        return emails, phones, None
    blocked = PackOptOut(
        number=number,
        emails=tuple(e.deliverable for e in emails) if by_email.refusal else (),
        phones=tuple(p.e164 for p in phones) if by_sms.refusal else (),
        cause=by_email.refusal or by_sms.refusal,
    )
    return (
        [] if by_email.consent.basis is ConsentBasis.NONE else emails,
        [] if by_sms.consent.basis is ConsentBasis.NONE else phones,
        blocked if blocked.emails or blocked.phones else None,
    )


def _said(
    at: int,
    values: Values,
    emails: list[Email],
    phones: list[Phone],
    blocked: PackOptOut | None,
) -> str:
    """What a row says of its person, in one string: equal only if all of it is."""
    name, places = values.names[at], values.places[at]
    return "\x1f".join(
        (
            *[e.canonical for e in emails],
            *[p.e164 for p in phones],
            "" if blocked is None else "\x1e".join((*blocked.emails, *blocked.phones)),
            name.first.casefold(),
            name.last.casefold(),
            name.suffix,
            values.births[at],
            values.house_numbers[at],
            places.country,
            places.state,
            places.postcode,
            values.languages[at],
            *values.tags[at],
        )
    )
