"""Batches are judged in other processes just as in this one."""

from __future__ import annotations

import pickle
from datetime import date
from pathlib import Path

import pytest

from consortium.model import Consent, ConsentBasis
from consortium.pack import RecordIdSealer, Stated, open_record_id
from consortium.pack.check import Reading
from consortium.pack.rows import Batch
from consortium.pack.source import Source
from consortium.types import PartnerSlug
from tests.unit.pack.conftest import PROFILE, TODAY, Desk

ROWS = 9_000


def a_long_list(desk: Desk) -> Path:
    """Of everything some: repeats far apart, opt-outs, half ones, rejects, flaws."""
    lines = ["email,can2_phone,first_name,can2_subscription_status,Do Not Text,birth_date,uuid"]
    for i in range(ROWS):
        who = i % 7_000
        email = "broken" if who % 11 == 0 else f"p{who}@mail.example.org"
        phone = "" if who % 3 == 0 else f"503-555-{who % 10_000:04d}"
        status = "unsubscribed" if who % 13 == 0 else "subscribed"
        day = "not a day" if who % 17 == 0 else f"19{who % 80 + 10}-03-04"
        no_text = "yes" if who % 19 == 0 else ""
        lines.append(f"{email},{phone},Ana {who % 5},{status},{no_text},{day},id-{i}")
        if i % 2_000 == 0:
            lines.append(lines[0])
    return desk.write("\n".join(lines) + "\n")


def batches(desk: Desk, path: Path, *, workers: int, packing: bool = True) -> list[Batch]:
    stated = Stated(sms=Consent(ConsentBasis.EXPRESS, date(2026, 1, 2)))
    reading = Reading(path, profile=PROFILE, today=TODAY, stated=stated)
    return list(reading.batches(workers=workers, packing=packing))


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_any_number_of_processes_gives_the_same_batches(desk: Desk, workers: int) -> None:
    path = a_long_list(desk)
    alone = batches(desk, path, workers=0)
    assert len(alone) > 2
    assert batches(desk, path, workers=workers) == alone
    fates = [
        sum(getattr(batch, fate) for batch in alone)
        for fate in ("usable", "opt_outs", "partly", "records")
    ]
    assert min(fates) > 0
    assert sum(len(b.repeated) for b in alone) == ROWS - 7_000 - sum(
        1 for i in range(7_000, ROWS) if (i - 7_000) % 33 == 0
    )


def test_a_check_counts_what_a_pack_would_and_makes_no_lines(desk: Desk) -> None:
    path = a_long_list(desk)
    packing = batches(desk, path, workers=0)
    checking = batches(desk, path, workers=0, packing=False)
    assert any(batch.packed for batch in packing)
    for batch in packing:
        batch.packed = b""
    assert checking == packing


def test_rows_out_are_the_rows_in_in_every_batch(desk: Desk) -> None:
    for batch in batches(desk, a_long_list(desk), workers=2):
        assert batch.records == sum(
            (batch.usable, batch.opt_outs, len(batch.rejected), len(batch.repeated))
        )
        kinds = [type(line).__name__ for line in batch.sent]
        assert kinds.count("RowLine") == batch.usable
        assert kinds.count("OptOutLine") == batch.opt_outs + batch.partly


def test_a_sealer_seals_for_the_same_owner_in_another_process(desk: Desk) -> None:
    sealer = RecordIdSealer(
        to=desk.receive.public_key().public_bytes_raw(),
        origin=desk.card.origin,
        owner=PartnerSlug("nurses"),
    )
    other: RecordIdSealer = pickle.loads(pickle.dumps(sealer))
    assert other.seal("A-1", 7) == sealer.seal("A-1", 7)
    opened = open_record_id(
        other.seal("A-1", 7),
        number=7,
        key=desk.receive.private_bytes_raw(),
        origin=desk.card.origin,
        owner=PartnerSlug("nurses"),
    )
    assert opened.reveal() == "A-1"


def test_nothing_personal_shows_in_what_goes_between_processes(desk: Desk) -> None:
    path = desk.write("email,first_name\nana@mail.example.org,Ana\n")
    (batch,) = batches(desk, path, workers=0)
    source: Source = Reading(path, profile=PROFILE, today=TODAY).source
    shown = repr(batch) + repr(next(source.batches()))
    assert "ana" not in shown.lower()
