"""What several pages need: the demonstration, run once for all of them."""

from __future__ import annotations

import fcntl
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.harness.pages import bare_environment


@dataclass(frozen=True, slots=True)
class Demo:
    """A demonstration that has run: the folder it left, and what it printed."""

    folder: Path
    printed: str


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    """`consortium demo` as a newcomer runs it, in a folder where there is no other."""
    workers = "PYTEST_XDIST_WORKER" in os.environ
    base = tmp_path_factory.getbasetemp()
    place = (base.parent if workers else base) / "demonstration"
    place.mkdir(exist_ok=True)
    with (place / "lock").open("w") as lock:  # the first worker runs it, the others wait
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (place / "printed").exists():
            _run(place)
    return Demo(place / "consortium-demo", (place / "printed").read_text(encoding="utf-8"))


def _run(place: Path) -> None:
    done = subprocess.run(
        ["consortium", "demo"],
        cwd=place,
        env=bare_environment(),
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert not done.stderr
    (place / "printed").write_text(done.stdout, encoding="utf-8")
