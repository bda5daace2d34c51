"""What a match reads of source rows: sealed match blocks, and tokens of contact points."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from sqlalchemy import select

from consortium.store.engine import Tx, chunked
from consortium.store.tables import metadata
from consortium.types import PartnerSlug, Token, UploadDigest

__all__ = ["SealedUpload", "blocks", "tokens", "upload"]

_row = metadata.tables["consortium_source_row"]
_upload = metadata.tables["consortium_upload"]
_partner = metadata.tables["consortium_partner"]
_contact = metadata.tables["consortium_row_contact"]
_point = metadata.tables["consortium_contact_point"]

_IN = 500


@dataclass(frozen=True, slots=True)
class SealedUpload:
    """What opening the match blocks of an upload takes, beside the key."""

    digest: UploadDigest
    owner: PartnerSlug
    match_salt: bytes


def upload(tx: Tx, upload_id: int) -> SealedUpload:
    """How the match blocks of an upload are sealed."""
    statement = (
        select(_upload.c.digest, _partner.c.slug, _upload.c.match_salt)
        .join(_partner, _partner.c.id == _upload.c.partner_id)
        .where(_upload.c.id == upload_id)
    )
    digest, slug, salt = tx.execute(statement).one()
    return SealedUpload(UploadDigest(bytes(digest)), PartnerSlug(slug), bytes(salt))


def blocks(tx: Tx, rows: Collection[int]) -> Iterator[tuple[int, int, int, bytes]]:
    """Every (row, upload, number in it, sealed match block) of these rows, in no order."""
    for part in chunked(rows, _IN):
        statement = select(_row.c.id, _row.c.upload_id, _row.c.number, _row.c.match_block).where(
            _row.c.id.in_(part)
        )
        for row, upload_id, number, sealed in tx.execute(statement):
            yield int(row), int(upload_id), int(number), bytes(sealed)


def tokens(tx: Tx, rows: Collection[int]) -> Iterator[tuple[int, Token]]:
    """Every (row, token) of the contact points of these rows, but for those of a function."""
    for part in chunked(rows, _IN):
        statement = (
            select(_contact.c.row_id, _point.c.token)
            .join(_point, _point.c.id == _contact.c.point_id)
            .where(_contact.c.row_id.in_(part), ~_point.c.role)
        )
        for row, token in tx.execute(statement):
            yield int(row), Token(bytes(token))
