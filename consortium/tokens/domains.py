"""Mail domains in the form that DNS knows: lower-case ASCII, other scripts as `xn--` labels.

Internationalised labels follow IDNA2008 (RFC 5891 to 5893), computed from the Unicode data of the
running Python. The standard library's codec follows IDNA2003, which sends `faß.de` to `fass.de`, a
different domain with a different owner; mail programs of today do not. Three things are narrower
here: the characters that RFC 5892 allows only beside certain neighbours (joiners, the Catalan
middle dot, the Katakana middle dot) are refused; so are names under the special-use domains of RFC
6761, which no mail reaches; and a domain without a dot.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

__all__ = ["is_special_use", "to_ascii"]

_MAX_LABEL: Final = 63
_MAX_DOMAIN: Final = 253
_LDH = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?")
_TOP = re.compile(r"[a-z]{2,63}|xn--[a-z0-9-]+")
_SPECIAL_USE = frozenset({"arpa", "internal", "invalid", "local", "localhost", "onion", "test"})
_LETTER_DIGITS = frozenset({"Ll", "Lo", "Lm", "Mn", "Mc", "Nd"})
# RFC 5892 section 2.6: exceptions to what the character properties say.
_ALLOWED = frozenset("\u00df\u03c2\u06fd\u06fe\u0f0b\u3007")
_DISALLOWED = frozenset("\u0640\u07fa\u302e\u302f\u3031\u3032\u3033\u3034\u3035\u303b")
_ARABIC_INDIC = frozenset(map(chr, range(0x660, 0x66A)))
_EXTENDED_ARABIC_INDIC = frozenset(map(chr, range(0x6F0, 0x6FA)))
_RIGHT_TO_LEFT = frozenset({"R", "AL", "AN"})
_IN_RIGHT_TO_LEFT = _RIGHT_TO_LEFT | {"EN", "ES", "CS", "ET", "ON", "BN", "NSM"}


def to_ascii(domain: str) -> str | None:
    """The domain as DNS holds it, or None if no mail can be sent to it.

    Args:
        domain: NFKC text, any case, at most a few hundred characters.

    Returns:
        Lower-case ASCII labels joined by dots, at least two, at most 253 characters; the last one
        is letters or an `xn--` label (RFC 3696 section 2). Idempotent.
    """
    labels = [_label(label) for label in domain.lower().replace("\u3002", ".").split(".")]
    if len(labels) < 2 or None in labels or not _TOP.fullmatch(labels[-1] or ""):  # noqa: PLR2004 - a domain has a dot
        return None
    name = ".".join(filter(None, labels))
    return name if len(name) <= _MAX_DOMAIN else None


def is_special_use(domain: str) -> bool:
    """Whether an ASCII domain lies under a name that never leaves a machine or a test."""
    return domain.rpartition(".")[2] in _SPECIAL_USE


def _label(label: str) -> str | None:
    if not label or len(label) > _MAX_LABEL:
        return None
    if label.isascii():
        if not _LDH.fullmatch(label):
            return None
        if label[2:4] != "--":
            return label
        return label if label.startswith("xn--") and _is_a_label(label) else None
    unicode = unicodedata.normalize("NFC", label)
    if not _is_u_label(unicode):
        return None
    ascii_label = _encode(unicode)
    return ascii_label if len(ascii_label) <= _MAX_LABEL else None


def _encode(unicode: str) -> str:
    return "xn--" + unicode.encode("punycode").decode("ascii")


def _is_a_label(label: str) -> bool:
    """Whether an `xn--` label decodes to a valid one that encodes to the same bytes."""
    try:
        unicode = label[4:].encode("ascii").decode("punycode")
    except UnicodeError:
        return False
    return not unicode.isascii() and _is_u_label(unicode) and _encode(unicode) == label


def _is_u_label(label: str) -> bool:
    """RFC 5891 section 4.2.3: the form, every character, and the direction of a label."""
    return (
        unicodedata.normalize("NFC", label) == label
        and label[0] != "-"
        and label[-1] != "-"
        and label[2:4] != "--"
        and not unicodedata.category(label[0]).startswith("M")
        and all(map(_is_allowed, label))
        and not (_ARABIC_INDIC.intersection(label) and _EXTENDED_ARABIC_INDIC.intersection(label))
        and _keeps_direction(label)
    )


def _is_allowed(char: str) -> bool:
    """RFC 5892: letters, marks and digits that compatibility and case folding leave alone."""
    if char in _ALLOWED or char == "-":
        return True
    if char in _DISALLOWED or unicodedata.category(char) not in _LETTER_DIGITS:
        return False
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", char).casefold())
    return folded == char


def _keeps_direction(label: str) -> bool:
    """RFC 5893 section 2, for labels with right-to-left characters; others pass."""
    classes = [unicodedata.bidirectional(char) for char in label]
    if not _RIGHT_TO_LEFT.intersection(classes):
        return True
    while classes[-1] == "NSM":
        classes.pop()
    return (
        classes[0] in {"R", "AL"}
        and classes[-1] in {"R", "AL", "EN", "AN"}
        and _IN_RIGHT_TO_LEFT.issuperset(classes)
        and not {"EN", "AN"}.issubset(classes)
    )
