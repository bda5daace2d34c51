"""Recognising a list by its headers: the layouts of known systems.

A layout is a TOML document in `consortium/pack/layouts/`: headers that only this system writes (its
signature), the headers of each role in order of preference, status columns with what their words
mean for consent. Three signature headers make a layout certain; fewer make it likely when most
headers are its own; else columns are proposed by what people usually call them. The layout `plain`
completes every other one: a refusal is a refusal in any export.

Format: docs/formats/layouts.md.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Literal

from consortium.documents import Document, Several, Word, parse
from consortium.errors import BadFile
from consortium.pack.layout import (
    Confidence,
    Layout,
    Role,
    StatusColumn,
    StatusRule,
    fold_header,
)

__all__ = [
    "find_layout",
    "is_known",
    "layout_names",
    "no_contact_column",
    "recognise",
    "status_columns",
]

_CERTAIN = 3  # signature headers
_PLAIN = "plain"


class _LayoutDocument(Document):
    layout: Literal[1]
    name: str
    title: str
    signature: Several[str]
    ignore: Several[str] = ()
    columns: dict[Word[Role], Several[str]]
    status: Several[StatusRule] = ()


@cache
def _documents() -> Mapping[str, _LayoutDocument]:
    found: dict[str, _LayoutDocument] = {}
    for file in sorted(
        resources.files("consortium.pack").joinpath("layouts").iterdir(), key=lambda f: f.name
    ):
        if file.name.endswith(".toml"):
            document = parse(file.read_text("utf-8"), name=file.name, model=_LayoutDocument)
            found[document.name] = document
    return MappingProxyType(found)


@cache
def _known() -> frozenset[str]:
    return frozenset(
        fold_header(header)
        for document in _documents().values()
        for header in (
            *document.signature,
            *(h for headers in document.columns.values() for h in headers),
            *(h for rule in document.status for h in rule.headers),
        )
    )


def layout_names() -> tuple[str, ...]:
    """Short names of all layouts."""
    return tuple(_documents())


def is_known(header: str) -> bool:
    """Whether some layout knows the header."""
    return fold_header(header) in _known()


def recognise(headers: Sequence[str]) -> Layout:
    """The layout whose signature the headers carry most of, completed by what is usual."""
    folded = [fold_header(h) for h in headers]
    best, hits = _PLAIN, 0
    for name, document in _documents().items():
        found = len({fold_header(h) for h in document.signature}.intersection(folded))
        if found > hits and (found >= _CERTAIN or _mostly_of(document, folded)):
            best, hits = name, found
    layout = find_layout(best, headers)
    if hits >= _CERTAIN:
        return layout
    named = {Role.FIRST_NAME, Role.LAST_NAME, Role.FULL_NAME} & set(layout.columns)
    reachable = {Role.EMAIL, Role.PHONE} & set(layout.columns)
    likely = bool(hits) or (bool(named) and bool(reachable))
    return replace(layout, confidence=Confidence.LIKELY if likely else Confidence.GUESSED)


def find_layout(name: str, headers: Sequence[str]) -> Layout:
    """The layout of that name laid over the headers, as certain.

    Raises:
        KeyError: There is no such layout; see `layout_names`.
    """
    document, plain = _documents()[name], _documents()[_PLAIN]
    places: dict[str, list[int]] = {}
    for index, header in enumerate(headers):
        places.setdefault(fold_header(header), []).append(index)
    places.pop("", None)
    taken = {i for h in document.ignore for i in places.get(fold_header(h), ())}
    columns: dict[Role, tuple[int, ...]] = {}
    statuses: list[StatusColumn] = []
    for source in (document,) if document is plain else (document, plain):
        own = {i for c in columns.values() for i in c} | {s.column for s in statuses} | taken
        for role, wanted in source.columns.items():
            indexes = [i for h in wanted for i in places.get(fold_header(h), ()) if i not in own]
            if indexes and role not in columns:
                columns[role] = tuple(dict.fromkeys(indexes))
        read = {i for c in columns.values() for i in c} | own
        for rule in source.status:
            statuses += status_columns(rule, places, taken=read)
    return Layout(
        name=document.name,
        title=document.title,
        confidence=Confidence.CERTAIN,
        headers=tuple(headers),
        columns=MappingProxyType({r: c for r, c in columns.items() if r is not Role.TAGS}),
        statuses=tuple(statuses),
        tags=columns.get(Role.TAGS, ()),
    )


def status_columns(
    rule: StatusRule, places: Mapping[str, Sequence[int]], *, taken: set[int]
) -> list[StatusColumn]:
    """The rule over a file's columns; `places` is folded header → indexes."""
    day = next((i for h in rule.day for i in places.get(fold_header(h), ())), None)
    return [
        StatusColumn(index, rule.channels, rule.meanings(), rule.filled, rule.empty, day)
        for header in rule.headers
        for index in places.get(fold_header(header), ())
        if index not in taken
    ]


def no_contact_column(headers: Sequence[str], *, name: str) -> BadFile:
    """What to say of a file in which no column holds contact points."""
    if any("@" in header for header in headers):
        return BadFile(
            f"{name} has no header line: its first line is already a person",
            hint="Put a line of column names above it, such as: name,email,phone",
        )
    return BadFile(
        f"{name} has no column of e-mail addresses or phone numbers that is known by its name",
        hint="Say which column is which with --map FILE (docs/formats/mapping.md)",
    )


def _mostly_of(document: _LayoutDocument, folded: Sequence[str]) -> bool:
    own = {fold_header(h) for h in document.signature} | {
        fold_header(h) for headers in document.columns.values() for h in headers
    }
    return 2 * sum(f in own for f in folded) >= len(folded)
