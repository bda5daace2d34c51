"""The age file format (age-encryption.org/v1) as streams, so that plaintext stays in memory.

pyrage works on file objects and pushes; a reader of packs wants to pull. So decryption runs in a
thread of its own that fills a short queue: memory stays at about half a megabyte whatever the
file's length, and no plaintext touches the disk. Encryption pulls from an iterator and needs no
thread.

`Cause` tells apart why a file does not open. age itself cannot tell a cut file from a changed one,
so a pack's plaintext is padded to whole chunks of 64 KiB (`CHUNK`): a file whose length is not
that of whole chunks was cut short. The padding also hides a list's exact size.
"""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Generator, Iterable, Sequence
from enum import Enum, auto
from typing import BinaryIO, Final

import pyrage  # type: ignore[import-untyped] # pyrage ships no types
from pyrage import x25519

from consortium.errors import KeyFailure
from consortium.vault import bech32

__all__ = [
    "CHUNK",
    "AgeFailure",
    "Cause",
    "decrypt",
    "encrypt",
    "identity_of_key",
    "is_recipient",
    "new_identity",
    "recipient_of",
    "recipient_of_key",
]

CHUNK: Final = 64 * 1024
"""Plaintext bytes per chunk of the age format."""
_TAG, _NONCE = 16, 16
_MAGIC = b"age-encryption.org/v1\n"
_MAX_HEADER = 64 * 1024
_QUEUED_PIECES = 4


class Cause(Enum):
    """Why an age file does not open."""

    NOT_AGE = auto()
    OTHER_RECIPIENT = auto()
    CUT_SHORT = auto()
    ALTERED = auto()


class AgeFailure(Exception):
    """An age file does not open; `cause` says why."""

    def __init__(self, cause: Cause) -> None:
        super().__init__(cause.name)
        self.cause = cause


def new_identity() -> bytes:
    """A new age X25519 identity as text (`AGE-SECRET-KEY-1…`)."""
    return str(x25519.Identity.generate()).encode()


def recipient_of(identity: bytes) -> str:
    """The recipient (`age1…`) that an identity opens for.

    Raises:
        KeyFailure: Not an age identity.
    """
    return str(_identity(identity).to_public())


def is_recipient(text: str) -> bool:
    """Whether packs can be encrypted to this recipient."""
    try:
        x25519.Recipient.from_str(text)
    except pyrage.RecipientError:
        return False
    return True


def recipient_of_key(public: bytes) -> str:
    """The recipient that is an X25519 public key of ours; 32 raw bytes (RFC 7748)."""
    return bech32.encode("age", public)


def identity_of_key(private: bytes) -> bytes:
    """The identity that is an X25519 private key of ours; 32 raw bytes."""
    return bech32.encode("age-secret-key-", private).upper().encode()


def _identity(text: bytes) -> x25519.Identity:
    try:
        return x25519.Identity.from_str(text.decode("ascii").strip())
    except (pyrage.IdentityError, UnicodeDecodeError) as error:
        raise KeyFailure("the intake key is not an age identity") from error


class _Pull:
    """A readable file over an iterator of bytes; keeps what the iterator raised."""

    def __init__(self, source: Iterable[bytes]) -> None:
        self._source = iter(source)
        self._rest = bytearray()
        self.raised: BaseException | None = None

    def read(self, size: int = -1, /) -> bytes:
        try:
            while size < 0 or len(self._rest) < size:
                self._rest += next(self._source)
        except StopIteration:
            pass
        except BaseException as error:
            self.raised = error
            raise
        end = len(self._rest) if size < 0 else size
        piece = bytes(self._rest[:end])
        del self._rest[:end]
        return piece


def encrypt(source: Iterable[bytes], target: BinaryIO, *, recipients: Sequence[str]) -> None:
    """Encrypt what `source` yields into `target`; whatever `source` raises is passed on.

    Args:
        source: Plaintext in pieces.
        target: Where to.
        recipients: Each of them can open it; nobody sees from the file who they are.

    Raises:
        KeyFailure: One of them is not an age X25519 recipient.
        OSError: `target` cannot be written.
    """
    try:
        to = [x25519.Recipient.from_str(recipient) for recipient in recipients]
    except pyrage.RecipientError as error:
        raise KeyFailure("the consortium's card names no usable intake recipient") from error
    reader = _Pull(source)
    try:
        pyrage.encrypt_io(reader, target, to)
    except pyrage.EncryptError as error:
        if reader.raised is not None:
            raise reader.raised from None
        raise OSError("encryption failed while writing") from error


class _Counted:
    """Hands a file on to the decryptor, remembering how much there was and the header's length."""

    def __init__(self, source: BinaryIO) -> None:
        self._source = source
        self._head = b""
        self.total = 0
        self.failed: OSError | None = None

    def read(self, size: int = -1, /) -> bytes:
        try:
            piece = self._source.read(size)
        except OSError as error:
            self.failed = error
            raise
        self.total += len(piece)
        if len(self._head) < _MAX_HEADER:
            self._head += piece
        return piece

    def cause(self) -> Cause:
        """Why it did not open, judged by its length; reads on to the end."""
        while self.read(CHUNK):
            pass
        if not self._head:
            return Cause.NOT_AGE
        if not self._head.startswith(_MAGIC):
            return Cause.CUT_SHORT if _MAGIC.startswith(self._head) else Cause.NOT_AGE
        last = self._head.find(b"\n--- ")
        end = self._head.find(b"\n", last + 1) if last >= 0 else -1
        if end < 0:
            return Cause.CUT_SHORT if len(self._head) < _MAX_HEADER else Cause.ALTERED
        payload = self.total - (end + 1) - _NONCE
        whole = payload > 0 and payload % (CHUNK + _TAG) == 0
        return Cause.ALTERED if whole else Cause.CUT_SHORT


class _Stopped(Exception):
    """The reader of the plaintext has gone."""


class _Push:
    """A writable file that feeds a short queue in pieces of one chunk."""

    def __init__(self) -> None:
        self.pieces: queue.Queue[bytes | BaseException | None] = queue.Queue(_QUEUED_PIECES)
        self.stopped = threading.Event()
        self._rest = bytearray()

    def write(self, data: bytes, /) -> int:
        self._rest += data
        if len(self._rest) >= CHUNK:
            self.flush()
        return len(data)

    def flush(self) -> None:
        if self._rest:
            self.put(bytes(self._rest))
            self._rest.clear()

    def put(self, item: bytes | BaseException | None) -> None:
        while not self.stopped.is_set():
            with contextlib.suppress(queue.Full):
                self.pieces.put(item, timeout=0.2)
                return
        raise _Stopped


def _work(source: _Counted, push: _Push, identity: x25519.Identity) -> None:
    end: BaseException | None = None
    with contextlib.suppress(_Stopped):
        try:
            pyrage.decrypt_io(source, push, [identity])
            push.flush()
        except _Stopped:
            raise
        except (pyrage.DecryptError, OSError) as error:
            end = _failure(source, error)
        except BaseException as error:  # noqa: BLE001 - it belongs to the reader's thread
            end = error
        push.put(end)


def _failure(source: _Counted, error: Exception) -> AgeFailure | OSError:
    """What pyrage's error means; its wording is only asked where length cannot tell."""
    if source.failed is not None:
        return source.failed
    text = str(error)
    if "No matching keys" in text:
        return AgeFailure(Cause.OTHER_RECIPIENT)
    if "truncated" in text:
        return AgeFailure(Cause.CUT_SHORT)
    try:
        return AgeFailure(source.cause())
    except OSError as failed:
        return failed


def decrypt(source: BinaryIO, *, identity: bytes) -> Generator[bytes]:
    """The plaintext of an age file, in pieces of about 64 KiB.

    Every piece has been authenticated; that it was the last is known only once the iterator has
    ended by itself. Closing the iterator early ends the work behind it. `source` must not be used
    by others meanwhile.

    Raises:
        KeyFailure: `identity` is not an age identity.
        AgeFailure: The file does not open.
        OSError: `source` cannot be read.
    """
    key = _identity(identity)
    push = _Push()
    worker = threading.Thread(
        target=_work, args=(_Counted(source), push, key), name="age-decrypt", daemon=True
    )
    worker.start()
    try:
        while (piece := push.pieces.get()) is not None:
            if isinstance(piece, bytes):
                yield piece
            else:
                raise piece
    finally:
        push.stopped.set()
        worker.join()
