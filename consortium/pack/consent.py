"""What a row says of consent, channel by channel.

Of all columns that speak of a channel, the strictest wins: a refusal, then a plain no, then a
basis (of several, the first that the layout names), and only where none of them says anything and
none of them could have granted, what the partner stated of the whole list. A word that the layout
does not know is no consent. A day of consent after the day of packing is not believed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

from consortium.model import Channel, Consent, Relationship
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


class ConsentReader:
    """Reads consent and relationship out of rows; about 1 µs per row and status column.

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
        self._relationship = layout.relationship
        self._stated = stated.relationship or Relationship.PUBLIC
        self._days: dict[str, date | None] = {}
        self._memo: dict[tuple[int, str], tuple[Meaning, bool]] = {}

    def standing(self, row: Sequence[str], *, channel: Channel) -> Standing:
        """How the row stands on the channel."""
        columns = self._columns[channel]
        if not columns:
            return self._default[channel]
        basis: Standing | None = None
        refused = no = False
        unknown, cause = -1, ""
        for status in columns:
            meaning, known = self._meaning(status, row[status.column])
            if not known:
                unknown = status.column
            if meaning.refuses:
                cause = cause or meaning.value
                refused = True
            elif meaning is Meaning.NONE:
                no = True
            elif basis is None and (granted := meaning.basis) is not None:
                day = None if status.day is None else self._day(row[status.day])
                basis = Standing(Consent(granted, day))
        if refused:
            return Standing(refusal=cause, unknown=unknown)
        if no:
            return Standing(unknown=unknown)
        return basis or self._default[channel]

    def relationship(self, row: Sequence[str]) -> Relationship:
        """What the person is to the owner."""
        if self._relationship is None:
            return self._stated
        word = fold_header(row[self._relationship.column])
        return self._relationship.words.get(word, self._stated)

    def _meaning(self, status: StatusColumn, cell: str) -> tuple[Meaning, bool]:
        key = (status.column, cell)
        found = self._memo.get(key)
        if found is None:
            word = fold_header(cell)
            if not word:
                found = (status.empty if not cell.strip() else Meaning.NONE, not cell.strip())
            elif word in status.words:
                found = status.words[word], True
            else:
                found = status.filled, status.filled is not Meaning.NONE
            if len(self._memo) >= _MEMO:
                self._memo.clear()
            if len(cell) <= _MEMO_CHARACTERS:
                self._memo[key] = found
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
        return found if found <= self._today else None
