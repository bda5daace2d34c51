"""From the card and the keys to what rooms are handed: profile, tokeniser, signers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from consortium.ledger import note
from consortium.model import ConsortiumCard
from consortium.tokens import HmacTokeniser, Profile, Tokeniser
from consortium.vault import signed

if TYPE_CHECKING:
    from consortium.app.context import Context

__all__ = ["EPOCH", "coordinator_signer", "ledger_signer", "profile_of", "tokeniser"]

EPOCH = 1
"""The token key epoch in use."""


def profile_of(card: ConsortiumCard) -> Profile:
    """The normalisation profile that a consortium's card states."""
    return Profile(dot_insensitive_domains=frozenset(card.dot_insensitive_domains))


def tokeniser(context: Context) -> Tokeniser:
    """The tokeniser of the epoch in use."""
    return HmacTokeniser(
        context.keys.open(f"token-{EPOCH}"), epoch=EPOCH, profile=profile_of(context.card)
    )


def coordinator_signer(context: Context) -> note.Signer:
    """Signs campaigns and requests for approval."""
    return signed.coordinator_signer(
        context.card.origin, coordinator_key=context.keys.open("coordinator")
    )


def ledger_signer(context: Context) -> note.Signer:
    """Signs checkpoints."""
    return signed.ledger_signer(context.card.origin, ledger_key=context.keys.open("ledger"))
