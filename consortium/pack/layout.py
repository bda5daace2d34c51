"""What the columns of a list may hold, and what its words about consent mean.

A column is read for a role (an e-mail address, a postcode), for what its words say of consent or
of the relationship, or as tags that the owner chose to share; what no rule names is not read and
not sent. Headers and words count without case, spaces, underscores and punctuation. Which column is
which is found by `consortium.pack.recognition`, or said by a mapping.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Literal, Self

from pydantic import Field, model_validator

from consortium.documents import Document, Several, Word, fault
from consortium.model import Channel, ConsentBasis, Relationship

__all__ = [
    "CONTACT",
    "NO",
    "YES",
    "Confidence",
    "KeptTags",
    "Layout",
    "Meaning",
    "Recognition",
    "RelationshipColumn",
    "Role",
    "StatusColumn",
    "StatusRule",
    "fold_header",
]

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
    TAGS = "tags"


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
        headers: Columns it applies to; in a layout, `{}` in one stands for the header of any column
            of contact points, to which the status then belongs.
        channel: Which channel they speak of.
        of: Columns of contact points that they belong to, one for each of `headers`; none: they
            speak of the whole channel.
        values: What a word means; before `yes`, `no` and `filled`.
        yes, no: What any word for yes or no means.
        filled: What any other word means: `none` unless said.
        empty: What an empty cell means.
        day: Columns with the day of consent.
    """

    headers: Several[str]
    channel: Literal["email", "sms", "both"]
    of: Several[str] = ()
    values: dict[str, Word[Meaning]] = Field(default={})
    yes: Word[Meaning] | None = None
    no: Word[Meaning] | None = None
    filled: Word[Meaning] = Meaning.NONE
    empty: Word[Meaning] = Meaning.UNSAID
    day: Several[str] = ()

    @model_validator(mode="after")
    def _one_owner_each(self) -> Self:
        if self.of and len(self.of) != len(self.headers):
            raise fault("`of` names one column for each of `headers`", key="of")
        if self.channel == "both" and (self.of or any("{}" in h for h in self.headers)):
            raise fault("what belongs to one address or number is of one channel", key="channel")
        return self

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


@dataclass(frozen=True, slots=True)
class StatusColumn:
    """A status column of one file.

    Attributes:
        column: Its index.
        channels: The channels it speaks of.
        words: Folded word → meaning.
        filled, empty: Meaning of any other word, and of an empty cell.
        day: Index of the column with the day of consent, or None.
        of: Index of the column of contact points that it belongs to; None: all of its channel.
    """

    column: int
    channels: tuple[Channel, ...]
    words: Mapping[str, Meaning]
    filled: Meaning = Meaning.NONE
    empty: Meaning = Meaning.UNSAID
    day: int | None = None
    of: int | None = None

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
class KeptTags:
    """A column of which the owner chose to share tags.

    Attributes:
        column: Its index.
        label: Stands before each of its words (`will vote?: yes`); empty in a column of tags.
        words: Folded tags that are shared; None: all of them.
    """

    column: int
    label: str = ""
    words: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Recognition:
    """What a layout was recognised by.

    Attributes:
        found: How many headers that only this system writes are in the file.
        other, other_found: Title of the next likely layout and how many of its own; empty if none
            is near.
    """

    found: int = 0
    other: str = ""
    other_found: int = 0


CONTACT = MappingProxyType({Channel.EMAIL: Role.EMAIL, Channel.SMS: Role.PHONE})
"""The role of a channel's contact points."""


@dataclass(frozen=True, slots=True)
class Layout:
    """What the columns of one file hold.

    Attributes:
        name, title: The layout's short name, and what people call it.
        confidence: How sure that is.
        headers: The file's headers as written.
        columns: Role → indexes of its columns, best first; `tags` only if they are shared.
        statuses: The status columns; one that belongs to a column which is not read for contact
            points of its channel speaks of the whole channel.
        relationship: The column with the relationship, if there is one.
        tags: Indexes of the columns that hold tags, shared or not.
        kept: What is shared of them, and of other columns as tags.
        recognition: What it was recognised by.
        region: Country whose phone numbers and order of dates such a list has, if it has one.
    """

    name: str
    title: str
    confidence: Confidence
    headers: tuple[str, ...] = field(repr=False)
    columns: Mapping[Role, tuple[int, ...]]
    statuses: tuple[StatusColumn, ...] = ()
    relationship: RelationshipColumn | None = None
    tags: tuple[int, ...] = ()
    kept: tuple[KeptTags, ...] = ()
    recognition: Recognition = Recognition()
    region: str | None = None

    def owner(self, status: StatusColumn) -> int | None:
        """The column of contact points that a status column belongs to, if it is read for them."""
        roles = {CONTACT[channel] for channel in status.channels}
        read = {i for role in roles for i in self.columns.get(role, ())}
        return status.of if status.of in read else None

    def only(self, channels: Collection[Channel]) -> Layout:
        """The same without the columns of contact points for other channels."""
        roles = {CONTACT[channel] for channel in Channel if channel not in channels}
        return replace(self, columns={r: c for r, c in self.columns.items() if r not in roles})

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
    def unread(self) -> tuple[int, ...]:
        """Indexes of columns with a header that nothing reads; tags that are not shared too."""
        used = {i for indexes in self.columns.values() for i in indexes}
        for status in self.statuses:
            used |= {status.column} if status.day is None else {status.column, status.day}
        if self.relationship is not None:
            used.add(self.relationship.column)
        named = (i for i, header in enumerate(self.headers) if header.strip())
        return tuple(i for i in named if i not in used)

    @property
    def not_sent(self) -> tuple[str, ...]:
        """Headers of columns that nothing reads; columns without a header are not named."""
        used = {*self.sent, *self.read}
        return tuple(h for h in self.headers if h.strip() and h not in used)


def fold_header(text: str) -> str:
    """Letters and digits only, in lower case: `E-mail 1 - Value` gives `email1value`."""
    return "".join(c for c in unicodedata.normalize("NFKC", text[:200]).casefold() if c.isalnum())
