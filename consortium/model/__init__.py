"""Frozen values that every room shares; they decide nothing."""

from consortium.model.cards import ConsortiumCard, PartnerCard
from consortium.model.kinds import (
    AnswerKind,
    CampaignState,
    Channel,
    ConsentBasis,
    ContentClass,
    MessageState,
    PlaceKind,
    Purpose,
    Relationship,
    Scope,
    UploadState,
)
from consortium.model.progress import Observer, Silent
from consortium.model.rows import (
    MAX_TAG_CHARACTERS,
    MAX_TAGS,
    OLDEST_CONSENT,
    Consent,
    PackOptOut,
    PackRow,
    Places,
)

__all__ = [
    "MAX_TAGS",
    "MAX_TAG_CHARACTERS",
    "OLDEST_CONSENT",
    "AnswerKind",
    "CampaignState",
    "Channel",
    "Consent",
    "ConsentBasis",
    "ConsortiumCard",
    "ContentClass",
    "MessageState",
    "Observer",
    "PackOptOut",
    "PackRow",
    "PartnerCard",
    "PlaceKind",
    "Places",
    "Purpose",
    "Relationship",
    "Scope",
    "Silent",
    "UploadState",
]
