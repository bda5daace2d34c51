"""What a coordinator is told of a plan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from consortium.campaign.answers import ReasonTotal
from consortium.campaign.owners import Problem, Solution
from consortium.campaign.solver import solve
from consortium.types import CampaignName, EntryIndex, PartnerSlug

__all__ = ["PlanResult", "ReasonTotal", "Relief", "reliefs"]


@dataclass(frozen=True, slots=True)
class Relief:
    """What one owner could make possible alone: if it allowed `needed`, `gain` more messages."""

    owner: PartnerSlug
    gain: int
    needed: int


@dataclass(frozen=True, slots=True)
class PlanResult:
    """A frozen plan, for the screen.

    Attributes:
        campaign: Whose.
        plan: Its number.
        digest: Root over the answers' leaves, 32 bytes.
        entry: Its ledger entry.
        audience: Persons in the audience, rounded; the exact number is not for a coordinator.
        assigned: Persons per owner who get a message, or had one by an earlier plan.
        new_messages: How many messages wait to be sent.
        refused, deferred: Persons who get none, by reason; the most frequent first.
        relief: What owners at their cap could add.
        waiting: Owners with messages that nobody has approved yet, sorted.
        declined: Owners that have declined, sorted.
        unmerged_rows: Rows no merge has seen: they belong to nobody and get nothing.
        starts_at: When the first message can go.
        ends_at: When the last one goes at the campaign's rate, if nothing holds it up.
        deadline: Nothing goes after it.
    """

    campaign: CampaignName
    plan: int
    digest: bytes
    entry: EntryIndex
    audience: int
    assigned: Mapping[PartnerSlug, int]
    new_messages: int
    refused: tuple[ReasonTotal, ...]
    deferred: tuple[ReasonTotal, ...]
    relief: tuple[Relief, ...]
    waiting: tuple[PartnerSlug, ...]
    declined: tuple[PartnerSlug, ...]
    unmerged_rows: int
    starts_at: datetime
    ends_at: datetime
    deadline: datetime


def reliefs(
    problem: Problem, solution: Solution, *, used: Mapping[PartnerSlug, int]
) -> tuple[Relief, ...]:
    """For each owner at its cap with people left over: what a higher one would bring, by name.

    Args:
        problem, solution: The owner choice; its caps are for what is still to be planned.
        used: Messages that earlier plans of the campaign sent in an owner's name.
    """
    total = sum(sum(flow) for flow in solution.flows)
    if total == problem.persons:
        return ()
    found = []
    loads = solution.loads(problem)
    for owner in sorted(problem.caps):
        if loads[owner] < problem.caps[owner]:
            continue
        reach = sum(group.persons for group in problem.classes if owner in group.owners)
        wider = replace(problem, caps={**problem.caps, owner: max(reach, loads[owner])})
        better = solve(wider)
        gain = sum(sum(flow) for flow in better.flows) - total
        if gain:  # each further message under the cap adds one, until the gain is used up
            needed = used.get(owner, 0) + problem.caps[owner] + gain
            found.append(Relief(owner=owner, gain=gain, needed=needed))
    return tuple(found)
