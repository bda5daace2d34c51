"""The cells of a batch brought to their normal form, column by column.

Everything is normalised by `consortium.tokens` under the consortium's profile; here is decided
which column a value comes from when several could give it, and what is too suspicious to send: a
name that a spreadsheet would run, a link, markup. A bad value leaves a note and nothing else; it
never takes a row's good values with it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import NamedTuple, TypeVar

from consortium.pack.date_columns import Births
from consortium.pack.layout import Layout, Role
from consortium.pack.settings import Settings
from consortium.pack.tags import read_tags
from consortium.tokens import (
    Name,
    Rejected,
    addresses,
    email,
    languages,
    names,
    phone,
    places,
    postcodes,
)

__all__ = ["Note", "ValueReader", "Values", "is_suspicious"]

_K = TypeVar("_K", bound=Hashable)
_V = TypeVar("_V")

MAX_POINTS = 16  # of one kind in one row, as the pack's format allows
_MAX_RECORD_ID = 200
_ONE_PHONE = 14  # characters, in which no two numbers of seven digits can stand apart
_SEVERAL_PHONES = re.compile(r"[;|/\n,]|:::|\sor\s|\sand\s")
_SUSPICIOUS = re.compile(r"[\W_]*[=+@|]|\s*-\s*[^\s-]|.*(://|\bwww\.|[<>{}=\\])", re.DOTALL)


class Note(NamedTuple):
    """A value that is not used: index of its row in the batch, of its column, and why."""

    row: int
    column: int
    code: str


@dataclass(slots=True, repr=False)
class Values:
    """One list per kind of value, as long as the batch; all normalised.

    Attributes:
        emails, phones: What is written to and called, of each row, best first, none twice.
        mailboxes: The canonical forms of its addresses, in their order.
        first_names, last_names, suffixes: Parts of its name.
        births: `YYYY-MM-DD`, `YYYY`, `--MM-DD` or empty.
        house_numbers, countries, states, postcodes, languages: Normalised or empty.
        record_ids: The owner's own ids as written.
        tags: What the owner shares (`consortium.pack.tags`).
        notes: Values that are not used.
    """

    emails: list[tuple[str, ...]]
    mailboxes: list[tuple[str, ...]]
    phones: list[tuple[str, ...]]
    first_names: list[str]
    last_names: list[str]
    suffixes: list[str]
    births: list[str]
    house_numbers: list[str]
    countries: list[str]
    states: list[str]
    postcodes: list[str]
    languages: list[str]
    record_ids: list[str]
    tags: list[tuple[str, ...]]
    notes: list[Note] = field(default_factory=list)

    def only(self, left: Sequence[int]) -> Values:
        """The values of some rows; without notes, which name rows of the whole batch."""
        columns = [getattr(self, each.name) for each in fields(self) if each.name != "notes"]
        return Values(*[[column[at] for at in left] for column in columns])

    def __repr__(self) -> str:
        return f"Values(rows={len(self.emails)}, ‹personal›)"


def is_suspicious(text: str) -> bool:
    """Whether a name is what a spreadsheet would run, a link or markup."""
    return _SUSPICIOUS.match(text[:200]) is not None


class ValueReader:
    """Normalises batches of one list.

    Args:
        layout: What the columns hold.
        settings: How values are read.
        births: Of each column with birth dates what it shows.
    """

    def __init__(self, layout: Layout, *, settings: Settings, births: Mapping[int, Births]) -> None:
        self._columns, self._kept = layout.columns, layout.kept
        self._settings, self._births = settings, births

    def read(self, cells: Sequence[Sequence[str]], *, rows: int) -> Values:
        """Normalise a batch.

        Args:
            cells: By column, then row; every column has `rows` cells.
            rows: How many rows.
        """
        columns = _Columns(cells, rows, self._columns)
        notes: list[Note] = []
        emails, mailboxes = _emails(columns, notes, self._settings)
        phones = _phones(columns, notes, self._settings)
        countries, states, postcodes, house_numbers = _places(columns, notes, self._settings)
        firsts, lasts, suffixes = _names(columns, notes)
        births = _birth_dates(columns, self._births, notes)
        record_ids = _record_ids(columns, notes)
        tags, left_out = read_tags(cells, rows=rows, kept=self._kept)
        notes += [Note(*each) for each in left_out]
        return Values(
            emails=emails,
            mailboxes=mailboxes,
            phones=phones,
            first_names=firsts,
            last_names=lasts,
            suffixes=suffixes,
            births=births,
            house_numbers=house_numbers,
            countries=countries,
            states=states,
            postcodes=postcodes,
            languages=_once(languages.normalise, columns.first(Role.LANGUAGE)),
            record_ids=record_ids,
            tags=tags,
            notes=notes,
        )

    def mailboxes_in(self, cell: str) -> set[str]:
        """The canonical forms of a cell's addresses."""
        found = _emails_of(cell, email.normalise(cell, self._settings.profile), self._settings)
        return {one.canonical for one in found if not isinstance(one, Rejected)}

    def phones_in(self, cell: str) -> set[str]:
        """A cell's numbers."""
        found = _phones_of(cell, phone.normalise(cell, self._settings.region), self._settings)
        return {one.e164 for one in found if not isinstance(one, Rejected)}


@dataclass(frozen=True, slots=True, repr=False)
class _Columns:
    """The cells of a batch by column, then row, and what the columns hold."""

    cells: Sequence[Sequence[str]]
    rows: int
    roles: Mapping[Role, tuple[int, ...]]

    def of(self, role: Role) -> tuple[int, ...]:
        """Indexes of the role's columns, best first."""
        return self.roles.get(role, ())

    def first(self, role: Role) -> list[str]:
        """Per row, the first cell of the role's columns that holds something, trimmed."""
        indexes = self.of(role)
        if not indexes:
            return [""] * self.rows
        found = list(map(str.strip, self.cells[indexes[0]]))
        for index in indexes[1:]:
            if "" in found:
                found = [a or b.strip() for a, b in zip(found, self.cells[index], strict=True)]
        return found


def _emails_of(
    cell: str, one: email.Email | Rejected, settings: Settings
) -> Sequence[email.Email | Rejected]:
    """All addresses of a cell, which read as one is `one`."""
    return email.normalise_all(cell, settings.profile) if cell.count("@") > 1 else (one,)


def _phones_of(
    cell: str, one: phone.Phone | Rejected, settings: Settings
) -> Sequence[phone.Phone | Rejected]:
    """All numbers of a cell, which read as one is `one`."""
    several = len(cell) > _ONE_PHONE and _SEVERAL_PHONES.search(cell) is not None
    return phone.normalise_all(cell, settings.region) if several else (one,)


def _emails(
    columns: _Columns, notes: list[Note], settings: Settings
) -> tuple[list[tuple[str, ...]], list[tuple[str, ...]]]:
    """Deliverable and canonical addresses per row."""
    found: list[tuple[str, ...]] = [()] * columns.rows
    mailboxes: list[tuple[str, ...]] = [()] * columns.rows
    for index in columns.of(Role.EMAIL):
        cells = columns.cells[index]
        results = email.normalise_column(cells, settings.profile)
        for row, (cell, one) in enumerate(zip(cells, results, strict=True)):
            if isinstance(one, Rejected):
                if one.code != "empty":
                    notes.append(Note(row, index, one.code))
                continue
            for each in _emails_of(cell, one, settings):
                if isinstance(each, Rejected):
                    notes.append(Note(row, index, each.code))
                elif not mailboxes[row]:
                    found[row], mailboxes[row] = (each.deliverable,), (each.canonical,)
                elif len(found[row]) < MAX_POINTS and each.canonical not in mailboxes[row]:
                    found[row] += (each.deliverable,)
                    mailboxes[row] += (each.canonical,)
    return found, mailboxes


def _phones(columns: _Columns, notes: list[Note], settings: Settings) -> list[tuple[str, ...]]:
    found: list[tuple[str, ...]] = [()] * columns.rows
    for index in columns.of(Role.PHONE):
        cells = columns.cells[index]
        results = phone.normalise_column(cells, settings.region)
        for row, (cell, one) in enumerate(zip(cells, results, strict=True)):
            if isinstance(one, Rejected):
                if one.code != "empty":
                    notes.append(Note(row, index, one.code))
                continue
            for each in _phones_of(cell, one, settings):
                if isinstance(each, Rejected):
                    notes.append(Note(row, index, each.code))
                elif len(found[row]) < MAX_POINTS and each.e164 not in found[row]:
                    found[row] += (each.e164,)
    return found


def _names(columns: _Columns, notes: list[Note]) -> tuple[list[str], list[str], list[str]]:
    """First name, last name and suffix per row."""
    first, last = columns.first(Role.FIRST_NAME), columns.first(Role.LAST_NAME)
    suffix = columns.first(Role.SUFFIX)
    full = [""] * columns.rows
    if columns.of(Role.FULL_NAME):
        whole = columns.first(Role.FULL_NAME)
        full = ["" if a or b else c for a, b, c in zip(first, last, whole, strict=True)]
    for role, cells in (
        (Role.FIRST_NAME, first),
        (Role.LAST_NAME, last),
        (Role.FULL_NAME, full),
        (Role.SUFFIX, suffix),
    ):
        bad = {cell for cell in set(cells) if not cell.isalpha() and is_suspicious(cell)}
        for row, cell in enumerate(cells) if bad else ():
            if cell in bad:
                cells[row] = ""
                notes.append(Note(row, columns.of(role)[0], "suspicious"))
    found = _once(_name, list(zip(first, last, full, suffix, strict=True)))
    firsts, lasts = [name.first for name in found], [name.last for name in found]
    suffixes = [name.suffix for name in found]
    unfit = {part for part in {*firsts, *lasts} if not names.is_name(part)}
    for row, parts in enumerate(zip(firsts, lasts, strict=True)) if unfit else ():
        if not unfit.isdisjoint(parts):
            firsts[row] = lasts[row] = suffixes[row] = ""
            filled = ((Role.FULL_NAME, full), (Role.FIRST_NAME, first), (Role.LAST_NAME, last))
            column = next(columns.of(role)[0] for role, cells in filled if cells[row])
            notes.append(Note(row, column, "already_hashed"))
    return firsts, lasts, suffixes


def _name(cells: tuple[str, str, str, str]) -> Name:
    first, last, full, suffix = cells
    return names.split_full(full) if full else names.parts(first=first, last=last, suffix=suffix)


def _birth_dates(columns: _Columns, births: Mapping[int, Births], notes: list[Note]) -> list[str]:
    found = [""] * columns.rows
    for index, column in births.items():
        for row, result in enumerate(column.read(columns.cells[index])):
            if isinstance(result, Rejected):
                notes.append(Note(row, index, result.code))
            elif not found[row]:
                found[row] = result
    return found


def _places(
    columns: _Columns, notes: list[Note], settings: Settings
) -> tuple[list[str], list[str], list[str], list[str]]:
    """Country, state, postcode and house number per row."""
    countries = [
        found or settings.region for found in _once(places.country, columns.first(Role.COUNTRY))
    ]
    states = _once(
        lambda pair: places.state(*pair),
        list(zip(columns.first(Role.STATE), countries, strict=True)),
    )
    codes = _once(
        lambda three: postcodes.normalise(three[0], three[1], state=three[2]) if three[0] else "",
        list(zip(columns.first(Role.POSTCODE), countries, states, strict=True)),
    )
    numbers = [
        addresses.house_number(street) if street else "" for street in columns.first(Role.STREET)
    ]
    read: list[str] = []
    for row, code in enumerate(codes):
        if isinstance(code, Rejected):
            notes.append(Note(row, columns.of(Role.POSTCODE)[0], code.code))
            read.append("")
        else:
            read.append(code)
    if columns.of(Role.FULL_ADDRESS):
        for row, whole in enumerate(columns.first(Role.FULL_ADDRESS)):
            if whole and not (states[row] and read[row] and numbers[row]):
                address = addresses.split(whole, countries[row])
                numbers[row] = numbers[row] or address.house_number
                states[row] = states[row] or address.places.state
                read[row] = read[row] or address.places.postcode
    return countries, states, read, numbers


def _record_ids(columns: _Columns, notes: list[Note]) -> list[str]:
    ids = columns.first(Role.RECORD_ID)
    if max(map(len, ids), default=0) > _MAX_RECORD_ID:
        for row, cell in enumerate(ids):
            if len(cell) > _MAX_RECORD_ID:
                notes.append(Note(row, columns.of(Role.RECORD_ID)[0], "too_long"))
                ids[row] = ""
    return ids


def _once(function: Callable[[_K], _V], keys: Sequence[_K]) -> list[_V]:
    """`function` over a column, called once per different value."""
    known = {key: function(key) for key in dict.fromkeys(keys)}
    return [known[key] for key in keys]
