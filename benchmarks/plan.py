"""How long a plan takes: `PYTHONPATH=. python benchmarks/plan.py [PERSONS]`.

Makes persons straight in a SQLite database (no packs, no merge): three partners with overlapping
lists, 1.3 rows a person, one address each, with 300 postcodes and 600 days of consent, so that
nearly every row has facts of its own; then plans. Meanwhile another process writes one row every
few milliseconds; how long it waits for the writer is what sending and opt-outs would wait.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import random
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from multiprocessing.synchronize import Event
from pathlib import Path

from sqlalchemy import text

from consortium import campaign
from consortium.campaign import decide, view
from consortium.model import UploadState
from consortium.store import migrate, uploads
from consortium.store.engine import Database, in_chunks
from consortium.store.tables import metadata
from consortium.testing.clock import FakeClock
from tests.harness.campaigning import NAME, Assembly, assemble, person

SLUGS = ("nurses", "teachers", "tenants")
_start = time.perf_counter()


def lap(label: str, since: float) -> float:
    now = time.perf_counter()
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(f"{label:<28} {now - since:7.1f} s   {memory:6d} MiB at most so far")
    return now


def write_beside(url: str, ready: Event, stop: Event) -> None:
    """Another writer: a short transaction every few milliseconds, and how long each had to wait."""
    database = Database.open(url)
    waits = []
    while not stop.is_set():
        asked = time.perf_counter()
        with database.write() as tx:
            tx.execute(text("DELETE FROM consortium_limit"))
            waits.append(time.perf_counter() - asked)
        ready.set()
        time.sleep(0.003)
    database.close()
    waits.sort()
    longest = ", ".join(f"{1000 * wait:.0f}" for wait in waits[:-4:-1])
    print(f"  another writer: {len(waits):,} times; longest waits {longest} ms")


@contextlib.contextmanager
def another_writer(database: Database) -> Iterator[None]:
    """Another process writes while the block runs, and says at its end how long it waited."""
    spawn = multiprocessing.get_context("spawn")
    ready, stop = spawn.Event(), spawn.Event()
    url = database.engine.url.render_as_string(hide_password=False)
    process = spawn.Process(target=write_beside, args=(url, ready, stop))
    process.start()
    ready.wait()
    yield
    stop.set()
    process.join()


def people(database: Database, persons: int) -> None:
    """Fill the tables."""
    dice = random.Random(1)
    with database.read() as tx:
        found = {u.partner: u.id for u in uploads.all_of(tx) if u.state is UploadState.ACTIVE}
    spots = [dice.choices(SLUGS, k=1 + (n % 2)) for n in range(persons)]
    first = 1_000_000

    def rows() -> Iterator[tuple[object, ...]]:
        number = first
        for spot in spots:
            for slug in dict.fromkeys(spot):
                number += 1
                day = date(2025, 1, 1) + timedelta(days=dice.randrange(600))
                yield (
                    number, found[slug], number, bytes(16), "member", "US", "OR",
                    f"97{dice.randrange(300):03d}", "America/Los_Angeles", "en",
                    dice.choice(["express", "express", "membership", "none"]), day.isoformat(),
                    "none", None, b"", b"",
                )  # fmt: skip

    def members(tail: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
        number = first
        for n, spot in enumerate(spots):
            for _ in dict.fromkeys(spot):
                number += 1
                yield (number, first + n, *tail) if tail else (first + n, number, 0)

    row = metadata.tables["consortium_source_row"]
    columns = [
        c.name for c in row.columns if c.name not in {"name_birth", "name_address", "record_id"}
    ]
    in_chunks(database, row.name, columns, rows())
    in_chunks(
        database,
        "consortium_contact_point",
        ["id", "kind", "token", "epoch", "profile", "role", "dead"],
        ((first + n, "email", n.to_bytes(32, "big"), 1, 1, False, False) for n in range(persons)),
    )
    in_chunks(database, "consortium_row_contact", ["point_id", "row_id", "position"], members(()))
    in_chunks(
        database,
        "consortium_membership",
        ["row_id", "person_id", "from_generation"],
        members((1,)),
    )


def build(directory: Path, persons: int) -> Assembly:
    """A consortium with so many people."""
    database = Database.open(f"sqlite:///{directory / 'bench.db'}")
    migrate.create(database)
    clock = FakeClock(datetime(2026, 11, 1, tzinfo=UTC))
    assembly = assemble(
        database, directory, clock=clock, lists={s: [person(i)] for i, s in enumerate(SLUGS, 1)}
    )
    for slug in SLUGS:
        assembly.set_policy(slug, guards="frequency = [{ max = 2, per_days = 7 }]")
    people(database, persons)
    assembly.create()
    return assembly


def main() -> None:
    """Build, plan, and plan again."""
    persons = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    with tempfile.TemporaryDirectory() as folder:
        assembly = build(Path(folder), persons)
        at = lap("made", _start)
        with assembly.database.read() as tx:
            seen = view.read(
                tx,
                NAME,
                policies=assembly.in_force,
                wraps=assembly.house.wraps,
                now=assembly.clock.now(),
                secret=lambda: bytes(32),
            )
        at = lap("read", at)
        answers = decide.decide(seen)
        at = lap("decided", at)
        leaves = sum(1 for _ in answers.leaves(plan=1, secret=bytes(32)))
        at = lap(f"{leaves:,} leaves", at)
        del seen, answers
        with another_writer(assembly.database):
            at = time.perf_counter()
            result = assembly.plan()
            at = lap("planned, all of it", at)
        print(result.assigned, [(t.rule, t.persons) for t in result.refused])
        campaign.start(assembly.database, NAME, clock=assembly.clock)
        with another_writer(assembly.database):
            at = time.perf_counter()
            assembly.plan()
            lap("planned again", at)


if __name__ == "__main__":
    main()
