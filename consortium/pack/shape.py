"""Whether a record has the shape of a row of this list, and what is wrong if it is no person.

Told apart are: the header repeated inside, a footer, an empty row, cells shifted by a delimiter
that should have been quoted, a row cut short, lines swallowed by a quote that does not close.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from consortium.pack.files.several import STATUS_HEADER
from consortium.pack.layout import Layout, Role, fold_header
from consortium.pack.proposals import by_name
from consortium.pack.values import Note
from consortium.tokens import Email, email

__all__ = ["Shape"]

_FOOTER = re.compile(
    r"[\s(\[*_-]*((grand\s+|sub-?)?totale?s?|count|sum|records?|rows?|end\s+of|generated|exported|"
    r"printed|page|anzahl|summe|copyright|confidential|\d+\s+(rows?|records?|people|contacts))\b",
    re.IGNORECASE,
)
_FOOTER_CELLS = 2
_COLUMNS = 3  # of a list in which a line of one cell is no row
_CONTACT = re.compile(r"@|\d{7}")
_ADDRESS_LENGTH = 320
_SAME_HEADERS = 0.6
_MULTILINE = frozenset({Role.STREET, Role.FULL_ADDRESS})


class Shape:
    """The shape that rows of one list have.

    Args:
        layout: What its columns hold.
        delimiter: What stands between cells; empty: the file itself tells cells apart.
    """

    def __init__(self, layout: Layout, *, delimiter: str) -> None:
        self._headers = layout.headers
        self._delimiter = delimiter
        self._width = len(layout.headers)
        self._own = int(layout.headers[:1] == (STATUS_HEADER,))  # where the file's own cells begin
        self._folded = [fold_header(h) for h in layout.headers]
        columns = layout.columns
        emails = columns.get(Role.EMAIL, ())
        self._contacts = (*emails, *columns.get(Role.PHONE, ()))
        # where an address stands by right: those that are read, and those that are called so
        named = (i for i, header in enumerate(layout.headers) if by_name(header) is Role.EMAIL)
        self._for_emails = {*emails, *named}
        self._used = sorted({i for indexes in columns.values() for i in indexes})
        self._one_line = sorted(
            {i for role, indexes in columns.items() if role not in _MULTILINE for i in indexes}
        )
        self._binding = {s.column for s in layout.statuses}
        if layout.relationship is not None:
            self._binding.add(layout.relationship.column)

    def all_fit(self, rows: Sequence[Sequence[str]]) -> bool:
        """Whether all rows have the header's width and none is the header again."""
        if set(map(len, rows)) != {self._width}:
            return False
        for index in self._contacts:
            header, folded = self._headers[index], self._folded[index]
            start, most = folded[:1], 2 * len(header) + 2
            for row in rows:
                cell = row[index]
                if len(cell) > most or not cell:
                    continue
                if cell.isascii() and start not in cell.lower():
                    continue  # folding leaves the letters of ASCII as they are
                if self._is_header(row):
                    return False
        return True

    def fit(self, row: list[str]) -> tuple[list[str] | None, str]:
        """The row at the header's width, or None, with a code if something was amiss.

        A code beside a row is a flaw; a code beside None rejects it.
        """
        if self._is_header(row):
            return None, "header_again"
        over = len(row) - self._width
        if over < 0:
            return self._fit_short(row, missing=-over)
        if any(cell.strip() for cell in row[self._width :]):
            return None, "shifted"
        return row[: self._width] if over else row, ""

    def swallowed(self, rows: Sequence[Sequence[str]]) -> list[int]:
        """Indexes of rows with a cell that is one line and holds several, with delimiters."""
        found = set[int]()
        for index in self._one_line:
            if "\n" in "\0".join([row[index] for row in rows]):
                found |= {at for at, row in enumerate(rows) if self._swallows((row[index],))}
        return sorted(found)

    def why_unreachable(self, row: Sequence[str], notes: Sequence[Note]) -> tuple[int, str]:
        """Why a row without usable contact point is rejected: column or -1, and code."""
        if not any(row[i].strip() for i in self._used):
            return -1, "empty_row"
        if self._is_footer(row):
            return -1, "footer"
        for index, cell in enumerate(row):
            if (
                index not in self._for_emails
                and "@" in cell[:_ADDRESS_LENGTH]
                and isinstance(email.normalise(cell[:_ADDRESS_LENGTH]), Email)
            ):
                return index, "shifted"
        fault = next((note for note in notes if note.column in self._contacts), None)
        return (fault.column, fault.code) if fault else (-1, "no_contact")

    def _fit_short(self, row: list[str], *, missing: int) -> tuple[list[str] | None, str]:
        if self._swallows(row):
            return None, "open_quote"
        if (
            len(row) == 1
            and self._width >= _COLUMNS
            and not _CONTACT.search(row[0][:_ADDRESS_LENGTH])
        ):
            return None, "footer"
        fitted = [*row, *[""] * missing]
        if any(column >= len(row) for column in self._binding):
            return None, "footer" if self._is_footer(fitted) else "short_row"
        return fitted, "short_row"

    def _is_header(self, row: Sequence[str]) -> bool:
        for index in self._contacts:
            if index < len(row):
                cell, header = row[index], self._headers[index]
                if cell == header or (
                    len(cell) <= 2 * len(header) + 2 and fold_header(cell) == self._folded[index]
                ):
                    break
        else:
            return False
        named = [(h, c) for h, c in zip(self._folded, row, strict=False) if h]
        same = sum(fold_header(cell) == header for header, cell in named)
        return same >= _SAME_HEADERS * len(named)

    def _is_footer(self, row: Sequence[str]) -> bool:
        filled = [cell for cell in row[self._own :] if cell.strip()]
        return 0 < len(filled) <= _FOOTER_CELLS and _FOOTER.match(filled[0][:200]) is not None

    def _swallows(self, cells: Sequence[str]) -> bool:
        if not self._delimiter:
            return False
        return any("\n" in cell and self._delimiter in cell for cell in cells)
