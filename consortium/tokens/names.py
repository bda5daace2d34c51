"""Names: their parts, the letters that are compared, and when two first names contradict.

A name is kept as its bearer writes it for the message, and reduced to bare letters for matching:
no accents, titles, suffixes or punctuation, lower case; letters of other scripts stay letters of
that script. A first name is matched by its nickname class, a surname by its letters, or by its
sound where the spelling may have slipped. A cell with a formula, an address or markup in it, or
with a filler like `unknown`, holds no name.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Final, NamedTuple

from consortium.tokens import mojibake, nicknames, spelling, tables, text

__all__ = [
    "Name",
    "compatible_first",
    "first_class",
    "fold",
    "given",
    "is_name",
    "parts",
    "split_full",
    "suffix",
    "surname_code",
    "written",
]

_MAX_WRITTEN: Final = 100
_REMEMBERED: Final = 32_768  # cells of at most 100 characters
_TURNS: Final = 8
_MIN_SLIPPED: Final = 4
_MIN_SHORTENED: Final = 3
_WORDS = tables.word_sets("names.toml")
_NAMELESS = _WORDS["fillers"]
_NULLS = frozenset({"NULL", "null"})  # what databases write; Null is a surname
_SUFFIXES = {
    **dict.fromkeys(("jr", "junior", "jnr"), "jr"),
    **dict.fromkeys(("sr", "senior", "snr"), "sr"),
    **dict.fromkeys(("ii", "2nd", "2d"), "ii"),
    **dict.fromkeys(("iii", "3rd", "3d"), "iii"),
    **dict.fromkeys(("iv", "4th"), "iv"),
}
_TWO_WORDS = re.compile(r"([A-Za-z]{1,40})(,?) ([A-Za-z]{1,40})")
_ASIDE = re.compile(r"\([^()]*\)|\"[^\"]*\"|\u201c[^\u201d]*\u201d")
_NO_NAME = re.compile(r"^\s*(?:[=+@]|-\d)|://|www\.|[@<>{}|\\]|\d{4}", re.IGNORECASE)
# What may not stand in a message's greeting; 32 digits of a hash cannot be a name.
_UNFIT = re.compile(r"[@<>{}|\\]|://|[0-9a-f]{32}", re.IGNORECASE)
_SHORTEST_HASH: Final = 32
# Letters that Unicode does not take apart into a base letter and an accent.
_SPELT = str.maketrans(
    {
        **dict.fromkeys("øØ", "o"),
        **dict.fromkeys("łŁ", "l"),
        **dict.fromkeys("đĐðÐ", "d"),
        **dict.fromkeys("ħĦ", "h"),
        **dict.fromkeys("ŧŦ", "t"),
        **dict.fromkeys("æÆ", "ae"),
        **dict.fromkeys("œŒ", "oe"),
        **dict.fromkeys("þÞ", "th"),
        **dict.fromkeys("ßẞ", "ss"),
        "ı": "i",
    }
)


class Name(NamedTuple):
    """A name in its parts: as written and trimmed, but `suffix`, which is in normal form."""

    first: str = ""
    middle: str = ""
    last: str = ""
    suffix: str = ""

    def __repr__(self) -> str:
        return "Name(‹personal›)"


def written(raw: str) -> str:
    """A name part as its bearer writes it: NFC, one line, at most 100 characters.

    Empty for a cell that holds no name, so that neither a formula nor a web address nor a template
    field of somebody's making gets into a message.
    """
    if raw.isalpha() and raw.isascii():
        name = raw[:_MAX_WRITTEN]
        return "" if name.lower() in _NAMELESS or name in _NULLS else name
    name = _legible(raw)[:_MAX_WRITTEN].strip()
    if _NO_NAME.search(name) or not any(map(str.isalpha, name)):
        return ""
    no_value = name in _NULLS or _letters(name) in _NAMELESS
    return "" if no_value else name


def is_name(part: str) -> bool:
    """Whether a part, as `parts` and `split_full` give it, may stand in a message; empty may.

    Not whether `written` keeps it: cut out of a full name, "Nan" is a name, and alone in a cell it
    is what a spreadsheet writes for nothing.
    """
    if part.isascii() and part.isalpha() and len(part) < _SHORTEST_HASH:
        return True
    return (
        len(part) <= _MAX_WRITTEN
        and part == " ".join(part.split())
        and unicodedata.is_normalized("NFC", part)
        and not _UNFIT.search(part)
    )


def fold(raw: str) -> str:
    """The letters of a name part: lower case, no accents, titles, suffixes, asides. Idempotent."""
    return _fold(raw) if len(raw) <= _MAX_WRITTEN else _fold.__wrapped__(raw)


def given(first: str) -> str:
    """The first of the given names, folded; what `MatchBlock.first` holds.

    `Mary Ann` gives `mary`, `Jean-Luc` gives `jeanluc`, `De Shawn` gives `deshawn`, `J.` gives `j`.
    """
    return _given(first) if len(first) <= _MAX_WRITTEN else _given.__wrapped__(first)


def first_class(first: str) -> str:
    """The nickname class of a first name; empty for none and for an initial, which names nobody."""
    name = given(first)
    return nicknames.one_class(name) if len(name) > 1 or not name.isascii() else ""


def surname_code(last: str) -> str:
    """How a surname sounds; empty for none."""
    return _surname_code(last) if len(last) <= _MAX_WRITTEN else spelling.phonetic(fold(last))


def suffix(*raw: str) -> str:
    """`jr`, `sr`, `ii`, `iii` or `iv`, from the first of some cells that has one; else empty.

    In a cell of several words only the last one counts, degrees behind it aside.
    """
    for cell in filter(None, raw):
        known = len(cell) <= _MAX_WRITTEN
        if found := _suffix_in(cell) if known else _suffix_in.__wrapped__(cell):
            return found
    return ""


def parts(*, first: str = "", middle: str = "", last: str = "", suffix: str = "") -> Name:
    """A name out of separate cells: titles dropped, a suffix found in any of them taken out.

    A lone cell with a comma in it is read as a full name.
    """
    if "," in last and not first.strip():
        full = split_full(last)
        return Name(full.first, full.middle or written(middle), full.last, full.suffix)
    ending = ""
    if suffix or " " in last or " " in first or "," in last or "," in first:
        ending = _suffix_of(suffix, last, first)
    return Name(_bare_part(first), middle and _bare_part(middle), _bare_part(last), ending)


def split_full(raw: str) -> Name:
    """`First Middle Last Jr`, `Last, First Middle` or `Last, First, Jr` in its parts.

    Particles belong to the surname (`Maria de la Cruz`); a single word is a first name.
    """
    if two := _TWO_WORDS.fullmatch(raw):
        first, comma, last = two.groups()
        if not comma and not _is_special(first, last):
            return Name(first, "", last)
        if comma and not _is_special(first, last) and not _is_special(last, first):
            return Name(_bare_part(last), "", _bare_part(first))
    return _split_full(raw)


def _is_special(first: str, last: str) -> bool:
    """Whether two words are more or less than a first name and a surname."""
    start, end = first.lower(), last.lower()
    return (
        start in _WORDS["titles"]
        or end in _SUFFIXES
        or end in _WORDS["degrees"]
        or start + end in _NAMELESS
    )


def _split_full(raw: str) -> Name:
    name = written(_ASIDE.sub(" ", _legible(raw)))
    pieces = [piece.strip() for piece in name.split(",") if piece.strip()]
    inverted = [piece for piece in pieces[1:] if not _is_tail(piece)]
    ending = suffix(*pieces)
    if inverted or (len(pieces) == 1 and name.endswith(",")):
        first, _, middle = _bare_part(inverted[0] if inverted else "").partition(" ")
        return Name(first, middle, _bare_part(pieces[0]), ending)
    words = _bare_part(pieces[0]).split(" ") if pieces else [""]
    if len(words) == 1:
        return Name(words[0], suffix=ending)
    start = next(
        (at for at in range(1, len(words) - 1) if _letters(words[at]) in _WORDS["particles"]),
        len(words) - 1,
    )
    return Name(words[0], " ".join(words[1:start]), " ".join(words[start:]), ending)


def compatible_first(a: str, b: str) -> bool:
    """Whether two first names can be one human's: nothing in them says otherwise.

    True if either is unknown; an initial fits every name that begins with it, or that is short
    for one that does; nicknames fit every name they are short for. A misspelling fits (one slip
    from any form of the name, or cut short), but only if it is no name itself: Daniel and Daniela,
    Andrew and Andrea contradict.
    Symmetric; not transitive, since Chris fits both Christopher and Christine.
    """
    one, other = given(a), given(b)
    if not one or not other or one == other:
        return True
    if len(one) > len(other):
        one, other = other, one
    if len(one) == 1:
        return any(name[0] == one for name in (other, *nicknames.classes(other)))
    if not set(nicknames.classes(one)).isdisjoint(nicknames.classes(other)):
        return True
    return _is_misspelt(one, other) or _is_misspelt(other, one)


def _is_misspelt(word: str, name: str) -> bool:
    """Whether a word that is no name is a slip away from a name or one of its other forms."""
    if nicknames.is_known(word):
        return False
    if len(word) >= _MIN_SHORTENED and (name.startswith(word) or word.startswith(name)):
        return True
    return any(
        max(len(word), len(form)) >= _MIN_SLIPPED and spelling.one_slip(word, form)
        for form in nicknames.spellings(name)
    )


def _legible(raw: str) -> str:
    """NFC in one line: misread letters repaired, symbols and what cannot be seen left out."""
    name = text.seen(raw)
    if name.isascii():
        return name
    name = raw[: text.MAX_CHARS]
    for _ in range(_TURNS):  # what comes off may bring together what is to be repaired
        before, name = name, unicodedata.normalize("NFC", mojibake.repaired(name))
        name = "".join(c for c in text.seen(name) if c.isascii() or not _is_symbol(c)).strip()
        if name == before:
            break
    return " ".join(name.split())


def _is_symbol(char: str) -> bool:
    """Whether a character is an emoji, another sign, or none that Unicode knows."""
    kind = unicodedata.category(char)
    return kind in {"So", "Sm", "Cn", "Co"} or "\U0001f3fb" <= char <= "\U0001f3ff"


def _letters(word: str) -> str:
    """The letters and digits of a word: lower case, no accents."""
    if word.isascii():
        return "".join(filter(str.isalnum, word)).lower()
    plain = unicodedata.normalize("NFKD", word.translate(_SPELT)).casefold().lower()
    return "".join(filter(str.isalnum, unicodedata.normalize("NFKD", plain).translate(_SPELT)))


def _cell_words(raw: str) -> list[str]:
    """The words of a name cell, asides out, each in bare letters."""
    cell = text.line(_legible(raw))
    if not cell.isascii() or not cell.isalpha():
        cell = _ASIDE.sub(" ", cell).replace(",", " ").replace(".", ". ")
    return [word for word in map(_letters, cell.split(" ")) if word]


def _words(raw: str) -> list[str]:
    """The words of a name, without titles before and suffixes and degrees behind it."""
    if raw.isascii() and raw.isalpha() and len(raw) <= _MAX_WRITTEN:
        word = raw.lower()
        return [] if word in _NAMELESS or raw in _NULLS else [word]
    if not written(raw):
        return []
    words = [only for word in _cell_words(raw) if (only := "".join(filter(str.isalpha, word)))]
    while len(words) > 1 and words[0] in _WORDS["titles"]:
        words.pop(0)
    while len(words) > 1 and (words[-1] in _SUFFIXES or words[-1] in _WORDS["degrees"]):
        words.pop()
    return words


def _bare_part(raw: str) -> str:
    """A name part as written, without titles before and suffixes and degrees behind it."""
    if raw.isalpha() and raw.isascii() and len(raw) <= _MAX_WRITTEN:
        return "" if raw.lower() in _NAMELESS or raw in _NULLS else raw
    if not raw:
        return ""
    return _bared(raw) if len(raw) <= _MAX_WRITTEN else _bared.__wrapped__(raw)


@lru_cache(maxsize=_REMEMBERED)
def _bared(raw: str) -> str:
    words = written(raw).replace(",", " ").split()
    while len(words) > 1 and _letters(words[0]) in _WORDS["titles"]:
        words.pop(0)
    while len(words) > 1 and _is_tail(words[-1]):
        words.pop()
    return " ".join(words)


@lru_cache(maxsize=_REMEMBERED)
def _suffix_in(cell: str) -> str:
    words = _cell_words(cell)
    while words and words[-1] in _WORDS["degrees"]:
        words.pop()
    return _SUFFIXES.get(words[-1], "") if words else ""


@lru_cache(maxsize=_REMEMBERED)
def _fold(raw: str) -> str:
    return "".join(_words(raw))


@lru_cache(maxsize=_REMEMBERED)
def _given(first: str) -> str:
    words = _words(first)
    if len(words) > 1 and words[0] in _WORDS["first_particles"]:
        return words[0] + words[1]
    return words[0] if words else ""


@lru_cache(maxsize=_REMEMBERED)
def _surname_code(last: str) -> str:
    return spelling.phonetic(_fold(last))


def _is_tail(piece: str) -> bool:
    words = [_letters(word) for word in piece.split()]
    return all(word in _SUFFIXES or word in _WORDS["degrees"] for word in words)


def _suffix_of(cell: str, last: str, first: str) -> str:
    """A suffix from its own cell, or from behind a name in another's."""
    return suffix(cell, *(part for part in (last, first) if " " in part.strip() or "," in part))
