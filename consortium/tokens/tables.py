"""The data files of this room, read once.

`data/*.toml` hold word lists, `data/*.tsv` and `data/*.txt` tables; each says on its first lines
what it is and where it comes from. They are part of the profile: a change that alters the value of
something accepted before belongs to the next one.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType

__all__ = ["lines", "word_sets"]


@cache
def word_sets(name: str) -> Mapping[str, frozenset[str]]:
    """The words under each key of a TOML file of `data/`; each value is words between spaces."""
    document = tomllib.loads(_read(name))
    return MappingProxyType({key: frozenset(words.split()) for key, words in document.items()})


def lines(name: str) -> list[str]:
    """The lines of a text file of `data/`, without comments and empty ones."""
    return [line for line in _read(name).splitlines() if line and not line.startswith("#")]


def _read(name: str) -> str:
    return files("consortium.tokens").joinpath("data", name).read_text(encoding="utf-8")
