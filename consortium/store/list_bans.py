"""The opt-outs that come in with a list: written before the list counts, in force once it does.

They are written in short transactions under the staged upload. A suppression of a staged upload is
none (`suppressions.stands`); the transaction that makes the upload active puts all of them in force
at once, however many there are, and if that transaction never comes nothing was ever banned. The
upload is part of a suppression's identity, so that one which is not in force yet never keeps
another one out: the same opt-out recorded meanwhile, by mail or with a second list, stands for
itself. A token that is banned already, by the same partner on the same channel, is not written
again: a suppression that stands is never lifted.

As for any opt-out, the other tokens of the persons who hold a token are banned with it (DESIGN,
D5): of the persons of the moment at which it is written, the list's own rows among them. Not so
where mail came back: that is of an address, and nobody has asked for anything.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import delete, select

from consortium.model import UploadState
from consortium.store.chunks import ChunkSize, chunked
from consortium.store.engine import Database, Tx
from consortium.store.suppressions import KIND_OF, Request, held_with, stands, suppress
from consortium.store.tables import metadata
from consortium.types import Token

__all__ = ["drop", "stage", "to_stage"]

_optout = metadata.tables["consortium_opt_out"]
_ban = metadata.tables["consortium_suppression"]
_upload = metadata.tables["consortium_upload"]
_IN = 400
_OF_AN_ADDRESS = "bounced"


def to_stage(tx: Tx, tokens: Sequence[Token], *, request: Request) -> list[Token]:
    """The tokens that opt-outs of these ban and that are not banned yet, sorted.

    Needs no writer, which it would keep from others: some tokens lead to a thousand more.

    Args:
        tx: Any transaction.
        tokens: Of the request's channel; some hundreds.
        request: What the list says of them; its `upload_id` is the staged upload.
    """
    wanted = set(tokens)
    if request.cause != _OF_AN_ADDRESS:
        held = held_with(tx, tokens, kind=KIND_OF[request.channel], also=request.upload_id)
        wanted.update(other for _, other in held)
    return sorted(wanted - _banned(tx, wanted, request))


def stage(tx: Tx, tokens: Sequence[Token], *, request: Request, opt_out_id: int) -> None:
    """Write bans of a staged upload.

    Args:
        tokens: From `to_stage`.
        request: As there.
        opt_out_id: That request as recorded.
    """
    suppress(tx, [(token, opt_out_id, request) for token in tokens])


def _banned(tx: Tx, tokens: Collection[Token], request: Request) -> set[Token]:
    """Those of these tokens that such a request would ban for nothing."""
    found: set[Token] = set()
    for part in chunked(sorted(tokens), _IN):
        statement = select(_ban.c.token).where(
            _ban.c.token.in_(part),
            _ban.c.kind == KIND_OF[request.channel],
            _ban.c.channel == request.channel.value,
            _ban.c.scope == request.scope.value,
            _ban.c.partner_id == (request.partner_id or 0),
            stands(),
        )
        found.update(Token(bytes(token)) for token in tx.execute(statement).scalars())
    return found


def drop(database: Database, upload_id: int) -> None:
    """Take back what was written for an upload that never counted; any other is left alone."""
    size, deleted = ChunkSize(), 1
    never = select(_upload.c.id).where(
        _upload.c.id == upload_id, _upload.c.state == UploadState.STAGED.value
    )
    while deleted:
        some = (
            select(_ban.c.id)
            .join(_optout, _optout.c.id == _ban.c.opt_out_id)
            .where(_optout.c.upload_id.in_(never), _ban.c.upload_id == upload_id)
            .limit(size.rows)
        )
        with size.write(database) as tx:
            deleted = tx.execute(delete(_ban).where(_ban.c.id.in_(some))).rowcount
    with database.write() as tx:
        tx.execute(delete(_optout).where(_optout.c.upload_id.in_(never)))
