"""Where a campaign's messages are: counted while it is sent, and reported when a run ends."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from consortium.delivery.handover import Handed
from consortium.delivery.intents import Batch
from consortium.delivery.pacing import Meter
from consortium.model import CampaignState, MessageState, Observer
from consortium.store.messages import FINAL, Tally
from consortium.types import CampaignName, MessageName, PartnerSlug

__all__ = ["Progress", "SendResult"]


@dataclass(frozen=True, slots=True)
class SendResult:
    """Where a campaign stands after a run.

    Attributes:
        campaign: Its name.
        state: Its state now.
        tally: Its messages by owner, state, rule and reason.
        unknown: Messages whose outcome is not known, of this run and of all before.
        recovered: Those among them that a run which died had left.
        held: Owners whose messages wait for something of theirs (`delivery.owners.REASONS`).
        next_at: When the next waiting message is due, if this run ended before.
    """

    campaign: CampaignName
    state: CampaignState
    tally: tuple[Tally, ...]
    unknown: tuple[MessageName, ...]
    recovered: tuple[MessageName, ...]
    held: Mapping[PartnerSlug, str]
    next_at: datetime | None

    def count(self, state: MessageState) -> int:
        """How many of its messages are in a state."""
        return sum(t.messages for t in self.tally if t.state is state)

    @property
    def stopped(self) -> dict[tuple[str, str], int]:
        """How many messages were stopped, by (rule, reason)."""
        found: Counter[tuple[str, str]] = Counter()
        for t in self.tally:
            if t.state is MessageState.STOPPED:
                found[t.rule or "", t.reason or ""] += t.messages
        return dict(sorted(found.items()))


class Progress:
    """Counts a run's messages and tells an observer of each that reaches its end.

    Facts it reports: `accepted`, `rejected`, `unknown`, `stopped`, `waiting`, `later` (tries that
    were put off in this run), `per_second`, `left_seconds`.

    Args:
        observer: Who is told.
        tally: The campaign's messages before the run.
        interval: From one message to the next at the campaign's rate.
    """

    def __init__(self, observer: Observer, tally: Iterable[Tally], *, interval: timedelta) -> None:
        self._observer = observer
        self._interval = interval
        self._later = 0
        self._counts: Counter[MessageState] = Counter()
        for t in tally:
            self._counts[t.state] += t.messages

    @property
    def waiting(self) -> int:
        """Messages that have not reached their end."""
        return self._counts[MessageState.WAITING] + self._counts[MessageState.INTENDED]

    def begin(self, label: str, *, meter: Meter) -> None:
        """Report what the runs before have done."""
        self._observer.begin(label, sum(self._counts.values()))
        self._report(self._ended, meter)

    def count(self, handed: Handed, batch: Batch | None, *, meter: Meter) -> None:
        """Take one transaction into account."""
        counts, before = self._counts, self._ended
        for settlement in handed.settlements:
            counts[MessageState.INTENDED] -= 1
            counts[settlement.state] += 1
            self._later += settlement.outcome == "later"
        stopped = len(handed.stopped)
        if batch is not None:
            stopped += len(batch.stopped)
            counts[MessageState.WAITING] -= len(batch.ready)
            counts[MessageState.INTENDED] += len(batch.ready)
        counts[MessageState.WAITING] -= stopped
        counts[MessageState.STOPPED] += stopped
        if handed.settled or self._ended > before:
            self._report(self._ended - before, meter)

    def end(self) -> None:
        """The run is over."""
        self._observer.end()

    @property
    def _ended(self) -> int:
        return sum(self._counts[state] for state in FINAL)

    def _report(self, steps: int, meter: Meter) -> None:
        counts = self._counts
        self._observer.advance(
            steps,
            accepted=counts[MessageState.ACCEPTED],
            rejected=counts[MessageState.REJECTED],
            unknown=counts[MessageState.UNKNOWN],
            stopped=counts[MessageState.STOPPED],
            waiting=self.waiting,
            later=self._later,
            per_second=round(meter.per_second, 2),
            left_seconds=round(meter.left(self.waiting, interval=self._interval)),
        )
