"""What is known of one voter: sealed under the match key, opened in memory while a match runs.

Version 1 is a JSON array in the order of the fields. It holds no name but the first one, folded,
and the surname's sound; no voter id; contact points only as the first 12 bytes of their tokens,
so that they meet the tokens of source rows and nothing else.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Self

from consortium.errors import EvidenceError
from consortium.types import PartnerSlug, Token, UploadDigest
from consortium.vault.seal import SealContext

__all__ = ["VoterBlock", "VoterIds", "seal_context", "short"]

_VERSION: Final = 1
_SHORT: Final = 12
_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))  # made once: 2 µs a row


@dataclass(frozen=True, slots=True)
class VoterBlock:
    """Evidence of one voter; strings are normalised as those of a `MatchBlock`.

    Attributes:
        first, surname_code, suffix: Of the name.
        birth: `YYYY-MM-DD`, `YYYY` or empty.
        house_number, postcode: Of the address.
        points: Contact points, as `short` writes them.
        place_set: Number of the voter's places in the load.
        status, age: As the file says; kept, and no evidence.
        elections: What the voter's own row says of past elections.
    """

    first: str = ""
    surname_code: str = ""
    suffix: str = ""
    birth: str = ""
    house_number: str = ""
    postcode: str = ""
    points: tuple[str, ...] = ()
    place_set: int = 0
    status: str = ""
    age: str = ""
    elections: tuple[str, ...] = ()

    def encode(self) -> bytes:
        """The bytes that are sealed."""
        fields = (
            _VERSION,
            self.first,
            self.surname_code,
            self.suffix,
            self.birth,
            self.house_number,
            self.postcode,
            self.points,
            self.place_set,
            self.status,
            self.age,
            self.elections,
        )
        return _ENCODER.encode(fields).encode()

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """The inverse of `encode`.

        Raises:
            EvidenceError: Not a voter of this version.
        """
        try:
            version, *fields = json.loads(data)
            first, code, suffix, birth, house, postcode, points, places, *rest = fields
            status, age, elections = rest
            if version != _VERSION:
                raise TypeError  # noqa: TRY301 - one handler for every shape of wrong
            return cls(
                first,
                code,
                suffix,
                birth,
                house,
                postcode,
                tuple(points),
                places,
                status,
                age,
                tuple(elections),
            )
        except (ValueError, TypeError):
            # no cause: a decoder's message may quote what it could not read
            raise EvidenceError("a voter's row is not of a version this program knows") from None

    def __repr__(self) -> str:
        return "VoterBlock(‹personal›)"


def short(token: Token) -> str:
    """A contact point's token, cut to what comparing needs."""
    return token[:_SHORT].hex()


def seal_context(origin: str, digest: bytes, *, what: str = "voters") -> SealContext:
    """Where a load's sealed values belong; no partner can be called so.

    Args:
        origin: The consortium's identity.
        digest: SHA-256 of the file, 32 bytes.
        what: `voters`, `history` or `frequencies`.
    """
    return SealContext(origin, PartnerSlug(f"={what}"), UploadDigest(digest))


class VoterIds:
    """Keyed digests of voters' ids, so that no id of a register is kept.

    Args:
        match_key: The match key.
        register: Which register the ids are of.
    """

    def __init__(self, match_key: bytes, *, register: str) -> None:
        self._voters = hmac.new(match_key, f"consortium/v1|voter|{register}|".encode(), "sha256")
        self._history = hmac.new(match_key, f"consortium/v1|history|{register}|".encode(), "sha256")

    def voters(self, ids: Iterable[str]) -> list[bytes]:
        """16 bytes for each id, as rows and links name a voter."""
        return [_digest(self._voters, one) for one in ids]

    def history(self, ids: Iterable[str]) -> list[bytes]:
        """16 bytes for each id, as rows of history name a voter."""
        return [_digest(self._history, one) for one in ids]


def _digest(start: hmac.HMAC, value: str) -> bytes:
    one = start.copy()
    one.update(value.encode("utf-8", "surrogatepass"))
    return one.digest()[:16]
