"""Where a policy applies: `state:OR`, `postcode:97214`, `postcode:972*`, `country:US`, `anywhere`.

A place matches a source row's own statement of where the person lives, nothing that was inferred.
A row that does not say enough to be judged is not matched: unknown is not inside.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from consortium.model import Places

__all__ = ["ANYWHERE", "STATES", "Place", "read_place"]

ANYWHERE: Final = "anywhere"


def _codes(words: str) -> frozenset[str]:
    return frozenset(words.split())


STATES: Final = {
    "US": _codes(
        "AL AK AZ AR CA CO CT DE DC FL GA HI ID IL IN IA KS KY LA ME MD MA MI MN MS MO MT NE NV NH "
        "NJ NM NY NC ND OH OK OR PA RI SC SD TN TX UT VT VA WA WV WI WY AS GU MP PR VI"
    ),
    "CA": _codes("AB BC MB NB NL NS NT NU ON PE QC SK YT"),
    "GB": _codes("ENG NIR SCT WLS"),
}
"""Codes that `state:` may name, by country (ISO 3166-2 without the country; no code is in two)."""

_POSTCODE = re.compile(r"([0-9A-Z]{1,10})(\*?)")
_ZIP_PLUS_4 = re.compile(r"\d{9}")


@dataclass(frozen=True, slots=True)
class Place:
    """One place of a policy.

    Attributes:
        kind: `anywhere`, `country`, `state` or `postcode`.
        code: Country or state code, or a postcode without blanks or hyphens.
        prefix: Whether `code` is only the beginning of a postcode.
    """

    kind: str
    code: str = ""
    prefix: bool = False

    def holds(self, places: Places) -> bool:
        """Whether a row of these places lies inside."""
        match self.kind:
            case "anywhere":
                return True
            case "country":
                return places.country == self.code
            case "state":
                return places.state == self.code and places.country in {"", _country(self.code)}
            case "postcode":
                postcode = _bare(places.postcode)
                return postcode.startswith(self.code) if self.prefix else postcode == self.code
        return False

    def judges(self, places: Places) -> bool:
        """Whether the row says enough to be judged by this place."""
        match self.kind:
            case "country":
                return bool(places.country)
            case "state":
                return bool(places.state)
            case "postcode":
                return bool(places.postcode)
        return True

    def __str__(self) -> str:
        if self.kind == ANYWHERE:
            return ANYWHERE
        return f"{self.kind}:{self.code}{'*' if self.prefix else ''}"


def read_place(text: str) -> Place | None:
    """The place that `text` names; None if it names none."""
    if text == ANYWHERE:
        return Place(ANYWHERE)
    kind, _, code = text.partition(":")
    if kind == "country" and re.fullmatch(r"[A-Z]{2}", code):
        return Place(kind, code)
    if kind == "state" and _country(code):
        return Place(kind, code)
    if kind == "postcode" and (found := _POSTCODE.fullmatch(code.upper().replace(" ", ""))):
        return Place(kind, found.group(1), prefix=bool(found.group(2)))
    return None


def _country(state: str) -> str:
    return next((country for country, states in STATES.items() if state in states), "")


def _bare(postcode: str) -> str:
    bare = postcode.upper().replace(" ", "").replace("-", "")
    return bare[:5] if _ZIP_PLUS_4.fullmatch(bare) else bare
