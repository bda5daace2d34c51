"""An upload in the place of an earlier one: in one moment, or not at all."""

from __future__ import annotations

import contextlib
import io
import json
import os
import pickle
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import text

from consortium import identity
from consortium.errors import NotFound, StateConflict, UsageError
from consortium.model import (
    Channel,
    Consent,
    ConsentBasis,
    PackOptOut,
    PackRow,
    Scope,
    Silent,
    UploadState,
)
from consortium.store import ledger, merges, rows, suppressions, uploads
from consortium.store.engine import Database
from consortium.store.suppressions import Ban, Request
from consortium.testing.house import House, PartnerDouble, row
from consortium.types import UploadDigest
from consortium.vault.wraps import WrapStore


def people(count: int, *, start: int = 0) -> list[PackRow]:
    return [row(n, f"p{start + n}@example.org") for n in range(1, count + 1)]


def states(house: House) -> dict[str, UploadState]:
    with house.database.read() as tx:
        return {upload.name: upload.state for upload in uploads.all_of(tx)}


def visible_rows(house: House) -> int:
    with house.database.read() as tx:
        return sum(len(part) for part in rows.match_rows(tx))


def count(house: House, table: str) -> int:
    with house.database.read() as tx:
        return int(tx.execute(text(f"SELECT count(*) FROM consortium_{table}")).scalar_one())


def test_one_begins_to_count_where_the_other_ends(house: House, nurses: PartnerDouble) -> None:
    old = house.add(nurses.pack(people(5)))
    new = house.add(nurses.pack(people(4, start=3)), replaces=old.name)
    assert states(house) == {old.name: UploadState.WITHDRAWN, new.name: UploadState.ACTIVE}
    with house.database.read() as tx:
        ended = uploads.get(tx, old.name)
        entries = [json.loads(e) for e in ledger.entries(tx, 0, ledger.size(tx))]
    assert ended.ended_at == new.added_at
    assert ended.erased
    assert house.wraps.uploads() == [new.digest]
    replaced, added, erased = entries[-3:]
    assert (replaced["kind"], added["kind"]) == ("upload_replaced", "upload_added")
    assert (replaced["upload"], replaced["successor"]) == (old.digest.hex(), new.digest.hex())
    assert (erased["kind"], erased["upload"]) == ("upload_erased", old.digest.hex())
    assert visible_rows(house) == count(house, "source_row") == count(house, "contact_point") == 4


def test_what_the_earlier_list_banned_stays_banned(house: House, nurses: PartnerDouble) -> None:
    old = house.add(nurses.pack([*people(1), PackOptOut(9, ("gone@example.org",))]))
    back = row(2, "gone@example.org")
    house.add(nurses.pack([*people(1), back]), replaces=old.name)
    with house.database.read() as tx:
        points = [p.point_id for part in rows.points_of_rows(tx) for p in part]
        banned = suppressions.on_points(tx, points)
    assert [ban for _, ban in banned] == [Ban(Channel.EMAIL, old.partner_id)]


@pytest.mark.parametrize("day", [date(2001, 2, 3), None])
def test_an_import_with_any_consent_lifts_no_recorded_opt_out(
    house: House, nurses: PartnerDouble, day: date | None
) -> None:
    (gone,) = house.tokeniser.contact("email", ["p1@example.org"])
    request = Request(
        at=house.clock.now(),
        channel=Channel.EMAIL,
        scope=Scope.CONSORTIUM,
        partner_id=None,
        cause="asked",
        author="recipient",
    )
    with house.database.write() as tx:
        suppressions.ban(tx, request, [gone])
    (one,) = people(1)
    willing = replace(
        one, email_consent=Consent(ConsentBasis.EXPRESS, day or house.clock.now().date())
    )
    house.add(nurses.pack([willing]))
    with house.database.read() as tx:
        assert suppressions.on_tokens(tx, [("email", gone)]) == [
            (("email", gone), Ban(Channel.EMAIL, None))
        ]


def test_only_an_active_upload_of_the_same_list_is_replaced(
    house: House, nurses: PartnerDouble
) -> None:
    teachers = house.admit("teachers")
    other_list = house.add(nurses.pack(people(2), header=nurses.header(list_name="donors")))
    other_owner = house.add(teachers.pack(people(2)))
    ended = house.withdraw(house.add(nurses.pack(people(2))).name)
    before = states(house), count(house, "ledger_entry")
    pack = nurses.pack(people(3))
    for name, error, match in (
        (other_list.name, UsageError, "not an earlier upload of the list"),
        (other_owner.name, UsageError, "not an earlier upload of the list"),
        (ended.name, StateConflict, "withdrawn already"),
        ("u-0999", NotFound, "no upload"),
    ):
        with pytest.raises(error, match=match):
            house.add(pack, replaces=name)
    assert (states(house), count(house, "ledger_entry")) == before
    assert house.add(pack).rows == 3


def test_a_pack_that_is_in_already_replaces_nothing_and_says_what_to_do(
    house: House, nurses: PartnerDouble
) -> None:
    old = house.add(nurses.pack(people(3)))
    pack = nurses.pack(people(4))
    new = house.add(pack)
    with pytest.raises(StateConflict, match=f"as upload {new.name}, so it replaces nothing") as it:
        house.add(pack, replaces=old.name)
    assert "consortium upload withdraw" in it.value.hint
    with pytest.raises(StateConflict, match=f"is upload {new.name} itself") as it:
        house.add(pack, replaces=new.name)
    assert "withdraw" not in it.value.hint
    assert set(states(house).values()) == {UploadState.ACTIVE}


def test_an_error_on_the_way_leaves_the_earlier_upload_as_it_was(
    house: House, nurses: PartnerDouble
) -> None:
    old = house.add(nurses.pack(people(3)))
    with pytest.raises(RuntimeError, match="the disk of the wraps"):
        _with_wraps(house, _Breaking).add(nurses.pack(people(4)), replaces=old.name)
    assert states(house) == {old.name: UploadState.ACTIVE}
    assert visible_rows(house) == count(house, "source_row") == 3


def test_a_list_withdrawn_meanwhile_is_not_replaced_and_nothing_is_added(
    house: House, nurses: PartnerDouble
) -> None:
    old = house.add(nurses.pack(people(3)))

    class Withdrawing(WrapStore):
        def put(self, scope: str, *, upload: UploadDigest, wrap: bytes) -> None:
            super().put(scope, upload=upload, wrap=wrap)
            house.withdraw(old.name)  # marks it at once; its rows wait for the lock

    with pytest.raises(StateConflict, match="withdrawn already"):
        _with_wraps(house, Withdrawing).add(nurses.pack(people(4)), replaces=old.name)
    assert states(house) == {old.name: UploadState.WITHDRAWN}
    house.sweep()
    assert count(house, "source_row") == count(house, "contact_point") == 0


class _Breaking(WrapStore):
    def put(self, scope: str, *, upload: UploadDigest, wrap: bytes) -> None:
        raise RuntimeError("the disk of the wraps")


def _with_wraps(house: House, kind: type[WrapStore]) -> House:
    other = House(house.database, house.directory, clock=house.clock, keys=house.keys)
    other.card = house.card
    other.wraps = kind(house.directory / "wraps")
    return other


def test_a_merge_sees_both_changes_as_if_the_new_list_had_been_there_alone(
    house: House, nurses: PartnerDouble
) -> None:
    teachers = house.admit("teachers")
    house.add(teachers.pack([row(n, f"p{n}@example.org") for n in (2, 4, 6)]))
    old = house.add(nurses.pack([row(n, f"p{n}@example.org", first=f"F{n}") for n in (1, 2, 3)]))
    _merge(house)
    house.add(nurses.pack([row(n, f"p{n}@example.org") for n in (4, 5)]), replaces=old.name)
    _merge(house)
    after = _people(house)
    _merge(house, full=True)
    assert _people(house) == after
    assert sum(len(group) for group in after) == 5
    assert any(len(group) > 1 for group in after)


def _merge(house: House, *, full: bool = False) -> None:
    with house.database.write() as tx:
        tx.execute(
            text(
                "INSERT INTO consortium_state (id, name, origin, card, created_at,"
                " merge_generation) VALUES (1, 'x', :origin, 'x', 0, 0) ON CONFLICT DO NOTHING"
            ),
            {"origin": house.card.origin},
        )
    identity.run(
        house.database,
        match_opener=identity.match_opener(house.keys.open("match")),
        clock=house.clock,
        observer=Silent(),
        full=full,
    )


def _people(house: House) -> set[frozenset[tuple[bytes, int]]]:
    """Persons as sets of (upload, number)."""
    with house.database.read() as tx:
        latest = merges.latest(tx)
        assert latest is not None
        named = {r.row_id: (bytes([r.upload_id]), r.number) for p in rows.match_rows(tx) for r in p}
        groups: dict[int, set[tuple[bytes, int]]] = {}
        for person, row_id in merges.persons(tx, latest.generation):
            groups.setdefault(person, set()).add(named[row_id])
    return {frozenset(group) for group in groups.values()}


CHILD = """
import io, pickle, sys
from pathlib import Path
from consortium import intake
from consortium.clock import SystemClock
from consortium.store.engine import Database
from consortium.testing.house import House

url, directory, replaces = sys.argv[1], Path(sys.argv[2]), sys.argv[3]
keys, card, pack = pickle.loads((directory / "child.pickle").read_bytes())
house = House(Database.open(url), directory, clock=SystemClock(), keys=keys)
house.card = card
print("begins", flush=True)
house.add(io.BytesIO(pack), replaces=replaces, cores=1)
"""


@contextlib.contextmanager
def child(house: House, pack: io.BytesIO, replaces: str) -> Iterator[subprocess.Popen[str]]:
    (house.directory / "child.pickle").write_bytes(
        pickle.dumps((house.keys, house.card, pack.getvalue()))
    )
    url = house.database.engine.url.render_as_string(hide_password=False)
    process = subprocess.Popen(
        [sys.executable, "-c", CHILD, url, str(house.directory), replaces],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline().strip() == "begins"
        yield process
    finally:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def test_kill_9_at_a_random_moment_leaves_the_one_or_the_other(
    database: Database, tmp_path: Path
) -> None:
    house = House(database, tmp_path)
    nurses = house.admit("nurses")
    current = house.add(nurses.pack([*people(600), PackOptOut(9000, ("g@example.org",))]))
    moments = random.Random(7)
    for turn in range(1, 7):
        pack = nurses.pack(
            [*people(600, start=300 * turn), PackOptOut(9000, (f"g{turn}@example.org",))]
        )
        with child(house, pack, current.name) as process:
            time.sleep(moments.uniform(0.0, 1.6))
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
        active = [name for name, state in states(house).items() if state is UploadState.ACTIVE]
        assert len(active) == 1
        assert visible_rows(house) == 600
        _swept(house)
        assert count(house, "source_row") == 600
        assert count(house, "row_contact") == 600
        assert count(house, "row_key") == 1200
        assert len(house.wraps.uploads()) == 1
        with house.database.read() as tx:
            current = uploads.get(tx, active[0])
            counted = len(uploads.all_of(tx))
            bans = len(list(suppressions.all_tokens(tx)))
            assert bans == counted == count(house, "suppression") == count(house, "opt_out")


def _swept(house: House) -> None:
    """The server notices that a killed process is gone some moments later."""
    for _ in range(100):
        house.sweep()
        with house.database.read() as tx:
            if not uploads.staged(tx) and not uploads.unerased(tx):
                return
        time.sleep(0.1)
