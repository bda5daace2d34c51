"""The records of a JSON file, one at a time: JSON Lines, an array, pages of OSDI, any mixture.

Records are objects at the top level, in an array there, or in `_embedded["osdi:people"]` of an
object there. Each is parsed by Python's `json` as soon as it is whole, so that one record is in
memory and not the file; numbers stay the text that was written. What JSON leaves open is refused:
a key twice in one object, where either value could be the one that says no.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final, NoReturn, TextIO, TypeAlias

from consortium.errors import BadFile
from consortium.pack.files.place import size_words

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["MAX_RECORD_CHARACTERS", "PEOPLE", "Json", "JsonObject", "records"]

MAX_RECORD_CHARACTERS = 4 * 2**20
PEOPLE = "osdi:people"

Json: TypeAlias = "str | bool | list[Json] | JsonObject | None"
JsonObject: TypeAlias = "dict[str, Json]"

_EMBEDDED = "_embedded"
_CHUNK_CHARACTERS = 256 * 1024
_SPACE = re.compile(r"[ \t\r\n]*")
_WHOLE = re.compile(r"(-?\d+)\.0+")


class _TwiceError(ValueError):
    """A key stands twice in an object."""


def _object(pairs: Sequence[tuple[str, Json]]) -> JsonObject:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise _TwiceError
    return found


def _as_written(number: str) -> str:
    """The text of a number; `5035550101.0`, as programs write whole numbers, without its end."""
    whole = _WHOLE.fullmatch(number)
    return whole[1] if whole else number


def _no_constant(_: str) -> NoReturn:
    raise ValueError("NaN is not JSON")


_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_object,
    parse_int=str,
    parse_float=_as_written,
    parse_constant=_no_constant,
    strict=False,
)


def records(text: TextIO, *, name: str) -> Iterator[tuple[int, JsonObject]]:
    """The records of a file with the line on which each starts, from 1.

    Args:
        text: At its start; line ends as they stand in the file.
        name: The file as it is called in messages.

    Raises:
        BadFile: Not JSON, not objects, a key twice, too deep, or a record beyond
            `MAX_RECORD_CHARACTERS`.
    """
    yield from _Parser(text, name=name).top_level()


class _Parser:
    """A window on the text: what is before `at` is done, and dropped as it fills."""

    def __init__(self, text: TextIO, *, name: str) -> None:
        self._text, self._name = text, name
        self._window, self._at = "", 0
        self._line, self._counted = 1, 0
        self._at_end = False

    def top_level(self) -> Iterator[tuple[int, JsonObject]]:
        while char := self._next():
            if char == "[":
                self._at += 1
                yield from self._array()
            elif char == "{":
                yield from self._one_or_page()
            elif char == ",":  # lines of an array whose brackets were cut off
                self._at += 1
            else:
                raise self._not_objects()

    def _array(self) -> Iterator[tuple[int, JsonObject]]:
        while True:
            char = self._next()
            if char == "]":
                self._at += 1
                return
            if char == "{":
                yield from self._one_or_page()
            elif char == "[":
                raise self._not_objects()
            else:
                raise self._not_objects() if char else self._malformed()
            if self._next() == ",":
                self._at += 1
            elif self._next() != "]":
                raise self._malformed()

    def _one_or_page(self) -> Iterator[tuple[int, JsonObject]]:
        line = self._line_now()
        whole = self._whole_object()
        if whole is None:
            yield from self._long_page()
            return
        embedded = whole.get(_EMBEDDED)
        if not isinstance(embedded, dict) or PEOPLE not in embedded:
            yield line, whole
            return
        people = embedded[PEOPLE]
        if not isinstance(people, list):
            raise self._not_objects()
        for person in people:
            if not isinstance(person, dict):
                raise self._not_objects()
            yield line, person

    def _whole_object(self) -> JsonObject | None:
        """The object at hand, or None if it is longer than a record may be."""
        want = _CHUNK_CHARACTERS
        while True:
            try:
                value, self._at = _DECODER.raw_decode(self._window, self._at)
            except RecursionError as error:
                raise self._too_deep() from error
            except _TwiceError as error:
                raise self._twice() from error
            except ValueError as error:
                if self._at_end:
                    raise self._malformed() from error
                have = len(self._window) - self._at
                if have > MAX_RECORD_CHARACTERS:
                    return None
                self._fill(min(want, MAX_RECORD_CHARACTERS + 1 - have))
                want *= 2
            else:
                assert isinstance(value, dict)  # it began with a brace
                return value

    def _long_page(self) -> Iterator[tuple[int, JsonObject]]:
        """People of an object too long to be parsed whole."""
        found = False
        for key in self._keys():
            if key == _EMBEDDED and self._next() == "{":
                for inner in self._keys():
                    if inner == PEOPLE and self._next() == "[":
                        self._at += 1
                        found = True
                        yield from self._array()
                    else:
                        self._value()
            else:
                self._value()
        if not found:
            raise self._too_long()

    def _keys(self) -> Iterator[str]:
        """Keys of the object at hand; the caller takes the value after each."""
        self._at += 1
        seen: set[str] = set()
        while True:
            char = self._next()
            if char == "}" and not seen:
                self._at += 1
                return
            if char != '"':
                raise self._malformed()
            key = self._value()
            assert isinstance(key, str)  # it began with a quote
            if key in seen:
                raise self._twice()
            seen.add(key)
            if self._next() != ":":
                raise self._malformed()
            self._at += 1
            yield key
            char = self._next()
            if char not in {",", "}"}:
                raise self._malformed()
            self._at += 1
            if char == "}":
                return

    def _value(self) -> Json:
        """Any value at hand, parsed whole."""
        self._next()
        want = _CHUNK_CHARACTERS
        while True:
            try:
                value, end = _DECODER.raw_decode(self._window, self._at)
            except RecursionError as error:
                raise self._too_deep() from error
            except _TwiceError as error:
                raise self._twice() from error
            except ValueError as error:
                if self._at_end:
                    raise self._malformed() from error
                have = len(self._window) - self._at
                if have > MAX_RECORD_CHARACTERS:
                    raise self._too_long() from error
                want = min(want, MAX_RECORD_CHARACTERS + 1 - have)
            else:
                if end < len(self._window) or self._at_end:  # else a number may go on
                    self._at = end
                    return value  # type: ignore[no-any-return]  # json has no type for its values
            self._fill(want)
            want *= 2

    def _next(self) -> str:
        """The next character that is not white, or nothing at the end; `at` is on it."""
        while True:
            match = _SPACE.match(self._window, self._at)
            assert match is not None  # it may be empty
            self._at = match.end()
            if self._at < len(self._window):
                return self._window[self._at]
            if self._at_end:
                return ""
            self._fill(_CHUNK_CHARACTERS)

    def _fill(self, characters: int) -> None:
        more = self._text.read(characters)
        self._at_end = not more
        self._line_now()
        self._window, self._at, self._counted = self._window[self._at :] + more, 0, 0

    def _line_now(self) -> int:
        """The line that `at` is on."""
        self._line += self._window.count("\n", self._counted, self._at)
        self._counted = self._at
        return self._line

    def _where(self) -> str:
        return f"{self._name}, line {self._line_now():,}"

    def _malformed(self) -> BadFile:
        return BadFile(
            f"{self._where()}: this is not JSON, or is cut short",
            hint="Export the list again, one JSON object per person",
        )

    def _not_objects(self) -> BadFile:
        return BadFile(
            f"{self._where()}: something other than an object stands where a person should",
            hint='Each person is one object, such as {"email": "…", "first_name": "…"}',
        )

    def _twice(self) -> BadFile:
        return BadFile(
            f"{self._where()}: an object has the same key twice, and which one counts is not said",
            hint="Export the list again; no system writes that by itself",
        )

    def _too_deep(self) -> BadFile:
        return BadFile(
            f"{self._where()}: objects are nested deeper than in any list of people",
            hint="Export the list again, one JSON object per person",
        )

    def _too_long(self) -> BadFile:
        return BadFile(
            f"{self._where()}: a record of more than {size_words(MAX_RECORD_CHARACTERS)}",
            hint="Export the list again, one JSON object per person",
        )
