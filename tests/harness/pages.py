"""Pages of the documentation as a reader would follow them: files are written, commands are run.

A fenced block says what it is for in a comment on the line before it, which a rendered page does
not show:

    <!-- run -->            console: each `folder$ command` is run in that folder of the page's
                            place; what follows up to the next prompt is all that it prints
    <!-- run: fails -->     the same, and every command must end with an error
    <!-- run: background -->  one command that goes on running; its first line is compared
    <!-- run -->            python: the block is a script, run in the page's place
    <!-- output -->         what the script before it prints
    <!-- file: NAME -->     the block is written to NAME, in the page's place
    <!-- file: NAME, for today -->  the same; 2026-11-03 becomes today and 2026-11-04 tomorrow
    <!-- smtp: FOLDER -->   the block takes the place of [smtp] in FOLDER/consortium.toml
    <!-- not run: WHY -->   needs something that a test has not

A page's place is an empty folder, or, when its first line is `<!-- in: consortium-demo -->`, a copy
of what `consortium demo` leaves. In what a page shows, `…` stands for anything up to the end of a
line or to what follows it, and a line `...` for any lines. Port 2525 is replaced by a free one.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from zoneinfo import ZoneInfo

from tests.harness.quick_command import quick_command

ROOT = Path(__file__).parents[2]
PASSED = (0, 5)  # 5: done, with rejected rows
_BLOCK = re.compile(
    r"(?:^<!-- (?P<marker>[^\n]*?) -->\n)?^```(?P<language>[\w-]*)\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
_PROMPT = re.compile(r"(?P<folder>[a-z]*)\$ (?P<command>.*)")
_PLACE = "<!-- in: consortium-demo -->"
_ZONE = ZoneInfo("America/Los_Angeles")


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block: its language, the comment before it, its text and its first line's number."""

    language: str
    marker: str
    text: str
    line: int


@dataclass(frozen=True, slots=True)
class Step:
    """A command in a folder, and what it prints."""

    folder: str
    command: str
    shown: str


@dataclass(slots=True)
class Reader:
    """Somebody who follows a page.

    Args:
        place: The folder to do it in.
        environment: Beside a bare one.
    """

    place: Path
    environment: dict[str, str] = field(default_factory=dict)
    port: int = 0
    running: list[subprocess.Popen[str]] = field(default_factory=list)
    loaded: ExitStack = field(default_factory=ExitStack)

    def __post_init__(self) -> None:
        self.environment = bare_environment() | self.environment
        self.port = free_port()

    def follow(self, page: Path) -> None:
        """Do everything that the page says, in order, and compare."""
        printed = ""
        try:
            self._load()
            for block in blocks(page):
                where = f"{page.name}, line {block.line}"
                kind, _, rest = block.marker.partition(": ")
                match kind, block.language:
                    case "file", _:
                        self._write(rest, block.text)
                    case "smtp", _:
                        self._settings(rest, block.text)
                    case "run", "python":
                        printed = self._script(block.text, where)
                    case "run", "console":
                        self._commands(block, how=rest, where=where)
                    case "output", _:
                        compare(block.text, printed, where=where)
                    case _:
                        continue
        finally:
            self.stop()

    def _load(self) -> None:
        folder = Path(self.loaded.enter_context(TemporaryDirectory(prefix="consortium-")))
        path = self.loaded.enter_context(quick_command(folder, environment=self.environment))
        self.environment["PATH"] = f"{path}{os.pathsep}{self.environment['PATH']}"

    def stop(self) -> None:
        """End what was started in the background."""
        self.loaded.close()
        for process in self.running:
            process.terminate()
            process.communicate()
        self.running.clear()

    def run(self, command: str, *, folder: str = "") -> tuple[int, str]:
        """Run one command by the shell; its exit code, and what it printed on both streams."""
        directory = self.place / folder
        directory.mkdir(exist_ok=True)
        if command.startswith("export "):
            lines = self.run(f"{{ {command}; }} && env -0", folder=folder)[1].split("\0")
            self.environment |= dict(line.split("=", 1) for line in lines if line)
            return 0, ""
        done = subprocess.run(
            ["bash", "-c", self._ported(command)],
            cwd=directory,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            check=False,
        )
        return done.returncode, done.stdout

    def _commands(self, block: Block, *, how: str, where: str) -> None:
        for step in steps(block.text):
            if how == "background":
                self._background(step, where)
                continue
            code, printed = self.run(step.command, folder=step.folder)
            said = f"{where}: {step.command}\nended with {code} and printed\n{printed}"
            assert (code not in PASSED) if how == "fails" else (code in PASSED), said
            compare(step.shown, printed, where=f"{where}: {step.command}")

    def _background(self, step: Step, where: str) -> None:
        folder = self.place / step.folder
        folder.mkdir(exist_ok=True)
        process = subprocess.Popen(
            ["bash", "-c", f"exec {self._ported(step.command)}"],
            cwd=folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.running.append(process)
        assert process.stdout is not None
        compare(self._ported(step.shown), process.stdout.readline(), where=where)

    def _script(self, text: str, where: str) -> str:
        done = subprocess.run(
            [sys.executable, "-c", text],
            cwd=self.place,
            env=self.environment,
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
        assert done.returncode == 0, f"{where}:\n{done.stdout}{done.stderr}"
        return done.stdout

    def _write(self, rest: str, text: str) -> None:
        name, _, when = rest.partition(", ")
        path = self.place / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(for_today(text) if when else text, encoding="utf-8")

    def _settings(self, folder: str, text: str) -> None:
        file = self.place / folder / "consortium.toml"
        head, found, _ = file.read_text(encoding="utf-8").partition("[smtp]\n")
        assert found, "the settings have no [smtp]"
        file.write_text(head + self._ported(text), encoding="utf-8")

    def _ported(self, text: str) -> str:
        return text.replace("2525", str(self.port))


def bare_environment() -> dict[str, str]:
    """What a command finds on a clean account: this Python's commands, UTF-8, 80 columns."""
    kept = {k: v for k, v in os.environ.items() if k in {"HOME", "TMPDIR", "TZ"}}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return kept | {"PATH": path, "LANG": "C.UTF-8", "COLUMNS": "80", "PYTHONWARNINGS": "error"}


def free_port() -> int:
    """A port on loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def blocks(page: Path) -> list[Block]:
    """The fenced blocks of a page, in order."""
    text = page.read_text(encoding="utf-8")
    return [
        Block(
            found["language"],
            found["marker"] or "",
            found["text"],
            text.count("\n", 0, found.start("language")) + 1,
        )
        for found in _BLOCK.finditer(text)
    ]


def steps(text: str) -> list[Step]:
    """The commands of a console block, each with what is shown under it."""
    found: list[Step] = []
    lines = iter(text.splitlines())
    for line in lines:
        prompt = _PROMPT.fullmatch(line)
        if prompt is None:
            assert found, f"a block of commands begins with {line!r}"
            last = found.pop()
            found.append(Step(last.folder, last.command, f"{last.shown}{line}\n"))
            continue
        command = prompt["command"]
        while command.endswith("\\"):
            command = f"{command}\n{next(lines)}"
        found.append(Step(prompt["folder"], command, ""))
    return found


def place_of(page: Path, *, demo: Path, into: Path) -> Path:
    """The folder in which to follow a page: empty, or a copy of the demonstration's."""
    if page.read_text(encoding="utf-8").startswith(_PLACE):
        return Path(shutil.copytree(demo, into / demo.name))
    return into


def for_today(text: str) -> str:
    """A document of 3 and 4 November 2026 as one of today and tomorrow in Portland."""
    today = datetime.now(_ZONE).date()
    for day, shown in enumerate(("2026-11-03", "2026-11-04")):
        text = text.replace(shown, f"\0{day}")
    for day in range(2):
        text = text.replace(f"\0{day}", (today + timedelta(days=day)).isoformat())
    return text


def compare(shown: str, printed: str, *, where: str) -> None:
    """What a page shows must be what was printed, but for `…` and `...`.

    Blanks at the ends of lines do not count: editors take them off the page.
    """
    printed = "".join(f"{line.rstrip()}\n" for line in printed.splitlines())
    pattern = "".join(
        r"(?:.*\n)*?" if line == "..." else re.escape(line.rstrip()).replace("…", ".*?") + r"\n"
        for line in shown.splitlines()
    )
    assert re.fullmatch(pattern, printed), f"{where}\n--- shown\n{shown}--- printed\n{printed}"
