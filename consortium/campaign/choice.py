"""One answer for every person: who speaks, or why nobody does.

In this order, each step a function of the one before:

1. A person with a message from an earlier plan keeps it; so does everyone at that address.
2. Of persons who share a contact point, one is written to: the first in the keyed-hash order to
   whom an owner would grant a message. Guards are not asked here, so that a cap that protects one
   person of a household does not send the message to another.
3. Per person and owner, the best candidate the policies allow: the one that may go first, then the
   owner's preferred point, then the upload's digest and the row's number.
4. Persons with the same possible owners are a class; how many of each go to each owner is solved
   exactly (`owners`, `solver`). Individuals follow by order: the first of a class go to its first
   owner by name, the next to its second, the last get nothing.
5. Who gets nothing hears the reason that was nearest to allowing (`reasons.NEAREST`).

So, unless an owner's cap is reached, a further guard never adds a recipient; where a cap is
reached, it can pass a place on to somebody who was allowed before and found no room.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import numpy as np
import numpy.typing as npt

from consortium.campaign.candidates import Candidates
from consortium.campaign.caps import Cap
from consortium.campaign.columns import Ints, micros, sets
from consortium.campaign.owners import OwnerClass, Problem, Solution
from consortium.campaign.reasons import Verdicts, nearest
from consortium.campaign.solver import solve
from consortium.policy.decision import Allow, Decision, Defer, Refuse
from consortium.types import PartnerSlug

__all__ = ["Choice", "Kept", "choose"]

_SHARED: Final = Refuse(rule="one_message", partner=None, reason="shared_address")


@dataclass(frozen=True, slots=True)
class Kept:
    """A person whose answer earlier messages of the campaign have settled.

    Attributes:
        person: Index of the person.
        verdict: `Allow` for the person whose message it is.
        owner, row, point: As in `Choice`, of that message; -1 for anybody else.
    """

    person: int
    verdict: Decision
    owner: int = -1
    row: int = -1
    point: int = -1


@dataclass(frozen=True, slots=True)
class Choice:
    """One element of each array per person, in the plan's order.

    Attributes:
        verdict: Index into `verdicts`; an `Allow` is an assigned person.
        owner: Index into `Candidates.owners`, -1 where not assigned.
        row, point: Row index and contact point id, -1 where not assigned.
        not_before: When a new message may go first, in microseconds since 1970; -1 where there is
            none, or one of an earlier plan.
        verdicts: Distinct decisions.
        problem, solution: The owner choice, proven.
    """

    verdict: Ints
    owner: Ints
    row: Ints
    point: Ints
    not_before: Ints
    verdicts: list[Decision]
    problem: Problem
    solution: Solution


def choose(
    found: Candidates,
    *,
    persons: int,
    names: Ints,
    kept: Sequence[Kept],
    caps: Mapping[PartnerSlug, Cap],
    start: datetime,
    end: datetime,
) -> Choice:
    """The answers.

    Args:
        found: Every candidate, judged.
        persons: How many.
        names: Shape (audience's rows,): place of each row by (upload digest, row number).
        kept: Persons whose answer is settled already.
        caps: Of every owner that has a policy.
        start: When the first message can go.
        end: The window's end: what could go only later is deferred.
    """
    settled = np.zeros(persons, dtype=bool)
    settled[[one.person for one in kept]] = True
    ready = _ready(found.verdicts, start=start, end=end)
    held = _held(found, settled)
    usable = held & (ready[found.verdict] >= 0)
    best = _best(found, usable, ready, names)
    codes, owner_sets = sets(found.person[best], found.owner[best], count=persons)
    problem = _problem(codes, owner_sets, found.owners, caps)
    solution = solve(problem)
    owner = _individuals(codes, owner_sets, found.owners, solution)

    verdicts = Verdicts(found.verdicts)
    heard = np.where(ready[found.verdict] >= 0, verdicts(_SHARED), found.verdict)
    verdict = nearest(found.person, heard, persons=persons, verdicts=verdicts)
    full = [verdicts(_full(group, found.owners, caps)) if group else -1 for group in owner_sets]
    left = (codes > 0) & (owner < 0)
    verdict[left] = np.array(full, dtype=np.int64)[codes[left]]

    mine = np.flatnonzero(owner >= 0)
    chosen = _of_pair(found, best, person=mine, owner=owner[mine])
    row, point, not_before = (np.full(persons, -1, dtype=np.int64) for _ in range(3))
    verdict[mine] = verdicts(Allow())
    row[mine], point[mine] = found.row[chosen], found.point[chosen]
    not_before[mine] = np.maximum(ready[found.verdict[chosen]], _days(owner[mine], found, caps))
    for one in kept:
        verdict[one.person] = verdicts(one.verdict)
        owner[one.person], row[one.person], point[one.person] = one.owner, one.row, one.point
    return Choice(
        verdict=verdict,
        owner=owner,
        row=row,
        point=point,
        not_before=not_before,
        verdicts=verdicts.all,
        problem=problem,
        solution=solution,
    )


def _ready(verdicts: Sequence[Decision], *, start: datetime, end: datetime) -> Ints:
    """Per decision: from when it lets the message go, in microseconds; -1: not in this window."""
    found = []
    for decision in verdicts:
        match decision:
            case Allow():
                found.append(micros(start))
            case Defer(until=until) if until <= end:
                found.append(micros(until))
            case _:
                found.append(-1)
    return np.array(found, dtype=np.int64)


def _held(found: Candidates, settled: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Which candidates are of a person that no housemate comes before.

    The first of a household in the plan's order that any owner grants a message to is written to,
    and nobody else who shares an address with that person, at this or any other address: what
    hand-over would count as a second message is none here either.
    """
    granted = found.granted & ~settled[found.person]
    pairs = np.unique(np.stack((found.point, found.person)), axis=1)
    _, where, count = np.unique(pairs[0], return_inverse=True, return_counts=True)
    sharing = np.unique(pairs[1][count[where] > 1])
    at_home = np.isin(pairs[1], sharing)
    may = set(np.unique(found.person[granted]).tolist()) & set(sharing.tolist())
    points: dict[int, list[int]] = {person: [] for person in sorted(may)}
    for point, person in zip(*pairs[:, at_home].tolist(), strict=True):
        if person in points:
            points[person].append(point)
    taken: set[int] = set()
    later = []
    for person, mine in points.items():
        if taken.isdisjoint(mine):
            taken.update(mine)
        else:
            later.append(person)
    held: npt.NDArray[np.bool_] = granted & ~np.isin(found.person, later)
    return held


def _best(found: Candidates, usable: npt.NDArray[np.bool_], ready: Ints, names: Ints) -> Ints:
    """The best usable candidate of each person and owner, sorted by person, then owner."""
    index: Ints = np.flatnonzero(usable)
    order = np.lexsort(
        (
            names[found.row[index]],
            found.position[index],
            ready[found.verdict[index]],
            found.owner[index],
            found.person[index],
        )
    )
    index = index[order]
    pair = found.person[index] * len(found.owners) + found.owner[index]
    first = np.concatenate((np.ones(min(1, len(pair)), dtype=bool), pair[1:] != pair[:-1]))
    best: Ints = index[first]
    return best


def _problem(
    codes: Ints,
    owner_sets: Sequence[tuple[int, ...]],
    owners: Sequence[PartnerSlug],
    caps: Mapping[PartnerSlug, Cap],
) -> Problem:
    sizes = np.bincount(codes, minlength=len(owner_sets)).tolist()
    classes = sorted(
        (
            OwnerClass(owners=tuple(owners[i] for i in group), persons=size)
            for group, size in zip(owner_sets, sizes, strict=True)
            if group and size
        ),
        key=lambda group: group.owners,
    )
    involved = sorted({owner for group in classes for owner in group.owners})
    return Problem(tuple(classes), {owner: caps[owner].messages for owner in involved})


def _individuals(
    codes: Ints,
    owner_sets: Sequence[tuple[int, ...]],
    owners: Sequence[PartnerSlug],
    solution: Solution,
) -> Ints:
    """Per person: index of its owner, -1 for none; flows are dealt out in the plan's order."""
    owner = np.full(len(codes), -1, dtype=np.int64)
    by_class = np.argsort(codes, kind="stable")
    starts = np.searchsorted(codes[by_class], np.arange(len(owner_sets) + 1))
    present = [c for c in range(1, len(owner_sets)) if starts[c] < starts[c + 1]]
    present.sort(key=lambda c: tuple(owners[i] for i in owner_sets[c]))
    for code, flow in zip(present, solution.flows, strict=True):
        at = int(starts[code])
        for one, persons in zip(owner_sets[code], flow, strict=True):
            owner[by_class[at : at + persons]] = one
            at += persons
    return owner


def _of_pair(found: Candidates, best: Ints, *, person: Ints, owner: Ints) -> Ints:
    width = len(found.owners)
    pairs = found.person[best] * width + found.owner[best]
    index: Ints = best[np.searchsorted(pairs, person * width + owner)]
    return index


def _full(
    group: tuple[int, ...], owners: Sequence[PartnerSlug], caps: Mapping[PartnerSlug, Cap]
) -> Decision:
    """What a person hears whose every possible owner is at its cap: a delay if any gives one."""
    answers = [caps[owners[i]].verdict for i in group]
    return next((a for a in answers if isinstance(a, Defer)), answers[0])


def _days(owner: Ints, found: Candidates, caps: Mapping[PartnerSlug, Cap]) -> Ints:
    """When each owner's daily volume lets its messages go, dealt out in the plan's order."""
    times = np.zeros(len(owner), dtype=np.int64)
    for i, slug in enumerate(found.owners):
        mine = np.flatnonzero(owner == i)
        if len(mine) and (per_day := caps[slug].per_day) is not None:
            days = np.array([micros(day) for day in caps[slug].days], dtype=np.int64)
            times[mine] = days[np.minimum(np.arange(len(mine)) // per_day, len(days) - 1)]
    return times
