"""What becomes of a batch of records, all but whether they repeat earlier ones.

Needs nothing but the batch and what is known of the whole list (`Setup`), so it runs in any process
(`consortium.workers`); batches come back as `Judged` and are put together in the order of the list
by `consortium.pack.rows`. Everything is done column by column; rows that refuse a channel, or are
rejected, are looked at one by one.
"""

from __future__ import annotations

import copyreg
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from consortium.pack.claims import Claim, ClaimReader, Said
from consortium.pack.consent import UNKNOWN_WORD, WordAt, is_word
from consortium.pack.date_columns import Dates
from consortium.pack.fates import Left, Stands, left_of, standing_in
from consortium.pack.layout import Layout, Role
from consortium.pack.lines import packed, texts
from consortium.pack.mapping import Stated
from consortium.pack.mistakes import Lookout, Seen
from consortium.pack.problems import Flaw, RejectedRow
from consortium.pack.record_ids import RecordIdSealer
from consortium.pack.repeats import fingerprints
from consortium.pack.settings import Settings
from consortium.pack.shape import Shape
from consortium.pack.source import RawBatch
from consortium.pack.values import Note, ValueReader, Values
from consortium.vault.pack_rows import OptOutLine

__all__ = ["BY_EMAIL", "BY_PHONE", "KINDS", "Judged", "Setup", "judge"]

BY_PHONE, BY_EMAIL = 1, 2
KINDS = 4
"""A row's kind is `KINDS` times the index of its claim, and which contact points it is sent with;
none: it is sent only to block."""


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
        dates: What `survey_dates` gave.
        stated: What the partner states of the whole list.
        repeats_key: 16 to 64 random bytes.
        sealer: Seals record ids; None leaves them out.
        packing: Whether lines for a pack are wanted.
    """

    layout: Layout
    delimiter: str
    settings: Settings
    dates: Dates
    stated: Stated
    repeats_key: bytes
    sealer: RecordIdSealer | None
    packing: bool


@dataclass(slots=True, repr=False)
class Judged:
    """What became of consecutive records, if none of them repeats an earlier one.

    Attributes:
        records: How many there were.
        member: The archive's member they are from; empty: the list itself.
        rejected: Rows that are not sent.
        flaws: Values that are not sent.
        seen: Likely mistakes of whole columns.
        numbers, lines: Record and physical line of the others, ascending.
        prints: What each of them says, 8 bytes (`consortium.pack.repeats`).
        kinds: Of each its kind, see `KINDS`.
        claims: What a kind's claim is.
        blocked: Index among them → cause, of those with a contact point to block.
        packed: Of each its line or lines in a pack, without the last newline; empty when checking.
        tags: Of each the tags it shares; empty if none are shared.
        words: Words about consent that are not known, with how many rows have each.
    """

    records: int
    member: str = ""
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
    tags: list[tuple[str, ...]] = field(default_factory=list)
    words: Counter[WordAt] = field(default_factory=Counter)

    def __repr__(self) -> str:
        return f"Judged(records={self.records}, ‹personal›)"


def judge(setup: Setup) -> Callable[[RawBatch], Judged]:
    """What judges batches of the list; costs are those of `consortium.pack.rows`."""
    return _Judge(setup).judge


_NO_VALUE = frozenset({"empty", "placeholder"})  # nobody stands in such a cell
_OF_NOBODY = frozenset({"", "bounced"})  # no refusal, or one of an address and not of a human


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
        self._values = ValueReader(layout, settings=settings, births=setup.dates.births)
        self._shape = Shape(layout, delimiter=setup.delimiter)
        self._lookout = Lookout(layout, region=settings.region)
        self._claims = ClaimReader(
            layout, settings=settings, stated=setup.stated, orders=setup.dates.orders
        )

    def judge(self, raw: RawBatch) -> Judged:
        """What becomes of the records."""
        judged = Judged(records=len(raw.rows), member=raw.member)
        numbers, lines, rows = self._fit(raw, judged)
        if not rows:
            return judged
        cells = list(zip(*rows, strict=True))
        judged.seen = self._lookout.look(cells, lines=lines)
        values = self._values.read(cells, rows=len(rows))
        said, whose = self._claims.read(rows)
        fates = self._fates(rows, numbers, values, said, whose)
        judged.words = self._words(rows, values.notes)
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
        said_of = texts(values, [words[index] for index in whose], blocked)
        judged.prints = fingerprints(said_of, key=self._setup.repeats_key)
        if self._setup.layout.kept:
            judged.tags = values.tags
        if self._setup.packing:
            claims = [said[index] for index in whose]
            judged.packed = packed(numbers, values, claims, blocked, sealer=self._setup.sealer)
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
        said: list[Said],
        whose: list[int],
    ) -> _Fates:
        """Who is lost and who is blocked; what may not be used is taken out of `values`.

        A row whose contact points do not all share its fate gets a `Said` of its own.
        """
        fates = _Fates(dict.fromkeys(self._shape.swallowed(rows), (-1, "open_quote")))
        lost = fates.lost
        lost |= self._unreachable(rows, values, lost)
        values.notes += self._unheard(values.notes, said, whose)
        speaks, flaws = [one.speaks for one in said], [one.flaws for one in said]
        known: dict[tuple[int, Stands, Stands], tuple[int, Left]] = {}
        for at, index in enumerate(whose) if any(speaks) else ():
            if not speaks[index] or at in lost:
                continue
            one, emails, phones = said[index], values.emails[at], values.phones[at]
            values.notes += [Note(at, column, code) for column, code in flaws[index]]
            in_emails, in_phones = self._stand_in(rows[at], one, values.mailboxes[at], phones)
            key = (index, in_emails, in_phones)
            if key not in known:
                known[key] = (len(said), left_of(one, emails=in_emails, phones=in_phones))
                said.append(known[key][1].said)
            whose[at], left = known[key]
            if not left.is_whole:
                self._leave(rows[at], at, values, left)
            if left.cause:
                fates.blocked[at] = OptOutLine(
                    numbers[at],
                    tuple(emails[i] for i in left.blocked_emails),
                    tuple(phones[i] for i in left.blocked_phones),
                    left.cause,  # type: ignore[arg-type]  # checked when encoded
                )
            elif not values.emails[at] and not values.phones[at]:
                lost[at] = -1, "no_one_to_block"
        return fates

    def _unheard(
        self, notes: Sequence[Note], said: Sequence[Said], whose: Sequence[int]
    ) -> list[Note]:
        """Refusals of somebody whose address or number cannot be read, so that it stops nothing."""
        columns, found = self._setup.layout.columns, list[Note]()
        for role in (Role.EMAIL, Role.PHONE):
            of_role = columns.get(role, ())
            for note in notes:
                if note.column not in of_role or note.code in _NO_VALUE:
                    continue
                one = said[whose[note.row]]
                own = dict(one.own_emails if role is Role.EMAIL else one.own_phones)
                channel = one.email if role is Role.EMAIL else one.sms
                refusals = {channel.refusal, own.get(note.column, channel).refusal}
                if refusals - _OF_NOBODY:
                    found.append(Note(note.row, note.column, "unheard"))
        return found

    def _stand_in(
        self, row: Sequence[str], said: Said, mailboxes: Sequence[str], phones: Sequence[str]
    ) -> tuple[Stands, Stands]:
        columns, by = self._setup.layout.columns, self._values
        emails_of, phones_of = columns.get(Role.EMAIL, ()), columns.get(Role.PHONE, ())
        return (
            standing_in(row, said.own_emails, mailboxes, columns=emails_of, read=by.mailboxes_in),
            standing_in(row, said.own_phones, phones, columns=phones_of, read=by.phones_in),
        )

    def _leave(self, row: Sequence[str], at: int, values: Values, left: Left) -> None:
        """Take out of a row's values all but what is left."""
        emails, mailboxes, phones = values.emails[at], values.mailboxes[at], values.phones[at]
        for index in left.emails_without:
            self._tell_without(row, at, values, Role.EMAIL, mailboxes[index])
        for index in left.phones_without:
            self._tell_without(row, at, values, Role.PHONE, phones[index])
        values.emails[at] = tuple(emails[i] for i in left.emails)
        values.mailboxes[at] = tuple(mailboxes[i] for i in left.emails)
        values.phones[at] = tuple(phones[i] for i in left.phones)

    def _tell_without(
        self, row: Sequence[str], at: int, values: Values, role: Role, point: str
    ) -> None:
        """Note that a contact point has no consent, in the first column in which it stands."""
        read = self._values.mailboxes_in if role is Role.EMAIL else self._values.phones_in
        columns = self._setup.layout.columns[role]
        column = next(column for column in columns if point in read(row[column]))
        values.notes.append(Note(at, column, "without_consent"))

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

    def _words(self, rows: Sequence[Sequence[str]], notes: Sequence[Note]) -> Counter[WordAt]:
        """Words about consent that are not known, and how many rows have each."""
        cells = (
            (note.column, rows[note.row][note.column].strip())
            for note in notes
            if note.code == UNKNOWN_WORD
        )
        return Counter((c, word) for c, word in cells if is_word(word))

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

    def _header(self, column: int) -> str:
        return self._headers[column] if column >= 0 else ""
