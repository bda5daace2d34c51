"""One spelling for every value: canonical JSON (RFC 8785), and nothing else accepted.

Entries, leaves, contexts of sealed things and signed headers are all bytes made by `encode`.
`decode` parses, encodes again and compares, so that a second spelling of the same value (spaces,
key order, escapes, `1.0` for `1`, a repeated key) never verifies. Numbers are integers within
±(2^53−1); there are no floats. A `Pii` value is refused: personal data never becomes evidence.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, NoReturn

import rfc8785

from consortium.errors import EvidenceError

__all__ = ["JSON", "decode", "encode"]

JSON = None | bool | int | str | list["JSON"] | dict[str, "JSON"]
"""What canonical bytes can say."""

_MAX_DEPTH = 16


def _check(value: object, depth: int) -> None:
    # Types are compared exactly: a subclass of str may be personal data, one of int a bool.
    kind = type(value)
    if value is None or kind is str or kind is int or kind is bool or isinstance(value, StrEnum):
        return
    if depth > _MAX_DEPTH:
        raise EvidenceError(f"a value is nested deeper than {_MAX_DEPTH} levels")
    if isinstance(value, list):
        for item in value:
            _check(item, depth + 1)
    elif isinstance(value, Mapping):
        for key, item in value.items():
            if type(key) is not str:
                raise EvidenceError("a key of a canonical value is not plain text")
            _check(item, depth + 1)
    else:
        raise EvidenceError(f"a value of type {kind.__name__} has no canonical form")


def encode(value: Mapping[str, Any] | JSON) -> bytes:
    """The canonical bytes of a value; about 15 µs for an entry of ten fields.

    Args:
        value: Of dict, list, str, int, bool and None only.

    Raises:
        EvidenceError: Another type (floats and personal data included), an integer beyond 2^53−1,
            text that is not Unicode, or nesting beyond 16 levels.
    """
    _check(value, 0)
    try:
        return rfc8785.dumps(value)
    except ValueError as error:  # rfc8785's own, and UnicodeEncodeError for keys
        raise EvidenceError("a value has no canonical form: bad text or number") from error


def _refuse(_text: str) -> NoReturn:
    raise EvidenceError("canonical JSON holds whole numbers only")


def _integer(text: str) -> int:
    if len(text) > len("-9007199254740991"):
        _refuse(text)
    return int(text)


def decode(data: bytes) -> Any:  # noqa: ANN401 - the caller's grammar knows the shape
    """The value of canonical bytes.

    Raises:
        EvidenceError: Not JSON, or not in the one spelling that `encode` gives.
    """
    try:
        value = json.loads(
            data.decode("utf-8"), parse_float=_refuse, parse_constant=_refuse, parse_int=_integer
        )
    except (ValueError, RecursionError) as error:
        raise EvidenceError("the bytes are not canonical JSON") from error
    if encode(value) != data:  # a repeated key has been dropped by now, so it differs too
        raise EvidenceError("the bytes are JSON, but not in the canonical spelling")
    return value
