"""The intent transaction: where everything about a small batch of messages is decided.

In this order, inside one transaction: the campaign is being sent and its deadline has not passed;
which owners may speak (`delivery.owners`); the next messages in owners' turns; for each the facts
of this instant and every rule once more; then the rate. What passes all of it becomes `intended`,
with an attempt and a leaf in the ledger; what a rule refuses becomes `stopped`, with rule and
reason; what may go later waits until then. What neither passes nor is refused stays as it is.

House rules that no policy states:

* `upload`/`ended`: the list that the message rests on has been withdrawn or has expired.
* `one_message`/`already_written_to`: since the plan, a merge has found that somebody who has had a
  message of this campaign is the same person.
* `returned`/`ballot_returned`: of a campaign that asks people to vote, or says that it spares those
  who have: the person is matched to a voter on a list of who has voted.
* `deadline`/`window_ended`, `deadline`/`too_late`: the window has ended for a message that was
  never tried, or the campaign's last instant has passed for any.

Two messages of one person never pass in the same batch: the second one sees the first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from consortium.campaign.coverage import PolicyInForce
from consortium.campaign.document import CampaignDocument
from consortium.delivery.openings import Openings
from consortium.delivery.owners import Held, May, standing
from consortium.delivery.pacing import Turns, burst
from consortium.policy.decision import Allow, Decision, Defer, Refuse
from consortium.policy.engine import CompiledPolicy, decide
from consortium.policy.facts import Ask, RowFacts
from consortium.store import campaigns, limits, outbox, recipients
from consortium.store.campaigns import CampaignRecord
from consortium.store.engine import Tx
from consortium.store.outbox import Intent
from consortium.store.recipients import Candidate
from consortium.store.rows import SealedRow
from consortium.types import PartnerSlug, PersonId

__all__ = ["RULES", "Batch", "Decider", "Ready", "Stopped"]

RULES: Final[Mapping[tuple[str, str], str]] = {
    ("upload", "ended"): "the list it rests on was withdrawn or has expired",
    ("one_message", "already_written_to"): "the same person has had a message of this campaign",
    ("returned", "ballot_returned"): "the person has voted already",
    ("deadline", "too_late"): "the campaign's last instant had passed",
    ("deadline", "window_ended"): "the campaign's window had ended",
    ("details", "do_not_open"): "its sealed details are damaged",
    ("details", "other_address"): "its sealed details hold another address",
    ("suppression", "opted_out"): "the recipient has opted out",
}
"""Rules and reasons of the house, beside those of the policies, as words for a screen."""

_FETCH: Final = 500


@dataclass(frozen=True, slots=True)
class Ready:
    """A message that may go now: everything for handing it over but its details."""

    candidate: Candidate
    may: May


@dataclass(frozen=True, slots=True)
class Stopped:
    """A message that a rule has stopped for good."""

    message_id: int
    number: int
    refusal: Refuse


@dataclass(slots=True)
class Batch:
    """What one intent transaction has come to.

    Attributes:
        at: When it was decided.
        ready: Each with its intent, in the order of owners' turns.
        stopped: For good.
        next_at: When to look again; None: nothing waits that could go.
        held: Owners whose messages wait for something of theirs, and for what.
    """

    at: datetime
    ready: list[tuple[Intent, Ready]] = field(default_factory=list)
    stopped: list[Stopped] = field(default_factory=list)
    next_at: datetime | None = None
    held: dict[PartnerSlug, str] = field(default_factory=dict)


@dataclass(slots=True)
class _Verdicts:
    passed: list[Ready] = field(default_factory=list)
    stopped: list[Stopped] = field(default_factory=list)
    deferred: list[tuple[int, datetime]] = field(default_factory=list)


class Decider:
    """Decides batches of one campaign, for one run.

    Args:
        campaign: The campaign.
        document: What it says.
        partners: Owners' ids by short name.
        policies: Reads the policies in force.
        openings: Whether an owner's rows can be opened.
        handed_over: Per owner id: messages that count against its ceiling already.
    """

    def __init__(
        self,
        *,
        campaign: CampaignRecord,
        document: CampaignDocument,
        partners: Mapping[PartnerSlug, int],
        policies: Callable[[Tx], Mapping[PartnerSlug, PolicyInForce]],
        openings: Openings,
        handed_over: Mapping[int, int],
    ) -> None:
        self._campaign = campaign
        self._document = document
        self._partners = partners
        self._policies = policies
        self._openings = openings
        self._gone = Counter(handed_over)
        self._shut: dict[int, Ready] = {}
        self._compiled: Mapping[PartnerSlug, CompiledPolicy] = {}
        self._turns = Turns()
        speed = document.speed
        self.rate: Final = limits.Rate(
            speed.messages, speed.per_seconds, burst=burst(speed.interval)
        )

    def came_back(self, ready: Ready) -> None:
        """An intent was not handed over after all, and its message waits again."""
        self._gone[ready.candidate.owner_id] -= 1

    def shut(self, ready: Ready) -> None:
        """This message's row does not open, and no other of its upload has: leave the upload out.

        It comes back once another of its rows opens: then its key is right and this row is not.
        """
        self._shut[_sealed(ready).upload_id] = ready

    def still_allows(self, ready: Ready, *, at: datetime) -> bool:
        """Whether what was decided holds a little later too: quiet hours may have begun."""
        until = ready.may.until
        if until is not None and at > until:
            return False
        return isinstance(self._judge(ready.candidate, at), Allow)

    def decide(self, tx: Tx, *, at: datetime, most: int) -> Batch:
        """Decide up to `most` messages and record what was decided, but for the ledger.

        Args:
            tx: The intent transaction.
            at: Now, read inside it.
            most: How many intents there may be.
        """
        batch = Batch(at)
        self._shut = {
            upload_id: ready
            for upload_id, ready in self._shut.items()
            if not self._openings.has_opened(_sealed(ready), may=ready.may)
        }
        policies = self._policies(tx)
        self._compiled = {slug: policy.compiled for slug, policy in policies.items()}
        owners = self._owners(tx, policies, batch)
        if at < self._campaign.starts_at or not owners:
            batch.next_at = self._next(tx, owners, at)
            return batch
        picked = self._turns.take(
            most,
            owners=[self._partners[slug] for slug in owners],
            fetch=lambda owner: outbox.waiting(
                tx,
                self._campaign.id,
                owner_id=owner,
                now=at,
                limit=_FETCH,
                without_uploads=self._shut,
            ),
        )
        verdicts = self._judge_all(tx, picked, owners, at)
        batch.held |= {ready.candidate.owner: "no_wrap" for ready in self._shut.values()}
        next_grant = self._intend(tx, verdicts.passed, batch)
        for message_id, until in verdicts.deferred:
            outbox.postpone(tx, [message_id], until=until)
        for stopped in verdicts.stopped:
            refusal = stopped.refusal
            outbox.stop(tx, [stopped.message_id], rule=refusal.rule, reason=refusal.reason, at=at)
        batch.stopped = verdicts.stopped
        if batch.ready or verdicts.stopped or verdicts.deferred:
            batch.next_at = at
        elif verdicts.passed:
            batch.next_at = next_grant
        else:
            batch.next_at = self._next(tx, owners, at)
        return batch

    def _intend(self, tx: Tx, passed: Sequence[Ready], batch: Batch) -> datetime:
        """As many intents as the rate allows; when it will allow another."""
        grant = limits.reserve(
            tx, f"campaign {self._campaign.name}", rate=self.rate, at=batch.at, want=len(passed)
        )
        going, back = passed[: grant.count], passed[grant.count :]
        self._turns.give_back((r.candidate.owner_id, r.candidate.message_id) for r in back)
        intents = outbox.intend(tx, [r.candidate.message_id for r in going], at=batch.at)
        batch.ready = list(zip(intents, going, strict=True))
        self._gone.update(r.candidate.owner_id for r in going)
        return grant.next_at

    def _next(self, tx: Tx, owners: Iterable[PartnerSlug], at: datetime) -> datetime | None:
        ids = [self._partners[slug] for slug in owners]
        due = outbox.next_due(tx, self._campaign.id, owner_ids=ids, without_uploads=self._shut)
        return None if due is None else max(due, self._campaign.starts_at, at)

    def _owners(
        self, tx: Tx, policies: Mapping[PartnerSlug, PolicyInForce], batch: Batch
    ) -> dict[PartnerSlug, May]:
        answers = campaigns.latest_answers(tx, self._campaign.id)
        may = {}
        for slug, partner_id in self._partners.items():
            found = standing(
                self._campaign,
                answer=answers.get(slug),
                policy=policies.get(slug),
                handed_over=self._gone[partner_id],
                now=batch.at,
            )
            match found:
                case May():
                    may[slug] = found
                case Held(reason):
                    batch.held[slug] = reason
        return may

    def _judge_all(
        self,
        tx: Tx,
        picked: Sequence[int],
        owners: Mapping[PartnerSlug, May],
        at: datetime,
    ) -> _Verdicts:
        found = {c.message_id: c for c in self._read(tx, picked, at)}
        room = {slug: may.room for slug, may in owners.items()}
        persons: set[PersonId] = set()
        verdicts = _Verdicts()
        for candidate in (found[i] for i in picked if i in found):
            may, left = owners[candidate.owner], room[candidate.owner]
            if candidate.person_id in persons or left == 0:
                continue  # still due: the next batch asks about it again
            answer = self._judge(candidate, at)
            match answer:
                case Refuse():
                    stopped = Stopped(candidate.message_id, candidate.number, answer)
                    verdicts.stopped.append(stopped)
                case Defer(until=until):
                    verdicts.deferred.append((candidate.message_id, until))
                case Allow():
                    ready = Ready(candidate, may)
                    if not self._opens(ready):
                        self.shut(ready)
                        continue
                    verdicts.passed.append(ready)
                    room[candidate.owner] = None if left is None else left - 1
                    if candidate.person_id is not None:
                        persons.add(candidate.person_id)
        return verdicts

    def _read(self, tx: Tx, picked: Sequence[int], at: datetime) -> list[Candidate]:
        asked = self._document.purpose if self._document.spares_voted else None
        return recipients.read(tx, picked, day=at.date(), voted_for=asked)

    def _opens(self, ready: Ready) -> bool:
        assert ready.candidate.row is not None, "it passed"
        return self._openings.can_open(
            ready.candidate.row.sealed, owner=ready.candidate.owner, may=ready.may
        )

    def _judge(self, candidate: Candidate, at: datetime) -> Decision:
        if candidate.row is None or candidate.token is None:
            return Refuse("upload", None, "ended")
        if candidate.written_to:
            return Refuse("one_message", None, "already_written_to")
        if candidate.voted:
            return Refuse("returned", None, "ballot_returned")
        document, campaign = self._document, self._campaign
        ask = Ask(
            campaign=campaign.name,
            channel=campaign.channel,
            purpose=document.purpose,
            content=document.content,
            at=at,
            deadline=campaign.not_after if candidate.tried else campaign.ends_at,
            window_start=campaign.starts_at,
            window_end=campaign.ends_at,
        )
        row = RowFacts(
            owner=candidate.owner,
            relationship=candidate.row.relationship,
            places=candidate.row.places,
            basis=candidate.row.basis,
            consent_on=candidate.row.consent_on,
            approved=True,
        )
        return decide(self._compiled, ask, row, candidate.person)


def _sealed(ready: Ready) -> SealedRow:
    assert ready.candidate.row is not None, "it was ready"
    return ready.candidate.row.sealed
