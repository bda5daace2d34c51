"""Names (first form)."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

__all__ = [
    "Name",
    "compatible_first",
    "first_class",
    "fold",
    "given",
    "parts",
    "split_full",
    "suffix",
    "surname_code",
    "written",
]


@dataclass(frozen=True, slots=True, repr=False)
class Name:
    """A name in its parts, as written and trimmed; `suffix` in normal form."""

    first: str = ""
    middle: str = ""
    last: str = ""
    suffix: str = ""

    def __repr__(self) -> str:
        return "Name(‹personal›)"


def written(raw: str) -> str:
    """A name part as its bearer writes it, safe to put in a message."""
    return " ".join(raw.replace("\0", "").split())[:100]


def fold(raw: str) -> str:
    """Letters only, lower case, without accents, titles and suffixes."""
    return "".join(c for c in unicodedata.normalize("NFKD", raw[:256]) if c.isalpha()).lower()


def given(first: str) -> str:
    """The folded first of the given names; what `MatchBlock.first` holds."""
    return fold(first.strip().split(" ")[0])


def first_class(first: str) -> str:
    """The nickname class of a first name; empty for an initial or none."""
    return given(first)


def surname_code(last: str) -> str:
    """Phonetic code of a surname; empty for none."""
    return fold(last)[:4]


def suffix(*raw: str) -> str:
    """`jr`, `sr`, `ii`, `iii`, `iv` out of a suffix cell or name parts, else empty."""
    for part in raw:
        word = fold(part.split(" ")[-1]) if part else ""
        if word in {"jr", "sr", "ii", "iii", "iv"}:
            return word
    return ""


def parts(*, first: str = "", middle: str = "", last: str = "", suffix: str = "") -> Name:
    """A name out of separate cells: titles dropped, suffix taken out of any part."""
    return Name(written(first), written(middle), written(last), fold(suffix))


def split_full(raw: str) -> Name:
    """`First Middle Last Jr` or `Last, First Middle` in its parts."""
    if "," in raw:
        last, _, first = raw.partition(",")
    else:
        first, _, last = raw.strip().rpartition(" ")
    return parts(first=first, last=last)


def compatible_first(a: str, b: str) -> bool:
    """Whether two first names do not contradict each other; unknown contradicts nothing."""
    return not a or not b or given(a)[:1] == given(b)[:1]
