"""Mail domains in the form that DNS knows: lower-case ASCII, other scripts as `xn--` labels.

Internationalised labels follow IDNA2008 (RFC 5891 to 5893) by the `idna` library. The standard
library's codec follows IDNA2003, which sends `faß.de` to `fass.de`, a different domain with a
different owner; mail programs of today do not. Refused as well: names under the special-use domains
of RFC 6761, which no mail reaches; and a domain without a dot.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

import idna

__all__ = ["is_special_use", "to_ascii"]

_MAX_LABEL: Final = 63
_MAX_DOMAIN: Final = 253
_LDH = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?")
_TOP = re.compile(r"[a-z]{2,63}|xn--[a-z0-9-]+")
_SPECIAL_USE = frozenset({"arpa", "internal", "invalid", "local", "localhost", "onion", "test"})


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
    try:
        return idna.alabel(unicodedata.normalize("NFC", label)).decode("ascii")
    except (idna.IDNAError, UnicodeError):
        return None


def _is_a_label(label: str) -> bool:
    """Whether an `xn--` label decodes to a valid one that encodes to the same bytes."""
    try:
        return idna.alabel(idna.ulabel(label)).decode("ascii") == label
    except (idna.IDNAError, UnicodeError):
        return False
