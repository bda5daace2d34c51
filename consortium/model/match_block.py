"""The match block: what merging needs of a row and no contact point.

Sealed under the match key and opened in memory only while persons are made. Version 1 is a JSON
array of strings in the order of the fields below.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import msgspec

from consortium.errors import EvidenceError

__all__ = ["MatchBlock"]

_ENCODE = msgspec.json.Encoder().encode
_DECODE = msgspec.json.Decoder(tuple[str, str, str, str, str, str, str]).decode


@dataclass(frozen=True, slots=True)
class MatchBlock:
    """Evidence for and against two rows being one human.

    Attributes:
        first: Given name, folded to lower-case ASCII letters; empty: unknown.
        first_class: Its nickname class (`tokens.names`), e.g. `elizabeth` for `beth`.
        surname_code: Phonetic code of the surname; empty: unknown.
        suffix: `jr`, `sr`, `ii`, `iii`, `iv` or empty.
        birth_date: `YYYY-MM-DD`, `YYYY`, `--MM-DD` or empty.
        house_number: Lower-case letters and digits, or empty.
        postcode: Normalised postcode, or empty.
    """

    first: str = ""
    first_class: str = ""
    surname_code: str = ""
    suffix: str = ""
    birth_date: str = ""
    house_number: str = ""
    postcode: str = ""

    def encode(self) -> bytes:
        """The bytes that are sealed."""
        fields = (
            self.first,
            self.first_class,
            self.surname_code,
            self.suffix,
            self.birth_date,
            self.house_number,
            self.postcode,
        )
        return _ENCODE(fields)

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """The inverse of `encode`.

        Raises:
            EvidenceError: Not a match block of this version.
        """
        try:
            return cls(*_DECODE(data))
        except (msgspec.MsgspecError, ValueError) as error:
            raise EvidenceError("a match block is not of a version this program knows") from error

    def __repr__(self) -> str:
        return "MatchBlock(‹personal›)"
