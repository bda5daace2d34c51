"""Uploads end, by withdrawal or on their day; opt-outs stay."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text

from consortium import intake
from consortium.errors import NotFound
from consortium.model import Channel, PackOptOut, UploadState
from consortium.store import ledger, rows, suppressions, uploads
from consortium.testing.clock import FakeClock
from consortium.testing.house import House, PartnerDouble, row
from tests.harness.intaking import contents, counted, people, visible, wraps_of


def test_a_lists_opt_outs_block_for_its_owner_by_channel(
    house: House, nurses: PartnerDouble
) -> None:
    upload = house.add(
        nurses.pack(
            [
                row(1, "gone@example.org", "still@example.org"),
                PackOptOut(2, ("gone@example.org",), ("+15032460100",), "spam_report"),
            ]
        )
    )
    gone, held = house.tokeniser.contact("email", ["gone@example.org", "still@example.org"])
    (number,) = house.tokeniser.contact("phone", ["+15032460100"])
    with house.database.read() as tx:
        found = dict(suppressions.all_tokens(tx))
        ((first, second),) = list(rows.points_of_rows(tx))
        on_points = suppressions.on_points(tx, [first.point_id, second.point_id])
        causes = tx.execute(text("SELECT cause, author, upload_id FROM consortium_opt_out")).all()
    own = suppressions.Ban(Channel.EMAIL, upload.partner_id)
    assert found == {
        ("email", gone): own,
        ("email", held): own,  # another address of the same row
        ("phone", number): suppressions.Ban(Channel.SMS, upload.partner_id),
    }
    assert {ban for _, ban in on_points} == {own}
    assert set(causes) == {("spam_report", "partner", upload.id)}


def test_suppressions_survive_withdrawal_and_the_same_opt_outs_again(
    house: House, nurses: PartnerDouble
) -> None:
    items = [*people(2), PackOptOut(9, ("gone@example.org",))]
    house.add(nurses.pack(items))
    house.add(nurses.pack(items))
    house.withdraw("u-0001")
    house.withdraw("u-0002")
    assert visible(house.database) == (2, 0, 1)


# Withdrawal


def test_a_withdrawn_uploads_rows_tokens_and_wraps_are_gone(
    house: House, nurses: PartnerDouble
) -> None:
    kept = house.add(nurses.pack(people(3)))
    before = counted(house.database)
    gone = house.add(
        nurses.pack([*people(3), *(replace(r, number=r.number + 10) for r in people(3, start=50))])
    )
    ended = house.withdraw(gone.name)
    assert ended.state is UploadState.WITHDRAWN
    assert ended.erased
    assert ended.ended_at == house.clock.now()
    after = counted(house.database)
    for table in ("source_row", "row_contact", "contact_point"):
        assert after[f"consortium_{table}"] == before[f"consortium_{table}"]
    assert wraps_of(house) == [f"{kept.digest.hex()}.wrap"]
    assert gone.data_salt.hex() not in repr(contents(house.database))
    with house.database.read() as tx:
        kinds = [json.loads(e)["kind"] for e in ledger.entries(tx, 0, ledger.size(tx))]
    assert kinds[-2:] == ["upload_withdrawn", "upload_erased"]


def test_withdrawing_again_changes_nothing(house: House, nurses: PartnerDouble) -> None:
    house.add(nurses.pack(people(3)))
    first = house.withdraw("u-0001")
    before = contents(house.database)
    assert house.withdraw("u-0001") == first
    assert contents(house.database) == before


def test_withdrawal_goes_on_after_it_was_cut_off(house: House, nurses: PartnerDouble) -> None:
    upload = house.add(nurses.pack(people(700)))
    with house.database.write() as tx:
        uploads.end(tx, upload.id, state=UploadState.WITHDRAWN, at=house.clock.now())
    with house.database.write() as tx:
        assert rows.delete_some(tx, upload.id, limit=300) == 300
    assert house.sweep() == intake.Swept(erased=1)
    assert "consortium_source_row" not in counted(house.database)
    assert wraps_of(house) == []
    assert house.sweep() == intake.Swept()


def test_rows_of_an_upload_that_counts_are_never_deleted(
    house: House, nurses: PartnerDouble
) -> None:
    upload = house.add(nurses.pack(people(3)))
    with house.database.write() as tx:
        assert rows.delete_some(tx, upload.id, limit=100) == 0
        assert not uploads.mark_erased(tx, upload.id)
        assert not uploads.forget(tx, upload.id)
    assert visible(house.database) == (1, 3, 0)


def test_an_unknown_upload_is_not_found(house: House) -> None:
    for name in ("u-0007", "7", "u-", "u-abc", "", "u-9999999999999999999"):
        with pytest.raises(NotFound):
            house.withdraw(name)


def test_an_upload_expires_after_its_last_day(
    house: House, nurses: PartnerDouble, clock: FakeClock
) -> None:
    day = clock.now().date() + timedelta(days=2)
    upload = house.add(nurses.pack(people(3), header=nurses.header(expires_on=day)))
    house.add(nurses.pack(people(1)))
    clock.sleep(2 * 86400)
    assert intake.expire(house.database, wraps=house.wraps, clock=clock) == []
    clock.sleep(86400)
    (ended,) = intake.expire(house.database, wraps=house.wraps, clock=clock)
    assert (ended.id, ended.state, ended.erased) == (upload.id, UploadState.EXPIRED, True)
    assert visible(house.database) == (2, 1, 0)
