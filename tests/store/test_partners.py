from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from consortium.errors import NotFound, StateConflict
from consortium.model import PartnerCard
from consortium.store import partners
from consortium.store.engine import Database
from consortium.types import EntryIndex, PartnerSlug

AT = datetime(2026, 10, 1, tzinfo=UTC)


def _card(slug: str, seed: int) -> PartnerCard:
    return PartnerCard(
        slug=PartnerSlug(slug),
        name="Oregon Nurses – Ärzt:innen",
        postal_address="1 Main St, Portland",
        from_address="gotv@nurses.example.org",
        sign_key=bytes([seed]) * 32,
        receive_key=bytes([seed + 100]) * 32,
    )


def _admit(database: Database, card: PartnerCard) -> partners.PartnerRecord:
    with database.write() as tx:
        return partners.add(tx, card, at=AT, entry=EntryIndex(3))


def test_a_partner_is_found_by_name_and_by_number(database: Database) -> None:
    record = _admit(database, _card("nurses", 1))
    assert record.card == _card("nurses", 1)
    assert (record.admitted_at, record.entry, record.slug) == (AT, 3, "nurses")
    with database.read() as tx:
        assert partners.get(tx, PartnerSlug("nurses")) == record
        assert partners.by_id(tx, record.id) == record


def test_partners_are_listed_by_name(database: Database) -> None:
    for seed, slug in enumerate(["tenants", "nurses", "teachers"], 1):
        _admit(database, _card(slug, seed))
    with database.read() as tx:
        assert [p.slug for p in partners.all(tx)] == ["nurses", "teachers", "tenants"]


def test_nobody_joins_twice_or_with_anothers_keys(database: Database) -> None:
    _admit(database, _card("nurses", 1))
    with pytest.raises(StateConflict, match="nurses is a partner already"):
        _admit(database, _card("nurses", 2))
    for stolen in ("sign_key", "receive_key"):
        card = _card("doctors", 3)
        card = replace(card, **{stolen: getattr(_card("nurses", 1), stolen)})
        with pytest.raises(StateConflict, match="those keys are nurses's"):
            _admit(database, card)
    with database.read() as tx:
        assert len(partners.all(tx)) == 1


def test_an_unknown_partner_is_answered_with_the_nearest(database: Database) -> None:
    with database.read() as tx, pytest.raises(NotFound) as caught:
        partners.get(tx, PartnerSlug("nurses"))
    assert "partner add" in caught.value.hint
    _admit(database, _card("nurses", 1))
    with database.read() as tx:
        with pytest.raises(NotFound, match='"nursse"') as caught:
            partners.get(tx, PartnerSlug("nursse"))
        assert '"nurses"' in caught.value.hint
        with pytest.raises(NotFound) as caught:
            partners.get(tx, PartnerSlug("zzz"))
        assert caught.value.hint == "All partners: consortium partner list"
        with pytest.raises(NotFound):
            partners.by_id(tx, 99)
