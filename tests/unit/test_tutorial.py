"""The tutorial: whoever follows it, command by command, sees what it shows."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.harness.pages import ROOT, Reader
from tests.unit.conftest import Demo


def test_first_campaign_goes_as_the_tutorial_shows(demo: Demo, tmp_path: Path) -> None:
    shutil.copytree(demo.folder, tmp_path / demo.folder.name)  # `make demo` comes first
    Reader(tmp_path).follow(ROOT / "docs/tutorial/first-campaign.md")
