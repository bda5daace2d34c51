"""How long a long list takes from a partner's CSV to persons, beside the floor of such work.

    python benchmarks/million.py --floor ../shared/tools/floor.py --rows 1000000 --json figures.json

`floor.py` writes a plain CSV of made-up people and does the least that could be called intake and
merge with it. On the same file, in the same run, a partner packs it and a host takes the pack in
and merges: the same calls as on the command line, each stage a process of its own. For each stage
it prints wall and processor seconds, those of its helpers included, and the most memory that all
its processes used together, sampled twenty times a second (PSS, so that shared pages count once).

Ratios are of whole stages by wall clock, start of the interpreter and unlocking of keys included,
against the wall time that `floor.py` says of itself. `--stages` leaves some out.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import consortium
from consortium.app import ListOptions

HOST, PARTNER, PACK = "host", "nurses", "nurses.pack"
SAMPLE_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Figures:
    """One stage: seconds by the wall clock and of processors, MiB of all its processes."""

    stage: str
    wall: float
    cpu: float
    peak_mib: int
    said: dict[str, object]


def passphrase(role: str) -> str:
    return f"a benchmark's {role}"


def prepare(folder: Path, file: Path, database: str) -> dict[str, object]:
    """A host and a partner that know each other."""
    del file
    host = consortium.create(
        folder / HOST, name="Benchmark", passphrase=passphrase, database=database
    )
    desk = consortium.create_partner(
        folder / PARTNER,
        slug="nurses",
        name="Nurses",
        postal_address="1 Main St, Portland OR 97204",
        from_address="gotv@nurses.example.org",
        passphrase=passphrase,
    )
    host.partners.add(desk.card_text())
    desk.join(host.card_text())
    host.close()
    return {}


def pack(folder: Path, file: Path, database: str) -> dict[str, object]:
    """From the CSV to a pack, on the partner's machine."""
    del database
    desk = consortium.open_partner(folder / PARTNER, passphrase=passphrase)
    made = desk.pack(
        file,
        list_name="members",
        obtained_on=datetime.now(UTC).date(),
        out=folder / PACK,
        options=ListOptions(attest=("email=express", "sms=express", "relationship=member")),
    )
    return {"rows": made.report.rows, "size": made.size_bytes, **asdict(made.counts)}


def stored(folder: Path, file: Path, database: str) -> dict[str, object]:
    """From the pack to rows that count, on the host."""
    del file, database
    host = consortium.open(folder / HOST, passphrase=passphrase)
    upload = host.uploads.add(folder / PACK)
    host.close()
    return {"rows": upload.rows}


def merged(folder: Path, file: Path, database: str) -> dict[str, object]:
    """From rows to persons, on the host."""
    del file, database
    host = consortium.open(folder / HOST, passphrase=passphrase)
    generation = host.merge()
    host.close()
    return {"persons": generation.persons}


STAGES: dict[str, Callable[[Path, Path, str], dict[str, object]]] = {
    "prepare": prepare,
    "pack": pack,
    "stored": stored,
    "merged": merged,
}
COUNTED = tuple(STAGES)[1:]


class Memory:
    """The most memory that a process and all below it use together, sampled."""

    def __init__(self, pid: int) -> None:
        self.peak_bytes = 0
        self._pid = pid
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _watch(self) -> None:
        while not self._over.wait(SAMPLE_SECONDS):
            self.peak_bytes = max(self.peak_bytes, sum(map(_pss, _tree(self._pid))))

    def end(self) -> int:
        """Stop sampling; MiB."""
        self._over.set()
        self._thread.join()
        return self.peak_bytes // 2**20


def _tree(pid: int) -> list[int]:
    try:
        children = [
            int(child)
            for task in Path(f"/proc/{pid}/task").iterdir()
            for child in (task / "children").read_text().split()
        ]
    except OSError:
        return []
    return [pid, *(below for child in children for below in _tree(child))]


def _pss(pid: int) -> int:
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass  # it has just ended
    return 0


def measured(stage: str, command: Sequence[str]) -> Figures:
    """Run a stage; its last line is JSON."""
    began = time.perf_counter()
    with tempfile.TemporaryFile("w+") as out:
        process = subprocess.Popen(command, stdout=out)
        memory = Memory(process.pid)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        wall, peak = time.perf_counter() - began, memory.end()
        if process.returncode:
            sys.exit(f"{stage} ended with {process.returncode}")
        out.seek(0)
        said = json.loads(out.read().splitlines()[-1])
    return Figures(stage, round(wall, 2), round(used.ru_utime + used.ru_stime, 2), peak, said)


def make(floor: Path, file: Path, *, rows: int, seed: int) -> None:
    """Have `floor.py` write a list."""
    command = [sys.executable, floor, "make", file, "--rows", rows, "--seed", seed]
    subprocess.run(list(map(str, command)), check=True)


def run(options: argparse.Namespace, folder: Path) -> list[Figures]:
    """All stages, one after the other."""
    file = options.file or folder / "list.csv"
    if options.file is None:
        make(options.floor, file, rows=options.rows, seed=options.seed)
    found: list[Figures] = []
    if "floor" in options.stages:
        found.append(measured("floor", [sys.executable, str(options.floor), "run", str(file)]))
        show(found[-1])
    database = options.database or f"sqlite:///{folder / 'consortium.db'}"
    for name in ("prepare", *options.stages):
        if name in STAGES:
            figures = stage(name, folder, file, database)
            if name in COUNTED:
                found.append(figures)
                show(figures)
    return found


def stage(name: str, folder: Path, file: Path, database: str) -> Figures:
    """One of `STAGES`, in a process of its own."""
    command = [sys.executable, __file__, "--stage", name, "--folder", str(folder)]
    return measured(name, [*command, "--file", str(file), "--database", database])


def show(figures: Figures) -> None:
    said = "  ".join(f"{name} {value}" for name, value in figures.said.items() if name != "stages")
    print(
        f"{figures.stage:>8} {figures.wall:9.2f} s wall {figures.cpu:9.2f} s cpu "
        f"{figures.peak_mib:6d} MiB   {said[:90]}",
        flush=True,
    )


def ratios(found: Sequence[Figures]) -> dict[str, float]:
    """Ours to the floor's, by wall and by processor time; each stage's part of it."""
    floor = next((f for f in found if f.stage == "floor"), None)
    ours = [f for f in found if f.stage != "floor"]
    if floor is None or not ours:
        return {}
    wall, cpu = (float(str(floor.said[key])) for key in ("wall", "cpu"))
    return {
        "wall": round(sum(f.wall for f in ours) / wall, 3),
        "cpu": round(sum(f.cpu for f in ours) / cpu, 3),
        **{f"wall of {f.stage}": round(f.wall / wall, 3) for f in ours},
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--floor", type=Path, help="floor.py")
    parser.add_argument("--rows", type=int, default=50_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--file", type=Path, help="a CSV that floor.py made before")
    parser.add_argument("--database", help="URL; default SQLite in a folder of its own")
    parser.add_argument("--folder", type=Path, help="where to work; default a temporary one")
    parser.add_argument("--stages", type=lambda s: s.split(","), default=["floor", *COUNTED])
    parser.add_argument("--json", type=Path, help="where figures are written")
    parser.add_argument("--stage", choices=STAGES, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.stage:
        print(json.dumps(STAGES[options.stage](options.folder, options.file, options.database)))
        return
    if options.floor is None and (options.file is None or "floor" in options.stages):
        parser.error("--floor says where floor.py is")
    folder = Path(tempfile.mkdtemp(dir=options.folder, prefix="million-"))
    try:
        found = run(options, folder)
    finally:
        shutil.rmtree(folder)
    report = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, {platform.system()}",
        "python": platform.python_version(),
        "stages": [asdict(figures) for figures in found],
        "ratios": ratios(found),
    }
    print(json.dumps(report["ratios"]))
    if options.json:
        options.json.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
