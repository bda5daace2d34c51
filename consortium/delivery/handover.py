"""Handing over a committed batch, one message after the other.

For each: wait for its turn at the rate; is the intent still young, the run not told to stop, its
lock still held, and the message still allowed at this very instant (the deadline or the first quiet
hour can come inside a batch); open this one recipient's details, fill in the owner's form, hand
over, forget. What is not reached is given back: it is certain that nothing of it left, and the next
intent transaction decides it anew.

An answer says what becomes of its message:

* accepted, or rejected for good: final.
* for later, or refused for a reason that is about us (`5.7.x`): back to waiting, for longer each
  time; the third refusal that is about us counts as the recipient's.
* not handed over: back to waiting.
* unknown: final, named in the result, never tried again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from consortium.campaign.message import MessageForm, choose
from consortium.delivery.intents import Batch, Ready, Stopped
from consortium.delivery.openings import Openings
from consortium.delivery.pacing import HELD, Breaker, GiveUp, Meter, Pause, Rest, Waiter, retry_at
from consortium.delivery.render import Letter, Letterhead
from consortium.delivery.transport import (
    TOO_LATE,
    Accepted,
    Envelope,
    Later,
    NotHandedOver,
    Outcome,
    Rejected,
    Transport,
    Unknown,
    is_about_sender,
)
from consortium.errors import ConsortiumError, EvidenceError
from consortium.model import MessageState, PartnerCard, Purpose
from consortium.policy.decision import Refuse
from consortium.store.messages import message_name
from consortium.store.outbox import Intent, Settlement
from consortium.types import PartnerSlug, Token

__all__ = ["HandOver", "Handed", "Letters", "settlement"]

_PATIENCE_WITH_US: Final = 3  # refusals about us before one counts as the recipient's


@dataclass(slots=True)
class Handed:
    """What became of a batch.

    Attributes:
        settled: One settlement for each intent of the batch, with its message (None for one that
            a dead run has left).
        stopped: Messages given back that may never go.
        sign: What the answers say about the server, if anything.
        error: What ended the run, if anything did; nothing of that message was handed over.
    """

    settled: list[tuple[Settlement, Ready | None]] = field(default_factory=list)
    stopped: list[Stopped] = field(default_factory=list)
    sign: Rest | Pause | GiveUp | None = None
    error: ConsortiumError | None = None

    @property
    def settlements(self) -> list[Settlement]:
        """The settlements alone."""
        return [settlement for settlement, _ in self.settled]

    @property
    def intents(self) -> list[Intent]:
        """The intents that have an answer."""
        return [settlement.intent for settlement, _ in self.settled]


class Letters:
    """The owners' forms of one campaign, each made on first use.

    Args:
        forms: The campaign's messages, one per language.
        purpose: The campaign's.
        cards: The partners' public cards.
    """

    def __init__(
        self,
        forms: Sequence[MessageForm],
        *,
        purpose: Purpose,
        cards: Mapping[PartnerSlug, PartnerCard],
    ) -> None:
        self._forms = forms
        self._purpose = purpose
        self._cards = cards
        self._known: dict[tuple[PartnerSlug, int, str], Letter] = {}

    def letter(self, ready: Ready, *, language: str) -> Letter:
        """The form for one message."""
        form = choose(self._forms, language=language)
        owner, policy = ready.candidate.owner, ready.may.policy
        key = (owner, policy.version, form.language)
        if key not in self._known:
            card, identity = self._cards[owner], policy.compiled.document.identity
            head = Letterhead(
                name=card.name,
                from_name=identity.from_name or card.name,
                from_address=card.from_address,
                postal_address=card.postal_address,
                disclaimer=identity.disclaimer,
            )
            self._known[key] = Letter(head=head, form=form, purpose=self._purpose)
        return self._known[key]


def settlement(
    intent: Intent, outcome: Outcome, *, at: datetime, not_after: datetime
) -> Settlement:
    """What an answer means for its message (see the module's docstring)."""
    again = retry_at(intent.attempt, now=at, not_after=not_after)
    match outcome:
        case Accepted(code):
            return Settlement(intent, "accepted", code, MessageState.ACCEPTED, at)
        case Rejected(code) if not is_about_sender(code) or intent.attempt >= _PATIENCE_WITH_US:
            return Settlement(intent, "rejected", code, MessageState.REJECTED, at)
        case Rejected(code) | Later(code):
            return Settlement(intent, "later", code, MessageState.WAITING, at, again)
        case NotHandedOver(reason):
            blameless = reason in {"no_connection", TOO_LATE}
            soon = at if blameless else again  # else it may be the message's fault
            return Settlement(intent, "not_handed_over", None, MessageState.WAITING, at, soon)
        case Unknown():
            return Settlement(intent, "unknown", None, MessageState.UNKNOWN, at)


class HandOver:
    """Hands over the batches of one run.

    Args:
        transport: What carries messages.
        openings: Opens details.
        letters: The owners' forms.
        waiter: Tells the time, waits, and knows whether the run is told to stop.
        interval: From one hand-over to the next.
        not_after: The campaign's deadline.
        allowed: Whether a message may go at an instant, by all that was known at its decision.
        banned: Whether the recipient has opted out under any of these tokens; asked only where
            there is more than one key epoch, because then a ban may stand under a token that only
            the opened address gives.
        still_ours: Raises if the campaign's lock is lost.
        unopenable: Told of a message whose upload opens for none of its rows.
    """

    def __init__(
        self,
        *,
        transport: Transport,
        openings: Openings,
        letters: Letters,
        waiter: Waiter,
        interval: timedelta,
        not_after: datetime,
        allowed: Callable[[Ready, datetime], bool],
        banned: Callable[[Ready, Sequence[Token]], bool],
        still_ours: Callable[[], None],
        unopenable: Callable[[Ready], None],
    ) -> None:
        self._transport = transport
        self._openings = openings
        self._letters = letters
        self._waiter = waiter
        self._interval = interval
        self._not_after = not_after
        self._allowed = allowed
        self._banned = banned
        self._still_ours = still_ours
        self._unopenable = unopenable
        self._breaker = Breaker()
        self._next_at: datetime | None = None
        self._offered: Intent | None = None
        self.offered = 0
        self.meter = Meter()
        self.taken = timedelta(0)

    def batch(self, batch: Batch, handed: Handed) -> None:
        """Hand over what is ready; `handed` says what became of it, whatever is raised."""
        try:
            for intent, ready in batch.ready:
                if handed.sign is not None or not self._may_go_on(batch):
                    break
                self._one(intent, ready, handed)
        except ConsortiumError as error:  # by the transport's promise, nothing was handed over
            handed.error, self._offered = error, None
        finally:
            self.give_back(batch, handed)

    def give_back(self, batch: Batch, handed: Handed) -> None:
        """Note for the messages without an answer that they were not handed over."""
        answered = set(handed.intents)
        for intent, ready in batch.ready:
            if intent not in answered:
                handed.settled.append((self._unanswered(intent), ready))
        self._offered = None

    def _may_go_on(self, batch: Batch) -> bool:
        """Wait for the next turn; false if it does not come while the batch is young."""
        if self._next_at is not None:
            self._waiter.until(self._next_at, at_most=HELD)
        now = self._waiter.now()
        begin = max(batch.at, self._next_at or batch.at)  # later than now: a clock turned back
        end = min(batch.at + HELD, self._not_after)
        return begin <= now <= end and not self._waiter.stop()

    def _one(self, intent: Intent, ready: Ready, handed: Handed) -> None:
        if not self._may_go(ready):
            handed.settled.append((self._back(intent), ready))
            return
        envelope = self._envelope(ready)
        if isinstance(envelope, Envelope):
            envelope = replace(envelope, may_go=lambda: self._may_go(ready))
            outcome = self._deliver(intent, envelope)
            handed.settled.append((self._settled(intent, outcome), ready))
            handed.sign = self._breaker.see(outcome)
            return
        handed.settled.append((self._back(intent), ready))
        if envelope is None:
            self._unopenable(ready)
        else:
            candidate = ready.candidate
            handed.stopped.append(Stopped(candidate.message_id, candidate.number, envelope))

    def _may_go(self, ready: Ready) -> bool:
        return self._allowed(ready, self._waiter.now())

    def _deliver(self, intent: Intent, envelope: Envelope) -> Outcome:
        self._still_ours()
        began = self._waiter.now()
        self.offered += 1
        self._offered = intent
        outcome = self._transport.deliver(envelope)
        ended = self._waiter.now()
        self._next_at = began + self._interval
        self.taken = (self.taken * 4 + (ended - began)) / 5
        self.meter.count(ended)
        return outcome

    def _envelope(self, ready: Ready) -> Envelope | Refuse | None:
        """The message; why it may never go; or None if its upload does not open at all."""
        candidate, openings = ready.candidate, self._openings
        assert candidate.row is not None, "it was ready"
        assert candidate.token is not None, "it was ready"
        sealed = candidate.row.sealed
        try:
            details = openings.details(sealed, owner=candidate.owner, may=ready.may)
        except EvidenceError:
            if openings.has_opened(sealed, may=ready.may):
                return Refuse("details", None, "do_not_open")  # the key is right: this row is not
            return None
        address = openings.address(details, candidate.token)
        if address is None:
            return Refuse("details", None, "other_address")
        if openings.epochs > 1 and self._banned(ready, openings.tokens(address)):
            return Refuse("suppression", None, "opted_out")
        letter = self._letters.letter(ready, language=details.language or candidate.row.language)
        return letter.fill(
            to=address,
            first_name=details.first_name,
            last_name=details.last_name,
            code=candidate.code,
            message=message_name(candidate.message_id),
            at=self._waiter.now(),
        )

    def _settled(self, intent: Intent, outcome: Outcome) -> Settlement:
        return settlement(intent, outcome, at=self._waiter.now(), not_after=self._not_after)

    def _unanswered(self, intent: Intent) -> Settlement:
        """Offered, and then interrupted before its answer was noted: it may have gone."""
        if intent == self._offered:
            return self._settled(intent, Unknown("interrupted"))
        return self._back(intent)

    def _back(self, intent: Intent) -> Settlement:
        now = self._waiter.now()
        return Settlement(intent, "not_handed_over", None, MessageState.WAITING, now, now)
