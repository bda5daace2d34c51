"""The pack: a partner's list on its way to the host, signed by one and readable by the other.

An age v1 file (X25519, to the consortium's intake recipient) around UTF-8 lines: a header, one line
per row and opt-out (`pack_rows`), a trailer. The trailer holds the counts, the SHA-256 of all lines
before it (the upload's digest), for a partner with a standing approval the data key wrapped to the
vault, and the partner's Ed25519 signature over all of these with a domain prefix. Empty lines fill
the plaintext up to whole chunks of 64 KiB (why: `consortium.vault.age`).

Both directions are streams: memory does not grow with the list, and plaintext never touches a
disk. Writing costs about 14 µs per row, reading 22, verifying without decoding the rows 1.

Format: docs/formats/pack.md.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Generator, Iterable, Iterator
from types import TracebackType
from typing import BinaryIO, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from consortium.errors import BadFile, EvidenceError, KeyFailure
from consortium.model import PackRow
from consortium.types import UploadDigest
from consortium.vault import age
from consortium.vault.pack_head import (
    Counts,
    PackHeader,
    Trailer,
    decode_header,
    decode_trailer,
    encode_header,
    encode_trailer,
    signed_bytes,
)
from consortium.vault.pack_rows import MAX_LINE_BYTES, PackItem, decode_item, encode_item
from consortium.vault.wrap import STANDING, wrap_for_vault

__all__ = ["Counts", "PackHeader", "PackItem", "PackReader", "Trailer", "write_pack"]

_BATCH_BYTES = 64 * 1024


def write_pack(
    stream: BinaryIO,
    *,
    header: PackHeader,
    items: Iterable[PackItem],
    sign_key: bytes,
    recipient: str,
    rejected: int | Callable[[], int] = 0,
    repeated: int | Callable[[], int] = 0,
    standing_to: bytes | None = None,
) -> Trailer:
    """Write a pack; an error leaves part of one in `stream`, which no reader accepts.

    Args:
        stream: Where to; its place and mode are the caller's matter.
        header: What the pack says of itself.
        items: Rows and opt-outs, each kind in ascending order of `number`.
        sign_key: The partner's `sign` key, 32 raw bytes.
        recipient: `intake_recipient` of the consortium's card.
        rejected: How many rows of the list were rejected; a function is asked after the last item.
        repeated: How many were left out as repeating another; the same.
        standing_to: `vault_key` of the consortium's card, if the owner's policy asks no approval;
            the data key is then wrapped to it. None: rows open only with an approval.

    Returns:
        The trailer; its digest is the upload's.

    Raises:
        UsageError: A value of the header breaks the format's rules.
        BadFile: An item does, or its number is not above the last one's.
        KeyFailure: A key will not do.
        OSError: `stream` cannot be written.
    """
    try:
        signer = Ed25519PrivateKey.from_private_bytes(sign_key)
    except ValueError as error:
        raise KeyFailure("the signing key is not an Ed25519 key") from error
    written: list[Trailer] = []

    def lines() -> Iterator[bytes]:
        digest = hashlib.sha256()
        order, size = _Order(), 0
        part = bytearray(encode_header(header))
        part += b"\n"
        for item in items:
            order.take(item)
            part += encode_item(item)
            part += b"\n"
            if len(part) >= _BATCH_BYTES:
                digest.update(part)
                size += len(part)
                yield bytes(part)
                part.clear()
        digest.update(part)
        upload = UploadDigest(digest.digest())
        counts = Counts(
            rows=order.rows,
            opt_outs=order.opt_outs,
            rejected=rejected if isinstance(rejected, int) else rejected(),
            repeated=repeated if isinstance(repeated, int) else repeated(),
        )
        wrap = standing_to and wrap_for_vault(
            header.data_key,
            to=standing_to,
            origin=header.origin,
            owner=header.partner,
            upload=upload,
            purpose=STANDING,
        )
        signature = signer.sign(signed_bytes(upload, counts, wrap))
        trailer = Trailer(upload, counts, wrap, signature)
        part += encode_trailer(trailer)
        part += b"\n"
        size += len(part)
        part += b"\n" * (-size % age.CHUNK)
        yield bytes(part)
        written.append(trailer)

    age.encrypt(lines(), stream, recipient=recipient)
    return written[0]


class _Order:
    """Counts items and sees that numbers ascend: a number is a nonce and must not come twice."""

    def __init__(self) -> None:
        self.rows = self.opt_outs = 0
        self._last_row = self._last_opt_out = 0

    def take(self, item: PackItem) -> None:
        if isinstance(item, PackRow):
            last, self._last_row = self._last_row, item.number
            self.rows += 1
        else:
            last, self._last_opt_out = self._last_opt_out, item.number
            self.opt_outs += 1
        if item.number <= last:
            raise BadFile(f"rows of the pack are not in ascending order (at row {item.number})")


class PackReader:
    """Reads a pack: the header at once, rows as a stream, the proof at the end.

    Until `finish` has returned, nothing that was read is proven to be the partner's. `finish`
    without iterating verifies a pack quickly, without decoding its rows.

    Use as a context manager, or `close`.
    """

    header: PackHeader

    def __init__(self, stream: BinaryIO, *, identity: bytes, name: str) -> None:
        self._name = name
        self._pieces = age.decrypt(stream, identity=identity)
        self._lines = self._split()
        self._digest = hashlib.sha256()
        self._order = _Order()
        self._rows = self._opt_outs = self._bytes = 0
        self._trailer: Trailer | None = None

    @classmethod
    def open(
        cls,
        stream: BinaryIO,
        *,
        identity: bytes,
        origin: str | None = None,
        name: str = "this file",
    ) -> Self:
        """Start to read.

        Args:
            stream: The pack's bytes, not used by others until the reader is closed.
            identity: The consortium's `intake` key.
            origin: The consortium's identity, which the header must name; None: any.
            name: What messages call the pack.

        Raises:
            BadFile: Not a pack, for another consortium, cut short, of an unknown version, or its
                stream cannot be read.
            EvidenceError: Altered.
            KeyFailure: `identity` is not an age identity.
        """
        reader = cls(stream, identity=identity, name=name)
        try:
            reader.header = reader._read_header(origin)
        except BaseException:
            reader.close()
            raise
        return reader

    def __iter__(self) -> Iterator[PackItem]:
        """Rows and opt-outs in their order in the list.

        Raises:
            BadFile: An item does not decode or is out of order, or the pack is cut short.
            EvidenceError: The pack was altered.
        """
        while (line := self._next_item()) is not None:
            item = decode_item(line, position=self._rows + self._opt_outs)
            self._order.take(item)
            yield item

    def finish(self, sign_public: bytes) -> Trailer:
        """Read what is left and verify digest, counts and signature.

        Args:
            sign_public: `sign_key` of the card of the partner that the header names.

        Raises:
            BadFile: The pack is cut short or malformed.
            EvidenceError: The pack was altered, or somebody else signed it.
        """
        while self._next_item() is not None:
            pass
        trailer = self._trailer
        assert trailer is not None  # _next_item raises or has read it
        counts = trailer.counts
        if trailer.digest != self._digest.digest():
            raise self._altered()
        if (counts.rows, counts.opt_outs) != (self._rows, self._opt_outs):
            raise self._altered()
        try:
            Ed25519PublicKey.from_public_bytes(sign_public).verify(
                trailer.signature, signed_bytes(trailer.digest, counts, trailer.standing_wrap)
            )
        except (InvalidSignature, ValueError) as error:
            raise EvidenceError(
                f"{self._name} names {self.header.partner} and is signed by somebody else",
                hint=f"Ask {self.header.partner} for its pack, and compare fingerprints by phone.",
            ) from error
        return trailer

    def close(self) -> None:
        """End the work behind it; the stream stays open."""
        self._lines.close()
        self._pieces.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _read_header(self, origin: str | None) -> PackHeader:
        line = next(self._lines, None)
        if line is None:
            raise self._malformed("has no header")
        header = decode_header(line, name=self._name)
        if origin is not None and header.origin != origin:
            raise self._other_consortium()
        self._digest.update(line + b"\n")
        return header

    def _next_item(self) -> bytes | None:
        """The next item's line, counted and hashed, or None after the trailer."""
        if self._trailer is not None:
            return None
        line = next(self._lines, None)
        if line is None:
            raise self._malformed("has no trailer")
        if line.startswith(b"{"):
            self._trailer = decode_trailer(line, name=self._name)
            self._read_padding()
            return None
        self._digest.update(line + b"\n")
        if line.startswith(b'["o"'):
            self._opt_outs += 1
        else:
            self._rows += 1
        return line

    def _read_padding(self) -> None:
        for length, line in enumerate(self._lines):
            if line or length >= age.CHUNK:
                raise self._malformed("goes on after its trailer")
        if self._bytes % age.CHUNK:
            raise self._malformed("is not padded as a pack must be")

    def _split(self) -> Generator[bytes]:
        """Lines without their newline; every byte must belong to a whole line."""
        rest = b""
        try:
            for piece in self._pieces:
                self._bytes += len(piece)
                *lines, rest = (rest + piece).split(b"\n")
                yield from lines
                if len(rest) > MAX_LINE_BYTES:
                    raise self._malformed("has a line that is too long")
        except age.AgeFailure as error:
            raise self._unopened(error.cause) from error
        except OSError as error:
            raise BadFile(
                f"{self._name} cannot be read", hint="Check that it is a file and its mode."
            ) from error
        if rest:
            raise self._malformed("does not end with a whole line")

    def _unopened(self, cause: age.Cause) -> BadFile | EvidenceError:
        match cause:
            case age.Cause.NOT_AGE:
                return BadFile(
                    f"{self._name} is not a pack",
                    hint="A pack is what a partner makes with: consortium upload pack",
                )
            case age.Cause.OTHER_RECIPIENT:
                return self._other_consortium()
            case age.Cause.CUT_SHORT:
                return BadFile(
                    f"{self._name} is cut short: it has not the length of a whole pack",
                    hint="Ask the partner to send the file again.",
                )
            case age.Cause.ALTERED:
                return self._altered()

    def _other_consortium(self) -> BadFile:
        return BadFile(
            f"{self._name} was sealed for another consortium",
            hint="Ask the partner to pack the list again with: consortium upload pack",
        )

    def _altered(self) -> EvidenceError:
        return EvidenceError(
            f"{self._name} was altered after it was made",
            hint="Ask the partner to send the file again.",
        )

    def _malformed(self, what: str) -> BadFile:
        return BadFile(
            f"{self._name} {what}",
            hint="Ask the partner to pack the list again with a current version.",
        )
