"""What several pages need: the demonstration, run once for all of them."""

from __future__ import annotations

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
    place = tmp_path_factory.mktemp("demo")
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
    return Demo(place / "consortium-demo", done.stdout)
