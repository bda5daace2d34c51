"""The surgeon: whoever writes to database and wraps moves sealed things from place to place.

Each opens only in its own: row, upload, owner, campaign, wording. What can be moved all the same is
at the end. What was signed is put to other uses in `test_replay`.
"""

from __future__ import annotations

import dataclasses
import hashlib
import itertools
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from consortium.errors import EvidenceError, PolicyRefused
from consortium.pack.record_ids import open_record_id
from consortium.testing.keys import MemoryKeys
from consortium.testing.transport import MemoryTransport
from consortium.types import PartnerSlug
from consortium.vault.seal import RowOpener, SealContext
from consortium.vault.wrap import open_owner_wrap
from tests.attack.stage import NAME, ORIGIN, POLICY, Stage, people
from tests.attack.surgeon import OTHER, Surgeon, two_partners
from tests.attack.thief import StolenRow, rows_of, wraps_of


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    stage = two_partners(tmp_path)
    yield stage
    stage.host.close()


@pytest.fixture
def surgeon(stage: Stage) -> Surgeon:
    return Surgeon(stage)


def _owners_key(stage: Stage, slug: str) -> bytes:
    """The data key of a partner's upload, as the partner itself would take it out."""
    upload = stage.uploads[slug].digest
    [wrap] = [w for scope, w in wraps_of(stage.home) if scope == "owner" and _opens(stage, slug, w)]
    return open_owner_wrap(
        wrap,
        key=stage.desks[slug]._keys.open("receive"),
        origin=ORIGIN,
        owner=PartnerSlug(slug),
        upload=upload,
    )


def _opens(stage: Stage, slug: str, wrap: bytes) -> bool:
    try:
        open_owner_wrap(
            wrap,
            key=stage.desks[slug]._keys.open("receive"),
            origin=ORIGIN,
            owner=PartnerSlug(slug),
            upload=stage.uploads[slug].digest,
        )
    except EvidenceError:
        return False
    return True


def _places(rows: Iterable[StolenRow]) -> Iterator[tuple[SealContext, bytes, int]]:
    """Everywhere a sealed value could be moved to: context, salt, row number."""
    for row, origin in itertools.product(rows, (ORIGIN, OTHER)):
        yield SealContext(origin, row.owner, row.upload), row.data_salt, row.number


def test_sealed_details_open_in_their_own_place_alone(stage: Stage) -> None:
    rows = rows_of(stage.home)
    key = _owners_key(stage, "nurses")
    home = next(row for row in rows if row.owner == "nurses")
    opened = []
    for context, salt, number in _places(rows):
        opener = RowOpener(key, label="details", salt=salt, context=context)
        try:
            opener.open(home.details, number=number)
        except EvidenceError:
            continue
        opened.append((context.origin, context.owner, context.upload, number))
    assert opened == [(ORIGIN, "nurses", home.upload, home.number)]


def test_match_blocks_open_in_their_own_place_alone_although_one_key_seals_all(
    tmp_path: Path,
) -> None:
    keys = MemoryKeys.host()
    stage = Stage.found(tmp_path, keys=keys)
    for slug in ("nurses", "teachers"):
        stage.join(slug, people(1, 11))
    rows = rows_of(stage.home)
    home = rows[0]
    opened = []
    for row, origin in itertools.product(rows, (ORIGIN, OTHER)):
        context = SealContext(origin, row.owner, row.upload)
        for salt in (home.match_salt, row.match_salt):
            opener = RowOpener(keys.open("match"), label="match", salt=salt, context=context)
            try:
                opener.open(home.match_block, number=row.number)
            except EvidenceError:
                continue
            opened.append((origin, row))
    assert set(opened) == {(ORIGIN, home)}


@pytest.mark.parametrize("turns", [(0, 1), (0, -1), (7, 8)])
def test_details_moved_between_rows_stop_the_messages_of_both_and_nobody_elses(
    stage: Stage, surgeon: Surgeon, turns: tuple[int, int]
) -> None:
    """Whether the rows come first in their owner's turn, when nothing has opened yet, or later."""
    stage.host.campaigns.create(stage.campaign())
    stage.approve("nurses", "teachers")
    stage.host.campaigns.plan(NAME)
    of_nurses = surgeon.rows("nurses")
    in_turn = [
        row
        for (row,) in surgeon.ask("SELECT row_id FROM consortium_message ORDER BY id")
        if row in of_nurses
    ]
    one, other = (in_turn[turn] for turn in turns)
    surgeon.swap("consortium_source_row", "details", one, other)
    transport = MemoryTransport()
    stage.send(transport=transport)
    sent = {envelope.recipient.reveal() for envelope in transport.taken}
    assert len(sent) == 78
    assert not sent & {
        f"p{of_nurses.index(int(str(row))) + 1}@people.example.org" for row in (one, other)
    }
    assert dict(stage.host.reports.campaign(NAME).stopped) == {"the sealed row does not open": 2}


def test_details_moved_between_owners_stop_the_messages_of_both(
    stage: Stage, surgeon: Surgeon
) -> None:
    stage.host.campaigns.create(stage.campaign())
    stage.approve("nurses", "teachers")
    stage.host.campaigns.plan(NAME)
    surgeon.swap(
        "consortium_source_row", "details", surgeon.rows("nurses")[3], surgeon.rows("teachers")[3]
    )
    transport = MemoryTransport()
    stage.send(transport=transport)
    assert len(transport.taken) == 78
    for envelope in transport.taken:  # and every message is in the name of the row's own owner
        number = int(envelope.recipient.reveal()[1:].partition("@")[0])
        slug = "nurses" if number <= 40 else "teachers"
        assert envelope.sender.endswith(f"@{slug}.example.org")


@pytest.mark.parametrize("column", ["row_id", "point_id"])
def test_a_message_pointed_at_another_row_or_address_does_not_go(
    stage: Stage, surgeon: Surgeon, column: str
) -> None:
    stage.host.campaigns.create(stage.campaign())
    stage.approve("nurses", "teachers")
    stage.host.campaigns.plan(NAME)
    one, other = [
        number
        for (number,) in surgeon.ask(
            "SELECT m.id FROM consortium_message m JOIN consortium_partner p ON p.id = m.owner_id "
            "WHERE p.slug = 'nurses' ORDER BY m.id LIMIT 2"
        )
    ]
    if column == "point_id":  # no two messages to one point: the swap has to step aside
        [(first,)] = surgeon.ask("SELECT point_id FROM consortium_message WHERE id = ?", one)
        [(second,)] = surgeon.ask("SELECT point_id FROM consortium_message WHERE id = ?", other)
        surgeon.run("UPDATE consortium_message SET point_id = 0 WHERE id = ?", one)
        surgeon.run("UPDATE consortium_message SET point_id = ? WHERE id = ?", first, other)
        surgeon.run("UPDATE consortium_message SET point_id = ? WHERE id = ?", second, one)
    else:
        surgeon.swap("consortium_message", "row_id", one, other)
    transport = MemoryTransport()
    stage.send(transport=transport)
    assert len(transport.taken) == 78
    assert sum(count for _, count in stage.host.reports.campaign(NAME).stopped) == 2


def test_match_blocks_moved_between_rows_stop_the_merge(stage: Stage, surgeon: Surgeon) -> None:
    others = [dataclasses.replace(one, postcode="97215") for one in people(1, 41)]
    stage.join("tenants", others)  # else nobody is compared with anybody who says something else
    one, other, *_ = surgeon.rows("nurses")
    surgeon.swap("consortium_source_row", "match_block", one, other)
    with pytest.raises(EvidenceError, match="sealed match"):
        stage.host.merge(full=True)


def test_an_owners_wraps_swapped_between_uploads_are_noticed_by_their_owners(
    stage: Stage, surgeon: Surgeon
) -> None:
    stage.host.campaigns.create(stage.campaign())
    ours, theirs = (
        surgeon.wrap("owner", stage.uploads[slug].digest) for slug in ("nurses", "teachers")
    )
    one, other = ours.read_bytes(), theirs.read_bytes()
    ours.write_bytes(other)
    theirs.write_bytes(one)
    for slug in ("nurses", "teachers"):
        with pytest.raises(EvidenceError, match="wrapped data key does not belong"):
            stage.approval(slug)


def test_a_campaigns_wraps_swapped_between_owners_open_nothing(
    stage: Stage, surgeon: Surgeon
) -> None:
    stage.host.campaigns.create(stage.campaign())
    stage.approve("nurses", "teachers")
    stage.host.campaigns.plan(NAME)
    ours, theirs = (
        surgeon.wrap(f"campaign-{NAME}", stage.uploads[slug].digest)
        for slug in ("nurses", "teachers")
    )
    one, other = ours.read_bytes(), theirs.read_bytes()
    ours.write_bytes(other)
    theirs.write_bytes(one)
    transport = MemoryTransport()
    with pytest.raises(PolicyRefused, match="has not handed over the keys"):
        stage.send(transport=transport)
    assert transport.taken == []


@pytest.mark.parametrize("target", ["campaign", "standing"])
def test_a_wrap_for_one_campaign_serves_no_other_and_never_stands(
    stage: Stage, surgeon: Surgeon, target: str
) -> None:
    campaigns = stage.host.campaigns
    campaigns.create(stage.campaign())
    stage.approve("nurses")
    given = surgeon.wrap(f"campaign-{NAME}", stage.uploads["nurses"].digest).read_bytes()
    campaigns.create(stage.campaign("second", words="and again."))
    if target == "campaign":
        scope = "campaign-second"
        stage.approve("nurses", name="second")
    else:
        scope = "standing"
        standing = POLICY.format(slug="nurses", approval="standing", guards="")
        stage.host.policies.set(stage.desks["nurses"].sign_policy(standing))
    campaigns.plan("second")
    moved = surgeon.wrap(scope, stage.uploads["nurses"].digest)
    moved.parent.mkdir(exist_ok=True)
    moved.write_bytes(given)
    moved.chmod(0o600)
    transport = MemoryTransport()
    with pytest.raises(PolicyRefused):
        stage.send("second", transport=transport)
    assert transport.taken == []


def test_an_approval_lapses_with_the_text_it_was_given_to(stage: Stage, surgeon: Surgeon) -> None:
    campaigns = stage.host.campaigns
    campaigns.create(stage.campaign())
    old = stage.approval("nurses")
    campaigns.record(old)
    kept = surgeon.wrap(f"campaign-{NAME}", stage.uploads["nurses"].digest)
    wrap = kept.read_bytes()
    campaigns.revise(stage.campaign(words="vote for our friends."))
    assert not kept.exists()
    with pytest.raises(PolicyRefused, match="not answered this text"):
        campaigns.record(old)
    assert not kept.exists()
    campaigns.plan(NAME)
    kept.parent.mkdir(exist_ok=True)
    kept.write_bytes(wrap)  # as if somebody had kept a copy
    kept.chmod(0o600)
    transport = MemoryTransport()
    with pytest.raises(PolicyRefused):
        stage.send(transport=transport)
    assert transport.taken == []


def test_a_text_changed_in_the_database_is_not_sent_under_the_old_approval(
    stage: Stage, surgeon: Surgeon
) -> None:
    campaigns = stage.host.campaigns
    campaigns.create(stage.campaign())
    stage.approve("nurses", "teachers")
    campaigns.plan(NAME)
    text = stage.campaign(words="vote for our friends.")
    digest = hashlib.sha256(text.encode()).digest()
    surgeon.run("UPDATE consortium_campaign SET document = ?, digest = ?", text, digest)
    transport = MemoryTransport()
    with pytest.raises(PolicyRefused, match="another text"):
        stage.send(transport=transport)
    surgeon.run("UPDATE consortium_approval SET campaign_digest = ?", digest)
    with pytest.raises(PolicyRefused, match="has not handed over the keys"):
        stage.send(transport=transport)  # the wraps say for which text they were made
    assert transport.taken == []


def test_record_ids_open_for_their_own_row_number_owner_and_consortium_alone(
    stage: Stage,
) -> None:
    key = stage.desks["nurses"]._keys.open("receive")
    mine = [row for row in rows_of(stage.home) if row.owner == "nurses"]
    home = mine[4]
    assert home.record_id is not None
    opened = []
    for row, owner, origin in itertools.product(mine, ("nurses", "teachers"), (ORIGIN, OTHER)):
        try:
            found = open_record_id(
                home.record_id, number=row.number, key=key, origin=origin, owner=PartnerSlug(owner)
            )
        except EvidenceError:
            continue
        opened.append((row.number, owner, origin, found.reveal()))
    assert opened == [(home.number, "nurses", ORIGIN, "n5")]


# --- what can be moved all the same -----------------------------------------------------------


def test_record_ids_can_be_moved_between_lists_of_one_owner_at_the_same_row_number(
    stage: Stage,
) -> None:
    """Nothing but the owner's own write-back, which this version has not, would notice."""
    second = stage.host.uploads.add(stage.pack("nurses", people(21, 31, tag="m"), name="second"))
    key = stage.desks["nurses"]._keys.open("receive")
    moved = next(r for r in rows_of(stage.home) if r.upload == second.digest and r.number == 5)
    assert moved.record_id is not None
    found = open_record_id(
        moved.record_id, number=5, key=key, origin=ORIGIN, owner=PartnerSlug("nurses")
    )
    assert found.reveal() == "m25"  # valid for row 5 of the first list too: no upload is bound
