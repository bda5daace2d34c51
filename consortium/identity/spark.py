"""The closure over shared keys on Apache Spark, for lists that outgrow one machine.

Only edges and closures go to Spark: for every key that rows share, who holds it. What Spark gets
is row indexes and 64-bit keys (contact point numbers, halves of composites); no match block, no
address and no key of ours leaves this process. Which rows of a component are one human is judged by
the same code as ever (`identity.evaluate`), so the persons are the same, row by row.

Equal keys are brought together by a window over each key; then, round by round, every root hooks on
to the smallest root that an edge leads to, chains of hooks are flattened, and edges are rewritten
to what their ends hang from, until so few are left that this process can take them over. Rounds
grow with the logarithm of the longest chain. Each is written to the work folder, so that no plan
grows.

What Spark says of itself (its host's name, warnings of Java) goes to a file and not to the screen;
the file stays, and is named, only if something fails.

Needs the extra `spark` (PySpark 4 with PyArrow) and Java 17. Costs and when it is worth it:
docs/how-to/national-scale.md.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

import numpy as np

from consortium.errors import StoreFailure, UsageError
from consortium.identity.components import CROWD_ROWS, Flags, Ints, KeyColumn, smallest

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

__all__ = ["SparkClosure"]

_PART: Final = 4_000_000  # elements of one Parquet file
_SIGNED: Final = np.int64
_SETTINGS: Final = {
    "spark.log.level": "ERROR",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
}

# Plain SQL, so that it can be read, and run elsewhere.
_CROWDED: Final = """
SELECT kind, key FROM held GROUP BY kind, key HAVING count(*) > {crowd}
"""
_EDGES: Final = """
SELECT DISTINCT before AS a, row AS b FROM (
  SELECT row,
         lag(row) OVER (PARTITION BY kind, key ORDER BY row) AS before,
         count(*) OVER (PARTITION BY kind, key) AS holders
  FROM held
) WHERE before IS NOT NULL AND before <> row AND holders <= {crowd}
"""
_HOOKS: Final = """
SELECT greatest(a, b) AS root, min(least(a, b)) AS onto FROM edges GROUP BY greatest(a, b)
"""
_FLATTENED: Final = """
SELECT h.root, coalesce(up.onto, h.onto) AS onto
FROM hooks h LEFT JOIN hooks up ON up.root = h.onto
"""
_UNFLATTENED: Final = "SELECT 1 FROM hooks h JOIN hooks up ON up.root = h.onto LIMIT 1"
_REWRITTEN: Final = """
SELECT DISTINCT a, b FROM (
  SELECT coalesce(l.onto, e.a) AS a, coalesce(r.onto, e.b) AS b
  FROM edges e LEFT JOIN hooks l ON l.root = e.a LEFT JOIN hooks r ON r.root = e.b
) WHERE a <> b
"""
_FOLDED: Final = """
SELECT p.row, coalesce(h.onto, p.label) AS label FROM placed p LEFT JOIN hooks h ON h.root = p.label
UNION ALL
SELECT h.root AS row, h.onto AS label FROM hooks h LEFT ANTI JOIN placed p ON p.row = h.root
"""


@dataclass(frozen=True, slots=True)
class SparkClosure:
    """`components.closure` on Spark: call it with the number of rows and their keys.

    Attributes:
        master: Where Spark runs: `local[4]`, `spark://host:7077`, `yarn` … A session that this
            process has already is used as it is, and goes on afterwards.
        folder: A folder that this machine and every executor reach under the same name, for the
            keys and the rounds; None: a temporary one, enough for `local[…]`. What is written there
            is deleted at the end.
        fits: Edges that this process takes over at the end: late rounds have few edges, and cost
            Spark as much time as early ones. 16 bytes each, and some arrays of one number a row.
        settings: Further Spark settings, e.g. `spark.executor.memory`.
    """

    master: str
    folder: Path | None = None
    fits: int = 20_000_000
    settings: tuple[tuple[str, str], ...] = ()

    def __call__(self, rows: int, columns: Sequence[KeyColumn]) -> tuple[Ints, list[Flags]]:
        """Components of all rows at once; as `components.closure` gives them.

        Args:
            rows: How many rows there are.
            columns: Their keys, by kind.

        Raises:
            UsageError: PySpark or PyArrow is not installed.
            StoreFailure: Spark does not start, or gave up.
        """
        _check_installed()
        with tempfile.NamedTemporaryFile(
            prefix="consortium-spark-", suffix=".log", delete=False
        ) as log:
            session = _session(self.master, self.settings, log=log)
            try:
                with _work(self.folder) as folder:
                    found = _closure(session, folder, rows, columns, self.fits)
            except _spark_error() as error:
                raise StoreFailure(
                    f"Spark at {self.master} gave up; nothing was changed",
                    hint="`merge run --full` without it does the same on one machine. Why it gave "
                    f"up: {log.name}",
                ) from error
        Path(log.name).unlink()
        return found


def _closure(
    session: SparkSession, folder: Path, rows: int, columns: Sequence[KeyColumn], fits: int
) -> tuple[Ints, list[Flags]]:
    job = _Job(session, folder)
    held = folder / "held"
    held.mkdir()
    if not sum(len(column.row) for column in columns):
        return np.arange(rows, dtype=_SIGNED), [np.zeros(0, np.bool_) for _ in columns]
    _write_held(held, columns)
    session.read.parquet(str(held)).createOrReplaceTempView("held")
    flags = _flags(columns, job.pairs(_CROWDED.format(crowd=CROWD_ROWS)))
    job.keep("edges", _EDGES.format(crowd=CROWD_ROWS))
    placed = False
    while job.count("edges") > fits:
        job.keep("hooks", _HOOKS)
        while job.any(_UNFLATTENED):
            job.keep("hooks", _FLATTENED)
        job.keep("placed", _FOLDED if placed else "SELECT root AS row, onto AS label FROM hooks")
        job.keep("edges", _REWRITTEN)
        placed = True
    label = np.arange(rows, dtype=_SIGNED)
    for row, at in job.batches("placed") if placed else ():
        label[row] = at
    left = [np.concatenate(ends) for ends in zip(*job.batches("edges"), strict=True)]
    return (smallest(rows, left[0], left[1])[label] if left else label), flags


class _Job:
    """Views that are written out, round after round."""

    def __init__(self, session: SparkSession, folder: Path) -> None:
        self._session, self._folder = session, folder
        self._written: dict[str, Path] = {}
        self._number = 0

    def keep(self, view: str, query: str) -> None:
        """Run a query, write what it gives, and read it back under a name."""
        self._number += 1
        path = self._folder / f"{self._number:04d}-{view}"
        self._session.sql(query).write.parquet(str(path))
        self._session.read.parquet(str(path)).createOrReplaceTempView(view)
        before = self._written.pop(view, None)
        if before is not None:
            shutil.rmtree(before)
        self._written[view] = path

    def count(self, view: str) -> int:
        """How many rows a written view has."""
        return self._session.table(view).count()

    def any(self, query: str) -> bool:
        """Whether a query gives any row."""
        return bool(self._session.sql(query).take(1))

    def pairs(self, query: str) -> list[tuple[int, int]]:
        """The rows of a small result of two columns."""
        return [(int(one), int(two)) for one, two in self._session.sql(query).collect()]

    def batches(self, view: str) -> Iterator[tuple[Ints, Ints]]:
        """A written view of two columns, in parts."""
        from pyarrow import parquet  # noqa: PLC0415 - an extra

        for path in sorted(self._written[view].glob("*.parquet")):
            file = parquet.ParquetFile(path)
            for batch in file.iter_batches(batch_size=_PART):
                one, two = (batch.column(i).to_numpy() for i in range(2))
                yield one.astype(_SIGNED), two.astype(_SIGNED)


def _write_held(folder: Path, columns: Sequence[KeyColumn]) -> None:
    import pyarrow as pa  # noqa: PLC0415 - an extra
    from pyarrow import parquet  # noqa: PLC0415 - an extra

    for kind, column in enumerate(columns):
        for start in range(0, len(column.row), _PART):
            part = slice(start, start + _PART)
            row = column.row[part]
            table = pa.table(
                {
                    "kind": np.full(len(row), kind, dtype=np.int32),
                    "key": column.key[part].view(_SIGNED),
                    "row": row,
                }
            )
            parquet.write_table(table, folder / f"{kind}-{start}.parquet")


def _flags(columns: Sequence[KeyColumn], crowded: Sequence[tuple[int, int]]) -> list[Flags]:
    flags = []
    for kind, column in enumerate(columns):
        keys = np.array([key for of, key in crowded if of == kind], dtype=_SIGNED)
        flags.append(np.isin(column.key.view(_SIGNED), keys))
    return flags


def _check_installed() -> None:
    try:
        import pyarrow  # noqa: F401, ICN001, PLC0415 - only whether it is there
        import pyspark  # noqa: F401, PLC0415 - the same
    except ImportError as error:
        raise UsageError(
            "Spark is not installed", hint="pip install 'contact-consortium[spark]'"
        ) from error


def _session(master: str, settings: Sequence[tuple[str, str]], *, log: IO[bytes]) -> SparkSession:
    """The session of this process; a new one's Java writes what it says to `log`."""
    from pyspark import SparkConf, SparkContext  # noqa: PLC0415 - an extra
    from pyspark.java_gateway import launch_gateway  # noqa: PLC0415 - the same
    from pyspark.sql import SparkSession  # noqa: PLC0415 - the same

    given = _SETTINGS | dict(settings)
    try:
        if SparkContext._gateway is None:  # noqa: SLF001 - Spark has no public way to ask
            conf = SparkConf().setMaster(master).setAppName("consortium merge")
            conf.setAll(list(given.items()))
            java = launch_gateway(conf, popen_kwargs={"stderr": log})  # type: ignore[no-untyped-call] # PySpark's
            SparkContext(conf=conf, gateway=java)
        builder: Any = SparkSession.builder.master(master).appName("consortium merge")
        for name, value in given.items():
            builder = builder.config(name, value)
        session: SparkSession = builder.getOrCreate()
    except Exception as error:  # PySpark raises its own, py4j's, OSError or RuntimeError
        raise StoreFailure(
            f"Spark at {master} does not start",
            hint="It needs Java 17 or newer (JAVA_HOME) and a master that answers. What it says: "
            f"{log.name}",
        ) from error
    return session


def _spark_error() -> tuple[type[Exception], ...]:
    from py4j.protocol import Py4JError  # noqa: PLC0415 - an extra
    from pyspark.errors import PySparkException  # noqa: PLC0415 - an extra

    return PySparkException, Py4JError


@contextmanager
def _work(folder: Path | None) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="consortium-spark-", dir=folder) as made:
        yield Path(made)
