"""How fast a campaign goes: so many messages per second, minute or hour."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from consortium.errors import DocumentError

__all__ = ["Rate", "rate"]

_SECONDS: Final = {"second": 1, "minute": 60, "hour": 3600}
_FORM = re.compile(r"([1-9][0-9]{0,4})/(second|minute|hour)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Rate:
    """`messages` in every `per_seconds`, evenly spaced."""

    messages: int
    per_seconds: int

    @property
    def interval(self) -> timedelta:
        """Between two messages."""
        return timedelta(seconds=self.per_seconds) / self.messages

    def ends_at(self, messages: int, *, start: datetime) -> datetime:
        """When so many messages have gone, if nothing holds them up."""
        return start + timedelta(seconds=self.per_seconds * messages / self.messages)

    def __str__(self) -> str:
        unit = next(name for name, seconds in _SECONDS.items() if seconds == self.per_seconds)
        return f"{self.messages}/{unit}"


def rate(text: str) -> Rate:
    """Read `5/second`, `100/minute` or `1000/hour`.

    Raises:
        DocumentError: It is none of these, or zero.
    """
    found = _FORM.fullmatch(text)
    if found is None:
        raise DocumentError(
            "the rate is not one we understand", hint='Write it like "5/second" or "100/minute".'
        )
    return Rate(messages=int(found[1]), per_seconds=_SECONDS[found[2]])
