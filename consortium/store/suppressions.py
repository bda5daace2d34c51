"""Suppressions: standing bans on tokens, and the opt-outs they come from.

An opt-out is a request as it was made; a suppression is its effect on one token. A suppression is
by token and kind, exists without any row or contact point, survives withdrawal of every upload,
and counts whatever key epoch its token was made in. No verb here lifts one.

`ban` is the whole of DESIGN's D5 in one step: the opt-out, the tokens it names, and on the same
channel the other tokens of the persons holding them at that moment, materialised once. A row that
no merge has seen yet counts as a person of its own. Where a list names a token, or has a person, on
more than `MOST_ROWS` rows, these rows lead to nobody, as no human is on so many: else one opt-out
of a mailbox that a crafted list puts beside a million strangers' addresses would silence them all.

Those of a list are written before the list counts and are in force from the moment it does
(`stands`); how: `store.list_bans`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Row, Select, and_, func, insert, or_, select, tuple_
from sqlalchemy.dialects import postgresql, sqlite

from consortium.model import Channel, Scope, UploadState
from consortium.store.engine import Tx, chunked
from consortium.store.memberships import visible
from consortium.store.rows import Point
from consortium.store.tables import metadata
from consortium.types import ContactPointId, EntryIndex, Token

__all__ = [
    "KIND_OF",
    "MOST_ROWS",
    "Ban",
    "Request",
    "add_opt_out",
    "all_tokens",
    "ban",
    "held_with",
    "on_points",
    "on_tokens",
    "stands",
    "suppress",
]

_optout = metadata.tables["consortium_opt_out"]
_ban = metadata.tables["consortium_suppression"]
_point = metadata.tables["consortium_contact_point"]
_contact = metadata.tables["consortium_row_contact"]
_row = metadata.tables["consortium_source_row"]
_upload = metadata.tables["consortium_upload"]
_member = metadata.tables["consortium_membership"]
_fellow = metadata.tables["consortium_person_row"]
_state = metadata.tables["consortium_state"]

KIND_OF = {Channel.EMAIL: "email", Channel.SMS: "phone"}
"""The kind of contact point that a channel uses."""
MOST_ROWS: Final = 100
"""Of one list that may be one human's; as `identity.CROWD_ROWS`."""
_IN = 400
_FETCH = 10_000


@dataclass(frozen=True, slots=True)
class Request:
    """An opt-out as it was made.

    Attributes:
        at: When it was made or read.
        channel: What it is about.
        scope, partner_id: How far it reaches; the partner of a partner-scope one, else None.
        cause: One word of the opt-out vocabulary.
        author: Role of whoever entered it: `recipient`, `partner`, `operator`.
        upload_id: The list it came with.
        message_id: The message it answers.
        named: The token it names; None for those of a list.
        entry: The ledger entry that records it; None: that of the upload.
    """

    at: datetime
    channel: Channel
    scope: Scope
    partner_id: int | None
    cause: str
    author: str
    upload_id: int | None = None
    message_id: int | None = None
    named: Token | None = None
    entry: EntryIndex | None = None


@dataclass(frozen=True, slots=True)
class Ban:
    """A suppression: `partner_id` of a partner-scope one, None for the whole consortium."""

    channel: Channel
    partner_id: int | None


def ban(tx: Tx, request: Request, tokens: Collection[Token]) -> int:
    """Record an opt-out and make it effective; returns the opt-out's id.

    Args:
        request: Who asked for what.
        tokens: Tokens of the request's channel, of every (epoch, profile) that is known for them.
    """
    opt_out_id = add_opt_out(tx, request)
    kind = KIND_OF[request.channel]
    held = {other for _, other in held_with(tx, tokens, kind=kind)}
    suppress(tx, [(token, opt_out_id, request) for token in sorted({*tokens, *held})])
    return opt_out_id


def add_opt_out(tx: Tx, request: Request) -> int:
    """Record an opt-out without any effect yet; returns its id."""
    return _add_opt_outs(tx, [request])[0]


def stands() -> ColumnElement[bool]:
    """The condition under which a suppression is in force: no list, or one that has counted."""
    staged = select(_upload.c.id).where(_upload.c.state == UploadState.STAGED.value)
    return or_(_ban.c.upload_id == 0, _ban.c.upload_id.not_in(staged))


def suppress(tx: Tx, bans: Iterable[tuple[Token, int, Request]]) -> None:
    """Ban tokens; one that stands already is left as it is.

    Args:
        bans: Token, id of the opt-out it comes from, and that opt-out.
    """
    dialect = sqlite if tx.sqlite else postgresql
    statement = dialect.insert(_ban).on_conflict_do_nothing()
    ordered = sorted(bans, key=lambda ban: (ban[0], ban[1]))  # no two writers in a circle
    for part in chunked(ordered, _FETCH):
        values = [
            {
                "token": token,
                "kind": KIND_OF[request.channel],
                "channel": request.channel.value,
                "scope": request.scope.value,
                "partner_id": request.partner_id or 0,
                "upload_id": request.upload_id or 0,
                "opt_out_id": opt_out_id,
                "at": request.at,
            }
            for token, opt_out_id, request in part
        ]
        tx.execute(statement, values)


def held_with(
    tx: Tx, tokens: Collection[Token], *, kind: str, also: int | None = None
) -> set[tuple[Token, Token]]:
    """The other tokens of the same kind that the persons holding `tokens` hold now.

    Args:
        tokens: Of one kind.
        kind: Which.
        also: A staged upload (id) whose rows are to count here already.

    Returns:
        Pairs (one of `tokens`, another token).
    """
    found: set[tuple[Token, Token]] = set()
    generation = tx.execute(select(_state.c.merge_generation)).scalar_one_or_none() or 0
    for part in chunked(tokens, _IN):
        points = _crowded_points(tx, part, kind)
        persons = _crowded_persons(tx, part, kind, generation)
        one_humans = tuple_(_contact.c.point_id, _row.c.upload_id).not_in(points)
        for statement in (
            _held_by_persons(part, kind, generation, persons),
            _held_by_rows(part, kind, also),
        ):
            if points:
                statement = statement.where(one_humans)  # noqa: PLW2901 - the same, for fewer
            found |= {
                (Token(bytes(token)), Token(bytes(other))) for token, other in tx.execute(statement)
            }
    return found


def _crowded_points(tx: Tx, tokens: Sequence[Token], kind: str) -> Sequence[Row[Any]]:
    """(contact point, upload) of those among these tokens that are on too many rows of a list."""
    rows = _contact.alias()
    many = select(rows.c.row_id).where(rows.c.point_id == _point.c.id).limit(1).offset(MOST_ROWS)
    named = select(_point.c.id).where(_point.c.token.in_(tokens), _point.c.kind == kind)
    found = list(tx.execute(named.where(many.exists())).scalars())
    on_list = _contact.c.point_id, _row.c.upload_id
    statement = (
        select(*on_list)
        .join(_row, _row.c.id == _contact.c.row_id)
        .where(_contact.c.point_id.in_(found))
        .group_by(*on_list)
        .having(func.count() > MOST_ROWS)
    )
    return tx.execute(statement).all() if found else []


def _crowded_persons(
    tx: Tx, tokens: Sequence[Token], kind: str, generation: int
) -> Sequence[Row[Any]]:
    """(person, upload) of those holding these tokens that have too many rows of a list."""
    rows = _fellow.alias()
    many = select(rows.c.row_id).where(rows.c.person_id == _member.c.person_id)
    holding = (
        select(_member.c.person_id)
        .join(_contact, _contact.c.row_id == _member.c.row_id)
        .join(_point, _point.c.id == _contact.c.point_id)
        .where(_point.c.token.in_(tokens), _point.c.kind == kind, visible(_member, generation))
        .where(many.limit(1).offset(MOST_ROWS).exists())
        .distinct()
    )
    found = list(tx.execute(holding).scalars())
    on_list = _fellow.c.person_id, _row.c.upload_id
    statement = (
        select(*on_list)
        .join(_row, _row.c.id == _fellow.c.row_id)
        .where(_fellow.c.person_id.in_(found))
        .group_by(*on_list)
        .having(func.count() > MOST_ROWS)
    )
    return tx.execute(statement).all() if found else []


def _held_by_rows(tokens: Sequence[Token], kind: str, also: int | None) -> Select[Any]:
    """Through a row that names both."""
    other, other_point = _contact.alias(), _point.alias()
    return (
        select(_point.c.token, other_point.c.token)
        .join(_contact, _contact.c.point_id == _point.c.id)
        .join(_row, _row.c.id == _contact.c.row_id)
        .join(_upload, _upload.c.id == _row.c.upload_id)
        .join(other, other.c.row_id == _contact.c.row_id)
        .join(other_point, other_point.c.id == other.c.point_id)
        .where(
            _point.c.token.in_(tokens),
            _point.c.kind == kind,
            other_point.c.kind == kind,
            other_point.c.id != _point.c.id,
            or_(_upload.c.state == UploadState.ACTIVE.value, _upload.c.id == also),
        )
        .distinct()
    )


def _held_by_persons(
    tokens: Sequence[Token], kind: str, generation: int, crowded: Sequence[Row[Any]]
) -> Select[Any]:
    """Through a person of the visible generation, one of whose rows names each."""
    member, other_row, other_upload = _member.alias(), _row.alias(), _upload.alias()
    other, other_point, fellow = _contact.alias(), _point.alias(), _fellow.alias()
    lists = [
        tuple_(_member.c.person_id, upload).not_in(crowded)
        for upload in (_row.c.upload_id, other_row.c.upload_id)
        if crowded
    ]
    return (
        select(_point.c.token, other_point.c.token)
        .join(_contact, _contact.c.point_id == _point.c.id)
        .join(_row, _row.c.id == _contact.c.row_id)
        .join(_upload, _upload.c.id == _row.c.upload_id)
        .join(_member, and_(_member.c.row_id == _row.c.id, visible(_member, generation)))
        .join(fellow, fellow.c.person_id == _member.c.person_id)
        .join(
            member,
            and_(
                member.c.row_id == fellow.c.row_id,
                member.c.person_id == fellow.c.person_id,
                visible(member, generation),
            ),
        )
        .join(other_row, other_row.c.id == member.c.row_id)
        .join(other_upload, other_upload.c.id == other_row.c.upload_id)
        .join(other, other.c.row_id == other_row.c.id)
        .join(other_point, other_point.c.id == other.c.point_id)
        .where(
            _point.c.token.in_(tokens),
            _point.c.kind == kind,
            other_point.c.kind == kind,
            other_point.c.id != _point.c.id,
            _upload.c.state == UploadState.ACTIVE.value,
            other_upload.c.state == UploadState.ACTIVE.value,
            *lists,
        )
        .distinct()
    )


def on_points(tx: Tx, points: Collection[ContactPointId]) -> list[tuple[ContactPointId, Ban]]:
    """Bans that stand on known contact points, whichever epoch made them."""
    found: list[tuple[ContactPointId, Ban]] = []
    for part in chunked(points, _IN):
        statement = (
            select(_point.c.id, _ban.c.channel, _ban.c.scope, _ban.c.partner_id)
            .join(_ban, and_(_ban.c.token == _point.c.token, _ban.c.kind == _point.c.kind))
            .where(_point.c.id.in_(part), stands())
            .order_by(_point.c.id, _ban.c.id)
        )
        found += [(point, _as_ban(*rest)) for point, *rest in tx.execute(statement)]
    return found


def on_tokens(tx: Tx, points: Collection[Point]) -> list[tuple[Point, Ban]]:
    """Bans that stand on tokens, known as contact points or not.

    At hand-over an address is checked so under the token of every (epoch, profile) ever used.
    """
    found: list[tuple[Point, Ban]] = []
    for part in chunked(points, _IN):
        statement = (
            select(_ban.c.kind, _ban.c.token, _ban.c.channel, _ban.c.scope, _ban.c.partner_id)
            .where(tuple_(_ban.c.token, _ban.c.kind).in_([(token, kind) for kind, token in part]))
            .where(stands())
            .order_by(_ban.c.id)
        )
        found += [
            ((kind, Token(bytes(token))), _as_ban(*rest))
            for kind, token, *rest in tx.execute(statement)
        ]
    return found


def all_tokens(tx: Tx) -> Iterator[tuple[Point, Ban]]:
    """Every suppression, oldest first."""
    statement = (
        select(_ban.c.kind, _ban.c.token, _ban.c.channel, _ban.c.scope, _ban.c.partner_id)
        .where(stands())
        .order_by(_ban.c.id)
    )
    with tx.execute(statement.execution_options(yield_per=_FETCH)) as result:
        for kind, token, *rest in result:
            yield (kind, Token(bytes(token))), _as_ban(*rest)


def _as_ban(channel: str, scope: str, partner_id: int) -> Ban:
    whole = scope == Scope.CONSORTIUM.value
    return Ban(Channel(channel), None if whole else partner_id)


def _add_opt_outs(tx: Tx, requests: Sequence[Request]) -> list[int]:
    statement = insert(_optout).returning(_optout.c.id, sort_by_parameter_order=True)
    ids: list[int] = []
    for part in chunked(requests, _FETCH):
        values = [
            {
                "at": request.at,
                "channel": request.channel.value,
                "scope": request.scope.value,
                "partner_id": request.partner_id,
                "cause": request.cause,
                "author": request.author,
                "upload_id": request.upload_id,
                "message_id": request.message_id,
                "named": request.named,
                "entry": request.entry,
            }
            for request in part
        ]
        ids.extend(tx.execute(statement, values).scalars())
    return ids
