"""All benchmarks, one after the other: `make bench`.

Each is a script of its own, run in a process of its own, that writes its figures with `--json`. It
is run some times; what is shown is the median of each figure, with the smallest and the largest.
Sizes are small by default (about ten minutes in all); `--full` takes those of docs/benchmarks.md.
Compare ratios, which were taken in one run on one machine, and not seconds.

Those that need the made-up worlds or the yardstick look for them beside the project, in
`../shared/tools`, and are left out where it is not there.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
TOOLS = HERE.parent.parent / "shared" / "tools"
FLOOR, MAKE = TOOLS / "floor.py", TOOLS / "make_lists.py"
SMALL_WORLD = "--voters 8000 --lists 4 --rows 1500"

Picked = Mapping[str, float]
Json = Any  # as each script writes it


@dataclass(frozen=True, slots=True)
class Bench:
    """One script.

    Attributes:
        script: Its file, without the ending.
        pick: The figures to show, out of what it writes.
        quick, full: Its arguments.
        needs: What must be there beside the project.
    """

    script: str
    pick: Callable[[Json], Picked]
    quick: Sequence[str | Path]
    full: Sequence[str | Path]
    needs: tuple[Path, ...] = ()


def of_million(found: Json) -> Picked:
    """Ratios to the yardstick by wall clock, and the most memory."""
    ratios = {f"{stage} ÷ floor": ratio for stage, ratio in found["ratios"].items()}
    ours = (stage for stage in found["stages"] if stage["stage"] != "floor")
    return ratios | {"most MiB": max(stage["peak_mib"] for stage in ours)}


def of_increment(found: Json) -> Picked:
    """How much less a few rows more cost than all of them."""
    full, *more = found
    return {
        "waits, p99 ms": max(one["wait_p99_ms"] or 0 for one in found),
        "µs a row": 1e6 * full["wall"] / full["rows"],
        "more rows ÷ all": statistics.median(one["wall"] for one in more) / full["wall"],
    }


def of_databases(found: Json) -> Picked:
    """PostgreSQL's time to SQLite's."""
    return {f"{name}, PostgreSQL ÷ SQLite": ratio for name, ratio in found["ratios"].items()}


def of_writers(found: Json) -> Picked:
    """What another writer waits at the 99th percentile, in ms."""
    return {f"{name}, p99 ms": one["p99"] for name, one in found.items() if "p99" in one}


def of_voter_file(found: Json) -> Picked:
    """A stage of a voter file for each voter, and the most memory of one."""
    each = {f"{stage}, µs CPU a voter": cost for stage, cost in found["cpu_microseconds"].items()}
    return each | {"most MiB": max(stage["peak_mib"] for stage in found["stages"])}


def of_quality(found: Json) -> Picked:
    """Precision and recall of each world or data set, and persons of more than one human."""
    picked: dict[str, float] = {}
    for number, one in enumerate(found):
        name = str(one.get("world") or one.get("name") or number)
        keys = [key for key in ("precision", "recall", "f1", "mixed") if key in one]
        picked |= {f"{name}: {key}": one[key] for key in keys}
    return picked


BENCHES = (
    Bench(
        "million",
        of_million,
        ("--floor", FLOOR, "--rows", "50000"),
        ("--floor", FLOOR, "--rows", "1000000"),
        (FLOOR,),
    ),
    Bench("increment", of_increment, ("--rows", "50000", "--add", "1000"), ("--rows", "1000000")),
    Bench(
        "databases",
        of_databases,
        ("--floor", FLOOR, "--rows", "50000"),
        ("--floor", FLOOR, "--rows", "1000000"),
        (FLOOR,),
    ),
    Bench("writers", of_writers, ("--rows", "20000"), ("--rows", "200000")),
    Bench(
        "merge_quality",
        of_quality,
        ("--make", MAKE, "--seed", "501", "--options", SMALL_WORLD),
        ("--make", MAKE, "--seed", "501", "--seed", "502"),
        (MAKE,),
    ),
    Bench(
        "scored_quality",
        of_quality,
        ("--make", MAKE, "--seed", "501", "--options", SMALL_WORLD),
        ("--make", MAKE, "--seed", "501", "--seed", "502"),
        (MAKE,),
    ),
    Bench(
        "voter_load",
        of_voter_file,
        ("--make", MAKE, "--voters", "50000"),
        ("--make", MAKE, "--voters", "1300000"),
        (MAKE,),
    ),
    Bench(
        "voter_match",
        of_quality,
        ("--make", MAKE, "--seed", "501"),
        ("--make", MAKE, "--seed", "501", "--seed", "502"),
        (MAKE,),
    ),
    Bench("febrl", of_quality, (), ()),
)


def machine() -> dict[str, str | int | None]:
    """What the figures were taken on."""
    return {
        "processor": platform.machine(),
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
    }


def once(bench: Bench, arguments: Sequence[str | Path]) -> Json:
    """What a script writes, run once."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "figures.json"
        command = [sys.executable, HERE / f"{bench.script}.py", *arguments, "--json", out]
        environment = os.environ | {"PYTHONPATH": str(HERE.parent)}
        subprocess.run(list(map(str, command)), check=True, stdout=sys.stderr, env=environment)
        return json.loads(out.read_text(encoding="utf-8"))


def measure(bench: Bench, *, full: bool, times: int) -> list[Picked]:
    """The figures of some runs."""
    return [bench.pick(once(bench, bench.full if full else bench.quick)) for _ in range(times)]


def show(script: str, runs: Sequence[Picked]) -> dict[str, dict[str, float]]:
    """Print medians, and give them back."""
    shown = {}
    print(f"\n{script}")
    for name in runs[0]:
        values = [run[name] for run in runs]
        middle = statistics.median(values)
        shown[name] = {"median": middle, "least": min(values), "most": max(values)}
        span = "" if len(values) == 1 else f"   {min(values):.4g} to {max(values):.4g}"
        print(f"  {name:<44} {middle:>10.4g}{span}")
    return shown


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("names", nargs="*", help="which; default all")
    parser.add_argument("--full", action="store_true", help="the sizes of docs/benchmarks.md")
    parser.add_argument("--times", type=int, default=1, help="how often each is run")
    parser.add_argument("--json", type=Path, default=Path("bench.json"))
    options = parser.parse_args()
    figures: dict[str, Any] = {}
    for bench in BENCHES:
        if options.names and bench.script not in options.names:
            continue
        missing = [path.name for path in bench.needs if not path.exists()]
        if missing:
            print(f"\n{bench.script}: left out, {', '.join(missing)} is not in ../shared/tools")
            continue
        figures[bench.script] = show(
            bench.script, measure(bench, full=options.full, times=options.times)
        )
    report = {"machine": machine(), "full": options.full, "figures": figures}
    options.json.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    print(f"\nwritten: {options.json}")


if __name__ == "__main__":
    main()
