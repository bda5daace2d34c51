"""Whole lists, packed on the partner's side, are taken in as they are: both sides mean the same."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from consortium.clock import SystemClock
from consortium.model import Consent, ConsentBasis
from consortium.pack import Stated, pack
from consortium.store import rows
from consortium.store.engine import Database
from consortium.testing.house import House

STATED = Stated(
    email=Consent(ConsentBasis.EXPRESS, date(2026, 1, 5)),
    sms=Consent(ConsentBasis.EXPRESS, date(2026, 1, 5)),
)


@pytest.fixture(params=["samples", 21, 22])
def lists(
    request: pytest.FixtureRequest, shared: Path, tmp_path_factory: pytest.TempPathFactory
) -> list[Path]:
    """Files of the shared samples, and of worlds nobody has seen."""
    folder = shared / "samples"
    if request.param != "samples":
        folder = tmp_path_factory.mktemp("world")
        command = [sys.executable, str(shared / "tools/make_lists.py"), str(folder)]
        command += ["--preset", "small", "--seed", str(request.param), "--uk"]
        subprocess.run(command, check=True, capture_output=True)
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    return [folder / "lists" / entry["file"] for entry in manifest["lists"]]


def test_every_row_and_opt_out_that_was_packed_is_taken_in(
    lists: list[Path], sqlite_database: Database, tmp_path: Path
) -> None:
    house = House(sqlite_database, tmp_path, clock=SystemClock())
    for number, path in enumerate(lists):
        owner = house.admit(f"partner-{number}")
        out = tmp_path / f"{number}.pack"
        result = pack(
            path,
            list_name=path.stem,
            obtained_on=house.clock.now().date(),
            card=house.card,
            partner=owner.card.slug,
            sign_key=owner.keys.open("sign"),
            receive_key=owner.card.receive_key,
            out=out,
            now=house.clock.now(),
            stated=STATED,
        )
        with out.open("rb") as stream:
            upload = house.add(stream, name=out.name)
        assert upload.digest == result.digest
        assert (upload.rows, upload.opt_outs) == (result.counts.rows, result.counts.opt_outs)
        assert upload.rows > 100
        with sqlite_database.read() as tx:
            assert rows.count(tx, upload.id) == upload.rows
