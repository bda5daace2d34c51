"""What merging takes of a host."""

from __future__ import annotations

from pathlib import Path

import pytest

import consortium
from consortium.errors import KeyFailure
from consortium.store.engine import Database
from consortium.testing.keys import MemoryKeys
from tests.attack.stage import Stage, people


def test_a_merge_takes_the_match_key_and_no_other(tmp_path: Path) -> None:
    keys = MemoryKeys.host()
    stage = Stage.found(tmp_path, keys=keys)
    stage.join("nurses", people(1, 21))
    stage.join("teachers", people(11, 31))
    match_alone = MemoryKeys({"match": keys.open("match")})
    host = consortium.open(
        database=Database.open(f"sqlite:///{stage.home / 'consortium.db'}").engine,
        keys=match_alone,
        wraps=stage.home / "wraps",
        clock=stage.clock,
    )
    merged = host.merge()
    assert (merged.rows, merged.persons) == (40, 30)
    assert set(match_alone.opened) == {"match"}
    assert len(host.merges.households()) == 0
    with pytest.raises(KeyFailure):
        match_alone.open("vault")
