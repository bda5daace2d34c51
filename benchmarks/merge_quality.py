"""How well merging finds people again: pairwise precision and recall on generated worlds.

    python benchmarks/merge_quality.py --make ../shared/tools/make_lists.py --seed 101 --seed 202
    python benchmarks/merge_quality.py WORLD …          folders that make_lists.py wrote
    python benchmarks/merge_quality.py --options "--voters 40000 --lists 8 --rows 5000 --overlap 0"

Lists are read by the manifest's own header map, so that what is measured is normalisation and
judgement and not layout detection; values go through `consortium.tokens` as in a pack. Precision
and recall are over all pairs of rows of one person, of one list or two; `mixed` is the share of
persons that hold rows of more than one human. `--json FILE` writes the figures.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from hashlib import sha256
from itertools import chain
from pathlib import Path

import numpy as np

from consortium.identity.components import KeyColumn, closure, several
from consortium.identity.evaluate import MergeRow, Scorer, evaluate
from consortium.model.match_block import MatchBlock
from consortium.tokens import (
    Email,
    Phone,
    Profile,
    addresses,
    compose_name_address,
    compose_name_birth,
    dates,
    email,
    names,
    phone,
    postcodes,
)

TODAY = date(2026, 11, 1)
DEFAULT_OPTIONS = "--voters 40000 --lists 8 --rows 5000"
csv.field_size_limit(10**8)


@dataclass(frozen=True, slots=True)
class Judged:
    """Figures of one world; shares from 0 to 1, times in seconds."""

    world: str
    rows: int
    persons: int
    precision: float
    recall: float
    closure_recall: float  # what no rule could exceed: pairs in one component
    mixed_persons: int
    mixed: float
    largest_component: int
    seconds_closing: float
    seconds_judging: float
    microseconds_per_judged_row: float


@dataclass(frozen=True, slots=True)
class World:
    """Rows of all lists of a world, and whom each is of."""

    rows: list[MergeRow]
    people: list[str]
    tags: list[str]


def read_world(folder: Path, *, numbers: dict[str, int] | None = None) -> World:
    """Read, normalise and tokenise every list of a world; rows without a contact point are out.

    `numbers` is filled with the number that stands for each contact point in the rows.
    """
    manifest = json.loads((folder / "manifest.json").read_text())
    profile = Profile(dot_insensitive_domains=frozenset(manifest["dot_insensitive_domains"]))
    with (folder / "truth_lists.csv").open(newline="") as file:
        truth = {(r["list"], int(r["row"])): r for r in csv.DictReader(file)}
    numbers = {} if numbers is None else numbers
    world = World([], [], [])
    for listed in manifest["lists"]:
        records = list(_records(folder / "lists" / listed["file"], listed))
        births = _births(records)
        for (number, cells), born in zip(records, births, strict=True):
            known = truth[listed["file"], number]
            row = _row(cells, born, profile, numbers)
            if known["person_id"] and (row.emails or row.phones):
                world.rows.append(row)
                world.people.append(known["person_id"])
                world.tags.append(known["tags"])
    return world


def _records(path: Path, listed: dict[str, str]) -> Iterator[tuple[int, dict[str, list[str]]]]:
    """Record number and its non-empty cells, by the manifest's field."""
    raw = path.read_text(encoding=listed["encoding"], errors="replace")
    reader = csv.reader(io.StringIO(raw, newline=""), delimiter=listed["delimiter"])
    columns = {header.strip(): field for header, field in dict(listed["columns"]).items()}
    fields = [columns.get(header.strip(), "") for header in next(reader)]
    number = 0
    for record in reader:
        if not record:
            continue
        number += 1
        cells: dict[str, list[str]] = defaultdict(list)
        for field, cell in zip(fields, record, strict=False):
            if cell.strip():
                cells[field].append(cell)
        yield number, cells


def _births(records: Sequence[tuple[int, dict[str, list[str]]]]) -> list[str]:
    column = [(c.get("dob") or c.get("bday") or [""])[0] for _, c in records]
    return [d if isinstance(d, str) else "" for d in dates.normalise(column, today=TODAY)]


def _row(
    cells: dict[str, list[str]], born: str, profile: Profile, numbers: dict[str, int]
) -> MergeRow:
    def first_of(field: str) -> str:
        return (cells.get(field) or [""])[0]

    emails = _distinct(
        found.canonical
        for cell in chain(cells.get("email", ()), cells.get("email2", ()))
        for found in email.normalise_all(cell, profile)
        if isinstance(found, Email) and not found.role
    )
    phones = _distinct(
        found.e164
        for cell in chain(cells.get("phone", ()), cells.get("land", ()))
        for found in phone.normalise_all(cell, "US")
        if isinstance(found, Phone) and not found.service
    )
    full = first_of("full") or ("" if cells.get("last") else first_of("sortname"))
    name = (
        names.split_full(full)
        if full
        else names.parts(first=first_of("first"), last=first_of("last"), suffix=first_of("suffix"))
    )
    line = addresses.split(first_of("full_address"), "US")
    house = addresses.house_number(first_of("street")) or line.house_number
    postcode = postcodes.normalise(first_of("zip"), "US", state=first_of("state"))
    postcode = postcode if isinstance(postcode, str) and postcode else line.places.postcode
    block = MatchBlock(
        first=names.given(name.first),
        first_class=names.first_class(name.first),
        surname_code=names.surname_code(name.last),
        suffix=name.suffix,
        birth_date=born,
        house_number=house,
        postcode=postcode,
    )
    said = (emails, phones, names.fold(name.last), block.encode())
    return MergeRow(
        content=_token(repr(said)),
        emails=tuple(numbers.setdefault("e" + e, len(numbers)) for e in emails),
        phones=tuple(numbers.setdefault("p" + p, len(numbers)) for p in phones),
        name_birth=_composite(compose_name_birth(name.first, name.last, born)),
        name_address=_composite(compose_name_address(name.first, name.last, house, postcode)),
        block=block,
    )


def _distinct(values: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(values))


def _token(value: str) -> bytes:
    """As long as a composite; quality does not depend on the key."""
    return sha256(value.encode("utf-8", "surrogatepass")).digest()[:16]


def _composite(value: str | None) -> bytes | None:
    return None if value is None else _token(value)


def judge(
    world: World, *, name: str = "", scored: Scorer | None = None
) -> tuple[Judged, list[int]]:
    """Merge a world in memory; also gives the number of each row's person."""
    began = time.perf_counter()
    columns = [
        _column((i, p) for i, r in enumerate(world.rows) for p in (*r.emails, *r.phones)),
        _column((i, _prefix(r.name_birth)) for i, r in enumerate(world.rows) if r.name_birth),
        _column((i, _prefix(r.name_address)) for i, r in enumerate(world.rows) if r.name_address),
    ]
    label, crowded = closure(len(world.rows), columns)
    crowd = set(columns[0].key[crowded[0]].tolist())
    closed = time.perf_counter()
    person = list(range(len(world.rows)))
    order, sizes = several(label)
    for component in np.split(order, np.cumsum(sizes)[:-1]):
        places = component.tolist()
        rows = [world.rows[i] for i in places]
        for cluster in evaluate(rows, roles=crowd & _points(rows), scored=scored):
            for i in cluster:
                person[places[i]] = places[cluster[0]]
    done = time.perf_counter()
    precision, recall, mixed = _score(person, world.people)
    figures = Judged(
        world=name,
        rows=len(world.rows),
        persons=len(set(person)),
        precision=round(precision, 5),
        recall=round(recall, 5),
        closure_recall=round(_score(label.tolist(), world.people)[1], 5),
        mixed_persons=mixed,
        mixed=round(mixed / len(set(person)), 6),
        largest_component=int(sizes.max(initial=1)),
        seconds_closing=round(closed - began, 3),
        seconds_judging=round(done - closed, 3),
        microseconds_per_judged_row=round((done - closed) / max(len(order), 1) * 1e6, 1),
    )
    return figures, person


def _points(rows: Iterable[MergeRow]) -> set[int]:
    return {point for row in rows for point in (*row.emails, *row.phones)}


def _prefix(composite: bytes) -> int:
    return int.from_bytes(composite[:8], "little")


def _column(pairs: Iterable[tuple[int, int]]) -> KeyColumn:
    held = list(pairs)
    return KeyColumn(
        np.array([row for row, _ in held], dtype=np.int64),
        np.array([key for _, key in held], dtype=np.uint64),
    )


def _score(person: Sequence[int], people: Sequence[str]) -> tuple[float, float, int]:
    """Precision and recall over pairs of rows, and how many persons hold several people."""
    humans: dict[int, set[str]] = defaultdict(set)
    for p, human in zip(person, people, strict=True):
        humans[p].add(human)
    right = _pairs(Counter(zip(person, people, strict=True)))
    mixed = sum(len(found) > 1 for found in humans.values())
    return right / _pairs(Counter(person)), right / _pairs(Counter(people)), mixed


def _pairs(counts: Counter[object] | Counter[int] | Counter[str]) -> int:
    return sum(n * (n - 1) // 2 for n in counts.values())


def make_world(tool: Path, folder: Path, *, seed: int, options: Sequence[str]) -> Path:
    """Let make_lists.py write a world."""
    command = [sys.executable, str(tool), str(folder), "--seed", str(seed), "--jobs", "1"]
    subprocess.run([*command, *options], check=True, stdout=subprocess.DEVNULL)
    return folder


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("worlds", nargs="*", type=Path)
    parser.add_argument("--make", type=Path, help="path of make_lists.py")
    parser.add_argument("--seed", type=int, action="append", default=[])
    parser.add_argument("--options", default=DEFAULT_OPTIONS, help="for make_lists.py")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    results = []
    print(f"{'world':24} {'P':>7} {'R':>7} {'R max':>7} {'mixed':>14} {'largest':>7} {'µs/row':>7}")
    with tempfile.TemporaryDirectory(prefix="consortium-worlds-") as folder:
        worlds = list(arguments.worlds)
        if arguments.make:
            worlds += [
                make_world(
                    arguments.make,
                    Path(folder) / f"seed{seed}",
                    seed=seed,
                    options=arguments.options.split(),
                )
                for seed in arguments.seed or [1]
            ]
        for world in worlds:
            figures, _ = judge(read_world(world), name=world.name)
            results.append(asdict(figures))
            print(
                f"{figures.world:24} {figures.precision:7.4f} {figures.recall:7.4f} "
                f"{figures.closure_recall:7.4f} {figures.mixed_persons:5} {figures.mixed:8.4%} "
                f"{figures.largest_component:7} {figures.microseconds_per_judged_row:7.1f}"
            )
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
