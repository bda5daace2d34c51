"""Whether the pages of a Parquet file are of a size that a list's are.

pyarrow takes as much memory for a page as the page's own header says, so a file of 700 bytes could
take all there is. The headers are walked before anything is decoded: a few hundred bytes a page.

Source: Parquet format 2.11, `parquet.thrift` (PageHeader); Thrift compact protocol.
"""

from __future__ import annotations

from typing import Any, BinaryIO

from consortium.errors import BadFile
from consortium.pack.files.place import size_words

__all__ = ["MAX_DICTIONARY_BYTES", "MAX_PAGE_BYTES", "check_pages"]

MAX_PAGE_BYTES = 64 * 2**20
"""Of a page; writers aim at 1 MiB."""
MAX_DICTIONARY_BYTES = 8 * 2**20
"""Of a page with a column's different values, any of which may come again in every row."""

_HEADER_BYTES = (512, 64 * 1024, 4 * 2**20)  # read at first, and if that is not all of it
_DICTIONARY_PAGE = 2
_TYPE, _UNPACKED, _PACKED = 1, 2, 3  # fields of a page's header
_STOP, _BYTE, _INTEGERS, _DOUBLE, _BINARY = 0, 3, (4, 5, 6), 7, 8
_LISTS, _STRUCT, _UUID = (9, 10), 12, 13
_NESTED = 16
_LONG = 15
_VARINT_BITS = 63


def check_pages(stream: BinaryIO, metadata: Any, *, name: str) -> None:  # noqa: ANN401 - pyarrow has no types
    """Walk the pages of every column.

    Args:
        stream: The file; seekable.
        metadata: Its `pyarrow.parquet.FileMetaData`.
        name: The file as it is called in messages.

    Raises:
        BadFile: A page is larger than a list's is, or the pages are not where they should be.
    """
    for group in range(metadata.num_row_groups):
        described = metadata.row_group(group)
        if not described.num_rows:
            continue  # its offsets mean nothing
        for index in range(described.num_columns):
            column = described.column(index)
            at = column.data_page_offset
            if column.has_dictionary_page and 0 < column.dictionary_page_offset < at:
                at = column.dictionary_page_offset
            end = at + column.total_compressed_size
            while at < end:
                at += _page(stream, at, name=name)


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
            return reader.struct(0), reader.at
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

    def struct(self, depth: int) -> dict[int, int]:
        """Its whole numbers by field; everything else is passed over."""
        if depth > _NESTED:
            raise ValueError("nested too deep")
        found: dict[int, int] = {}
        field = 0
        while (head := self._byte()) != _STOP:
            kind, step = head & 0x0F, head >> 4
            field = field + step if step else self._number()
            value = self._value(kind, depth)
            if kind in _INTEGERS:
                found[field] = value
        return found

    def _value(self, kind: int, depth: int) -> int:
        if kind in _INTEGERS:
            return self._number()
        if kind in {1, 2}:
            return 0  # true and false are in the field's head
        if kind in {_BYTE, _DOUBLE, _UUID}:
            self._skip({_BYTE: 1, _DOUBLE: 8, _UUID: 16}[kind])
        elif kind == _BINARY:
            self._skip(self._varint())
        elif kind in _LISTS:
            head = self._byte()
            count = head >> 4 if head >> 4 != _LONG else self._varint()
            for _ in range(count):
                self._item(head & 0x0F, depth)
        elif kind == _STRUCT:
            self.struct(depth + 1)
        else:
            raise ValueError("a map or an unknown type, which no page's header has")
        return 0

    def _item(self, kind: int, depth: int) -> None:
        if kind in {1, 2}:
            self._skip(1)
        else:
            self._value(kind, depth + 1)

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
