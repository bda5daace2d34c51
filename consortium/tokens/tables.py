"""The data files of this room, read once.

`data/*.toml` hold word lists, `data/*.tsv` and `data/*.txt` tables; each says on its first lines
what it is and where it comes from. They are part of the profile: a change that alters the value of
something accepted before belongs to the next one.
"""

from __future__ import annotations

import tomllib
import unicodedata
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import NamedTuple

__all__ = [
    "PostcodeRule",
    "area_codes",
    "countries",
    "country_names",
    "languages",
    "letters",
    "lines",
    "postcodes",
    "state_names",
    "states",
    "word_sets",
    "words",
]


@cache
def word_sets(name: str) -> Mapping[str, frozenset[str]]:
    """The words under each key of a TOML file of `data/`; each value is words between spaces."""
    document = tomllib.loads(_read(name))
    return MappingProxyType({key: frozenset(words.split()) for key, words in document.items()})


def words(name: str, key: str) -> list[str]:
    """The words under one key of a TOML file of `data/`, in its order."""
    found: str = tomllib.loads(_read(name))[key]
    return found.split()


def lines(name: str) -> list[str]:
    """The lines of a text file of `data/`, without comments and empty ones."""
    return [line for line in _read(name).splitlines() if line and not line.startswith("#")]


@cache
def states() -> Mapping[tuple[str, str], tuple[str, ...]]:
    """(country, state code) to the zones of the state, sorted."""
    return MappingProxyType({(row[0], row[1]): _items(row[2]) for row in _rows("states.tsv")})


@cache
def state_names() -> Mapping[str, tuple[tuple[str, str], ...]]:
    """What a state may be called, by its letters, to every (country, code) that is called so."""
    names: dict[str, tuple[tuple[str, str], ...]] = {}
    for country, code, _, spellings in _rows("states.tsv"):
        for name in dict.fromkeys(map(letters, (code, *_items(spellings)))):
            names[name] = (*names.get(name, ()), (country, code))
    return MappingProxyType(names)


class PostcodeRule(NamedTuple):
    """Postcodes of digits alone: how many, how many zeros may be lost, how they are written."""

    digits: int
    zeros: int
    written: str


@cache
def postcodes() -> Mapping[str, PostcodeRule]:
    """Country to the rule of its postcodes, for those that have digits alone."""
    rows = _rows("postcodes.tsv")
    return MappingProxyType(
        {row[0]: PostcodeRule(int(row[1]), int(row[2]), row[3]) for row in rows}
    )


@cache
def countries() -> Mapping[str, tuple[str, ...]]:
    """ISO country code to the zones of the country, sorted; none where only the state tells."""
    return MappingProxyType({row[0]: _items(row[1]) for row in _rows("countries.tsv")})


@cache
def country_names() -> Mapping[str, str]:
    """What a country may be called, by its letters, to its ISO code."""
    return MappingProxyType(
        {
            letters(name): code
            for code, _, spellings in _rows("countries.tsv")
            for name in (*_items(spellings), code)
        }
    )


@cache
def languages() -> tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...]:
    """(code, other codes, names) of each language."""
    return tuple((r[0], _items(r[1]), _items(r[2])) for r in _rows("languages.tsv"))


@cache
def area_codes() -> Mapping[str, tuple[str, ...]]:
    """North American area code to the zones of its numbers, sorted."""
    return MappingProxyType({row[0]: _items(row[1]) for row in _rows("area-codes.tsv")})


def letters(name: str) -> str:
    """A name by its letters alone: no accents, no case."""
    plain = unicodedata.normalize("NFKD", name).casefold()
    return "".join(char for char in plain if char.isalpha())


def _items(field: str) -> tuple[str, ...]:
    return tuple(field.split("|")) if field else ()


def _rows(name: str) -> list[list[str]]:
    return [line.split("\t") for line in lines(name)]


def _read(name: str) -> str:
    return files("consortium.tokens").joinpath("data", name).read_text(encoding="utf-8")
