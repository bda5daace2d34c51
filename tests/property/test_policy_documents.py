"""Any text is a document or a `DocumentError`, and every key's line is known."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from datetime import date, datetime, time

from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import Field

from consortium.documents import Document, Several, decode, parse
from consortium.documents.scanner import KeyPath, TooDeep, scan
from consortium.errors import DocumentError


class Inner(Document):
    a: int = Field(default=1, ge=0)
    b: Several[str] = ()


class Outer(Document):
    a: int | str = 1
    b: Several[Inner] = ()
    c: dict[str, Inner | date | time | datetime] = Field(default_factory=dict)
    d: float | bool | None = None


FRAGMENTS = [
    *"abcd=.,[]{}\"'#\n\\\r\t 0129-:_+eTZé\0\ufeff",
    "[[b]]\n",
    "[c]\n",
    "[c.a]\n",
    "a = 1\n",
    "b = [",
    "{ a = 1 }",
    '"""',
    "'''",
    "2026-02-30",
    "2026-11-03T09:00:00",
    "25:00:00",
    "inf",
    "nan",
    "true",
    "9" * 5000,
    "0x" + "f" * 999,
    "a.b.c",
    '"\\u0061"',
    "\r\n",
]
texts = st.one_of(st.text(), st.lists(st.sampled_from(FRAGMENTS), max_size=60).map("".join))


@given(texts)
@example("[" * 100_000)
@example("a." * 100_000)
@example("a = " + "{a=" * 100_000)
@example("a = 0x" + "f" * 100_000)
def test_any_text_is_a_value_or_a_document_error(text: str) -> None:
    answer: Outer | DocumentError
    try:
        answer = parse(text, name="n.toml", model=Outer)
    except DocumentError as error:
        answer = error
    if isinstance(answer, DocumentError):
        assert answer.message.startswith("n.toml")
        assert "\n" not in answer.message + answer.hint


@given(st.binary())
def test_any_bytes_are_text_or_a_document_error(data: bytes) -> None:
    try:
        text = decode(data, name="n.toml")
    except DocumentError:
        return
    assert text.removeprefix("\ufeff").encode() in data


def key_paths(value: object, path: KeyPath = ()) -> Iterator[KeyPath]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield (*path, key)
            yield from key_paths(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield (*path, index)
            yield from key_paths(inner, (*path, index))


@given(texts)
@example(
    "a = ''''x''''\n'b c'.\"d\" = { e = [1, [2, { f = 1 }]], g.h = 3 }\n"
    "[[x.y]]\nz = 1\n[x.y.w]\nv=1"
)
def test_every_key_of_a_valid_document_has_a_line(text: str) -> None:
    try:
        data = tomllib.loads(text)
    except (ValueError, RecursionError):
        return
    try:
        layout = scan(text)
    except TooDeep:
        return
    last = text.count("\n") + 1
    for path in key_paths(data):
        assert 1 <= layout.lines[path] <= last


names = st.text(st.characters(codec="utf-8", exclude_characters="\r\n"), min_size=1, max_size=5)


def quoted(key: str) -> str:
    return '"' + "".join(f"\\U{ord(c):08x}" for c in key) + '"'


@given(st.dictionaries(names, st.dictionaries(names, st.integers(), max_size=4), max_size=4))
def test_the_line_of_a_key_is_where_it_was_written(tables: dict[str, dict[str, int]]) -> None:
    lines: list[str] = []
    expected: dict[KeyPath, int] = {}
    for table, keys in tables.items():
        lines.append(f"[{quoted(table)}]")
        expected[(table,)] = len(lines)
        for key, number in keys.items():
            lines.extend(("# a comment", f"{quoted(key)} = {number}"))
            expected[(table, key)] = len(lines)
    assert scan("\n".join(lines)).lines == expected
