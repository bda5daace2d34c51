"""Send policies: versions count up from 1 for each partner, the highest is in force, all are kept.

Messages already decided name the version that allowed them, so no version is ever changed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, func, insert, select

from consortium.errors import NotFound, StateConflict
from consortium.store.engine import Tx
from consortium.store.tables import metadata
from consortium.types import EntryIndex, PartnerSlug

__all__ = ["PolicyRecord", "current", "current_of", "history", "next_version", "set"]

_POLICY = metadata.tables["consortium_policy"]
_PARTNER = metadata.tables["consortium_partner"]


@dataclass(frozen=True, slots=True)
class PolicyRecord:
    """One version of one partner's send policy.

    Attributes:
        partner_id, partner: Whose, by number and short name.
        version: From 1.
        document: TOML, as signed.
        digest: SHA-256 of the document, 32 bytes.
        signature: The partner's, over the signed text, 64 bytes.
        set_at: When it came into force.
        entry: Index of its `policy_set` entry.
    """

    partner_id: int
    partner: PartnerSlug
    version: int
    document: str
    digest: bytes
    signature: bytes
    set_at: datetime
    entry: EntryIndex


def _record(row: Row[Any]) -> PolicyRecord:
    return PolicyRecord(
        partner_id=row.partner_id,
        partner=PartnerSlug(row.slug),
        version=row.version,
        document=row.document,
        digest=bytes(row.digest),
        signature=bytes(row.signature),
        set_at=row.set_at,
        entry=EntryIndex(row.entry),
    )


def _query() -> Select[Any]:
    return select(_POLICY, _PARTNER.c.slug).join(_PARTNER, _PARTNER.c.id == _POLICY.c.partner_id)


def next_version(tx: Tx, partner_id: int) -> int:
    """The version that the next `set` in this transaction makes; locks it until then.

    Raises:
        NotFound: There is no such partner.
    """
    known = tx.execute(
        select(_PARTNER.c.id).where(_PARTNER.c.id == partner_id).with_for_update()
    ).first()
    if known is None:
        raise NotFound(f"no partner has the number {partner_id}")
    newest: int | None = tx.execute(
        select(func.max(_POLICY.c.version)).where(_POLICY.c.partner_id == partner_id)
    ).scalar_one()
    return (newest or 0) + 1


def set(  # noqa: A001 - read as policies.set
    tx: Tx,
    partner_id: int,
    *,
    document: str,
    digest: bytes,
    signature: bytes,
    at: datetime,
    entry: EntryIndex,
) -> PolicyRecord:
    """Bring a policy into force.

    Args:
        tx: The transaction that also appends the `policy_set` entry.
        partner_id: Whose.
        document: TOML, as signed; the caller has checked it.
        digest: SHA-256 of the document.
        signature: The partner's, 64 bytes.
        at: Now.
        entry: Index of that entry.

    Returns:
        The record, with its version.

    Raises:
        NotFound: There is no such partner.
        StateConflict: This very document is in force already, or was before: who holds an old
            signed file must not be able to undo a newer policy with it.
    """
    version = next_version(tx, partner_id)
    earlier = {record.digest: record.version for record in history(tx, partner_id)}
    if earlier.get(digest) == version - 1:
        raise StateConflict(
            "this policy is in force already", hint="Nothing needs to be done; nothing was changed."
        )
    if digest in earlier:
        raise StateConflict(
            f"this policy was in force before, as version {earlier[digest]}, and was replaced",
            hint="To return to it, its partner changes a line (a comment will do) and signs again.",
        )
    tx.execute(
        insert(_POLICY),
        {
            "partner_id": partner_id,
            "version": version,
            "digest": digest,
            "document": document,
            "signature": signature,
            "set_at": at,
            "entry": entry,
        },
    )
    return _newest(tx, partner_id)


def _newest(tx: Tx, partner_id: int) -> PolicyRecord:
    return history(tx, partner_id)[-1]


def current_of(tx: Tx, partner_id: int) -> PolicyRecord | None:
    """The policy of one partner that is in force; None if it never set one."""
    found = history(tx, partner_id)
    return found[-1] if found else None


def current(tx: Tx) -> dict[PartnerSlug, PolicyRecord]:
    """The policies in force; a partner that never set one is not in it and may not be used.

    In a transaction that writes they stay so until it ends: a policy that is being set is waited
    for, and none is set meanwhile. So nothing is decided under one that the ledger has replaced.
    """
    if tx.writable:
        tx.execute(select(_PARTNER.c.id).order_by(_PARTNER.c.id).with_for_update(read=True))
    newest = (
        select(_POLICY.c.partner_id, func.max(_POLICY.c.version).label("version"))
        .group_by(_POLICY.c.partner_id)
        .subquery()
    )
    query = (
        _query()
        .join(
            newest,
            (newest.c.partner_id == _POLICY.c.partner_id) & (newest.c.version == _POLICY.c.version),
        )
        .order_by(_PARTNER.c.slug)
    )
    return {record.partner: record for record in map(_record, tx.execute(query))}


def history(tx: Tx, partner_id: int) -> tuple[PolicyRecord, ...]:
    """Every version of a partner's policy, oldest first."""
    query = _query().where(_POLICY.c.partner_id == partner_id).order_by(_POLICY.c.version)
    return tuple(map(_record, tx.execute(query)))
