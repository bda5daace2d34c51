"""How much more than its size a file may hold.

Compression says a thing once that stands there a million times, so a small file can hold more than
a machine works through in days: an archive, and likewise a workbook or Parquet file whose cells all
name one long text.
"""

from __future__ import annotations

from consortium.errors import BadFile

__all__ = ["MAX_RATIO", "UNPACK", "bomb", "is_bomb"]

MAX_RATIO = 200
"""Unpacked to packed, from 64 MiB on; exports of lists reach 30."""
UNPACK = "Unpack it yourself, look at what is in it, and give the list"

_FROM_BYTES = 64 * 2**20


def is_bomb(*, unpacked: int, packed: int) -> bool:
    """Whether so much of so little is no list any more."""
    return unpacked > _FROM_BYTES and unpacked > MAX_RATIO * packed


def bomb(name: str) -> BadFile:
    """What to say of one."""
    return BadFile(
        f"{name} would unpack to more than {MAX_RATIO} times its size, which no list does",
        hint=UNPACK,
    )
