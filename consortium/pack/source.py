"""A list file as records: opened, judged and read in a stream, never held in memory.

`open_list` looks at all bytes once (encoding, line lengths), finds the delimiter by which header
gives the most known columns, and keeps only what is needed to read the file again. `Source.batches`
reads it from the start, a few thousand records at a time; it may be called again for a second pass.
Records are numbered as a CSV parser counts them: the header is 0, blank lines are not counted,
a quoted cell may hold line breaks. A pipe is refused: a list is read more than once, and a copy in
clear text on disk is what nobody expects. So is a file that changes meanwhile.

Cost: 1.5 µs a row of 8 columns, 3 of 14 (measured); memory for one batch.
"""

from __future__ import annotations

import csv
import io
import os
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from consortium.errors import BadFile
from consortium.pack.encoding import Encoding, survey

if TYPE_CHECKING:
    from _csv import Reader as _Reader

__all__ = ["BATCH_ROWS", "MAX_CELL_CHARACTERS", "MAX_COLUMNS", "RawBatch", "Source", "open_list"]

BATCH_ROWS = 4096
MAX_CELL_CHARACTERS = 2**20
MAX_COLUMNS = 4096
_PART_ROWS = 64
_BATCH_BYTES = 8 * 1024 * 1024
_SAMPLE_CHARACTERS = 256 * 1024
_SAMPLE_RECORDS = 200
_DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
_EXPORT_AGAIN = "Export the list again as CSV (UTF-8), with a header line and one person per row"


@dataclass(frozen=True, slots=True)
class RawBatch:
    """Consecutive records as they stand in the file.

    Attributes:
        first: Number of the first record, from 1.
        lines: Physical line on which each record starts, from 1.
        rows: Cells of each record; their number may differ from the header's.
    """

    first: int
    lines: list[int]
    rows: list[list[str]]

    def __repr__(self) -> str:
        return f"RawBatch(first={self.first}, rows={len(self.rows)}, ‹personal›)"


@dataclass(frozen=True, slots=True)
class Source:
    """A list file that was found readable.

    Attributes:
        path: Where it is.
        encoding: How it is decoded.
        delimiter: The character between cells.
        headers: The first record, as written.
        size_bytes: The file's size.
    """

    path: Path
    encoding: Encoding
    delimiter: str
    headers: tuple[str, ...] = field(repr=False)
    size_bytes: int
    _skip_lines: int
    _stamp: tuple[int, int, int, int] = field(repr=False)

    @property
    def name(self) -> str:
        """The file as it is called in messages."""
        return _name(self.path)

    @property
    def delimiter_title(self) -> str:
        """`comma`, `semicolon`, `tab` or `bar`."""
        return _DELIMITERS.get(self.delimiter, repr(self.delimiter))

    def batches(self, *, size: int = BATCH_ROWS) -> Iterator[RawBatch]:
        """Read all data records, in order.

        Raises:
            BadFile: The file changed or vanished, or a quoted cell does not end.
        """
        with self._reader() as (reader, stream):
            self._header(reader)
            number, line = 1, reader.line_num
            while True:
                _unchanged(self, stream.fileno())  # one that only grows would never end
                try:
                    rows = _take(reader, stream, size)
                except csv.Error as error:
                    raise _endless_cell(self.path, line + self._skip_lines) from error
                if not rows:
                    return
                lines, rows = _lines(rows, line + self._skip_lines, reader.line_num - line)
                line = reader.line_num
                if rows:
                    yield RawBatch(number, lines, rows)
                number += len(rows)

    @contextmanager
    def _reader(self) -> Iterator[tuple[_Reader, BinaryIO]]:
        try:
            with self.path.open("rb") as stream:
                text = io.TextIOWrapper(
                    stream,
                    encoding=self.encoding.codec,
                    errors=self.encoding.errors,
                    newline="",
                )
                for _ in range(self._skip_lines):
                    text.readline()
                lines: Iterable[str] = text
                if self.encoding.has_nul:
                    lines = (line.replace("\0", "") for line in text)
                yield csv.reader(lines, delimiter=self.delimiter), stream
                _unchanged(self, stream.fileno())
        except OSError as error:
            raise _unreadable(self.path, error) from error

    def _header(self, reader: _Reader) -> None:
        for row in reader:
            if not _is_blank(row):
                return


def open_list(path: Path, *, known: Callable[[str], bool]) -> Source:
    """Judge a list file and find its header, encoding and delimiter.

    Args:
        path: A regular file of delimited text.
        known: Whether a header cell is one that some layout knows.

    Raises:
        BadFile: No such file, a directory, a pipe, unreadable, empty, binary, or no data rows.
    """
    _lift_csv_limit()
    try:
        info = path.stat()
        if stat.S_ISDIR(info.st_mode):
            raise BadFile(
                f"{_name(path)} is a directory", hint="Give the name of the list file inside it"
            )
        if not stat.S_ISREG(info.st_mode):
            raise BadFile(
                f"{_name(path)} is a pipe or device, and a list is read more than once",
                hint="Save it as a file first and give that file",
            )
        with path.open("rb") as stream:
            encoding = survey(stream, name=_name(path))
            info = os.fstat(stream.fileno())
            stream.seek(0)
            text = io.TextIOWrapper(
                stream, encoding=encoding.codec, errors=encoding.errors, newline=""
            )
            sample = text.read(_SAMPLE_CHARACTERS).replace("\0", "")
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from error
    complete = len(sample) < _SAMPLE_CHARACTERS
    skip, delimiter, rows = _delimiter(sample, complete=complete, known=known)
    if not rows:
        raise BadFile(f"{_name(path)} is empty", hint=_EXPORT_AGAIN)
    if len(rows[0]) > MAX_COLUMNS:
        raise BadFile(f"{_name(path)} has more than {MAX_COLUMNS:,} columns", hint=_EXPORT_AGAIN)
    source = Source(
        path=path,
        encoding=encoding,
        delimiter=delimiter,
        headers=tuple(rows[0]),
        size_bytes=info.st_size,
        _skip_lines=skip,
        _stamp=_stamp(info),
    )
    if len(rows) == 1 and next(source.batches(size=1), None) is None:
        raise BadFile(f"{_name(path)} has a header line and no rows below it", hint=_EXPORT_AGAIN)
    return source


def _delimiter(
    sample: str, *, complete: bool, known: Callable[[str], bool]
) -> tuple[int, str, list[list[str]]]:
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
        width = len(rows[0])
        even = sum(len(row) == width for row in rows) / len(rows) if width > 1 else 0.0
        score = (sum(map(known, rows[0])), even, width)
        if score > best:
            best, found, kept = score, delimiter, rows
    return 0, found, kept


def _sample_rows(sample: str, delimiter: str, *, complete: bool) -> list[list[str]]:
    reader = csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter)
    rows: list[list[str]] = []
    try:
        for row in reader:
            if not _is_blank(row):
                rows.append(row)
            if len(rows) > _SAMPLE_RECORDS:
                break
        else:
            if not complete and len(rows) > 1:
                rows.pop()  # the sample ends inside it
    except csv.Error:
        pass  # reading in earnest names the line
    return rows


def _is_blank(row: list[str]) -> bool:
    return not row or (len(row) == 1 and not row[0].strip("\ufeff\0"))


def _take(reader: _Reader, stream: BinaryIO, size: int) -> list[list[str]]:
    """Up to `size` records, fewer if they are very long."""
    rows: list[list[str]] = []
    start = stream.tell()
    while len(rows) < size and stream.tell() - start < _BATCH_BYTES:
        part = list(islice(reader, min(_PART_ROWS, size - len(rows))))
        if not part:
            break
        if csv.field_size_limit() > MAX_CELL_CHARACTERS:
            _refuse_long_cells(part)
        rows += part
    return rows


def _refuse_long_cells(rows: list[list[str]]) -> None:
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


def _stamp(info: os.stat_result) -> tuple[int, int, int, int]:
    return info.st_dev, info.st_ino, info.st_size, info.st_mtime_ns


def _unchanged(source: Source, descriptor: int) -> None:
    if _stamp(os.fstat(descriptor)) != source._stamp:  # noqa: SLF001 - the module's own value
        raise BadFile(
            f"{_name(source.path)} changed while it was being read",
            hint="Wait until whatever writes it has finished, then try again",
        )


def _lift_csv_limit() -> None:
    """The csv module's limit is one for the process: it is only ever raised."""
    if csv.field_size_limit() < MAX_CELL_CHARACTERS:
        csv.field_size_limit(MAX_CELL_CHARACTERS)


def _name(path: Path) -> str:
    return "".join(c if c.isprintable() else "?" for c in path.name)[-80:] or "the list"


def _unreadable(path: Path, error: Exception) -> BadFile:
    match error:
        case FileNotFoundError():
            return BadFile(f"there is no file {_name(path)}", hint="Check the name and the folder")
        case PermissionError():
            return BadFile(
                f"{_name(path)} may not be read by this user", hint="Change its permissions"
            )
        case OSError():
            return BadFile(
                f"{_name(path)} cannot be read: {os.strerror(error.errno or 0)}",
                hint="Copy it to this computer and try again",
            )
        case _:
            return BadFile(f"{_name(path)} is not a file name", hint="Check the name")


def _endless_cell(path: Path, line: int) -> BadFile:
    return BadFile(
        f"{_name(path)} has a quoted cell that does not end, somewhere after line {line:,}",
        hint='Look for a single " there, or export the list again as CSV',
    )
