"""Signed notes: text, a blank line, and one line per signature (C2SP signed-note).

    This is the text.

    — example.com/log Az3grlgt…

A key is known by its name and a four-byte id made from name, algorithm and public key; `vkey` is
the line that tells others about it. Reading is strict, and says yes only when a key the reader
already trusts has signed: signatures of unknown keys are ignored, a wrong signature of a known key
rejects the whole note, and at least one known key must have signed. The algorithm is Ed25519
(type 0x01), the only one accepted.

Notes are text for machines to check. Read them from files as bytes, without newline translation.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from consortium.errors import EvidenceError, UsageError
from consortium.ledger.strict import from_base64, to_base64

__all__ = ["Signer", "Verifier", "open", "sign", "signature_of"]

_ED25519 = b"\x01"
_KEY_BYTES = 32
_ID_BYTES = 4
_MAX_SIGNATURES = 64
_MAX_CHARACTERS = 16 * 2**20
_DASH = "— "


def _key_id(name: str, public: bytes) -> bytes:
    return hashlib.sha256(name.encode() + b"\n" + _ED25519 + public).digest()[:_ID_BYTES]


def _good_name(name: str) -> bool:
    return bool(name) and name.isprintable() and "+" not in name and not any(map(str.isspace, name))


def _good_text(text: str) -> bool:
    """Whether it ends in a newline and has no other control character, and is Unicode."""
    return (
        text.endswith("\n")
        and all(c >= " " or c == "\n" for c in text)
        and not any("\ud800" <= c <= "\udfff" for c in text)
    )


@dataclass(frozen=True, slots=True)
class Verifier:
    """A public key with its name.

    Attributes:
        name: Key name: no blank, no `+`; by custom a URL without scheme.
        public: Ed25519 public key, 32 raw bytes.
    """

    name: str
    public: bytes

    def __post_init__(self) -> None:
        if not _good_name(self.name) or len(self.public) != _KEY_BYTES:
            raise EvidenceError("the name or the size of a public key is wrong")

    @property
    def key_id(self) -> bytes:
        """The first four bytes of SHA-256(name ‖ LF ‖ 0x01 ‖ public)."""
        return _key_id(self.name, self.public)

    @property
    def vkey(self) -> str:
        """`name+id+key`, the form in which a key is published."""
        return f"{self.name}+{self.key_id.hex()}+{to_base64(_ED25519 + self.public)}"

    @classmethod
    def from_vkey(cls, vkey: str) -> Verifier:
        """The key of a published line.

        Raises:
            EvidenceError: Malformed, another algorithm, or the id is not the key's.
        """
        parts = vkey.split("+", 2)
        if len(parts) != 3:  # noqa: PLR2004 - name, id, key
            raise EvidenceError("a published key is not of the form name+id+key")
        encoded = from_base64(parts[2])
        if encoded[:1] != _ED25519:
            raise EvidenceError("a published key is not an Ed25519 key")
        verifier = cls(parts[0], encoded[1:])
        if verifier.vkey != vkey:
            raise EvidenceError("a published key does not match its own id")
        return verifier

    def check(self, text: str, signature: bytes) -> None:
        """Check a bare signature over a text.

        Raises:
            EvidenceError: It is not this key's.
        """
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, text.encode())
        except (InvalidSignature, ValueError) as error:
            raise EvidenceError(f"a signature of {self.name} does not verify") from error


@dataclass(frozen=True, slots=True)
class Signer:
    """A private key with its name; its `repr` shows the name only."""

    name: str
    private: Ed25519PrivateKey

    @classmethod
    def from_secret(cls, name: str, secret: bytes) -> Signer:
        """From 32 raw bytes (RFC 8032 seed)."""
        return cls(name, Ed25519PrivateKey.from_private_bytes(secret))

    @property
    def verifier(self) -> Verifier:
        """The public half."""
        return Verifier(self.name, self.private.public_key().public_bytes_raw())

    def __repr__(self) -> str:
        return f"Signer({self.name!r})"


def sign(text: str, signers: Sequence[Signer]) -> str:
    """The note of a text, signed by each signer in turn; about 90 µs each.

    Raises:
        UsageError: The text does not end in a newline, or holds a control character (a tab or a
            carriage return, say); or there is no signer, or the same one twice.
    """
    if not _good_text(text):
        line = next((n for n, s in enumerate(text.split("\n"), 1) if any(c < " " for c in s)), None)
        where = "does not end in a newline" if line is None else f"line {line} holds a tab or such"
        raise UsageError(
            f"the text cannot be signed: {where}",
            hint="Save it as UTF-8 text with plain line ends and blanks in place of tabs.",
        )
    keys = [signer.verifier for signer in signers]
    if not keys or len({(k.name, k.key_id) for k in keys}) != len(keys):
        raise UsageError("a note needs at least one signer, and none of them twice")
    lines = [
        f"{_DASH}{key.name} {to_base64(key.key_id + signer.private.sign(text.encode()))}\n"
        for signer, key in zip(signers, keys, strict=True)
    ]
    return f"{text}\n{''.join(lines)}"


def _parse(note: str) -> tuple[str, list[tuple[str, bytes]]]:
    """The text, and per signature the key's name and the bytes."""
    if len(note) > _MAX_CHARACTERS or not _good_text(note):
        raise EvidenceError("the signed text is malformed")
    text, blank, block = note.rpartition("\n\n")
    if not blank or not block:
        raise EvidenceError("the text carries no signature")
    lines = block[:-1].split("\n")
    if len(lines) > _MAX_SIGNATURES:
        raise EvidenceError(f"the text carries more than {_MAX_SIGNATURES} signatures")
    found = []
    for line in lines:
        name, _, encoded = line.removeprefix(_DASH).partition(" ")
        if not line.startswith(_DASH) or not _good_name(name):
            raise EvidenceError("a signature line is malformed")
        data = from_base64(encoded)
        if len(data) <= _ID_BYTES:
            raise EvidenceError("a signature line is malformed")
        found.append((name, data))
    return text + "\n", found


def open(note: str, verifiers: Iterable[Verifier]) -> tuple[str, tuple[str, ...]]:  # noqa: A001 - read as note.open
    """The text of a note and the names of the trusted keys that signed it.

    Args:
        note: The note.
        verifiers: The keys that are trusted.

    Returns:
        The text with its last newline, and the names in the order of their signatures.

    Raises:
        EvidenceError: Malformed; a trusted key's signature is wrong or there twice; or no trusted
            key has signed.
    """
    known = {(v.name, v.key_id): v for v in verifiers}
    text, signatures = _parse(note)
    names: list[str] = []
    seen: set[tuple[str, bytes]] = set()
    for name, data in signatures:
        key = (name, data[:_ID_BYTES])
        verifier = known.get(key)
        if verifier is None:
            continue
        if key in seen:
            raise EvidenceError(f"the text carries two signatures of {name}")
        seen.add(key)
        verifier.check(text, data[_ID_BYTES:])
        names.append(name)
    if not names:
        raise EvidenceError("the text is not signed by any key that is trusted here")
    return text, tuple(names)


def signature_of(note: str, verifier: Verifier) -> bytes:
    """The bare 64-byte signature of one trusted key, after checking the note.

    Raises:
        EvidenceError: As for `open`.
    """
    open(note, [verifier])
    for name, data in _parse(note)[1]:
        if name == verifier.name and data[:_ID_BYTES] == verifier.key_id:
            return data[_ID_BYTES:]
    raise EvidenceError(
        "the text is not signed by that key"
    )  # pragma: no cover - open() has found it
