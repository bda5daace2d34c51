"""Likely mistakes of a whole column, named so that the partner can repair the export.

A value that cannot be used is a flaw of its row (`consortium.pack.problems`). Here is seen what no
single row shows: a column of e-mail addresses that is full of names, ZIPs that lost their leading
zeros, text read in the wrong encoding, one value in most rows. Nothing is changed or rejected for
it; each is told with how many cells and the first few lines, never with a value.

Each batch is looked at by itself, so that batches may be read in any process, and what was seen is
added up. Cost: 0.7 to 1.7 µs a row (measured on lists of 6 to 19 columns); most of a look is one
search through a column joined to one string, and cells are only looked at one by one where that
finds something.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from types import MappingProxyType

from consortium.pack.layout import Layout, Role
from consortium.pack.proposals import by_content
from consortium.tokens import text

__all__ = ["HINTS", "Lookout", "Seen", "Sighting", "SightingTally"]

HINTS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "filled_in": (
            "one and the same value in most rows",
            "check that it is each person's own; leave the column out if it is not",
        ),
        "hashes": (
            "hashes instead of addresses",
            "export the addresses themselves; hashes cannot be used",
        ),
        "misplaced_email": (
            "e-mail addresses in a column of something else",
            "look whether cells are shifted, or say which column is which with --map",
        ),
        "mojibake": (
            "garbled letters (as in JosÃ©): text saved in one encoding and read in another",
            "export again as CSV UTF-8, not over an older spreadsheet program",
        ),
        "not_emails": (
            "most cells are no e-mail addresses",
            "say which column holds them with --map",
        ),
        "other_country": (
            "numbers as written in another country, with a 0 before them",
            'say the country in a mapping, such as region = "GB"',
        ),
        "several_emails": (
            "several addresses in one cell; all of them are taken for this person's",
            "",
        ),
        "shared_contact": (
            "one and the same address or number in many rows",
            "look whether it is an office's or a staff member's own",
        ),
        "spreadsheet_error": (
            "cells like ##### or #N/A, written by a spreadsheet instead of the value",
            "widen the column or repair the formula, then export again",
        ),
        "zip_lost_zero": (
            "ZIP codes that lost their leading zero; they are read with it",
            "",
        ),
    }
)
"""Code → what is the matter, and its repair; empty: there is nothing to do."""

_OF_MOST_CELLS = frozenset({"hashes", "not_emails", "other_country"})

FIRST_LINES = 5
"""How many lines are named of each kind."""
MAX_TAG_CELLS = 1_000
"""Different cells of a column of tags that are counted."""

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
_NAMES = (Role.FIRST_NAME, Role.LAST_NAME, Role.FULL_NAME)
_LETTERS = (*_NAMES, Role.STREET, Role.FULL_ADDRESS)
_NO_EMAILS = (*_NAMES, Role.PHONE, Role.POSTCODE, Role.STATE, Role.BIRTH_DATE)
_OWN = (*_NAMES, Role.BIRTH_DATE)
_US = frozenset({"", "us", "usa", "u.s.", "u.s.a.", "united states", "united states of america"})
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{22}==|[A-Za-z0-9+/_-]{27}=")


@dataclass(frozen=True, slots=True)
class Sighting:
    """One kind of mistake in one column of one batch.

    Attributes:
        code: A word of `HINTS`.
        column: Index of the column.
        count: How many cells.
        lines: Lines of the first few of them.
        filled: How many cells of the column hold something.
    """

    code: str
    column: int
    count: int
    lines: tuple[int, ...]
    filled: int = 0


@dataclass(frozen=True, slots=True, repr=False)
class Seen:
    """What was seen in a batch.

    Attributes:
        sightings: Likely mistakes.
        filled: Column → cells that hold something, for columns of contact points.
        tags: Column of tags → its different cells, at most `MAX_TAG_CELLS` of them.
        looks: Column that nothing reads → what some of its cells look like.
    """

    sightings: tuple[Sighting, ...] = ()
    filled: Mapping[int, int] = field(default_factory=dict)
    tags: Mapping[int, frozenset[str]] = field(default_factory=dict)
    looks: Mapping[int, Role] = field(default_factory=dict)


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
        self._us = region == "US"

    def look(self, cells: Sequence[Sequence[str]], *, lines: Sequence[int]) -> Seen:
        """What a batch shows.

        Args:
            cells: By column, then row.
            lines: The line of each row.
        """
        batch = _Batch(cells, lines)
        for column in self._used:
            _look_for_errors(batch, column)
        for column in self._of(*_LETTERS):
            _look_for_garbled(batch, column)
        for column in self._of(*_NO_EMAILS):
            if "@" in batch.joined(column):
                batch.note("misplaced_email", column, _ADDRESS.search, having="@")
        for column in self._of(Role.EMAIL):
            _look_at_emails(batch, column)
        for column in self._of(Role.EMAIL, Role.PHONE):
            _look_for_shared(batch, column)
        for column in self._of(*_OWN):
            _look_for_filled_in(batch, column)
        if self._us:
            for column in self._of(Role.PHONE):
                _look_at_numbers(batch, column)
            self._look_at_zips(batch)
        tags = {i: frozenset(islice(dict.fromkeys(cells[i]), MAX_TAG_CELLS)) for i in self._tags}
        looks = {i: role for i in self._unread if (role := by_content(cells[i])) is not None}
        return Seen(tuple(batch.found), batch.filled, tags, looks)

    def _of(self, *roles: Role) -> list[int]:
        return sorted({i for role in roles for i in self._columns.get(role, ())})

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
    hashes = [row for row in without_at if _is_hash(cells[row])]
    batch.note_rows("hashes", column, hashes)
    batch.note_rows("not_emails", column, sorted({*without_at} - {*hashes}))


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
        if count >= least and not text.is_filler(cell.strip())
    }
    if shared:
        batch.note("shared_contact", column, shared.__contains__)


def _look_for_filled_in(batch: _Batch, column: int) -> None:
    cells = batch.cells[column]
    sample = Counter(islice((c for c in cells if c.strip()), _CANDIDATES))
    for candidate, _ in sample.most_common(1):
        count, empty = cells.count(candidate), cells.count("")
        if count >= _FEW and count >= _MOST * (len(cells) - empty):
            batch.note("filled_in", column, candidate.__eq__)


class SightingTally:
    """Adds up what was seen, in the order of the list."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, int]] = Counter()
        self._lines: dict[tuple[str, int], tuple[int, ...]] = {}
        self._filled: Counter[int] = Counter()
        self._tags: dict[int, set[str]] = {}
        self._looks: dict[int, Counter[Role]] = {}

    def add(self, seen: Seen) -> None:
        """Add one batch."""
        for sighting in seen.sightings:
            key = (sighting.code, sighting.column)
            self._counts[key] += sighting.count
            self._lines[key] = (*self._lines.get(key, ()), *sighting.lines)[:FIRST_LINES]
        self._filled.update(seen.filled)
        for column, cells in seen.tags.items():
            known = self._tags.setdefault(column, set())
            if len(known) <= MAX_TAG_CELLS:
                known |= cells
        for column, role in seen.looks.items():
            self._looks.setdefault(column, Counter())[role] += 1

    def sightings(self) -> list[Sighting]:
        """All that is worth telling, most cells first."""
        found = [
            Sighting(code, column, count, self._lines[code, column], self._filled[column])
            for (code, column), count in self._counts.items()
        ]
        worth = filter(_is_worth_telling, found)
        return sorted(worth, key=lambda s: (-s.count, s.column, s.code))

    def looks(self) -> Mapping[int, Role]:
        """Column that nothing reads → what most batches of it look like."""
        return {column: roles.most_common(1)[0][0] for column, roles in self._looks.items()}

    def tags(self, split: Callable[[str], Iterable[str]]) -> Mapping[int, int]:
        """Column of tags → how many different ones it holds."""
        return {
            column: len({tag for cell in cells for tag in split(cell)})
            for column, cells in self._tags.items()
        }


def _is_worth_telling(sighting: Sighting) -> bool:
    """A few cells of some kinds are flaws of their own; a column of them is a mistake."""
    if sighting.code in _OF_MOST_CELLS:
        return sighting.count >= max(_FEW, _MOST * sighting.filled)
    return True


def _is_hash(cell: str) -> bool:
    bare = cell.strip()
    return text.is_hash(bare) or _BASE64.fullmatch(bare) is not None
