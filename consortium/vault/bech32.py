"""Bech32 (BIP 173), the spelling of age's keys: five bits a letter and a check of six letters.

Only what writing a key takes; pyrage reads and judges them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

__all__ = ["encode"]

_LETTERS: Final = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_GENERATOR: Final = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
_CHECK: Final = 6


def encode(prefix: str, data: bytes) -> str:
    """Bytes under a prefix of small letters, digits and hyphens, in small letters."""
    values = _fives(data)
    return f"{prefix}1" + "".join(_LETTERS[v] for v in [*values, *_checksum(prefix, values)])


def _fives(data: bytes) -> list[int]:
    bits = len(data) * 8
    number = int.from_bytes(data, "big") << (-bits % 5)
    groups = -(-bits // 5)
    return [(number >> (5 * (groups - 1 - i))) & 31 for i in range(groups)]


def _checksum(prefix: str, values: Iterable[int]) -> list[int]:
    expanded = [ord(c) >> 5 for c in prefix] + [0] + [ord(c) & 31 for c in prefix]
    check = _polymod([*expanded, *values, *([0] * _CHECK)]) ^ 1
    return [(check >> (5 * (_CHECK - 1 - i))) & 31 for i in range(_CHECK)]


def _polymod(values: Iterable[int]) -> int:
    check = 1
    for value in values:
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ value
        for i, term in enumerate(_GENERATOR):
            check ^= term if (top >> i) & 1 else 0
    return check
