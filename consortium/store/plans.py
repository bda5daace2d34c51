"""Plans: the frozen answers for every person of an audience, and the messages they make.

`drafting → frozen → superseded`. A draft is written in chunks and seen by nobody, its leaves for
the ledger with it; one short transaction freezes it. A campaign has at most one frozen plan, and
while it has none, nothing of it can be sent: so a plan that replaces another first sets that one
aside, then exchanges the messages nobody has tried to hand over, and is frozen last. A process that
dies on the way leaves a campaign without a plan, never one with two; `sweep` removes what it wrote,
having first made the draft `abandoned`, so that nobody can freeze it any more.

Messages that were tried stay with the plan that made them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import Row, delete, exists, func, insert, select, update

from consortium.errors import NotFound, StateConflict
from consortium.model import AnswerKind, Channel, MessageState
from consortium.store import batches
from consortium.store.engine import Database, Tx, give_way, in_chunks
from consortium.store.tables import metadata
from consortium.types import EntryIndex, PartnerSlug

__all__ = [
    "AnswerTotal",
    "NewAnswer",
    "NewMessage",
    "PersonAnswer",
    "PlanRecord",
    "add_answers",
    "add_leaves",
    "add_messages",
    "answer",
    "answers",
    "draft",
    "drop_untried",
    "freeze",
    "frozen",
    "get",
    "history",
    "supersede",
    "sweep",
    "totals",
    "unfinished",
]

_plan = metadata.tables["consortium_plan"]
_answer = metadata.tables["consortium_answer"]
_message = metadata.tables["consortium_message"]
_attempt = metadata.tables["consortium_attempt"]
_partner = metadata.tables["consortium_partner"]

_DRAFTING: Final = "drafting"
_FROZEN: Final = "frozen"
_SUPERSEDED: Final = "superseded"
_ABANDONED: Final = "abandoned"
_PAGE = 5000
_DELETE = 1000  # rows per transaction, about 20 ms


@dataclass(frozen=True, slots=True)
class PlanRecord:
    """A plan as stored.

    Attributes:
        digest: Root over the answers' leaves; None while drafting.
        secret: 32 bytes; `campaign.people` derives the order key and the leaves' salts from it.
        flows: Classes, caps, flows and prices of the owner choice, canonical JSON.
        batch: Where the ledger has the answers' leaves, staged while drafting.
        entry: The ledger entry; None while drafting.
    """

    id: int
    campaign_id: int
    state: str
    digest: bytes | None
    merge_generation: int
    secret: bytes
    flows: str | None
    planned_at: datetime
    batch: int
    entry: EntryIndex | None


class NewAnswer(NamedTuple):
    """One answer to be written; the columns of the table but the plan. `until`: microseconds."""

    number: int
    person_id: int
    kind: str
    rule: str | None
    reason: str | None
    by_partner_id: int | None
    until: int | None
    owner_id: int | None
    row_id: int | None
    point_id: int | None


class NewMessage(NamedTuple):
    """One message to be written, beside campaign, plan, channel and state."""

    number: int
    owner_id: int
    row_id: int
    point_id: int
    not_before: int
    opt_out_code: str


@dataclass(frozen=True, slots=True)
class PersonAnswer:
    """What a plan says of one person."""

    number: int
    person_id: int
    kind: AnswerKind
    rule: str | None
    reason: str | None
    by_partner_id: int | None
    until: datetime | None
    owner_id: int | None
    row_id: int | None
    point_id: int | None


@dataclass(frozen=True, slots=True)
class AnswerTotal:
    """How many persons of a plan have one answer; `partner` is the owner or the refusing one."""

    kind: AnswerKind
    rule: str | None
    reason: str | None
    partner: PartnerSlug | None
    persons: int


def draft(
    tx: Tx, campaign_id: int, *, merge_generation: int, secret: bytes, planned_at: datetime
) -> int:
    """Begin a plan; returns its id."""
    statement = insert(_plan).values(
        campaign_id=campaign_id,
        state=_DRAFTING,
        merge_generation=merge_generation,
        order_key=secret,
        planned_at=planned_at,
        batch=batches.open_batch(tx),
    )
    return int(tx.execute(statement.returning(_plan.c.id)).scalar_one())


def add_answers(database: Database, plan_id: int, new: Iterable[NewAnswer]) -> int:
    """Write a draft's answers in chunks; returns how many."""
    columns = ("plan_id", *NewAnswer._fields)
    return in_chunks(database, _answer.name, columns, ((plan_id, *one) for one in new))


def add_leaves(database: Database, plan_id: int, new: Iterable[bytes]) -> batches.StagedBatch:
    """Stage a draft's leaves for the ledger in chunks."""
    with database.read() as tx:
        batch = get(tx, plan_id).batch
    return batches.stage_leaves(database, new, batch=batch)


def add_messages(
    database: Database,
    plan_id: int,
    new: Iterable[NewMessage],
    *,
    campaign_id: int,
    channel: Channel,
) -> int:
    """Write a draft's messages in chunks, all `waiting`; returns how many."""
    columns = ("campaign_id", "plan_id", "channel", "state", *NewMessage._fields)
    head = (campaign_id, plan_id, channel.value, MessageState.WAITING.value)
    return in_chunks(database, _message.name, columns, ((*head, *one) for one in new))


def supersede(tx: Tx, campaign_id: int) -> bool:
    """Set the frozen plan aside, if there is one; until the next is frozen, nothing can be sent."""
    statement = (
        update(_plan)
        .where(_plan.c.campaign_id == campaign_id, _plan.c.state == _FROZEN)
        .values(state=_SUPERSEDED)
    )
    return tx.execute(statement).rowcount > 0


def drop_untried(database: Database, campaign_id: int) -> int:
    """Delete, in chunks, waiting messages that nobody has tried to hand over; returns how many.

    Raises:
        StateConflict: The campaign has a frozen plan, so they may be on their way.
    """
    with database.read() as tx:
        if frozen(tx, campaign_id) is not None:
            raise StateConflict("the campaign's messages belong to a plan in force")
    tried = exists().where(_attempt.c.message_id == _message.c.id)
    some = (
        select(_message.c.id)
        .where(
            _message.c.campaign_id == campaign_id,
            _message.c.state == MessageState.WAITING.value,
            ~tried,
        )
        .limit(_DELETE)
    )
    return _delete_all(database, delete(_message).where(_message.c.id.in_(some.scalar_subquery())))


def freeze(
    tx: Tx, plan_id: int, *, digest: bytes, flows: str, entry: EntryIndex, planned_at: datetime
) -> None:
    """Put a draft in force.

    Raises:
        StateConflict: It is no draft any more.
    """
    statement = (
        update(_plan)
        .where(_plan.c.id == plan_id, _plan.c.state == _DRAFTING)
        .values(state=_FROZEN, digest=digest, flows=flows, entry=entry, planned_at=planned_at)
    )
    if tx.execute(statement).rowcount != 1:
        raise StateConflict("the plan was swept away while it was made", hint="Plan again.")


def unfinished(tx: Tx) -> set[int]:
    """Campaigns with a draft: one being made, or one that a dead process left."""
    statement = select(_plan.c.campaign_id).where(_plan.c.state.in_((_DRAFTING, _ABANDONED)))
    return set(tx.execute(statement).scalars())


def sweep(database: Database, campaign_id: int) -> int:
    """Remove drafts that a dead process left; returns how many. The caller holds the lock."""
    of_campaign = _plan.c.campaign_id == campaign_id
    with database.write() as tx:
        given_up = update(_plan).where(of_campaign, _plan.c.state == _DRAFTING)
        tx.execute(given_up.values(state=_ABANDONED))
        drafts = tx.execute(
            select(_plan.c.id, _plan.c.batch).where(of_campaign, _plan.c.state == _ABANDONED)
        ).all()
    for plan_id, batch in drafts:
        messages = select(_message.c.id).where(_message.c.plan_id == plan_id).limit(_DELETE)
        _delete_all(database, delete(_message).where(_message.c.id.in_(messages.scalar_subquery())))
        numbers = select(_answer.c.number).where(_answer.c.plan_id == plan_id).limit(_DELETE)
        _delete_all(
            database,
            delete(_answer).where(
                _answer.c.plan_id == plan_id, _answer.c.number.in_(numbers.scalar_subquery())
            ),
        )
        batches.drop_staged(database, batch)
        with database.write() as tx:
            tx.execute(delete(_plan).where(_plan.c.id == plan_id))
            batches.forget_batch(tx, batch)
    return len(drafts)


def frozen(tx: Tx, campaign_id: int) -> PlanRecord | None:
    """The plan in force, or None."""
    statement = select(_plan).where(_plan.c.campaign_id == campaign_id, _plan.c.state == _FROZEN)
    row = tx.execute(statement).first()
    return None if row is None else _record(row)


def get(tx: Tx, plan_id: int) -> PlanRecord:
    """The plan with that number.

    Raises:
        NotFound: There is none.
    """
    row = tx.execute(select(_plan).where(_plan.c.id == plan_id)).first()
    if row is None:
        raise NotFound(f"no plan has the number {plan_id}")
    return _record(row)


def history(tx: Tx, campaign_id: int) -> list[PlanRecord]:
    """Every plan of a campaign, drafts included, oldest first."""
    statement = select(_plan).where(_plan.c.campaign_id == campaign_id).order_by(_plan.c.id)
    return [_record(row) for row in tx.execute(statement)]


def answer(tx: Tx, plan_id: int, number: int) -> PersonAnswer:
    """What a plan says of the person with that number.

    Raises:
        NotFound: It has no such person.
    """
    statement = select(_answer).where(_answer.c.plan_id == plan_id, _answer.c.number == number)
    row = tx.execute(statement).first()
    if row is None:
        raise NotFound(f"plan {plan_id} has no person with the number {number}")
    return _person(row)


def answers(tx: Tx, plan_id: int) -> Iterator[PersonAnswer]:
    """Every answer of a plan, by number; read in pages."""
    after = 0
    while True:
        statement = (
            select(_answer)
            .where(_answer.c.plan_id == plan_id, _answer.c.number > after)
            .order_by(_answer.c.number)
            .limit(_PAGE)
        )
        page: Sequence[Row[Any]] = tx.execute(statement).all()
        if not page:
            return
        yield from (_person(row) for row in page)
        after = page[-1].number


def totals(tx: Tx, plan_id: int) -> list[AnswerTotal]:
    """A plan's answers, counted; sorted by kind, rule, reason and partner."""
    owner, by = _partner.alias(), _partner.alias()
    columns = (_answer.c.kind, _answer.c.rule, _answer.c.reason)
    slug = func.coalesce(owner.c.slug, by.c.slug)
    statement = (
        select(*columns, slug, func.count())
        .outerjoin(owner, owner.c.id == _answer.c.owner_id)
        .outerjoin(by, by.c.id == _answer.c.by_partner_id)
        .where(_answer.c.plan_id == plan_id)
        .group_by(*columns, slug)
    )
    found = [
        AnswerTotal(AnswerKind(kind), rule, reason, partner and PartnerSlug(partner), persons)
        for kind, rule, reason, partner, persons in tx.execute(statement)
    ]
    return sorted(found, key=lambda t: (t.kind, t.rule or "", t.reason or "", t.partner or ""))


def _delete_all(database: Database, statement: Any) -> int:  # noqa: ANN401 - a DELETE of some rows
    done = 0
    while True:
        with database.write() as tx:
            count = tx.execute(statement).rowcount
        done += count
        if not count:
            return done
        give_way()


def _record(row: Row[Any]) -> PlanRecord:
    return PlanRecord(
        id=row.id,
        campaign_id=row.campaign_id,
        state=row.state,
        digest=None if row.digest is None else bytes(row.digest),
        merge_generation=row.merge_generation,
        secret=bytes(row.order_key),
        flows=row.flows,
        planned_at=row.planned_at,
        batch=row.batch,
        entry=None if row.entry is None else EntryIndex(row.entry),
    )


def _person(row: Row[Any]) -> PersonAnswer:
    return PersonAnswer(
        number=row.number,
        person_id=row.person_id,
        kind=AnswerKind(row.kind),
        rule=row.rule,
        reason=row.reason,
        by_partner_id=row.by_partner_id,
        until=row.until,
        owner_id=row.owner_id,
        row_id=row.row_id,
        point_id=row.point_id,
    )
