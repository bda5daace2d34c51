"""Header fields from any text: encoded, folded, and never two fields out of one.

Printable ASCII goes as it is, everything else as encoded words (RFC 2047, UTF-8, base64), each
holding whole characters and each line at most 76 long. Line breaks, control characters and lone
surrogates become blanks before anything else happens, runs of blanks become one: what comes out of
here cannot start a line of its own, whatever came in.
"""

from __future__ import annotations

import base64
import re
import unicodedata

__all__ = ["cleaned", "mailbox", "unstructured"]

_LINE = 76  # RFC 2047, 2: lines that hold an encoded word; a good length for the others
_OVERHEAD = len("=?utf-8?b??=")
_PLAIN = re.compile(r"[ -~]*")
_INVISIBLE = frozenset({"Cc", "Cs", "Zl", "Zp"})
_WORD = re.compile(r"\S+")


def cleaned(text: str) -> str:
    """The text on one line: no control characters, no runs of blanks, none at the ends."""
    if not text.isprintable():  # fast for nearly every text
        text = "".join(" " if unicodedata.category(c) in _INVISIBLE else c for c in text)
    return " ".join(text.split())


def unstructured(name: str, text: str) -> str:
    """One field with free text (RFC 5322, 2.2.1), folded, without the last line end.

    Args:
        name: The field's name, ours, ASCII.
        text: Anything.
    """
    text = cleaned(text)
    if not _is_plain(text):
        return _encoded(f"{name}:", text)
    if len(name) + 2 + len(text) <= _LINE:
        return f"{name}: {text}"
    if max(map(len, _WORD.findall(text))) >= _LINE - len(name) - 2:
        return _encoded(f"{name}:", text)
    lines = [f"{name}:"]
    for word in text.split(" "):
        if len(lines[-1]) + 1 + len(word) <= _LINE:
            lines[-1] += " " + word
        else:
            lines.append(" " + word)
    return "\r\n".join(lines)


def mailbox(name: str, display: str, address: str) -> str:
    """One field with one mailbox: `To: "Dana Lopez" <dana@example.org>`, folded.

    Args:
        name: The field's name, ours, ASCII.
        display: The person's or organisation's name; may be empty.
        address: The address: a valid one, ASCII.
    """
    display = cleaned(display)
    if not display:
        return f"{name}: <{address}>"
    if _is_plain(display) and len(display) < _LINE - len(name) - 4:
        escaped = display.replace("\\", "\\\\").replace('"', '\\"')
        head = f'{name}: "{escaped}"'
    else:
        head = _encoded(f"{name}:", display)
    last = head.rpartition("\n")[2]
    fold = "\r\n" if len(last) + len(address) + 3 > _LINE else ""
    return f"{head}{fold} <{address}>"


def _is_plain(text: str) -> bool:
    return _PLAIN.fullmatch(text) is not None and "=?" not in text


def _encoded(head: str, text: str) -> str:
    """The text in encoded words, one to a line, the first one after `head`."""
    lines = []
    room = _room(len(head))
    part = b""
    for character in text:
        piece = character.encode()
        if len(part) + len(piece) > room:
            lines.append(part)
            room, part = _room(0), b""
        part += piece
    lines.append(part)
    words = (f"=?utf-8?b?{base64.b64encode(line).decode()}?=" for line in lines)
    return f"{head} " + "\r\n ".join(words)


def _room(head: int) -> int:
    """How many bytes fit into one encoded word on a line that has `head` characters already."""
    return max(4, (_LINE - head - 1 - _OVERHEAD) // 4 * 3)
