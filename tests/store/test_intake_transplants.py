"""What was sealed for one place in the store opens in no other."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from consortium.errors import EvidenceError
from consortium.store import rows
from consortium.testing.house import House, PartnerDouble
from consortium.types import SourceRowId
from consortium.vault.seal import RowOpener, SealContext
from consortium.vault.wrap import open_owner_wrap
from tests.harness.intaking import people


def test_sealed_details_moved_to_another_row_or_upload_do_not_open(
    house: House, nurses: PartnerDouble
) -> None:
    headers = [nurses.header(), nurses.header()]
    first, second = (house.add(nurses.pack(people(2), header=h)) for h in headers)
    table = "consortium_source_row"
    with house.database.read() as tx:
        ids = [r.row_id for part in rows.match_rows(tx) for r in part]
    with house.database.write() as tx:
        for target, source in ((ids[0], ids[1]), (ids[2], ids[3])):
            tx.execute(
                text(
                    f"UPDATE {table} SET details = (SELECT details FROM {table} WHERE id = :s),"
                    f" match_block = (SELECT match_block FROM {table} WHERE id = :s) WHERE id = :t"
                ),
                {"s": source, "t": target},
            )
    for upload, header, row_id in ((first, headers[0], ids[0]), (second, headers[1], ids[2])):
        with house.database.read() as tx:
            sealed = rows.details(tx, SourceRowId(row_id))
            block = next(
                r for part in rows.match_rows(tx) for r in part if r.row_id == row_id
            ).match_block
        context = SealContext(house.card.origin, upload.partner, upload.digest)
        details = RowOpener(
            header.data_key, label="details", salt=upload.data_salt, context=context
        )
        match = RowOpener(
            house.keys.open("match"), label="match", salt=upload.match_salt, context=context
        )
        with pytest.raises(EvidenceError):
            details.open(sealed.details, number=sealed.number)
        with pytest.raises(EvidenceError):
            match.open(block, number=sealed.number)


def test_wraps_swapped_between_uploads_do_not_open(house: House, nurses: PartnerDouble) -> None:
    one, two = (house.add(nurses.pack(people(1))) for _ in range(2))
    wraps = {u.digest: house.wraps.get("owner", upload=u.digest) for u in (one, two)}
    for upload, other in ((one, two), (two, one)):
        wrap = wraps[other.digest]
        assert wrap is not None
        house.wraps.put("owner", upload=upload.digest, wrap=wrap)
        kept = house.wraps.get("owner", upload=upload.digest)
        assert kept is not None
        with pytest.raises(EvidenceError):
            open_owner_wrap(
                kept,
                key=nurses.keys.open("receive"),
                origin=house.card.origin,
                owner=upload.partner,
                upload=upload.digest,
            )
