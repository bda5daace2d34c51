"""Why a person gets no message: of several reasons the one that was nearest to allowing.

A person can be refused in as many ways as it has rows and addresses. The plan reports one: first a
delay, the earliest; else the refusal whose rule comes first in `NEAREST`. What the person itself
asked for comes first, then what protects it at this hour, then what partners did not allow, from
what an owner could change tomorrow to what its policy never meant.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

import numpy as np

from consortium.campaign.columns import Ints
from consortium.policy.decision import Allow, Decision, Defer, Refuse

__all__ = ["NEAREST", "Verdicts", "nearest"]

NEAREST: Final = (
    "suppression",
    "frequency",
    "quiet_hours",
    "deadline",
    "one_message",
    "contact_point",
    "volume",
    "approval",
    "consent",
    "dates",
    "place",
    "relationship",
    "content",
    "purpose",
    "channel",
    "policy",
)
"""Rule kinds, the one reported first of several that refuse a person; others come last."""

_NO_POINT: Final = Refuse(rule="contact_point", partner=None, reason="no_contact_point")
_LONG_AGO: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Verdicts:
    """Distinct decisions, numbered; more can be added."""

    def __init__(self, decisions: Iterable[Decision]) -> None:
        self._numbers = {decision: number for number, decision in enumerate(decisions)}

    def __call__(self, decision: Decision) -> int:
        """The decision's number."""
        return self._numbers.setdefault(decision, len(self._numbers))

    @property
    def all(self) -> list[Decision]:
        """All decisions, by number."""
        return list(self._numbers)


def nearest(person: Ints, verdict: Ints, *, persons: int, verdicts: Verdicts) -> Ints:
    """The reason each person hears.

    Args:
        person: Shape (candidates,): index of the person.
        verdict: Shape (candidates,): what stood against it, by number.
        persons: How many persons; one without any candidate has no contact point.
        verdicts: May gain one.

    Returns:
        Shape (persons,): numbers of verdicts.
    """
    none = verdicts(_NO_POINT)
    order = np.array(_sorted(verdicts.all), dtype=np.int64)
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    first = np.full(persons, len(order), dtype=np.int64)
    np.minimum.at(first, person, rank[verdict])
    return np.where(first < len(order), order[np.minimum(first, len(order) - 1)], none)


def _sorted(decisions: list[Decision]) -> list[int]:
    return sorted(range(len(decisions)), key=lambda i: _key(decisions[i]))


def _key(decision: Decision) -> tuple[int, datetime, int, str, str, str]:
    match decision:
        case Allow():
            return 2, _LONG_AGO, 0, "", "", ""
        case Defer(until=until):
            return 0, until, *_name(decision)
        case Refuse():
            return 1, _LONG_AGO, *_name(decision)


def _name(decision: Defer | Refuse) -> tuple[int, str, str, str]:
    known = decision.rule in NEAREST
    place = NEAREST.index(decision.rule) if known else len(NEAREST)
    return place, decision.rule, decision.partner or "", decision.reason
