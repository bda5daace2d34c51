"""What a decision is made from: everything comes in as a value, nothing is looked up.

`Ask` is the message somebody wants to send, `RowFacts` the source row in whose owner's name it
would go, `PersonFacts` what is known of the person whoever sends. All three are hashable, so that
a million persons are decided once per distinct set of facts.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from consortium.model import Channel, ConsentBasis, ContentClass, Places, Purpose, Relationship
from consortium.types import PartnerSlug

__all__ = ["Ask", "PersonFacts", "PriorMessage", "RowFacts", "SuppressionFact"]


@dataclass(frozen=True, slots=True)
class Ask:
    """One message of one campaign at one instant.

    Attributes:
        campaign: The campaign's name.
        channel, purpose, content: What it is.
        at: The instant it would be handed over.
        deadline: It may not go out after this instant; a Defer beyond it is a refusal.
        window_start, window_end: When the campaign runs.
    """

    campaign: str
    channel: Channel
    purpose: Purpose
    content: ContentClass
    at: datetime
    deadline: datetime
    window_start: datetime
    window_end: datetime


@dataclass(frozen=True, slots=True)
class RowFacts:
    """A source row, as grants see it.

    Attributes:
        owner: The partner in whose name the message would go.
        relationship: What the person is to the owner.
        places: Where the row says the person lives.
        basis, consent_on: The owner's claim for the asked channel, and its day if recorded.
        approved: Whether the owner has approved this campaign (or its approval is standing).
    """

    owner: PartnerSlug
    relationship: Relationship
    places: Places
    basis: ConsentBasis
    consent_on: date | None
    approved: bool


@dataclass(frozen=True, slots=True)
class SuppressionFact:
    """A ban that a contact point of the person stands under, on some channel.

    `partner` is the author of a partner-scope ban, None for one of consortium scope.
    """

    channel: Channel
    partner: PartnerSlug | None


@dataclass(frozen=True, slots=True, order=True)
class PriorMessage:
    """A message that was, or may have been, handed over to the person before."""

    at: datetime
    channel: Channel


@dataclass(frozen=True, slots=True)
class PersonFacts:
    """A person, as guards see it.

    Attributes:
        zones: IANA zones of every piece of evidence, sorted; empty: unknown.
        country: ISO country or empty; chooses the conservative window when no zone is known.
        suppressions: Bans on the contact point to be used.
        prior: Messages of the firewall group's partners to any contact point of the person, sorted.
        guarded_by: Partners with live consent for the person on any channel, sorted: each one's
            guards are asked.
    """

    zones: tuple[str, ...]
    country: str
    suppressions: tuple[SuppressionFact, ...]
    prior: tuple[PriorMessage, ...]
    guarded_by: tuple[PartnerSlug, ...]
