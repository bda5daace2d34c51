"""JSON as a table: one record per person, its columns named by the path to each value.

`{"email": …, "phones": [{"number": …}]}` has the columns `email` and `phones.0.number`; an object
of year, month and day is one date. A longer list than `MAX_ITEMS` is one cell: plain values with
semicolons between, or JSON, which nothing reads; so is what is nested deeper than `MAX_DEPTH`.
Columns are those of all records in order of appearance, so the file is read once to find them.

Cost: 5 µs a record of 8 keys to find the columns, 7 to read it (measured); memory for one batch.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from consortium.errors import BadFile
from consortium.pack.encoding import Encoding, survey
from consortium.pack.files import json_values, osdi
from consortium.pack.files.json_values import Json, JsonObject
from consortium.pack.files.place import Content
from consortium.pack.files.table import MAX_COLUMNS, RawBatch, batched, cell, clean

__all__ = ["MAX_DEPTH", "MAX_ITEMS", "JsonTable", "is_json", "open_json"]

MAX_ITEMS = 20
MAX_DEPTH = 8

_BEGINS = re.compile(r"\s*(?:\{\s*[\"}]|\[\s*(?:[\[{\"\d\]-]|true\b|false\b|null\b))")
_HEADER_CHARACTERS = 200
_DATE = frozenset({"year", "month", "day"})
_Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class JsonTable:
    """A JSON file; a `Table`.

    Attributes:
        content: Its bytes.
        encoding: How it is decoded.
        headers: Paths with dots.
        form: `JSON Lines`, `JSON` or `OSDI people`.
    """

    content: Content
    encoding: Encoding
    headers: tuple[str, ...] = field(repr=False)
    form: str
    _columns: Mapping[_Path, int] = field(repr=False)

    @property
    def delimiter(self) -> str:
        """None: JSON tells values apart."""
        return ""

    def batches(self, *, size: int) -> Iterator[RawBatch]:
        """See `Table.batches`."""
        return batched(self._rows(), size=size, content=self.content)

    def _rows(self) -> Iterator[tuple[int, list[str]]]:
        width, columns, name = len(self.headers), self._columns, self.content.name
        for line, values in _flat(self.content, self.encoding):
            row = [""] * width
            for path, text in values:
                row[columns[path]] = text
            yield line, clean(row, name=name)


def is_json(head: str) -> bool:
    """Whether a text begins as a file of JSON objects does, and no header of a CSV file."""
    return _BEGINS.match(head) is not None


def open_json(content: Content) -> JsonTable:
    """Judge a JSON file; reads all of it twice.

    Raises:
        BadFile: Not JSON objects, or more columns than a list has.
    """
    with content.open() as stream:
        encoding = survey(stream, name=content.name, max_line_bytes=None)
    columns: dict[_Path, int] = {}
    last = 0
    for line, values in _flat(content, encoding):
        last = line
        for path, _ in values:
            if path not in columns:
                if len(columns) >= MAX_COLUMNS:
                    raise BadFile(
                        f"{content.name} has more than {MAX_COLUMNS:,} different keys",
                        hint="Export one JSON object per person, with the same keys in each",
                    )
                columns[path] = len(columns)
    if not last:
        raise BadFile(f"{content.name} has no people in it", hint="Export the list again")
    headers = tuple(
        cell(".".join(path)[:_HEADER_CHARACTERS], name=content.name) for path in columns
    )
    return JsonTable(
        content=content,
        encoding=encoding,
        headers=headers,
        form=osdi.TITLE if osdi.is_osdi(headers) else "JSON Lines" if last > 1 else "JSON",
        _columns=columns,
    )


@contextmanager
def _text(content: Content, encoding: Encoding) -> Iterator[io.TextIOWrapper]:
    with content.open() as stream:
        text = io.TextIOWrapper(stream, encoding=encoding.codec, errors=encoding.errors, newline="")
        try:
            yield text
        finally:
            text.detach()  # the stream is closed by whoever opened it


def _flat(content: Content, encoding: Encoding) -> Iterator[tuple[int, list[tuple[_Path, str]]]]:
    """Each record's line, and its texts as they stand in the file, with the path to each."""
    tops: dict[str, _Path] = {}
    with _text(content, encoding) as text:
        for line, record in json_values.records(text, name=content.name):
            person = osdi.arrange(record) if osdi.is_osdi(record) else record
            values: list[tuple[_Path, str]] = []
            for key, value in person.items():
                if key[:1] == "_":
                    continue
                path = tops.get(key) or (key,)
                if isinstance(value, str):
                    values.append((path, value))
                else:
                    _add(values, path, value)
                if len(tops) < MAX_COLUMNS:
                    tops[key] = path
            yield line, values


def _add(values: list[tuple[_Path, str]], path: _Path, value: Json) -> None:
    """Append the texts of a value with the path to each."""
    match value:
        case str():
            values.append((path, value))
        case dict() if value and value.keys() <= _DATE and not any(map(_is_nested, value.values())):
            values.append((path, _date(value)))
        case dict() if len(path) < MAX_DEPTH:
            for key, inner in value.items():
                if key[:1] != "_":  # links to other resources
                    _add(values, (*path, key), inner)
        case list() if len(path) < MAX_DEPTH and len(value) <= MAX_ITEMS:
            for index, item in enumerate(value):
                _add(values, (*path, str(index)), item)
        case list() if not any(map(_is_nested, value)):
            values.append((path, "; ".join(map(_plain, value))))
        case dict() | list():
            values.append((path, json.dumps(value, ensure_ascii=False)))
        case _:
            values.append((path, _plain(value)))


def _is_nested(value: Json) -> bool:
    return isinstance(value, dict | list)


def _date(value: JsonObject) -> str:
    """`1980-02-29`; `--02-29` without a year, `1980` without a month."""
    year, month, day = (_plain(value.get(key)) for key in ("year", "month", "day"))
    parts = [year.zfill(4) if year else "-", *([month.zfill(2)] if month else [])]
    return "-".join([*parts, day.zfill(2)] if month and day else parts)


def _plain(value: Json) -> str:
    if isinstance(value, str):
        return value
    return "" if value is None else "true" if value else "false"
