"""What matching needs of an address: the house number, and the state and postcode of a full line.

A house number is the number that the house bears in its street, never that of a flat in it. It
stands first in most countries; where the street's name comes first (`Hauptstraße 12`) only names
that say that they are streets are trusted, so that `Highway 12` has no house number. Box numbers
are kept apart from houses (`box12`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

from consortium.model import Places
from consortium.tokens import places, postcodes, text
from consortium.tokens.profile import Rejected

__all__ = ["Address", "house_number", "read", "split"]

_MAX_CHARS: Final = 300
_SHORTEST_CODE: Final = 5
# Most streets: a number, a space and a name. Where a box is spoken of, more must be looked at.
_ORDINARY = re.compile(r"([1-9]\d{0,5}) [A-Za-z]", re.ASCII)
_NUMBERED = re.compile(
    r"(\d{1,6})(?!\d)(?:-?([a-z])(?=[\s,]|$)|\s?-\s?(\d{1,5}[a-z]?)(?=[\s,]|$))?"
)
_GRID = re.compile(r"([nsew]\d{1,5}\s?[nsew]\d{1,5})\b")
_BOX = re.compile(r"\b(?:p\W{0,2}o\W{0,2}|post\s?office\s)\s?box\W{0,2}(\d{1,7}[a-z]?)|^box\s(\d+)")
_UNIT_FIRST = re.compile(
    r"^(?:#|(?:apartment|apt|flat|unit|suite|ste|room|rm|no|number|lot|floor|fl)\b[\s.#]*)"
    r"\w{1,6}(?:[\s,/-]+)(?=\S)"
)
_NUMBER_SIGN = re.compile(r"^(?:no\.?|number|nr\.?|#)\s?(?=\d)")
_NUMBER_LAST = re.compile(
    r"(?:^(?:calle|avenida|av|via|rua|ulica|ul|rue|plaza|carrera|paseo)\b\D*"
    r"|\S*(?:str|straße|strasse|weg|gasse|platz|allee|straat|laan|plein|gatan|vej)\.?)"
    r"[\s,]+(?:no\.?\s*)?(\d{1,5}\s?[a-z]?)\b"
)
_WORDS = {
    word: str(number)
    for number, word in enumerate(
        ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"), start=1
    )
}
_COUNTRY_TAIL = re.compile(
    r"[\s,]+(?:u\.?s\.?a?\.?|united states(?: of america)?|canada|u\.?k\.?|united kingdom)\s*$",
    re.IGNORECASE,
)
_ZIP_TAIL = re.compile(r"[\s,]+(\d{5}(?:-\d{4})?|\d{4}(?:-\d{4})?)\s*$")
_CODE_TAIL = re.compile(
    r"[\s,]+([A-Z]{1,2}\d[A-Z\d]?\s?\d[A-Z]{2}|[A-Z]\d[A-Z][\s-]?\d[A-Z]\d)\s*$", re.IGNORECASE
)


@dataclass(frozen=True, slots=True, repr=False)
class Address:
    """What matching needs of an address: house number and places, both normalised."""

    house_number: str = ""
    places: Places = field(default_factory=Places)

    def __repr__(self) -> str:
        return "Address(‹personal›)"


def house_number(street: str) -> str:
    """The house number of a street line: lower-case letters and digits; empty if there is none.

    `123 Main St Apt 4` gives `123`, `123A Main` and `123-A Main` `123a`, `12-34 56th Ave` `1234`,
    `Flat 3, 12 High St` `12`, `N6W23001 Bluemound Rd` `n6w23001`, `PO Box 12` `box12`. A letter by
    itself is a direction or a street's name (`12 E 4th St`, `100 B St`).
    """
    if found := _ORDINARY.match(street):
        plain = len(street) <= _MAX_CHARS and street.isascii() and street.isprintable()
        if plain and "box" not in street.lower():
            return found[1]
    return read(street)


def read(street: str) -> str:
    """`house_number` by the rules alone, without its short cut: the definition of both."""
    line = text.ascii_digits(text.line(street[:_MAX_CHARS]).lower())
    if box := _BOX.search(line):
        return f"box{box[1] or box[2]}"
    rest = _UNIT_FIRST.sub("", line)
    if not re.search(r"\d", rest):
        rest = line
    rest = _NUMBER_SIGN.sub("", rest)
    for candidate in (rest, line):
        if grid := _GRID.match(candidate):
            return grid[1].replace(" ", "")
        if found := _NUMBERED.match(candidate):
            return _numbered(found, candidate)
    if last := _NUMBER_LAST.search(rest):
        return _plain(last[1])
    first, _, street_name = rest.partition(" ")
    return _WORDS.get(first, "") if street_name else ""


def split(raw: str, country: str = "") -> Address:
    """House number, state and postcode of an address in one line.

    Args:
        raw: Any string, like `1125 Depot Way, Maplewood MA 02474`.
        country: ISO code of the row, or of the list; it is not looked for in the line.
    """
    line = text.ascii_digits(text.line(raw[:_MAX_CHARS]))
    rest = _COUNTRY_TAIL.sub("", line)
    code = _ZIP_TAIL.search(rest) or _CODE_TAIL.search(rest)
    before = rest[: code.start()] if code else rest
    state = _state_at_end(before, country)
    postcode = postcodes.normalise(code[1], country, state=state) if code else ""
    if isinstance(postcode, Rejected) or len(postcode) < _SHORTEST_CODE:
        postcode = ""
    return Address(house_number(line), Places(country=country, state=state, postcode=postcode))


def _numbered(found: re.Match[str], line: str) -> str:
    """A leading number, unless it is the ordinal of a street (`5th Ave`)."""
    if line[found.end(1) :].startswith(("st ", "nd ", "rd ", "th ")):
        return ""
    return (found[1].lstrip("0") or "0") + (found[2] or found[3] or "")


def _plain(number: str) -> str:
    return "".join(char for char in number if char.isascii() and char.isalnum())


def _state_at_end(line: str, country: str) -> str:
    """The longest one to three words at the end of a line that name a state."""
    words = re.findall(r"[^\s,]+", line)
    for size in (3, 2, 1):
        if len(words) > size and (code := places.state(" ".join(words[-size:]), country)):
            return code
    return ""
