"""What must be known of a few recipients at the instant at which their messages are decided.

Read inside the intent transaction, for a batch of a few dozen messages: the source row and whether
its upload still counts, the bans on the contact point whichever key epoch made them, and of the
person it belongs to *today* (not when the plan was made) zones, live consents, and every message
that was or may have been handed over to any of their contact points.

Nothing here decides. What it reads stays so until the transaction ends: on PostgreSQL the messages
and uploads are locked, and new bans wait, so that an opt-out is either seen here or comes after
the intent in the ledger. Other campaigns' intents wait as well, so that of two messages to one
person the second is decided with the first in view.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import and_, exists, or_, select, text

from consortium.model import Channel, ConsentBasis, Places, Purpose, Relationship, UploadState
from consortium.policy.facts import PersonFacts, PriorMessage, SuppressionFact
from consortium.store import suppressions
from consortium.store import voted as who_has_voted
from consortium.store.engine import Tx
from consortium.store.memberships import visible
from consortium.store.rows import SealedRow
from consortium.store.tables import metadata
from consortium.types import (
    ContactPointId,
    EntryIndex,
    PartnerSlug,
    PersonId,
    SourceRowId,
    Token,
    UploadDigest,
)

__all__ = ["Candidate", "LiveRow", "read"]

_message = metadata.tables["consortium_message"]
_attempt = metadata.tables["consortium_attempt"]
_partner = metadata.tables["consortium_partner"]
_plan = metadata.tables["consortium_plan"]
_row = metadata.tables["consortium_source_row"]
_upload = metadata.tables["consortium_upload"]
_contact = metadata.tables["consortium_row_contact"]
_point = metadata.tables["consortium_contact_point"]
_member = metadata.tables["consortium_membership"]
_fellow = metadata.tables["consortium_person_row"]
_state = metadata.tables["consortium_state"]


@dataclass(frozen=True, slots=True)
class LiveRow:
    """The source row behind a message, of an upload that counts.

    Attributes:
        sealed: Its sealed details.
        relationship, places, basis, consent_on: As grants see them, for the message's channel.
        language: BCP 47 primary tag or empty.
    """

    sealed: SealedRow
    relationship: Relationship
    places: Places
    basis: ConsentBasis
    consent_on: date | None
    language: str


@dataclass(frozen=True, slots=True)
class Candidate:
    """A waiting message and what is known now.

    Attributes:
        message_id, number, plan_entry, code: Of the message: id, number and ledger entry of its
            answer in its plan, opt-out code.
        owner, owner_id: In whose name.
        point_id, token: The contact point; the token is None if nothing names it any more.
        row: None if the row or its upload is gone.
        person_id: Of today's merge generation; None if the row belongs to nobody.
        person: As guards see it.
        tried: Whether it was offered to the transport before, and put off.
        written_to: Whether a message of this campaign was, or may have been, handed over to any
            contact point of the person.
        voted: Whether a list of who has voted names a voter whom a row of the person was matched
            to; False if that was not asked.
    """

    message_id: int
    number: int
    plan_entry: EntryIndex
    code: str
    owner: PartnerSlug
    owner_id: int
    point_id: ContactPointId
    token: Token | None
    row: LiveRow | None
    person_id: PersonId | None
    person: PersonFacts
    tried: bool
    written_to: bool
    voted: bool = False


@dataclass(slots=True)
class _Person:
    rows: set[int]
    points: set[int]
    zones: set[str]
    countries: set[str]
    guards: set[str]


def read(
    tx: Tx, message_ids: Collection[int], *, day: date, voted_for: Purpose | None = None
) -> list[Candidate]:
    """The messages with these ids that still wait, by id, with what is known now.

    Args:
        tx: The intent transaction.
        message_ids: At most a few hundred.
        day: Today; uploads that expired before it do not count.
        voted_for: Ask who has voted, of voter files licensed for this purpose; None: do not ask.
    """
    if not tx.sqlite:  # waits for bans and other readers here, and keeps new ones waiting
        tx.execute(text("LOCK TABLE consortium_suppression IN SHARE ROW EXCLUSIVE MODE"))
    statement = (
        select(
            _message,
            _partner.c.slug,
            _partner.c.firewall_group,
            _plan.c.entry,
            exists()
            .where(_attempt.c.message_id == _message.c.id, _attempt.c.outcome != "not_handed_over")
            .label("tried"),
        )
        .join(_partner, _partner.c.id == _message.c.owner_id)
        .join(_plan, _plan.c.id == _message.c.plan_id)
        .where(_message.c.id.in_(message_ids), _message.c.state == "waiting")
        .order_by(_message.c.id)
        .with_for_update(of=_message)
    )
    found = tx.execute(statement).all()
    if not found:
        return []
    channel = Channel(found[0].channel)
    rows = _rows(tx, {m.row_id for m in found}, channel=channel, day=day)
    points = [ContactPointId(m.point_id) for m in found]
    tokens = _tokens(tx, points)
    bans = _bans(tx, points)
    persons = _persons(tx, {m.row_id: m.firewall_group for m in found}, day=day)
    for m in found:
        persons[m.row_id][1].points.add(m.point_id)
    prior = _prior(
        tx, {p for _, person in persons.values() for p in person.points}, found[0].campaign_id
    )
    voted: set[int] = set()
    if voted_for is not None:
        asked = {row for _, person in persons.values() for row in person.rows}
        asked.update(m.row_id for m in found)
        voted = who_has_voted.rows(tx, purpose=voted_for, among=sorted(asked))
    candidates = []
    for m in found:
        person_id, person = persons[m.row_id]
        heard = [h for p in person.points for h in prior[p] if h.group == m.firewall_group]
        candidates.append(
            Candidate(
                message_id=m.id,
                number=m.number,
                plan_entry=EntryIndex(m.entry),
                code=m.opt_out_code,
                owner=PartnerSlug(m.slug),
                owner_id=m.owner_id,
                point_id=ContactPointId(m.point_id),
                token=tokens.get(m.point_id),
                row=rows.get(m.row_id),
                person_id=person_id,
                person=PersonFacts(
                    zones=tuple(sorted(person.zones)),
                    country=min(person.countries) if len(person.countries) == 1 else "",
                    suppressions=tuple(bans[ContactPointId(m.point_id)]),
                    prior=tuple(sorted(h.message for h in heard)),
                    guarded_by=tuple(PartnerSlug(s) for s in sorted(person.guards)),
                ),
                tried=bool(m.tried),
                written_to=any(h.here for h in heard),
                voted=m.row_id in voted or not voted.isdisjoint(person.rows),
            )
        )
    return candidates


def _rows(tx: Tx, row_ids: Collection[int], *, channel: Channel, day: date) -> dict[int, LiveRow]:
    """Rows whose upload is active and not expired; the uploads stay as they are until the end."""
    basis, given_on = _row.c[f"{channel.value}_basis"], _row.c[f"{channel.value}_on"]
    statement = (
        select(
            _row,
            _upload.c.digest,
            _upload.c.data_salt,
            basis.label("basis"),
            given_on.label("given_on"),
        )
        .join(_upload, _upload.c.id == _row.c.upload_id)
        .where(_row.c.id.in_(row_ids), _counts(day))
        .order_by(_row.c.id)
        .with_for_update(of=_upload, read=True)
    )
    return {
        row.id: LiveRow(
            sealed=SealedRow(
                row_id=SourceRowId(row.id),
                upload_id=row.upload_id,
                upload=UploadDigest(bytes(row.digest)),
                number=row.number,
                data_salt=bytes(row.data_salt),
                details=bytes(row.details),
            ),
            relationship=Relationship(row.relationship),
            places=Places(country=row.country, state=row.state, postcode=row.postcode),
            basis=ConsentBasis(row.basis),
            consent_on=row.given_on,
            language=row.language,
        )
        for row in tx.execute(statement)
    }


def _counts(day: date) -> Any:  # noqa: ANN401 - SQLAlchemy's clause types are a thicket
    return and_(
        _upload.c.state == UploadState.ACTIVE.value,
        or_(_upload.c.expires_on.is_(None), _upload.c.expires_on >= day),
    )


def _tokens(tx: Tx, points: Sequence[ContactPointId]) -> dict[int, Token]:
    statement = select(_point.c.id, _point.c.token).where(_point.c.id.in_(points))
    return {row.id: Token(bytes(row.token)) for row in tx.execute(statement)}


def _bans(
    tx: Tx, points: Sequence[ContactPointId]
) -> defaultdict[ContactPointId, list[SuppressionFact]]:
    found = suppressions.on_points(tx, points)
    by_id = {ban.partner_id for _, ban in found if ban.partner_id is not None}
    statement = select(_partner.c.id, _partner.c.slug).where(_partner.c.id.in_(by_id))
    slugs = {row.id: PartnerSlug(row.slug) for row in tx.execute(statement)} if by_id else {}
    facts: defaultdict[ContactPointId, list[SuppressionFact]] = defaultdict(list)
    for point, ban in found:
        author = None if ban.partner_id is None else slugs[ban.partner_id]
        facts[point].append(SuppressionFact(ban.channel, author))
    return facts


def _persons(
    tx: Tx, groups: dict[int, str], *, day: date
) -> dict[int, tuple[PersonId | None, _Person]]:
    """By row id: the person of today, out of the rows that count in the owner's firewall group."""
    generation = tx.execute(select(_state.c.merge_generation)).scalar_one_or_none() or 0
    mine, other = _member.alias(), _member.alias()

    statement = (
        select(
            mine.c.row_id.label("asked"),
            mine.c.person_id,
            _row.c.id.label("fellow"),
            _row.c.zones,
            _row.c.country,
            _row.c.email_basis,
            _row.c.sms_basis,
            _partner.c.slug,
            _partner.c.firewall_group,
            _contact.c.point_id,
        )
        .select_from(mine)
        .join(_fellow, _fellow.c.person_id == mine.c.person_id)
        .join(
            other,
            and_(
                other.c.row_id == _fellow.c.row_id,
                other.c.person_id == _fellow.c.person_id,
                visible(other, generation),
            ),
        )
        .join(_row, _row.c.id == other.c.row_id)
        .join(_upload, _upload.c.id == _row.c.upload_id)
        .join(_partner, _partner.c.id == _upload.c.partner_id)
        .join(_contact, _contact.c.row_id == _row.c.id)
        .where(mine.c.row_id.in_(groups), visible(mine, generation), _counts(day))
    )
    found: dict[int, tuple[PersonId | None, _Person]] = {
        row_id: (None, _Person(set(), set(), set(), set(), set())) for row_id in groups
    }
    none = ConsentBasis.NONE.value
    for row in tx.execute(statement):
        if row.firewall_group != groups[row.asked]:
            continue
        person = found[row.asked][1]
        found[row.asked] = (PersonId(row.person_id), person)
        person.rows.add(row.fellow)
        person.points.add(row.point_id)
        person.zones.update(row.zones.split())
        person.countries.update({row.country} - {""})
        if row.email_basis != none or row.sms_basis != none:
            person.guards.add(row.slug)
    return found


@dataclass(frozen=True, slots=True)
class _Heard:
    group: str
    message: PriorMessage
    here: bool


def _prior(tx: Tx, points: Collection[int], campaign_id: int) -> defaultdict[int, list[_Heard]]:
    """By point id: messages handed over, or perhaps handed over."""
    statement = (
        select(
            _message.c.point_id,
            _message.c.campaign_id,
            _message.c.channel,
            _attempt.c.intended_at,
            _partner.c.firewall_group,
        )
        .join(_attempt, _attempt.c.message_id == _message.c.id)
        .join(_partner, _partner.c.id == _message.c.owner_id)
        .where(
            _message.c.point_id.in_(points),
            or_(_attempt.c.outcome.is_(None), _attempt.c.outcome.in_(("accepted", "unknown"))),
        )
    )
    heard: defaultdict[int, list[_Heard]] = defaultdict(list)
    for row in tx.execute(statement):
        message = PriorMessage(at=row.intended_at, channel=Channel(row.channel))
        heard[row.point_id].append(
            _Heard(row.firewall_group, message, row.campaign_id == campaign_id)
        )
    return heard
