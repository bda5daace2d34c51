from __future__ import annotations

import pytest

from consortium.errors import NotFound, StateConflict
from consortium.model import UploadState
from consortium.store import rows, uploads
from consortium.store.uploads import UploadRecord
from consortium.testing.house import House, row
from consortium.types import ContactPointId, SourceRowId


@pytest.fixture
def upload(house: House) -> UploadRecord:
    return house.add(house.admit("nurses").pack([row(1, "ann@example.org")], standing=True))


def test_an_upload_is_found_by_name_id_and_digest(house: House, upload: UploadRecord) -> None:
    with house.database.read() as tx:
        assert uploads.get(tx, "u-0001") == upload
        assert uploads.get(tx, "u-1") == upload
        assert uploads.by_id(tx, upload.id) == upload
        assert uploads.by_digest(tx, upload.digest) == upload
        assert uploads.all_of(tx) == [upload]
        assert uploads.all_of(tx, partner_id=upload.partner_id + 1) == []
        assert uploads.all_of(tx, states=[UploadState.WITHDRAWN]) == []
        assert uploads.digests(tx, states=[UploadState.ACTIVE]) == {upload.digest}


def test_states_change_only_from_the_state_they_may_change_from(
    house: House, upload: UploadRecord
) -> None:
    now = house.clock.now()
    with house.database.write() as tx, pytest.raises(StateConflict, match="swept away"):
        uploads.activate(tx, upload.id, at=now)
    with house.database.write() as tx:
        uploads.end(tx, upload.id, state=UploadState.EXPIRED, at=now)
    for state in (UploadState.WITHDRAWN, UploadState.EXPIRED):
        with house.database.write() as tx, pytest.raises(StateConflict, match="expired already"):
            uploads.end(tx, upload.id, state=state, at=now)
    with house.database.write() as tx:
        assert not uploads.forget(tx, upload.id)
        assert uploads.mark_erased(tx, upload.id)
        assert not uploads.mark_erased(tx, upload.id)
    with house.database.read() as tx:
        found = uploads.by_id(tx, upload.id)
        assert uploads.unerased(tx) == []
    assert found.erased
    assert found.match_salt == b""


def test_a_staged_upload_is_invisible_and_its_pack_cannot_be_staged_twice(
    house: House, upload: UploadRecord
) -> None:
    fields = {
        "partner_id": upload.partner_id,
        "list_name": "x",
        "layout": "generic",
        "obtained_on": upload.obtained_on,
        "expires_on": None,
        "signature": b"s",
        "data_salt": b"d",
        "match_salt": b"m",
        "epoch": 1,
        "profile": 1,
        "rows": 0,
        "opt_outs": 0,
        "rejected": 0,
        "repeated": 0,
        "added_at": house.clock.now(),
    }
    digest = type(upload.digest)(b"y" * 32)
    with house.database.write() as tx:
        staged = uploads.stage(tx, digest=digest, **fields)  # type: ignore[arg-type] # as typed above
    with house.database.read() as tx:
        assert uploads.all_of(tx) == [upload]
        assert [u.id for u in uploads.staged(tx)] == [staged]
        with pytest.raises(NotFound):
            uploads.get(tx, f"u-{staged}")
    with pytest.raises(StateConflict, match="being taken in"), house.database.write() as tx:
        uploads.stage(tx, digest=digest, **fields)  # type: ignore[arg-type] # the same


def test_unknown_rows_points_and_uploads_are_not_found(house: House, upload: UploadRecord) -> None:
    with house.database.read() as tx:
        with pytest.raises(NotFound):
            uploads.by_id(tx, upload.id + 7)
        with pytest.raises(NotFound):
            rows.details(tx, SourceRowId(777))
        assert rows.tokens_of_points(tx, [ContactPointId(777)]) == {}


def test_details_of_an_ended_upload_are_not_handed_out(house: House, upload: UploadRecord) -> None:
    with house.database.read() as tx:
        ((found,),) = list(rows.match_rows(tx))
        ((point,),) = list(rows.points_of_rows(tx))
        assert point.row_id == found.row_id
    with house.database.write() as tx:
        uploads.end(tx, upload.id, state=UploadState.WITHDRAWN, at=house.clock.now())
    with house.database.read() as tx:
        with pytest.raises(NotFound, match="not there any more"):
            rows.details(tx, found.row_id)
        assert list(rows.match_rows(tx)) == []
        assert list(rows.points_of_rows(tx)) == []


def test_rows_are_read_upload_by_upload(house: House, upload: UploadRecord) -> None:
    other = house.add(
        house.admit("teachers").pack([row(1, "ann@example.org"), row(2, "b@c.example")])
    )
    with house.database.read() as tx:
        for wanted, count in ((upload, 1), (other, 2)):
            found = [r for part in rows.match_rows(tx, uploads=[wanted.id]) for r in part]
            points = [p for part in rows.points_of_rows(tx, uploads=[wanted.id]) for p in part]
            assert {r.upload_id for r in found} == {wanted.id}
            assert len(found) == len(points) == count == rows.count(tx, wanted.id)
