"""Small parsers that know one spelling only: base64, decimal numbers, lines.

Every text format of the ledger is read by these. Each decodes, encodes again and compares, because
the usual decoders are generous: Python's base64 skips bits that do not matter, `int` takes
underscores, blanks and other scripts' digits, `splitlines` breaks at eleven different characters.
"""

from __future__ import annotations

import base64
import binascii

from consortium.errors import EvidenceError

__all__ = ["from_base64", "from_decimal", "hash_from_base64", "to_base64"]

_MAX_DIGITS = 19  # sizes and indexes stay below 2^63


def to_base64(data: bytes) -> str:
    """Standard base64 with padding (RFC 4648, section 4)."""
    return base64.b64encode(data).decode("ascii")


def from_base64(text: str) -> bytes:
    """The bytes of `to_base64`, and of no other spelling.

    Raises:
        EvidenceError: Not base64, or not in that spelling.
    """
    try:
        data = base64.b64decode(text.encode("ascii"), validate=True)
    except (ValueError, binascii.Error) as error:
        raise EvidenceError("a value is not base64") from error
    if to_base64(data) != text:
        raise EvidenceError("a value is base64, but not in the canonical spelling")
    return data


def hash_from_base64(text: str) -> bytes:
    """A SHA-256 hash in base64.

    Raises:
        EvidenceError: Not one.
    """
    data = from_base64(text)
    if len(data) != 32:  # noqa: PLR2004 - the size of SHA-256
        raise EvidenceError("a hash is not 32 bytes")
    return data


def from_decimal(text: str) -> int:
    """A number from 0, in ASCII digits without leading zero, below 2^63.

    Raises:
        EvidenceError: Another spelling, or too large.
    """
    if not (text.isascii() and text.isdecimal()) or len(text) > _MAX_DIGITS:
        raise EvidenceError("a number is not plain decimal")
    value = int(text)
    if str(value) != text or value >> 63:
        raise EvidenceError("a number is not in its plain spelling, or too large")
    return value
