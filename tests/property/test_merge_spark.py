"""Apache Spark finds the same components, and so the same persons."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from consortium.identity.components import CROWD_ROWS, KeyColumn, closure
from consortium.identity.spark import SparkClosure
from tests.attack.stage import Someone, Stage, people

pytest.importorskip("pyspark", reason="the extra `spark` is not installed")
pytestmark = pytest.mark.skipif(
    shutil.which("java") is None, reason="there is no Java to run Spark"
)

SPARK = SparkClosure("local[1]", fits=40, settings=(("spark.sql.shuffle.partitions", "1"),))


def columns(rows: int, seed: int) -> list[KeyColumn]:
    """Random keys, a crowd, a long chain, and keys above the signed range."""
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(2):
        held = int(rows * 0.6)
        spread = rng.integers(0, 2**64, rows, dtype=np.uint64)
        found.append(KeyColumn(rng.integers(0, rows, held), spread[rng.integers(0, rows, held)]))
    crowd = np.arange(CROWD_ROWS + 1)
    found.append(KeyColumn(crowd, np.full(len(crowd), 7, dtype=np.uint64)))
    full = np.arange(CROWD_ROWS) + 200
    found.append(KeyColumn(full, np.full(len(full), 7, dtype=np.uint64)))
    chain = np.arange(400, 412)
    found.append(KeyColumn(np.concatenate([chain, chain[1:]]), np.concatenate([chain, chain[:-1]])))
    return found


@pytest.fixture(scope="module")
def _warm() -> None:
    """The first call starts Java."""
    SPARK(0, [])


@pytest.mark.usefixtures("_warm")
def test_components_and_crowds_are_those_of_one_process() -> None:
    held = columns(2000, seed=5)
    label, crowded = closure(2000, held)
    on_spark, crowded_on_spark = SPARK(2000, held)
    assert np.array_equal(label, on_spark)
    assert len(set(label.tolist())) < 2000
    for one, other in zip(crowded, crowded_on_spark, strict=True):
        assert np.array_equal(one, other)
    assert crowded[2].all()
    assert not crowded[3].any()


@pytest.mark.usefixtures("_warm")
def test_rows_without_a_shared_key_stay_alone() -> None:
    label, [crowded] = SPARK(3, [KeyColumn(np.arange(3), np.arange(3))])
    assert label.tolist() == [0, 1, 2]
    assert not crowded.any()


@pytest.mark.usefixtures("_warm")
def test_a_merge_on_spark_makes_the_same_persons(tmp_path: Path) -> None:
    def merged(name: str, spark: SparkClosure | None) -> tuple[int, list[set[str]]]:
        stage = Stage.found(tmp_path / name)
        lists = {
            "nurses": [*people(1, 61), Someone("x@people.example.org", "Bo", "Ek", "1980-01-05")],
            "teachers": [
                *people(31, 91),
                Someone("y@people.example.org", "Bo", "Ek", "1980-01-05"),
            ],
            "tenants": people(51, 120),
        }
        for slug, someone in lists.items():
            stage.join(slug, someone)
        result = stage.host.merges.run(spark=spark)
        sample = [f"{stage.uploads[slug].name}:{n}" for slug in lists for n in (1, 35, 59)]
        rows = [{f"{r.upload}:{r.source[1]}" for r in stage.host.merges.show(s)} for s in sample]
        return result.persons, rows

    here, there = merged("here", None), merged("there", SPARK)
    assert here == there
    assert here[0] < 61 + 61 + 69


def test_what_spark_says_of_itself_is_not_on_the_screen_and_leaves_no_file(tmp_path: Path) -> None:
    code = """
import numpy as np
from consortium.identity.components import KeyColumn
from consortium.identity.spark import SparkClosure
SparkClosure("local[1]")(2, [KeyColumn(np.arange(2), np.zeros(2, dtype=np.int64))])
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert (done.stdout, done.stderr) == ("", "")
    assert not list(tmp_path.glob("consortium-spark-*"))


def test_a_machine_without_java_is_told_what_is_missing(tmp_path: Path) -> None:
    code = """
import numpy as np
from consortium.errors import StoreFailure
from consortium.identity.components import KeyColumn
from consortium.identity.spark import SparkClosure
try:
    SparkClosure("local[1]")(2, [KeyColumn(np.arange(2), np.zeros(2, dtype=np.int64))])
except StoreFailure as error:
    print(error.message, "|", error.hint)
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"JAVA_HOME": str(tmp_path), "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "Spark at local[1] does not start" in done.stdout
    assert "Java" in done.stdout
    named = re.search(r"\S+consortium-spark-\S+\.log", done.stdout)
    assert named
    assert "java" in Path(named[0]).read_text()
    assert done.stderr == ""
