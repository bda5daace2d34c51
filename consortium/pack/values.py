"""The cells of a batch brought to their normal form, column by column.

Everything is normalised by `consortium.tokens` under the consortium's profile; here is decided
which column a value comes from when several could give it, and what is too suspicious to send: a
name that a spreadsheet would run, a link, markup. A bad value leaves a note and nothing else; it
never takes a row's good values with it.

Birth dates are decided per column, so their column is read once before (`survey_births`): its
different cells, up to 50,000 of them and weighed by how often they stand there, are judged
together; cells beyond are judged beside a sample of them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import islice
from math import ceil
from types import MappingProxyType
from typing import TypeVar

from consortium.model import Places
from consortium.pack.layout import Layout, Role
from consortium.pack.source import Source
from consortium.pack.tags import read_tags
from consortium.tokens import (
    Email,
    Name,
    Phone,
    Profile,
    Rejected,
    addresses,
    dates,
    email,
    names,
    phone,
    places,
    postcodes,
)

__all__ = ["Births", "Note", "Settings", "Values", "is_suspicious", "read_values", "survey_births"]

_K = TypeVar("_K", bound=Hashable)
_V = TypeVar("_V")

MAX_POINTS = 16  # of one kind in one row, as the pack's format allows
_MAX_RECORD_ID = 200
_DISTINCT_DATES = 50_000
_WEIGHED_DATES = 100_000
_DATE_CHARACTERS = 64  # a longer cell is no date
_SAMPLE_DATES = 2_000
_SEVERAL_PHONES = re.compile(r"[;|/\n,]|:::|\sor\s|\sand\s")
_SUSPICIOUS = re.compile(r"[\W_]*[=+@|]|\s*-\s*[^\s-]|.*(://|\bwww\.|[<>{}=\\])", re.DOTALL)
_LANGUAGES = MappingProxyType(
    {
        "english": "en", "spanish": "es", "español": "es", "french": "fr", "français": "fr",
        "german": "de", "deutsch": "de", "chinese": "zh", "vietnamese": "vi", "tagalog": "tl",
        "arabic": "ar", "korean": "ko", "russian": "ru", "portuguese": "pt", "polish": "pl",
        "somali": "so", "haitian creole": "ht", "welsh": "cy", "italian": "it", "hindi": "hi",
    }
)  # fmt: skip
_TAG = re.compile(r"\s*([A-Za-z]{2,3})(?:[-_][A-Za-z0-9_-]{1,30})?\s*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Settings:
    """What values are read by.

    Attributes:
        profile: Normalisation rules, from the consortium's card.
        today: Nobody was born, and no consent given, after this day.
        region: Country of phone numbers and addresses that name none.
        order: Order of dates that do not tell it; None: the region's.
    """

    profile: Profile
    today: date
    region: str = "US"
    order: dates.Order | None = None

    @property
    def date_order(self) -> dates.Order:
        """Order of dates that do not tell it."""
        return self.order or ("MDY" if self.region == "US" else "DMY")


@dataclass(frozen=True, slots=True)
class Note:
    """A value that is not used: index of its row in the batch, of its column, and why."""

    row: int
    column: int
    code: str


@dataclass(slots=True, repr=False)
class Values:
    """One list per kind of value, as long as the batch; all normalised.

    Attributes:
        emails, phones: Of each row, best first, none twice.
        names: In parts.
        births: `YYYY-MM-DD`, `YYYY`, `--MM-DD` or empty.
        house_numbers, languages: Normalised or empty.
        places: Country, state, postcode.
        record_ids: The owner's own ids as written.
        tags: What the owner shares (`consortium.pack.tags`).
        notes: Values that are not used.
    """

    emails: list[list[Email]]
    phones: list[list[Phone]]
    names: list[Name]
    births: list[str]
    house_numbers: list[str]
    places: list[Places]
    languages: list[str]
    record_ids: list[str]
    tags: list[tuple[str, ...]]
    notes: list[Note] = field(default_factory=list)


class Births:
    """Birth dates of one column, judged together.

    Args:
        cells: Different cells of the column, with how often each stands there.
        settings: Today, and the order of dates that do not tell it.
    """

    def __init__(self, cells: Mapping[str, int], *, settings: Settings) -> None:
        self._settings = settings
        every = max(1.0, sum(cells.values()) / _WEIGHED_DATES)
        weighed = [cell for cell, count in cells.items() for _ in range(ceil(count / every))]
        self._known = dict(zip(weighed, self._judge(weighed), strict=True))
        self._sample = list(islice(cells, _SAMPLE_DATES))

    def read(self, cells: Sequence[str]) -> list[str | Rejected]:
        """One result per cell."""
        missing = [cell for cell in dict.fromkeys(cells) if cell not in self._known]
        known: Mapping[str, str | Rejected] = self._known
        if missing:
            judged = self._judge([*self._sample, *missing])[len(self._sample) :]
            known = {**self._known, **dict(zip(missing, judged, strict=True))}
        return [known[cell] for cell in cells]

    def _judge(self, cells: Sequence[str]) -> list[str | Rejected]:
        return dates.normalise(
            cells, today=self._settings.today, default_order=self._settings.date_order
        )


def survey_births(source: Source, layout: Layout, *, settings: Settings) -> dict[int, Births]:
    """Read a list once for its birth-date columns; column index → its dates."""
    columns = layout.columns.get(Role.BIRTH_DATE, ())
    found: dict[int, Counter[str]] = {column: Counter() for column in columns}
    if columns:
        for batch in source.batches():
            for column, counts in found.items():
                full = len(counts) >= _DISTINCT_DATES
                counts.update(
                    cell
                    for row in batch.rows
                    if len(row) > column
                    and len(cell := row[column]) <= _DATE_CHARACTERS
                    and (not full or cell in counts)
                )
    return {column: Births(counts, settings=settings) for column, counts in found.items()}


def is_suspicious(text: str) -> bool:
    """Whether a name is what a spreadsheet would run, a link or markup."""
    return _SUSPICIOUS.match(text[:200]) is not None


def read_values(
    cells: Sequence[Sequence[str]],
    *,
    rows: int,
    layout: Layout,
    settings: Settings,
    births: Mapping[int, Births],
) -> Values:
    """Normalise a batch.

    Args:
        cells: By column, then row; every column has `rows` cells.
        rows: How many rows.
        layout: What the columns hold.
        settings: How values are read.
        births: What `survey_births` gave for this list.
    """
    notes: list[Note] = []
    columns = layout.columns
    emails: list[list[Email]] = [[] for _ in range(rows)]
    for index in columns.get(Role.EMAIL, ()):
        _emails(cells[index], index, emails, notes, settings)
    phones: list[list[Phone]] = [[] for _ in range(rows)]
    for index in columns.get(Role.PHONE, ()):
        _phones(cells[index], index, phones, notes, settings)
    found, house_numbers = _places(cells, rows, columns, notes, settings)
    tags, left_out = read_tags(cells, rows=rows, kept=layout.kept)
    notes += [Note(*each) for each in left_out]
    return Values(
        emails=emails,
        phones=phones,
        names=_names(cells, rows, columns, notes),
        births=_births(cells, rows, births, notes),
        house_numbers=house_numbers,
        places=found,
        languages=_once(_language, _first(cells, rows, columns, Role.LANGUAGE)),
        record_ids=_record_ids(cells, rows, columns, notes),
        tags=tags,
        notes=notes,
    )


def _emails(
    column: Sequence[str],
    index: int,
    into: list[list[Email]],
    notes: list[Note],
    settings: Settings,
) -> None:
    for row, one in enumerate(email.normalise_column(column, settings.profile)):
        if isinstance(one, Rejected):
            if one.code != "empty":
                notes.append(Note(row, index, one.code))
            continue
        several = column[row].count("@") > 1
        for each in email.normalise_all(column[row], settings.profile) if several else (one,):
            if isinstance(each, Rejected):
                notes.append(Note(row, index, each.code))
            elif len(into[row]) < MAX_POINTS and all(
                each.canonical != other.canonical for other in into[row]
            ):
                into[row].append(each)


def _phones(
    column: Sequence[str],
    index: int,
    into: list[list[Phone]],
    notes: list[Note],
    settings: Settings,
) -> None:
    for row, one in enumerate(phone.normalise_column(column, settings.region)):
        if isinstance(one, Rejected):
            if one.code != "empty":
                notes.append(Note(row, index, one.code))
            continue
        several = _SEVERAL_PHONES.search(column[row]) is not None
        for each in phone.normalise_all(column[row], settings.region) if several else (one,):
            if isinstance(each, Rejected):
                notes.append(Note(row, index, each.code))
            elif len(into[row]) < MAX_POINTS and all(
                each.e164 != other.e164 for other in into[row]
            ):
                into[row].append(each)


def _names(
    cells: Sequence[Sequence[str]],
    rows: int,
    columns: Mapping[Role, tuple[int, ...]],
    notes: list[Note],
) -> list[Name]:
    first = _first(cells, rows, columns, Role.FIRST_NAME)
    last = _first(cells, rows, columns, Role.LAST_NAME)
    suffix = _first(cells, rows, columns, Role.SUFFIX)
    full = [
        "" if a or b else c
        for a, b, c in zip(first, last, _first(cells, rows, columns, Role.FULL_NAME), strict=True)
    ]
    for role, values in (
        (Role.FIRST_NAME, first),
        (Role.LAST_NAME, last),
        (Role.FULL_NAME, full),
        (Role.SUFFIX, suffix),
    ):
        for row, cell in enumerate(values):
            if cell and not cell.isalpha() and is_suspicious(cell):
                values[row] = ""
                notes.append(Note(row, columns[role][0], "suspicious"))
    found = [
        names.split_full(c) if c else names.parts(first=a, last=b, suffix=d)
        for a, b, c, d in zip(first, last, full, suffix, strict=True)
    ]
    for row, name in enumerate(found):
        if not (names.is_name(name.first) and names.is_name(name.last)):
            found[row] = Name()
            filled = ((Role.FULL_NAME, full), (Role.FIRST_NAME, first), (Role.LAST_NAME, last))
            column = next(columns[role][0] for role, cells_of in filled if cells_of[row])
            notes.append(Note(row, column, "already_hashed"))
    return found


def _births(
    cells: Sequence[Sequence[str]], rows: int, births: Mapping[int, Births], notes: list[Note]
) -> list[str]:
    found = [""] * rows
    for index, column in births.items():
        for row, result in enumerate(column.read(cells[index])):
            if isinstance(result, Rejected):
                notes.append(Note(row, index, result.code))
            elif not found[row]:
                found[row] = result
    return found


def _places(
    cells: Sequence[Sequence[str]],
    rows: int,
    columns: Mapping[Role, tuple[int, ...]],
    notes: list[Note],
    settings: Settings,
) -> tuple[list[Places], list[str]]:
    countries = [
        found or settings.region
        for found in _once(places.country, _first(cells, rows, columns, Role.COUNTRY))
    ]
    states = _once(
        lambda pair: places.state(*pair),
        list(zip(_first(cells, rows, columns, Role.STATE), countries, strict=True)),
    )
    written = _first(cells, rows, columns, Role.POSTCODE)
    codes = _once(
        lambda three: postcodes.normalise(three[0], three[1], state=three[2]) if three[0] else "",
        list(zip(written, countries, states, strict=True)),
    )
    numbers = [
        addresses.house_number(street) if street else ""
        for street in _first(cells, rows, columns, Role.STREET)
    ]
    whole = _first(cells, rows, columns, Role.FULL_ADDRESS)
    found: list[Places] = []
    for row, (country, state, code) in enumerate(zip(countries, states, codes, strict=True)):
        postcode = code
        if isinstance(code, Rejected):
            notes.append(Note(row, columns[Role.POSTCODE][0], code.code))
            postcode = ""
        assert isinstance(postcode, str)  # a refused one was replaced
        if whole[row] and not (state and postcode and numbers[row]):
            address = addresses.split(whole[row], country)
            numbers[row] = numbers[row] or address.house_number
            state = state or address.places.state  # noqa: PLW2901 - completed by the address
            postcode = postcode or address.places.postcode
        found.append(Places(country, state, postcode))
    return found, numbers


def _record_ids(
    cells: Sequence[Sequence[str]],
    rows: int,
    columns: Mapping[Role, tuple[int, ...]],
    notes: list[Note],
) -> list[str]:
    ids = _first(cells, rows, columns, Role.RECORD_ID)
    for row, cell in enumerate(ids):
        if len(cell) > _MAX_RECORD_ID:
            notes.append(Note(row, columns[Role.RECORD_ID][0], "too_long"))
            ids[row] = ""
    return ids


def _first(
    cells: Sequence[Sequence[str]],
    rows: int,
    columns: Mapping[Role, tuple[int, ...]],
    role: Role,
) -> list[str]:
    """Per row, the first cell of the role's columns that holds something, trimmed."""
    indexes = columns.get(role, ())
    if not indexes:
        return [""] * rows
    found = [cell.strip() for cell in cells[indexes[0]]]
    for index in indexes[1:]:
        if "" in found:
            found = [a or b.strip() for a, b in zip(found, cells[index], strict=True)]
    return found


def _language(cell: str) -> str:
    if tag := _TAG.fullmatch(cell):
        return tag[1].lower()
    return _LANGUAGES.get(cell.strip().casefold(), "")


def _once(function: Callable[[_K], _V], keys: Sequence[_K]) -> list[_V]:
    """`function` over a column, called once per different value."""
    known = {key: function(key) for key in dict.fromkeys(keys)}
    return [known[key] for key in keys]
