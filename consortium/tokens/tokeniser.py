"""Tokens: HMAC-SHA-256 of a normalised value of a stated kind, under the key of an epoch.

What is hashed is `consortium/v1|KIND|PROFILE|VALUE`. Kind and profile come first and contain no
`|`, so no value of one kind can spell the message of another. Contact points keep all 32 bytes,
composites and content digests the first 16 (RFC 2104 section 5 allows truncation). A `Tokeniser`
may hold its key elsewhere; callers hand over whole columns so that one that asks another machine
(RFC 9497) need not be asked once per value.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Final, Protocol, cast

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC

from consortium.errors import KeyFailure, UsageError
from consortium.tokens.profile import PROFILE, Profile
from consortium.types import Token

__all__ = ["COMPOSITE_KINDS", "CONTACT_KINDS", "HmacTokeniser", "Tokeniser"]

CONTACT_KINDS: Final = frozenset({"email", "phone"})
"""Kinds whose tokens are 32 bytes."""
COMPOSITE_KINDS: Final = frozenset({"content", "name-address", "name-birth"})
"""Kinds whose tokens are 16 bytes."""

_KEY_BYTES = 32
_CONTACT_BYTES = 32
_COMPOSITE_BYTES = 16


class Tokeniser(Protocol):
    """Turns normalised values into tokens."""

    @property
    def epoch(self) -> int:
        """The key epoch that the tokens belong to."""
        ...

    def contact(self, kind: str, values: Sequence[str]) -> list[Token]:
        """One 32-byte token per value, in order; `kind` is one of `CONTACT_KINDS`."""
        ...

    def composite(self, kind: str, values: Sequence[str]) -> list[Token]:
        """One 16-byte token per value, in order; `kind` is one of `COMPOSITE_KINDS`."""
        ...


class HmacTokeniser:
    """The tokeniser that holds its key in memory.

    The key and the kind's prefix are hashed once per column and copied per value: 0.6 µs per token
    on one core of 2026, against 1.7 µs for `hmac.digest`.

    Args:
        key: 32 random bytes.
        epoch: Number of the key's epoch, from 1.
        profile: The rules that the values were normalised by.

    Raises:
        KeyFailure: The key is not 32 bytes.
    """

    __slots__ = ("_key", "_keyed", "epoch", "profile")

    def __init__(self, key: bytes, *, epoch: int, profile: Profile = PROFILE) -> None:
        if len(key) != _KEY_BYTES:
            raise KeyFailure(f"a token key has {_KEY_BYTES} bytes, this one {len(key)}")
        self._key = key
        self._keyed = HMAC(key, SHA256())
        self.epoch = epoch
        self.profile = profile

    def __reduce__(self) -> tuple[partial[HmacTokeniser], tuple[bytes]]:
        """For the pipe to a worker process, and nowhere else: the key is in it."""
        return partial(HmacTokeniser, epoch=self.epoch, profile=self.profile), (self._key,)

    def __repr__(self) -> str:
        return f"HmacTokeniser(epoch={self.epoch})"

    def contact(self, kind: str, values: Sequence[str]) -> list[Token]:
        """One 32-byte token per value, in order.

        Args:
            kind: `email` (values are `Email.canonical`) or `phone` (`Phone.e164`).
            values: Normalised values.

        Raises:
            UsageError: No contact point is of that kind.
        """
        if kind not in CONTACT_KINDS:
            raise UsageError(f'no contact point is of kind "{kind}"')
        return self._tokens(kind, values, _CONTACT_BYTES)

    def composite(self, kind: str, values: Sequence[str]) -> list[Token]:
        """One 16-byte token per value, in order.

        Args:
            kind: `name-birth`, `name-address` (values from `compose_name_birth`,
                `compose_name_address`) or `content` (a row's normalised content).
            values: Normalised values.

        Raises:
            UsageError: No composite is of that kind.
        """
        if kind not in COMPOSITE_KINDS:
            raise UsageError(f'no composite is of kind "{kind}"')
        return self._tokens(kind, values, _COMPOSITE_BYTES)

    def _tokens(self, kind: str, values: Sequence[str], size: int) -> list[Token]:
        start = self._keyed.copy()
        start.update(f"consortium/v1|{kind}|{self.profile.number}|".encode())
        copy = start.copy
        tokens: list[bytes] = []
        for value in values:
            one = copy()
            one.update(value.encode("utf-8", "surrogatepass"))
            tokens.append(one.finalize())
        if size != _CONTACT_BYTES:
            tokens = [token[:size] for token in tokens]
        return cast("list[Token]", tokens)
