"""Public cards as files: what a partner and a consortium hand each other, and print for the phone.

A card is a signed note whose text is `key: value` lines in a fixed order, signed by the very key
that it shows: that finds damage and proves possession, and says nothing about whose card it is;
the fingerprint, compared by phone, does. Reading is strict: one spelling, nothing more or less.

Format: docs/formats/cards.md.
"""

from __future__ import annotations

import base64
import binascii
from typing import TypeVar

from pydantic import ValidationError

from consortium.config import HostSettings, PartnerSettings
from consortium.errors import BadFile, EvidenceError, UsageError
from consortium.ledger import note
from consortium.model import ConsortiumCard, PartnerCard
from consortium.types import PartnerSlug
from consortium.vault import age
from consortium.vault.keys import KeyProvider, public_half
from consortium.vault.signed import (
    ledger_signer,
    ledger_verifier,
    partner_signer,
    partner_verifier,
)

__all__ = [
    "consortium_card",
    "decode_consortium",
    "decode_partner",
    "encode_consortium",
    "encode_partner",
    "partner_card",
]

_CONSORTIUM = "# consortium card v1"
_PARTNER = "# consortium partner card v1"
_DOMAIN = "dot-insensitive-domain"
_MAX_CHARACTERS = 16 * 1024
_SIGNATURE_LINES = 2  # the blank one and the signature

_Card = TypeVar("_Card", ConsortiumCard, PartnerCard)


def consortium_card(
    keys: KeyProvider, *, name: str, origin: str, dot_insensitive_domains: tuple[str, ...] = ()
) -> ConsortiumCard:
    """The card of the consortium that holds these keys. Raises KeyFailure."""
    return ConsortiumCard(
        name=name,
        origin=origin,
        intake_recipient=public_half("intake", keys.open("intake")).decode(),
        vault_key=public_half("vault", keys.open("vault")),
        ledger_key=public_half("ledger", keys.open("ledger")),
        coordinator_key=public_half("coordinator", keys.open("coordinator")),
        dot_insensitive_domains=dot_insensitive_domains,
    )


def partner_card(
    keys: KeyProvider,
    *,
    slug: PartnerSlug,
    name: str,
    postal_address: str,
    from_address: str,
    firewall_group: str = "all",
) -> PartnerCard:
    """The card of the partner that holds these keys. Raises KeyFailure."""
    return PartnerCard(
        slug=slug,
        name=name,
        postal_address=postal_address,
        from_address=from_address,
        sign_key=public_half("sign", keys.open("sign")),
        receive_key=public_half("receive", keys.open("receive")),
        firewall_group=firewall_group,
    )


def encode_partner(card: PartnerCard, *, sign_key: bytes) -> str:
    """The card's file; `sign_key` is the partner's private key, 32 raw bytes.

    Raises:
        UsageError: A value breaks the format's rules; says which.
    """
    _check_partner(card)
    return note.sign(_partner_text(card), [partner_signer(card.slug, sign_key=sign_key)])


def decode_partner(text: str) -> PartnerCard:
    """The card in a file.

    Raises:
        BadFile: Not a partner's card, or not in its one spelling.
        EvidenceError: Altered after it was made.
    """
    fields = _fields(text, _PARTNER, "a partner's card")
    try:
        card = PartnerCard(
            slug=PartnerSlug(fields["slug"][0]),
            name=fields["name"][0],
            postal_address=fields["postal-address"][0],
            from_address=fields["from"][0],
            sign_key=_key(fields["sign-key"][0]),
            receive_key=_key(fields["receive-key"][0]),
            firewall_group=fields["firewall-group"][0],
        )
        _check_partner(card)
    except (KeyError, binascii.Error, UsageError) as error:
        raise _not_a("a partner's card") from error
    return _verified(card, text, _partner_text(card), partner_verifier(card), "a partner's card")


def encode_consortium(card: ConsortiumCard, *, ledger_key: bytes) -> str:
    """The card's file; `ledger_key` is the private key, 32 raw bytes.

    Raises:
        UsageError: A value breaks the format's rules; says which.
    """
    _check_consortium(card)
    return note.sign(_consortium_text(card), [ledger_signer(card.origin, ledger_key=ledger_key)])


def decode_consortium(text: str) -> ConsortiumCard:
    """The card in a file.

    Raises:
        BadFile: Not a consortium's card, or not in its one spelling.
        EvidenceError: Altered after it was made.
    """
    fields = _fields(text, _CONSORTIUM, "a consortium's card")
    try:
        card = ConsortiumCard(
            name=fields["name"][0],
            origin=fields["origin"][0],
            intake_recipient=fields["intake-recipient"][0],
            vault_key=_key(fields["vault-key"][0]),
            ledger_key=_key(fields["ledger-key"][0]),
            coordinator_key=_key(fields["coordinator-key"][0]),
            dot_insensitive_domains=tuple(fields.get(_DOMAIN, ())),
        )
        _check_consortium(card)
    except (KeyError, binascii.Error, UsageError) as error:
        raise _not_a("a consortium's card") from error
    return _verified(
        card, text, _consortium_text(card), ledger_verifier(card), "a consortium's card"
    )


def _partner_text(card: PartnerCard) -> str:
    return _text(
        _PARTNER,
        ("slug", card.slug),
        ("name", card.name),
        ("postal-address", card.postal_address),
        ("from", card.from_address),
        ("firewall-group", card.firewall_group),
        ("sign-key", base64.b64encode(card.sign_key).decode()),
        ("receive-key", base64.b64encode(card.receive_key).decode()),
        ("fingerprint", card.fingerprint),
    )


def _consortium_text(card: ConsortiumCard) -> str:
    return _text(
        _CONSORTIUM,
        ("name", card.name),
        ("origin", card.origin),
        ("intake-recipient", card.intake_recipient),
        ("vault-key", base64.b64encode(card.vault_key).decode()),
        ("ledger-key", base64.b64encode(card.ledger_key).decode()),
        ("coordinator-key", base64.b64encode(card.coordinator_key).decode()),
        *((_DOMAIN, domain) for domain in card.dot_insensitive_domains),
        ("fingerprint", card.fingerprint),
    )


def _text(first: str, *lines: tuple[str, str]) -> str:
    return "".join(f"{line}\n" for line in (first, *(f"{key}: {value}" for key, value in lines)))


def _fields(text: str, first: str, what: str) -> dict[str, list[str]]:
    """Values by key, in order; the one spelling is checked by encoding again."""
    lines = text[:_MAX_CHARACTERS].partition("\n\n")[0].split("\n")
    if len(text) > _MAX_CHARACTERS or lines[0] != first:
        raise _not_a(what)
    found: dict[str, list[str]] = {}
    for line in lines[1:]:
        key, colon, value = line.partition(": ")
        if not colon:
            raise _not_a(what)
        found.setdefault(key, []).append(value)
    return found


def _key(text: str) -> bytes:
    key = base64.b64decode(text, validate=True)
    if len(key) != 32:  # noqa: PLR2004 - Ed25519 and X25519 public keys
        raise UsageError("a key on the card is not 32 bytes")
    return key


def _verified(card: _Card, text: str, spelling: str, verifier: note.Verifier, what: str) -> _Card:
    try:
        signed, _ = note.open(text, [verifier])
    except EvidenceError as error:
        raise EvidenceError(
            f"{what} was altered after it was made", hint="Ask for the file again."
        ) from error
    if signed != spelling or text.removeprefix(spelling).count("\n") != _SIGNATURE_LINES:
        raise _not_a(what)
    return card


def _check_partner(card: PartnerCard) -> None:
    """The rules of `partner.toml` hold on the card as well."""
    try:
        PartnerSettings(
            partner=1,
            slug=card.slug,
            name=card.name,
            postal_address=card.postal_address,
            from_address=card.from_address,
            firewall_group=card.firewall_group,
        )
    except ValidationError as error:
        raise _unusable(error) from error


def _check_consortium(card: ConsortiumCard) -> None:
    """The rules of `consortium.toml` hold on the card as well."""
    try:
        HostSettings(
            consortium=1,
            name=card.name,
            origin=card.origin,
            dot_insensitive_domains=card.dot_insensitive_domains,
        )
    except ValidationError as error:
        raise _unusable(error) from error
    if not age.is_recipient(card.intake_recipient):
        raise UsageError("the card's intake recipient is not an age recipient")


def _unusable(error: ValidationError) -> UsageError:
    return UsageError(f"the card's {error.errors(include_input=False)[0]['loc'][0]} is not usable")


def _not_a(what: str) -> BadFile:
    return BadFile(
        f"this is not {what}, or not of a version this program knows",
        hint="A card is what `consortium init` and `consortium partner keygen` write.",
    )
