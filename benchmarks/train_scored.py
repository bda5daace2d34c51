"""Learn the weights of the scored layer from made-up worlds, with Splink, once for each version.

    python -m benchmarks.train_scored --make ../shared/tools/make_lists.py --out FILE

Rows are read as `merge_quality` reads them. Their attributes go to Splink as hashes under a key
that is thrown away. m is estimated from pairs of one human, whom the world knows, u from random
pairs, both by Splink. The threshold is the least weight, in half bits, at which the pairs that a
merge asks about are of one human in at least `SURE` of the cases. Seeds differ from every seed that
quality is judged on. Needs the extra `scored`.
"""

from __future__ import annotations

import argparse
import json
import secrets
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from benchmarks.merge_quality import DEFAULT_OPTIONS, World, judge, make_world, read_world
from consortium.identity import MergeRow
from consortium.identity.scored.attributes import LEVELS, attributes, hashed
from consortium.identity.scored.model import linker
from consortium.identity.scored.weights import VERSION, Weights

SEEDS = (31, 32, 33, 34, 35, 36)
SURE = 0.95
_PAIRS = 2e7


def table(world: World, *, key: bytes, start: int = 0) -> Iterator[dict[str, object]]:
    """A world's rows as hashed attributes."""
    for number, (row, person) in enumerate(zip(world.rows, world.people, strict=True), start):
        known = {"unique_id": number, "person": f"{start}-{person}"}
        yield {**known, **hashed(attributes(row), key=key)}


def learn(worlds: Sequence[World]) -> dict[str, dict[str, dict[str, float]]]:
    """The shares m and u by comparison and level."""
    key = secrets.token_bytes(32)
    rows: list[dict[str, object]] = []
    for world in worlds:
        rows.extend(table(world, key=key, start=len(rows)))
    model = linker(rows, blocking=["l.person = r.person"], keep=["person"])
    model.training.estimate_u_using_random_sampling(max_pairs=_PAIRS, seed=1)
    model.training.estimate_m_from_label_column("person")
    learnt = model.misc.save_model_to_json()
    found: dict[str, dict[str, dict[str, float]]] = {"m": {}, "u": {}}
    for comparison in learnt["comparisons"]:
        name = comparison["output_column_name"]
        levels = [x for x in comparison["comparison_levels"] if not x.get("is_null_level")]
        for share, by_name in found.items():
            by_name[name] = {
                label: round(level[f"{share}_probability"], 9)
                for label, level in zip(LEVELS[name], levels, strict=True)
            }
    return found


class Asked:
    """Notes the weight of each pair that a merge asks about, and joins none."""

    def __init__(self, weights: Weights, world: World) -> None:
        self.weights = weights
        self.person = dict(zip(map(id, world.rows), world.people, strict=True))
        self.seen: list[tuple[float, bool]] = []

    def __call__(self, a: MergeRow, b: MergeRow) -> None:
        """What `evaluate` calls."""
        weight = replace(self.weights, threshold=-1e9)(a, b)
        assert weight is not None
        self.seen.append((weight, self.person[id(a)] == self.person[id(b)]))


def threshold(weights: Weights, worlds: Sequence[World]) -> float:
    """The least weight, in half bits, from which on enough of the asked pairs are of one human."""
    seen: list[tuple[float, bool]] = []
    for world in worlds:
        asked = Asked(weights, world)
        judge(world, scored=asked)
        seen += asked.seen
    steps = sorted({round(2 * weight) / 2 for weight, _ in seen}, reverse=True)
    best = steps[0]
    for step in steps:
        at = [match for weight, match in seen if step <= weight < step + 0.5]
        print(f"{step:6} {len(at):6} {sum(at) / max(len(at), 1):.3f}")
    for step in steps:
        above = [match for weight, match in seen if weight >= step]
        if sum(above) / max(len(above), 1) >= SURE:
            best = step
    return best


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--make", type=Path, required=True, help="path of make_lists.py")
    parser.add_argument("--options", default=DEFAULT_OPTIONS)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    options = arguments.options.split()
    with tempfile.TemporaryDirectory(prefix="consortium-worlds-") as folder:
        worlds = [
            read_world(
                make_world(arguments.make, Path(folder) / str(seed), seed=seed, options=options)
            )
            for seed in SEEDS
        ]
    found = learn(worlds)
    plain = Weights.read(json.dumps({"version": VERSION, **found, "threshold": 0}))
    data = {
        "version": VERSION,
        "threshold": threshold(plain, worlds),
        "trained": f"benchmarks/train_scored.py, make_lists.py {arguments.options}, seeds {SEEDS}",
        **found,
    }
    arguments.out.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
