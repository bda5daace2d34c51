"""Whether the pages of a Parquet file are of a size that a list's are.

pyarrow takes as much memory for a page as the page's own header says, so a file of 700 bytes could
take all there is; and asked in Python what a damaged footer says of a column, it ends the process.
So the footer and the headers of pages are walked here, before pyarrow decodes anything: a few
hundred bytes a page.

Source: Parquet format 2.11, `parquet.thrift` (FileMetaData, PageHeader); Thrift compact protocol.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

from consortium.errors import BadFile
from consortium.pack.files.place import size_words

__all__ = [
    "MAX_DICTIONARY_BYTES",
    "MAX_FOOTER_BYTES",
    "MAX_PAGE_BYTES",
    "MAX_ROW_GROUP_BYTES",
    "check_pages",
]

MAX_FOOTER_BYTES = 16 * 2**20
"""Of the description of columns and row groups at the file's end."""
MAX_ROW_GROUP_BYTES = 2**30
MAX_PAGE_BYTES = 64 * 2**20
"""Of a page; writers aim at 1 MiB."""
MAX_DICTIONARY_BYTES = 8 * 2**20
"""Of a page with a column's different values, any of which may come again in every row."""

_MAGIC = (b"PAR1", b"PARE")
_TAIL_BYTES = 8  # the footer's length and the magic
_HEADER_BYTES = (512, 64 * 1024, 4 * 2**20)  # read at first, and if that is not all of it
_DICTIONARY_PAGE = 2
_TYPE, _UNPACKED, _PACKED = 1, 2, 3  # fields of a page's header
_PAGE = {_TYPE: None, _UNPACKED: None, _PACKED: None}
_GROUPS, _COLUMNS, _GROUP_BYTES, _GROUP_ROWS, _ABOUT = 4, 1, 2, 3, 3
_CHUNK_BYTES, _DATA_AT, _DICTIONARY_AT = 7, 9, 11
_FOOTER = {
    _GROUPS: [
        {
            _COLUMNS: [{_ABOUT: {_CHUNK_BYTES: None, _DATA_AT: None, _DICTIONARY_AT: None}}],
            _GROUP_BYTES: None,
            _GROUP_ROWS: None,
        }
    ]
}
_STOP, _BYTE, _INTEGERS, _DOUBLE, _BINARY = 0, 3, (4, 5, 6), 7, 8
_LISTS, _STRUCT, _UUID = (9, 10), 12, 13
_NESTED = 16
_LONG = 15
_VARINT_BITS = 63

_Wanted = Mapping[int, Any]
"""Fields to keep: number → None for a number, those of a struct, or in a list those of structs."""


def check_pages(stream: BinaryIO, *, name: str) -> None:
    """Walk the footer and the pages of every column.

    Args:
        stream: The file; seekable.
        name: The file as it is called in messages.

    Raises:
        BadFile: Something is larger than a list's is, or is not where it should be.
    """
    for group in _row_groups(stream, name=name):
        if not group.get(_GROUP_ROWS):
            continue  # its offsets mean nothing
        if group.get(_GROUP_BYTES, 0) > MAX_ROW_GROUP_BYTES:
            raise BadFile(
                f"{name} has a row group of more than {size_words(MAX_ROW_GROUP_BYTES)}",
                hint="Write it in smaller row groups, or export the list as CSV (UTF-8)",
            )
        for column in group.get(_COLUMNS, ()):
            about = column.get(_ABOUT, {})
            at = about.get(_DATA_AT, -1)
            if 0 < about.get(_DICTIONARY_AT, 0) < at:
                at = about[_DICTIONARY_AT]
            if at < 0:
                raise _damaged(name)
            end = at + about.get(_CHUNK_BYTES, 0)
            while at < end:
                at += _page(stream, at, name=name)


def _row_groups(stream: BinaryIO, *, name: str) -> Iterator[dict[int, Any]]:
    end = stream.seek(0, 2)
    stream.seek(max(0, end - _TAIL_BYTES))
    tail = stream.read(_TAIL_BYTES)
    length = int.from_bytes(tail[:4], "little")
    if tail[4:] not in _MAGIC or length + _TAIL_BYTES > end:
        raise _damaged(name)
    if length > MAX_FOOTER_BYTES:
        raise BadFile(
            f"{name} has a description of its columns of more than {size_words(MAX_FOOTER_BYTES)}",
            hint="Write it with fewer row groups, or export the list as CSV (UTF-8)",
        )
    stream.seek(end - _TAIL_BYTES - length)
    try:
        footer = _Compact(stream.read(length)).struct(0, _FOOTER)
    except (IndexError, ValueError) as error:
        raise _damaged(name) from error
    found = footer.get(_GROUPS, ())
    yield from found


def _page(stream: BinaryIO, at: int, *, name: str) -> int:
    """Length of the page at `at`, with its header."""
    fields, length = _read_header(stream, at, name=name)
    unpacked, packed = fields.get(_UNPACKED, -1), fields.get(_PACKED, -1)
    if unpacked < 0 or packed < 0:
        raise _damaged(name)
    is_dictionary = fields.get(_TYPE) == _DICTIONARY_PAGE
    most = MAX_DICTIONARY_BYTES if is_dictionary else MAX_PAGE_BYTES
    if max(unpacked, packed) > most:
        raise BadFile(
            f"{name} has a {'dictionary' if is_dictionary else 'page'} of more than "
            f"{size_words(most)}",
            hint="Write it in smaller pages, or export the list as CSV (UTF-8)",
        )
    return length + packed


def _read_header(stream: BinaryIO, at: int, *, name: str) -> tuple[dict[int, int], int]:
    for most in _HEADER_BYTES:
        stream.seek(at)
        data = stream.read(most)
        reader = _Compact(data)
        try:
            return reader.struct(0, _PAGE), reader.at
        except IndexError:
            if len(data) < most:
                break
        except ValueError as error:
            raise _damaged(name) from error
    raise _damaged(name)


class _Compact:
    """As much of Thrift's compact protocol as it takes to find the end of a struct."""

    def __init__(self, data: bytes) -> None:
        self._data, self.at = data, 0

    def struct(self, depth: int, wanted: _Wanted) -> dict[int, Any]:
        """The wanted fields that it has; everything else is passed over."""
        if depth > _NESTED:
            raise ValueError("nested too deep")
        found: dict[int, Any] = {}
        field = 0
        while (head := self._byte()) != _STOP:
            kind, step = head & 0x0F, head >> 4
            field = field + step if step else self._number()
            inside = wanted.get(field)
            value = self._value(
                kind, depth, inside[0] if isinstance(inside, list) else inside or {}
            )
            if field in wanted:
                if not isinstance(value, int if inside is None else type(inside)):
                    raise ValueError("a field of another type")
                found[field] = value
        return found

    def _value(self, kind: int, depth: int, wanted: _Wanted) -> Any:  # noqa: ANN401 - number, list or struct
        if kind in _INTEGERS:
            return self._number()
        if kind == _STRUCT:
            return self.struct(depth + 1, wanted)
        if kind in _LISTS:
            return self._list(depth, wanted)
        if kind in {_BYTE, _DOUBLE, _UUID}:
            self._skip({_BYTE: 1, _DOUBLE: 8, _UUID: 16}[kind])
        elif kind == _BINARY:
            self._skip(self._varint())
        elif kind not in {1, 2}:  # true and false are in the field's head
            raise ValueError("a map or an unknown type, which neither header nor footer has")
        return None

    def _list(self, depth: int, wanted: _Wanted) -> list[dict[int, Any]]:
        head = self._byte()
        kind, count = head & 0x0F, head >> 4
        found = []
        for _ in range(self._varint() if count == _LONG else count):
            if kind in {1, 2}:
                self._skip(1)
            else:
                item = self._value(kind, depth + 1, wanted)
                if wanted and kind != _STRUCT:
                    raise ValueError("a list of another type")
                if wanted:
                    found.append(item)
        return found

    def _byte(self) -> int:
        self.at += 1
        return self._data[self.at - 1]

    def _skip(self, count: int) -> None:
        self.at += count
        if self.at > len(self._data):
            raise IndexError

    def _varint(self) -> int:
        found = shift = 0
        while True:
            byte = self._byte()
            found |= (byte & 0x7F) << shift
            if byte < 0x80:  # noqa: PLR2004 - the bit that says more follows
                return found
            shift += 7
            if shift > _VARINT_BITS:
                raise ValueError("a number that is too long")

    def _number(self) -> int:
        zigzag = self._varint()
        return (zigzag >> 1) ^ -(zigzag & 1)


def _damaged(name: str) -> BadFile:
    return BadFile(
        f"{name} is damaged: its pages are not where they should be",
        hint="Write the file again, or export the list as CSV (UTF-8)",
    )
