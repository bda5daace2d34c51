"""Which column says what: the layouts of known systems, and recognising one by its headers.

A layout is a TOML document in `consortium/pack/layouts/`: headers that only this system writes
(its signature), the headers of each role in order of preference, and status columns with what
their words mean for consent. Headers count without case, spaces, underscores and punctuation.
Three signature headers make a layout certain; fewer make it likely when most headers are its own;
else columns are proposed by what people usually call them. What no rule names is not read and not
sent. The layout `plain` completes every other one: a refusal is a refusal in any export.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Literal

from pydantic import Field

from consortium.documents import Document, Several, Word, parse
from consortium.errors import BadFile
from consortium.model import Channel, ConsentBasis, Relationship

__all__ = [
    "NO",
    "YES",
    "Confidence",
    "Layout",
    "Meaning",
    "RelationshipColumn",
    "Role",
    "StatusColumn",
    "StatusRule",
    "find_layout",
    "fold_header",
    "is_known",
    "layout_names",
    "no_contact_column",
    "recognise",
    "status_columns",
]

_CERTAIN = 3  # signature headers
_PLAIN = "plain"

YES = frozenset({"yes", "y", "true", "t", "1", "x", "on", "ja", "si", "oui"})
NO = frozenset({"no", "n", "false", "f", "0", "off", "nein", "non"})


class Role(StrEnum):
    """What a column may hold that is read."""

    RECORD_ID = "record_id"
    EMAIL = "email"
    PHONE = "phone"
    FIRST_NAME = "first_name"
    LAST_NAME = "last_name"
    FULL_NAME = "full_name"
    SUFFIX = "suffix"
    BIRTH_DATE = "birth_date"
    STREET = "street"
    FULL_ADDRESS = "full_address"
    STATE = "state"
    POSTCODE = "postcode"
    COUNTRY = "country"
    LANGUAGE = "language"


class Meaning(StrEnum):
    """What a word in a status column says of one channel: a basis, a refusal, or nothing."""

    EXPRESS_WRITTEN = "express_written"
    EXPRESS = "express"
    MEMBERSHIP = "membership"
    IMPLIED = "implied"
    SOFT_OPT_IN = "soft_opt_in"
    LEGITIMATE_INTEREST = "legitimate_interest"
    NONE = "none"
    UNSAID = "unsaid"
    UNSUBSCRIBED = "unsubscribed"
    BOUNCED = "bounced"
    SPAM_REPORT = "spam_report"
    DO_NOT_CONTACT = "do_not_contact"

    @property
    def refuses(self) -> bool:
        """Whether it makes the row an opt-out."""
        return self in _REFUSALS

    @property
    def basis(self) -> ConsentBasis | None:
        """The consent basis it grants; None if it grants none."""
        return None if self in _REFUSALS or self in _SILENT else ConsentBasis(self.value)


_REFUSALS = frozenset(
    {Meaning.UNSUBSCRIBED, Meaning.BOUNCED, Meaning.SPAM_REPORT, Meaning.DO_NOT_CONTACT}
)
_SILENT = frozenset({Meaning.NONE, Meaning.UNSAID})


class Confidence(StrEnum):
    """How sure the layout is; `stated`: the partner's own mapping says so."""

    STATED = "stated"
    CERTAIN = "certain"
    LIKELY = "likely"
    GUESSED = "guessed"


class StatusRule(Document):
    """One kind of status column, in a layout or mapping document.

    Attributes:
        headers: Columns it applies to.
        channel: Which channel they speak of.
        values: What a word means; before `yes`, `no` and `filled`.
        yes, no: What any word for yes or no means.
        filled: What any other word means: `none` unless said.
        empty: What an empty cell means.
        day: Columns with the day of consent.
    """

    headers: Several[str]
    channel: Literal["email", "sms", "both"]
    values: dict[str, Word[Meaning]] = Field(default={})
    yes: Word[Meaning] | None = None
    no: Word[Meaning] | None = None
    filled: Word[Meaning] = Meaning.NONE
    empty: Word[Meaning] = Meaning.UNSAID
    day: Several[str] = ()

    def meanings(self) -> Mapping[str, Meaning]:
        """Folded word → meaning."""
        words: dict[str, Meaning] = {}
        if self.yes is not None:
            words |= dict.fromkeys(YES, self.yes)
        if self.no is not None:
            words |= dict.fromkeys(NO, self.no)
        words |= {fold_header(word): meaning for word, meaning in self.values.items()}
        return MappingProxyType(words)

    @property
    def channels(self) -> tuple[Channel, ...]:
        """The channels it speaks of."""
        return tuple(Channel) if self.channel == "both" else (Channel(self.channel),)


class _LayoutDocument(Document):
    layout: Literal[1]
    name: str
    title: str
    signature: Several[str]
    ignore: Several[str] = ()
    columns: dict[Word[Role], Several[str]]
    status: Several[StatusRule] = ()


@dataclass(frozen=True, slots=True)
class StatusColumn:
    """A status column of one file.

    Attributes:
        column: Its index.
        channels: The channels it speaks of.
        words: Folded word → meaning.
        filled, empty: Meaning of any other word, and of an empty cell.
        day: Index of the column with the day of consent, or None.
    """

    column: int
    channels: tuple[Channel, ...]
    words: Mapping[str, Meaning]
    filled: Meaning = Meaning.NONE
    empty: Meaning = Meaning.UNSAID
    day: int | None = None

    @property
    def grants(self) -> bool:
        """Whether some word in it is consent; then no default stands beside it."""
        return any(m.basis is not None for m in (*self.words.values(), self.filled, self.empty))


@dataclass(frozen=True, slots=True)
class RelationshipColumn:
    """A column that says what each person is to the owner: its index, folded word → meaning."""

    column: int
    words: Mapping[str, Relationship]


@dataclass(frozen=True, slots=True)
class Layout:
    """What the columns of one file hold.

    Attributes:
        name, title: The layout's short name, and what people call it.
        confidence: How sure that is.
        headers: The file's headers as written.
        columns: Role → indexes of its columns, best first.
        statuses: The status columns.
        relationship: The column with the relationship, if a mapping names one.
    """

    name: str
    title: str
    confidence: Confidence
    headers: tuple[str, ...] = field(repr=False)
    columns: Mapping[Role, tuple[int, ...]]
    statuses: tuple[StatusColumn, ...] = ()
    relationship: RelationshipColumn | None = None

    @property
    def sent(self) -> tuple[str, ...]:
        """Headers of columns whose values, normalised, go into the pack."""
        used = {i for indexes in self.columns.values() for i in indexes}
        return tuple(h for i, h in enumerate(self.headers) if i in used)

    @property
    def read(self) -> tuple[str, ...]:
        """Headers of columns that are read for consent or relationship and not sent themselves."""
        used = {s.column for s in self.statuses} | {s.day for s in self.statuses}
        if self.relationship is not None:
            used.add(self.relationship.column)
        return tuple(h for i, h in enumerate(self.headers) if i in used and h not in self.sent)

    @property
    def not_sent(self) -> tuple[str, ...]:
        """Headers of columns that nothing reads; columns without a header are not named."""
        used = {*self.sent, *self.read}
        return tuple(h for h in self.headers if h.strip() and h not in used)


def fold_header(text: str) -> str:
    """Letters and digits only, in lower case: `E-mail 1 - Value` gives `email1value`."""
    return "".join(c for c in unicodedata.normalize("NFKC", text[:200]).casefold() if c.isalnum())


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
        columns=MappingProxyType(columns),
        statuses=tuple(statuses),
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
