from __future__ import annotations

import hashlib
import threading
from datetime import UTC, datetime

import pytest

from consortium.errors import NotFound, StateConflict
from consortium.model import PartnerCard
from consortium.store import partners, policies
from consortium.store.engine import Database
from consortium.types import EntryIndex, PartnerSlug

AT = datetime(2026, 10, 1, tzinfo=UTC)


def _partner(database: Database, slug: str) -> int:
    card = PartnerCard(
        slug=PartnerSlug(slug),
        name=slug,
        postal_address="1 Main St",
        from_address=f"gotv@{slug}.example.org",
        sign_key=hashlib.sha256(b"s" + slug.encode()).digest(),
        receive_key=hashlib.sha256(b"r" + slug.encode()).digest(),
    )
    with database.write() as tx:
        return partners.add(tx, card, at=AT, entry=EntryIndex(1)).id


def _set(database: Database, partner: int, document: str) -> policies.PolicyRecord:
    with database.write() as tx:
        return policies.set(
            tx,
            partner,
            document=document,
            digest=hashlib.sha256(document.encode()).digest(),
            signature=b"\x05" * 64,
            at=AT,
            entry=EntryIndex(7),
        )


def test_versions_count_up_for_each_partner_and_the_highest_is_in_force(
    database: Database,
) -> None:
    nurses, teachers = _partner(database, "nurses"), _partner(database, "teachers")
    _partner(database, "tenants")  # never sets one
    records = [_set(database, nurses, f"policy = {n}\n") for n in range(3)]
    other = _set(database, teachers, "policy = 0\n")
    assert [r.version for r in records] == [1, 2, 3]
    assert other.version == 1
    with database.read() as tx:
        assert policies.current(tx) == {"nurses": records[2], "teachers": other}
        assert policies.history(tx, nurses) == tuple(records)
        assert policies.current_of(tx, nurses) == records[2]
        assert policies.current_of(tx, 99) is None
    assert records[0].document == "policy = 0\n"
    assert records[0].partner == "nurses"


def test_neither_the_policy_in_force_nor_one_it_replaced_is_set_again(
    database: Database,
) -> None:
    nurses = _partner(database, "nurses")
    _set(database, nurses, "a = 1\n")
    with pytest.raises(StateConflict, match="in force already"):
        _set(database, nurses, "a = 1\n")
    _set(database, nurses, "a = 2\n")
    with pytest.raises(StateConflict, match="as version 1, and was replaced"):
        _set(database, nurses, "a = 1\n")
    assert _set(database, nurses, "a = 1  # again\n").version == 3


def test_a_policy_needs_a_partner(database: Database) -> None:
    with pytest.raises(NotFound):
        _set(database, 12, "a = 1\n")


def test_two_set_at_once_get_two_versions(database: Database) -> None:
    nurses = _partner(database, "nurses")
    threads = [
        threading.Thread(target=_set, args=(database, nurses, f"a = {n}\n")) for n in range(5)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.read() as tx:
        assert [r.version for r in policies.history(tx, nurses)] == [1, 2, 3, 4, 5]
