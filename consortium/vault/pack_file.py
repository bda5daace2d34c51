"""The pack: a partner's list on its way to the host, signed by one and readable by the other.

An age v1 file (X25519, to the consortium's intake recipient) around UTF-8 lines: a header, one line
per row and opt-out (`pack_rows`), a trailer. The trailer holds the counts, the SHA-256 of all lines
before it (the upload's digest), for a partner with a standing approval the data key wrapped to the
vault, and the partner's Ed25519 signature over all of these with a domain prefix. Empty lines fill
the plaintext up to whole chunks of 64 KiB (why: `consortium.vault.age`).

Both directions are streams: memory does not grow with the list, and plaintext never touches a
disk. Lines are handed over many at a time, so that they can be encoded and decoded in processes
beside this one. Here a line costs about 1 µs either way; decoding it: `pack_rows`.

Format: docs/formats/pack.md.
"""

from __future__ import annotations

import hashlib
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from itertools import chain
from types import TracebackType
from typing import BinaryIO, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from consortium.errors import BadFile, EvidenceError
from consortium.vault import age
from consortium.vault.pack_head import (
    Counts,
    PackHeader,
    Trailer,
    decode_header,
    decode_trailer,
    signed_bytes,
)
from consortium.vault.pack_order import Order
from consortium.vault.pack_rows import (
    MAX_LINE_BYTES,
    PackItem,
    decode_lines,
    item_of,
)
from consortium.vault.pack_write import write_lines, write_pack

__all__ = [
    "Counts",
    "LineBatch",
    "PackHeader",
    "PackItem",
    "PackReader",
    "Trailer",
    "write_lines",
    "write_pack",
]

_BATCH_LINES = 512


@dataclass(frozen=True, slots=True)
class LineBatch:
    """Consecutive items of a pack, still as lines.

    Attributes:
        first: 1-based position of the first of them in the pack.
        data: Whole lines, each with its newline; `pack_rows.decode_lines` reads them.
    """

    first: int
    data: bytes = field(repr=False)


class PackReader:
    """Reads a pack: the header at once, rows as a stream, the proof at the end.

    Until `finish` has returned, nothing that was read is proven to be the partner's. `finish`
    without iterating verifies a pack quickly, without decoding its rows. Iterating gives `PackRow`
    and `PackOptOut`; whoever reads many takes `line_batches` and decodes them where it likes.

    Use as a context manager, or `close`.
    """

    header: PackHeader

    def __init__(self, stream: BinaryIO, *, identity: bytes, name: str) -> None:
        self._name = name
        self._pieces = age.decrypt(stream, identity=identity)
        self._parts = self._split()
        self._ahead = b""
        self._bytes = 0
        self._digest = hashlib.sha256()
        self._order = Order()
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
        for batch in self.line_batches(_BATCH_LINES):
            yield from map(item_of, decode_lines(batch.data, first=batch.first))

    def line_batches(self, size: int) -> Iterator[LineBatch]:
        """Items in their order as lines: counted, hashed and in order, but not decoded.

        `pack_rows.decode_lines(batch.data, first=batch.first)` decodes a batch, in this process or
        in another; until that has been done, nothing is known of the values.

        Args:
            size: Lines of a batch, at least; up to 64 KiB of lines more, and the last one fewer.

        Raises:
            BadFile: An item is out of order or no item, or the pack is cut short.
            EvidenceError: The pack was altered.
        """
        first, parts, lines = self._order.items + 1, list[bytes](), 0
        while part := self._next_lines():
            parts.append(part)
            lines += part.count(b"\n")
            if lines >= size:
                yield LineBatch(first, b"".join(parts))
                first, parts, lines = first + lines, [], 0
        if parts:
            yield LineBatch(first, b"".join(parts))

    def finish(self, sign_public: bytes) -> Trailer:
        """Read what is left and verify digest, counts and signature.

        Args:
            sign_public: `sign_key` of the card of the partner that the header names.

        Raises:
            BadFile: The pack is cut short or malformed.
            EvidenceError: The pack was altered, or somebody else signed it.
        """
        while self._next_lines():
            pass
        trailer = self._trailer
        assert trailer is not None  # _next_lines raises or has read it
        counts = trailer.counts
        if trailer.digest != self._digest.digest():
            raise self._altered()
        if (counts.rows, counts.opt_outs) != (self._order.rows, self._order.opt_outs):
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
        self._parts.close()
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
        part = next(self._parts, None)
        if part is None:
            raise self._malformed("has no header")
        line, _, self._ahead = part.partition(b"\n")
        header = decode_header(line, name=self._name)
        if origin is not None and header.origin != origin:
            raise self._other_consortium()
        self._digest.update(line + b"\n")
        return header

    def _next_lines(self) -> bytes:
        """The next items' lines, counted and hashed; empty after the trailer."""
        if self._trailer is not None:
            return b""
        part, self._ahead = self._ahead or next(self._parts, b""), b""
        if not part:
            raise self._malformed("has no trailer")
        end = 0 if part.startswith(b"{") else part.find(b"\n{") + 1
        if end or part.startswith(b"{"):
            line, _, padding = part[end:].partition(b"\n")
            part = part[:end]
            self._trailer = decode_trailer(line, name=self._name)
            self._read_padding(padding)
        self._order.take(part)
        self._digest.update(part)
        return part

    def _read_padding(self, padding: bytes) -> None:
        length = 0
        for part in chain((padding,), self._parts):
            length += len(part)
            if part.strip(b"\n") or length >= age.CHUNK:
                raise self._malformed("goes on after its trailer")
        if self._bytes % age.CHUNK:
            raise self._malformed("is not padded as a pack must be")

    def _split(self) -> Generator[bytes]:
        """Whole lines, some at a time; every byte must belong to one."""
        rest = b""
        try:
            for piece in self._pieces:
                self._bytes += len(piece)
                whole = piece.rfind(b"\n") + 1
                if whole:
                    lines, rest = rest + piece[:whole], piece[whole:]
                    self._refuse_long(lines)
                    yield lines
                else:
                    rest += piece
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

    def _refuse_long(self, lines: bytes) -> None:
        """From each line's start, its end must be among the bytes that a line may have."""
        start = 0
        while start < len(lines):
            start = lines.rfind(b"\n", start, start + MAX_LINE_BYTES + 1) + 1
            if not start:
                raise self._malformed("has a line that is too long")

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
