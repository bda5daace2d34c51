"""Messages as people speak of them: by name, and counted by owner, state and reason.

Reads only. What moves a message from state to state is the outbox.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, select

from consortium.errors import NotFound, quoted
from consortium.model import MessageState
from consortium.store.engine import Tx
from consortium.store.tables import metadata
from consortium.types import MessageName, PartnerSlug

__all__ = [
    "FINAL",
    "Tally",
    "handed_over",
    "message_id",
    "message_name",
    "names",
    "tally",
]

FINAL = frozenset(
    {
        MessageState.ACCEPTED,
        MessageState.REJECTED,
        MessageState.UNKNOWN,
        MessageState.STOPPED,
    }
)
"""States that a message never leaves."""

_message = metadata.tables["consortium_message"]
_partner = metadata.tables["consortium_partner"]


@dataclass(frozen=True, slots=True)
class Tally:
    """How many messages of a campaign are in one state for one reason, per owner."""

    owner: PartnerSlug
    state: MessageState
    rule: str | None
    reason: str | None
    messages: int


def message_name(message_id: int) -> MessageName:
    """What people call a message: `m-1182`."""
    return MessageName(f"m-{message_id}")


def message_id(tx: Tx, name: str) -> int:
    """The id of the message called so.

    Raises:
        NotFound: There is none.
    """
    digits = name.removeprefix("m-")
    known = name.startswith("m-") and digits.isascii() and digits.isdigit() and len(digits) < 18  # noqa: PLR2004 - what a BIGINT surely holds
    statement = select(_message.c.id).where(_message.c.id == int(digits if known else 0))
    found = tx.execute(statement).scalar_one_or_none() if known else None
    if found is None:
        raise NotFound(
            f"no message of that name: {quoted(name)}", hint="Messages are called like m-1182."
        )
    return int(found)


def names(tx: Tx, campaign_id: int, *, state: MessageState) -> list[MessageName]:
    """The campaign's messages in a state, oldest first."""
    statement = (
        select(_message.c.id)
        .where(_message.c.campaign_id == campaign_id, _message.c.state == state.value)
        .order_by(_message.c.id)
    )
    return [message_name(row.id) for row in tx.execute(statement)]


def tally(tx: Tx, campaign_id: int) -> list[Tally]:
    """The campaign's messages, counted by owner, state, rule and reason; sorted."""
    columns = (_partner.c.slug, _message.c.state, _message.c.rule, _message.c.reason)
    statement = (
        select(*columns, func.count())
        .join(_partner, _partner.c.id == _message.c.owner_id)
        .where(_message.c.campaign_id == campaign_id)
        .group_by(*columns)
    )
    found = [
        Tally(PartnerSlug(slug), MessageState(state), rule, reason, count)
        for slug, state, rule, reason, count in tx.execute(statement)
    ]
    return sorted(found, key=lambda t: (t.owner, t.state, t.rule or "", t.reason or ""))


def handed_over(tx: Tx, campaign_id: int) -> dict[int, int]:
    """Per owner id: messages that are, or may have been, handed over; what a ceiling counts."""
    kept_back = (MessageState.WAITING.value, MessageState.STOPPED.value)
    statement = (
        select(_message.c.owner_id, func.count())
        .where(_message.c.campaign_id == campaign_id, _message.c.state.not_in(kept_back))
        .group_by(_message.c.owner_id)
    )
    return {owner: count for owner, count in tx.execute(statement)}  # noqa: C416 - rows are not pairs to a type checker
