"""Ctrl-C while a campaign is sent, in a process of its own, against a slow mail server."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from consortium.testing import smtp_sink
from tests.harness.cli_world import PASSPHRASE, World

COMMAND = str(Path(sys.executable).parent / "consortium")
STOPPING = "Stopping after the messages in hand. Run the same command to go on."
SECONDS = 60


@pytest.fixture
def slow(world: World, tmp_path: Path) -> Iterator[tuple[World, Path]]:
    """The world, about to send 55 messages to a server that takes half a second for each."""
    mails = tmp_path / "mails"
    with smtp_sink.running(mails, "--slow", "0.5") as port:
        settings = world.home("host") / "consortium.toml"
        head = settings.read_text().partition("[smtp]")[0]
        settings.write_text(f'{head}[smtp]\nhost = "127.0.0.1"\nport = {port}\nsecurity = "none"\n')
        yield world, mails


@contextmanager
def _sending(world: World, **streams: int) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [COMMAND, "--home", world.home("host"), "campaign", "send", "ballots", "--yes"],
        env={**os.environ, "CONSORTIUM_PASSPHRASE": PASSPHRASE, "TERM": "xterm"},
        text=True,
        **streams,  # type: ignore[call-overload] # stdout and stderr
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def _wait(for_what: Callable[[], bool]) -> None:
    end = time.monotonic() + SECONDS
    while not for_what():
        assert time.monotonic() < end, "nothing happened"
        time.sleep(0.05)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_one_signal_stops_after_the_messages_in_hand_and_the_same_command_goes_on(
    slow: tuple[World, Path], number: signal.Signals
) -> None:
    world, mails = slow
    with _sending(world, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        _wait(lambda: len(smtp_sink.kept(mails)) > 2)
        process.send_signal(number)
        out, err = process.communicate(timeout=SECONDS)
    assert process.returncode == 130
    assert err == f"{STOPPING}\n"
    gone = len(smtp_sink.kept(mails))
    assert gone < 55
    assert re.search(rf"{gone}  accepted", out), out
    assert "Run the same command to go on." in out
    assert "unknown" not in out
    with _sending(world, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        _wait(lambda: len(smtp_sink.kept(mails)) > gone + 2)
        process.send_signal(number)
        out, _ = process.communicate(timeout=SECONDS)
    kept = [kept.recipient.reveal() for kept in smtp_sink.kept(mails)]
    assert len(kept) == len(set(kept))


def test_a_second_ctrl_c_stops_at_once(slow: tuple[World, Path]) -> None:
    world, mails = slow
    with _sending(world, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        _wait(lambda: len(smtp_sink.kept(mails)) > 1)
        process.send_signal(signal.SIGINT)
        time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=SECONDS)
    assert process.returncode == 130
    assert "Traceback" not in err
    assert err.splitlines()[0] == STOPPING


def test_on_a_terminal_two_lines_show_how_far_it_is_and_that_it_stops(
    slow: tuple[World, Path],
) -> None:
    world, _ = slow
    screen, terminal = pty.openpty()
    try:
        with _sending(world, stdout=subprocess.DEVNULL, stderr=terminal) as process:
            shown = _until(screen, b"accepted 3")
            assert re.search(rb"handed over \d+ of 109 ", shown)
            assert re.search(rb"\d\.\d/s  left \d:\d\d:\d\d", shown)
            process.send_signal(signal.SIGINT)
            _until(screen, STOPPING.encode())
            process.wait(SECONDS)
        assert process.returncode == 130
        assert b"quillfeather" not in shown
    finally:
        os.close(screen)
        os.close(terminal)


def _until(screen: int, wanted: bytes) -> bytes:
    shown = b""
    end = time.monotonic() + SECONDS
    while wanted not in shown:
        assert time.monotonic() < end, shown[-500:]
        if select.select([screen], [], [], 0.2)[0]:
            shown += os.read(screen, 65536)
    return shown
