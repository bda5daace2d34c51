"""The page that describes the rules says what the rules do."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from datetime import date
from pathlib import Path

from consortium.tokens import (
    REJECTIONS,
    Email,
    HmacTokeniser,
    Phone,
    Rejected,
    addresses,
    dates,
    email,
    languages,
    names,
    phone,
    postcodes,
)

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs/formats/normalisation.md").read_text(encoding="utf-8")
VECTORS = json.loads((ROOT / "tests/vectors/tokens.json").read_text(encoding="utf-8"))


def shown(found: Email | Phone | Rejected | str) -> str:
    match found:
        case Email():
            return found.canonical
        case Phone():
            return found.e164
        case Rejected():
            return found.code
    return found


RULES: dict[str, Callable[[str], str]] = {
    "email": lambda raw: shown(email.normalise(raw)),
    "phone": lambda raw: shown(phone.normalise(raw)),
    "surname": names.fold,
    "first-name": names.first_class,
    "date": lambda raw: shown(dates.normalise([raw], today=date(2026, 11, 21))[0]),
    "postcode": lambda raw: shown(postcodes.normalise(raw, "US")),
    "house": addresses.house_number,
    "language": languages.normalise,
}


def test_every_example_of_the_page_is_what_the_code_does() -> None:
    rows = re.findall(r"^\| ([a-z-]+) \| `(.*)` \| `(.*)` \|$", PAGE, re.MULTILINE)
    assert {kind for kind, _, _ in rows} == set(RULES)
    for kind, raw, expected in rows:
        assert RULES[kind](raw) == expected, raw


def test_every_rejection_code_is_on_the_page() -> None:
    section = PAGE.partition("### Rejection codes")[2].partition("## Example")[0]
    listed = dict(re.findall(r"^\| `(\w+)` \| (.*) \|$", section, re.MULTILINE))
    assert listed == dict(REJECTIONS)


def test_the_token_on_the_page_is_right() -> None:
    key = hashlib.sha256(b"consortium token vectors, profile 1").digest()
    assert key.hex() == VECTORS["key"]
    token = HmacTokeniser(key, epoch=1).contact("email", ["dana@example.org"])[0].hex()
    assert f"`{token}`" in PAGE
