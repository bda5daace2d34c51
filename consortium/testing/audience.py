"""Audiences for tests of planning: a few lines per person, and no database.

    view = audience([Row(person=1, owner="nurses", points=(7,))], campaign=TEXT, policies=compiled)
    answers = decide(view)

Ids of rows and persons are dealt out in the order in which rows are listed, uploads by owner, so
that a test can list the same world in another order.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

import numpy as np

from consortium.campaign import document
from consortium.campaign.coverage import Coverage
from consortium.campaign.view import View
from consortium.model import CampaignState, Channel, ConsentBasis, Places, Relationship
from consortium.policy.engine import CompiledPolicy
from consortium.store.audience_columns import (
    BanColumns,
    Numbered,
    PointColumns,
    PriorColumns,
    RowColumns,
)
from consortium.store.audiences import KeptMessage, UploadFacts
from consortium.store.campaigns import AnswerRecord, CampaignRecord
from consortium.types import CampaignName, EntryIndex, PartnerSlug, UploadDigest

__all__ = ["Policy", "Row", "audience"]

_PORTLAND = Places("US", "OR", "97214")
_BEFORE = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy in force, of version 1."""

    compiled: CompiledPolicy
    version: int = 1


@dataclass(frozen=True, slots=True)
class Row:
    """A source row.

    Attributes:
        person: Any number; rows with the same one are one person.
        owner: A partner.
        points: Numbers of the e-mail addresses it names, best first.
        number: Its number in the owner's upload; with the owner it names the row for ever.
        basis, consent_on: Consent to e-mail.
        dead: Whether its addresses are known not to work.
    """

    person: int
    owner: str
    points: tuple[int, ...]
    number: int
    basis: ConsentBasis = ConsentBasis.EXPRESS
    consent_on: date | None = date(2026, 1, 5)
    relationship: Relationship = Relationship.MEMBER
    places: Places = _PORTLAND
    zones: tuple[str, ...] = ("America/Los_Angeles",)
    dead: bool = False


def audience(
    rows: Sequence[Row],
    *,
    campaign: str,
    policies: Mapping[str, CompiledPolicy],
    now: datetime,
    bans: Sequence[tuple[int, str | None]] = (),
    prior: Sequence[tuple[int, datetime]] = (),
    kept: Sequence[KeptMessage] = (),
    coverage: Mapping[str, Coverage] | None = None,
    answers: Mapping[str, AnswerRecord] | None = None,
    secret: bytes = bytes(32),
) -> View:
    """A view as `campaign.view.read` gives it.

    Args:
        rows: Source rows, in the order the database would have them.
        campaign: The campaign's document.
        policies: Of every partner.
        now: The time of planning.
        bans: Suppressions on e-mail: point, and the partner of a partner-scope one.
        prior: Earlier messages: point, and when.
        kept: Messages of the campaign that stay; `row_id` is the row's place in `rows`, from 1.
        coverage: What owners have said; those not named have approved.
        answers: Approvals with their ceilings.
        secret: The plan's secret.
    """
    owners = list(dict.fromkeys(row.owner for row in rows))
    uploads = sorted(
        (
            UploadFacts(
                id=number,
                digest=UploadDigest(hashlib.sha256(owner.encode()).digest()),
                list_name="members",
                rows=sum(row.owner == owner for row in rows),
                partner_id=sorted(policies).index(owner) + 1,
                partner=PartnerSlug(owner),
            )
            for number, owner in enumerate(owners, start=1)
        ),
        key=lambda upload: upload.digest,
    )
    partner_ids = {PartnerSlug(slug): i for i, slug in enumerate(sorted(policies), start=1)}
    said = coverage or {}
    asked = document.parse(campaign)
    record = CampaignRecord(
        id=1,
        name=CampaignName(asked.name),
        document=campaign,
        digest=document.digest(campaign),
        signature=bytes(64),
        state=CampaignState.CREATED,
        reason=None,
        channel=asked.channel,
        starts_at=asked.starts_at,
        ends_at=asked.ends_at,
        not_after=asked.deadline,
        created_at=_BEFORE,
        entry=EntryIndex(0),
    )
    return View(
        campaign=record,
        asked=asked,
        answers={PartnerSlug(slug): a for slug, a in (answers or {}).items()},
        policies={PartnerSlug(slug): Policy(p) for slug, p in policies.items()},
        partner_ids=partner_ids,
        uploads=uploads,
        coverage=[said.get(upload.partner, Coverage.APPROVED) for upload in uploads],
        generation=1,
        unmerged_rows=0,
        rows=_rows(rows, [upload.partner for upload in uploads]),
        points=_points(rows),
        bans=_bans(bans, partner_ids),
        prior=_prior(rows, prior),
        kept=kept,
        secret=secret,
        start=max(now, asked.starts_at),
    )


def _rows(rows: Sequence[Row], owners: Sequence[str]) -> RowColumns:
    persons: Numbered[int] = Numbered()
    places: Numbered[Places] = Numbered()
    zones: Numbered[str] = Numbered()
    relationships: Numbered[Relationship] = Numbered()
    consents: Numbered[tuple[ConsentBasis, date | None]] = Numbered()

    def column(values: list[int]) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        return np.array(values, dtype=np.int64)

    return RowColumns(
        row=np.arange(1, len(rows) + 1, dtype=np.int64),
        person=column([persons(row.person) for row in rows]),
        number=column([row.number for row in rows]),
        upload=column([owners.index(row.owner) for row in rows]),
        place=column([places(row.places) for row in rows]),
        zones=column([zones(" ".join(row.zones)) for row in rows]),
        relationship=column([relationships(row.relationship) for row in rows]),
        consent=column([consents((row.basis, row.consent_on)) for row in rows]),
        live=np.array([row.basis is not ConsentBasis.NONE for row in rows], dtype=bool),
        places=places.values(),
        zone_names=zones.values(),
        relationships=relationships.values(),
        consents=consents.values(),
    )


def _points(rows: Sequence[Row]) -> PointColumns:
    named = [
        (row_id, point, position, row.dead)
        for row_id, row in enumerate(rows, start=1)
        for position, point in enumerate(row.points)
    ]
    row, point, position, dead = np.array(named, dtype=np.int64).reshape(len(named), 4).T
    return PointColumns(row=row, point=point, position=position, dead=dead.astype(bool))


def _bans(
    bans: Sequence[tuple[int, str | None]], partner_ids: Mapping[PartnerSlug, int]
) -> BanColumns:
    kinds: Numbered[tuple[Channel, int | None]] = Numbered()
    codes = [
        kinds((Channel.EMAIL, None if author is None else partner_ids[PartnerSlug(author)]))
        for _, author in bans
    ]
    return BanColumns(
        point=np.array([point for point, _ in bans], dtype=np.int64),
        ban=np.array(codes, dtype=np.int64),
        bans=kinds.values(),
    )


def _prior(rows: Sequence[Row], prior: Sequence[tuple[int, datetime]]) -> PriorColumns:
    pairs = [
        (row_id, message)
        for message, (point, _) in enumerate(prior)
        for row_id, row in enumerate(rows, start=1)
        if point in row.points
    ]
    columns = np.array(pairs, dtype=np.int64).reshape(len(pairs), 2).T
    return PriorColumns(
        row=columns[0], message=columns[1], messages=[(at, Channel.EMAIL) for _, at in prior]
    )
