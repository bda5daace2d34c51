"""What a row says of consent, channel by channel.

Of all columns that speak of a channel, the strictest wins: a refusal, then a plain no, then a
basis (of several, the first that the layout names), and only where none of them says anything and
none of them could have granted, what the partner stated of the whole list. A word that the layout
does not know is no consent. Columns that belong to one column of contact points are heard apart, by
the same rules (`consortium.pack.points`). A day of consent after the day of packing is not
believed, nor one before 1900, nor one whose order of day and month its column does not show.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from consortium.model import OLDEST_CONSENT, Channel, Consent, ConsentBasis, Relationship
from consortium.pack.layout import Layout, Meaning, StatusColumn, fold_header
from consortium.pack.mapping import Stated
from consortium.tokens import Rejected, dates

__all__ = [
    "NOTHING",
    "UNKNOWN_WORD",
    "ConsentReader",
    "Standing",
    "WordAt",
    "is_word",
    "meaning_of",
]

UNKNOWN_WORD = "unknown_word"
WordAt = tuple[int, str]
"""A word as written, and the column that it stands in."""

_WORD_CHARACTERS = 32
_WORD_DIGITS = 5
_NONE = Consent()
_ISO = re.compile(r"(\d{4})-(\d\d)-(\d\d)(?:[T\s]|$)", re.ASCII)
_MEMO = 10_000
_MEMO_CHARACTERS = 64  # a longer cell is no word and no day


@dataclass(frozen=True, slots=True)
class Standing:
    """How a row stands on one channel.

    Attributes:
        consent: The owner's claim; `none` if there is none.
        refusal: Why it may not be contacted, a `PackOptOut.cause`; empty: it did not refuse.
        no: Whether some word is a plain no, as one is that is not known.
        flaws: Column and code of what is not believed.
        said: Consent and refusal in one word, equal only if they are.
    """

    consent: Consent = _NONE
    refusal: str = ""
    no: bool = False
    flaws: tuple[tuple[int, str], ...] = ()
    said: str = field(init=False)

    def __post_init__(self) -> None:
        day = "" if self.consent.on is None else self.consent.on.isoformat()
        said = f"{self.consent.basis.value} {day} {self.refusal}"
        object.__setattr__(self, "said", said)

    @property
    def is_silent(self) -> bool:
        """Whether nothing was said."""
        return not (self.refusal or self.no) and self.consent.basis is ConsentBasis.NONE


NOTHING = Standing()
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


def meaning_of(status: StatusColumn, cell: str) -> Meaning | None:
    """What a cell of a status column says; None: a word that is not known."""
    word = fold_header(cell)
    if not cell.strip():
        return status.empty
    if word in status.words:
        return status.words[word]
    return status.filled if word and status.filled is not Meaning.NONE else None


def is_word(text: str) -> bool:
    """Whether a cell may be shown as a word: nothing that could be about one person."""
    return (
        len(text) <= _WORD_CHARACTERS
        and "@" not in text
        and sum(map(str.isdigit, text)) < _WORD_DIGITS
    )


class ConsentReader:
    """Reads consent and relationship out of rows; about 1 µs per row and status column (measured).

    Args:
        layout: Which columns say so.
        stated: What the partner states of the whole list.
        today: Last day that a consent can have been given on.
        orders: Column with days of consent → order in days like 3/4/2025; None: not to be told.
    """

    def __init__(
        self,
        layout: Layout,
        *,
        stated: Stated,
        today: date,
        orders: Mapping[int, dates.Order | None],
    ) -> None:
        self._today, self._orders = today, orders
        self._columns: dict[Channel, list[StatusColumn]] = {}
        self._owned: dict[Channel, dict[int, list[StatusColumn]]] = {}
        self._default: dict[Channel, Standing] = {}
        defaults = {Channel.EMAIL: stated.email, Channel.SMS: stated.sms}
        for channel in Channel:
            columns, owned = self._columns.setdefault(channel, []), dict[int, list[StatusColumn]]()
            grants = False
            for status in layout.statuses:
                if channel in status.channels:
                    owner = layout.owner(status)
                    (columns if owner is None else owned.setdefault(owner, [])).append(status)
                    grants = grants or status.grants
            self._owned[channel] = owned
            default = defaults[channel]
            self._default[channel] = Standing(default) if default and not grants else NOTHING
        self._refused = stated.refused
        self._relationship = layout.relationship
        self._stated = stated.relationship or Relationship.PUBLIC
        self._days: dict[tuple[int, str], date | str | None] = {}
        self._words: dict[tuple[int, str], _Word] = {}
        self._standings: dict[tuple[object, ...], Standing] = {}

    def standing(self, row: Sequence[str], *, channel: Channel) -> Standing:
        """How the row stands on the channel, by what speaks of all of it."""
        if channel in self._refused:
            return _OPTED_OUT
        heard = self._hear(self._columns[channel], row)
        return self._default[channel] if heard.is_silent else heard

    def of_points(
        self, row: Sequence[str], *, channel: Channel
    ) -> tuple[tuple[int, Standing], ...]:
        """Columns of contact points whose own statuses say something, and what."""
        owned = self._owned[channel]
        if not owned or channel in self._refused:
            return ()
        heard = ((column, self._hear(columns, row)) for column, columns in owned.items())
        return tuple((column, one) for column, one in heard if not one.is_silent)

    def relationship(self, row: Sequence[str]) -> Relationship:
        """What the person is to the owner."""
        if self._relationship is None:
            return self._stated
        word = fold_header(row[self._relationship.column])
        return self._relationship.words.get(word, self._stated)

    def _hear(self, columns: Sequence[StatusColumn], row: Sequence[str]) -> Standing:
        """The strictest of what some columns say."""
        refusal, no = "", False
        granted: ConsentBasis | None = None
        dated: int | None = None
        flaws: tuple[tuple[int, str], ...] = ()
        for status in columns:
            word = self._word(status, row[status.column])
            if not word.known:
                flaws += ((status.column, UNKNOWN_WORD),)
            if word.refusal:
                refusal = refusal or word.refusal
            elif word.no:
                no = True
            elif granted is None and word.basis is not None:
                granted, dated = word.basis, status.day
        if no or refusal:
            granted = dated = None
        day = None if dated is None else self._day(dated, row[dated])
        if dated is not None and isinstance(day, str):
            flaws += ((dated, day),)
        return self._standing(granted, day, refusal, no=no, flaws=flaws)

    def _standing(
        self,
        basis: ConsentBasis | None,
        day: date | str | None,
        refusal: str,
        *,
        no: bool,
        flaws: tuple[tuple[int, str], ...],
    ) -> Standing:
        key = (basis, day, refusal, no, flaws)
        found = self._standings.get(key)
        if found is None:
            if len(self._standings) >= _MEMO:
                self._standings.clear()
            on = day if isinstance(day, date) else None
            consent = _NONE if basis is None else Consent(basis, on)
            found = self._standings[key] = Standing(consent, refusal, no, flaws)
        return found

    def _word(self, status: StatusColumn, cell: str) -> _Word:
        if not status.words and (cell[:1].isalnum() or not cell):  # a time, or none
            return _WORDS[status.filled if cell else status.empty]
        key = (id(status), cell)  # two rules may speak of one column
        found = self._words.get(key)
        if found is None:
            meaning = meaning_of(status, cell)
            found = _UNKNOWN if meaning is None else _WORDS[meaning]
            if len(self._words) >= _MEMO:
                self._words.clear()
            if len(cell) <= _MEMO_CHARACTERS:
                self._words[key] = found
        return found

    def _day(self, column: int, cell: str) -> date | str | None:
        """The day in a cell, or the code of why it is none, or None if nothing is in it."""
        key = (column, cell)
        if key in self._days:
            return self._days[key]
        found = self._read_day(column, cell)
        if len(self._days) >= _MEMO:
            self._days.clear()
        if len(cell) <= _MEMO_CHARACTERS:
            self._days[key] = found
        return found

    def _read_day(self, column: int, cell: str) -> date | str | None:
        found: date | Rejected | None
        try:
            iso = _ISO.match(cell)
            found = date(*map(int, iso.groups())) if iso else None
        except ValueError:
            iso = found = None
        if iso is None:
            found = dates.day(cell, order=self._orders.get(column), latest=self._today)
        if isinstance(found, Rejected):
            return found.code
        if found is None or OLDEST_CONSENT <= found <= self._today:
            return found
        return "no_such_day"
