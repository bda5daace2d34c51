"""Campaigns and answers on both databases."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from consortium.errors import NotFound, StateConflict
from consortium.model import CampaignState, Channel, PartnerCard
from consortium.store import campaigns, partners
from consortium.store.engine import Database, Tx
from consortium.types import CampaignName, EntryIndex, PartnerSlug

NOW = datetime(2026, 10, 5, 12, tzinfo=UTC)
NAME = CampaignName("portland-ballots")


@dataclass(frozen=True)
class Made:
    campaign: int
    partners: dict[str, int]


def new(tx: Tx, name: CampaignName = NAME, *, digest: bytes = bytes(32)) -> int:
    return campaigns.add(
        tx,
        name=name,
        document="campaign = 1\n",
        digest=digest,
        signature=bytes(64),
        channel=Channel.EMAIL,
        starts_at=NOW,
        ends_at=NOW + timedelta(hours=8),
        not_after=NOW + timedelta(hours=9),
        created_at=NOW,
    )


@pytest.fixture
def made(database: Database) -> Made:
    with database.write() as tx:
        found = {}
        for i, slug in enumerate(("nurses", "teachers"), start=1):
            card = PartnerCard(
                PartnerSlug(slug),
                slug,
                "1 Main St",
                f"x@{slug}.example",
                bytes([i] * 32),
                bytes([i + 9] * 32),
            )
            found[slug] = partners.add(tx, card, at=NOW, entry=EntryIndex(i)).id
        return Made(new(tx), found)


def answer(tx: Tx, made: Made, slug: str, word: str, *, digest: bytes = bytes(32)) -> int:
    return campaigns.add_answer(
        tx,
        campaign_id=made.campaign,
        partner_id=made.partners[slug],
        answer=word,
        ceiling=100 if word == "approved" else 0,
        campaign_digest=digest,
        until=NOW + timedelta(hours=9),
        document="signed",
        signature=bytes(64),
        at=NOW,
    )


def test_a_campaign_reads_back_as_it_was_written(database: Database, made: Made) -> None:
    with database.write() as tx:
        campaigns.set_entry(tx, made.campaign, entry=EntryIndex(7))
    with database.read() as tx:
        found = campaigns.get(tx, NAME)
        assert campaigns.by_id(tx, made.campaign) == found
        assert campaigns.all_of(tx) == [found]
    assert (found.name, found.state, found.entry) == (NAME, CampaignState.CREATED, 7)
    assert found.starts_at == NOW
    assert found.not_after == NOW + timedelta(hours=9)
    assert found.digest == bytes(32)


def test_a_name_is_taken_once_and_nothing_of_the_second_remains(
    database: Database, made: Made
) -> None:
    def two() -> None:
        with database.write() as tx:
            new(tx, CampaignName("another"))
            new(tx)

    with pytest.raises(StateConflict):
        two()
    with database.read() as tx:
        assert [c.name for c in campaigns.all_of(tx)] == [NAME]


def test_unknown_campaigns_are_not_found(database: Database, made: Made) -> None:
    with database.read() as tx:
        with pytest.raises(NotFound):
            campaigns.get(tx, "nonesuch")
        with pytest.raises(NotFound):
            campaigns.by_id(tx, 999)


def test_a_state_moves_only_from_where_it_may(database: Database, made: Made) -> None:
    def move() -> None:
        with database.write() as tx:
            campaigns.change_state(
                tx, made.campaign, allowed=[CampaignState.CREATED], to=CampaignState.PLANNED
            )

    move()
    with pytest.raises(StateConflict, match="is planned, so it cannot become planned"):
        move()
    with database.read() as tx:
        assert campaigns.get(tx, NAME).state is CampaignState.PLANNED


def test_the_newest_answer_of_each_partner_counts(database: Database, made: Made) -> None:
    with database.write() as tx:
        answer(tx, made, "nurses", "approved")
        answer(tx, made, "teachers", "declined")
        last = answer(tx, made, "nurses", "declined")
        campaigns.set_answer_entry(tx, last, entry=EntryIndex(5))
    with database.read() as tx:
        latest = campaigns.latest_answers(tx, made.campaign)
        everything = campaigns.answers(tx, made.campaign)
    assert {slug: a.answer for slug, a in latest.items()} == {
        "nurses": "declined",
        "teachers": "declined",
    }
    assert latest[PartnerSlug("nurses")].entry == 5
    assert [a.answer for a in everything] == ["approved", "declined", "declined"]


def test_a_text_is_revised_only_before_anything_is_sent(database: Database, made: Made) -> None:
    def revise(text: str) -> None:
        with database.write() as tx:
            campaigns.revise(
                tx,
                made.campaign,
                document=text,
                digest=b"\x01" * 32,
                signature=bytes(64),
                starts_at=NOW,
                ends_at=NOW + timedelta(hours=1),
                not_after=NOW + timedelta(hours=2),
                at=NOW,
            )

    def move(allowed: CampaignState, to: CampaignState) -> None:
        with database.write() as tx:
            campaigns.change_state(tx, made.campaign, allowed=[allowed], to=to)

    move(CampaignState.CREATED, CampaignState.PLANNED)
    revise("other")
    with database.read() as tx:
        found = campaigns.get(tx, NAME)
    assert (found.document, found.state) == ("other", CampaignState.CREATED)
    move(CampaignState.CREATED, CampaignState.PLANNED)
    move(CampaignState.PLANNED, CampaignState.SENDING)
    with pytest.raises(StateConflict, match="is sending, so its text stays"):
        revise("third")
