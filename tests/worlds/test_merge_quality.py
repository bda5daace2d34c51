"""Merging finds people again on made-up lists as messy as real ones, and mixes hardly any."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.merge_quality import judge, make_world, read_world


@pytest.mark.parametrize("seed", [7, 1848])
def test_merging_is_precise_and_finds_most(shared: Path, tmp_path: Path, seed: int) -> None:
    tool = shared / "tools" / "make_lists.py"
    folder = make_world(tool, tmp_path / "world", seed=seed, options=["--preset", "small"])
    figures, _ = judge(read_world(folder))
    assert figures.rows > 7000
    assert figures.precision >= 0.99
    assert figures.recall >= 0.85
    assert figures.mixed < 0.005
