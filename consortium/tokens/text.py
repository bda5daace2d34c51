"""What a cell holds once everything that cannot be seen is out of it.

Exports carry no-break spaces, byte-order marks, direction marks copied from phones, NULs from C
programs and half surrogate pairs from bad decoders. The functions here are the first step of every
rule. Each cuts or refuses long input before the one step whose cost is not linear (Unicode
normalisation), so that a cell of a million characters costs no more than reading it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Hashable, Sequence
from typing import Final, TypeVar

from consortium.tokens import tables

__all__ = [
    "MAX_CHARS",
    "ascii_digits",
    "bare",
    "is_digest",
    "is_filler",
    "is_hash",
    "line",
    "mapped",
    "seen",
    "unseen",
]

MAX_CHARS: Final = 1_000
"""No value, and no cell with several values, is longer."""

# Format characters (Unicode category Cf), fillers of Hangul and Khmer, variation selectors.
_REMOVED = re.compile(
    "[\u00ad\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u115f\u1160\u17b4\u17b5"
    "\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb"
    "\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0000-\U000e0fff]"
)
# Controls that are not white space, direction overrides and isolates, halves of surrogate pairs.
_UNSEEN = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)
_EDGE = (
    "".join(map(chr, (*range(0x21), *range(0x7F, 0xA1), *range(0x200B, 0x2010))))
    + "\u00ad\u061c\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2067\u2068\u2069\ufeff"
)

_FILLERS = tables.word_sets("fillers.toml")["cell"]
_LONGEST_FILLER = 24
_HASH = re.compile(
    r"(?:\$?(?:md5|sha-?\d{1,3})[:=$]|0x)?"
    r"(?:[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{56}|[0-9a-f]{64}|[0-9a-f]{96}|[0-9a-f]{128})"
    r"|[a-z0-9+/]{43}=|[a-z0-9_-]{43}=",
    re.IGNORECASE,
)
_BASE64 = re.compile(
    r"(?:[A-Za-z0-9+/_-]{21}[AQgw]|[A-Za-z0-9+/_-]{85}[AQgw])(?:==)?"
    r"|(?:[A-Za-z0-9+/_-]{26}|[A-Za-z0-9+/_-]{42})[AEIMQUYcgkosw048]=?"
)
_MIXED = re.compile(r"(?=.*[a-z])(?=.*[A-Z])(?=.*\d)")

_Key = TypeVar("_Key", bound=Hashable)
_Value = TypeVar("_Value")


def bare(raw: str) -> str:
    """The cell without white space and invisible characters at its ends. Linear."""
    return raw.strip().strip(_EDGE).strip()


def unseen(text: str) -> bool:
    """Whether a control, a direction override or half a surrogate pair stands inside."""
    return _UNSEEN.search(text) is not None


def seen(raw: str) -> str:
    """What can be seen of the first `MAX_CHARS` characters, every run of white space one space."""
    return " ".join(_REMOVED.sub("", _UNSEEN.sub("", raw[:MAX_CHARS])).split())


def line(text: str) -> str:
    """NFKC in one line: nothing invisible, every run of white space one space.

    Args:
        text: At most `MAX_CHARS` characters; a longer one is cut.
    """
    if text.isascii() and text.isprintable():
        return " ".join(text[:MAX_CHARS].split())
    return " ".join(unicodedata.normalize("NFKC", seen(text)).split())


def ascii_digits(line: str) -> str:
    """The text with every decimal digit of any script as the ASCII one of its value."""
    if line.isascii():
        return line
    return "".join(str(int(char)) if char.isdecimal() else char for char in line)


def is_filler(text: str) -> bool:
    """Whether the whole cell says that there is no value, like `n/a`, `none` or `unknown`."""
    return len(text) <= _LONGEST_FILLER and text.lower().replace(" ", "") in _FILLERS


def is_hash(text: str) -> bool:
    """Whether the whole cell looks like a digest in hexadecimal or base64."""
    return _HASH.fullmatch(text) is not None


def is_digest(text: str) -> bool:
    """Whether a cell that should be an address or number is a digest in any usual spelling.

    Beside those of `is_hash`: MD5, SHA-1, SHA-256 and SHA-512 in base64, with or without padding.
    What stands for its last bits tells it from words of that length; without padding, that small
    and capital letters and digits stand in it as well.
    """
    if is_hash(text):
        return True
    found = _BASE64.fullmatch(text)
    return found is not None and (text[-1] == "=" or _MIXED.match(text) is not None)


def mapped(function: Callable[[_Key], _Value], values: Sequence[_Key]) -> list[_Value]:
    """`function` over a column, called once per distinct value.

    Pays where values repeat (first names: a hundred to one); costs a quarter microsecond per value
    where they do not. Nothing is kept afterwards.
    """
    known = {value: function(value) for value in dict.fromkeys(values)}
    return [known[value] for value in values]
