"""The outbox: messages of frozen plans, their states, and every attempt to hand one over.

`waiting → intended → accepted | rejected | unknown`, or back to `waiting` with a time; `waiting →
stopped`. Each change is an `UPDATE … WHERE state = …` with the count checked, so that two senders,
or one that believes it is alone, cannot move a message twice. Only the sender of a campaign, which
holds the campaign's lock, calls what writes here.

An intent that no run has answered for is an orphan: its message may have gone out. `orphans` finds
them, and `settle` makes them `unknown`; no verb leads from `unknown` back.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import and_, bindparam, exists, func, insert, select, update

from consortium.errors import StateConflict
from consortium.model import MessageState
from consortium.store.engine import Tx
from consortium.store.tables import metadata
from consortium.types import EntryIndex

__all__ = [
    "Intent",
    "Settlement",
    "intend",
    "next_due",
    "orphans",
    "overdue",
    "postpone",
    "set_entries",
    "settle",
    "stop",
    "waiting",
]

_message = metadata.tables["consortium_message"]
_attempt = metadata.tables["consortium_attempt"]
_row = metadata.tables["consortium_source_row"]


@dataclass(frozen=True, slots=True)
class Intent:
    """One committed intent.

    Attributes:
        message_id, attempt_id: Of the message and of this attempt.
        attempt: Counts up from 1 for each message.
    """

    message_id: int
    attempt_id: int
    attempt: int


@dataclass(frozen=True, slots=True)
class Settlement:
    """What became of an intent.

    Attributes:
        intent: Which one.
        outcome: `accepted`, `rejected`, `later`, `not_handed_over` or `unknown`.
        code: The transport's reply code, or None.
        state: Where the message goes: a final state, or `waiting`.
        at: When it was known.
        not_before: Of one that goes back to waiting.
    """

    intent: Intent
    outcome: Literal["accepted", "rejected", "later", "not_handed_over", "unknown"]
    code: str | None
    state: MessageState
    at: datetime
    not_before: datetime | None = None


def waiting(
    tx: Tx,
    campaign_id: int,
    *,
    owner_id: int,
    now: datetime,
    limit: int,
    without_uploads: Collection[int] = (),
) -> list[int]:
    """Ids of an owner's messages that are due, oldest due first; nothing is claimed.

    Args:
        campaign_id, owner_id: Whose.
        now: Due means `not_before` is not after this.
        limit: At most so many.
        without_uploads: Ids of uploads to leave out.
    """
    statement = (
        select(_message.c.id)
        .where(_waiting(campaign_id, [owner_id], without_uploads), _message.c.not_before <= now)
        .order_by(_message.c.not_before, _message.c.id)
        .limit(limit)
    )
    return [row.id for row in tx.execute(statement)]


def overdue(tx: Tx, campaign_id: int, *, limit: int, untried: bool) -> list[tuple[int, int]]:
    """Waiting messages, due or not: id and number in the plan; all, or those never handed over.

    Args:
        campaign_id: Of which campaign.
        limit: At most so many.
        untried: Whether to leave out messages that were offered to the transport before.
    """
    clauses = [
        _message.c.campaign_id == campaign_id,
        _message.c.state == MessageState.WAITING.value,
    ]
    if untried:
        offered = exists().where(
            _attempt.c.message_id == _message.c.id, _attempt.c.outcome != "not_handed_over"
        )
        clauses.append(~offered)
    statement = (
        select(_message.c.id, _message.c.number)
        .where(*clauses)
        .order_by(_message.c.id)
        .limit(limit)
    )
    return [(row.id, row.number) for row in tx.execute(statement)]


def next_due(
    tx: Tx,
    campaign_id: int,
    *,
    owner_ids: Collection[int],
    without_uploads: Collection[int] = (),
) -> datetime | None:
    """When the first waiting message of these owners is due; None if none waits."""
    statement = select(func.min(_message.c.not_before)).where(
        _waiting(campaign_id, owner_ids, without_uploads)
    )
    # a function's type is its argument's, so this is a datetime again
    found: datetime | None = tx.execute(statement).scalar_one_or_none()
    return found


def intend(tx: Tx, message_ids: Sequence[int], *, at: datetime) -> list[Intent]:
    """Move waiting messages to `intended`, each with a new attempt; in the order given.

    Raises:
        StateConflict: One of them is not waiting.
    """
    if not message_ids:
        return []
    _move(
        tx,
        [{"b_id": i} for i in message_ids],
        source=MessageState.WAITING,
        values={"state": MessageState.INTENDED.value},
    )
    counted = dict(
        tx.execute(
            select(_attempt.c.message_id, func.count())
            .where(_attempt.c.message_id.in_(message_ids))
            .group_by(_attempt.c.message_id)
        ).all()
    )
    statement = insert(_attempt).returning(_attempt.c.id, sort_by_parameter_order=True)
    rows = tx.execute(
        statement,
        [{"message_id": i, "intended_at": at, "intent_entry": 0} for i in message_ids],
    )
    return [
        Intent(message_id=i, attempt_id=row.id, attempt=counted.get(i, 0) + 1)
        for i, row in zip(message_ids, rows, strict=True)
    ]


def settle(tx: Tx, settlements: Sequence[Settlement]) -> None:
    """Record outcomes, and move their messages on.

    Args:
        tx: The transaction that also appends the ledger entry (`set_entries`).
        settlements: Each intent once.

    Raises:
        StateConflict: An intent has an outcome already, or its message is not `intended`.
    """
    if not settlements:
        return
    statement = (
        update(_attempt)
        .where(_attempt.c.id == bindparam("b_id"), _attempt.c.outcome.is_(None))
        .values(
            outcome=bindparam("b_outcome"),
            code=bindparam("b_code"),
            ended_at=bindparam("b_at"),
        )
    )
    done = tx.execute(
        statement,
        [
            {"b_id": s.intent.attempt_id, "b_outcome": s.outcome, "b_code": s.code, "b_at": s.at}
            for s in settlements
        ],
    )
    _check(done.rowcount, len(settlements))
    final = [s for s in settlements if s.state is not MessageState.WAITING]
    _move(
        tx,
        [{"b_id": s.intent.message_id, "b_state": s.state.value, "b_at": s.at} for s in final],
        source=MessageState.INTENDED,
        values={"state": bindparam("b_state"), "settled_at": bindparam("b_at")},
    )
    again = [s for s in settlements if s.state is MessageState.WAITING]
    _move(
        tx,
        [{"b_id": s.intent.message_id, "b_from": s.not_before or s.at} for s in again],
        source=MessageState.INTENDED,
        values={"state": MessageState.WAITING.value, "not_before": bindparam("b_from")},
    )


def set_entries(
    tx: Tx, *, intents: Iterable[Intent], settlements: Iterable[Settlement], entry: EntryIndex
) -> None:
    """Note the ledger entry under which intents and outcomes are recorded."""
    for column, found in (
        ("intent_entry", [intent.attempt_id for intent in intents]),
        ("outcome_entry", [settlement.intent.attempt_id for settlement in settlements]),
    ):
        if found:
            tx.execute(update(_attempt).where(_attempt.c.id.in_(found)).values({column: entry}))


def stop(tx: Tx, message_ids: Iterable[int], *, rule: str, reason: str, at: datetime) -> None:
    """Move waiting messages to `stopped`, for good.

    Raises:
        StateConflict: One of them is not waiting.
    """
    _move(
        tx,
        [{"b_id": i} for i in message_ids],
        source=MessageState.WAITING,
        values={
            "state": MessageState.STOPPED.value,
            "rule": rule,
            "reason": reason,
            "settled_at": at,
        },
    )


def postpone(tx: Tx, message_ids: Iterable[int], *, until: datetime) -> None:
    """Let waiting messages wait until an instant.

    Raises:
        StateConflict: One of them is not waiting.
    """
    _move(
        tx,
        [{"b_id": i} for i in message_ids],
        source=MessageState.WAITING,
        values={"not_before": until},
    )


def orphans(tx: Tx, campaign_id: int) -> list[Intent]:
    """Intents of a campaign without an outcome, oldest first; with nobody sending: of dead runs."""
    other = _attempt.alias()
    number = (
        select(func.count())
        .where(other.c.message_id == _attempt.c.message_id, other.c.id <= _attempt.c.id)
        .scalar_subquery()
    )
    statement = (
        select(_attempt.c.id, _attempt.c.message_id, number)
        .join(_message, _message.c.id == _attempt.c.message_id)
        .where(
            _message.c.campaign_id == campaign_id,
            _message.c.state == MessageState.INTENDED.value,
            _attempt.c.outcome.is_(None),
        )
        .order_by(_attempt.c.id)
    )
    return [
        Intent(message_id=message, attempt_id=attempt, attempt=count)
        for attempt, message, count in tx.execute(statement)
    ]


def _waiting(campaign_id: int, owner_ids: Collection[int], without_uploads: Collection[int]) -> Any:  # noqa: ANN401 - SQLAlchemy's clause types are a thicket
    clauses = [
        _message.c.campaign_id == campaign_id,
        _message.c.state == MessageState.WAITING.value,
        _message.c.owner_id.in_(owner_ids),
    ]
    if without_uploads:
        shut = select(_row.c.id).where(
            _row.c.id == _message.c.row_id, _row.c.upload_id.in_(without_uploads)
        )
        clauses.append(~shut.exists())
    return and_(*clauses)


def _move(
    tx: Tx, rows: Sequence[dict[str, Any]], *, source: MessageState, values: dict[str, Any]
) -> None:
    """Change messages that are in one state, all or none; `rows` bind `b_id` and the values."""
    if not rows:
        return
    statement = (
        update(_message)
        .where(_message.c.id == bindparam("b_id"), _message.c.state == source.value)
        .values(**values)
    )
    # sorted, so that two transactions lock rows in the same order
    done = tx.execute(statement, sorted(rows, key=lambda row: int(row["b_id"])))
    _check(done.rowcount, len(rows))


def _check(changed: int, wanted: int) -> None:
    if changed != wanted:
        raise StateConflict(
            "messages were changed by somebody else meanwhile",
            hint="Only one process may send a campaign; run the command again.",
        )
