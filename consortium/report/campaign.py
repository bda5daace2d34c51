"""The report of a campaign: what went out, in whose name, and why the others got nothing.

Counts and reasons only: no address, no name, no token, and of persons no number either. Messages
whose outcome is not known are named, because somebody has to look into them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from consortium.campaign import document as documents
from consortium.campaign.audience import rounded
from consortium.model import AnswerKind, CampaignState, Channel, MessageState
from consortium.policy.words import group, phrase
from consortium.store import campaigns, history, ledger, messages, plans
from consortium.store.engine import Database, Tx
from consortium.store.messages import Tally
from consortium.store.plans import AnswerTotal
from consortium.types import EntryIndex, MessageName, PartnerSlug

__all__ = ["CampaignReport", "OwnerLine", "campaign_report"]


@dataclass(frozen=True, slots=True)
class OwnerLine:
    """One partner's part.

    Attributes:
        owner: Whose.
        answer: `approved`, `declined` or `not answered` (a standing approval needs no answer).
        ceiling: The most messages its approval covers; None without one.
        accepted, rejected, unknown, stopped, waiting: Its messages by where they stand.
    """

    owner: PartnerSlug
    answer: str
    ceiling: int | None
    accepted: int
    rejected: int
    unknown: int
    stopped: int
    waiting: int

    @property
    def planned(self) -> int:
        """All its messages."""
        return self.accepted + self.rejected + self.unknown + self.stopped + self.waiting


@dataclass(frozen=True, slots=True)
class CampaignReport:
    """Where a campaign stands.

    Attributes:
        name, purpose, content, channel, state: What it is.
        starts_at, ends_at, deadline: Its window and the end of everything, UTC.
        audience: Persons in the audience, rounded.
        planned: Persons the plan gave a message.
        refused, deferred: (why, persons), the most frequent first.
        owners: Each partner's part, by name.
        stopped: (why, messages) of those a rule held back at the last moment.
        unknown: Messages whose outcome nobody knows.
        span: The first and the last hand-over, or None.
        plan_digest, plan_entry: The plan in force, as the ledger has it; None before planning.
        ledger_size, checkpoint_size: Entries now, and entries covered by the newest checkpoint.
    """

    name: str
    purpose: str
    content: str
    channel: Channel
    state: CampaignState
    starts_at: datetime
    ends_at: datetime
    deadline: datetime
    audience: int
    planned: int
    refused: tuple[tuple[str, int], ...]
    deferred: tuple[tuple[str, int], ...]
    owners: tuple[OwnerLine, ...]
    stopped: tuple[tuple[str, int], ...]
    unknown: tuple[MessageName, ...]
    span: tuple[datetime, datetime] | None
    plan_digest: str | None
    plan_entry: EntryIndex | None
    ledger_size: int
    checkpoint_size: int

    def messages(self, state: MessageState) -> int:
        """How many messages are in a final state, or `waiting`."""
        return sum(int(getattr(line, state.value)) for line in self.owners)


def campaign_report(database: Database, name: str) -> CampaignReport:
    """The report of a campaign, as it stands now.

    Raises:
        NotFound: There is no such campaign.
    """
    with database.read() as tx:
        campaign = campaigns.get(tx, name)
        asked = documents.parse(campaign.document, name=campaign.name)
        plan = plans.frozen(tx, campaign.id)
        totals = plans.totals(tx, plan.id) if plan else []
        tally = messages.tally(tx, campaign.id)
        latest = ledger.latest_checkpoint(tx)
        return CampaignReport(
            name=campaign.name,
            purpose=asked.purpose.value,
            content=asked.content.value,
            channel=campaign.channel,
            state=campaign.state,
            starts_at=campaign.starts_at,
            ends_at=campaign.ends_at,
            deadline=campaign.not_after,
            audience=rounded(sum(total.persons for total in totals)),
            planned=sum(t.persons for t in totals if t.kind is AnswerKind.ASSIGNED),
            refused=_grouped(totals, AnswerKind.REFUSED),
            deferred=_grouped(totals, AnswerKind.DEFERRED),
            owners=_owners(tx, campaign.id, tally),
            stopped=_stopped(tally),
            unknown=tuple(messages.names(tx, campaign.id, state=MessageState.UNKNOWN)),
            span=history.span(tx, campaign.id),
            plan_digest=plan.digest.hex() if plan and plan.digest else None,
            plan_entry=plan.entry if plan else None,
            ledger_size=ledger.size(tx),
            checkpoint_size=latest.size if latest else 0,
        )


def _grouped(totals: Iterable[AnswerTotal], kind: AnswerKind) -> tuple[tuple[str, int], ...]:
    found: Counter[str] = Counter()
    for total in totals:
        if total.kind is kind:
            found[group(total.rule or "", total.reason or "")] += total.persons
    return tuple(found.most_common())


def _stopped(tally: Iterable[Tally]) -> tuple[tuple[str, int], ...]:
    found: Counter[str] = Counter()
    for line in tally:
        if line.state is MessageState.STOPPED:
            found[phrase(line.rule or "", line.reason or "")] += line.messages
    return tuple(found.most_common())


def _owners(tx: Tx, campaign_id: int, tally: Iterable[Tally]) -> tuple[OwnerLine, ...]:
    answers = campaigns.latest_answers(tx, campaign_id)
    counts: Counter[tuple[PartnerSlug, MessageState]] = Counter()
    for line in tally:
        counts[line.owner, line.state] += line.messages
    lines = []
    for owner in sorted({*answers, *(slug for slug, _ in counts)}):
        answer = answers.get(owner)
        waiting = counts[owner, MessageState.WAITING] + counts[owner, MessageState.INTENDED]
        lines.append(
            OwnerLine(
                owner=owner,
                answer=answer.answer if answer else "not answered",
                ceiling=answer.ceiling if answer and answer.approved else None,
                accepted=counts[owner, MessageState.ACCEPTED],
                rejected=counts[owner, MessageState.REJECTED],
                unknown=counts[owner, MessageState.UNKNOWN],
                stopped=counts[owner, MessageState.STOPPED],
                waiting=waiting,
            )
        )
    return tuple(lines)
