"""What was seen of likely mistakes, told without a value, and added up over a list.

A value that cannot be used is a flaw of its row (`consortium.pack.problems`). Here is what no
single row shows: a column of e-mail addresses that is full of names, ZIPs that lost their leading
zeros, text read in the wrong encoding, one value in most rows. Nothing is changed or rejected for
it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from consortium.pack.layout import Role

__all__ = ["FIRST_LINES", "HINTS", "MAX_TAG_CELLS", "Seen", "Sighting", "SightingTally"]

HINTS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "filled_in": (
            "one and the same value in most rows",
            "check that it is each person's own; leave the column out if it is not",
        ),
        "misplaced_email": (
            "e-mail addresses in a column of something else",
            "look whether cells are shifted, or say which column is which with --map",
        ),
        "misspelt_domain": (
            "e-mail domains that look misspelt, as gmial.com does; they are used as they stand",
            "ask these people, and correct them in your system",
        ),
        "mojibake": (
            "garbled letters (as in JosÃ©): text saved in one encoding and read in another",
            "export again as CSV UTF-8, not over an older spreadsheet program",
        ),
        "not_emails": (
            "most cells are no e-mail addresses",
            "say which column holds them with --map",
        ),
        "other_country": (
            "numbers as written in another country, with a 0 before them",
            'say the country in a mapping, such as region = "GB"',
        ),
        "refusal_in_notes": (
            "notes that speak of not being contacted; notes are not read",
            "mark these people in your system, or leave them out, and export again",
        ),
        "several_emails": (
            "several addresses in one cell; all of them are taken for this person's",
            "",
        ),
        "shared_contact": (
            "one and the same address or number in many rows",
            "look whether it is an office's or a staff member's own",
        ),
        "spreadsheet_error": (
            "cells like ##### or #N/A, written by a spreadsheet instead of the value",
            "widen the column or repair the formula, then export again",
        ),
        "unknown_relationship": (
            "words for what people are to you that are not known; taken as you attest",
            "say what they mean with [relationship] in a mapping (--map)",
        ),
        "zip_lost_zero": (
            "ZIP codes that lost their leading zero; they are read with it",
            "",
        ),
    }
)
"""Code → what is the matter, and its repair; empty: there is nothing to do."""

FIRST_LINES = 5
"""How many lines are named of each kind."""
MAX_TAG_CELLS = 1_000
"""Different cells of a column of tags that are counted."""

_OF_MOST_CELLS = frozenset({"not_emails", "other_country"})
_FEW = 10  # cells that decide nothing
_MOST = 0.5


@dataclass(frozen=True, slots=True)
class Sighting:
    """One kind of mistake in one column of one batch.

    Attributes:
        code: A word of `HINTS`.
        column: Index of the column.
        count: How many cells.
        lines: Lines of the first few of them.
        filled: How many cells of the column hold something.
        members: Of each of these lines the archive's member it is in, or empty.
    """

    code: str
    column: int
    count: int
    lines: tuple[int, ...]
    filled: int = 0
    members: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, repr=False)
class Seen:
    """What was seen in a batch.

    Attributes:
        sightings: Likely mistakes.
        filled: Column → cells that hold something, for columns of contact points.
        tags: Column of tags → its different cells, at most `MAX_TAG_CELLS` of them.
        looks: Column that nothing reads → what some of its cells look like.
    """

    sightings: tuple[Sighting, ...] = ()
    filled: Mapping[int, int] = field(default_factory=dict)
    tags: Mapping[int, frozenset[str]] = field(default_factory=dict)
    looks: Mapping[int, Role] = field(default_factory=dict)


class SightingTally:
    """Adds up what was seen, in the order of the list."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, int]] = Counter()
        self._places: dict[tuple[str, int], tuple[tuple[int, str], ...]] = {}
        self._filled: Counter[int] = Counter()
        self._tags: dict[int, set[str]] = {}
        self._looks: dict[int, Counter[Role]] = {}

    def add(self, seen: Seen, *, member: str = "") -> None:
        """Add one batch, of this member of an archive."""
        for sighting in seen.sightings:
            key = (sighting.code, sighting.column)
            self._counts[key] += sighting.count
            places = ((line, member) for line in sighting.lines)
            self._places[key] = (*self._places.get(key, ()), *places)[:FIRST_LINES]
        self._filled.update(seen.filled)
        for column, cells in seen.tags.items():
            known = self._tags.setdefault(column, set())
            if len(known) <= MAX_TAG_CELLS:
                known |= cells
        for column, role in seen.looks.items():
            self._looks.setdefault(column, Counter())[role] += 1

    def sightings(self) -> list[Sighting]:
        """All that is worth telling, most cells first."""
        found = [
            Sighting(
                code,
                column,
                count,
                tuple(line for line, _ in self._places[code, column]),
                self._filled[column],
                tuple(member for _, member in self._places[code, column]),
            )
            for (code, column), count in self._counts.items()
        ]
        worth = filter(_is_worth_telling, found)
        return sorted(worth, key=lambda s: (-s.count, s.column, s.code))

    def looks(self) -> Mapping[int, Role]:
        """Column that nothing reads → what most batches of it look like."""
        return {column: roles.most_common(1)[0][0] for column, roles in self._looks.items()}

    def tags(self, split: Callable[[str], Iterable[str]]) -> Mapping[int, set[str]]:
        """Column of tags → those that it holds."""
        return {
            column: {tag for cell in cells for tag in split(cell)}
            for column, cells in self._tags.items()
        }


def _is_worth_telling(sighting: Sighting) -> bool:
    """A few cells of some kinds are flaws of their own; a column of them is a mistake."""
    if sighting.code in _OF_MOST_CELLS:
        return sighting.count >= max(_FEW, _MOST * sighting.filled)
    return True
