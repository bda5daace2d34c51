"""What every kind of file is read as: a header, and batches of records made of text cells.

Also how a header is found among the first records, and how any text becomes a cell: without NULs
and without halves of characters, which no later step could write down.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from consortium.errors import BadFile
from consortium.pack.encoding import Encoding
from consortium.pack.files.place import EXPORT_AGAIN, Content
from consortium.pack.files.ratio import bomb, is_bomb

__all__ = [
    "BATCH_ROWS",
    "MAX_CELL_CHARACTERS",
    "MAX_COLUMNS",
    "SAMPLE_RECORDS",
    "Known",
    "RawBatch",
    "Table",
    "batched",
    "cell",
    "check_width",
    "clean",
    "find_header",
    "is_blank",
    "long_cell",
]

BATCH_ROWS = 4096
MAX_CELL_CHARACTERS = 2**20
MAX_COLUMNS = 4096
SAMPLE_RECORDS = 200
_BATCH_CHARACTERS = 8 * 2**20
_TITLES = 10  # records that may stand above the header
_HEADER_WORDS = 2  # known ones that make a later record the header

Known = Callable[[str], bool]
"""Whether a header cell is one that some layout knows."""


@dataclass(frozen=True, slots=True)
class RawBatch:
    """Consecutive records as they stand in the file.

    Attributes:
        first: Number of the first record, from 1.
        lines: Physical line on which each record starts, from 1; a workbook's or Parquet file's
            row; in an archive, of the member.
        rows: Cells of each record; their number may differ from the header's.
        member: The archive's member they are from; empty: the file itself.
    """

    first: int
    lines: list[int]
    rows: list[list[str]]
    member: str = ""

    def __repr__(self) -> str:
        return f"RawBatch(first={self.first}, rows={len(self.rows)}, ‹personal›)"


class Table(Protocol):
    """A list that was found readable."""

    @property
    def headers(self) -> tuple[str, ...]:
        """The header's cells as written."""

    @property
    def encoding(self) -> Encoding:
        """How it is decoded, or what kind of file it is."""

    @property
    def delimiter(self) -> str:
        """The character between cells; empty: cells are told apart by the file's own form."""

    @property
    def form(self) -> str:
        """What people call its arrangement: `comma`, `sheet Members`, `JSON Lines`."""

    def batches(self, *, size: int) -> Iterator[RawBatch]:
        """All data records in order, at most `size` at a time; raises `BadFile` alone."""


def find_header(rows: Sequence[Sequence[str]], *, known: Known) -> int:
    """Index of the header among the first records: the first, unless titles stand above it.

    A later record is taken if at least two of its cells, and half of them, are known headers, and
    every record above it has fewer cells with something in them.
    """
    widest = 0
    for index, row in enumerate(rows[:_TITLES]):
        filled = sum(1 for cell in row if cell.strip())
        if widest < filled:
            names = sum(map(known, row))
            if index == 0 and names:
                return 0
            if names >= _HEADER_WORDS and 2 * names >= filled:
                return index
        widest = max(widest, filled)
    return 0


def is_blank(row: Sequence[str]) -> bool:
    """Whether a record is an empty line, and so is not counted."""
    return not row or (len(row) == 1 and not row[0].strip("\ufeff\0"))


def check_width(headers: Sequence[str], *, name: str) -> None:
    """Raise `BadFile` if there are more columns than `MAX_COLUMNS`."""
    if len(headers) > MAX_COLUMNS:
        raise BadFile(f"{name} has more than {MAX_COLUMNS:,} columns", hint=EXPORT_AGAIN)


def cell(text: str, *, name: str) -> str:
    """Any text as a cell: NULs taken out, lone surrogates replaced.

    Raises:
        BadFile: Longer than `MAX_CELL_CHARACTERS`.
    """
    if text.isascii() and "\0" not in text:
        clean = text
    else:
        clean = text.replace("\0", "")
        try:
            clean.encode()
        except UnicodeEncodeError:
            clean = clean.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    if len(clean) > MAX_CELL_CHARACTERS:
        raise long_cell(name)
    return clean


def clean(row: list[str], *, name: str) -> list[str]:
    """A record's texts as cells; at once if none of them needs anything."""
    joined = "".join(row)
    if len(joined) <= MAX_CELL_CHARACTERS and "\0" not in joined:
        try:
            joined.encode()
        except UnicodeEncodeError:
            pass
        else:
            return row
    return [cell(text, name=name) for text in row]


def long_cell(name: str) -> BadFile:
    """What to say of a cell longer than `MAX_CELL_CHARACTERS`."""
    return BadFile(
        f"{name} has a cell of more than {MAX_CELL_CHARACTERS:,} characters", hint=EXPORT_AGAIN
    )


def batched(
    records: Iterable[tuple[int, list[str]]], *, size: int, content: Content, packed: bool = False
) -> Iterator[RawBatch]:
    """Batches of (line, cells), fewer than `size` in one if they are long.

    Args:
        records: Of a file, in order.
        size: The most of a batch.
        content: The file; that it is still as it was is looked at after each batch.
        packed: Its form says a text once that many cells hold, so that it could go on for days.

    Raises:
        BadFile: The file has changed, or holds more than `MAX_RATIO` times its size.
    """
    first, lines, rows, characters = 1, list[int](), list[list[str]](), 0
    whole, on_disk = 0, _size(content) if packed else 0
    for line, row in records:
        lines.append(line)
        rows.append(row)
        characters += sum(map(len, row)) + len(row)
        if len(rows) >= size or characters >= _BATCH_CHARACTERS:
            content.check()
            whole += characters
            if packed and is_bomb(unpacked=whole, packed=on_disk):
                raise bomb(content.name)
            yield RawBatch(first, lines, rows)
            first += len(rows)
            lines, rows, characters = [], [], 0
    if rows:
        content.check()
        yield RawBatch(first, lines, rows)


def _size(content: Content) -> int:
    with content.open() as stream:
        return stream.seek(0, os.SEEK_END)
