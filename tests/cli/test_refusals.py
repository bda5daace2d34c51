"""What every command refuses: no home, a database it does not know, a wrong passphrase."""

from __future__ import annotations

import io
import sqlite3
from contextlib import redirect_stderr, redirect_stdout
from typing import TYPE_CHECKING

import pytest

from consortium_cli.main import main

if TYPE_CHECKING:
    from tests.harness.cli_world import World

PACK = ("--list", "members", "--obtained", "2026-01-02")
WHY = ("--reason", "no", "--yes")
HOST = [
    ("partner", "list"),
    ("partner", "add", "homes/strangers/strangers.card", "--yes"),
    ("policy", "set", "nurses.toml"),
    ("policy", "show", "nurses"),
    ("upload", "add", "tenants.pack"),
    ("upload", "add", "tenants.csv", "--as", "homes/tenants", *PACK),
    ("upload", "list"),
    ("upload", "show", "u-0001"),
    ("upload", "withdraw", "u-0001", "--yes"),
    ("upload", "expire", "--yes"),
    ("merge", "run"),
    ("optout", "add"),
    ("optout", "check"),
    ("feedback", "read", "folder.x"),
    ("campaign", "create", "second.toml"),
    ("campaign", "revise", "ballots.toml", "--yes"),
    ("campaign", "request", "ballots", "nurses", "--out", "new.request"),
    ("campaign", "record", "ballots.nurses.answer"),
    ("campaign", "plan", "ballots"),
    ("campaign", "preview", "ballots"),
    ("campaign", "status", "ballots"),
    ("campaign", "list"),
    ("campaign", "pause", "ballots"),
    ("campaign", "resume", "ballots"),
    ("campaign", "stop", "ballots", *WHY),
    ("campaign", "send", "ballots", "--yes"),
    ("ledger", "checkpoint"),
    ("ledger", "export", "new-export"),
    ("report", "campaign", "ballots"),
    ("report", "provenance", "m-1"),
]
PARTNER = [
    ("partner", "join", "homes/host/consortium.card", "--yes"),
    ("policy", "sign", "nurses.toml", "--out", "new.signed"),
    ("upload", "check", "nurses.csv"),
    ("upload", "pack", "nurses.csv", *PACK, "--out", "new.pack"),
    ("campaign", "review", "ballots.nurses.request"),
    ("campaign", "approve", "ballots.nurses.request", "--yes", "--out", "new.answer"),
    ("campaign", "decline", "ballots.nurses.request", *WHY, "--out", "new.answer"),
]
ADDRESS = "quillfeather.3@mail3.example.org\n"


@pytest.mark.parametrize("words", HOST, ids=" ".join)
def test_a_database_of_an_unknown_revision_is_refused_by_every_command(
    bad: World, words: tuple[str, ...]
) -> None:
    with sqlite3.connect(bad.home("host") / "consortium.db") as connection:
        connection.execute("UPDATE consortium_alembic_version SET version_num = '9999'")
    connection.close()
    bad.refuses(*words, home="host", stdin=ADDRESS, says="revision 9999")


@pytest.mark.parametrize("words", HOST, ids=" ".join)
def test_every_command_of_the_host_needs_its_home(bad: World, words: tuple[str, ...]) -> None:
    bad.refuses(*words, stdin=ADDRESS, code=2, says="consortium init")


@pytest.mark.parametrize(
    "words", [w for w in PARTNER if w[:2] != ("upload", "check")], ids=" ".join
)
def test_every_command_of_a_partner_needs_its_home(bad: World, words: tuple[str, ...]) -> None:
    bad.refuses(*words, code=2, says="consortium partner keygen")


NEED_A_KEY = [
    ("host", words)
    for words in HOST
    if words[:2]
    in {
        ("upload", "add"),
        ("merge", "run"),
        ("optout", "add"),
        ("optout", "check"),
        ("campaign", "create"),
        ("campaign", "revise"),
        ("campaign", "request"),
        ("campaign", "send"),
        ("ledger", "checkpoint"),
        ("ledger", "export"),
    }
] + [
    ("nurses", words)
    for words in PARTNER
    if words[:2] in {("policy", "sign"), ("upload", "pack"), ("campaign", "approve")}
    or words[:2] == ("campaign", "decline")
]


@pytest.mark.parametrize(
    ("home", "words"), NEED_A_KEY, ids=lambda v: " ".join(v) if isinstance(v, tuple) else v
)
def test_a_wrong_passphrase_is_said_and_changes_nothing(
    bad: World, home: str, words: tuple[str, ...]
) -> None:
    bad.environment["CONSORTIUM_PASSPHRASE"] = "wrong horse"
    result = bad.refuses(*words, home=home, stdin=ADDRESS, says="passphrase")
    assert "wrong horse" not in result.text


def test_without_a_passphrase_the_variable_to_set_is_named(bad: World) -> None:
    bad.environment.clear()
    bad.refuses("merge", "run", home="host", code=2, says="Set CONSORTIUM_PASSPHRASE")
    words = ("policy", "sign", "nurses.toml", "--out", "n")
    bad.refuses(*words, home="nurses", code=2, says="Set CONSORTIUM_PARTNER_PASSPHRASE")
    words = ("campaign", "create", "second.toml")
    bad.refuses(*words, home="host", code=2, says="Set CONSORTIUM_COORDINATOR_PASSPHRASE")


@pytest.mark.parametrize("damage", ["missing", "empty", "altered"])
def test_a_damaged_key_file_is_named(bad: World, damage: str) -> None:
    key = bad.home("host") / "keys" / "match.key"
    if damage == "missing":
        key.unlink()
    else:
        data = key.read_bytes()
        key.write_bytes(b"" if damage == "empty" else data[:200] + b"!" + data[201:])
    bad.refuses("merge", "run", home="host", says="match")


def test_settings_with_an_unknown_key_name_the_line_and_the_nearest(bad: World) -> None:
    settings = bad.home("host") / "consortium.toml"
    settings.write_text("regoin = 'US'\n" + settings.read_text().replace("region", "# region"))
    says = 'line 1: unknown key "regoin"'
    bad.refuses("partner", "list", home="host", code=2, says=says)


def test_a_fault_of_the_program_shows_its_place_and_no_value() -> None:
    class Broken(io.StringIO):
        """A screen that fails as nothing should."""

        def write(self, text: str, /) -> int:
            raise RuntimeError(f"dana.quillfeather@example.org {text}")

    said = io.StringIO()
    with redirect_stdout(Broken()), redirect_stderr(said), pytest.raises(SystemExit) as left:
        main(["policy", "rules"])
    assert left.value.code == 1
    first, second = said.getvalue().splitlines()
    assert first.startswith("error: a fault of the program: RuntimeError at test_refusals.py:")
    assert "dana" not in first + second
