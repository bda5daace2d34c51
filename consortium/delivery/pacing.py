"""Everything that decides when the next message may go, apart from the rules.

* A batch is what one intent transaction covers: at most `BATCH` messages, at most what the rate
  allows in half a second, at most what the server has lately taken in four seconds. An intent that
  has waited `HELD` is given back instead of handed over. So a crash leaves at most `BATCH`
  messages in doubt, and at a slow rate only one or two.
* A message that was refused for now waits a minute, then twice as long each time, at most an hour,
  and never beyond the deadline.
* A server that does not answer is left alone for twice as long each time. After that, and after
  three lost answers in a row, the run ends with an error: what has not gone still waits.
* A server that says again and again that it dislikes *us* pauses the campaign, before more
  recipients are spent on it (`Breaker`).

Owners take turns, whatever the length of their queues (`Turns`).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from consortium.clock import Clock
from consortium.delivery.transport import (
    TOO_LATE,
    Accepted,
    Later,
    NotHandedOver,
    Outcome,
    Rejected,
    Unknown,
    is_about_sender,
)

__all__ = [
    "BATCH",
    "HELD",
    "Breaker",
    "GiveUp",
    "Meter",
    "Pause",
    "Rest",
    "Turns",
    "Waiter",
    "batch_size",
    "burst",
    "retry_at",
]

BATCH: Final = 20
"""The most intents that are committed and not yet handed over: also the most `unknown` per crash
(docs/explanation/exactly-once.md)."""
HELD: Final = timedelta(seconds=5)
"""How old an intent may be when it is handed over."""

_BURST_SPAN = timedelta(seconds=0.5)
_TAKEN_SPAN = timedelta(seconds=4)
_FIRST_RETRY, _LAST_RETRY = timedelta(minutes=1), timedelta(hours=1)
_STEP_SECONDS = 0.5
_NO_ANSWER, _LOST_ANSWERS = 6, 3
_ABOUT_US, _ALIKE = 5, 10


def burst(interval: timedelta) -> int:
    """How many messages a rate may bring at once: half a second's worth, 1 to `BATCH`."""
    return max(1, min(BATCH, 1 + _BURST_SPAN // interval))


def batch_size(interval: timedelta, *, taken: timedelta) -> int:
    """How many messages the next batch may hold.

    Args:
        interval: Of the rate.
        taken: What one hand-over has lately taken.
    """
    fits = BATCH if taken <= timedelta(0) else max(1, _TAKEN_SPAN // taken)
    return min(burst(interval), fits)


def retry_at(attempt: int, *, now: datetime, not_after: datetime) -> datetime:
    """When a message may be tried again after its `attempt`-th try, counted from 1."""
    wait = min(_FIRST_RETRY * (1 << min(attempt - 1, 10)), _LAST_RETRY)
    return max(now, min(now + wait, not_after))


@dataclass(frozen=True, slots=True)
class Rest:
    """Leave the server alone for a while."""

    wait: timedelta


@dataclass(frozen=True, slots=True)
class Pause:
    """Pause the campaign; `code` is what the server keeps saying."""

    code: str


@dataclass(frozen=True, slots=True)
class GiveUp:
    """End the run; `reason` completes "the mail server …"."""

    reason: str


class Breaker:
    """Watches the answers of one run for signs that the fault is ours or the server's."""

    def __init__(self) -> None:
        self._silent = 0
        self._lost = 0
        self._about_us = 0
        self._alike = 0
        self._code = ""

    def see(self, outcome: Outcome) -> Rest | Pause | GiveUp | None:
        """Take one answer into account; what to do about it, if anything."""
        match outcome:
            case Accepted():
                self._silent = self._lost = self._about_us = self._alike = 0
            case NotHandedOver(reason) if reason == TOO_LATE:
                return None
            case NotHandedOver():
                self._silent += 1
                if self._silent >= _NO_ANSWER:
                    return GiveUp(f"could not be reached {self._silent} times in a row")
                return Rest(timedelta(seconds=1 << (self._silent - 1)))
            case Unknown():
                self._lost += 1
                if self._lost >= _LOST_ANSWERS:
                    return GiveUp(f"took {self._lost} messages in a row without an answer")
            case Rejected(code) | Later(code):
                self._silent = self._lost = 0
                return self._refused(code, final=isinstance(outcome, Rejected))
        return None

    def _refused(self, code: str, *, final: bool) -> Pause | None:
        self._alike = self._alike + 1 if code == self._code else 1
        self._code = code
        self._about_us = self._about_us + 1 if is_about_sender(code) else 0
        dead = " 5.1." in code  # one dead address after the other is a bad list, not a bad sender
        if self._about_us >= _ABOUT_US or (final and not dead and self._alike >= _ALIKE):
            self._about_us = self._alike = 0
            return Pause(code)
        return None


class Turns:
    """Owners' queues, taken from in turn, whatever their length.

    What is in a queue was due when it was fetched; whether it may go is for the taker to see.
    """

    def __init__(self) -> None:
        self._queues: dict[int, deque[int]] = {}
        self._order: deque[int] = deque()

    def take(
        self, count: int, *, owners: Iterable[int], fetch: Callable[[int], Iterable[int]]
    ) -> list[int]:
        """Up to `count` ids, one owner after the other; fewer if no more are due.

        Args:
            count: How many.
            owners: Whose.
            fetch: Gives the ids of an owner that are due now, oldest first, some hundred at a
                time; asked once its queue is empty.
        """
        allowed = set(owners)
        self._order.extend(sorted(allowed - set(self._order)))
        taken: dict[int, None] = {}
        empty: set[int] = set()
        while len(taken) < count and len(empty) < len(allowed):
            owner = self._order[0]
            self._order.rotate(-1)
            if owner not in allowed or owner in empty:
                continue
            queue = self._queues.setdefault(owner, deque())
            if not queue:
                queue.extend(i for i in fetch(owner) if i not in taken)
            if queue:
                taken[queue.popleft()] = None
            else:
                empty.add(owner)
        return list(taken)

    def give_back(self, taken: Iterable[tuple[int, int]]) -> None:
        """Put (owner, id) pairs back to the front of their queues, in the order they had."""
        for owner, message in reversed(list(taken)):
            self._queues.setdefault(owner, deque()).appendleft(message)


class Waiter:
    """Waits in small steps, so that a run told to stop stops.

    Args:
        clock: What time it is.
        stop: Whether the run is told to stop.
    """

    def __init__(self, clock: Clock, stop: Callable[[], bool]) -> None:
        self._clock = clock
        self.stop = stop

    def now(self) -> datetime:
        """The present instant."""
        return self._clock.now()

    def until(self, instant: datetime, *, at_most: timedelta = timedelta.max) -> None:
        """Wait until an instant, or until the run is told to stop.

        Args:
            instant: On the clock, which may be turned back meanwhile.
            at_most: The longest wait, whatever the clock says.
        """
        patience = at_most.total_seconds()
        while (left := (instant - self._clock.now()).total_seconds()) > 0 and not self.stop():
            if patience <= 0:
                return
            step = min(left, patience, _STEP_SECONDS)
            self._clock.sleep(step)
            patience -= step


class Meter:
    """How fast it goes, over the last minute, and how long it will take."""

    def __init__(self) -> None:
        self._seen: deque[datetime] = deque(maxlen=1000)

    def count(self, at: datetime) -> None:
        """One more message was handed over."""
        self._seen.append(at)
        while self._seen[0] < at - timedelta(minutes=1):
            self._seen.popleft()

    @property
    def per_second(self) -> float:
        """Messages per second; 0 until two have gone."""
        if len(self._seen) < 2:  # noqa: PLR2004 - a speed needs two instants
            return 0.0
        span = (self._seen[-1] - self._seen[0]).total_seconds()
        return (len(self._seen) - 1) / span if span > 0 else 0.0

    def left(self, waiting: int, *, interval: timedelta) -> float:
        """Seconds until `waiting` more have gone: at the speed seen, never faster than the rate."""
        seen = 1 / self.per_second if self.per_second else 0.0
        return waiting * max(seen, interval.total_seconds())
