"""An error in the middle leaves nothing: ours, the disk's or the database's."""

from __future__ import annotations

import contextlib
import resource
import signal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, event

from consortium import intake
from consortium.errors import KeyFailure, StoreFailure
from consortium.model import PackOptOut
from consortium.store.engine import Database
from consortium.testing.clock import FakeClock
from consortium.testing.house import House, PartnerDouble
from tests.harness.intaking import contents, counted, people, visible, wraps_of


class Accident(Exception):
    """Stands for whatever may happen in the middle."""


class Failing:
    """A tokeniser that works for a while."""

    epoch = 1

    def __init__(self, house: House, calls: int, error: BaseException) -> None:
        self._tokeniser, self._left, self._error = house.tokeniser, calls, error

    def contact(self, kind: str, values: Any) -> Any:  # noqa: ANN401 - a test's own
        self._left -= 1
        if self._left < 0:
            raise self._error
        return self._tokeniser.contact(kind, values)

    def composite(self, kind: str, values: Any) -> Any:  # noqa: ANN401 - a test's own
        return self._tokeniser.composite(kind, values)


@pytest.mark.parametrize("error", [Accident(), KeyboardInterrupt()], ids=["error", "ctrl-c"])
def test_an_error_in_the_middle_leaves_nothing(
    house: House, nurses: PartnerDouble, error: BaseException
) -> None:
    house.add(nurses.pack(people(3)))
    before = contents(house.database), wraps_of(house)
    pack = nurses.pack([*people(4500), PackOptOut(9000, ("gone@example.org",))])
    with pytest.raises(type(error)):
        intake.add(
            house.database,
            pack,
            identity=house.keys.open("intake"),
            consortium=house.card,
            tokeniser=Failing(house, 5, error),
            match_key=house.keys.open("match"),
            wraps=house.wraps,
            clock=house.clock,
        )
    assert (contents(house.database), wraps_of(house)) == before
    assert house.add(pack).rows == 4500


def test_wraps_that_cannot_be_written_leave_nothing(house: House, nurses: PartnerDouble) -> None:
    (house.directory / "wraps").write_text("a file where the folder should be")
    with pytest.raises(KeyFailure):
        house.add(nurses.pack(people(3)))
    assert visible(house.database) == (0, 0, 0)
    (house.directory / "wraps").unlink()
    house.sweep()
    assert "consortium_upload" not in counted(house.database)


def with_pragma(house: House, pragma: str) -> House:
    """The same house over connections of its own."""
    engine = create_engine(house.database.engine.url, connect_args={"timeout": 0.2})
    database = Database(engine)
    event.listen(engine, "connect", lambda c, _: c.execute(f"PRAGMA {pragma}").close())
    other = House(database, house.directory, clock=house.clock, keys=house.keys)
    other.card = house.card
    return other


@pytest.mark.parametrize(
    "case", [("query_only=0", True, "busy"), ("query_only=1", False, "read-only")]
)
def test_a_busy_or_read_only_database_gives_our_error_and_leaves_nothing(
    tmp_path: Path,
    sqlite_database: Database,
    clock: FakeClock,
    case: tuple[str, bool, str],
) -> None:
    pragma, held, match = case
    house = House(sqlite_database, tmp_path, clock=clock)
    pack = house.admit("nurses").pack(people(3))
    other = with_pragma(house, pragma)
    with (
        sqlite_database.write() if held else contextlib.nullcontext(),
        pytest.raises(StoreFailure, match=match),
    ):
        other.add(pack)
    other.database.close()
    assert visible(sqlite_database) == (0, 0, 0)
    assert house.add(pack).rows == 3


def test_a_full_database_gives_our_error_and_leaves_nothing(
    tmp_path: Path, sqlite_database: Database, clock: FakeClock
) -> None:
    house = House(sqlite_database, tmp_path, clock=clock)
    nurses = house.admit("nurses")
    house.add(nurses.pack(people(2)))
    pack = nurses.pack(people(3000, start=100))
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = visible(sqlite_database)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (600_000, limit[1]))
        with pytest.raises(StoreFailure):
            house.add(pack)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
        signal.signal(signal.SIGXFSZ, handler)
    assert visible(sqlite_database) == before
    house.sweep()
    assert counted(sqlite_database)["consortium_source_row"] == 2
    assert house.add(pack).rows == 3000
