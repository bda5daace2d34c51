"""Rates that survive restarts and are shared by all workers: the generic cell rate algorithm.

One row per limit holds one instant, the *theoretical arrival time*: when the next message would be
due if all so far had come evenly spaced. A message may go at instant t if that time is at most
(burst − 1) intervals after t; it then moves one interval on, from itself or from t, whichever is
later. So any window of time that would hold N messages at the steady rate never sees more than
N + burst − 1, whatever was asked for, by how many, with whichever clock: turning the clock back
waits for the recorded time, turning it forward gives one burst.

What is not granted consumes nothing. Intervals are whole microseconds, rounded up.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import insert, select, update
from sqlalchemy.dialects import postgresql

from consortium.errors import UsageError
from consortium.store.engine import Tx
from consortium.store.tables import metadata

__all__ = ["Grant", "Rate", "reserve"]

_LIMIT = metadata.tables["consortium_limit"]


@dataclass(frozen=True, slots=True)
class Rate:
    """So many messages in so many seconds.

    Attributes:
        messages: At least 1.
        seconds: The span that many may be spread over, at least 1.
        burst: How many may go at once after a rest, at least 1.

    Raises:
        UsageError: A number below 1.
    """

    messages: int
    seconds: int = 1
    burst: int = 1

    def __post_init__(self) -> None:
        if min(self.messages, self.seconds, self.burst) < 1:
            raise UsageError(
                "a rate needs at least one message, one second and a burst of one",
                hint='Write it like "5/second" or "2000/hour".',
            )

    @property
    def interval(self) -> timedelta:
        """From one message to the next at the steady rate, rounded up to a microsecond."""
        return -(timedelta(seconds=-self.seconds) // self.messages)

    @property
    def tolerance(self) -> timedelta:
        """How far ahead of the steady rate a burst may run."""
        return self.interval * (self.burst - 1)


@dataclass(frozen=True, slots=True)
class Grant:
    """What a limit allows now.

    Attributes:
        count: How many messages may be handed over at once, from 0 to what was wanted.
        next_at: The first instant at which it would grant another one.
    """

    count: int
    next_at: datetime


def reserve(tx: Tx, name: str, *, rate: Rate, at: datetime, want: int) -> Grant:
    """Take up to `want` messages from a limit; what is granted counts as sent at `at`.

    Args:
        tx: The transaction that also records the intents; rolled back, nothing was taken.
        name: Which limit; made on first use. Take several in alphabetical order, so that two
            workers on PostgreSQL never wait for each other in a circle.
        rate: May change from one call to the next.
        at: Now, read after any wait for the database.
        want: How many, 0 or more.
    """
    due = _due(tx, name, at)
    begin = max(due, at)
    last = at + rate.tolerance  # the latest time that may still be due
    room = 0 if due > last else (last - begin) // rate.interval + 1
    count = min(max(want, 0), room)
    if count:
        due = begin + count * rate.interval
        tx.execute(update(_LIMIT).where(_LIMIT.c.name == name).values(next_at=due))
    return Grant(count, max(due - rate.tolerance, at))


def _due(tx: Tx, name: str, at: datetime) -> datetime:
    """The recorded instant, its row locked until the transaction ends; `at` for a new limit."""
    query = select(_LIMIT.c.next_at).where(_LIMIT.c.name == name).with_for_update()
    found: datetime | None = tx.execute(query).scalar_one_or_none()
    if found is not None:
        return found
    if tx.sqlite:
        tx.execute(insert(_LIMIT), {"name": name, "next_at": at})
        return at
    tx.execute(
        postgresql.insert(_LIMIT).on_conflict_do_nothing(), {"name": name, "next_at": at}
    )  # another worker may have been first
    recorded: datetime = tx.execute(query).scalar_one()
    return recorded
