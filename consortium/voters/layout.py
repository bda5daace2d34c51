"""Which column of a voter file says what: the layouts of states, vendors and registers.

A layout is a TOML document in `consortium/voters/layouts/` (docs/formats/voter-layout.md): headers
that only this file has, the columns of each role in order of preference, which words of a status
column mean that somebody is on the register no more, and the places of a voter as a tree. Headers
count without case, spaces and punctuation. A file that has no header line is known by the number of
its fields and the shape of some of them.

The layout with the most signature headers wins; half of its signature must be there. What no role
and no place names is not read.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Literal

from pydantic import Field, field_validator, model_validator

from consortium.documents import Document, Several, Word, fault, parse
from consortium.errors import BadFile, UsageError
from consortium.model import PlaceKind

__all__ = [
    "HistoryColumns",
    "Layout",
    "PlaceColumns",
    "Role",
    "id_columns",
    "is_known",
    "layout_names",
    "recognise",
    "recognise_history",
]

Columns = tuple[tuple[int, ...], ...]
"""Alternatives, best first; the cells of one are joined by a blank."""


class Role(StrEnum):
    """What a column may hold that is read."""

    ID = "id"
    FIRST_NAME = "first_name"
    LAST_NAME = "last_name"
    FULL_NAME = "full_name"
    SUFFIX = "suffix"
    BIRTH_DATE = "birth_date"
    BIRTH_YEAR = "birth_year"
    AGE = "age"
    STREET = "street"
    HOUSE_NUMBER = "house_number"
    STATE = "state"
    POSTCODE = "postcode"
    PHONE = "phone"
    EMAIL = "email"
    STATUS = "status"


_Headers = str | Several[str]


class _PlaceRule(Document):
    """One kind of place in a layout."""

    kind: Word[PlaceKind]
    columns: Several[_Headers]
    name: Several[str] = ()
    under: Word[PlaceKind] | None = None
    prefix: str = ""


class _HistoryRule(Document):
    """Where a file, or a history file beside it, keeps who voted when."""

    pattern: str = ""
    list: Several[str] = ()
    id: Several[str] = ()
    election: Several[str] = ()
    how: Several[str] = ()

    @field_validator("pattern")
    @classmethod
    def _compiles(cls, value: str) -> str:
        try:
            re.compile(value)
        except re.error as error:
            raise fault("pattern is no regular expression") from error
        return value


class LayoutDocument(Document):
    """A layout as its document says it (docs/formats/voter-layout.md)."""

    voter_layout: Literal[1] = Field(description="the version of the document format: 1")
    name: str = Field(description="a short name")
    title: str = Field(description="what people call it")
    country: str = Field(description="ISO code of the country")
    state: str = Field(default="", description="the state, if all its rows are of one")
    root: str = Field(default="", description='where its places begin, or "register"')
    dates: Literal["MDY", "DMY"] = Field(default="MDY", description="which number is the month")
    signature: Several[str] = Field(description="headers that only this file has")
    headers: Several[str] = Field(default=(), description="all headers, if it may have none")
    shapes: dict[str, str] = Field(default={}, description="header → what its cells look like")
    columns: dict[Word[Role], Several[_Headers]] = Field(description="role → headers")
    leave_out: dict[str, Several[str]] = Field(default={}, description="header → words")
    places: Several[_PlaceRule] = Field(default=(), description="[[places]], parents first")
    history: _HistoryRule = _HistoryRule()

    @model_validator(mode="after")
    def _whole(self) -> LayoutDocument:
        if Role.ID not in self.columns:
            raise fault("no column holds the voter's id", key="columns")
        seen: set[PlaceKind] = set()
        for rule in self.places:
            if rule.under is not None and rule.under not in seen:
                raise fault("a place stands before the one it is under", key="places")
            seen.add(rule.kind)
        return self


@dataclass(frozen=True, slots=True)
class PlaceColumns:
    """One kind of place in one file.

    Attributes:
        kind: What it is.
        columns: Where its code stands.
        name: Where its name stands.
        under: Kind of its parent, or None.
        prefix: A step above it that the file does not name.
    """

    kind: PlaceKind
    columns: Columns
    name: tuple[int, ...]
    under: PlaceKind | None
    prefix: str


@dataclass(frozen=True, slots=True)
class HistoryColumns:
    """Columns of a history file: one row for a voter and an election."""

    id: int
    election: int
    how: int | None


@dataclass(frozen=True, slots=True)
class Layout:
    """What the columns of one file hold.

    Attributes:
        name, title: The layout's.
        country, state, root, dates: As the document says.
        width: How many fields a row has.
        headless: Whether the first record is a voter and no header.
        columns: Role → its columns.
        leave_out: (column, folded words) that mean: on the register no more.
        places: Parents first.
        elections: (column, election) of files with a column for each election.
        history_list: Columns that list elections, separated by semicolons.
    """

    name: str
    title: str
    country: str
    state: str
    root: str
    dates: Literal["MDY", "DMY"]
    width: int
    headless: bool
    columns: dict[Role, Columns]
    leave_out: tuple[tuple[int, frozenset[str]], ...]
    places: tuple[PlaceColumns, ...]
    elections: tuple[tuple[int, str], ...]
    history_list: tuple[int, ...]


def fold(text: str) -> str:
    """Letters and digits only, in lower case."""
    return "".join(c for c in unicodedata.normalize("NFKC", text[:200]).casefold() if c.isalnum())


@cache
def _documents() -> Mapping[str, LayoutDocument]:
    found: dict[str, LayoutDocument] = {}
    folder = resources.files("consortium.voters").joinpath("layouts")
    for file in sorted(folder.iterdir(), key=lambda f: f.name):
        if file.name.endswith(".toml"):
            document = parse(file.read_text("utf-8"), name=file.name, model=LayoutDocument)
            found[document.name] = document
    return MappingProxyType(found)


def _each(headers: Sequence[str | Sequence[str]]) -> Iterator[str]:
    for header in headers:
        if isinstance(header, str):
            yield header
        else:
            yield from header


@cache
def _known() -> frozenset[str]:
    known: set[str] = set()
    for document in _documents().values():
        known.update(map(fold, (*document.signature, *document.headers)))
        for columns in document.columns.values():
            known.update(map(fold, _each(columns)))
        for rule in document.places:
            known.update(map(fold, (*_each(rule.columns), *rule.name)))
    return frozenset(known)


def layout_names() -> tuple[str, ...]:
    """Short names of all layouts."""
    return tuple(_documents())


def is_known(header: str) -> bool:
    """Whether some layout knows the header; what a reader finds the delimiter by."""
    return fold(header) in _known()


def recognise(headers: Sequence[str], *, name: str, layout: str | None = None) -> Layout:
    """The layout of a file, by its header line or, without one, by its first record.

    Args:
        headers: The first record.
        name: What messages call the file.
        layout: The layout it is said to have; None: found out.

    Raises:
        UsageError: There is no layout of that name.
        BadFile: The file is none of the layouts, or lacks the column with the voter's id.
    """
    documents = _documents()
    if layout is not None and layout not in documents:
        raise UsageError(
            "there is no voter file layout of that name", hint=f"Layouts: {', '.join(documents)}"
        )
    folded = {fold(h) for h in headers}
    asked = [documents[layout]] if layout is not None else list(documents.values())
    best = max(asked, key=lambda d: sum(fold(h) in folded for h in d.signature))
    hits = sum(fold(h) in folded for h in best.signature)
    if hits and 2 * hits >= len(best.signature):
        return _laid_over(best, headers, headless=False, name=name)
    for document in asked:
        if _looks_like(document, headers):
            return _laid_over(document, document.headers, headless=True, name=name)
    if layout is not None:
        raise BadFile(
            f"{name} does not have the columns of the layout {layout}",
            hint="Leave --layout out to have it found, or check that this is the right file",
        )
    raise BadFile(
        f"{name} has the columns of no voter file that is known here",
        hint="Name the columns as one of the layouts does (docs/formats/voter-layout.md)",
    )


def _looks_like(document: LayoutDocument, cells: Sequence[str]) -> bool:
    if not document.headers or len(cells) != len(document.headers):
        return False
    return all(
        re.fullmatch(shape, cells[document.headers.index(header)].strip())
        for header, shape in document.shapes.items()
    )


def _laid_over(
    document: LayoutDocument, headers: Sequence[str], *, headless: bool, name: str
) -> Layout:
    index: dict[str, int] = {}
    for position, header in enumerate(headers):
        index.setdefault(fold(header), position)

    def columns(wanted: Sequence[str | Sequence[str]]) -> Columns:
        found = []
        for one in wanted:
            group = [one] if isinstance(one, str) else one
            there = tuple(index[fold(h)] for h in group if fold(h) in index)
            if there and (fold(group[0]) in index):
                found.append(there)
        return tuple(found)

    roles = {role: columns(wanted) for role, wanted in document.columns.items()}
    roles = {role: found for role, found in roles.items() if found}
    if Role.ID not in roles:
        raise BadFile(
            f"{name} looks like a {document.title} and has no column with the voter's id",
            hint=f"It is called {next(_each(document.columns[Role.ID]))}; export it as well",
        )
    if not roles.keys() & {Role.LAST_NAME, Role.FULL_NAME}:
        raise BadFile(
            f"{name} looks like a {document.title} and has no column with names",
            hint="Export the whole file, or name the columns as the layout does",
        )
    pattern = re.compile(document.history.pattern, re.IGNORECASE)
    return Layout(
        name=document.name,
        title=document.title,
        country=document.country,
        state=document.state,
        root=document.root,
        dates=document.dates,
        width=len(headers),
        headless=headless,
        columns=roles,
        leave_out=tuple(
            (index[fold(header)], frozenset(map(fold, words)))
            for header, words in document.leave_out.items()
            if fold(header) in index
        ),
        places=tuple(
            PlaceColumns(
                kind=rule.kind,
                columns=found,
                name=tuple(index[fold(h)] for h in rule.name if fold(h) in index),
                under=rule.under,
                prefix=rule.prefix,
            )
            for rule in document.places
            if (found := columns(rule.columns))
        ),
        elections=tuple(
            (i, header.strip()[:64])
            for i, header in enumerate(headers)
            if document.history.pattern and pattern.fullmatch(header.strip())
        ),
        history_list=tuple(
            index[fold(header)] for header in document.history.list if fold(header) in index
        ),
    )


def id_columns(headers: Sequence[str], *, layout: str) -> tuple[Columns, bool]:
    """Where a list of ids keeps them, and whether its first record is an id already.

    Args:
        headers: The first record of a list of who has voted.
        layout: Of the voter file whose ids they are.

    Returns:
        Alternatives as in `Layout.columns`; and whether there is no header line. Empty: no column
        is called as in the voter file, and there is more than one.
    """
    index = {fold(header): i for i, header in reversed(list(enumerate(headers)))}
    found = []
    for one in _documents()[layout].columns[Role.ID]:
        group = [one] if isinstance(one, str) else one
        there = tuple(index[fold(h)] for h in group if fold(h) in index)
        if there and fold(group[0]) in index:
            found.append(there)
    if found:
        return tuple(found), False
    return (((0,),), any(map(str.isdigit, headers[0]))) if len(headers) == 1 else ((), False)


def recognise_history(headers: Sequence[str], *, layout: str, name: str) -> HistoryColumns:
    """The columns of a history file that belongs to a voter file of a layout.

    Raises:
        BadFile: The layout knows no history file, or this is none.
    """
    rule = _documents()[layout].history
    index = {fold(header): i for i, header in enumerate(headers)}

    def first(wanted: Sequence[str]) -> int | None:
        return next((index[fold(h)] for h in wanted if fold(h) in index), None)

    voter, election = first(rule.id), first(rule.election)
    if voter is None or election is None:
        raise BadFile(
            f"{name} is no history file of the layout {layout}",
            hint="It has a row for each voter and election, with the voter's id",
        )
    return HistoryColumns(voter, election, first(rule.how))
