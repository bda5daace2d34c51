"""What one transaction of the sender leaves in the database and, as one entry, in the ledger."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from consortium.delivery.handover import Handed
from consortium.delivery.intents import Batch, Ready, Stopped
from consortium.ledger import entries, leaves
from consortium.model import MessageState
from consortium.store import ledger, outbox
from consortium.store.engine import Tx
from consortium.store.messages import message_name
from consortium.store.outbox import Intent, Settlement
from consortium.types import CampaignName, MessageName

__all__ = ["append", "names", "recover", "settle"]


def settle(tx: Tx, handed: Handed, *, at: datetime) -> None:
    """The outcomes of a batch, and the messages that its hand-over has stopped."""
    outbox.settle(tx, handed.settlements)
    for stopped in handed.stopped:
        refusal = stopped.refusal
        outbox.stop(tx, [stopped.message_id], rule=refusal.rule, reason=refusal.reason, at=at)


def recover(tx: Tx, campaign_id: int, *, at: datetime) -> Handed:
    """Make `unknown` every intent that a dead run has left without an outcome."""
    settlements = [
        Settlement(orphan, "unknown", None, MessageState.UNKNOWN, at)
        for orphan in outbox.orphans(tx, campaign_id)
    ]
    outbox.settle(tx, settlements)
    return Handed(settled=[(settlement, None) for settlement in settlements])


def append(
    tx: Tx, campaign: CampaignName, *, plan: int, at: datetime, handed: Handed, batch: Batch | None
) -> None:
    """One ledger entry with a leaf for every fact of this transaction; none if there is no fact.

    Args:
        tx: The transaction; nothing but this follows in it.
        campaign, plan: What is being sent.
        at: Now.
        handed: Outcomes of the last batch, recorded by `settle`.
        batch: The next batch, recorded by `Decider.decide`.
    """
    ready = batch.ready if batch else []
    stopped = [*handed.stopped, *(batch.stopped if batch else [])]
    data = [_outcome(settlement) for settlement in handed.settlements]
    data += [_stopped(one, at) for one in stopped]
    data += [_intent(intent, one, at) for intent, one in ready]
    if data:
        entry = ledger.append_batch(tx, entries.send_batch(campaign, plan=plan, at=at), data)
        intents = [intent for intent, _ in ready]
        outbox.set_entries(tx, intents=intents, settlements=handed.settlements, entry=entry)


def names(settlements: Sequence[Settlement]) -> tuple[MessageName, ...]:
    """What the messages of these outcomes are called."""
    return tuple(message_name(s.intent.message_id) for s in settlements)


def _intent(intent: Intent, ready: Ready, at: datetime) -> bytes:
    candidate = ready.candidate
    return leaves.intent(
        message_name(intent.message_id),
        attempt=intent.attempt,
        plan=candidate.plan_entry,
        number=candidate.number,
        owner=candidate.owner,
        policy=ready.may.policy.version,
        approval=ready.may.approval,
        at=at,
    )


def _outcome(settlement: Settlement) -> bytes:
    return leaves.outcome(
        message_name(settlement.intent.message_id),
        attempt=settlement.intent.attempt,
        outcome=settlement.outcome,
        code=settlement.code,
        at=settlement.at,
    )


def _stopped(stopped: Stopped, at: datetime) -> bytes:
    return leaves.stopped(
        message_name(stopped.message_id),
        number=stopped.number,
        rule=stopped.refusal.rule,
        reason=stopped.refusal.reason,
        by=stopped.refusal.partner,
        at=at,
    )
