"""A list file as records: opened, judged and read in a stream, never held in memory.

`open_list` tells by its bytes what a file is, whatever it is called, and finds the table in it:
text of any delimiter and encoding, a workbook, Parquet, JSON or OSDI people, gzip of any of these,
a ZIP of texts. `Source.batches` reads it from the start, a few thousand records at a time, the same
for every kind; it may be called again for a second pass, and notices if the file has changed.

Each kind and its limits: `consortium.pack.files`, docs/formats/files.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from consortium.errors import BadFile
from consortium.pack.encoding import Encoding, beginning
from consortium.pack.files import (
    BATCH_ROWS,
    MAX_CELL_CHARACTERS,
    MAX_COLUMNS,
    Content,
    ListFile,
    RawBatch,
    Table,
)
from consortium.pack.files.archive import Gunzipped, Whole, directory, members
from consortium.pack.files.json_lines import is_json, open_json
from consortium.pack.files.parquet import open_parquet
from consortium.pack.files.place import EXPORT_AGAIN
from consortium.pack.files.several import combine
from consortium.pack.files.table import Known
from consortium.pack.files.text import open_text
from consortium.pack.files.workbook import open_workbook
from consortium.pack.files.workbook_parts import is_workbook

__all__ = ["BATCH_ROWS", "MAX_CELL_CHARACTERS", "MAX_COLUMNS", "RawBatch", "Source", "open_list"]

_HEAD_BYTES = 64 * 1024
_GZIP = b"\x1f\x8b"
_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
_PARQUET = b"PAR1"
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


@dataclass(frozen=True, slots=True)
class Source:
    """A list file that was found readable.

    Attributes:
        path: Where it is.
        size_bytes: The file's size.
    """

    path: Path
    size_bytes: int
    _name: str
    _table: Table = field(repr=False)

    @property
    def name(self) -> str:
        """The file as it is called in messages."""
        return self._name

    @property
    def headers(self) -> tuple[str, ...]:
        """The header's cells, as written; of JSON and Parquet, the names of the values."""
        return self._table.headers

    @property
    def encoding(self) -> Encoding:
        """How text is decoded; of other files, what kind they are."""
        return self._table.encoding

    @property
    def delimiter(self) -> str:
        """The character between cells; empty where the file itself tells cells apart."""
        return self._table.delimiter

    @property
    def delimiter_title(self) -> str:
        """How it is arranged: `comma`, `semicolon`, `tab`, `bar`, `sheet Members`, `JSON Lines`."""
        return self._table.form

    def batches(self, *, size: int = BATCH_ROWS) -> Iterator[RawBatch]:
        """Read all data records, in order.

        Raises:
            BadFile: The file changed or vanished, is damaged further on, or exceeds a limit.
        """
        return self._table.batches(size=size)


def open_list(path: Path, *, known: Known) -> Source:
    """Judge a list file and find its table and header.

    Args:
        path: A regular file.
        known: Whether a header cell is one that some layout knows.

    Raises:
        BadFile: No such file, a directory, a pipe, unreadable, empty, of no kind that is read,
            damaged, beyond a limit, or without data rows.
        UsageError: It needs an extra that is not installed.
    """
    file = ListFile.at(path)
    table = _open(file, known=known)
    if next(table.batches(size=1), None) is None:
        raise BadFile(f"{file.name} has a header line and no rows below it", hint=EXPORT_AGAIN)
    return Source(path=path, size_bytes=file.size_bytes, _name=file.name, _table=table)


def _open(content: Content, *, known: Known) -> Table:
    head = _head(content)
    if head.startswith(_GZIP):
        return _in_gzip(Gunzipped(content), known=known)
    if head.startswith(_ZIP):
        return _in_zip(content, known=known)
    return _plain(content, head, known=known)


def _in_gzip(content: Content, *, known: Known) -> Table:
    head = _head(content)
    if not head.startswith((_PARQUET, *_ZIP)):
        return _plain(content, head, known=known)
    whole = Whole(content)
    if head.startswith(_PARQUET):
        return open_parquet(whole)
    if _is_workbook(whole):
        return open_workbook(whole, known=known)
    raise BadFile(f"{content.name} is an archive in an archive", hint="Unpack the outer one first")


def _in_zip(content: Content, *, known: Known) -> Table:
    if _is_workbook(content):
        return open_workbook(content, known=known)
    tables: dict[str, Table] = {}
    for member in members(content):
        head = _head(member)
        if head.startswith((_GZIP, *_ZIP)):
            raise BadFile(
                f"{content.name} holds an archive in the archive",
                hint="Unpack the outer one first",
            )
        tables[member.file] = _text_or_json(member, head, known=known)
    return combine(tables, name=content.name)


def _plain(content: Content, head: bytes, *, known: Known) -> Table:
    if head.startswith(_PARQUET):
        return open_parquet(content)
    if head.startswith(_OLE):
        raise BadFile(
            f"{content.name} is an old Excel workbook (.xls), or one with a password",
            hint="Open it and save it as .xlsx without a password, or as CSV (UTF-8)",
        )
    return _text_or_json(content, head, known=known)


def _text_or_json(content: Content, head: bytes, *, known: Known) -> Table:
    return open_json(content) if is_json(beginning(head)) else open_text(content, known=known)


def _is_workbook(content: Content) -> bool:
    with content.open() as stream, directory(stream, name=content.name) as opened:
        return is_workbook(opened.namelist(), name=content.name)


def _head(content: Content) -> bytes:
    with content.open() as stream:
        return stream.read(_HEAD_BYTES)
