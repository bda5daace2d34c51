"""Public cards: what a partner and a consortium tell each other before anything else.

A card holds public keys and how to be named, nothing secret. Its fingerprint is compared by
telephone, because whoever can swap a card can read or speak in its owner's name.
Format: docs/formats/cards.md.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from consortium.types import Fingerprint, PartnerSlug

__all__ = ["ConsortiumCard", "PartnerCard"]


def _fingerprint(*parts: bytes) -> Fingerprint:
    digest = hashlib.sha256(b"".join(len(p).to_bytes(4, "big") + p for p in parts)).hexdigest()
    return Fingerprint(" ".join(digest[i : i + 4] for i in range(0, 32, 4)))


@dataclass(frozen=True, slots=True)
class PartnerCard:
    """Who a partner is.

    Attributes:
        slug: Short name.
        name: Name as recipients know it.
        postal_address: One line, printed under every message.
        from_address: Address its messages come from; Message-ID and List-Unsubscribe use its
            domain.
        sign_key: Ed25519 public key, 32 raw bytes (RFC 8032).
        receive_key: X25519 public key, 32 raw bytes (RFC 7748); data keys are wrapped to it.
        firewall_group: Partners of different groups never share evidence.
    """

    slug: PartnerSlug
    name: str
    postal_address: str
    from_address: str
    sign_key: bytes
    receive_key: bytes
    firewall_group: str = "all"

    @property
    def fingerprint(self) -> Fingerprint:
        """Over slug and both keys."""
        return _fingerprint(b"partner", self.slug.encode(), self.sign_key, self.receive_key)


@dataclass(frozen=True, slots=True)
class ConsortiumCard:
    """Who a consortium is, for its partners and auditors.

    Attributes:
        name: Name as people know it.
        origin: Identity of its ledger and of everything sealed for it, `host/path` like a URL
            without scheme (C2SP tlog-checkpoint).
        intake_recipient: age X25519 recipient (`age1…`) that packs are encrypted to.
        vault_key: X25519 public key, 32 raw bytes; approvals wrap data keys to it.
        ledger_key: Ed25519 public key, 32 raw bytes; signs checkpoints.
        coordinator_key: Ed25519 public key, 32 raw bytes; signs requests for approval.
        dot_insensitive_domains: E-mail domains where dots in the local part do not count; part of
            the normalisation profile.
    """

    name: str
    origin: str
    intake_recipient: str
    vault_key: bytes
    ledger_key: bytes
    coordinator_key: bytes
    dot_insensitive_domains: tuple[str, ...] = ()

    @property
    def fingerprint(self) -> Fingerprint:
        """Over origin and all public keys."""
        return _fingerprint(
            b"consortium",
            self.origin.encode(),
            self.intake_recipient.encode(),
            self.vault_key,
            self.ledger_key,
            self.coordinator_key,
        )
