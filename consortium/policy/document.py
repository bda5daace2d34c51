"""The send policy: a partner's document on what may be done with the people on its lists.

TOML, read by `read`; the format's page is docs/formats/policy.md. Under `[when_we_speak]` stand the
grants, asked only of this partner when a message would go in its name; every list there is needed,
and an empty one grants nothing. Under `[whoever_speaks]` stand the guards, which protect this
partner's people from every sender. Guards lie within `CHARTER`, so that nobody can silence others
by uploading strangers with a cap of zero or a night that never ends.

What this version does not enforce it does not accept.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, time, timedelta
from typing import Annotated, ClassVar, Final, Literal, Self

from pydantic import AfterValidator, Field, ValidationInfo, field_validator, model_validator

from consortium.documents import Document, Several, Word, fault, nearest, parse, shown
from consortium.model import Channel, ConsentBasis, ContentClass, Purpose, Relationship
from consortium.policy.hours import QuietWindow
from consortium.policy.places import Place, read_place
from consortium.policy.terms import ConsentTerms, DateTerms, FrequencyTerms, Terms, VolumeTerms
from consortium.policy.zones import zone
from consortium.types import PartnerSlug

__all__ = [
    "CHARTER",
    "Consent",
    "Frequency",
    "Identity",
    "QuietHours",
    "Ranges",
    "SendPolicy",
    "Volume",
    "WhenWeSpeak",
    "WhoeverSpeaks",
    "digest",
    "read",
]


@dataclass(frozen=True, slots=True)
class Ranges:
    """What a charter lets guards be.

    Attributes:
        frequency_max: Least number of messages a frequency cap may leave.
        frequency_days: Longest period of a frequency cap.
        quiet: Longest quiet hours.
        open_from, open_to: Local times that quiet hours may not touch, so that the quiet hours of
            several partners together still leave these.
    """

    frequency_max: int = 1
    frequency_days: int = 30
    quiet: timedelta = timedelta(hours=14)
    open_from: time = time(12)
    open_to: time = time(18)


CHARTER: Final = Ranges()
"""The charter's defaults."""

_GUIDE: Final = "All rules: consortium policy rules"
_SLUG = re.compile(r"[a-z][a-z0-9-]{1,31}")
_GROUNDS: Final = tuple(basis for basis in ConsentBasis if basis is not ConsentBasis.NONE)
_MOST: Final = 1_000_000_000


def _check_slug(value: str) -> str:
    if not _SLUG.fullmatch(value):
        raise fault(
            f"{shown(value)} is no partner's short name",
            hint="2 to 32 of: a–z, 0–9 and hyphen, beginning with a letter",
        )
    return value


def _check_place(value: str) -> str:
    if read_place(value) is None:
        raise fault(
            f"{shown(value)} is no place that is known here",
            hint='Like "state:OR", "postcode:97214", "postcode:972*", "country:US", "anywhere"',
        )
    return value


def _check_printed(value: str) -> str:
    if not value.isprintable() or "{" in value or "}" in value:
        raise fault("may hold neither { } nor line ends: it is printed as it stands")
    return value


_Printed = Annotated[str, AfterValidator(_check_printed)]
_PlaceText = Annotated[str, AfterValidator(_check_place)]


class Volume(Document):
    """A ceiling on this partner's own messages."""

    max: int = Field(ge=1, le=_MOST, description="the most messages, e.g. 20_000")
    per: Literal["day", "campaign"] = Field(description='"day" or "campaign"')


class Consent(Document):
    """Which recorded grounds count, per channel, and how old they may be."""

    email: Several[Word[ConsentBasis]] = ()
    sms: Several[Word[ConsentBasis]] = ()
    max_age_days: int | None = Field(default=None, ge=1, le=36_500)

    @field_validator("email", "sms")
    @classmethod
    def _grounds(cls, value: tuple[ConsentBasis, ...]) -> tuple[ConsentBasis, ...]:
        if ConsentBasis.NONE in value:
            raise fault(
                '"none" is no ground to write to anybody', hint=f"Allowed: {', '.join(_GROUNDS)}"
            )
        return value

    def bases(self) -> dict[Channel, frozenset[ConsentBasis]]:
        """Accepted grounds of every channel, named or not."""
        return {Channel.EMAIL: frozenset(self.email), Channel.SMS: frozenset(self.sms)}


class Frequency(Document):
    """A cap on messages to one person, from anybody."""

    max: int = Field(
        ge=CHARTER.frequency_max, le=1000, description="the most messages in the period"
    )
    per_days: int = Field(
        ge=1, le=CHARTER.frequency_days, description="length of the period, in days of 24 hours"
    )
    channel: Word[Channel] | None = None


class QuietHours(Document):
    """Local times of the recipient in which nothing goes."""

    from_: time = Field(alias="from", description="when quiet begins, e.g. 20:00:00")
    to: time = Field(description="when quiet ends, e.g. 09:00:00")

    @model_validator(mode="after")
    def _within_charter(self) -> Self:
        if self.from_ == self.to:
            raise fault("quiet hours need two different times", key="to")
        if self.window.length > CHARTER.quiet:
            raise fault(
                f"quiet hours are longer than {CHARTER.quiet // timedelta(hours=1)} hours",
                hint="The charter allows no more, or one partner could silence the others",
                key="from",
            )
        if (
            self.window.covers(CHARTER.open_from)
            or CHARTER.open_from <= self.from_ < CHARTER.open_to
        ):
            raise fault(
                f"quiet hours reach between {CHARTER.open_from:%H:%M} and {CHARTER.open_to:%H:%M}",
                hint="The charter keeps these open, or partners together could silence everybody",
                key="from",
            )
        return self

    @property
    def window(self) -> QuietWindow:
        """As a value for the clock."""
        return QuietWindow(self.from_, self.to)


class WhenWeSpeak(Document):
    """Grants: asked only of the partner in whose name a message would go."""

    noun: ClassVar[str] = "rule"
    guide: ClassVar[str] = _GUIDE
    later: ClassVar[frozenset[str]] = frozenset({"programmes", "senders"})

    channels: Several[Word[Channel]] = Field(description=f"any of {', '.join(Channel)}")
    purposes: Several[Word[Purpose]] = Field(description=f"any of {', '.join(Purpose)}")
    content: Several[Word[ContentClass]] = Field(description=f"any of {', '.join(ContentClass)}")
    relationships: Several[Word[Relationship]] = Field(
        description=f"any of {', '.join(Relationship)}"
    )
    places: Several[_PlaceText] = Field(description='like ["state:OR"], or ["anywhere"]')
    consent: Consent = Field(description='a table like { email = ["express", "membership"] }')
    approval: Literal["each-campaign", "standing"] = "each-campaign"
    volume: Several[Volume] = ()


class WhoeverSpeaks(Document):
    """Guards: they protect this partner's people, whoever speaks; the strictest partner wins."""

    noun: ClassVar[str] = "rule"
    guide: ClassVar[str] = _GUIDE
    later: ClassVar[frozenset[str]] = frozenset({"blackout", "rest_after_reply_days"})

    frequency: Several[Frequency] = ()
    quiet_hours: QuietHours | None = None


class Identity(Document):
    """How this partner's messages name it."""

    from_name: Annotated[_Printed, Field(min_length=1, max_length=80)] | None = None
    disclaimer: Annotated[_Printed, Field(max_length=300)] = ""


class SendPolicy(Document):
    """A whole policy document."""

    policy: int = Field(description="version of the document format, 1")
    partner: Annotated[str, AfterValidator(_check_slug)] = Field(
        description='short name, e.g. "nurses"'
    )
    effective: date = Field(description="first day, e.g. 2026-09-01")
    expires: date = Field(description="last day; nothing goes out after it")
    zone: str = "UTC"
    presets: Several[str] = ()
    when_we_speak: WhenWeSpeak = Field(description="table of what we allow in our name")
    whoever_speaks: WhoeverSpeaks = WhoeverSpeaks()
    identity: Identity = Identity()

    @field_validator("policy")
    @classmethod
    def _known_version(cls, value: int) -> int:
        if value != 1:
            raise fault(
                "this version of the policy format is not known here",
                hint="This program reads policy = 1",
            )
        return value

    @field_validator("zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        if zone(value) is None:
            raise fault(
                f"{shown(value)} is no time zone", hint='Zones look like "America/Los_Angeles"'
            )
        return value

    @field_validator("presets")
    @classmethod
    def _known_presets(cls, value: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        known = sorted((info.context or {}).get("presets", value))
        for name in value:
            if name not in known:
                raise fault(
                    f"unknown preset {shown(name)}",
                    hint=f"{nearest(name, known)} Known here: {', '.join(known)}".strip(),
                )
        return value

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.expires < self.effective:
            raise fault("the policy expires before it is effective", key="expires")
        return self

    @property
    def slug(self) -> PartnerSlug:
        """The partner's short name."""
        return PartnerSlug(self.partner)

    def terms(self) -> Terms:
        """What this document itself asks, presets not included."""
        ours, whoever = self.when_we_speak, self.whoever_speaks
        return Terms(
            partner=self.slug,
            channel=frozenset(ours.channels),
            purpose=frozenset(ours.purposes),
            content=frozenset(ours.content),
            relationship=frozenset(ours.relationships),
            place=tuple(_place(text) for text in ours.places),
            consent=ConsentTerms(ours.consent.bases(), ours.consent.max_age_days, self.zone),
            dates=DateTerms(self.effective, self.expires, self.zone),
            approval=True,
            volume=_volume(ours.volume) if ours.volume else None,
            frequency=tuple(frequency_terms(cap) for cap in whoever.frequency) or None,
            quiet_hours=whoever.quiet_hours.window if whoever.quiet_hours else None,
        )


def frequency_terms(cap: Frequency) -> FrequencyTerms:
    """The cap as a rule kind reads it."""
    return FrequencyTerms(cap.max, cap.per_days, cap.channel)


def read(text: str, *, name: str, presets: Collection[str]) -> SendPolicy:
    """A send policy from its TOML text.

    Args:
        text: The document.
        name: What errors call it, e.g. `nurses.toml`.
        presets: Names of the presets that there are.

    Raises:
        DocumentError: It is not a policy, with the line.
    """
    return parse(text, name=name, model=SendPolicy, context={"presets": frozenset(presets)})


def digest(document: bytes) -> bytes:
    """SHA-256 of a document's bytes as signed: the version of a policy, for ledger and audits."""
    return hashlib.sha256(document).digest()


def _place(text: str) -> Place:
    place = read_place(text)
    assert place is not None, "checked when the document was read"
    return place


def _volume(ceilings: tuple[Volume, ...]) -> VolumeTerms:
    def least(per: str) -> int | None:
        return min((ceiling.max for ceiling in ceilings if ceiling.per == per), default=None)

    return VolumeTerms(per_day=least("day"), per_campaign=least("campaign"))
