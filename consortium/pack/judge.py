"""What becomes of a batch of records, all but whether they repeat earlier ones.

Needs nothing but the batch and what is known of the whole list (`Setup`), so it runs in any process
(`consortium.workers`); batches come back as `Judged` and are put together in the order of the list
by `consortium.pack.rows`. Everything is done column by column; rows that refuse a channel, or are
rejected, are looked at one by one.
"""

from __future__ import annotations

import copyreg
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from consortium.model import ConsentBasis
from consortium.pack.births import Births
from consortium.pack.claims import Claim, ClaimReader, Said
from consortium.pack.layout import Layout
from consortium.pack.mapping import Stated
from consortium.pack.mistakes import Lookout, Seen
from consortium.pack.problems import Flaw, RejectedRow
from consortium.pack.record_ids import RecordIdSealer
from consortium.pack.repeats import fingerprints
from consortium.pack.settings import Settings
from consortium.pack.shape import Shape
from consortium.pack.source import RawBatch
from consortium.pack.values import Note, ValueReader, Values
from consortium.vault.pack_rows import Line, OptOutLine, RowLine, encode_lines

__all__ = ["BY_EMAIL", "BY_PHONE", "KINDS", "Judged", "Setup", "judge"]

BY_PHONE, BY_EMAIL = 1, 2
KINDS = 4
"""A row's kind is `KINDS` times the index of its claim, and which contact points it is sent with;
none: it is sent only to block."""
_SEVERAL = "\x1e".join


def _frozen(mapping: dict[Any, Any]) -> MappingProxyType[Any, Any]:
    return MappingProxyType(mapping)


# A layout's words go to other processes as what they are.
copyreg.pickle(MappingProxyType, lambda mapping: (_frozen, (dict(mapping),)))


@dataclass(frozen=True, slots=True, repr=False)
class Setup:
    """What is known of the whole list.

    Attributes:
        layout: What its columns hold.
        delimiter: What stands between its cells; empty if they are told apart otherwise.
        settings: How values are read.
        births: What `survey_births` gave.
        stated: What the partner states of the whole list.
        repeats_key: 16 to 64 random bytes.
        sealer: Seals record ids; None leaves them out.
        packing: Whether lines for a pack are wanted.
    """

    layout: Layout
    delimiter: str
    settings: Settings
    births: Mapping[int, Births]
    stated: Stated
    repeats_key: bytes
    sealer: RecordIdSealer | None
    packing: bool


@dataclass(slots=True, repr=False)
class Judged:
    """What became of consecutive records, if none of them repeats an earlier one.

    Attributes:
        records: How many there were.
        rejected: Rows that are not sent.
        flaws: Values that are not sent.
        seen: Likely mistakes of whole columns.
        numbers, lines: Record and physical line of the others, ascending.
        prints: What each of them says, 8 bytes (`consortium.pack.repeats`).
        kinds: Of each its kind, see `KINDS`.
        claims: What a kind's claim is.
        blocked: Index among them → cause, of those with a contact point to block.
        packed: Of each its line or lines in a pack, without the last newline; empty when checking.
    """

    records: int
    rejected: list[RejectedRow] = field(default_factory=list)
    flaws: list[Flaw] = field(default_factory=list)
    seen: Seen = field(default_factory=Seen)
    numbers: list[int] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    prints: bytes = b""
    kinds: list[int] = field(default_factory=list)
    claims: list[Claim] = field(default_factory=list)
    blocked: dict[int, str] = field(default_factory=dict)
    packed: list[bytes] = field(default_factory=list)

    def __repr__(self) -> str:
        return f"Judged(records={self.records}, ‹personal›)"


def judge(setup: Setup) -> Callable[[RawBatch], Judged]:
    """What judges batches of the list; costs are those of `consortium.pack.rows`."""
    return _Judge(setup).judge


@dataclass(slots=True)
class _Fates:
    """Of rows by index in the batch: column and code they are rejected with, what they block."""

    lost: dict[int, tuple[int, str]]
    blocked: dict[int, OptOutLine] = field(default_factory=dict)


class _Judge:
    def __init__(self, setup: Setup) -> None:
        layout, settings = setup.layout, setup.settings
        self._setup = setup
        self._headers = layout.headers
        self._values = ValueReader(layout, settings=settings, births=setup.births)
        self._shape = Shape(layout, delimiter=setup.delimiter)
        self._lookout = Lookout(layout, region=settings.region)
        self._claims = ClaimReader(layout, settings=settings, stated=setup.stated)

    def judge(self, raw: RawBatch) -> Judged:
        """What becomes of the records."""
        judged = Judged(records=len(raw.rows))
        numbers, lines, rows = self._fit(raw, judged)
        if not rows:
            return judged
        cells = list(zip(*rows, strict=True))
        judged.seen = self._lookout.look(cells, lines=lines)
        values = self._values.read(cells, rows=len(rows))
        said, whose = self._claims.read(rows)
        fates = self._fates(rows, numbers, values, said, whose)
        self._tell(numbers, lines, values.notes, fates, judged)
        blocked = fates.blocked
        if fates.lost:
            left = [at for at in range(len(rows)) if at not in fates.lost]
            values = values.only(left)
            numbers, lines = [numbers[at] for at in left], [lines[at] for at in left]
            whose = [whose[at] for at in left]
            blocked = {index: blocked[at] for index, at in enumerate(left) if at in blocked}
        judged.numbers, judged.lines = numbers, lines
        judged.claims = [one.claim for one in said]
        judged.kinds = [
            KINDS * index + (BY_EMAIL if emails else 0) + (BY_PHONE if phones else 0)
            for index, emails, phones in zip(whose, values.emails, values.phones, strict=True)
        ]
        judged.blocked = {index: line.cause for index, line in blocked.items()}
        words = [one.word for one in said]
        texts = _texts(values, [words[index] for index in whose], blocked)
        judged.prints = fingerprints(texts, key=self._setup.repeats_key)
        if self._setup.packing:
            judged.packed = self._packed(numbers, values, said, whose, blocked)
        return judged

    def _fit(self, raw: RawBatch, judged: Judged) -> tuple[list[int], list[int], list[list[str]]]:
        numbers = list(range(raw.first, raw.first + len(raw.rows)))
        if self._shape.all_fit(raw.rows):
            return numbers, raw.lines, raw.rows
        kept: list[tuple[int, int, list[str]]] = []
        for number, line, row in zip(numbers, raw.lines, raw.rows, strict=True):
            fitted, code = self._shape.fit(row)
            if fitted is None:
                judged.rejected.append(RejectedRow(number, line, "", code))
                continue
            if code:
                judged.flaws.append(Flaw(number, line, "", code, row_used=True))
            kept.append((number, line, fitted))
        return [k[0] for k in kept], [k[1] for k in kept], [k[2] for k in kept]

    def _fates(
        self,
        rows: Sequence[Sequence[str]],
        numbers: Sequence[int],
        values: Values,
        said: Sequence[Said],
        whose: Sequence[int],
    ) -> _Fates:
        """Who is lost and who is blocked; what may not be used is taken out of `values`."""
        fates = _Fates(dict.fromkeys(self._shape.swallowed(rows), (-1, "open_quote")))
        lost = fates.lost
        lost |= self._unreachable(rows, values, lost)
        speaks = [one.speaks for one in said]
        for at, index in enumerate(whose) if any(speaks) else ():
            if not speaks[index] or at in lost:
                continue
            one = said[index]
            for standing in (one.email, one.sms):
                if standing.unknown >= 0:
                    values.notes.append(Note(at, standing.unknown, "unknown_word"))
            if one.email.refusal or one.sms.refusal:
                blocked = _divide(at, numbers[at], values, one)
                if blocked is not None:
                    fates.blocked[at] = blocked
                elif not values.emails[at] and not values.phones[at]:
                    lost[at] = -1, "no_one_to_block"
        return fates

    def _unreachable(
        self, rows: Sequence[Sequence[str]], values: Values, lost: Mapping[int, object]
    ) -> dict[int, tuple[int, str]]:
        """Rows without a contact point, with column and code."""
        found = {
            at: list[Note]()
            for at, (emails, phones) in enumerate(zip(values.emails, values.phones, strict=True))
            if not emails and not phones and at not in lost
        }
        for note in values.notes if found else ():
            if note.row in found:
                found[note.row].append(note)
        return {at: self._shape.why_unreachable(rows[at], notes) for at, notes in found.items()}

    def _tell(
        self,
        numbers: Sequence[int],
        lines: Sequence[int],
        notes: Sequence[Note],
        fates: _Fates,
        judged: Judged,
    ) -> None:
        for at in sorted(fates.lost):
            column, code = fates.lost[at]
            header = self._header(column)
            judged.rejected.append(RejectedRow(numbers[at], lines[at], header, code))
        for note in notes:
            at, why = note.row, fates.lost.get(note.row)
            if why != (note.column, note.code):
                judged.flaws.append(
                    Flaw(
                        numbers[at],
                        lines[at],
                        self._header(note.column),
                        note.code,
                        row_used=why is None,
                    )
                )

    def _packed(
        self,
        numbers: Sequence[int],
        values: Values,
        said: Sequence[Said],
        whose: Sequence[int],
        blocked: Mapping[int, OptOutLine],
    ) -> list[bytes]:
        """The lines of rows and of what they block."""
        sealer = self._setup.sealer
        sealed = [
            sealer.seal(record_id, number) if record_id and sealer else b""
            for record_id, number in zip(values.record_ids, numbers, strict=True)
        ]
        claims = [said[index] for index in whose]
        lines: list[Line] = list(
            map(
                RowLine,
                numbers,
                values.emails,
                values.phones,
                values.first_names,
                values.last_names,
                values.suffixes,
                values.births,
                values.house_numbers,
                values.countries,
                values.states,
                values.postcodes,
                values.languages,
                [one.claim.relationship for one in claims],
                [one.claim.email for one in claims],
                [one.email_on for one in claims],
                [one.claim.sms for one in claims],
                [one.sms_on for one in claims],
                sealed,
                values.tags,
            )
        )
        beside: dict[int, OptOutLine] = {}
        for index, line in blocked.items():
            if values.emails[index] or values.phones[index]:
                beside[index] = line
            else:
                lines[index] = line
        packed = encode_lines(lines)
        for index, extra in zip(beside, encode_lines(list(beside.values())), strict=True):
            packed[index] += b"\n" + extra
        return packed

    def _header(self, column: int) -> str:
        return self._headers[column] if column >= 0 else ""


def _divide(at: int, number: int, values: Values, said: Said) -> OptOutLine | None:
    """Contact points to block; those that may not be used either are taken out of `values`.

    After a refusal on one channel, the other is used only with a consent of its own.
    """
    emails, phones = values.emails[at], values.phones[at]
    blocked = OptOutLine(
        number,
        emails if said.email.refusal else (),
        phones if said.sms.refusal else (),
        said.email.refusal or said.sms.refusal,  # type: ignore[arg-type]  # checked when encoded
    )
    if said.claim.email is ConsentBasis.NONE:
        values.emails[at] = values.mailboxes[at] = ()
    if said.claim.sms is ConsentBasis.NONE:
        values.phones[at] = ()
    return blocked if blocked.emails or blocked.phones else None


def _texts(
    values: Values, words: Sequence[str], blocked: Mapping[int, OptOutLine]
) -> Iterator[str]:
    """What each row says of its person, in one string: equal only if all of it is."""
    blocks = [""] * len(words)
    for index, line in blocked.items():
        blocks[index] = _SEVERAL((line.cause, *line.emails, *line.phones))
    texts = map(
        "\x1f".join,
        zip(
            map(_SEVERAL, values.mailboxes),
            map(_SEVERAL, values.phones),
            blocks,
            map(str.casefold, values.first_names),
            map(str.casefold, values.last_names),
            values.suffixes,
            values.births,
            values.house_numbers,
            values.countries,
            values.states,
            values.postcodes,
            values.languages,
            map(_SEVERAL, values.tags),
            words,
            strict=True,
        ),
    )
    if not blocked:
        return texts
    # Who is only blocked says nothing else: two such rows with other names are repeats.
    return (
        text if values.emails[index] or values.phones[index] else blocks[index]
        for index, text in enumerate(texts)
    )
