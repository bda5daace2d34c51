"""Partners: admitted once, with the card that says who they are; never changed, never removed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches
from typing import Any

from sqlalchemy import Row, insert, or_, select

from consortium.errors import NotFound, StateConflict, quoted
from consortium.model import PartnerCard
from consortium.store.engine import Tx
from consortium.store.tables import metadata
from consortium.types import EntryIndex, PartnerSlug

__all__ = ["PartnerRecord", "add", "all", "by_id", "get"]

_PARTNER = metadata.tables["consortium_partner"]


@dataclass(frozen=True, slots=True)
class PartnerRecord:
    """A partner of this consortium.

    Attributes:
        id: Its number in this database.
        card: Its public card.
        admitted_at: When.
        entry: Index of its `partner_admitted` entry.
    """

    id: int
    card: PartnerCard
    admitted_at: datetime
    entry: EntryIndex

    @property
    def slug(self) -> PartnerSlug:
        """Its short name."""
        return self.card.slug


def _record(row: Row[Any]) -> PartnerRecord:
    card = PartnerCard(
        slug=PartnerSlug(row.slug),
        name=row.name,
        postal_address=row.postal_address,
        from_address=row.from_address,
        sign_key=bytes(row.sign_key),
        receive_key=bytes(row.receive_key),
        firewall_group=row.firewall_group,
    )
    return PartnerRecord(row.id, card, row.admitted_at, EntryIndex(row.entry))


def add(tx: Tx, card: PartnerCard, *, at: datetime, entry: EntryIndex) -> PartnerRecord:
    """Admit a partner.

    Args:
        tx: The transaction that also appends the `partner_admitted` entry.
        card: Its card; the caller has checked it.
        at: Now.
        entry: Index of that entry.

    Raises:
        StateConflict: A partner of that name, or with one of those keys, is here already.
    """
    taken = tx.execute(
        select(_PARTNER.c.slug).where(
            or_(
                _PARTNER.c.slug == card.slug,
                _PARTNER.c.sign_key == card.sign_key,
                _PARTNER.c.receive_key == card.receive_key,
            )
        )
    ).scalars()
    if found := sorted(taken):
        same = card.slug in found
        raise StateConflict(
            f"{card.slug} is a partner already" if same else f"those keys are {found[0]}'s",
            hint="Each partner joins once, under one name, with keys of its own.",
        )
    values = {
        "slug": card.slug,
        "name": card.name,
        "postal_address": card.postal_address,
        "from_address": card.from_address,
        "sign_key": card.sign_key,
        "receive_key": card.receive_key,
        "firewall_group": card.firewall_group,
        "admitted_at": at,
        "entry": entry,
    }
    tx.execute(insert(_PARTNER), values)
    return get(tx, card.slug)


def get(tx: Tx, slug: PartnerSlug) -> PartnerRecord:
    """A partner by its short name.

    Raises:
        NotFound: There is none; the hint names the nearest, or all.
    """
    row = tx.execute(select(_PARTNER).where(_PARTNER.c.slug == slug)).first()
    if row is None:
        raise _not_found(tx, slug)
    return _record(row)


def _not_found(tx: Tx, slug: str) -> NotFound:
    known = list(tx.execute(select(_PARTNER.c.slug).order_by(_PARTNER.c.slug)).scalars())
    if near := get_close_matches(slug, known, n=1):
        hint = f'Did you mean "{near[0]}"? All partners: consortium partner list'
    elif known:
        hint = "All partners: consortium partner list"
    else:
        hint = "There are no partners yet: consortium partner add CARD"
    return NotFound(f"no partner is called {quoted(slug)}", hint=hint)


def by_id(tx: Tx, partner_id: int) -> PartnerRecord:
    """A partner by its number in this database.

    Raises:
        NotFound: There is none.
    """
    row = tx.execute(select(_PARTNER).where(_PARTNER.c.id == partner_id)).first()
    if row is None:
        raise NotFound(f"no partner has the number {partner_id}")
    return _record(row)


def all(tx: Tx) -> tuple[PartnerRecord, ...]:  # noqa: A001 - read as partners.all
    """Every partner, by short name."""
    return tuple(map(_record, tx.execute(select(_PARTNER).order_by(_PARTNER.c.slug))))
