"""Packing that is killed, or that cannot write, or that two do at once: a whole pack or none.

Each runs in a process of its own, which says when it is at work and waits for a word to go on. The
lists are long enough for packing to start helpers.
"""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from consortium.errors import BadFile
from consortium.vault.pack_file import PackReader
from tests.unit.pack.conftest import Desk

ROWS = 18_000
LONG = "email,first_name,notes\n" + "".join(
    f"p{i}@mail.example.org,Ana,{'n' * 300}\n" for i in range(ROWS)
)
WAIT_SECONDS = 30

PACK = """
import os, resource, signal, sys
from datetime import UTC, date, datetime
from pathlib import Path
from consortium.errors import ConsortiumError
from consortium.model import ConsortiumCard
from consortium.pack import pack

class Halting:
    steps = 0
    def begin(self, label, total):
        pass
    def advance(self, steps, **facts):
        self.steps += 1
        if self.steps == halt_at:
            print("at work", flush=True)
            sys.stdin.readline()
    def end(self):
        pass

def do(out):
    pack(folder / "members.csv", list_name="l", obtained_on=date(2026, 1, 1), partner="nurses",
         card=ConsortiumCard("n", "o.example/c", recipient, bytes(range(32)), b"", b""),
         sign_key=bytes(range(32)), receive_key=bytes(range(1, 33)), out=out,
         now=datetime(2026, 9, 1, tzinfo=UTC), replace=replace, observer=Halting())

os.umask(0o022)
folder, recipient, halt_at = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
replace, how = sys.argv[4] == "replace", sys.argv[5]
try:
    if how == "full":
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
    if how in ("read-only", "shut out"):
        do(folder / "first.pack")  # so that everything is imported
        (folder / "first.pack").unlink()
        (folder / "shut").mkdir()
        (folder / "shut").chmod(0o555 if how == "read-only" else 0o000)
        if os.geteuid() == 0:
            os.seteuid(65534)
        do(folder / "shut" / "members.pack")
    else:
        do(folder / "members.pack")
    print("packed")
except KeyboardInterrupt:
    print("stopped")
except ConsortiumError as error:
    print(type(error).__name__, error.message)
"""


@dataclass(frozen=True)
class Packing:
    """A process that packs `members.csv`."""

    process: subprocess.Popen[str]

    def at_work(self) -> None:
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "at work\n"

    def go_on(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def said(self) -> str:
        return self.process.communicate(timeout=WAIT_SECONDS)[0]

    def helpers(self) -> list[int]:
        tasks = Path(f"/proc/{self.process.pid}/task")
        if not tasks.exists():
            pytest.skip("finds helpers by /proc")
        return [int(c) for task in tasks.iterdir() for c in (task / "children").read_text().split()]


@contextmanager
def packing(
    desk: Desk, *, halt_at: int = 0, over: bool = False, how: str = "plain"
) -> Iterator[Packing]:
    words = [str(desk.folder), desk.card.intake_recipient, str(halt_at)]
    words += ["replace" if over else "keep", how]
    with subprocess.Popen(
        [sys.executable, "-c", PACK, *words],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        cwd=Path(__file__).parents[3],
    ) as process:
        try:
            yield Packing(process)
        finally:
            process.kill()


def left(desk: Desk) -> set[str]:
    return {path.name for path in desk.folder.iterdir()}


def rows_in(desk: Desk, path: Path) -> int:
    """How many rows a whole pack has; its lines are read to the end."""
    with path.open("rb") as stream, PackReader.open(stream, identity=desk.intake) as reader:
        return sum(1 for _ in reader)


def wait_for_the_end_of(pids: list[int]) -> None:
    until = time.monotonic() + WAIT_SECONDS
    while any(Path(f"/proc/{pid}").exists() for pid in pids):
        assert time.monotonic() < until, "helpers outlive what they were started by"
        time.sleep(0.02)


@pytest.mark.parametrize("halt_at", [1, 4])
def test_killed_while_packing_leaves_no_pack_and_no_helper(desk: Desk, halt_at: int) -> None:
    desk.write(LONG)
    with packing(desk, halt_at=halt_at) as running:
        running.at_work()
        helpers = running.helpers()
        running.process.send_signal(signal.SIGKILL)
    wait_for_the_end_of(helpers)
    (half,) = left(desk) - {"members.csv"}
    assert half.startswith(".members.pack.")
    assert half.endswith(".new")
    assert stat.S_IMODE((desk.folder / half).stat().st_mode) == 0o600
    assert b"mail.example.org" not in (desk.folder / half).read_bytes()
    with pytest.raises(BadFile):
        rows_in(desk, desk.folder / half)
    with packing(desk) as again:
        assert again.said() == "packed\n"
    assert rows_in(desk, desk.folder / "members.pack") == ROWS
    assert left(desk) == {"members.csv", "members.pack"}


def test_a_pack_that_is_being_written_is_left_alone_by_another_of_its_name(desk: Desk) -> None:
    desk.write(LONG)
    with packing(desk, halt_at=4, over=True) as first:
        first.at_work()
        with packing(desk, over=True) as second:
            assert second.said() == "packed\n"
        (half,) = left(desk) - {"members.csv", "members.pack"}
        assert half.endswith(".new")
        first.go_on()
        assert first.said() == "packed\n"
    assert left(desk) == {"members.csv", "members.pack"}
    assert rows_in(desk, desk.folder / "members.pack") == ROWS


def test_killed_while_replacing_leaves_the_earlier_pack(desk: Desk) -> None:
    desk.write("email\nonly@mail.example.org\n")
    with packing(desk) as first:
        assert first.said() == "packed\n"
    desk.write(LONG)
    with packing(desk, halt_at=4, over=True) as running:
        running.at_work()
        running.process.send_signal(signal.SIGKILL)
    assert rows_in(desk, desk.folder / "members.pack") == 1


def test_a_full_disk_is_said_and_leaves_nothing_with_helpers_at_work(desk: Desk) -> None:
    desk.write(LONG)
    with packing(desk, how="full") as running:
        said = running.said()
    assert said.startswith("BadFile members.pack cannot be written: ")
    assert left(desk) == {"members.csv"}


def test_a_folder_that_is_read_only_is_said(desk: Desk) -> None:
    with tempfile.TemporaryDirectory() as name:  # one that a user without rights may enter
        folder = Path(name)
        folder.chmod(0o755)
        desk = replace(desk, folder=folder)
        desk.write("email\nonly@mail.example.org\n").chmod(0o644)
        with packing(desk, how="read-only") as running:
            assert running.said() == "BadFile members.pack cannot be written: Permission denied\n"
        assert list((folder / "shut").iterdir()) == []


def test_a_folder_that_may_not_be_entered_is_said(desk: Desk) -> None:
    desk.write("email\nonly@mail.example.org\n")
    with packing(desk, how="shut out") as running:
        assert running.said() == "BadFile members.pack cannot be written: Permission denied\n"
    assert left(desk) == {"members.csv", "shut"}


def test_a_helper_that_is_killed_is_said_and_leaves_nothing(desk: Desk) -> None:
    desk.write(LONG)
    with packing(desk, halt_at=1) as running:
        running.at_work()
        helpers = running.helpers()
        if not helpers:
            pytest.skip("one core: no helpers")
        os.kill(helpers[0], signal.SIGKILL)
        running.go_on()
        said = running.said()
    assert said.startswith("StoreFailure a process that worked on the list ended early")
    wait_for_the_end_of(helpers)
    assert left(desk) == {"members.csv"}


def test_stopped_from_the_terminal_leaves_nothing_and_no_helper_complains(desk: Desk) -> None:
    desk.write(LONG)
    with packing(desk, halt_at=1) as running:
        running.at_work()
        helpers = running.helpers()
        os.killpg(running.process.pid, signal.SIGINT)
        assert running.said() == "stopped\n"
    wait_for_the_end_of(helpers)
    assert left(desk) == {"members.csv"}


def test_a_list_that_changes_is_said_with_helpers_at_work(desk: Desk) -> None:
    path = desk.write(LONG)
    with packing(desk, halt_at=1) as running:
        running.at_work()
        with path.open("a") as file:
            file.write("late@mail.example.org,L,\n")
        running.go_on()
        said = running.said()
    assert said == "BadFile members.csv changed while it was being read\n"
    assert left(desk) == {"members.csv"}


def test_of_two_at_once_one_is_packed_and_the_other_told(desk: Desk) -> None:
    desk.write(LONG)
    with packing(desk, halt_at=1) as one, packing(desk, halt_at=1) as other:
        one.at_work()
        other.at_work()
        one.go_on()
        other.go_on()
        said = sorted([one.said(), other.said()])
    assert said == ["StateConflict there is already something called members.pack\n", "packed\n"]
    assert left(desk) == {"members.csv", "members.pack"}
    assert rows_in(desk, desk.folder / "members.pack") == ROWS


def test_of_two_that_replace_at_once_one_whole_pack_stays(desk: Desk) -> None:
    desk.write(LONG)
    with packing(desk, halt_at=2, over=True) as one:
        one.at_work()
        with packing(desk, over=True) as other:
            assert other.said() == "packed\n"
        one.go_on()
        assert one.said() == "packed\n"
    assert left(desk) == {"members.csv", "members.pack"}
    assert rows_in(desk, desk.folder / "members.pack") == ROWS
