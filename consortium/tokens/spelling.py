"""Words that sound alike and words one slip of the finger apart.

`phonetic` follows Soundex (US patent 1,261,167, long expired; the National Archives' rules) with
the two changes that surnames on lists ask for: the first sound is coded by how it is spoken, not by
its letter (Knight and Night, Jimenez and Gimenez, Phillips and Fillips), and six places are kept
instead of four, because Soundex puts one surname in three with an unrelated one.
"""

from __future__ import annotations

import re
from typing import Final

__all__ = ["one_slip", "phonetic"]

_PLACES: Final = 6
_LONGEST: Final = 40
_FIRST_SOUND = tuple(
    (re.compile(spelling), sound)
    for spelling, sound in (
        ("kn|gn|pn", "n"),
        ("wr|rh", "r"),
        ("ps|sc(?=[eiy])|c(?=[eiy])|z|ts|cz", "s"),
        ("ph|pf", "f"),
        ("wh", "w"),
        ("x", "s"),
        ("g(?=[eiy])", "j"),
        ("c|q", "k"),
    )
)
_SOUNDS = {
    letter: str(code)
    for code, letters in enumerate(("bfpv", "cgjkqsxz", "dt", "l", "mn", "r"), start=1)
    for letter in letters
}


def phonetic(word: str) -> str:
    """How a word sounds: its first sound and up to five digits for the consonants after it.

    Args:
        word: Folded to lower-case letters. A word of another script is its own code.
    """
    if not word.isascii() or not word:
        return word
    first, rest = word[0], word[1:]
    for spelling, sound in _FIRST_SOUND:
        if found := spelling.match(word):
            first, rest = sound, word[found.end() :]
            break
    code, last = first, _SOUNDS.get(first, "")
    for letter in rest:
        sound = _SOUNDS.get(letter, "")
        if sound and sound != last:
            code += sound
            if len(code) == _PLACES:
                break
        if letter not in "hw":
            last = sound
    return code


def one_slip(a: str, b: str) -> bool:
    """Whether a letter added, left out, changed or swapped with its neighbour makes `b` of `a`."""
    if abs(len(a) - len(b)) > 1 or max(len(a), len(b)) > _LONGEST:
        return False
    start = 0
    for mine, other in zip(a, b, strict=False):
        if mine != other:
            break
        start += 1
    a, b = a[start:], b[start:]
    if len(a) == len(b):
        return a[1:] == b[1:] or (a[:2] == b[1::-1] and a[2:] == b[2:])
    longer, shorter = (a, b) if len(a) > len(b) else (b, a)
    return longer[1:] == shorter
