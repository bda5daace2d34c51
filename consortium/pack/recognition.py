"""Recognising a list by its headers: the layouts of known systems.

A layout is a TOML document in `consortium/pack/layouts/`: headers that only this system writes (its
marks), the headers of each role in order of preference, columns with tags and relationship, status
columns with what their words mean for consent. Three marks make a layout certain; two, or one that
is nothing usual, make it likely when half of the headers are its own; else columns are proposed by
what people usually call them. Of several layouts the one with most marks is taken, then the one
that knows more of the headers. The layout `plain` completes every other one: a refusal is a refusal
in any export.

Format: docs/formats/layouts.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources
from itertools import zip_longest
from types import MappingProxyType
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from consortium.documents import Document, Several, Word, parse
from consortium.errors import BadFile
from consortium.model import Relationship
from consortium.pack.layout import (
    CONTACT,
    Confidence,
    Layout,
    Recognition,
    RelationshipColumn,
    Role,
    StatusColumn,
    StatusRule,
    fold_header,
)

__all__ = [
    "LayoutDocument",
    "find_layout",
    "is_known",
    "layout_documents",
    "layout_names",
    "no_contact_column",
    "recognise",
    "status_columns",
]

_CERTAIN = 3  # marks
_LIKELY = 2
_NEAR = 1  # marks fewer, at which another layout is named beside the chosen one
_PLAIN = "plain"
_ANY = "{}"  # in a header of a rule: the header of a column of contact points


class _Relationship(Document):
    headers: Several[str]
    values: dict[str, Word[Relationship]]


class LayoutDocument(Document):
    """A layout as read from TOML.

    Attributes:
        layout: Version of the format.
        name, title: Short name, and what people call it.
        region: Country whose local phone numbers and order of dates such a list has.
        marks: Headers that only this system writes, spelled in any way.
        spelled: The same, but only in exactly this spelling.
        required: Headers, in exactly this spelling, without which it is not recognised.
        ignore: Headers that are not read even if another layout would.
        columns: Role → headers, best first.
        relationship: Columns that say what people are to the owner, and their words.
        status: Columns that say whether a row may be contacted.
    """

    layout: Literal[1]
    name: str
    title: str
    region: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")] | None = None
    marks: Several[str] = ()
    spelled: Several[str] = ()
    required: Several[str] = ()
    ignore: Several[str] = ()
    columns: dict[Word[Role], Several[str]]
    relationship: _Relationship | None = None
    status: Several[StatusRule] = Field(default=())

    def headers(self) -> Iterator[str]:
        """Every header that it knows."""
        yield from (*self.marks, *self.spelled, *self.ignore)
        for headers in self.columns.values():
            yield from headers
        for rule in self.status:
            yield from (*(h for h in rule.headers if _ANY not in h), *rule.of, *rule.day)
        if self.relationship is not None:
            yield from self.relationship.headers

    def marks_in(self, headers: Sequence[str], folded: frozenset[str]) -> int:
        """How many different marks of it are among the headers."""
        found = {fold_header(h) for h in self.marks} & folded
        return len(found | {fold_header(h) for h in self.spelled if h in headers})


@dataclass(frozen=True, slots=True)
class _Hit:
    """How well one layout fits."""

    document: LayoutDocument
    marks: int
    known: int


@cache
def layout_documents() -> Mapping[str, LayoutDocument]:
    """Short name → layout."""
    files = resources.files("consortium.pack").joinpath("layouts").iterdir()
    documents = [
        parse(file.read_text("utf-8"), name=file.name, model=LayoutDocument)
        for file in files
        if file.name.endswith(".toml")
    ]
    return MappingProxyType({d.name: d for d in sorted(documents, key=lambda d: d.name)})


@cache
def _known_to(name: str) -> frozenset[str]:
    return frozenset(fold_header(header) for header in layout_documents()[name].headers())


@cache
def _known() -> frozenset[str]:
    return frozenset().union(*map(_known_to, layout_documents()))


def layout_names() -> tuple[str, ...]:
    """Short names of all layouts."""
    return tuple(layout_documents())


def is_known(header: str) -> bool:
    """Whether some layout knows the header."""
    return fold_header(header) in _known()


def recognise(headers: Sequence[str]) -> Layout:
    """The layout whose marks the headers carry most of, completed by what is usual."""
    spelled = [h.strip("\ufeff \t") for h in headers]
    folded = frozenset(map(fold_header, headers)) - {""}
    hits = sorted(
        (
            _Hit(d, d.marks_in(spelled, folded), len(_known_to(name) & folded))
            for name, d in layout_documents().items()
            if name != _PLAIN and set(d.required) <= set(spelled)
        ),
        key=lambda hit: (-hit.marks, -hit.known, hit.document.name),
    )
    best, second = hits[0], hits[1]
    enough = best.marks >= _CERTAIN or (
        2 * best.known >= len(folded)
        and (best.marks >= _LIKELY or _has_its_own(best.document, spelled, folded))
    )
    if not enough:
        return _plain(headers)
    near = second.marks and second.marks + _NEAR >= best.marks
    recognition = Recognition(
        best.marks,
        second.document.title if near else "",
        second.marks if near else 0,
    )
    certain = best.marks >= _CERTAIN and second.marks < best.marks
    return replace(
        find_layout(best.document.name, headers),
        confidence=Confidence.CERTAIN if certain else Confidence.LIKELY,
        recognition=recognition,
        region=best.document.region if certain else None,  # it changes what numbers mean
    )


def _has_its_own(document: LayoutDocument, headers: Sequence[str], folded: frozenset[str]) -> bool:
    """Whether a mark is among the headers that is no other layout's, and nothing usual."""
    others = _known_to(_PLAIN).union(
        fold_header(header)
        for other in layout_documents().values()
        if other is not document
        for header in (*other.marks, *other.spelled)
    )
    found = {fold_header(h) for h in document.marks} & folded
    return bool(found - others) or any(
        h in headers and fold_header(h) not in others for h in document.spelled
    )


def _plain(headers: Sequence[str]) -> Layout:
    layout = find_layout(_PLAIN, headers)
    named = {Role.FIRST_NAME, Role.LAST_NAME, Role.FULL_NAME} & set(layout.columns)
    reachable = {Role.EMAIL, Role.PHONE} & set(layout.columns)
    likely = bool(named) and bool(reachable)
    return replace(layout, confidence=Confidence.LIKELY if likely else Confidence.GUESSED)


def find_layout(name: str, headers: Sequence[str]) -> Layout:
    """The layout of that name laid over the headers, as certain.

    Raises:
        KeyError: There is no such layout; see `layout_names`.
    """
    document, plain = layout_documents()[name], layout_documents()[_PLAIN]
    places: dict[str, list[int]] = {}
    for index, header in enumerate(headers):
        places.setdefault(fold_header(header), []).append(index)
    places.pop("", None)
    ignored = {i for h in document.ignore for i in places.get(fold_header(h), ())}
    columns: dict[Role, tuple[int, ...]] = {}
    statuses: list[StatusColumn] = []
    relationship: RelationshipColumn | None = None
    for source in (document,) if document is plain else (document, plain):
        own = {i for c in columns.values() for i in c} | {s.column for s in statuses} | ignored
        for role, wanted in source.columns.items():
            indexes = [i for h in wanted for i in places.get(fold_header(h), ()) if i not in own]
            if indexes and role not in columns:
                columns[role] = tuple(dict.fromkeys(indexes))
        # a layout may read a column of its own twice, as value and as status; plain never does
        taken = own if source is document else own | {i for c in columns.values() for i in c}
        for rule in source.status:
            statuses += status_columns(rule, places, taken=taken)
        taken = taken | {s.column for s in statuses} | {i for c in columns.values() for i in c}
        for rule in source.status:
            statuses += _named_after(rule, headers, places, columns, taken=taken)
        relationship = relationship or _relationship(source, places, ignored)
    tags = columns.pop(Role.TAGS, ())
    return Layout(
        name=document.name,
        title=document.title,
        confidence=Confidence.CERTAIN,
        headers=tuple(headers),
        columns=MappingProxyType(columns),
        statuses=tuple(statuses),
        relationship=relationship,
        tags=tags,
        region=document.region,
    )


def status_columns(
    rule: StatusRule, places: Mapping[str, Sequence[int]], *, taken: set[int]
) -> list[StatusColumn]:
    """The rule over a file's columns; `places` is folded header → indexes."""
    found: list[StatusColumn] = []
    for header, of in zip_longest(rule.headers, rule.of, fillvalue=""):
        indexes = [] if _ANY in header else places.get(fold_header(header), ())
        owners = places.get(fold_header(of), ()) if of else ()
        # Of columns of one name the first belongs to the first, if there are as many of both.
        paired = owners if len(owners) == len(indexes) else [None] * len(indexes)
        found += [
            _status_column(rule, index, places, of=owner)
            for index, owner in zip(indexes, paired, strict=True)
            if index not in taken
        ]
    return found


def _named_after(
    rule: StatusRule,
    headers: Sequence[str],
    places: Mapping[str, Sequence[int]],
    columns: Mapping[Role, Sequence[int]],
    *,
    taken: set[int],
) -> list[StatusColumn]:
    """Status columns with the name of a column of contact points in their own."""
    return [
        _status_column(rule, index, places, of=owner)
        for pattern in rule.headers
        if _ANY in pattern
        for channel in rule.channels
        for owner in columns.get(CONTACT[channel], ())
        for index in places.get(fold_header(pattern.replace(_ANY, headers[owner])), ())
        if index not in taken
    ]


def _status_column(
    rule: StatusRule, index: int, places: Mapping[str, Sequence[int]], *, of: int | None
) -> StatusColumn:
    day = next((i for h in rule.day for i in places.get(fold_header(h), ())), None)
    return StatusColumn(index, rule.channels, rule.meanings(), rule.filled, rule.empty, day, of)


def _relationship(
    document: LayoutDocument, places: Mapping[str, Sequence[int]], ignored: set[int]
) -> RelationshipColumn | None:
    rule = document.relationship
    for header in rule.headers if rule else ():
        for index in places.get(fold_header(header), ()):
            if rule is not None and index not in ignored:
                words = {fold_header(word): meaning for word, meaning in rule.values.items()}
                return RelationshipColumn(index, MappingProxyType(words))
    return None


def no_contact_column(headers: Sequence[str], *, name: str) -> BadFile:
    """What to say of a file in which no column holds contact points."""
    if any("@" in header for header in headers):
        return BadFile(
            f"{name} has no header line: its first line is already a person",
            hint="Put a line of column names above it, such as: name,email,phone",
        )
    layout = recognise(headers)
    if layout.name != _PLAIN:
        return BadFile(
            f"{name} is a {layout.title} without e-mail addresses or phone numbers",
            hint="Export it with a column of e-mail addresses or mobile numbers",
        )
    return BadFile(
        f"{name} has no column of e-mail addresses or phone numbers that is known by its name",
        hint="Say which with --map FILE; to start one: upload check LIST --write-map FILE",
    )
