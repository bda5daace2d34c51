"""A clock that a test moves by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

__all__ = ["FakeClock"]


class FakeClock:
    """Stands still until it is moved; sleeping moves it, in no time.

    Args:
        start: The first instant, aware; by default a Monday noon UTC.

    Attributes:
        slept: How long each `sleep` was asked to last, in seconds, in order.
    """

    def __init__(self, start: datetime = datetime(2026, 10, 5, 12, tzinfo=UTC)) -> None:
        self._now = start.astimezone(UTC)
        self.slept: list[float] = []

    def now(self) -> datetime:
        """The instant it stands at."""
        return self._now

    def sleep(self, seconds: float) -> None:
        """Move on by `seconds`; nothing for zero or less."""
        self.slept.append(seconds)
        if seconds > 0:
            self._now += timedelta(seconds=seconds)

    def advance(self, by: timedelta) -> None:
        """Move by a span; a negative one turns the clock back."""
        self._now += by

    def set(self, instant: datetime) -> None:
        """Move to an aware instant."""
        self._now = instant.astimezone(UTC)
