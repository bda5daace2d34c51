"""Sealing of rows: what the database holds of a person's details and match block.

AES-256-GCM. Details are sealed under the upload's data key, match blocks under the host's match
key; never under these themselves but under HKDF-SHA256(key, salt of this intake, label), so that
taking the same pack in again never repeats a key with a nonce. The nonce is the row number. The
associated data names schema, consortium, owner, upload, label and row number: a sealed value moved
to another row, upload, owner, consortium or column does not open.

Lengths are rounded up to 32 bytes, so that a stolen database does not tell how long a name is.
Sealing or opening a value costs about 3 µs.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal, Self

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from consortium.errors import EvidenceError, KeyFailure
from consortium.ledger import canonical
from consortium.types import PartnerSlug, Pii, UploadDigest

__all__ = [
    "DATA_KEY_BYTES",
    "Details",
    "RowOpener",
    "RowSealer",
    "SealContext",
    "encode_details",
]

DATA_KEY_BYTES: Final = 32
_SCHEMA = "consortium/v1|sealed"
_BLOCK = 32
_NOTHING = Pii()
_ENCODE = msgspec.json.Encoder().encode

Label = Literal["details", "match"]


@dataclass(frozen=True, slots=True)
class SealContext:
    """Where a sealed value belongs.

    Attributes:
        origin: The consortium's identity.
        owner: Whose upload it is.
        upload: The upload's digest.
    """

    origin: str
    owner: PartnerSlug
    upload: UploadDigest


class _Row:
    """What sealing and opening share: the derived key and the associated data."""

    def __init__(self, key: bytes, *, label: Label, salt: bytes, context: SealContext) -> None:
        if len(key) != DATA_KEY_BYTES:
            raise KeyFailure("a sealing key is not 32 bytes long")
        info = b"consortium/v1|row" if label == "details" else b"consortium/v1|match"
        self._cipher = AESGCM(HKDF(SHA256(), length=32, salt=salt, info=info).derive(key))
        self._label = label
        prefix = canonical.encode(
            [_SCHEMA, context.origin, context.owner, context.upload.hex(), label]
        )
        self._prefix = prefix.removesuffix(b"]") + b","

    def _associated(self, number: int) -> bytes:
        """Canonical JSON of the context and the row number."""
        return b"%b%d]" % (self._prefix, number)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._label})"


class RowSealer(_Row):
    """Seals the details or match blocks of one upload's rows; each row number once.

    Args:
        key: 32 bytes: the upload's data key, or the match key.
        label: Which of the two.
        salt: The upload's `data_salt` or `match_salt`, fresh for each intake.
        context: Where the values belong.
    """

    def seal(self, plaintext: bytes, *, number: int) -> bytes:
        """Ciphertext and tag; 17 to 48 bytes longer than the plaintext."""
        padded = plaintext + b"\x80" + bytes(-(len(plaintext) + 1) % _BLOCK)
        return self._cipher.encrypt(number.to_bytes(12, "big"), padded, self._associated(number))


class RowOpener(_Row):
    """Opens what a `RowSealer` of the same arguments sealed."""

    def open(self, sealed: bytes, *, number: int) -> bytes:
        """The plaintext of row `number`.

        Raises:
            EvidenceError: It was not sealed for this place, or was changed since.
        """
        try:
            padded = self._cipher.decrypt(
                number.to_bytes(12, "big"), sealed, self._associated(number)
            )
        except (InvalidTag, ValueError) as error:
            raise EvidenceError(
                f"a row's sealed {self._label} does not belong where it was found, or was changed",
                hint="Restore the database from a backup, or withdraw the upload.",
            ) from error
        plaintext, mark, zeros = padded.rpartition(b"\x80")
        if not mark or zeros.strip(b"\x00"):
            raise EvidenceError(f"a row's sealed {self._label} is malformed")
        return plaintext


def encode_details(
    emails: Sequence[str], phones: Sequence[str], first_name: str, last_name: str, language: str
) -> bytes:
    """`Details.of(…).encode()`, for whoever seals many: 0.5 µs a row."""
    return _ENCODE((1, emails, phones, first_name, last_name, language))


@dataclass(frozen=True, slots=True)
class Details:
    """What a message needs of a row; opened for one recipient at a time.

    Attributes:
        emails, phones: Deliverable contact points; a point's `position` in the store counts within
            its kind and is the index here.
        first_name, last_name: As the person writes them.
        language: BCP 47 primary tag or empty.
    """

    emails: tuple[Pii, ...] = ()
    phones: tuple[Pii, ...] = ()
    first_name: Pii = _NOTHING
    last_name: Pii = _NOTHING
    language: str = ""

    @classmethod
    def of(
        cls,
        *,
        emails: Iterable[str],
        phones: Iterable[str],
        first_name: str,
        last_name: str,
        language: str,
    ) -> Self:
        """From plain strings."""
        return cls(
            tuple(map(Pii, emails)),
            tuple(map(Pii, phones)),
            Pii(first_name),
            Pii(last_name),
            language,
        )

    def encode(self) -> bytes:
        """The bytes that are sealed: version 1 is a JSON array in the order of the fields."""
        return encode_details(
            [e.reveal() for e in self.emails],
            [p.reveal() for p in self.phones],
            self.first_name.reveal(),
            self.last_name.reveal(),
            self.language,
        )

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """The inverse of `encode`.

        Raises:
            EvidenceError: Not details of this version.
        """
        try:
            version, emails, phones, first, last, language = json.loads(data)
            strings = [*emails, *phones, first, last, language]
            if version != 1 or not all(isinstance(s, str) for s in strings):
                raise TypeError  # noqa: TRY301 - one handler for every shape of wrong
        except (ValueError, TypeError):
            # no cause: a decoder's message may quote what it could not read
            raise EvidenceError("a row's details are not of a version this program knows") from None
        return cls.of(
            emails=emails, phones=phones, first_name=first, last_name=last, language=language
        )
