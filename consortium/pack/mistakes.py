"""Looking for likely mistakes of whole columns.

Each batch is looked at by itself, so that batches may be read in any process, and what was seen is
added up (`consortium.pack.sightings`). Most of a look is one search through a column joined to one
string; cells are only looked at one by one where that finds something.

Cost: 0.7 to 1.9 µs a row (measured on lists of 6 to 19 columns).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import islice

from consortium.pack.layout import Layout, RelationshipColumn, Role, fold_header
from consortium.pack.proposals import by_content
from consortium.pack.sightings import (
    FIRST_LINES,
    HINTS,
    MAX_TAG_CELLS,
    Seen,
    Sighting,
    SightingTally,
)
from consortium.tokens import text, typos

__all__ = ["FIRST_LINES", "HINTS", "Lookout", "Seen", "SightingTally"]

_FEW = 10  # cells that decide nothing
_MOST = 0.5
_SHARED = 0.01
_CANDIDATES = 64
_ERROR = re.compile(
    r"^[ \t]*(?:#{3,}|#(?:N/A|REF!|VALUE!|NAME\?|DIV/0!|NULL!|NUM!|SPILL!))[ \t]*$", re.MULTILINE
)
_GARBLED = re.compile(r"[ÃÂ][\x80-\xbf\u0152-\u2122]|â€|ï¿½|\ufffd|\?(?<=[a-z]\?)[a-z]")
_SIGNS = ("Ã", "Â", "â€", "ï¿½", "\ufffd")  # of garbled letters; quicker to look for
_LOST_LETTER = re.compile(r"\?(?<=[a-z]\?)[a-z]")
_LOST_ZERO = re.compile(r"^[ \t]*\d{3,4}(?:-\d{4}|\.0)?[ \t]*$", re.MULTILINE)
_ADDRESS = re.compile(r"[^\s@]@[a-z0-9.-]{1,100}\.[a-z]{2}", re.IGNORECASE)
_ADDRESSES = re.compile(r"@[^@]{1,300}?[\s,;|/][^@]{0,300}?[^\s@,;|/<]@")
_TRUNK_ZERO = re.compile(r"[ \t]*\(?0[1-9][\d \t().-]{7,14}[ \t]*")
_NOTES = re.compile(
    r"note|comment|remark|memo|descri|history|reason|bemerk|kommentar|observa", re.IGNORECASE
)
_SAYS_NO = (  # looked for one by one in lower case: quicker than one pattern of all
    "do not", "don't contact", "dont contact", "don't call", "don't text", "don't email",
    "never contact", "no contact", "no calls", "no texts", "no emails", "unsubscribe", "opt out",
    "opt-out", "opted out", "opted-out", "dnc", "take off", "remove from", "deceased",
    "passed away",
)  # fmt: skip
_NO = re.compile(
    r"\b(?:do not|don'?t|never) (?:e-?mail|call|text|sms|contact|phone|mail|write)|\bdnc\b|"
    r"\bno (?:contact|calls?|texts?|e-?mails?)\b|unsubscribe|\bopt(?:ed)?[ -]out\b|"
    r"\b(?:take|remove)\b.{0,20}\b(?:off|from)\b.{0,20}\blist|\bdeceased\b|\bpassed away\b",
    re.IGNORECASE,
)
_NOTE_CHARACTERS = 500
_CONTACT_CHARACTERS = 80
_NAMES = (Role.FIRST_NAME, Role.LAST_NAME, Role.FULL_NAME)
_LETTERS = (*_NAMES, Role.STREET, Role.FULL_ADDRESS)
_NO_EMAILS = (*_NAMES, Role.PHONE, Role.POSTCODE, Role.STATE, Role.BIRTH_DATE)
_OWN = (*_NAMES, Role.BIRTH_DATE)
_US = frozenset({"", "us", "usa", "u.s.", "u.s.a.", "united states", "united states of america"})
_POWER_OF_TEN = re.compile(r"\dE[+-]?\d", re.IGNORECASE)
_LEAST_DIGITS = 7


class Lookout:
    """Looks at the batches of one list.

    Args:
        layout: What its columns hold.
        region: Country of postcodes that name none.
    """

    def __init__(self, layout: Layout, *, region: str) -> None:
        self._columns = layout.columns
        self._used = sorted({i for indexes in layout.columns.values() for i in indexes})
        self._tags, self._unread = layout.tags, layout.unread
        self._relationship = layout.relationship
        self._notes = [i for i in layout.unread if _NOTES.search(layout.headers[i][:200])]
        self._us = region == "US"

    def look(self, cells: Sequence[Sequence[str]], *, lines: Sequence[int]) -> Seen:
        """What a batch shows.

        Args:
            cells: By column, then row.
            lines: The line of each row.
        """
        batch = _Batch(cells, lines)
        self._look_at_letters(batch)
        for column in self._of(Role.EMAIL):
            _look_at_emails(batch, column)
        for column in self._of(Role.EMAIL, Role.PHONE):
            _look_for_shared(batch, column)
        for column in self._of(*_OWN):
            _look_for_filled_in(batch, column)
        for column in self._notes:
            _look_at_notes(batch, column)
        if self._relationship is not None:
            _look_at_relationships(batch, self._relationship)
        if self._us:
            for column in self._of(Role.PHONE):
                _look_at_numbers(batch, column)
            self._look_at_zips(batch)
        tags = {i: frozenset(islice(dict.fromkeys(cells[i]), MAX_TAG_CELLS)) for i in self._tags}
        looks = {i: role for i in self._unread if (role := by_content(cells[i])) is not None}
        return Seen(tuple(batch.found), batch.filled, tags, looks)

    def _of(self, *roles: Role) -> list[int]:
        return sorted({i for role in roles for i in self._columns.get(role, ())})

    def _look_at_letters(self, batch: _Batch) -> None:
        for column in self._used:
            _look_for_errors(batch, column)
        for column in self._of(*_LETTERS):
            _look_for_garbled(batch, column)
        for column in self._of(*_NO_EMAILS):
            if "@" in batch.joined(column):
                batch.note("misplaced_email", column, _ADDRESS.search, having="@")

    def _look_at_zips(self, batch: _Batch) -> None:
        countries = [batch.cells[i] for i in self._columns.get(Role.COUNTRY, ())]
        for column in self._of(Role.POSTCODE):
            if _LOST_ZERO.search(batch.joined(column)):
                at = [
                    row
                    for row, cell in enumerate(batch.cells[column])
                    if _LOST_ZERO.search(cell)
                    and all(country[row].strip().casefold() in _US for country in countries)
                ]
                batch.note_rows("zip_lost_zero", column, at)


class _Batch:
    """The cells of a batch, and what was found in them."""

    def __init__(self, cells: Sequence[Sequence[str]], lines: Sequence[int]) -> None:
        self.cells, self.lines = cells, lines
        self.found: list[Sighting] = []
        self.filled: dict[int, int] = {}
        self._joined: dict[int, str] = {}

    def joined(self, column: int) -> str:
        """The column as one string, a cell to a line."""
        if column not in self._joined:
            self._joined[column] = "\n".join(self.cells[column])
        return self._joined[column]

    def note(
        self, code: str, column: int, is_it: Callable[[str], object], *, having: str = ""
    ) -> None:
        """Find the cells of a column that are it; only those that hold `having` can be."""
        cells = enumerate(self.cells[column])
        self.note_rows(code, column, [row for row, cell in cells if having in cell and is_it(cell)])

    def note_rows(self, code: str, column: int, at: Sequence[int]) -> None:
        """These rows of a column are it."""
        if at:
            first = tuple(self.lines[row] for row in at[:FIRST_LINES])
            self.found.append(Sighting(code, column, len(at), first))


def _look_for_errors(batch: _Batch, column: int) -> None:
    joined = batch.joined(column)
    if "#" in joined and _ERROR.search(joined):
        batch.note("spreadsheet_error", column, _ERROR.search, having="#")


def _look_for_garbled(batch: _Batch, column: int) -> None:
    joined = batch.joined(column)
    signs = any(sign in joined for sign in _SIGNS) and _GARBLED.search(joined)
    if signs or _LOST_LETTER.search(joined):
        batch.note("mojibake", column, _GARBLED.search)


def _look_at_emails(batch: _Batch, column: int) -> None:
    cells = batch.cells[column]
    batch.filled[column] = len(cells) - cells.count("")
    without_at = [row for row, cell in enumerate(cells) if "@" not in cell and cell.strip()]
    if batch.joined(column).count("@") > batch.filled[column] - len(without_at):
        batch.note("several_emails", column, _ADDRESSES.search, having="@")
    domains = {cell.rpartition("@")[2].strip() for cell in cells}
    misspelt = {domain for domain in domains if typos.meant(domain)}
    if misspelt:
        at = [row for row, cell in enumerate(cells) if cell.rpartition("@")[2].strip() in misspelt]
        batch.note_rows("misspelt_domain", column, at)
    unknown = [row for row in without_at if not text.is_digest(text.bare(cells[row]))]
    batch.note_rows("not_emails", column, unknown)


def _look_at_numbers(batch: _Batch, column: int) -> None:
    cells = batch.cells[column]
    batch.filled[column] = len(cells) - cells.count("")
    if "\n0" in batch.joined(column) or "\n(0" in batch.joined(column):
        batch.note("other_country", column, _TRUNK_ZERO.fullmatch, having="0")


def _look_for_shared(batch: _Batch, column: int) -> None:
    counts = Counter(batch.cells[column])
    counts.pop("", None)
    least = max(_FEW, _SHARED * counts.total())
    if max(counts.values(), default=0) < least:
        return
    shared = {
        cell
        for cell, count in counts.most_common(_CANDIDATES)
        if count >= least and _is_contact(cell[:_CONTACT_CHARACTERS])
    }
    if shared:
        batch.note("shared_contact", column, shared.__contains__)


def _look_at_notes(batch: _Batch, column: int) -> None:
    notes = [cell[:_NOTE_CHARACTERS].lower() if cell else "" for cell in batch.cells[column]]
    joined = "\n".join(notes)
    if any(words in joined for words in _SAYS_NO):
        at = [row for row, note in enumerate(notes) if note and _NO.search(note)]
        batch.note_rows("refusal_in_notes", column, at)


def _look_at_relationships(batch: _Batch, relationship: RelationshipColumn) -> None:
    cells = batch.cells[relationship.column]
    unknown = {c for c in set(cells) if c.strip() and fold_header(c) not in relationship.words}
    if unknown:
        batch.note("unknown_relationship", relationship.column, unknown.__contains__)


def _look_for_filled_in(batch: _Batch, column: int) -> None:
    cells = batch.cells[column]
    sample = Counter(islice((c for c in cells if c.strip()), _CANDIDATES))
    for candidate, _ in sample.most_common(1):
        count, empty = cells.count(candidate), cells.count("")
        if count >= _FEW and count >= _MOST * (len(cells) - empty):
            batch.note("filled_in", column, candidate.__eq__)


def _is_contact(cell: str) -> bool:
    """Whether it is an address or a number, and no filler or what a spreadsheet made of one."""
    digits = sum(map(str.isdigit, cell))
    return "@" in cell or (digits >= _LEAST_DIGITS and not _POWER_OF_TEN.search(cell))
