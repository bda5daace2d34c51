"""Writing a pack, as a stream; the reader, and what a pack is: `consortium.vault.pack_file`.

Lines come some at a time, encoded wherever the caller likes. Costs about 1 µs a line.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import BinaryIO

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from consortium.errors import KeyFailure
from consortium.types import UploadDigest
from consortium.vault import age
from consortium.vault.pack_head import (
    Counts,
    PackHeader,
    Trailer,
    encode_header,
    encode_trailer,
    signed_bytes,
)
from consortium.vault.pack_order import Order
from consortium.vault.pack_rows import PackItem, encode_lines, line_of
from consortium.vault.wrap import STANDING, wrap_for_vault

__all__ = ["write_lines", "write_pack"]

_BATCH_LINES = 512


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
    owner_key: bytes | None = None,
) -> Trailer:
    """Write rows and opt-outs, each kind in ascending order of `number`; see `write_lines`."""
    return write_lines(
        stream,
        header=header,
        lines=_encoded(items),
        sign_key=sign_key,
        recipient=recipient,
        rejected=rejected,
        repeated=repeated,
        standing_to=standing_to,
        owner_key=owner_key,
    )


def _encoded(items: Iterable[PackItem]) -> Iterator[bytes]:
    rest = iter(items)
    while batch := [line_of(item) for item in islice(rest, _BATCH_LINES)]:
        yield b"".join(line + b"\n" for line in encode_lines(batch))


def write_lines(
    stream: BinaryIO,
    *,
    header: PackHeader,
    lines: Iterable[bytes],
    sign_key: bytes,
    recipient: str,
    rejected: int | Callable[[], int] = 0,
    repeated: int | Callable[[], int] = 0,
    standing_to: bytes | None = None,
    owner_key: bytes | None = None,
) -> Trailer:
    """Write a pack; an error leaves part of one in `stream`, which no reader accepts.

    Args:
        stream: Where to; its place and mode are the caller's matter.
        header: What the pack says of itself.
        lines: Some lines at a time, each as `pack_rows.encode_lines` gives it and with its
            newline; the numbers of each kind ascend.
        sign_key: The partner's `sign` key, 32 raw bytes.
        recipient: `intake_recipient` of the consortium's card.
        rejected: How many rows of the list were rejected; a function is asked after the last line.
        repeated: How many were left out as repeating another; the same.
        standing_to: `vault_key` of the consortium's card, if the owner's policy asks no approval;
            the data key is then wrapped to it. None: rows open only with an approval.
        owner_key: The partner's public `receive` key, so that it can open its own pack; None: only
            the consortium can.

    Returns:
        The trailer; its digest is the upload's.

    Raises:
        UsageError: A value of the header breaks the format's rules.
        BadFile: A line does, or its number is not above the last one's.
        KeyFailure: A key will not do.
        OSError: `stream` cannot be written.
    """
    try:
        signer = Ed25519PrivateKey.from_private_bytes(sign_key)
    except ValueError as error:
        raise KeyFailure("the signing key is not an Ed25519 key") from error
    written: list[Trailer] = []

    def parts() -> Iterator[bytes]:
        digest, order = hashlib.sha256(), Order()
        part = encode_header(header) + b"\n"
        size = len(part)
        digest.update(part)
        yield part
        for part in lines:
            order.take(part)
            size += len(part)
            digest.update(part)
            yield part
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
        part = encode_trailer(trailer) + b"\n"
        size += len(part)
        yield part + b"\n" * (-size % age.CHUNK)
        written.append(trailer)

    own = () if owner_key is None else (age.recipient_of_key(owner_key),)
    age.encrypt(parts(), stream, recipients=(recipient, *own))
    return written[0]
