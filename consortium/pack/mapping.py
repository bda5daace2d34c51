"""The mapping document: a partner's own word on which column says what, and on consent.

Whatever it names overrules the recognised layout; what it leaves out stays as recognised. It may
also state what the export does not say: relationship, consent basis per channel with its day, the
region of local phone numbers, the order of day and month. Nothing of that is ever assumed: without
a statement or a column the relationship is `public` and the basis `none`.

Format: docs/formats/mapping.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from types import MappingProxyType
from typing import Annotated, ClassVar, Literal

from pydantic import Field, StringConstraints, ValidationInfo, field_validator

from consortium.documents import Document, Several, Word, fault, nearest, shown
from consortium.errors import UsageError
from consortium.model import Channel, Consent, ConsentBasis, Relationship
from consortium.pack import tags
from consortium.pack.layout import (
    CONTACT,
    Confidence,
    Layout,
    RelationshipColumn,
    Role,
    StatusColumn,
    StatusRule,
    fold_header,
)
from consortium.pack.recognition import find_layout, layout_names, recognise, status_columns
from consortium.tokens import dates

__all__ = ["MappingDocument", "Stated", "lay_over", "parse_attest"]

_Header = Annotated[str, StringConstraints(min_length=1, max_length=200)]
_ATTEST = "Write it like: email=express, sms=express@2025-03-01, relationship=member"

_CONTACTS = {"email": "e-mail addresses", "sms": "phone numbers"}
_WHO = frozenset(
    {
        Role.RECORD_ID,
        Role.EMAIL,
        Role.PHONE,
        Role.FIRST_NAME,
        Role.LAST_NAME,
        Role.FULL_NAME,
        Role.BIRTH_DATE,
        Role.STREET,
        Role.FULL_ADDRESS,
    }
)


@dataclass(frozen=True, slots=True)
class Stated:
    """What a partner states of a whole list, where the export itself says nothing.

    Attributes:
        email, sms: Consent of rows for which no column speaks; None: not stated.
        relationship: What the people are to the partner; None: not stated.
        keep: Columns whose tags are shared: `COLUMN` or `COLUMN=TAG,TAG`.
        refused: Channels on which everybody in the list has opted out. Then nothing else of the
            list is used: no row of it is a source row, and other channels' columns are not read.
    """

    email: Consent | None = None
    sms: Consent | None = None
    relationship: Relationship | None = None
    keep: tuple[str, ...] = ()
    refused: frozenset[Channel] = frozenset()

    def over(self, other: Stated) -> Stated:
        """These statements, and `other`'s where there are none."""
        return Stated(
            self.email or other.email,
            self.sms or other.sms,
            self.relationship or other.relationship,
            self.keep or other.keep,
            self.refused or other.refused,
        )


class _Columns(Document):
    """`[columns]`: the headers of each role, best first."""

    noun: ClassVar[str] = "role"

    record_id: Several[_Header] = ()
    email: Several[_Header] = ()
    phone: Several[_Header] = ()
    first_name: Several[_Header] = ()
    last_name: Several[_Header] = ()
    full_name: Several[_Header] = ()
    suffix: Several[_Header] = ()
    birth_date: Several[_Header] = ()
    street: Several[_Header] = ()
    full_address: Several[_Header] = ()
    state: Several[_Header] = ()
    postcode: Several[_Header] = ()
    country: Several[_Header] = ()
    language: Several[_Header] = ()
    tags: Several[_Header] = ()

    def by_role(self) -> dict[Role, tuple[str, ...]]:
        """Roles that are named, with their headers."""
        named = {role: tuple(getattr(self, role.value)) for role in Role}
        return {role: headers for role, headers in named.items() if headers}


class _Consent(Document):
    """`[consent.email]` or `[consent.sms]`: what holds where no column speaks."""

    default: Word[ConsentBasis]
    on: date | None = None


class _Consents(Document):
    email: _Consent | None = None
    sms: _Consent | None = None


class _Relationship(Document):
    default: Word[Relationship] | None = None
    column: _Header | None = None
    values: dict[str, Word[Relationship]] = Field(default={})


class MappingDocument(Document):
    """A mapping as read from TOML.

    Attributes:
        mapping: Version of the format.
        layout: Layout to start from instead of the recognised one.
        region: Country of phone numbers without a country code, e.g. `GB`.
        date_order: Order in dates that do not tell it themselves.
        columns: Role → headers, best first.
        ignore: Headers that are not to be read whatever they are called.
        keep: Columns whose tags are shared: `COLUMN` or `COLUMN=TAG,TAG`.
        relationship, consent: What holds of the rows.
        status: Columns that say per row whether it may be contacted.
    """

    noun: ClassVar[str] = "key"
    guide: ClassVar[str] = "All of them: docs/formats/mapping.md"

    mapping: Literal[1]
    layout: str = ""
    region: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")] | None = None
    date_order: Literal["day-first", "month-first"] | None = None
    columns: _Columns = _Columns()
    ignore: Several[_Header] = ()
    keep: Several[_Header] = ()
    relationship: _Relationship = _Relationship()
    consent: _Consents = _Consents()
    status: Several[StatusRule] = ()

    @field_validator("layout")
    @classmethod
    def _known_layout(cls, value: str, info: ValidationInfo) -> str:
        del info
        if value and value not in layout_names():
            raise fault(
                f"unknown layout {shown(value)}",
                hint=nearest(value, layout_names()) or f"Known: {', '.join(layout_names())}",
            )
        return value

    @property
    def headers(self) -> tuple[str, ...]:
        """Headers that it names, as written."""
        named = [*(h for headers in self.columns.by_role().values() for h in headers), *self.ignore]
        named += [h for rule in self.status for h in (*rule.headers, *rule.of)]
        if self.relationship.column is not None:
            named.append(self.relationship.column)
        return tuple(h.strip() for h in named)

    @property
    def stated(self) -> Stated:
        """The defaults in it."""
        email, sms = self.consent.email, self.consent.sms
        return Stated(
            email=Consent(email.default, email.on) if email else None,
            sms=Consent(sms.default, sms.on) if sms else None,
            relationship=self.relationship.default,
            keep=tuple(self.keep),
        )

    @property
    def order(self) -> dates.Order | None:
        """Date order as the normaliser calls it."""
        if self.date_order is None:
            return None
        return "DMY" if self.date_order == "day-first" else "MDY"


def lay_over(
    headers: Sequence[str],
    *,
    mapping: MappingDocument | None,
    name: str,
    keep: Sequence[str] = (),
) -> Layout:
    """The layout of a file: recognised by its headers, then as the mapping says.

    Args:
        headers: The file's headers.
        mapping: The partner's own word; None: only what is recognised.
        name: The mapping as it is called in messages.
        keep: Columns whose tags are shared: `COLUMN` or `COLUMN=TAG,TAG`.

    Raises:
        UsageError: The mapping, or `keep`, names a column that the file does not have.
    """
    layout = recognise(headers) if mapping is None else _mapped(headers, mapping, name)
    who = {i for role in _WHO for i in layout.columns.get(role, ())}
    kept = tags.keep(keep, headers, tags=layout.tags, sealed=who)
    if not kept:
        return layout
    shared = {Role.TAGS: tuple(each.column for each in kept)}
    return replace(layout, columns=MappingProxyType({**layout.columns, **shared}), kept=kept)


def _mapped(headers: Sequence[str], mapping: MappingDocument, name: str) -> Layout:
    layout = find_layout(mapping.layout, headers) if mapping.layout else recognise(headers)
    places: dict[str, list[int]] = {}
    for index, header in enumerate(headers):
        places.setdefault(fold_header(header), []).append(index)
    own = {
        role: tuple(i for h in wanted for i in _find(h, places, headers, name))
        for role, wanted in mapping.columns.by_role().items()
    }
    ruled = [
        (rule, {i for h in rule.headers for i in _find(h, places, headers, name)})
        for rule in mapping.status
    ]
    relationship = _relationship(mapping.relationship, layout, places, headers, name)
    taken = {i for indexes in own.values() for i in indexes}
    ignored = {i for h in mapping.ignore for i in _find(h, places, headers, name)}
    taken |= ignored
    stated = {i for _, indexes in ruled for i in indexes}
    said = stated if relationship is None else stated | {relationship.column}
    columns = {
        role: kept
        for role, indexes in layout.columns.items()
        if role not in own and (kept := tuple(i for i in indexes if i not in taken | said))
    }
    statuses: list[StatusColumn] = []
    for rule, _ in ruled:
        statuses += status_columns(rule, places, taken=set())
    # What a layout reads as a value and as a status too stays a status, and so does a column with
    # the relationship: a no in it is a no.
    both = {i for indexes in layout.columns.values() for i in indexes}
    left_out = (taken - both) | ignored | stated
    statuses += [s for s in layout.statuses if s.column not in left_out]
    named = own.pop(Role.TAGS, None)
    columns |= own
    for rule in mapping.status:
        for header in rule.of:
            if not {*_find(header, places, headers, name)} <= _contacts(rule, columns):
                raise UsageError(
                    f"{name} says that a status belongs to the column {shown(header)}, which is "
                    f"not read for {_CONTACTS[rule.channel]}",
                    hint=f"Name the column in [columns] as {CONTACT[rule.channels[0]]} too",
                )
    return replace(
        layout,
        confidence=Confidence.STATED if own or mapping.layout else layout.confidence,
        columns=MappingProxyType(columns),
        statuses=tuple(statuses),
        relationship=relationship or layout.relationship,
        tags=tuple(i for i in layout.tags if i not in taken) if named is None else named,
    )


def _contacts(rule: StatusRule, columns: Mapping[Role, Sequence[int]]) -> set[int]:
    return {i for channel in rule.channels for i in columns.get(CONTACT[channel], ())}


def parse_attest(words: Iterable[str]) -> Stated:
    """Statements as given on a command line: `email=express@2025-03-01`, `relationship=member`.

    Raises:
        UsageError: A word is not of that form.
    """
    stated = Stated()
    for word in words:
        for part in word.split(","):
            stated = _attested(part.strip()).over(stated)
    return stated


def _attested(part: str) -> Stated:
    what, _, value = part.partition("=")
    basis, _, day = value.partition("@")
    try:
        on = date.fromisoformat(day) if day else None
    except ValueError as error:
        raise UsageError(
            f"cannot attest {shown(part)}: after the @ stands a day like 2026-01-31", hint=_ATTEST
        ) from error
    try:
        if what == "relationship":
            return Stated(relationship=Relationship(value))
        consent, channel = Consent(ConsentBasis(basis), on), Channel(what)
    except ValueError as error:
        known = ", ".join(Relationship if what == "relationship" else ConsentBasis)
        raise UsageError(f"cannot attest {shown(part)}; known: {known}", hint=_ATTEST) from error
    return Stated(email=consent) if channel is Channel.EMAIL else Stated(sms=consent)


def _relationship(
    rule: _Relationship,
    layout: Layout,
    places: Mapping[str, list[int]],
    headers: Sequence[str],
    name: str,
) -> RelationshipColumn | None:
    """The column that a mapping names; of the layout's own it goes on knowing the words."""
    if rule.column is None:
        return None
    column, theirs = _find(rule.column, places, headers, name)[0], layout.relationship
    words = {fold_header(word): meaning for word, meaning in rule.values.items()}
    if theirs is not None and theirs.column == column:
        words = {**theirs.words, **words}
    return RelationshipColumn(column, MappingProxyType(words))


def _find(
    header: str, places: Mapping[str, list[int]], headers: Sequence[str], name: str
) -> list[int]:
    exact = [i for i, h in enumerate(headers) if h == header]
    found = exact or places.get(fold_header(header))
    if not found:
        raise UsageError(
            f"{name} names a column {shown(header)} that the list does not have",
            hint=nearest(header, [h for h in headers if h.strip() and "@" not in h])
            or "Compare it with the list's header line",
        )
    return found
