"""The only place that knows what time it is.

Everything else takes a `Clock`. Times are aware and in UTC; waiting goes through the clock as well,
so that a test can let hours pass in no time.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Protocol

__all__ = ["Clock", "ShiftedClock", "SystemClock"]


class Clock(Protocol):
    """Tells the time and waits."""

    def now(self) -> datetime:
        """The present instant, aware, in UTC."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait; returns early only by raising."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """The present instant, aware, in UTC."""
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        """Wait `seconds`; nothing for zero or less."""
        if seconds > 0:
            time.sleep(seconds)


class ShiftedClock:
    """The machine's clock moved to another day: it starts at an instant and runs on from there.

    Args:
        start: What `now` says at first, aware.
    """

    def __init__(self, start: datetime) -> None:
        self._offset = start - datetime.now(UTC)

    def now(self) -> datetime:
        """The shifted instant, aware, in UTC."""
        return datetime.now(UTC) + self._offset

    def sleep(self, seconds: float) -> None:
        """Wait `seconds`; nothing for zero or less."""
        if seconds > 0:
            time.sleep(seconds)
