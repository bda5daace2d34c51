"""How much to write at once, so that no other writer waits long (DESIGN, D1)."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["ChunkSize"]

_TARGET_SECONDS = 0.03
_LEAST, _MOST = 50, 5_000


class ChunkSize:
    """A number of rows that keeps each transaction at about 30 ms; learns from the last one."""

    def __init__(self) -> None:
        self.rows = 250

    @contextmanager
    def timed(self) -> Iterator[None]:
        """Around the transaction; the next size follows from how long it took."""
        began = time.perf_counter()
        yield
        spent = max(time.perf_counter() - began, 1e-4)
        factor = min(2.0, max(0.25, _TARGET_SECONDS / spent))
        self.rows = max(_LEAST, min(_MOST, int(self.rows * factor)))
