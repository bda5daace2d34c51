"""Where each key of a TOML document stands: a map from key path to line.

`tomllib` gives values without positions, so this second, forgiving reading runs beside it. It
decides nothing about validity: it follows tables, arrays of tables, dotted and quoted keys, inline
tables and strings, and stops at the first thing it cannot follow. Its other task is to refuse,
before anything recursive sees the text, nesting that no document of ours needs.
Grammar: TOML 1.0.0.
"""

from __future__ import annotations

import contextlib
import re
import tomllib
from bisect import bisect_right
from dataclasses import dataclass, field
from typing import Final

__all__ = ["MAX_DEPTH", "KeyPath", "Layout", "TooDeep", "scan"]

MAX_DEPTH: Final = 32
"""Most brackets inside each other, and most parts in a dotted key."""

KeyPath = tuple[str | int, ...]
"""Keys and array positions from the root, e.g. `("whoever_speaks", "frequency", 0, "max")`."""

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_BLANK = re.compile(r"(?:[ \t\r\n]+|#[^\n]*)*+")
_SPACE = re.compile(r"[ \t]*+")
_PLAIN_VALUE = re.compile(r"[^,\]}#\n]*+")
_STRINGS = (
    re.compile(r'"""(?:[^"\\]|\\.|"(?!""))*+"{3,5}', re.DOTALL),
    re.compile(r"'''(?:[^']|'(?!''))*+'{3,5}"),
    re.compile(r'"(?:[^"\\\n]|\\.)*+"'),
    re.compile(r"'[^'\n]*+'"),
)
_MOMENT = re.compile(r"\d{1,4}-\d{1,2}-\d{1,2}|\d{1,2}:\d{1,2}")


class TooDeep(Exception):
    """The text nests deeper than `MAX_DEPTH`; `line` is where."""

    def __init__(self, line: int) -> None:
        super().__init__(line)
        self.line = line


class _Lost(Exception):
    """From here on the text is not TOML."""


@dataclass(slots=True)
class Layout:
    """What stands where.

    Attributes:
        lines: First line (from 1) on which each key path, table or array element stands.
        moments: Values that look like a date or a time: line, column (both from 1), text.
        repeats: Keys and tables written a second time: line, first line, key.
    """

    lines: dict[KeyPath, int] = field(default_factory=dict)
    moments: list[tuple[int, int, str]] = field(default_factory=list)
    repeats: list[tuple[int, int, str]] = field(default_factory=list)


def scan(text: str) -> Layout:
    """The layout of `text` as far as it can be followed; linear in its length.

    Raises:
        TooDeep: Brackets or dotted keys nest deeper than `MAX_DEPTH`.
    """
    scanner = _Scanner(text)
    with contextlib.suppress(_Lost):
        scanner.document()
    return scanner.layout


class _Scanner:
    def __init__(self, text: str) -> None:
        self.text = text
        self.pos = 0
        self.layout = Layout()
        self._starts = [0, *(found.end() for found in re.finditer("\n", text))]
        self._counts: dict[KeyPath, int] = {}  # arrays of tables: elements so far
        self._written: dict[KeyPath, int] = {}  # keys with a value and tables with a header

    def document(self) -> None:
        here: KeyPath = ()
        while True:
            self._skip(_BLANK)
            if self.pos >= len(self.text):
                return
            if self.text.startswith("[[", self.pos):
                here = self._header(2)
            elif self.text.startswith("[", self.pos):
                here = self._header(1)
            else:
                self._pair(here, depth=0)

    def _header(self, brackets: int) -> KeyPath:
        line = self._line()
        self.pos += brackets
        parts = self._key()
        self._expect("]" * brackets)
        path: KeyPath = ()
        for part in parts[:-1]:
            path = self._latest((*path, part))
            self.layout.lines.setdefault(path, line)
        path = (*path, parts[-1])
        if brackets == 1:
            path = self._latest(path)
        else:
            self.layout.lines.setdefault(path, line)
            index = self._counts.get(path, 0)
            self._counts[path] = index + 1
            path = (*path, index)
        self.layout.lines.setdefault(path, line)
        self._write(path, line)
        return path

    def _write(self, path: KeyPath, line: int) -> None:
        first = self._written.setdefault(path, line)
        if first != line:
            self.layout.repeats.append((line, first, str(path[-1])))

    def _latest(self, path: KeyPath) -> KeyPath:
        count = self._counts.get(path)
        return path if count is None else (*path, count - 1)

    def _pair(self, here: KeyPath, *, depth: int) -> None:
        line = self._line()
        path = here
        for part in self._key():
            path = (*path, part)
            self.layout.lines.setdefault(path, line)
        self._write(path, line)
        self._expect("=")
        self._value(path, depth=depth)

    def _key(self) -> list[str]:
        parts: list[str] = []
        while True:
            self._skip(_SPACE)
            parts.append(self._key_part())
            if len(parts) > MAX_DEPTH:
                raise TooDeep(self._line())
            self._skip(_SPACE)
            if not self.text.startswith(".", self.pos):
                return parts
            self.pos += 1

    def _key_part(self) -> str:
        start = self.pos
        for pattern in (_BARE_KEY, *_STRINGS[2:]):
            if found := pattern.match(self.text, start):
                self.pos = found.end()
                raw = found.group()
                if "\\" not in raw:
                    return raw[1:-1] if raw[0] in "\"'" else raw
                try:
                    return str(tomllib.loads("k=" + raw)["k"])
                except ValueError as error:
                    raise _Lost from error
        raise _Lost

    def _value(self, path: KeyPath, *, depth: int) -> None:
        self._skip(_SPACE)
        mark = self.text[self.pos : self.pos + 1]
        if mark in {"[", "{"}:
            if depth >= MAX_DEPTH:
                raise TooDeep(self._line())
            self.pos += 1
            self._items(path, closing="]" if mark == "[" else "}", depth=depth + 1)
            return
        if mark in {'"', "'"}:
            for pattern in _STRINGS:
                if found := pattern.match(self.text, self.pos):
                    self.pos = found.end()
                    return
            raise _Lost
        start = self.pos
        self._skip(_PLAIN_VALUE)
        plain = self.text[start : self.pos].strip()
        if not plain:
            raise _Lost
        if _MOMENT.match(plain):
            line = self._line(start)
            self.layout.moments.append((line, start - self._starts[line - 1] + 1, plain))

    def _items(self, path: KeyPath, *, closing: str, depth: int) -> None:
        index = 0
        while True:
            self._skip(_BLANK)
            if self.text.startswith(closing, self.pos):
                self.pos += 1
                return
            if closing == "]":
                self.layout.lines.setdefault((*path, index), self._line())
                self._value((*path, index), depth=depth)
            else:
                self._pair(path, depth=depth)
            index += 1
            self._skip(_BLANK)
            if self.text.startswith(",", self.pos):
                self.pos += 1
            elif not self.text.startswith(closing, self.pos):
                raise _Lost

    def _skip(self, pattern: re.Pattern[str]) -> None:
        found = pattern.match(self.text, self.pos)
        if found is not None:
            self.pos = found.end()

    def _expect(self, word: str) -> None:
        self._skip(_SPACE)
        if not self.text.startswith(word, self.pos):
            raise _Lost
        self.pos += len(word)

    def _line(self, pos: int | None = None) -> int:
        return bisect_right(self._starts, self.pos if pos is None else pos)
