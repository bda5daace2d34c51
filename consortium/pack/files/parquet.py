"""Parquet files, read by pyarrow (extra `parquet`), a batch at a time.

Columns of records are divided into their fields (`address.zip`). A whole number comes with all its
digits, also where a program made it a decimal because of gaps; dates are `2026-03-04`, times
`2026-03-04 13:05:00`. Lists and other nested values are one cell: plain values with semicolons
between, else JSON, which nothing reads. A column of bytes is read as text.

Memory: the pages of one batch, whatever a row group holds (`consortium.pack.files.parquet_pages`).
Cost: 6 µs a row of 8 columns (measured).
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from consortium.errors import BadFile, UsageError
from consortium.pack.encoding import FALLBACK, Encoding
from consortium.pack.files.number_formats import plain_number
from consortium.pack.files.parquet_pages import check_pages
from consortium.pack.files.place import Content
from consortium.pack.files.table import RawBatch, batched, cell, check_width, clean

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

__all__ = ["ParquetTable", "open_parquet"]

_BATCH_ROWS = 128  # of which each may repeat the longest value of a dictionary
_BUFFER_BYTES = 2**20
_METADATA_BYTES = 64 * 2**20
_METADATA_ITEMS = 2**20
_MAX_DEPTH = 8
_MOST_DIGITS = 100
_EXPORT = "Write the file again, or export the list as CSV (UTF-8)"
_MIDNIGHT = re.compile(r"(?:[ T]00:00(?::00)?)?(?:\.0+)?(Z?)$")


@dataclass(frozen=True, slots=True)
class ParquetTable:
    """A Parquet file; a `Table`.

    Attributes:
        content: Its bytes.
        headers: Names of the columns.
    """

    content: Content
    headers: tuple[str, ...] = field(repr=False)

    @property
    def encoding(self) -> Encoding:
        """What kind of file it is."""
        return Encoding("", "strict", "Parquet")

    @property
    def delimiter(self) -> str:
        """None: values are values."""
        return ""

    @property
    def form(self) -> str:
        """How many columns there are."""
        return f"{len(self.headers)} columns"

    def batches(self, *, size: int) -> Iterator[RawBatch]:
        """See `Table.batches`."""
        return batched(self._rows(), size=size, content=self.content, packed=True)

    def _rows(self) -> Iterator[tuple[int, list[str]]]:
        line, name = 1, self.content.name
        with _opened(self.content) as file:
            parts = file.iter_batches(_BATCH_ROWS)
            while True:
                with _damage(name):
                    part = next(parts, None)
                    if part is None:
                        return
                    columns = [_texts(column) for column in _table(part).columns]
                    rows = list(zip(*columns, strict=True))
                for row in rows:
                    yield line, clean(list(row), name=name)
                    line += 1


def open_parquet(content: Content) -> ParquetTable:
    """Judge a Parquet file; reads its description and the headers of its pages.

    Raises:
        BadFile: Damaged, without columns, or beyond a limit.
        UsageError: pyarrow is not installed.
    """
    name = content.name
    with content.open() as stream:
        check_pages(stream, name=name)
    with _opened(content) as file, _damage(name):
        from pyarrow import RecordBatch  # noqa: PLC0415 - an extra, loaded when there is such a file

        empty = RecordBatch.from_pylist([], schema=file.schema_arrow)
        headers = tuple(cell(header, name=name) for header in _table(empty).column_names)
    if not headers:
        raise BadFile(f"{name} has no columns", hint=_EXPORT)
    check_width(headers, name=name)
    return ParquetTable(content=content, headers=headers)


@contextmanager
def _opened(content: Content) -> Iterator[pq.ParquetFile]:
    try:
        import pyarrow.parquet as pq  # noqa: PLC0415 - an extra, loaded when there is such a file
    except ImportError as error:
        raise UsageError(
            f"{content.name} is a Parquet file, and what reads those is not installed",
            hint="pip install 'contact-consortium[parquet]', or export the list as CSV (UTF-8)",
        ) from error
    with content.open() as stream:
        with _damage(content.name):
            file = pq.ParquetFile(
                stream,
                buffer_size=_BUFFER_BYTES,
                pre_buffer=False,
                thrift_string_size_limit=_METADATA_BYTES,
                thrift_container_size_limit=_METADATA_ITEMS,
            )
        with file:
            yield file


@contextmanager
def _damage(name: str) -> Iterator[None]:
    """Whatever pyarrow raises for a file that is not as it should be, as `BadFile`."""
    from pyarrow import ArrowException  # noqa: PLC0415 - as above

    try:
        yield
    except (ArrowException, ArithmeticError, LookupError, OSError, TypeError, ValueError) as error:
        raise BadFile(
            f"{name} is damaged, or holds what a list does not: it cannot be read as Parquet",
            hint=_EXPORT,
        ) from error


def _table(part: pa.RecordBatch) -> pa.Table:
    """With a column per field of a record."""
    import pyarrow as pa  # noqa: PLC0415 - as above

    table = pa.Table.from_batches([part])
    for _ in range(_MAX_DEPTH):
        if not any(pa.types.is_struct(column.type) for column in table.schema):
            break
        table = table.flatten()
    return table


def _texts(column: pa.ChunkedArray) -> list[str]:
    import pyarrow as pa  # noqa: PLC0415 - as above

    kind = column.type
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind) or pa.types.is_time(kind):
        days = column.cast(pa.string()).to_pylist()
        return ["" if day is None else _MIDNIGHT.sub(r"\1", day) for day in days]
    try:
        values = column.to_pylist()
    except UnicodeDecodeError:
        values = column.cast(pa.binary()).to_pylist()
    return [_text(value) for value in values]


def _text(value: Any) -> str:  # noqa: ANN401, PLR0911 - whatever pyarrow makes of a value
    match value:
        case str():
            return value
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case float():
            return plain_number(repr(value)) if math.isfinite(value) else ""
        case Decimal() if abs(value.adjusted()) <= _MOST_DIGITS:
            whole = value == value.to_integral_value()
            return str(int(value)) if whole else format(value, "f")
        case bytes():
            return value.decode(errors=FALLBACK)
        case list() if not any(isinstance(item, dict | list | tuple) for item in value):
            return "; ".join(map(_text, value))
        case dict() | list():
            return json.dumps(value, ensure_ascii=False, default=_text)
        case _:
            return str(value)
