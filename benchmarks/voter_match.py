"""How well persons are found in a voter file: precision and recall on generated worlds.

    python benchmarks/voter_match.py --make ../shared/tools/make_lists.py --seed 101 --seed 202
    python benchmarks/voter_match.py WORLD …          folders that make_lists.py wrote

Lists are read and merged as by benchmarks/merge_quality.py; each voter file is read by its layout,
and persons are looked for in it with the shipped weights. Figures are of rows, through the merged
person: precision over rows whose person was found, recall over rows of people who stand in one of
the files. `alone` is the recall of each row by its own evidence. `--json FILE` writes the figures.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import merge_quality

from consortium.tokens import Profile
from consortium.voters.compare import Frequencies, PersonEvidence
from consortium.voters.convert import ConvertSetup, RawVoters, converter
from consortium.voters.evidence import VoterBlock
from consortium.voters.judge import RULES, Matcher
from consortium.voters.layout import recognise

FILES = (("voters_nc.txt", "\t"), ("voters_van.csv", ","))
_BATCH = 10_000


@dataclass(frozen=True, slots=True)
class Found:
    """Figures of one world; shares from 0 to 1, times in seconds of CPU."""

    world: str
    rows: int
    persons: int
    voters: int
    precision: float
    recall: float
    recall_alone: float
    wrong_rows: dict[str, int]
    right_rows: dict[str, int]
    seconds_reading: float
    seconds_matching: float


@dataclass(frozen=True, slots=True)
class File:
    """A voter file's evidence, and the person behind each voter."""

    blocks: list[VoterBlock]
    people: list[str]


def read_files(folder: Path, numbers: dict[str, int]) -> list[File]:
    """Both voter files of a world; contact points as `numbers` names those of lists."""
    with (folder / "truth_voters.csv").open(newline="") as file:
        truth = {row["voter_id"]: row["person_id"] for row in csv.DictReader(file)}
    found = []
    for name, delimiter in FILES:
        with (folder / name).open(newline="", encoding="utf-8-sig") as file:
            headers, *rows = csv.reader(file, delimiter=delimiter)
        layout = recognise(headers, name=name)
        convert = converter(ConvertSetup(layout, layout.name, Profile(), merge_quality.TODAY))
        voters = convert(RawVoters(range(len(rows)), rows)).voters
        blocks = [
            VoterBlock(
                v.first,
                v.surname_code,
                v.suffix,
                v.birth,
                v.house_number,
                v.postcode,
                tuple(str(numbers["p" + p]) for p in v.phones if "p" + p in numbers),
            )
            for v in voters
        ]
        found.append(File(blocks, [truth[v.id] for v in voters]))
    return found


def match(
    persons: Sequence[PersonEvidence], files: Sequence[File]
) -> dict[int, list[tuple[str, str]]]:
    """Position of each person who is found → (who the voter is, rule), one for each file."""
    found: dict[int, list[tuple[str, str]]] = defaultdict(list)
    for file in files:
        frequencies = Frequencies()
        frequencies.add(file.blocks)
        matcher = Matcher(persons, of=frequencies)
        numbered = list(enumerate(file.blocks))
        for start in range(0, len(numbered), _BATCH):
            matcher.offer(numbered[start : start + _BATCH])
        for i, one in matcher.matches():
            found[i].append((file.people[one.voter], one.rule))
    return found


def judge(folder: Path) -> Found:
    """Merge a world and look for its persons."""
    numbers: dict[str, int] = {}
    world = merge_quality.read_world(folder, numbers=numbers)
    _, person = merge_quality.judge(world, name=folder.name)
    groups: dict[int, list[int]] = defaultdict(list)
    for row, who in enumerate(person):
        groups[who].append(row)
    alone = [PersonEvidence((row.block,), frozenset(map(str, row.phones))) for row in world.rows]
    persons = [
        PersonEvidence(
            tuple(dict.fromkeys(world.rows[i].block for i in group)),
            frozenset(str(point) for i in group for point in world.rows[i].phones),
        )
        for group in groups.values()
    ]
    began = time.process_time()
    files = read_files(folder, numbers)
    read = time.process_time()
    found = match(persons, files)
    matched = time.process_time()
    voters = {who for file in files for who in file.people}
    right, wrong = Counter[str](), Counter[str]()
    for at, group in enumerate(groups.values()):
        for who, rule in found.get(at, ()):
            for row in group:
                (right if world.people[row] == who else wrong)[rule] += 1
    by_itself = sum(
        any(who == world.people[row] for who, _ in ways)
        for row, ways in match(alone, files).items()
    )
    findable = sum(who in voters for who in world.people)
    return Found(
        world=folder.name,
        rows=len(world.rows),
        persons=len(persons),
        voters=sum(len(file.blocks) for file in files),
        precision=round(right.total() / (right.total() + wrong.total()), 5),
        recall=round(right.total() / findable, 5),
        recall_alone=round(by_itself / findable, 5),
        right_rows={rule: right[rule] for rule in RULES},
        wrong_rows={rule: wrong[rule] for rule in RULES},
        seconds_reading=round(read - began, 2),
        seconds_matching=round(matched - read, 2),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("worlds", nargs="*", type=Path)
    parser.add_argument("--make", type=Path, help="path of make_lists.py")
    parser.add_argument("--seed", type=int, action="append", default=[])
    parser.add_argument("--options", default=merge_quality.DEFAULT_OPTIONS)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    results = []
    print(f"{'world':16} {'P':>7} {'R':>7} {'alone':>7}  right and wrong rows by rule")
    with tempfile.TemporaryDirectory(prefix="consortium-worlds-") as scratch:
        worlds = list(arguments.worlds)
        if arguments.make:
            worlds += [
                merge_quality.make_world(
                    arguments.make,
                    Path(scratch) / f"seed{seed}",
                    seed=seed,
                    options=arguments.options.split(),
                )
                for seed in arguments.seed or [101]
            ]
        for world in worlds:
            found = judge(world)
            results.append(asdict(found))
            rules = ", ".join(
                f"{rule} {found.right_rows[rule]:,}/{found.wrong_rows[rule]}" for rule in RULES
            )
            print(
                f"{found.world:16} {found.precision:7.4f} {found.recall:7.4f}"
                f" {found.recall_alone:7.4f}  {rules}"
                f"  ({found.seconds_reading:.1f} s + {found.seconds_matching:.1f} s)"
            )
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
