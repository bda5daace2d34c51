"""Delimited text: CSV with any usual delimiter, quoting, encoding and line end; TSV named .csv.

The delimiter is the one by which the header gives the most known columns, then the most even
records. Records are numbered as a CSV parser counts them: the header is 0, blank lines are not
counted, a quoted cell may hold line breaks. A quote that never closes ends at a limit: a cell of
`MAX_CELL_CHARACTERS`, or records of `MAX_RECORDS_CHARACTERS` together, never with all memory.

Read by Python's own `csv` module. Measured on 300,000 rows of 8 columns (processor time,
`benchmarks/readers.py`): 0.6 µs a row to lists of cells, 1.0 with limits, lines and numbers; 1.2 to
columns of texts. Polars takes 0.2 to its frame and 0.4 to columns of Python's texts, but keeps the
file or much of it in memory, counts no lines, gives records that are too short or too long as nulls
or not at all, and decodes neither UTF-16 nor a file of two encodings. Of the 20 µs and more that a
row costs in all, 0.8 are not worth 150 MB to install.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import TYPE_CHECKING

from consortium.errors import BadFile
from consortium.pack.encoding import Encoding, survey
from consortium.pack.files.place import EXPORT_AGAIN, Content
from consortium.pack.files.table import (
    MAX_CELL_CHARACTERS,
    SAMPLE_RECORDS,
    Known,
    RawBatch,
    check_width,
    find_header,
    is_blank,
)

if TYPE_CHECKING:
    from _csv import Reader as _Reader

__all__ = ["MAX_RECORDS_CHARACTERS", "TextTable", "open_text"]

MAX_RECORDS_CHARACTERS = 16 * 2**20
"""Of the records that are held while one is read: `_PART_ROWS` of them."""

_PART_ROWS = 32
_BLOCK_CHARACTERS = 64 * 1024
_SAMPLE_CHARACTERS = 256 * 1024
_DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}


@dataclass(frozen=True, slots=True)
class TextTable:
    """A file of delimited text; a `Table`.

    Attributes:
        content: Its bytes.
        encoding: How it is decoded.
        delimiter: The character between cells.
        headers: The header's cells.
    """

    content: Content
    encoding: Encoding
    delimiter: str
    headers: tuple[str, ...] = field(repr=False)
    _skip_lines: int
    _titles: int

    @property
    def form(self) -> str:
        """`comma`, `semicolon`, `tab` or `bar`."""
        return _DELIMITERS[self.delimiter]

    def batches(self, *, size: int) -> Iterator[RawBatch]:
        """See `Table.batches`."""
        with self._reader() as (reader, lines):
            try:
                self._header(reader)
            except csv.Error as error:
                raise _endless(self.content.name, 1, error) from error
            number, line = 1, reader.line_num
            while True:
                self.content.check()  # a file that only grows would never end
                try:
                    rows = _take(reader, lines, size)
                except csv.Error as error:
                    raise _endless(self.content.name, line + self._skip_lines, error) from error
                if not rows:
                    return
                starts, rows = _lines(rows, line + self._skip_lines, reader.line_num - line)
                line = reader.line_num
                if rows:
                    yield RawBatch(number, starts, rows)
                number += len(rows)

    @contextmanager
    def _reader(self) -> Iterator[tuple[_Reader, _Lines]]:
        _lift_csv_limit()
        with self.content.open() as stream:
            text = io.TextIOWrapper(
                stream, encoding=self.encoding.codec, errors=self.encoding.errors, newline=""
            )
            for _ in range(self._skip_lines):
                text.readline()
            lines = _Lines(text, has_nul=self.encoding.has_nul)
            source = chain.from_iterable(lines.blocks())
            try:
                yield csv.reader(source, delimiter=self.delimiter), lines
            finally:
                text.detach()  # the stream is closed by whoever opened it

    def _header(self, reader: _Reader) -> None:
        above = self._titles
        for row in reader:
            _refuse_long_cells([row])
            if not is_blank(row):
                if not above:
                    return
                above -= 1


class _Lines:
    """Lines of a text, counted in characters since the last record was taken."""

    def __init__(self, text: io.TextIOWrapper, *, has_nul: bool) -> None:
        self._text, self._has_nul = text, has_nul
        self.held = 0

    def blocks(self) -> Iterator[list[str]]:
        """Some lines at a time, which costs nothing per line."""
        while block := self._text.readlines(_BLOCK_CHARACTERS):
            self.held += sum(map(len, block))
            if self.held > MAX_RECORDS_CHARACTERS:
                raise csv.Error("record")
            yield [line.replace("\0", "") for line in block] if self._has_nul else block


def open_text(content: Content, *, known: Known) -> TextTable:
    """Judge delimited text; reads all of it once.

    Raises:
        BadFile: Empty, binary, or with a line or header beyond its limit.
    """
    _lift_csv_limit()
    with content.open() as stream:
        encoding = survey(stream, name=content.name)
    with content.open() as stream:
        text = io.TextIOWrapper(stream, encoding=encoding.codec, errors=encoding.errors, newline="")
        sample = text.read(_SAMPLE_CHARACTERS).replace("\0", "")
        text.detach()
    complete = len(sample) < _SAMPLE_CHARACTERS
    skip, delimiter, rows = _delimiter(sample, complete=complete, known=known)
    if not rows:
        raise BadFile(f"{content.name} is empty", hint=EXPORT_AGAIN)
    header = find_header(rows, known=known)
    check_width(rows[header], name=content.name)
    return TextTable(
        content=content,
        encoding=encoding,
        delimiter=delimiter,
        headers=tuple(rows[header]),
        _skip_lines=skip,
        _titles=header,
    )


def _delimiter(sample: str, *, complete: bool, known: Known) -> tuple[int, str, list[list[str]]]:
    """Lines to skip, delimiter and first records; a line `sep=;` of a spreadsheet is believed."""
    first = io.StringIO(sample, newline="").readline()
    if first[:4].lower() == "sep=" and first[4:5] in _DELIMITERS and not first[5:].strip():
        return 1, first[4], _sample_rows(sample[len(first) :], first[4], complete=complete)
    best: tuple[int, float, int] = (-1, 0.0, 0)
    found, kept = ",", list[list[str]]()
    for delimiter in _DELIMITERS:
        rows = _sample_rows(sample, delimiter, complete=complete)
        if not rows:
            continue
        header = rows[find_header(rows, known=known)]
        width = len(header)
        even = sum(len(row) == width for row in rows) / len(rows) if width > 1 else 0.0
        score = (sum(map(known, header)), even, width)
        if score > best:
            best, found, kept = score, delimiter, rows
    return 0, found, kept


def _sample_rows(sample: str, delimiter: str, *, complete: bool) -> list[list[str]]:
    reader = csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter)
    rows: list[list[str]] = []
    try:
        for row in reader:
            if not is_blank(row):
                rows.append(row)
            if len(rows) > SAMPLE_RECORDS:
                break
        else:
            if not complete and len(rows) > 1:
                rows.pop()  # the sample ends inside it
    except csv.Error:
        pass  # reading in earnest names the line
    return rows


def _take(reader: _Reader, lines: _Lines, size: int) -> list[list[str]]:
    """Up to `size` records, fewer if they are very long."""
    rows: list[list[str]] = []
    taken = 0
    while len(rows) < size and taken < MAX_RECORDS_CHARACTERS // 2:
        part = list(islice(reader, min(_PART_ROWS, size - len(rows))))
        if not part:
            break
        if csv.field_size_limit() > MAX_CELL_CHARACTERS:
            _refuse_long_cells(part)
        taken += lines.held
        lines.held = 0
        rows += part
    return rows


def _refuse_long_cells(rows: Iterable[list[str]]) -> None:
    """Hold our own limit where the application has set the csv module's higher."""
    if any(len(cell) > MAX_CELL_CHARACTERS for row in rows for cell in row):
        raise csv.Error("field larger than field limit")


def _lines(rows: list[list[str]], line: int, physical: int) -> tuple[list[int], list[list[str]]]:
    """Start line of every record that is not blank; `line` lines were read before."""
    if physical == len(rows) and [] not in rows:
        return list(range(line + 1, line + 1 + len(rows))), rows
    lines, kept = [], []
    for row in rows:
        if row:
            lines.append(line + 1)
            kept.append(row)
        line += 1 + sum(
            cell.count("\n") + cell.count("\r") - cell.count("\r\n")
            for cell in row
            if "\n" in cell or "\r" in cell
        )
    return lines, kept


def _lift_csv_limit() -> None:
    """The csv module's limit is one for the process: it is only ever raised."""
    if csv.field_size_limit() < MAX_CELL_CHARACTERS:
        csv.field_size_limit(MAX_CELL_CHARACTERS)


def _endless(name: str, line: int, error: csv.Error) -> BadFile:
    if str(error) == "record":
        return BadFile(
            f"{name} has records of more than {MAX_RECORDS_CHARACTERS // 2**20} million "
            f"characters, somewhere after line {line:,}",
            hint='Look for a single " there, or export the list again as CSV',
        )
    return BadFile(
        f"{name} has a quoted cell that does not end, somewhere after line {line:,}",
        hint='Look for a single " there, or export the list again as CSV',
    )
