"""What bringing values to their one spelling costs: processor time per value, by rule and column.

    python benchmarks/values.py [--rows 50000] [--file FILE.csv] [--json FILE]

Made-up columns, or those of a CSV with the headers email, phone, first_name, last_name, street, zip
and birth_date (which `floor.py make` writes). `definition` is the same rule read without short cut
and memory, on at most 2,000 values. Best of three; a rule's memory is cold in its first run only,
which is shown too. The sum is a row's.
"""

from __future__ import annotations

import argparse
import csv
import itertools
import json
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final

from consortium.model import Places
from consortium.tokens import (
    HmacTokeniser,
    Phone,
    addresses,
    compose_name_address_column,
    compose_name_birth_column,
    dates,
    email,
    names,
    phone,
    postcodes,
    zones,
)

TODAY: Final = date(2026, 11, 1)
FEW: Final = 2_000
FIRST = ("Mary", "James", "Ana", "Wei", "Fatima", "Siobhán", "José", "Noor", "Chloe", "Kofi")
LAST = ("Smith", "Nguyen", "Garcia-Lopez", "O'Neil", "Patel", "de la Cruz", "Brown", "Walsh")
STREETS = ("Oak St", "Elm Ave Apt 4", "River Rd", "N Mill St", "Church Ln #2", "Station Way")
PHONES = ("{0}{1}{2}", "({0}) {1}-{2}", "+1{0}{1}{2}", "{0}.{1}.{2}", "1-{0}-{1}-{2} x4")

Columns = dict[str, list[str]]
Rule = Callable[[Sequence[str]], object]


@dataclass(frozen=True, slots=True)
class Cost:
    """Microseconds of processor time per value."""

    rule: str
    first: float
    best: float
    definition: float | None


def made_up(rows: int) -> Columns:
    """Seven columns of people who do not exist, one cell in ten empty."""
    rng = random.Random(1)
    columns: Columns = {name: [] for name in ("email", "phone", "first_name", "last_name")}
    columns |= {name: [] for name in ("street", "zip", "birth_date")}
    for n in range(rows):
        first, last = rng.choice(FIRST), rng.choice(LAST)
        number = (str(rng.randint(201, 989)), "555", f"{rng.randrange(10_000):04}")
        born = date(1935, 1, 1) + timedelta(days=rng.randrange(25_000))
        row = (
            f"{first}.{last.replace(' ', '')}{n}@mail{n % 7}.example.org".encode(
                "ascii", "ignore"
            ).decode(),
            rng.choice(PHONES).format(*number),
            first,
            last,
            f"{rng.randint(1, 9999)} {rng.choice(STREETS)}",
            f"{rng.randint(501, 99950):05}",
            f"{born:%m/%d/%Y}" if n % 2 else born.isoformat(),
        )
        for column, cell in zip(columns.values(), row, strict=True):
            column.append("" if rng.random() < 0.1 else cell)
    return columns


def from_file(path: Path, rows: int) -> Columns:
    """The columns of a CSV."""
    with path.open(encoding="utf-8", newline="") as lines:
        records = list(itertools.islice(csv.DictReader(lines), rows))
    return {name: [record[name] for record in records] for name in records[0]}


def each(function: Callable[[str], object]) -> Rule:
    """A rule for one cell as one for a column."""
    return lambda cells: [function(cell) for cell in cells]


def rules() -> dict[str, tuple[str, Rule, Rule | None]]:
    """Rule to its column, the rule, and its definition where that is another function."""
    return {
        "e-mail": ("email", email.normalise_column, each(email.read)),
        "phone": ("phone", phone.normalise_column, each(phone.read)),
        "first name": ("first_name", each(lambda c: names.parts(first=c)), None),
        "surname": ("last_name", each(lambda c: names.parts(last=c)), None),
        "first-name class": ("first_name", each(names.first_class), None),
        "surname sound": ("last_name", each(names.surname_code), None),
        "house number": ("street", each(addresses.house_number), each(addresses.read)),
        "postcode": (
            "zip",
            each(lambda c: postcodes.normalise(c, "US")),
            each(lambda c: postcodes.read(c, "US")),
        ),
        "birth date": ("birth_date", lambda column: dates.normalise(column, today=TODAY), None),
    }


def timed(work: Callable[[], object], values: int) -> float:
    """Microseconds of processor time per value."""
    start = time.process_time()
    work()
    return (time.process_time() - start) / values * 1e6


def measured(columns: Columns) -> list[Cost]:
    """The cost of each rule."""
    costs = []
    for rule, (name, function, definition) in rules().items():
        column = columns[name]
        runs = [timed(lambda f=function, c=column: f(c), len(column)) for _ in range(3)]  # type: ignore[misc]  # mypy infers no types for defaults of a lambda
        few = column[:FEW]
        slow = definition and timed(lambda f=definition, c=few: f(c), len(few))  # type: ignore[misc]  # as above
        costs.append(Cost(rule, runs[0], min(runs[1:]), slow))
    return [*costs, *hashed(columns)]


def hashed(columns: Columns) -> list[Cost]:
    """The cost of what is made of normalised values."""
    rows = len(columns["email"])
    tokeniser = HmacTokeniser(bytes(32), epoch=1)
    found = (phone.normalise(cell) for cell in columns["phone"])
    points = [[one.e164] if isinstance(one, Phone) else [] for one in found]
    firsts, lasts, births = columns["first_name"], columns["last_name"], columns["birth_date"]
    where = [Places("US", "OR", code) for code in columns["zip"]]
    work: dict[str, Callable[[], Any]] = {
        "zones": lambda: [zones.zones(*row) for row in zip(where, points, strict=True)],
        "composite name-birth": lambda: compose_name_birth_column(firsts, lasts, births),
        "composite name-address": lambda: compose_name_address_column(
            firsts, lasts, columns["street"], columns["zip"]
        ),
        "token of a contact point": lambda: tokeniser.contact("email", columns["email"]),
        "token of a composite": lambda: tokeniser.composite("name-birth", columns["email"]),
    }
    costs = []
    for rule, make in work.items():
        runs = [timed(make, rows) for _ in range(3)]
        costs.append(Cost(rule, runs[0], min(runs[1:]), None))
    return costs


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rows", type=int, default=50_000)
    parser.add_argument("--file", type=Path)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    rows = options.rows
    costs = measured(from_file(options.file, rows) if options.file else made_up(rows))
    print("µs of processor time per value        first    best  definition")
    for cost in costs:
        slow = "" if cost.definition is None else f"{cost.definition:10.2f}"
        print(f"{cost.rule:36}{cost.first:7.2f} {cost.best:7.2f}  {slow}")
    normalising = [cost for cost in costs if cost.rule in rules()]
    first, best = sum(c.first for c in normalising), sum(c.best for c in normalising)
    print(f"{'normalising a row':36}{first:7.2f} {best:7.2f}")
    if options.json:
        options.json.write_text(json.dumps([asdict(cost) for cost in costs], indent=1) + "\n")


if __name__ == "__main__":
    main()
