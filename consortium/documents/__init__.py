"""TOML documents in, checked values out, and errors that a tired volunteer can act on.

Policies, campaigns, mappings, cards and settings are all read here: `parse` takes text, `load` a
file. Whatever the text, the answer is a value of the asked model or a `DocumentError` of at most
two lines naming file and line: malformed TOML with its column, an unknown key with the nearest
known one, a missing key with its table, a value of the wrong type or outside its closed set with
what is allowed. Values are not repeated in errors.

A document is UTF-8 text of at most `MAX_BYTES`, with LF or CRLF line ends and perhaps a byte order
mark (TOML 1.0.0, read by `tomllib`); more than `MAX_DEPTH` brackets in brackets are refused.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ValidationError

from consortium.documents.faults import Document, Several, Word, explain, fault, nearest, shown
from consortium.documents.scanner import MAX_DEPTH, Layout, TooDeep, scan
from consortium.errors import BadFile, DocumentError

__all__ = [
    "MAX_BYTES",
    "MAX_DEPTH",
    "Document",
    "Several",
    "Word",
    "decode",
    "fault",
    "load",
    "nearest",
    "parse",
    "shown",
]

M = TypeVar("M", bound=BaseModel)

MAX_BYTES: Final = 1 << 20
"""Largest document, in bytes of UTF-8."""

_BYTE_ORDER_MARK: Final = "\ufeff"
_PLACE = re.compile(r"(.*) \(at (?:line (\d+), column (\d+)|end of document)\)", re.DOTALL)
_SAVE_AS_TEXT: Final = "Save it as plain text in UTF-8"


def load(path: Path, *, model: type[M], context: Mapping[str, Any] | None = None) -> M:
    """Read the document at `path`; see `parse`. Errors name the file by its last part.

    Raises:
        BadFile: It cannot be read.
        DocumentError: It is not a document of this kind.
    """
    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except FileNotFoundError as error:
        raise BadFile(f"{path}: no such file") from error
    except IsADirectoryError as error:
        raise BadFile(f"{path} is a directory", hint="Name the document in it") from error
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else None
        raise BadFile(f"{path} cannot be read: {reason or 'no usable path'}") from error
    return parse(decode(data, name=path.name), name=path.name, model=model, context=context)


def decode(data: bytes, *, name: str) -> str:
    """The text of a document's bytes, without a byte order mark.

    Raises:
        DocumentError: Too large, or not UTF-8 text.
    """
    if len(data) > MAX_BYTES:
        raise _too_large(name)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise DocumentError(f"{name}, line {line}: not UTF-8 text", hint=_SAVE_AS_TEXT) from error
    return text.removeprefix(_BYTE_ORDER_MARK)


def parse(text: str, *, name: str, model: type[M], context: Mapping[str, Any] | None = None) -> M:
    """The document in `text` as a value of `model`.

    Args:
        text: TOML.
        name: What errors call the document, e.g. `nurses.toml`.
        model: What it must be; derive it from `Document`.
        context: Handed to the model's validators (`ValidationInfo.context`).

    Raises:
        DocumentError: It is not; for every possible text, this and nothing else.
    """
    text = text.removeprefix(_BYTE_ORDER_MARK)
    _check_text(text, name=name)
    try:
        layout = scan(text)
        data = tomllib.loads(text)
    except TooDeep as error:
        raise _too_deep(f"{name}, line {error.line}") from error
    except RecursionError as error:
        raise _too_deep(name) from error
    except ValueError as error:  # TOMLDecodeError, or a number of thousands of digits
        raise _malformed(error, name=name, layout=layout) from error
    try:
        return model.model_validate(data, context=context)
    except ValidationError as error:
        # Not chained: pydantic's error carries the input, and an input may be personal.
        raise explain(error, name=name, model=model, layout=layout) from None


def _check_text(text: str, *, name: str) -> None:
    if len(text) > MAX_BYTES:
        raise _too_large(name)
    try:
        size = len(text.encode("utf-8"))
    except UnicodeEncodeError as error:
        line = text.count("\n", 0, error.start) + 1
        raise DocumentError(f"{name}, line {line}: not UTF-8 text", hint=_SAVE_AS_TEXT) from error
    if size > MAX_BYTES:
        raise _too_large(name)
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise DocumentError(f"{name}, line {line}: not a text file", hint=_SAVE_AS_TEXT)


def _too_large(name: str) -> DocumentError:
    return DocumentError(
        f"{name} is larger than {MAX_BYTES >> 20} MiB", hint="Is it the right file?"
    )


def _too_deep(where: str) -> DocumentError:
    return DocumentError(f"{where}: brackets or dotted keys nest deeper than {MAX_DEPTH}")


def _malformed(error: ValueError, *, name: str, layout: Layout) -> DocumentError:
    found = _PLACE.fullmatch(str(error))
    if found is None:
        return DocumentError(f"{name}: not TOML: a number has too many digits")
    what, line, column = found.groups()
    if "overwrite" in what or "twice" in what:
        for repeat_line, first_line, key in layout.repeats:
            return DocumentError(
                f"{name}, line {repeat_line}: {shown(key)} is written twice",
                hint=f"It stands on line {first_line} as well; keep one",
            )
    if line is None:
        return DocumentError(
            f"{name}, last line: not TOML: {_lower(what)}", hint="Is a quote or bracket left open?"
        )
    for moment_line, moment_column, moment in layout.moments:
        if moment_line == int(line) and not _is_toml(moment):
            return DocumentError(
                f"{name}, line {line}, column {moment_column}: no such date or time",
                hint="Dates look like 2026-11-03, times like 20:00:00",
            )
    return DocumentError(
        f"{name}, line {line}, column {column}: not TOML: {_lower(what)}",
        hint='Text needs quotes ("…"), lists brackets ([…]), and each key a line of its own',
    )


def _is_toml(value: str) -> bool:
    try:
        tomllib.loads("k=" + value)
    except ValueError:
        return False
    return True


def _lower(what: str) -> str:
    what = " ".join(what.split())[:100]
    return what[:1].lower() + what[1:]
