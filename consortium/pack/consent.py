"""What a row says of consent, channel by channel.

Of all columns that speak of a channel, the strictest wins: a refusal, then a plain no, then a
basis (of several, the first that the layout names), and only where none of them says anything and
none of them could have granted, what the partner stated of the whole list. A word that the layout
does not know is no consent. A day of consent after the day of packing is not believed,
nor one before 1900.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

from consortium.model import OLDEST_CONSENT, Channel, Consent, ConsentBasis, Relationship
from consortium.pack.layout import Layout, Meaning, StatusColumn, fold_header
from consortium.pack.mapping import Stated
from consortium.tokens import dates

__all__ = ["ConsentReader", "Standing"]

_NONE = Consent()
_ISO = re.compile(r"\s*(\d{4})-(\d\d)-(\d\d)(?:[T\s]|$)", re.ASCII)
_PARTS = re.compile(r"\s*(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})(?:[\s,]|$)", re.ASCII)
_MEMO = 10_000
_MEMO_CHARACTERS = 64  # a longer cell is no word and no day


@dataclass(frozen=True, slots=True)
class Standing:
    """How a row stands on one channel.

    Attributes:
        consent: The owner's claim; `none` if there is none.
        refusal: Why it may not be contacted, a `PackOptOut.cause`; empty: it did not refuse.
        unknown: Index of a status column with a word that is not known, or -1.
        said: Consent and refusal in one word, equal only if they are.
    """

    consent: Consent = _NONE
    refusal: str = ""
    unknown: int = -1
    said: str = field(init=False)

    def __post_init__(self) -> None:
        day = "" if self.consent.on is None else self.consent.on.isoformat()
        said = f"{self.consent.basis.value} {day} {self.refusal}"
        object.__setattr__(self, "said", said)


_OPTED_OUT = Standing(refusal="unsubscribed")


@dataclass(frozen=True, slots=True)
class _Word:
    """What a cell says: a refusal, a no, a basis, or (all empty) nothing."""

    refusal: str = ""
    no: bool = False
    basis: ConsentBasis | None = None
    known: bool = True


_WORDS = {
    meaning: _Word(
        refusal=meaning.value if meaning.refuses else "",
        no=meaning is Meaning.NONE,
        basis=meaning.basis,
    )
    for meaning in Meaning
}
_UNKNOWN = _Word(no=True, known=False)


class ConsentReader:
    """Reads consent and relationship out of rows; about 1 µs per row and status column (measured).

    Args:
        layout: Which columns say so.
        stated: What the partner states of the whole list.
        today: Last day that a consent can have been given on.
        order: Order in days like 3/4/2025: `MDY` or `DMY`.
    """

    def __init__(self, layout: Layout, *, stated: Stated, today: date, order: dates.Order) -> None:
        self._today, self._order = today, order
        self._columns = {
            channel: tuple(s for s in layout.statuses if channel in s.channels)
            for channel in Channel
        }
        defaults = {Channel.EMAIL: stated.email, Channel.SMS: stated.sms}
        self._default = {
            channel: Standing(default)
            if (default := defaults[channel]) and not any(s.grants for s in columns)
            else Standing()
            for channel, columns in self._columns.items()
        }
        self._refused = stated.refused
        self._relationship = layout.relationship
        self._stated = stated.relationship or Relationship.PUBLIC
        self._days: dict[str, date | None] = {}
        self._words: dict[tuple[int, str], _Word] = {}
        self._standings: dict[tuple[ConsentBasis | None, date | None, str, int], Standing] = {}

    def standing(self, row: Sequence[str], *, channel: Channel) -> Standing:
        """How the row stands on the channel."""
        if channel in self._refused:
            return _OPTED_OUT
        columns = self._columns[channel]
        if not columns:
            return self._default[channel]
        refusal, unknown, no = "", -1, False
        granted: ConsentBasis | None = None
        day: date | None = None
        for status in columns:
            word = self._word(status, row[status.column])
            if not word.known:
                unknown = status.column
            if word.refusal:
                refusal = refusal or word.refusal
            elif word.no:
                no = True
            elif granted is None and word.basis is not None:
                granted = word.basis
                day = None if status.day is None else self._day(row[status.day])
        if no or refusal:
            granted = day = None
        elif granted is None and unknown < 0:
            return self._default[channel]
        return self._standing(granted, day, refusal, unknown)

    def relationship(self, row: Sequence[str]) -> Relationship:
        """What the person is to the owner."""
        if self._relationship is None:
            return self._stated
        word = fold_header(row[self._relationship.column])
        return self._relationship.words.get(word, self._stated)

    def _standing(
        self, basis: ConsentBasis | None, day: date | None, refusal: str, unknown: int
    ) -> Standing:
        key = (basis, day, refusal, unknown)
        found = self._standings.get(key)
        if found is None:
            if len(self._standings) >= _MEMO:
                self._standings.clear()
            consent = _NONE if basis is None else Consent(basis, day)
            found = self._standings[key] = Standing(consent, refusal, unknown)
        return found

    def _word(self, status: StatusColumn, cell: str) -> _Word:
        if not status.words and (cell[:1].isalnum() or not cell):  # a time, or none
            return _WORDS[status.filled if cell else status.empty]
        key = (id(status), cell)  # two rules may speak of one column
        found = self._words.get(key)
        if found is None:
            word = fold_header(cell)
            if not cell.strip():
                found = _WORDS[status.empty]
            elif word in status.words:
                found = _WORDS[status.words[word]]
            elif word and status.filled is not Meaning.NONE:
                found = _WORDS[status.filled]
            else:
                found = _UNKNOWN
            if len(self._words) >= _MEMO:
                self._words.clear()
            if len(cell) <= _MEMO_CHARACTERS:
                self._words[key] = found
        return found

    def _day(self, cell: str) -> date | None:
        if len(cell) > _MEMO_CHARACTERS:
            return None
        if cell not in self._days:
            if len(self._days) >= _MEMO:
                self._days.clear()
            self._days[cell] = self._read_day(cell)
        return self._days[cell]

    def _read_day(self, cell: str) -> date | None:
        if iso := _ISO.match(cell):
            year, month, day = map(int, iso.groups())
        elif parts := _PARTS.match(cell):
            first, second, year = map(int, parts.groups())
            month, day = (second, first) if self._order == "DMY" else (first, second)
            if month > 12 >= day:  # noqa: PLR2004 - months of a year
                month, day = day, month
        else:
            return None
        try:
            found = date(year, month, day)
        except ValueError:
            return None
        return found if OLDEST_CONSENT <= found <= self._today else None
