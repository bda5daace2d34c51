"""People are found in voter files of worlds as messy as real ones, and hardly ever wrongly."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.merge_quality import make_world
from benchmarks.voter_match import judge


@pytest.mark.parametrize("seed", [3, 1917])
def test_matching_is_precise_and_finds_most(shared: Path, tmp_path: Path, seed: int) -> None:
    tool = shared / "tools" / "make_lists.py"
    folder = make_world(tool, tmp_path / "world", seed=seed, options=["--preset", "small"])
    found = judge(folder)
    assert found.rows > 7000
    assert found.precision >= 0.99
    assert found.recall >= 0.80
    assert found.recall > found.recall_alone
