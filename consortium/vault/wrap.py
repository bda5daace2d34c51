"""Wraps: an upload's data key, encrypted to whoever may open its rows.

HPKE (RFC 9180, base mode; X25519, HKDF-SHA256, AES-256-GCM), by `cryptography`. The context goes
into HPKE's `info` as canonical JSON, so that a wrap moved to another upload, owner, consortium or
purpose does not open. There are two kinds:

- to the owner, made by the host at intake, the only one kept of a list that waits for approval;
- to the vault key, made by the owner: `standing`, or for one campaign in one wording until one
  instant (`campaign_purpose`). Making it is what approving means.

A wrap says who may open, not who made it: the signed document that carries it does that. A wrap
around a key other than the upload's opens, and then opens no row.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from consortium.errors import EvidenceError, KeyFailure
from consortium.ledger import canonical
from consortium.types import CampaignName, PartnerSlug, UploadDigest
from consortium.vault.seal import DATA_KEY_BYTES

__all__ = [
    "STANDING",
    "WRAP_BYTES",
    "campaign_purpose",
    "open_owner_wrap",
    "open_vault_wrap",
    "wrap_for_owner",
    "wrap_for_vault",
]

STANDING: Final = "standing"
"""Purpose of a wrap that opens for every campaign the owner's policy allows."""
WRAP_BYTES: Final = 32 + DATA_KEY_BYTES + 16
"""Encapsulated key, data key, tag."""

_SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)


def campaign_purpose(name: CampaignName, *, digest: bytes, until: datetime) -> str:
    """Purpose of a wrap for one campaign.

    Args:
        name: The campaign.
        digest: 32 bytes: the campaign's digest as approved.
        until: The campaign's end; whole seconds count.
    """
    end = until.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return f"campaign:{name}:{digest.hex()}:{end}"


def wrap_for_owner(
    data_key: bytes, *, to: bytes, origin: str, owner: PartnerSlug, upload: UploadDigest
) -> bytes:
    """Wrap to the owner's receiving key.

    Args:
        data_key: 32 bytes.
        to: The owner's X25519 public key, 32 raw bytes.
        origin: The consortium's identity.
        owner: The owner.
        upload: The upload's digest.

    Returns:
        80 bytes.

    Raises:
        KeyFailure: A key is not of the right length or kind.
    """
    return _wrap(data_key, to, _info(origin, owner, upload, "owner"))


def open_owner_wrap(
    wrap: bytes, *, key: bytes, origin: str, owner: PartnerSlug, upload: UploadDigest
) -> bytes:
    """The data key, with the owner's private `receive` key (32 raw bytes).

    Raises:
        EvidenceError: Not a wrap for this key and context, or changed since.
        KeyFailure: `key` is not an X25519 private key.
    """
    return _unwrap(wrap, key, _info(origin, owner, upload, "owner"))


def wrap_for_vault(
    data_key: bytes,
    *,
    to: bytes,
    origin: str,
    owner: PartnerSlug,
    upload: UploadDigest,
    purpose: str,
) -> bytes:
    """Wrap to the consortium's vault key; only the owner has cause to.

    Args:
        data_key: 32 bytes.
        to: The vault's X25519 public key, 32 raw bytes, from the consortium's card.
        origin: The consortium's identity.
        owner: The owner.
        upload: The upload's digest.
        purpose: `STANDING`, or what `campaign_purpose` gives.

    Returns:
        80 bytes.

    Raises:
        KeyFailure: A key is not of the right length or kind.
    """
    return _wrap(data_key, to, _info(origin, owner, upload, "vault", purpose))


def open_vault_wrap(
    wrap: bytes,
    *,
    key: bytes,
    origin: str,
    owner: PartnerSlug,
    upload: UploadDigest,
    purpose: str,
) -> bytes:
    """The data key, with the host's private `vault` key (32 raw bytes).

    That `purpose` still holds (the campaign is this one and has not ended) is for the caller to
    see to; a wrap made for another purpose does not open.

    Raises:
        EvidenceError: Not a wrap for this key, context and purpose, or changed since.
        KeyFailure: `key` is not an X25519 private key.
    """
    return _unwrap(wrap, key, _info(origin, owner, upload, "vault", purpose))


def _info(
    origin: str, owner: PartnerSlug, upload: UploadDigest, to: str, purpose: str | None = None
) -> bytes:
    context = {
        "schema": "consortium/v1|wrap",
        "origin": origin,
        "owner": owner,
        "upload": upload.hex(),
        "to": to,
    }
    if purpose is not None:
        context["purpose"] = purpose
    return canonical.encode(context)


def _wrap(data_key: bytes, to: bytes, info: bytes) -> bytes:
    if len(data_key) != DATA_KEY_BYTES:
        raise KeyFailure("a data key is not 32 bytes long")
    try:
        return _SUITE.encrypt(data_key, X25519PublicKey.from_public_bytes(to), info)
    except ValueError as error:
        raise KeyFailure("a public key to wrap to is not an X25519 key") from error


def _unwrap(wrap: bytes, key: bytes, info: bytes) -> bytes:
    try:
        private = X25519PrivateKey.from_private_bytes(key)
    except ValueError as error:
        raise KeyFailure("a private key to open wraps with is not an X25519 key") from error
    try:
        data_key = _SUITE.decrypt(wrap, private, info)
    except (InvalidTag, ValueError) as error:
        raise _wrong() from error
    if len(data_key) != DATA_KEY_BYTES:
        raise _wrong()
    return data_key


def _wrong() -> EvidenceError:
    return EvidenceError(
        "a wrapped data key does not belong to this upload, owner and purpose, or was changed",
        hint="Ask the owner to approve again, or restore the wraps from a backup.",
    )
