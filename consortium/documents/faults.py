"""A validation fault in plain words: which line, what is wrong, what would be right.

Of several faults one is told: the first in the document, and a missing key only if nothing else
is wrong (a misspelt key looks missing as well). Values are never repeated: a document may hold
what somebody pasted by mistake. Keys are, because the reader must find them.
"""

from __future__ import annotations

import difflib
import re
import types
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, ClassVar, Final, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Strict, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails, PydanticCustomError

from consortium.documents.scanner import KeyPath, Layout
from consortium.errors import DocumentError, quoted

__all__ = ["Document", "Several", "Word", "explain", "fault", "shown"]

_T = TypeVar("_T")

Word = Annotated[_T, Strict(strict=False)]
"""`Word[Purpose]`: one word of a closed vocabulary, written as text."""
Several = Annotated[tuple[_T, ...], Strict(strict=False)]
"""`Several[Word[Purpose]]`: a TOML array, kept as a tuple."""

_CUSTOM: Final = "document_fault"
_HINT_LENGTH: Final = 150
_QUOTED = re.compile(r"'([^']*)'")

_NEEDS: Final[Mapping[str, str]] = {
    "string_type": "needs text in quotes",
    "string_unicode": "needs text in quotes",
    "int_type": "needs a whole number",
    "int_parsing_size": "needs a smaller whole number",
    "float_type": "needs a number",
    "finite_number": "needs a finite number",
    "bool_type": "needs true or false",
    "date_type": "needs a date like 2026-11-03, without quotes",
    "time_type": "needs a time like 20:00:00, without quotes",
    "datetime_type": "needs a date and time like 2026-11-03T09:00:00, without quotes",
    "timezone_naive": "needs a date and time without an offset",
    "timezone_aware": "needs a date and time with an offset, like 2026-11-03T09:00:00-08:00",
    "tuple_type": "needs a list in [ ]",
    "list_type": "needs a list in [ ]",
    "dict_type": "needs a table",
    "model_type": "needs a table",
    "model_attributes_type": "needs a table",
    "string_pattern_mismatch": "does not have the form it needs",
    "greater_than_equal": "must be at least {ge}",
    "greater_than": "must be more than {gt}",
    "less_than_equal": "must be at most {le}",
    "less_than": "must be less than {lt}",
    "too_short": "needs at least {min_length} of them",
    "too_long": "may have at most {max_length} of them",
    "string_too_short": "needs at least {min_length} characters",
    "string_too_long": "may have at most {max_length} characters",
}


class Document(BaseModel):
    """Base of everything that is read from TOML: strict, closed, frozen, silent about values.

    Attributes:
        noun: What a key of this table is called in errors.
        guide: A sentence after the hint for an unknown key, e.g. where all of them are listed.
        later: Keys that this version knows of and does not do; they are refused by name.
    """

    model_config = ConfigDict(
        extra="forbid", strict=True, frozen=True, hide_input_in_errors=True, validate_default=False
    )

    noun: ClassVar[str] = "key"
    guide: ClassVar[str] = ""
    later: ClassVar[frozenset[str]] = frozenset()


def fault(message: str, *, hint: str = "", key: str = "") -> PydanticCustomError:
    """What a model's validator raises: both lines in our words, placed at `key` of its table."""
    return PydanticCustomError(_CUSTOM, "{message}", {"message": message, "hint": hint, "key": key})


def shown(key: object) -> str:
    """A key or name from a document; see `errors.quoted`."""
    return quoted(key)


def nearest(word: str, known: Sequence[str]) -> str:
    """`Did you mean "x"?`, or nothing."""
    close = difflib.get_close_matches(word[:80], known, n=1, cutoff=0.6)
    return f'Did you mean "{close[0]}"?' if close else ""


def explain(
    error: ValidationError, *, name: str, model: type[BaseModel], layout: Layout
) -> DocumentError:
    """The one fault worth telling, as a `DocumentError` of at most two lines."""
    details = error.errors(include_url=False, include_input=False)
    # A list whose entry is wrong is also told as too short: what lies deeper is the cause.
    outer = {loc[:depth] for loc in (d["loc"] for d in details) for depth in range(len(loc))}
    causes = [detail for detail in details if detail["loc"] not in outer] or details
    first = min(causes, key=lambda d: (d["type"] == "missing", _place(d, layout)[1]))
    path, line = _place(first, layout)
    where = f"{name}, line {line}" if line else name
    message, hint = _words(first, path=path, model=model)
    return DocumentError(f"{where}: {message}", hint=hint)


def _place(detail: ErrorDetails, layout: Layout) -> tuple[KeyPath, int]:
    path: KeyPath = ()
    loc = list(detail["loc"])
    if detail["type"] == _CUSTOM and (key := detail.get("ctx", {}).get("key")):
        loc.append(key)
    for part in loc:
        if (*path, part) in layout.lines:
            path = (*path, part)
    return path, layout.lines.get(path, 0)


def _words(detail: ErrorDetails, *, path: KeyPath, model: type[BaseModel]) -> tuple[str, str]:
    kind, loc, context = detail["type"], detail["loc"], detail.get("ctx", {})
    if kind == _CUSTOM:
        return str(context["message"]), str(context["hint"])
    if kind in {"extra_forbidden", "missing"}:
        tables = _tables(model, loc[:-1])
        key = str(loc[-1])
        return _missing(key, tables, path) if kind == "missing" else _unknown(key, tables)
    subject = shown(_named(loc)) if loc else "this document"
    if kind in {"enum", "literal_error"}:
        allowed = _QUOTED.findall(str(context.get("expected", "")))
        words = ", ".join(allowed) or str(context.get("expected", ""))
        noun = "word" if kind == "enum" else "value"
        return f"{subject} has a {noun} that is not known here", _cut(f"Allowed: {words}")
    if kind in _NEEDS:
        return f"{subject} {_NEEDS[kind].format_map(context)}", ""
    return f"{subject} is not what this document needs", ""


def _named(loc: Sequence[str | int]) -> str:
    named = [part for part in loc if isinstance(part, str)]
    return named[-1] if named else str(loc[-1])


def _missing(key: str, tables: list[type[BaseModel]], path: KeyPath) -> tuple[str, str]:
    table = ".".join(part for part in path if isinstance(part, str))
    where = f" in [{table}]" if table else ""
    hint = ""
    for candidate in tables:
        for known, info in _fields(candidate):
            if known == key and info.description:
                hint = _cut(f"{key}: {info.description}")
    if not hint and not table:
        hint = "It stands at the top, before the first [table]"
    return f"{shown(key)} is missing{where}", hint


def _unknown(key: str, tables: list[type[BaseModel]]) -> tuple[str, str]:
    known = [name for table in tables for name, _ in _fields(table)]
    documents = [table for table in tables if issubclass(table, Document)]
    noun = documents[0].noun if documents else "key"
    guide = documents[0].guide if documents else ""
    if any(key in table.later for table in documents):
        return (
            f"{noun} {shown(key)} is not understood by this version",
            "Take it out: nothing would enforce it",
        )
    hint = nearest(key, known) or f"Known here: {', '.join(known)}."
    return f"unknown {noun} {shown(key)}", _cut(f"{hint} {guide}".strip())


def _cut(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _HINT_LENGTH else text[: _HINT_LENGTH - 1].rsplit(",", 1)[0] + ", …"


def _fields(table: type[BaseModel]) -> Iterator[tuple[str, FieldInfo]]:
    for name, info in table.model_fields.items():
        yield info.alias or name, info


def _tables(model: type[BaseModel], loc: Sequence[str | int]) -> list[type[BaseModel]]:
    """The models that `loc` may lead to; more than one below a union."""
    reached: list[Any] = [model]
    for part in loc:
        following: list[Any] = []
        for annotation in reached:
            if isinstance(annotation, type) and issubclass(annotation, BaseModel):
                following += [
                    i.annotation for known, i in _fields(annotation) if known == part
                ] or ([annotation] if annotation.__name__ == part else [])
            elif get_origin(annotation) is dict:
                following.append(get_args(annotation)[1])
            else:
                following += [a for a in get_args(annotation) if a is not Ellipsis]
        reached = [inner for annotation in following for inner in _alternatives(annotation)]
    return [r for r in reached if isinstance(r, type) and issubclass(r, BaseModel)]


def _alternatives(annotation: object) -> Iterator[object]:
    origin = get_origin(annotation)
    if origin is Annotated:
        yield from _alternatives(get_args(annotation)[0])
    elif origin in {Union, types.UnionType}:
        for inner in get_args(annotation):
            yield from _alternatives(inner)
    else:
        yield annotation
