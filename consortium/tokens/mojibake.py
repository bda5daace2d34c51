"""Names that a program read in the wrong encoding: `JosÃ©` is José.

UTF-8 read as Windows-1252 or Latin-1 makes two or three odd characters of each letter beyond ASCII.
The way back is certain where they are the bytes of one letter in UTF-8: such a row of characters
stands in no name as it is spelt. So names, and names alone, are repaired, as often as they were
misread. What was lost (a question mark, the replacement character) is not guessed.
"""

from __future__ import annotations

import re
from typing import Final

__all__ = ["repaired"]

_TIMES: Final = 4
# The 27 characters that Windows-1252 has where Latin-1 has controls.
_WINDOWS = {
    bytes([b]).decode("cp1252"): b for b in range(0x80, 0xA0) if b not in b"\x81\x8d\x8f\x90\x9d"
}
_AFTER = f"[\x80-\xbf{''.join(_WINDOWS)}]"
_ONE = f"[\xc2-\xdf]{_AFTER}|[\xe0-\xef]{_AFTER}{{2}}"
_MISREAD = re.compile(_ONE)
_RUN = re.compile(f"(?:{_ONE})+")
_QUOTES = frozenset("\u2018\u2019\u201c\u201d\u2010\u2011\u2013\u2014\u00a0\u00b4\u02bc\u02bb")
_LATIN_END: Final = 0x250
_SOUNDS_END: Final = 0x370
_CYRILLIC_END: Final = 0x530
_OTHER_SCRIPTS: Final = 0x900


def repaired(name: str, *, times: int = _TIMES) -> str:
    """The name with each misread letter as it was before.

    Args:
        name: At most some hundred characters; ASCII comes back as it is.
        times: How often it may have been misread.
    """
    if name.isascii() or not times:
        return name

    def run(found: re.Match[str]) -> str:
        whole = repaired(_decoded(found[0]), times=times - 1)
        if _is_plausible(whole):
            return whole
        return _MISREAD.sub(lambda one: _letter(one[0]), found[0])

    return _RUN.sub(run, name)


def _letter(misread: str) -> str:
    """The letter whose bytes were misread, or the characters as they stand."""
    letter = _decoded(misread)
    return letter if _is_plausible(letter) else misread


def _decoded(misread: str) -> str:
    """What the bytes are in UTF-8, or nothing."""
    try:
        return bytes(_WINDOWS.get(char, ord(char)) for char in misread).decode("utf-8")
    except (UnicodeDecodeError, ValueError):
        return ""


def _is_plausible(letters: str) -> bool:
    """Whether all of it are letters that names are spelt with, or quotes and hyphens."""
    return bool(letters) and all(
        char in _QUOTES or (char.isalpha() and not _is_odd(ord(char))) for char in letters
    )


def _is_odd(code: int) -> bool:
    """Whether a letter is of phonetics, or of a script that two odd characters hit by chance."""
    return _LATIN_END <= code < _SOUNDS_END or _CYRILLIC_END <= code < _OTHER_SCRIPTS
