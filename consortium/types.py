"""Small types: a token is never taken for a digest, and an address is never printed."""

from __future__ import annotations

from typing import NewType, Self

__all__ = [
    "CampaignName",
    "ContactPointId",
    "EntryIndex",
    "Fingerprint",
    "MessageName",
    "PartnerSlug",
    "PersonId",
    "Pii",
    "SourceRowId",
    "Token",
    "UploadDigest",
    "UploadName",
]

PartnerSlug = NewType("PartnerSlug", str)
"""A partner's short name: `[a-z][a-z0-9-]{1,31}`."""
CampaignName = NewType("CampaignName", str)
"""A campaign's short name: the same grammar as a partner's."""
UploadName = NewType("UploadName", str)
"""What people call an upload: `u-0042`."""
MessageName = NewType("MessageName", str)
"""What people call a message: `m-1182`."""
UploadDigest = NewType("UploadDigest", bytes)
"""32 bytes: SHA-256 of a pack's signed content. Names an upload for ever."""
Token = NewType("Token", bytes)
"""Keyed hash of one normalised value of one kind: 32 bytes (contact points), 16 (composites)."""
Fingerprint = NewType("Fingerprint", str)
"""Eight groups of four hex digits: the start of SHA-256 over a card's public keys."""
SourceRowId = NewType("SourceRowId", int)
ContactPointId = NewType("ContactPointId", int)
PersonId = NewType("PersonId", int)
"""Valid within one merge generation only."""
EntryIndex = NewType("EntryIndex", int)
"""Position of an entry in the ledger, from 0."""

_REDACTED = "‹personal›"


class Pii(str):
    """Personal data that must not reach a log, a traceback or a screen by accident.

    `str()`, `repr()` and every kind of formatting give a placeholder. The value itself is had by
    `reveal()`, so that each use can be found by searching for that word.
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return _REDACTED

    def __str__(self) -> str:
        return _REDACTED

    def __format__(self, format_spec: str) -> str:
        return _REDACTED

    def reveal(self) -> str:
        """The value, as a plain string."""
        return str.__str__(self)

    def __getnewargs__(self) -> tuple[str]:
        return (self.reveal(),)

    def __add__(self, other: str) -> Self:
        return type(self)(str.__add__(self, other))
