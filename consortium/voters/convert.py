"""Records of a voter file as evidence: each cell normalised by the rules of everybody's lists.

A record without an id or a name, or of another width than the header, gives nothing and is counted
with a word that says why; one that its status takes off the register is left out. What is wrong
with one value takes away that value alone. Nothing here knows a key, so that it can run in
processes of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final, TypeVar

from consortium.model import PlaceKind
from consortium.tokens import (
    Email,
    Phone,
    Profile,
    addresses,
    dates,
    email,
    names,
    phone,
    places,
    postcodes,
)
from consortium.voters.layout import Columns, Layout, Role, fold

__all__ = [
    "REJECTIONS",
    "ConvertSetup",
    "Converted",
    "PlaceStep",
    "RawVoters",
    "VoterFacts",
    "converter",
    "id_of",
]

REJECTIONS: Final[Mapping[str, str]] = {
    "damaged": "has more or fewer cells than the header",
    "no_id": "has no voter id",
    "no_name": "has no name",
    "header_again": "is the header once more",
}
"""Why a record gave nothing."""

_LONGEST_ID: Final = 64
_LONGEST_CODE: Final = 60
_KNOWN: Final = 200_000  # values of a kind that are remembered
_K = TypeVar("_K", bound=Hashable)
_V = TypeVar("_V")

PlaceStep = tuple[PlaceKind, str, str]
"""A place: kind, path, name."""


@dataclass(frozen=True, slots=True)
class ConvertSetup:
    """What converting needs.

    Attributes:
        layout: Of the file.
        register: Its name, where the tree of places begins with it.
        profile: Normalisation rules.
        today: Nobody was born after this day.
    """

    layout: Layout
    register: str
    profile: Profile
    today: date


@dataclass(frozen=True, slots=True)
class RawVoters:
    """Consecutive records: the line on which each stands, and its cells."""

    lines: Sequence[int]
    rows: Sequence[Sequence[str]]

    def __repr__(self) -> str:
        return f"RawVoters(rows={len(self.rows)}, ‹personal›)"


@dataclass(frozen=True, slots=True, repr=False)
class VoterFacts:
    """One voter, normalised. `places` is an index into the batch's chains of places."""

    id: str
    first: str
    surname_code: str
    suffix: str
    birth: str
    house_number: str
    postcode: str
    emails: tuple[str, ...]
    phones: tuple[str, ...]
    places: int
    status: str
    age: str
    elections: tuple[str, ...]

    def __repr__(self) -> str:
        return "VoterFacts(‹personal›)"


@dataclass(slots=True)
class Converted:
    """What a batch came to.

    Attributes:
        voters: In the order of the file.
        chains: Distinct places of voters, each a tuple of steps, parents first.
        states: Where voters live, as far as it is said.
        left_out: On the register no more.
        rejected: (line, code).
    """

    voters: list[VoterFacts] = field(default_factory=list)
    chains: list[tuple[PlaceStep, ...]] = field(default_factory=list)
    states: set[str] = field(default_factory=set)
    left_out: int = 0
    rejected: list[tuple[int, str]] = field(default_factory=list)

    def __repr__(self) -> str:
        return f"Converted({len(self.voters)} voters, ‹personal›)"


def converter(setup: ConvertSetup) -> Callable[[RawVoters], Converted]:
    """The function that converts batches of one file."""
    return _Converter(setup).convert


def id_of(row: Sequence[str], columns: Columns) -> str:
    """The voter's id of a record, as it is compared; empty for none.

    In capitals, without blanks, and a number without the zeros it begins with, because spreadsheets
    lose them. The parts of one that stands in several columns are joined with hyphens.
    """
    for group in columns:
        parts = [_without_zeros("".join(row[i].upper().split())) for i in group]
        if parts[0]:
            return "-".join(part for part in parts if part)[:_LONGEST_ID]
    return ""


def _without_zeros(part: str) -> str:
    return part.lstrip("0") or "0" if part[:1] == "0" and part.isdecimal() else part


def _cell(row: Sequence[str], columns: Columns) -> str:
    """The first alternative that is not empty."""
    for group in columns:
        if len(group) == 1:
            value = row[group[0]].strip()
        else:
            value = " ".join(part for i in group if (part := row[i].strip()))
        if value:
            return value
    return ""


class _Remembered(dict[_K, _V]):
    """A function's results, kept up to a number; names and dates repeat."""

    def __init__(self, function: Callable[[_K], _V]) -> None:
        super().__init__()
        self._function = function

    def __missing__(self, key: _K) -> _V:
        if len(self) >= _KNOWN:
            self.clear()
        value = self[key] = self._function(key)
        return value


class _Converter:
    def __init__(self, setup: ConvertSetup) -> None:
        self._setup = setup
        self._layout = layout = setup.layout
        none: Columns = ()
        self._of = {role: layout.columns.get(role, none) for role in Role}
        self._firsts: _Remembered[str, str] = _Remembered(names.given)
        self._lasts: _Remembered[str, str] = _Remembered(names.surname_code)
        self._births: _Remembered[str, str] = _Remembered(self._birth)
        self._postcodes: _Remembered[tuple[str, str], str] = _Remembered(self._postcode)
        self._states: _Remembered[str, str] = _Remembered(
            lambda raw: places.state(raw, layout.country)
        )
        self._roots = {"register": code(setup.register)}

    def convert(self, batch: RawVoters) -> Converted:
        """Every record of a batch."""
        found = Converted()
        chains: dict[tuple[str, ...], int] = {}
        for line, row in zip(batch.lines, batch.rows, strict=True):
            reason = self._take(row, found, chains)
            if reason:
                found.rejected.append((line, reason))
        return found

    def _take(
        self, row: Sequence[str], found: Converted, chains: dict[tuple[str, ...], int]
    ) -> str:
        """Add one record to what was found; or why not."""
        width = self._layout.width
        if len(row) != width and not (len(row) == width + 1 and not row[-1].strip()):
            return "damaged"
        if any(fold(row[column]) in words for column, words in self._layout.leave_out):
            found.left_out += 1
            return ""
        of = self._of
        voter = id_of(row, of[Role.ID])
        if not voter:
            return "no_id"
        first, last = _cell(row, of[Role.FIRST_NAME]), _cell(row, of[Role.LAST_NAME])
        ending = _cell(row, of[Role.SUFFIX])
        if fold(last) in {"lastname", "surname"} and fold(first) in {"firstname", "forename"}:
            return "header_again"
        if not last and of[Role.FULL_NAME]:
            name = names.split_full(_cell(row, of[Role.FULL_NAME]))
            first, last, ending = name.first, name.last, name.suffix
        if not first and not last:
            return "no_name"
        given, surname = self._firsts[first], self._lasts[last]
        if state := self._layout.state or self._states[_cell(row, of[Role.STATE])]:
            found.states.add(state)
        house = _cell(row, of[Role.HOUSE_NUMBER]) or _cell(row, of[Role.STREET])
        found.voters.append(
            VoterFacts(
                id=voter,
                first=given,
                surname_code=surname,
                suffix=names.suffix(ending, last if " " in last else ""),
                birth=self._births[_cell(row, of[Role.BIRTH_DATE])]
                or self._births[_cell(row, of[Role.BIRTH_YEAR])],
                house_number=addresses.house_number(house) if house else "",
                postcode=self._postcodes[_cell(row, of[Role.POSTCODE]), state],
                emails=self._emails(row),
                phones=self._phones(row),
                places=self._places(row, state, found, chains),
                status=_cell(row, of[Role.STATUS])[:20],
                age=_cell(row, of[Role.AGE])[:3],
                elections=tuple(self._elections(row)),
            )
        )
        return ""

    def _birth(self, raw: str) -> str:
        (found,) = dates.normalise([raw], today=self._setup.today, default_order=self._layout.dates)
        return found if isinstance(found, str) and not found.startswith("--") else ""

    def _postcode(self, raw: tuple[str, str]) -> str:
        found = postcodes.normalise(raw[0], self._layout.country, state=raw[1])
        return found if isinstance(found, str) else ""

    def _emails(self, row: Sequence[str]) -> tuple[str, ...]:
        found = (
            email.normalise(cell, self._setup.profile)
            for group in self._of[Role.EMAIL]
            if (cell := _cell(row, (group,)))
        )
        return tuple(dict.fromkeys(f.canonical for f in found if isinstance(f, Email)))

    def _phones(self, row: Sequence[str]) -> tuple[str, ...]:
        found = (
            phone.normalise(cell, self._layout.country)
            for group in self._of[Role.PHONE]
            if (cell := _cell(row, (group,)))
        )
        return tuple(dict.fromkeys(f.e164 for f in found if isinstance(f, Phone) and not f.service))

    def _elections(self, row: Sequence[str]) -> Iterator[str]:
        for column, election in self._layout.elections:
            if voted := row[column].strip():
                yield f"{election}={voted[:10]}"
        for column in self._layout.history_list:
            yield from (part.strip()[:40] for part in row[column].split(";") if part.strip())

    def _places(
        self,
        row: Sequence[str],
        state: str,
        found: Converted,
        chains: dict[tuple[str, ...], int],
    ) -> int:
        """The index of this voter's chain, made if it is new."""
        rules = self._layout.places
        cells = (state, *(_cell(row, rule.columns) for rule in rules))
        known = chains.get(cells)
        if known is not None:
            return known
        steps: list[PlaceStep] = []
        paths: dict[PlaceKind, str] = {}
        root = self._roots.get(self._layout.root, self._layout.root) or state
        for rule, cell in zip(rules, cells[1:], strict=True):
            if not (last := code(cell)):
                continue
            above = rule.under
            while above is not None and above not in paths:
                above = next((r.under for r in rules if r.kind is above), None)
            start = paths[above] if above is not None else root
            path = "/".join(part for part in (start, rule.prefix, last) if part)
            paths.setdefault(rule.kind, path)
            title = next((row[i].strip() for i in rule.name if row[i].strip()), cell)
            steps.append((rule.kind, path, _printable(title)[:_LONGEST_CODE]))
        chains[cells] = len(found.chains)
        found.chains.append(tuple(steps))
        return chains[cells]


def code(text: str) -> str:
    """A step of a place's path: one line in capitals, without the stroke that parts steps."""
    plain = _printable(text).replace("/", "-").upper()
    return " ".join(plain.split())[:_LONGEST_CODE].strip()


def _printable(text: str) -> str:
    """One line with nothing invisible in it."""
    return " ".join("".join(c if c.isprintable() else " " for c in text[:200]).split())
