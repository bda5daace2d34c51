"""Facts about one person in a public log: commitments, and counts as bands.

A commitment is HMAC-SHA-256(salt, value) in hex. Who has salt and value can show what was meant;
who has neither learns nothing; once the salt is erased nobody ever will, while the hash tree still
verifies. Each leaf has a salt of its own, derived from a secret of its batch, so that opening one
leaf opens no other.

A count is recorded as a band, because an exact small count tells whether one person was on a list.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator

from consortium.errors import EvidenceError
from consortium.types import UploadDigest

__all__ = ["SALT_BYTES", "band", "commit", "is_band", "leaf_salt", "opens", "row_commitment"]

SALT_BYTES = 32
_LABEL = b"consortium/v1|leaf|"
_MAX_BAND = 40  # digits of both ends


def commit(salt: bytes, value: bytes) -> str:
    """HMAC-SHA-256(salt, value), 64 hex digits.

    Args:
        salt: At least 16 bytes, used for this value alone.
        value: What is committed to.

    Raises:
        EvidenceError: The salt is too short to hide anything.
    """
    if len(salt) < SALT_BYTES // 2:
        raise EvidenceError("a commitment needs a salt of at least 16 bytes")
    return hmac.new(salt, value, hashlib.sha256).hexdigest()


def opens(commitment: str, *, salt: bytes, value: bytes) -> bool:
    """Whether salt and value are those of a commitment."""
    return hmac.compare_digest(commitment.encode(), commit(salt, value).encode())


def leaf_salt(secret: bytes, *, purpose: str, number: int) -> bytes:
    """The salt of one leaf: HMAC-SHA-256(secret, label ‖ purpose ‖ "|" ‖ number), 32 bytes.

    Args:
        secret: 32 random bytes kept in the erasable store; never disclosed as a whole.
        purpose: What the secret is shared between, e.g. `row`.
        number: The leaf's pseudonymous number.
    """
    return hmac.digest(secret, _LABEL + f"{purpose}|{number}".encode(), "sha256")


def row_commitment(salt: bytes, *, upload: UploadDigest, row: int) -> str:
    """Commits to one source row: `commit(salt, upload digest ‖ row number)`.

    Args:
        salt: From `leaf_salt`.
        upload: The pack's digest, 32 bytes.
        row: Row number in the pack, 8 bytes big-endian in the commitment.
    """
    return commit(salt, upload + row.to_bytes(8, "big"))


def _edges() -> Iterator[tuple[int, int]]:
    """First and last count of each band, without end."""
    yield 1, 49
    low, unit = 50, 50
    while True:
        for factor in (2, 5, 10):
            high = unit * factor
            yield low, high - 1
            low = high
        unit *= 10


def band(count: int) -> str:
    """The band of a count: `0`, `1-49`, `50-99`, `100-249`, `250-499`, `500-999`, `1000-2499`, ….

    Raises:
        EvidenceError: The count is negative.
    """
    if count < 0:
        raise EvidenceError("a count is negative")
    if count == 0:
        return "0"
    return next(f"{low}-{high}" for low, high in _edges() if count <= high)


def is_band(text: str) -> bool:
    """Whether a text is one of the bands, spelt as `band` spells them."""
    low, _, high = text.partition("-")
    if text == "0":
        return True
    if not (text.isascii() and low.isdecimal() and high.isdecimal()) or len(low + high) > _MAX_BAND:
        return False
    return band(int(low)) == text
