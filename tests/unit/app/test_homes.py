"""Making and opening homes: all or nothing, never over anything, nothing implicit."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

import consortium
from consortium.app import homes
from consortium.errors import (
    BadFile,
    ConsortiumError,
    HomeError,
    KeyFailure,
    StateConflict,
    StoreFailure,
    UsageError,
)
from consortium.store.engine import Database
from consortium.testing.clock import FakeClock
from consortium.testing.keys import MemoryKeys
from consortium.types import UploadDigest
from consortium.vault import keys as key_files
from consortium.vault import wraps
from consortium.vault.wrap import WRAP_BYTES
from consortium.vault.wraps import WrapStore


def make(home: Path | None, **options: object) -> consortium.Consortium:
    """A consortium with keys in memory."""
    given = {"name": "Test", "keys": MemoryKeys.host(), "clock": FakeClock(), **options}
    return consortium.create(home, **given)  # type: ignore[arg-type] # handed on as they come


def make_partner(home: Path) -> consortium.PartnerDesk:
    return consortium.create_partner(
        home,
        slug="nurses",
        name="Nurses",
        postal_address="1 Main St, Portland OR",
        from_address="gotv@nurses.example.org",
        passphrase=lambda _role: "words",
    )


def tree(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, and every folder with nothing in it."""
    return {
        str(p.relative_to(folder)): p.read_bytes() if p.is_file() else b"folder"
        for p in folder.rglob("*")
    }


@pytest.fixture
def odd_umask() -> Iterator[None]:
    before = os.umask(0o777)
    yield
    os.umask(before)


@pytest.mark.parametrize(
    "name", ["consortium.toml", "partner.toml", "keys", "wraps", "consortium.db", "consortium.card"]
)
def test_a_folder_with_any_part_of_a_home_is_refused_and_left_as_it_is(
    tmp_path: Path, name: str
) -> None:
    (tmp_path / name).write_text("mine")
    before = tree(tmp_path)
    with pytest.raises(UsageError, match=f"already holds {name}"):
        make(tmp_path, keys=None, passphrase=lambda _role: "words")
    assert tree(tmp_path) == before


@pytest.mark.parametrize("name", ["partner.toml", "keys", "nurses.card"])
def test_a_partners_home_takes_no_files_away(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("mine")
    before = tree(tmp_path)
    with pytest.raises(UsageError, match=f"already holds {name}"):
        make_partner(tmp_path)
    assert tree(tmp_path) == before


def test_a_home_is_made_among_other_files(tmp_path: Path) -> None:
    (tmp_path / "minutes.txt").write_text("mine")
    make(tmp_path).close()
    assert (tmp_path / "minutes.txt").read_text() == "mine"
    consortium.open(tmp_path, keys=MemoryKeys.host()).close()


class NoKeys:
    """Keys that do not open."""

    def open(self, name: str) -> bytes:
        raise KeyFailure(f"no key {name}")


def test_what_fails_leaves_neither_folder_nor_database(tmp_path: Path) -> None:
    for database in (None, f"sqlite:///{tmp_path / 'elsewhere.db'}"):
        with pytest.raises(KeyFailure):
            make(tmp_path / "a/b/home", keys=NoKeys(), database=database)
        with pytest.raises(KeyFailure):
            make(None, keys=NoKeys(), wraps=tmp_path / "w", database=f"sqlite:///{tmp_path}/x.db")
    assert tree(tmp_path) == {}


class KeysInTheWay:
    """Keys whose opening takes a while, in which somebody else writes into the folder."""

    def __init__(self, path: Path) -> None:
        self.path, self.keys = path, MemoryKeys.host()

    def open(self, name: str) -> bytes:
        self.path.write_text("theirs")
        return self.keys.open(name)


def test_a_home_that_cannot_be_written_leaves_no_consortium_in_the_database(
    tmp_path: Path, empty_database: Database
) -> None:
    url = empty_database.engine.url.render_as_string(hide_password=False)
    home = tmp_path / "home"
    card = home / "consortium.card"
    with pytest.raises(UsageError, match=r"already holds consortium\.card"):
        make(home, keys=KeysInTheWay(card), database=url)
    assert tree(home) == {"consortium.card": b"theirs"}
    card.unlink()
    make(home, database=url).close()


def test_a_database_with_a_consortium_is_refused_and_stays_one(
    tmp_path: Path, empty_database: Database
) -> None:
    url = empty_database.engine.url.render_as_string(hide_password=False)
    keys = MemoryKeys.host()
    make(tmp_path / "first", database=url, keys=keys).close()
    with pytest.raises(StateConflict, match="already holds a consortium"):
        make(tmp_path / "second", database=url)
    assert not (tmp_path / "second").exists()
    with consortium.open(tmp_path / "first", keys=keys) as first:
        assert first.ledger.size == 1


KILLED = """
import sys
from pathlib import Path
import consortium
consortium.create(Path(sys.argv[1]), name="Test", passphrase=lambda role: "words").close()
"""


@pytest.mark.parametrize("after_keys", [0, 3, 6])
def test_a_home_whose_making_was_killed_is_no_home_and_is_named(
    tmp_path: Path, after_keys: int
) -> None:
    home = tmp_path / "home"
    child = subprocess.Popen([sys.executable, "-c", KILLED, str(home)])
    while child.poll() is None and len(list((home / "keys").glob("*.key"))) < after_keys:
        time.sleep(0.002)
    child.send_signal(signal.SIGKILL)
    child.wait()
    if (home / "consortium.toml").exists():  # it was faster
        consortium.open(home, passphrase=lambda _role: "words").close()
        return
    with pytest.raises(HomeError):
        consortium.open(home)
    if home.exists() and any((home / name).exists() for name in ("keys", "consortium.db")):
        before = tree(home)
        with pytest.raises(UsageError) as caught:
            make(home)
        assert "not finished" in caught.value.hint
        assert tree(home) == before


@pytest.mark.usefixtures("odd_umask")
def test_files_are_for_their_owner_alone_whatever_the_umask(tmp_path: Path) -> None:
    make(tmp_path / "host", keys=None, passphrase=lambda _role: "words").close()
    make_partner(tmp_path / "partner")
    modes = {p.stat().st_mode & 0o777 for p in tmp_path.rglob("*") if p.is_file()}
    folders = {p.stat().st_mode & 0o777 for p in tmp_path.rglob("*") if p.is_dir()}
    assert (modes, folders) == ({0o600}, {0o700})


def test_a_relative_database_is_taken_from_the_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    make(tmp_path / "home", database="sqlite:///list.db").close()
    assert (tmp_path / "home/list.db").is_file()
    consortium.open(tmp_path / "home", keys=MemoryKeys.host()).close()


def test_opening_makes_no_database(tmp_path: Path) -> None:
    make(tmp_path).close()
    (tmp_path / "consortium.db").unlink()
    before = tree(tmp_path)
    with pytest.raises(StoreFailure, match=r"no database consortium\.db"):
        consortium.open(tmp_path)
    assert tree(tmp_path) == before


def test_opening_another_consortiums_database_drops_no_wraps(tmp_path: Path) -> None:
    make(tmp_path / "ours").close()
    make(tmp_path / "theirs").close()
    store = WrapStore(tmp_path / "ours/wraps")
    store.put(wraps.OWNER, upload=UploadDigest(bytes(32)), wrap=bytes(WRAP_BYTES))
    with pytest.raises(StateConflict, match="the database belongs to"):
        consortium.open(
            tmp_path / "ours", database=f"sqlite:///{tmp_path / 'theirs/consortium.db'}"
        )
    assert len(store.uploads()) == 1


def test_a_command_of_the_host_in_a_partners_folder_makes_nobody_a_second_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_partner(tmp_path)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(HomeError, match="this is the home of a partner") as caught:
        consortium.open()
    assert "init" not in caught.value.hint
    assert consortium.open_partner().slug == "nurses"


def test_each_home_is_told_from_the_other_kind(tmp_path: Path) -> None:
    make(tmp_path / "host").close()
    make_partner(tmp_path / "partner")
    with pytest.raises(HomeError, match="is the home of a partner"):
        consortium.open(tmp_path / "partner")
    with pytest.raises(HomeError, match="is the home of a consortium"):
        consortium.open_partner(tmp_path / "host")
    with pytest.raises(HomeError, match="is not the home of"):
        homes.find(tmp_path / "nowhere", "consortium.toml")


@pytest.mark.parametrize(("region", "hint"), [("UK", "Did you mean GB?"), ("XX", "two letters")])
def test_a_region_that_is_no_country_is_refused(tmp_path: Path, region: str, hint: str) -> None:
    with pytest.raises(UsageError, match=f'"{region}"') as caught:
        make(tmp_path / "home", region=region)
    assert hint in caught.value.hint
    assert tree(tmp_path) == {}


def test_an_applications_tables_and_engine_stay_its_own(
    tmp_path: Path, empty_database: Database
) -> None:
    """Made and opened twice on an engine that the application goes on using, on both databases."""
    engine = create_engine(empty_database.engine.url)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE theirs (x INTEGER)"))
        connection.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32))"))
    given = {"database": engine, "keys": MemoryKeys.host(), "wraps": tmp_path / "wraps"}
    make(None, **given).close()
    for _ in range(2):
        with consortium.open(**given) as opened:  # type: ignore[arg-type] # handed on
            assert opened.ledger.size == 1
            with engine.begin() as connection:
                connection.execute(text("INSERT INTO theirs VALUES (1)"))
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM theirs")).scalar_one() == 2
        assert connection.execute(text("SELECT count(*) FROM alembic_version")).scalar_one() == 0
    engine.dispose()


def test_two_consortia_in_one_process_know_nothing_of_each_other(tmp_path: Path) -> None:
    one, other = make(tmp_path / "one"), make(tmp_path / "other")
    one.partners.add(make_partner(tmp_path / "nurses").card_text())
    assert (one.ledger.size, other.ledger.size) == (2, 1)
    assert one.card.origin != other.card.origin
    one.close()
    assert other.partners.list() == ()
    other.close()


@pytest.mark.parametrize("kind", ["pipe", "folder", "absent", "NUL"])
def test_what_is_no_file_is_refused_as_a_pack(tmp_path: Path, kind: str) -> None:
    path = tmp_path / ("\0" if kind == "NUL" else "p.pack")
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    with make(tmp_path / "home") as host, pytest.raises(BadFile):
        host.uploads.add(path)


def test_key_files_need_what_a_key_is_made_of(tmp_path: Path) -> None:
    """An interrupted question for the second passphrase leaves nothing."""

    def asked(role: str) -> str:
        if role == "coordinator":
            raise UsageError("given up")
        return "words"

    with pytest.raises(ConsortiumError, match="given up"):
        make(tmp_path / "home", keys=None, passphrase=asked)
    assert tree(tmp_path) == {}
    assert key_files.HOST_KEYS[-1] == "coordinator"


@pytest.mark.parametrize(
    "name", ["", "  ", "two\nlines", "\x9b31m", "a\u202eb", "\udce9", "x" * 201]
)
def test_a_name_that_is_no_line_of_text_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError):
        make(tmp_path / "home", name=name)
    assert tree(tmp_path) == {}


def test_a_database_in_memory_is_no_home(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="in memory"):
        make(tmp_path / "home", database="sqlite://")
    assert tree(tmp_path) == {}
