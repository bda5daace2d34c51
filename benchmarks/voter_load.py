"""How long a voter file takes from the county's file to people found in it.

    python benchmarks/voter_load.py --make ../shared/tools/make_lists.py --voters 100000
    python benchmarks/voter_load.py --world FOLDER        a folder that make_lists.py wrote

Lists of that world are packed, taken in and merged; then measured, each stage a process of its own,
as `benchmarks/million.py` measures: `load` of North Carolina's file, `match` of everybody, and
`match again` after one more list and a merge. Prints wall and processor seconds, helpers included,
and the most memory of all its processes; and the processor time for each voter.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path

import consortium
from benchmarks.million import HOST, PARTNER, Figures, measured, passphrase, prepare
from consortium.app import ListOptions
from consortium.model import Purpose

FILE = "voters_nc.txt"


def lists(folder: Path, world: Path) -> dict[str, object]:
    """The host with every list but the last one, merged."""
    prepare(folder, world, "sqlite:///consortium.db")
    files = sorted((world / "lists").iterdir())[:-1]
    return {"rows": sum(_take_in(folder, file) for file in files)}


def load(folder: Path, world: Path) -> dict[str, object]:
    """The voter file."""
    host = consortium.open(folder / HOST, passphrase=passphrase)
    result = host.voters.load(
        world / FILE,
        licensed=["nurses"],
        purposes=[Purpose.GOTV],
        until=datetime.now(UTC).date() + timedelta(days=30),
    )
    host.close()
    return {"voters": result.record.counts.rows}


def match(folder: Path, world: Path) -> dict[str, object]:
    """Whoever is new."""
    del world
    host = consortium.open(folder / HOST, passphrase=passphrase)
    (found,) = host.voters.match()
    host.close()
    return {"judged": found.judged, "persons": found.persons, "matched": found.matched}


def more(folder: Path, world: Path) -> dict[str, object]:
    """The last list."""
    return {"rows": _take_in(folder, max((world / "lists").iterdir()))}


def _take_in(folder: Path, file: Path) -> int:
    desk = consortium.open_partner(folder / PARTNER, passphrase=passphrase)
    out = folder / f"{file.stem}.pack"
    desk.pack(
        file,
        list_name=file.stem,
        obtained_on=datetime.now(UTC).date(),
        out=out,
        options=ListOptions(attest=("email=express", "sms=express", "relationship=member")),
    )
    host = consortium.open(folder / HOST, passphrase=passphrase)
    rows = host.uploads.add(out).rows
    host.merge()
    host.close()
    return rows


STAGES: dict[str, Callable[[Path, Path], dict[str, object]]] = {
    "lists": lists,
    "load": load,
    "match": match,
    "more": more,
    "match again": match,
}
COUNTED = ("load", "match", "match again")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--world", type=Path, help="a folder that make_lists.py wrote")
    parser.add_argument("--make", type=Path, help="path of make_lists.py")
    parser.add_argument("--voters", type=int, default=50_000)
    parser.add_argument("--folder", type=Path, help="where to work; default a temporary one")
    parser.add_argument("--json", type=Path, help="where figures are written")
    parser.add_argument("--stage", choices=STAGES, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.stage:
        print(json.dumps(STAGES[options.stage](options.folder, options.world)))
        return
    found: list[Figures] = []
    with tempfile.TemporaryDirectory(prefix="voter-load-", dir=options.folder) as scratch:
        folder = Path(scratch)
        world = options.world or folder / "world"
        if options.world is None:
            sizes = ["--voters", options.voters, "--lists", 3, "--rows", options.voters // 20]
            subprocess.run(map(str, [sys.executable, options.make, *sizes, world]), check=True)
        for stage in STAGES:
            command = [sys.executable, __file__, "--stage", stage, "--folder", str(folder)]
            figures = measured(stage, [*command, "--world", str(world)])
            print(
                f"{stage:>12} {figures.wall:8.2f} s wall {figures.cpu:8.2f} s cpu"
                f" {figures.peak_mib:6d} MiB  {figures.said}",
                flush=True,
            )
            if stage in COUNTED:
                found.append(figures)
    voters = int(str(found[0].said["voters"]))
    each = {f.stage: round(1e6 * f.cpu / voters, 1) for f in found}
    print(f"microseconds of CPU for each voter: {each}")
    if options.json:
        report = {"voters": voters, "cpu_microseconds": each, "stages": [asdict(f) for f in found]}
        options.json.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
