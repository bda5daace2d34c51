"""What one document asks, in the form that rule kinds read.

A send policy gives one `Terms`, each rule of a preset another. A field that is None (or empty) was
not said, and the rule kind of that name builds nothing from it. Several Terms of one partner hold
together, so the stricter always wins and nothing can loosen.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from consortium.model import Channel, ConsentBasis, ContentClass, Purpose, Relationship
from consortium.policy.facts import Ask
from consortium.policy.hours import QuietWindow
from consortium.policy.places import Place
from consortium.types import PartnerSlug

__all__ = ["ConsentTerms", "DateTerms", "FrequencyTerms", "Only", "Terms", "VolumeTerms"]


@dataclass(frozen=True, slots=True)
class ConsentTerms:
    """Accepted grounds per channel; a channel that is not named is not restricted here."""

    bases: Mapping[Channel, frozenset[ConsentBasis]]
    max_age_days: int | None
    zone: str


@dataclass(frozen=True, slots=True)
class DateTerms:
    """First and last day, both included, as counted in `zone`."""

    effective: date
    expires: date
    zone: str


@dataclass(frozen=True, slots=True)
class FrequencyTerms:
    """At most `max` messages in any `per_days` times 24 hours, on `channel` or on all."""

    max: int
    per_days: int
    channel: Channel | None


@dataclass(frozen=True, slots=True)
class VolumeTerms:
    """The owner's own ceilings: messages per calendar day and per campaign; None: no limit."""

    per_day: int | None
    per_campaign: int | None


@dataclass(frozen=True, slots=True)
class Only:
    """Which messages these terms speak of; None: of all."""

    channels: frozenset[Channel] | None = None
    purposes: frozenset[Purpose] | None = None

    @property
    def everything(self) -> bool:
        """Whether nothing is left out."""
        return self.channels is None and self.purposes is None

    def meets(self, ask: Ask) -> bool:
        """Whether `ask` is one of them."""
        return (self.channels is None or ask.channel in self.channels) and (
            self.purposes is None or ask.purpose in self.purposes
        )


_EVERYTHING: Final = Only()


@dataclass(frozen=True, slots=True)
class Terms:
    """Everything a document may say; field names are the rule kinds' names."""

    partner: PartnerSlug
    channel: frozenset[Channel] | None = None
    purpose: frozenset[Purpose] | None = None
    content: frozenset[ContentClass] | None = None
    relationship: frozenset[Relationship] | None = None
    place: tuple[Place, ...] | None = None
    consent: ConsentTerms | None = None
    dates: DateTerms | None = None
    approval: bool | None = None
    volume: VolumeTerms | None = None
    frequency: tuple[FrequencyTerms, ...] | None = None
    quiet_hours: QuietWindow | None = None
    only: Only = _EVERYTHING

    def said(self) -> frozenset[str]:
        """Names of the rule kinds that these terms need."""
        kinds = (
            "channel",
            "purpose",
            "content",
            "relationship",
            "place",
            "consent",
            "dates",
            "approval",
            "volume",
            "frequency",
            "quiet_hours",
        )
        return frozenset(kind for kind in kinds if getattr(self, kind) is not None)
