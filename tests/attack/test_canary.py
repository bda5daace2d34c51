"""The canary: marked people go the whole way, and are looked for in everything it leaves.

Who holds them rightly: the partner's own folder, where its list and its rejected rows lie; the
messages themselves, at the mail server; and mail that comes back, in the mailbox it came to. The
packs are in the partner's folder too, and must not show anything.
"""

from __future__ import annotations

import hashlib
import shutil
import sqlite3
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import pytest

import consortium
from consortium_cli.main import main
from tests.attack.canary import Run, whole_way
from tests.attack.marked import ASKED, DELIVERED, MARKS, OPTED_OUT, UNUSABLE
from tests.attack.marks import Marks, spellings
from tests.attack.stage import COORDINATOR, OPERATOR


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return whole_way(tmp_path_factory.mktemp("canary"))


def test_the_canary_would_be_found_if_it_were_there(run: Run) -> None:
    for path in (run.root / "nurses" / "list.csv", *(run.root / "more-mail").glob("*.eml")):
        if b"canary" in path.read_bytes():
            assert MARKS.found(path.read_bytes())
    for form in (DELIVERED.email.lower(), "1957-03-29", "9712349871", "QUOKKAMARK"):
        raw = form.encode()
        for hidden in (raw.hex(), hashlib.sha256(raw).hexdigest(), hashlib.md5(raw).hexdigest()):
            assert MARKS.found(f"log {hidden} end".encode())
        assert MARKS.found(hashlib.sha1(raw).digest())
    assert {"zyxwaldine.quokkamark@canary-mailbox.example"} < spellings(DELIVERED.email)


def test_the_run_did_what_it_should(run: Run) -> None:
    said = run.said.getvalue()
    assert "VERIFIED" in said
    assert "accepted" in said
    sent = b"".join(path.read_bytes() for path in sorted(run.root.glob("*mail/*.eml")))
    assert (
        DELIVERED.email.partition("@")[0].encode() in sent
        or DELIVERED.email.lower().encode() in sent
    )
    for never in (OPTED_OUT, ASKED, UNUSABLE):
        assert never.email.lower().encode() not in sent.lower()
    connection = sqlite3.connect(run.home / "consortium.db")
    try:
        outcomes = dict(
            connection.execute("SELECT code, count(*) FROM consortium_attempt GROUP BY code")
        )
        unknown = connection.execute(
            "SELECT count(*) FROM consortium_message WHERE state = 'unknown'"
        ).fetchone()[0]
    finally:
        connection.close()
    assert {"550 5.1.1", "554 5.7.1", "451 4.2.2"} <= set(outcomes)
    assert unknown == 1


def test_no_file_of_the_run_shows_a_marked_person(run: Run) -> None:
    """Database, WAL, shared memory, keys, wraps, cards, requests, answers, packs, exports."""
    assert (run.home / "consortium.db").stat().st_size > 100_000
    assert MARKS.below(run.root, but=run.left_out()) == []


def test_nothing_said_shows_a_marked_person(run: Run) -> None:
    """Terminal, logs at DEBUG, warnings, errors with their causes, tracebacks, `repr`."""
    said = run.said.getvalue()
    assert "INSERT INTO" in said  # the database driver's log was on
    assert "Traceback" in said
    assert MARKS.found(said.encode()) == []


def test_nothing_is_left_in_the_folder_for_temporary_files(run: Run) -> None:
    assert list((run.root / "temporary").rglob("*")) == []


def test_files_of_the_homes_are_for_their_owner_alone(run: Run) -> None:
    public = {"consortium.card", "nurses.card", "teachers.card"}
    for home in (run.home, run.root / "nurses", run.root / "teachers"):
        assert home.stat().st_mode & 0o077 == 0
    for path in [*run.home.rglob("*"), *(run.root / "nurses" / "keys").iterdir()]:
        if path.name not in public:
            assert path.stat().st_mode & 0o077 == 0, path


def test_a_pack_shows_nothing_of_its_list(run: Run) -> None:
    packs = sorted(run.root.glob("*/list.pack"))
    assert len(packs) == 2
    assert all(MARKS.found(pack.read_bytes()) == [] for pack in packs)


def test_the_demonstration_prints_nobody(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as left:
        main(["demo", "demo"])
    assert left.value.code == 0
    said = capsys.readouterr()
    assert Marks(_demo_people()).found((said.out + said.err).encode()) == []


def _demo_people() -> Iterator[str]:
    """Every address and telephone number of the demonstration's lists, and every surname."""
    for path in Path(str(files("consortium.app.demo"))).joinpath("lists").iterdir():
        raw = path.read_bytes()
        text = (
            raw.decode("utf-16") if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else raw.decode("latin-1")
        )
        for cell in text.replace("\t", ",").replace("\n", ",").split(","):
            value = cell.strip(' "\r')
            digits = sum(letter.isdigit() for letter in value)
            if "@" in value or (digits >= 10 and ":" not in value and len(value) < 20):
                yield value


def _copy(run: Run, to: Path) -> Path:
    shutil.copytree(run.home, to)
    return to


def test_after_withdrawal_nothing_of_a_row_is_left_in_the_database_file(
    run: Run, tmp_path: Path
) -> None:
    """Tokens, sealed values and record ids of people nobody wrote to; freelist and WAL."""
    home = _copy(run, tmp_path / "host")
    before = _rows_of(home, "teachers")
    assert len(before) > 20
    words = {"operator": OPERATOR, "coordinator": COORDINATOR}
    with consortium.open(home, passphrase=words.__getitem__) as host:
        [upload] = [u for u in host.uploads.list() if u.partner == "teachers"]
        host.uploads.withdraw(upload.name)
        live = b"".join(p.read_bytes() for p in sorted(home.glob("consortium.db*")))
    connection = sqlite3.connect(home / "consortium.db")
    try:
        busy, *_ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        free = connection.execute("PRAGMA freelist_count").fetchone()[0]
    finally:
        connection.close()
    assert busy == 0
    assert free > 0  # there is a freelist to look into
    data = b"".join(p.read_bytes() for p in sorted(home.glob("consortium.db*")))
    for value in before:
        assert value not in live  # not even while the database is open
        assert value not in data
    assert not list((home / "wraps").rglob(f"{upload.digest.hex()}*"))


def _rows_of(home: Path, slug: str) -> list[bytes]:
    """Everything secret or derived from people that a partner's rows have at the host."""
    connection = sqlite3.connect(home / "consortium.db")
    try:
        rows = connection.execute(
            "SELECT r.id, r.content, r.match_block, r.details, r.record_id, r.name_birth, "
            "r.name_address FROM consortium_source_row r "
            "JOIN consortium_upload u ON u.id = r.upload_id "
            "JOIN consortium_partner p ON p.id = u.partner_id WHERE p.slug = ?",
            (slug,),
        ).fetchall()
        tokens = connection.execute(
            "SELECT c.token FROM consortium_contact_point c "
            "JOIN consortium_row_contact x ON x.point_id = c.id "
            "JOIN consortium_source_row r ON r.id = x.row_id "
            "JOIN consortium_upload u ON u.id = r.upload_id "
            "JOIN consortium_partner p ON p.id = u.partner_id WHERE p.slug = ? "
            "AND c.id NOT IN (SELECT point_id FROM consortium_message) "
            "AND c.token NOT IN (SELECT token FROM consortium_suppression) "
            "AND c.id NOT IN (SELECT y.point_id FROM consortium_row_contact y "
            "JOIN consortium_source_row s ON s.id = y.row_id "
            "JOIN consortium_upload v ON v.id = s.upload_id WHERE v.partner_id <> p.id)",
            (slug,),
        ).fetchall()
        shared = {
            value
            for row in connection.execute(
                "SELECT r.content, r.name_birth, r.name_address FROM consortium_source_row r "
                "JOIN consortium_upload u ON u.id = r.upload_id "
                "JOIN consortium_partner p ON p.id = u.partner_id WHERE p.slug <> ?",
                (slug,),
            )
            for value in row
            if value
        }
    finally:
        connection.close()
    values = [v for row in rows for v in row[1:] if v and v not in shared]
    return [*values, *(token for (token,) in tokens)]
