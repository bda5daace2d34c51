"""E-mail addresses (first form)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from consortium.tokens.profile import PROFILE, Profile, Rejected

__all__ = ["Email", "normalise", "normalise_all", "normalise_column"]


@dataclass(frozen=True, slots=True, repr=False)
class Email:
    """One address: `deliverable` to write to, `canonical` to make the token of."""

    deliverable: str
    canonical: str
    role: bool = False

    def __repr__(self) -> str:
        return "Email(‹personal›)"


_PLAIN = re.compile(r"[\w.+-]{1,64}@[A-Za-z0-9.-]+\.[A-Za-z]{2,63}", re.ASCII)


def normalise(raw: str, profile: Profile = PROFILE) -> Email | Rejected:
    """One address out of a cell."""
    text = raw.strip().strip("<>")
    if not text:
        return Rejected("empty")
    if not _PLAIN.fullmatch(text):
        return Rejected("bad_syntax")
    local, domain = text.split("@")
    domain = domain.lower()
    canonical = local.lower().split("+")[0] or local.lower()
    if domain in profile.dot_insensitive_domains or domain in {"gmail.com", "googlemail.com"}:
        canonical = canonical.replace(".", "")
    role = canonical in {"info", "office", "admin"}
    return Email(f"{local}@{domain}", f"{canonical}@{domain}", role)


def normalise_all(raw: str, profile: Profile = PROFILE) -> list[Email | Rejected]:
    """Every address in a cell."""
    return [normalise(raw, profile)]


def normalise_column(values: Sequence[str], profile: Profile = PROFILE) -> list[Email | Rejected]:
    """One result per cell."""
    return [normalise(value, profile) for value in values]
