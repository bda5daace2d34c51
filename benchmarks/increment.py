"""How long a merge takes of everything, and of 10,000 rows more, on N rows that are there.

    python benchmarks/increment.py --rows 1000000 --add 10000 --json figures.json
    python benchmarks/increment.py --rows 1000000 --database postgresql://HOST/NAME

Rows are written straight into the tables (`stored.py`), so what is measured is the merge alone:
wall and processor seconds, those of its worker processes included, most memory of one process.
Meanwhile another process writes one row every few milliseconds; how long it waits is what an upload
or an opt-out would wait. `--quiet-writer` leaves it out.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from sqlalchemy import text

from benchmarks.stored import MATCH_KEY, fill, sqlite
from consortium.identity import match_opener, run
from consortium.model.progress import Silent
from consortium.store.engine import Database
from consortium.testing.clock import FakeClock

_PAUSE_SECONDS = 0.003


@dataclass(frozen=True, slots=True)
class Figures:
    """One merge: seconds, MiB of this process at most so far, and what it said."""

    what: str
    wall: float
    cpu: float
    peak_mib: int
    rows: int
    judged: int
    changed: int
    wait_p99_ms: float | None
    wait_most_ms: float | None


class Steps(Silent):
    """Prints how long each step of a merge took."""

    def __init__(self) -> None:
        self._label, self._began = "", 0.0

    def begin(self, label: str, total: int | None) -> None:
        """A step begins."""
        self._label, self._began = f"{label} ({total})" if total else label, time.perf_counter()

    def end(self) -> None:
        """It has ended."""
        print(f"    {self._label:<52} {time.perf_counter() - self._began:7.2f} s")


def cpu_seconds() -> float:
    """Of this process and of its children that have ended."""
    spent = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in spent)


def write_beside(url: str) -> None:
    """Another writer, until its standard input closes: then prints each wait, in milliseconds."""
    database, waits = Database.open(url), list[float]()
    os.set_blocking(sys.stdin.fileno(), False)
    print("ready", flush=True)
    while sys.stdin.buffer.read(1) is None:
        asked = time.perf_counter()
        with database.write() as tx:
            tx.execute(text("DELETE FROM consortium_limit"))
            waits.append(1000 * (time.perf_counter() - asked))
        time.sleep(_PAUSE_SECONDS)
    database.close()
    print(*waits)


@contextlib.contextmanager
def writer_beside(url: str, *, wanted: bool) -> Iterator[list[float]]:
    """Another writer while the block runs; its waits are there afterwards."""
    waits: list[float] = []
    if not wanted:
        yield waits
        return
    command = [sys.executable, __file__, "--write-beside", url]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield waits
        said, _ = process.communicate()
    waits.extend(sorted(map(float, said.split())))


def measure(
    what: str, database: Database, url: str, *, workers: int | None, beside: bool
) -> Figures:
    """One merge."""
    print(f"  {what}")
    with writer_beside(url, wanted=beside) as waits:
        wall, cpu = time.perf_counter(), cpu_seconds()
        merged = run(
            database,
            match_opener=match_opener(MATCH_KEY),
            clock=FakeClock(),
            observer=Steps(),
            workers=workers,
        )
        wall, cpu = time.perf_counter() - wall, cpu_seconds() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    figures = Figures(
        what,
        round(wall, 2),
        round(cpu, 2),
        peak,
        merged.rows,
        merged.judged_rows,
        merged.changed_rows,
        round(waits[len(waits) * 99 // 100], 1) if waits else None,
        round(waits[-1], 1) if waits else None,
    )
    print(f"    {figures}")
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--add", type=int, default=10_000)
    parser.add_argument("--times", type=int, default=3, help="how often rows are added")
    parser.add_argument("--database", help="an empty database; default: SQLite in a new folder")
    parser.add_argument("--folder", type=Path, help="where to make that folder")
    parser.add_argument("--workers", type=int)
    parser.add_argument("--quiet-writer", action="store_true")
    parser.add_argument("--write-beside", help=argparse.SUPPRESS)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    if arguments.write_beside:
        write_beside(arguments.write_beside)
        return
    beside = not arguments.quiet_writer
    with tempfile.TemporaryDirectory(prefix="consortium-increment-", dir=arguments.folder) as at:
        url = arguments.database or sqlite(Path(at))
        began = time.perf_counter()
        stored = fill(url, arguments.rows)
        print(f"{arguments.rows:,} rows written in {time.perf_counter() - began:.0f} s")
        figures = [
            measure("everything", stored.database, url, workers=arguments.workers, beside=beside)
        ]
        for _ in range(arguments.times):
            stored.upload(arguments.add)
            what = f"{arguments.add:,} rows more"
            figures.append(measure(what, stored.database, url, workers=None, beside=beside))
        stored.database.close()
    full, more = figures[0], figures[1:]
    wall = sorted(f.wall for f in more)[len(more) // 2]
    cpu = sorted(f.cpu for f in more)[len(more) // 2]
    print(
        f"everything {1e6 * full.wall / full.rows:.1f} µs a row by the wall clock, "
        f"{1e6 * full.cpu / full.rows:.1f} of CPU; {arguments.add:,} more 1/{full.wall / wall:.0f} "
        f"by the wall clock, 1/{full.cpu / cpu:.0f} of CPU (median)"
    )
    if arguments.json:
        arguments.json.write_text(json.dumps([asdict(f) for f in figures], indent=1) + "\n")


if __name__ == "__main__":
    main()
