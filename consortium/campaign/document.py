"""The campaign document: what a coordinator writes and every partner is asked to approve.

A TOML document says what the campaign is for, whom it is meant for, what is said, when and how
fast. Its digest is SHA-256 of its bytes, so that partners approve exactly what they read. Times
are local to the window's zone; a time that the change of clocks skips is refused, one that it
repeats means its first occurrence. Format: docs/formats/campaign.md.

What this version does not do (texting, named senders, holdouts) is refused by name and never passed
over.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Annotated, ClassVar, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, Field, field_validator, model_validator

from consortium import documents
from consortium.campaign.audience import Audience, place
from consortium.campaign.message import MessageForm
from consortium.campaign.message import parse as parse_message
from consortium.campaign.rate import Rate
from consortium.campaign.rate import rate as parse_rate
from consortium.documents import Document, Several, Word, fault, nearest, shown
from consortium.errors import DocumentError
from consortium.model import Channel, ContentClass, Purpose
from consortium.policy.zones import zone

__all__ = ["CampaignDocument", "digest", "parse"]

_NOT_YET = "is not in this version"


class _Window(Document):
    start: datetime = Field(description="when the first message may go, e.g. 2026-11-03T09:00:00")
    end: datetime = Field(description="when the last planned message goes")
    zone: str = Field(description='IANA name of the zone, e.g. "America/Los_Angeles"')

    @field_validator("start", "end")
    @classmethod
    def _local(cls, value: datetime) -> datetime:
        return _local(value)

    @field_validator("zone")
    @classmethod
    def _known(cls, value: str) -> str:
        _zone(value)
        return value

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        zone = _zone(self.zone)
        if _instant(self.end, zone, "end") <= _instant(self.start, zone, "start"):
            raise fault("the window ends before it starts", key="end")
        return self


class _AudiencePlace(Document):
    noun: ClassVar[str] = "audience rule"
    later: ClassVar[frozenset[str]] = frozenset(
        {"age", "engagement", "list", "of", "party", "turnout", "within_km"}
    )
    place: str = Field(description='where the person lives, e.g. "state:OR" or "postcode:972*"')

    @field_validator("place")
    @classmethod
    def _understood(cls, value: str) -> str:
        return _place(value)


def _place(value: str) -> str:
    try:
        place(value)
    except DocumentError as error:
        raise fault(error.message, hint=error.hint) from None
    return value


class _Excluded(_AudiencePlace):
    place: str = Field(default="", description='where the person lives, e.g. "postcode:972*"')
    returned_ballot: bool = Field(
        default=False, description="whoever is on a list of who has voted"
    )

    @field_validator("place")
    @classmethod
    def _understood(cls, value: str) -> str:
        return _place(value) if value else value

    @model_validator(mode="after")
    def _one(self) -> Self:
        if bool(self.place) == self.returned_ballot:
            raise fault("an exclusion names a place, or says returned_ballot = true")
        return self


def _in_a_table(value: object) -> object:
    return {"place": value} if isinstance(value, str) else value


_Places = Several[Annotated[_AudiencePlace, BeforeValidator(_in_a_table)]]
_Exclusions = Several[Annotated[_Excluded, BeforeValidator(_in_a_table)]]


class _Audience(Document):
    later: ClassVar[frozenset[str]] = frozenset({"holdout"})
    include: _Places = Field(description='whom it is meant for, e.g. [{ place = "state:OR" }]')
    exclude: _Exclusions = ()

    @field_validator("include")
    @classmethod
    def _somebody(cls, value: tuple[_AudiencePlace, ...]) -> tuple[_AudiencePlace, ...]:
        if not value:
            raise fault("the audience includes nobody", hint='Write e.g. [{ place = "state:OR" }].')
        return value


class _Message(Document):
    language: Annotated[str, Field(pattern=r"^[a-z]{2,3}$")] = Field(
        description='two letters, e.g. "en"'
    )
    subject: str = Field(description="one line")
    text: Annotated[str, Field(max_length=20_000)] = Field(description="the message itself")

    @model_validator(mode="after")
    def _parses(self) -> Self:
        try:
            self.form()
        except DocumentError as error:
            key = "text" if error.message.startswith("text") else "subject"
            raise fault(error.message, hint=error.hint, key=key) from None
        return self

    def form(self) -> MessageForm:
        """The message, ready to be filled."""
        return parse_message(self.language, subject=self.subject, text=self.text)


class CampaignDocument(Document):
    """A campaign as its document says it.

    `starts_at`, `ends_at` and `deadline` give its times as instants, `forms` its messages, `rule`
    its audience and `speed` its rate; the fields are the document's own keys.
    """

    later: ClassVar[frozenset[str]] = frozenset({"holdout", "sender", "senders", "wave", "waves"})

    campaign: Literal[1] = Field(description="the version of the document format: 1")
    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{1,31}$")] = Field(
        description="2 to 32 lower-case letters, digits and hyphens, a letter first"
    )
    purpose: Word[Purpose] = Field(description='what it is for, e.g. "gotv"')
    content: Word[ContentClass] = Field(description='what it says, e.g. "nonpartisan"')
    channel: Word[Channel] = Field(description='"email"')
    window: _Window = Field(description="{ start = …, end = …, zone = … }")
    not_after: datetime = Field(description="nothing goes out after this time")
    rate: str = Field(description='how fast, e.g. "5/second" or "100/minute"')
    audience: _Audience = Field(description="whom it is meant for")
    message: Several[_Message] = Field(description="[[message]] with language, subject and text")

    @field_validator("channel")
    @classmethod
    def _offered(cls, value: Channel) -> Channel:
        if value is not Channel.EMAIL:
            raise fault(f"channel {shown(value.value)} {_NOT_YET}", hint='Not yet: use "email".')
        return value

    @field_validator("not_after")
    @classmethod
    def _local(cls, value: datetime) -> datetime:
        return _local(value)

    @field_validator("rate")
    @classmethod
    def _readable(cls, value: str) -> str:
        try:
            parse_rate(value)
        except DocumentError as error:
            raise fault(error.message, hint=error.hint) from None
        return value

    @field_validator("message")
    @classmethod
    def _one_per_language(cls, value: tuple[_Message, ...]) -> tuple[_Message, ...]:
        if not value:
            raise fault("there is no [[message]]")
        languages = [message.language for message in value]
        if twice := next((x for x in languages if languages.count(x) > 1), None):
            raise fault(f"two messages in the language {shown(twice)}")
        return value

    @model_validator(mode="after")
    def _ends_in_time(self) -> Self:
        if _instant(self.not_after, _zone(self.window.zone), "not_after") < self.ends_at:
            raise fault(
                "not_after is before the window ends",
                hint="Nothing goes out after not_after, so the window must end by then.",
                key="not_after",
            )
        return self

    @property
    def starts_at(self) -> datetime:
        """When the first message may go, UTC."""
        return _instant(self.window.start, _zone(self.window.zone), "start")

    @property
    def ends_at(self) -> datetime:
        """When the last message is planned, UTC."""
        return _instant(self.window.end, _zone(self.window.zone), "end")

    @property
    def deadline(self) -> datetime:
        """`not_after`, UTC."""
        return _instant(self.not_after, _zone(self.window.zone), "not_after")

    @property
    def speed(self) -> Rate:
        """How fast messages are handed over."""
        return parse_rate(self.rate)

    @property
    def rule(self) -> Audience:
        """Whom it is meant for."""
        return Audience(
            include=tuple(place(item.place) for item in self.audience.include),
            exclude=tuple(place(item.place) for item in self.audience.exclude if item.place),
        )

    @property
    def spares_voted(self) -> bool:
        """Whether nothing goes to those who have voted: it asks to vote, or it says so."""
        said = any(item.returned_ballot for item in self.audience.exclude)
        return said or self.purpose is Purpose.GOTV

    @property
    def forms(self) -> tuple[MessageForm, ...]:
        """Its messages, in the document's order."""
        return tuple(message.form() for message in self.message)


def parse(text: str, *, name: str = "campaign") -> CampaignDocument:
    """Read a campaign document.

    Args:
        text: TOML.
        name: What errors call the document: its file's name.

    Raises:
        DocumentError: It is malformed or says something it may not; with line.
    """
    return documents.parse(text, name=name, model=CampaignDocument)


def digest(text: str) -> bytes:
    """What partners approve: SHA-256 of the document's bytes in UTF-8."""
    return hashlib.sha256(text.encode()).digest()


def _local(value: datetime) -> datetime:
    if value.tzinfo is not None:
        raise fault(
            "a time with an offset", hint="Write it without: it is local to the window's zone."
        )
    if value.microsecond:
        raise fault("a time with parts of a second")
    return value


def _zone(name: str) -> ZoneInfo:
    # "EST" and other names without a slash know no summer time
    if (name == "UTC" or "/" in name) and (found := zone(name)) is not None:
        return found
    common = ("America/New_York", "America/Chicago", "America/Denver", "America/Los_Angeles")
    near = nearest(name, (*common, "America/Toronto", "Europe/London", "Europe/Berlin"))
    raise fault(
        f"unknown time zone {shown(name)}",
        hint=near or 'Use an IANA name like "America/Los_Angeles".',
    )


def _instant(value: datetime, zone: ZoneInfo, key: str) -> datetime:
    try:
        instant = value.replace(tzinfo=zone).astimezone(UTC)
    except OverflowError as error:
        raise fault(f"{key}: a time at the edge of the calendar", key=key) from error
    if instant.astimezone(zone).replace(tzinfo=None) != value:
        raise fault(f"{key}: this time does not exist in {zone.key} (the clocks change)", key=key)
    return instant
