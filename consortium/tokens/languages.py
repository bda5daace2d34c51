"""The language that a person is written to in: `Spanish`, `Español`, `spa` and `es-MX` are `es`.

The table is `data/languages.tsv`. What is not in it is unknown and gives an empty string, so that
neither a `Yes` nor a region's code in the wrong column becomes a language.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from typing import Final

from consortium.tokens import tables, text

__all__ = ["normalise"]

_MAX_CHARS: Final = 80
_TAG = re.compile(r"([A-Za-z]{2,3})[-_][A-Za-z0-9_-]{1,30}", re.ASCII)
_FIRST_OF_SEVERAL = re.compile(r"[;,/|(]")


def normalise(raw: str) -> str:
    """ISO 639 code of a language's code, tag (BCP 47) or name; empty if it is not known.

    Args:
        raw: Any string. Of several languages the first counts.
    """
    return _known(raw[:_MAX_CHARS])


@lru_cache(maxsize=4_096)
def _known(raw: str) -> str:
    cell = text.line(raw)
    if tag := _TAG.fullmatch(cell):
        return _codes().get(tag[1].lower(), "")
    first = _FIRST_OF_SEVERAL.split(cell, maxsplit=1)[0].strip()
    return _codes().get(first.lower()) or _names().get(tables.letters(first), "")


@cache
def _codes() -> dict[str, str]:
    """Two- and three-letter codes to the one of them that is used."""
    rows = tables.languages()
    return {spelling: code for code, others, _ in rows for spelling in (code, *others)}


@cache
def _names() -> dict[str, str]:
    """Letters of a name to its code."""
    return {tables.letters(name): code for code, _, names in tables.languages() for name in names}
