"""Packs taken in: what is kept of a list, sealed for whom, and what is not."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import text

from consortium import intake
from consortium.errors import EvidenceError
from consortium.model import PackOptOut, UploadState
from consortium.model.match_block import MatchBlock
from consortium.store import ledger, rows
from consortium.store.engine import Database
from consortium.testing.clock import FakeClock
from consortium.testing.house import House, PartnerDouble, row
from consortium.tokens import email
from consortium.vault.keys import public_half
from consortium.vault.seal import Details, RowOpener, SealContext
from consortium.vault.wrap import STANDING, open_owner_wrap, open_vault_wrap
from tests.harness.intaking import people, visible, wraps_of


def test_an_added_pack_counts_with_its_rows_opt_outs_wrap_and_entry(
    house: House, nurses: PartnerDouble
) -> None:
    pack = nurses.pack([*people(3), PackOptOut(9, ("gone@example.org",))])
    upload = house.add(pack)
    assert upload.name == "u-0001"
    assert upload.state is UploadState.ACTIVE
    assert (upload.rows, upload.opt_outs) == (3, 1)
    assert visible(house.database) == (1, 3, 1)
    assert wraps_of(house) == [f"{upload.digest.hex()}.wrap"]
    with house.database.read() as tx:
        entries = list(ledger.entries(tx, 0, ledger.size(tx)))
        entry = json.loads(entries[-1])
        assert upload.entry == len(entries) - 1
    assert entry["kind"] == "upload_added"
    assert entry["upload"] == upload.digest.hex()
    assert entry["rows"] == "1-49"


def test_of_a_withdrawn_upload_no_sealed_byte_or_token_is_left_in_the_files(
    house: House, nurses: PartnerDouble
) -> None:
    upload = house.add(nurses.pack(people(300)))
    kept = house.add(nurses.pack([row(1, "kept@example.org")]))
    with house.database.read() as tx:
        columns = "details, match_block, content"
        found = tx.execute(text(f"SELECT upload_id, {columns} FROM consortium_source_row")).all()
        tokens = tx.execute(text("SELECT token FROM consortium_contact_point")).scalars().all()
    gone = [bytes(v) for upload_id, *values in found if upload_id == upload.id for v in values]
    gone += [bytes(token) for token in tokens]
    intake.withdraw(house.database, upload.name, wraps=house.wraps, clock=house.clock)
    with house.database.read() as tx:
        left = {
            bytes(t)
            for t in tx.execute(text("SELECT token FROM consortium_contact_point")).scalars()
        }
    assert len(left) == 1
    assert wraps_of(house) == [f"{kept.digest.hex()}.wrap"]
    if house.database.file is not None:
        written = b"".join(
            p.read_bytes() for p in house.database.file.parent.glob("consortium.db*")
        )
        assert [g for g in gone if g in written and g not in left] == []


def test_role_addresses_are_known_to_merging_whoever_brings_them(
    house: House, nurses: PartnerDouble
) -> None:
    house.add(nurses.pack([row(1, "ann@union.example", "info@union.example")]))
    house.add(house.admit("tenants").pack([row(1, "INFO@union.example"), row(2, "bo@x.example")]))
    with house.database.read() as tx:
        (role,) = rows.role_points(tx)
        named = [p.row_id for part in rows.points_of_rows(tx) for p in part if p.point_id == role]
    assert len(named) == 2


def test_the_owner_opens_its_wrap_and_with_it_every_row(
    house: House, nurses: PartnerDouble
) -> None:
    upload = house.add(nurses.pack([row(4, "Ann@example.org", "ann@work.example", last="Müller")]))
    wrap = house.wraps.get("owner", upload=upload.digest)
    assert wrap is not None
    data_key = open_owner_wrap(
        wrap,
        key=nurses.keys.open("receive"),
        origin=house.card.origin,
        owner=upload.partner,
        upload=upload.digest,
    )
    with house.database.read() as tx:
        ((found,),) = list(rows.match_rows(tx))
        sealed = rows.details(tx, found.row_id)
        ((first, second),) = list(rows.points_of_rows(tx))
    opener = RowOpener(
        data_key,
        label="details",
        salt=sealed.data_salt,
        context=SealContext(house.card.origin, upload.partner, sealed.upload),
    )
    details = Details.decode(opener.open(sealed.details, number=sealed.number))
    assert [e.reveal() for e in details.emails] == ["Ann@example.org", "ann@work.example"]
    assert details.last_name.reveal() == "Müller"
    # A point's position is its address's place in the details.
    with house.database.read() as tx:
        tokens = rows.tokens_of_points(tx, [first.point_id, second.point_id])
    for point in (first, second):
        address = email.normalise(details.emails[point.position].reveal())
        assert isinstance(address, email.Email)
        (token,) = house.tokeniser.contact("email", [address.canonical])
        assert tokens[point.point_id] == ("email", token)


def test_match_blocks_open_with_the_match_key_and_hold_no_contact(
    house: House, nurses: PartnerDouble
) -> None:
    upload = house.add(nurses.pack([row(4, "ann@example.org", first="Beth")]))
    with house.database.read() as tx:
        ((found,),) = list(rows.match_rows(tx))
    opener = RowOpener(
        house.keys.open("match"),
        label="match",
        salt=upload.match_salt,
        context=SealContext(house.card.origin, upload.partner, upload.digest),
    )
    plain = opener.open(found.match_block, number=found.number)
    block = MatchBlock.decode(plain)
    assert (block.first, block.birth_date, block.postcode) == ("beth", "1980-02-03", "97214")
    assert b"example" not in plain
    assert found.name_birth is not None
    assert found.name_address is not None
    assert len(found.content) == len(found.name_birth) == 16


def test_one_mailbox_in_two_spellings_is_one_contact_point(
    house: House, nurses: PartnerDouble
) -> None:
    house.add(nurses.pack([row(1, "a.b+news@gmail.com", "ab@googlemail.com", "ab@gmail.com")]))
    with house.database.read() as tx:
        (points,) = list(rows.points_of_rows(tx))
    by_token = {p.point_id for p in points}
    canonical = set()
    for address in ("a.b+news@gmail.com", "ab@googlemail.com", "ab@gmail.com"):
        found = email.normalise(address)
        assert isinstance(found, email.Email)
        canonical.add(found.canonical)
    assert len(points) == len(by_token) == len(canonical)
    assert [p.position for p in points] == list(range(len(points)))


def test_a_standing_wrap_is_kept_and_opens_for_this_upload_only(
    house: House, nurses: PartnerDouble
) -> None:
    header = nurses.header()
    upload = house.add(nurses.pack(people(1), header=header, standing=True))
    wrap = house.wraps.get("standing", upload=upload.digest)
    assert wrap is not None
    place = {
        "key": house.keys.open("vault"),
        "origin": house.card.origin,
        "owner": upload.partner,
        "purpose": STANDING,
    }
    assert open_vault_wrap(wrap, upload=upload.digest, **place) == header.data_key  # type: ignore[arg-type] # as typed above
    other = house.add(nurses.pack(people(1), standing=True))
    with pytest.raises(EvidenceError):
        open_vault_wrap(wrap, upload=other.digest, **place)  # type: ignore[arg-type] # the same


def test_without_a_standing_approval_the_host_keeps_no_wrap_it_can_open(
    house: House, nurses: PartnerDouble
) -> None:
    upload = house.add(nurses.pack(people(2)))
    assert house.wraps.scopes() == ["owner"]
    wrap = house.wraps.get("owner", upload=upload.digest)
    assert wrap is not None
    for name in ("vault", "match", "token-1"):
        with pytest.raises(EvidenceError):
            open_owner_wrap(
                wrap,
                key=house.keys.open(name),
                origin=house.card.origin,
                owner=upload.partner,
                upload=upload.digest,
            )


def test_the_vault_key_is_not_asked_for_at_intake(house: House, nurses: PartnerDouble) -> None:
    pack = nurses.pack(people(2))
    house.keys.opened.clear()
    house.add(pack)
    assert set(house.keys.opened) == {"intake", "match", "token-1"}


# What is written and shown


def test_no_personal_data_reaches_the_disk_or_a_text(
    tmp_path: Path, sqlite_database: Database, clock: FakeClock
) -> None:
    house = House(sqlite_database, tmp_path, clock=clock)
    nurses = house.admit("nurses")
    canary = replace(
        row(1, "canaryaddress@example.org", first="Canaryfirst", last="Canarylast"),
        phones=("+15032460199",),
        house_number="777777c",
    )
    pack = nurses.pack([canary, PackOptOut(2, ("canarygone@example.org",))])
    upload = house.add(pack)
    house.withdraw(house.add(nurses.pack([canary])).name)
    written = b"".join(p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()).lower()
    for mark in (b"canary", b"5032460199", b"777777c"):
        assert mark not in written
    assert "canary" not in f"{upload!r}".lower()


def test_the_result_is_the_same_for_known_and_unknown_contacts(
    house: House, nurses: PartnerDouble
) -> None:
    house.add(nurses.pack(people(50)))
    teachers = house.admit("teachers")
    known, unknown = (house.add(teachers.pack(people(50, start=start))) for start in (1, 5000))
    for field in ("state", "rows", "opt_outs", "rejected", "repeated", "list_name", "layout"):
        assert getattr(known, field) == getattr(unknown, field)
    assert public_half("receive", teachers.keys.open("receive")) == teachers.card.receive_key
