"""What the scored layer adds to the rules: both on the same generated worlds.

    python -m benchmarks.scored_quality --make ../shared/tools/make_lists.py --seed 8101 --seed 8202

Figures as in `merge_quality`. Seeds that the weights were learnt on (`train_scored.SEEDS`) are
refused. `--json FILE` writes the figures.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from dataclasses import asdict
from pathlib import Path

from benchmarks.merge_quality import DEFAULT_OPTIONS, judge, make_world, read_world
from benchmarks.train_scored import SEEDS
from consortium.identity.scored import shipped


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--make", type=Path, required=True, help="path of make_lists.py")
    parser.add_argument("--seed", type=int, action="append", required=True)
    parser.add_argument("--options", default=DEFAULT_OPTIONS, help="for make_lists.py")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    if known := set(arguments.seed) & set(SEEDS):
        parser.error(f"the weights were learnt on seed {min(known)}")
    weights, results = shipped(), []
    print(
        f"{'seed':>6} {'judged by':10} {'P':>7} {'R':>7} {'R max':>7} {'mixed':>14} {'µs/row':>7}"
    )
    for seed in arguments.seed:
        with tempfile.TemporaryDirectory(prefix="consortium-world-") as folder:
            options = arguments.options.split()
            world = read_world(
                make_world(arguments.make, Path(folder) / "world", seed=seed, options=options)
            )
        for by, scorer in (("rules", None), (weights.name, weights)):
            f, _ = judge(world, name=f"{seed} {by}", scored=scorer)
            results.append(asdict(f))
            print(
                f"{seed:6} {by:10} {f.precision:7.4f} {f.recall:7.4f} {f.closure_recall:7.4f} "
                f"{f.mixed_persons:5} {f.mixed:8.4%} {f.microseconds_per_judged_row:7.1f}"
            )
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
