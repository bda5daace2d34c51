"""What the README shows is what happens."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.harness.pages import ROOT, Reader, blocks
from tests.unit.conftest import Demo

README = ROOT / "README.md"


def test_readme_shows_what_the_demonstration_prints(demo: Demo) -> None:
    shown = [block.text for block in blocks(README) if block.marker == "part of: make demo"]
    assert shown
    for part in shown:
        assert part in demo.printed


def test_demonstration_fits_the_screen_and_leaves_what_it_says(demo: Demo) -> None:
    assert max(map(len, demo.printed.splitlines())) <= 80
    left = re.findall(r"^   consortium-demo/(\S+)", demo.printed, re.MULTILINE)
    assert left
    for pattern in left:
        assert list(demo.folder.glob(pattern)), pattern


def test_lines_of_the_readme_do_what_it_shows(demo: Demo, tmp_path: Path) -> None:
    shutil.copytree(demo.folder, tmp_path / demo.folder.name)
    Reader(tmp_path).follow(README)
    assert [block.language for block in blocks(README) if block.marker == "run"] == ["python"]


def test_example_of_the_readme_is_about_ten_lines() -> None:
    (example,) = (block.text for block in blocks(README) if block.language == "python")
    assert len([line for line in example.splitlines() if line]) <= 10


@pytest.mark.parametrize(
    ("command", "last"), [("demo", "consortium demo"), ("test", "python -m pytest")]
)
def test_the_two_commands_are_targets_of_make(command: str, last: str) -> None:
    (commands,) = (block.text for block in blocks(README) if block.language == "sh")
    assert re.search(rf"^make {command}\b", commands, re.MULTILINE)
    dry = subprocess.run(
        ["make", "--no-print-directory", "--dry-run", command],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert dry.stdout.splitlines()[-1].startswith(f".venv/bin/{last}")


def test_readme_is_under_a_hundred_lines() -> None:
    assert README.read_text(encoding="utf-8").count("\n") < 100
