"""Taking packs in beside each other, and processes that are killed while they do."""

from __future__ import annotations

import contextlib
import io
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from consortium import intake
from consortium.errors import (
    ConsortiumError,
    StateConflict,
)
from consortium.intake import add as _add  # noqa: F401 - named so that a rename is noticed
from consortium.model import PackOptOut
from consortium.store import rows, uploads
from consortium.store.engine import Database
from consortium.testing.house import House, PartnerDouble
from tests.harness.intaking import contents, counted, people, visible, wraps_of


def test_two_partners_lists_at_once_share_their_contact_points(
    house: House, nurses: PartnerDouble
) -> None:
    teachers = house.admit("teachers")
    packs = [d.pack(people(1200)) for d in (nurses, teachers)]
    failures: list[BaseException] = []
    start = threading.Barrier(2)

    def work(pack: io.BytesIO) -> None:
        try:
            start.wait()
            house.add(pack)
        except BaseException as error:  # noqa: BLE001 - told to the test's own thread
            failures.append(error)

    threads = [threading.Thread(target=work, args=(pack,)) for pack in packs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    found = counted(house.database)
    assert found["consortium_source_row"] == 2400
    assert found["consortium_contact_point"] == 1200
    assert found["consortium_row_contact"] == 2400


def test_two_packs_of_one_partner_at_once_both_count_and_one_pack_twice_once(
    house: House, nurses: PartnerDouble
) -> None:
    one, other = (nurses.pack(people(700, start=start)) for start in (0, 350))
    outcomes: list[str] = []
    start = threading.Barrier(3)

    def work(pack: io.BytesIO) -> None:
        start.wait()
        try:
            outcomes.append(house.add(pack).state.value)
        except ConsortiumError as error:
            outcomes.append(type(error).__name__)

    again = io.BytesIO(one.getvalue())
    threads = [threading.Thread(target=work, args=(pack,)) for pack in (one, again, other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["StateConflict", "active", "active"]
    assert visible(house.database)[:2] == (2, 1400)
    assert counted(house.database)["consortium_contact_point"] == 1050


def test_taking_in_and_erasing_the_same_contacts_at_once_loses_none(
    house: House, nurses: PartnerDouble
) -> None:
    teachers = house.admit("teachers")
    first = house.add(nurses.pack(people(1500)))
    pack = teachers.pack(people(1500))
    failures: list[BaseException] = []

    def work() -> None:
        try:
            house.add(pack)
        except BaseException as error:  # noqa: BLE001 - told to the test's own thread
            failures.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    house.withdraw(first.name)
    thread.join()
    assert failures == []
    found = counted(house.database)
    assert found["consortium_source_row"] == 1500
    assert found["consortium_row_contact"] == found["consortium_contact_point"] == 1500


CHILD = """
import pickle, sys, time
from pathlib import Path
from consortium import intake
from consortium.model import Silent
from consortium.store.engine import Database
from consortium.testing.house import House
from consortium.clock import SystemClock

url, directory, stop_at = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
keys, card, pack = pickle.loads((directory / "child.pickle").read_bytes())

class Slow(Silent):
    done = 0
    def advance(self, steps, **facts):
        Slow.done += steps
        if Slow.done >= stop_at:
            print("halfway", flush=True)
            time.sleep(60)

house = House(Database.open(url), directory, clock=SystemClock(), keys=keys)
house.card = card
import io
intake.add(house.database, io.BytesIO(pack), identity=keys.open("intake"), consortium=card,
           tokeniser=house.tokeniser, match_key=keys.open("match"), wraps=house.wraps,
           clock=house.clock, observer=Slow())
print("done", flush=True)
"""


@contextlib.contextmanager
def child(house: House, pack: io.BytesIO, *, stop_at: int) -> Iterator[subprocess.Popen[str]]:
    """A real process that takes a pack in and stands still on the way."""
    (house.directory / "child.pickle").write_bytes(
        pickle.dumps((house.keys, house.card, pack.getvalue()))
    )
    url = house.database.engine.url.render_as_string(hide_password=False)
    process = subprocess.Popen(
        [sys.executable, "-c", CHILD, url, str(house.directory), str(stop_at)],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def line_of(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


@pytest.fixture
def real_house(database: Database, tmp_path: Path) -> House:
    return House(database, tmp_path)


def test_kill_9_in_the_middle_leaves_the_database_as_before_after_a_sweep(
    real_house: House,
) -> None:
    house = real_house
    nurses = house.admit("nurses")
    house.add(nurses.pack(people(3)))
    before = contents(house.database), wraps_of(house)
    pack = nurses.pack([*people(1500, start=100), PackOptOut(9000, ("gone@example.org",))])
    with child(house, pack, stop_at=700) as process:
        assert line_of(process) == "halfway"
        with house.database.read() as tx:
            (staged,) = uploads.staged(tx)
            assert rows.count(tx, staged.id) > 300
        assert visible(house.database) == (1, 3, 0)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    assert visible(house.database) == (1, 3, 0)
    assert house.sweep() == intake.Swept(uploads=1)
    assert (contents(house.database), wraps_of(house)) == before
    assert house.add(pack).rows == 1500


def test_the_same_pack_can_be_added_right_after_kill_9_without_a_sweep(real_house: House) -> None:
    house = real_house
    nurses = house.admit("nurses")
    pack = nurses.pack(people(1200))
    with child(house, pack, stop_at=500) as process:
        assert line_of(process) == "halfway"
    assert house.add(pack).rows == 1200
    assert visible(house.database) == (1, 1200, 0)


def test_a_sweep_does_not_touch_an_upload_in_progress(real_house: House) -> None:
    house = real_house
    nurses, teachers = house.admit("nurses"), house.admit("teachers")
    pack = nurses.pack(people(1200))
    with child(house, pack, stop_at=500) as process:
        assert line_of(process) == "halfway"
        before = counted(house.database)
        assert house.sweep() == intake.Swept()
        assert counted(house.database) == before
        with pytest.raises(StateConflict, match="adding or withdrawing a list of nurses"):
            house.add(pack)
        assert house.add(teachers.pack(people(2))).rows == 2
    assert visible(house.database) == (1, 2, 0)


def test_kill_9_at_any_moment_shows_all_of_an_upload_or_nothing(real_house: House) -> None:
    house = real_house
    nurses = house.admit("nurses")
    for turn in range(6):
        pack = nurses.pack(
            [*people(400, start=1000 * turn), PackOptOut(9000, (f"gone{turn}@example.org",))]
        )
        done, opted = visible(house.database)[0], visible(house.database)[2]
        with child(house, pack, stop_at=10**9) as process:
            time.sleep(0.35 + 0.12 * turn)
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
        uploads_seen, rows_seen, bans_seen = visible(house.database)
        assert uploads_seen in {done, done + 1}
        assert rows_seen == 400 * uploads_seen
        assert bans_seen == opted + (uploads_seen - done)
        house.sweep()
        found = counted(house.database)
        assert found.get("consortium_source_row", 0) == 400 * uploads_seen
        assert found.get("consortium_upload", 0) == uploads_seen
        assert len(wraps_of(house)) == uploads_seen


def test_the_sweep_drops_wraps_that_no_upload_needs(house: House, nurses: PartnerDouble) -> None:
    upload = house.add(nurses.pack(people(1)))
    from consortium.types import UploadDigest  # noqa: PLC0415 - for this test alone

    house.wraps.put("standing", upload=UploadDigest(b"x" * 32), wrap=bytes(80))
    assert house.sweep() == intake.Swept(wraps=1)
    assert house.wraps.uploads() == [upload.digest]
