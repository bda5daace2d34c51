"""What a rule is: something that judges a message and says Allow, Refuse or Defer.

A *wish* is a recipient's own: it judges message and person, comes before everything else, and is
built for the partner in whose name the message would go. A *grant* judges message and source row
and is asked of that partner alone. A *guard* judges message and person and is asked of every
partner with live consent for the person.

A rule is a pure function of its arguments. A Defer names the first instant at which this rule
allows the message, later than `ask.at`; before that instant it never allows it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Protocol

from consortium.policy.decision import Decision
from consortium.policy.facts import Ask, PersonFacts, RowFacts
from consortium.policy.terms import Terms
from consortium.types import PartnerSlug

__all__ = [
    "HORIZON",
    "NEVER",
    "TOO_LATE",
    "Grant",
    "GrantKind",
    "Guard",
    "GuardKind",
    "RuleKind",
    "WishKind",
]

HORIZON: Final = timedelta(days=45)
"""How far ahead an allowed instant is looked for; longer than any cap in the charter's ranges."""
TOO_LATE: Final = "too_late"
"""Reason of a rule whose first allowed instant lies beyond the deadline or the horizon."""
NEVER: Final = "no_common_hour"
"""Reason of a rule that found no allowed instant within the horizon."""


class Grant(Protocol):
    """Judges the owner's side of a message."""

    @property
    def kind(self) -> str:
        """Name of its rule kind."""
        ...

    def judge(self, ask: Ask, row: RowFacts) -> Decision:
        """Whether the owner of `row` lets it be used for `ask`."""
        ...


class Guard(Protocol):
    """Judges the person's side of a message."""

    @property
    def kind(self) -> str:
        """Name of its rule kind."""
        ...

    def judge(self, ask: Ask, person: PersonFacts) -> Decision:
        """Whether `ask` may reach `person` now."""
        ...


@dataclass(frozen=True, slots=True)
class GrantKind:
    """A kind of grant.

    Attributes:
        name: As in documents' terms, decisions and the ledger.
        summary: One sentence.
        example: How it is written, TOML.
        reasons: Every reason code its rules give.
        build: The rules that a document's terms ask for; none if they do not say anything.
    """

    name: str
    summary: str
    example: str
    reasons: tuple[str, ...]
    build: Callable[[Terms], tuple[Grant, ...]]


@dataclass(frozen=True, slots=True)
class GuardKind:
    """A kind of guard; attributes as for `GrantKind`."""

    name: str
    summary: str
    example: str
    reasons: tuple[str, ...]
    build: Callable[[Terms], tuple[Guard, ...]]


@dataclass(frozen=True, slots=True)
class WishKind:
    """A kind of recipient's wish: needs no document, and no document can lift it."""

    name: str
    summary: str
    example: str
    reasons: tuple[str, ...]
    build: Callable[[PartnerSlug], Guard]


RuleKind = GrantKind | GuardKind | WishKind
