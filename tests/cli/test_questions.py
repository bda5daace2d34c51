"""What is asked on a terminal: passphrases, addresses, and whether it is meant."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import sys
import time
from pathlib import Path

from tests.harness.cli_world import PASSPHRASE, World

COMMAND = str(Path(sys.executable).parent / "consortium")
SECONDS = 60


def _talk(
    world: World, *words: str, home: str, answers: list[tuple[str, str]], secret: bool = False
) -> tuple[int, str]:
    """Run a command on a terminal and answer its questions; gives exit code and screen."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("CONSORTIUM_")}
    if not secret:
        environment["CONSORTIUM_PASSPHRASE"] = PASSPHRASE
    screen, terminal = pty.openpty()
    shown = ""
    with subprocess.Popen(
        [COMMAND, "--home", str(world.home(home)), *words],
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        cwd=world.root,
        env=environment,
    ) as process:
        os.close(terminal)
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            if not select.select([screen], [], [], 0.1)[0]:
                continue
            try:
                shown += os.read(screen, 65536).decode()
            except OSError:  # the terminal has been closed at the other end
                break
            if answers and answers[0][0] in shown.rpartition("\x00")[2]:
                os.write(screen, f"{answers.pop(0)[1]}\n".encode())
                shown += "\x00"  # what came before has been answered
        code = process.wait(SECONDS)
    os.close(screen)
    assert not answers, shown
    return code, shown


def test_a_passphrase_is_asked_for_and_never_shown(world: World) -> None:
    code, shown = _talk(
        world,
        *("merge", "run"),
        home="host",
        answers=[("Passphrase of the operator", PASSPHRASE)],
        secret=True,
    )
    assert code == 0, shown
    assert "people in" in shown
    assert PASSPHRASE not in shown


def test_a_new_passphrase_is_asked_for_twice(world: World) -> None:
    words = ("--slug", "new", "--name", "New", "--address", "1 St", "--from", "a@new.org")
    code, shown = _talk(
        world,
        *("partner", "keygen", "homes/new", *words),
        home="host",
        answers=[("New passphrase of the partner", "swordfish"), ("Repeat", "swordfish")],
        secret=True,
    )
    assert code == 0, shown
    assert "swordfish" not in shown
    assert (world.home("new") / "keys/sign.key").exists()


def test_an_address_is_asked_for_on_a_terminal(world: World) -> None:
    answers = [("E-mail address", "somebody@example.org")]
    code, shown = _talk(world, "optout", "add", home="host", answers=answers)
    assert code == 0, shown
    assert "Recorded." in shown


def test_a_no_leaves_everything_as_it_was(world: World) -> None:
    before = world.digest()
    for words, question in (
        (("upload", "withdraw", "u-0001"), "Withdraw u-0001 for good?"),
        (("campaign", "send", "ballots"), "Send?"),
        (("campaign", "stop", "ballots", "--reason", "x"), "End ballots for good?"),
        (("partner", "add", "homes/strangers/strangers.card"), "by telephone?"),
    ):
        code, shown = _talk(world, *words, home="host", answers=[(question, "n")])
        assert code == 1, shown
        assert "Nothing was done." in shown
    assert world.digest() == before


def test_what_would_go_and_why_stands_above_the_question(world: World) -> None:
    _, shown = _talk(world, "campaign", "send", "ballots", home="host", answers=[("Send?", "")])
    above = shown.partition("Send?")[0]
    assert re.search(r"nurses +55", above)
    assert re.search(r"teachers +54  held back until it approves", above)
    assert "quillfeather" not in shown


def test_no_line_of_any_screen_is_wider_than_80_columns(world: World) -> None:
    for home, words in (
        ("host", ("partner", "list")),
        ("host", ("upload", "list")),
        ("host", ("campaign", "list")),
        ("host", ("policy", "show", "nurses")),
        ("host", ("policy", "rules")),
        ("host", ("campaign", "status", "ballots")),
        ("host", ("campaign", "preview", "ballots")),
        ("host", ("campaign", "plan", "ballots")),
        ("host", ("campaign", "send", "ballots", "--dry-run")),
        ("host", ("report", "campaign", "ballots")),
        ("nurses", ("ledger", "verify", "export")),
        ("nurses", ("upload", "check", "nurses.csv")),
        ("nurses", ("campaign", "review", "ballots.nurses.request", "--all")),
    ):
        _, shown = _talk(world, *words, home=home, answers=[])
        plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown)
        lines = [line for part in plain.split("\n") for line in part.rstrip("\r").split("\r")]
        assert all(len(line) <= 80 for line in lines), (words, max(lines, key=len))
