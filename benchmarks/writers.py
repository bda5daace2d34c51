"""How long any other writer waits while a long list is taken in, replaced and withdrawn.

    python benchmarks/writers.py --rows 200000 --json figures.json
    python benchmarks/writers.py --database postgresql://… --rows 200000

A second process makes small durable transactions one after another, 5 ms apart, and notes how long
each took from asking for the database to the end of its commit. First alone, then while this
process works. Printed in milliseconds: median, 99th percentile and the longest, for each kind of
work. Rows are made up: an address each, one in two with a number, three in five known from before.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import text

from consortium.model import PackOptOut, PackRow
from consortium.store import migrate
from consortium.store.engine import Database
from consortium.testing.house import House, row

PAUSE_SECONDS = 0.005
NAMES = ("Ann", "Omar", "Wei", "Rosa", "Kofi", "Noor", "Liam", "Chloe")


def write_besides(url: str) -> None:
    """The other writer: until its input closes, then the times in ms as JSON."""
    database = Database.open(url)
    with database.write() as tx:
        tx.execute(text("INSERT INTO consortium_limit (name, next_at) VALUES ('bench', 0)"))
    update = text("UPDATE consortium_limit SET next_at = next_at + 1 WHERE name = 'bench'")
    print("ready", flush=True)
    waits: list[float] = []
    for line in sys.stdin:
        waits.clear()
        until = time.monotonic() + float(line) if line.strip() else None
        marker = Path(tempfile.gettempdir()) / f"writers-{sys.argv[-1]}"
        while marker.exists() if until is None else time.monotonic() < until:
            began = time.perf_counter()
            with database.write() as tx:
                tx.execute(update)
            waits.append((time.perf_counter() - began) * 1000)
            time.sleep(PAUSE_SECONDS)
        print(json.dumps(waits), flush=True)


class Besides:
    """The other process."""

    def __init__(self, url: str) -> None:
        self._name = f"{random.getrandbits(64):x}"
        self._marker = Path(tempfile.gettempdir()) / f"writers-{self._name}"
        self._process = subprocess.Popen(
            [sys.executable, __file__, "--besides", url, self._name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._answer()

    def _answer(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline()

    def _ask(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()

    def alone(self, seconds: float) -> list[float]:
        """Times while nobody else works."""
        self._ask(str(seconds))
        return list(json.loads(self._answer()))

    def during(self, work: Callable[[], object]) -> list[float]:
        """Times while `work` runs."""
        self._marker.touch()
        try:
            self._ask("")
            work()
        finally:
            self._marker.unlink()
        return list(json.loads(self._answer()))

    def end(self) -> None:
        """Let it go."""
        self._process.kill()
        self._process.wait()


def people(count: int, *, start: int, seed: int) -> Iterator[PackRow | PackOptOut]:
    """Rows, and one opt-out for every twenty of them."""
    dice = random.Random(seed)
    for number in range(1, count + 1):
        who = start + number
        made = row(number, f"p{who}@example.org", first=dice.choice(NAMES), last=f"L{who % 997}")
        yield made
        if number % 20 == 0:
            yield PackOptOut(number, (f"gone{who}@example.org",))


@contextmanager
def opened(url: str | None) -> Iterator[tuple[str, House]]:
    with tempfile.TemporaryDirectory(prefix="writers-") as folder:
        where = url or f"sqlite:///{Path(folder) / 'consortium.db'}"
        database = Database.open(where)
        migrate.create(database)
        yield where, House(database, Path(folder))
        database.close()


def run(url: str | None, rows: int) -> dict[str, list[float]]:
    """Times of the other writer by what went on meanwhile."""
    with opened(url) as (where, house):
        nurses = house.admit("nurses")
        packs = [nurses.pack(people(rows, start=s, seed=s)) for s in (0, int(rows * 0.4))]
        besides = Besides(where)
        try:
            return {
                "alone": besides.alone(3.0),
                "upload": besides.during(lambda: house.add(packs[0])),
                "upload that replaces it": besides.during(
                    lambda: house.add(packs[1], replaces="u-0001")
                ),
                "withdrawal": besides.during(lambda: house.withdraw("u-0002")),
            }
        finally:
            besides.end()


def figures(waits: list[float]) -> dict[str, float]:
    """Milliseconds, and how many transactions there were."""
    ordered = sorted(waits)
    return {
        "count": len(ordered),
        "median": round(statistics.median(ordered), 2),
        "p99": round(ordered[int(len(ordered) * 0.99)], 2),
        "longest": round(ordered[-1], 2),
    }


def main() -> None:
    if sys.argv[1:2] == ["--besides"]:
        write_besides(sys.argv[2])
        return
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=50_000)
    parser.add_argument("--database", help="URL of an empty one; default SQLite in a new folder")
    parser.add_argument("--json", type=Path, help="where figures are written")
    options = parser.parse_args()
    found = {name: figures(waits) for name, waits in run(options.database, options.rows).items()}
    for name, one in found.items():
        print(f"{name:>24}  " + "  ".join(f"{key} {value}" for key, value in one.items()))
    if options.json:
        options.json.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
