"""Owner choice: who speaks to whom, as an integer transport problem (DESIGN, D6).

Persons with the same set of possible owners form a class; an owner has a cap. The solution says
how many of each class go to each owner, such that

1. as many persons as possible get a message, and
2. among those, the work is spread as evenly as the classes and caps allow: the sum of the squared
   loads is least. On integers that is also the spread whose largest load is least, then whose
   second largest is least, and so on (Frank and Murota, "Decreasing minimization on M-convex
   sets", Mathematical Programming 2022).

`consortium.campaign.solver` finds the answer; this module states the question and proves or
refutes an answer, in integers. The proof is by duality. With reward M = 2 · persons + 2 for a
message (more than any evenness can be worth), flows x and loads L are optimal exactly if integer
owner prices p exist with

    2 L − 1 ≤ p   where the owner speaks to anyone      (the last message is worth its price)
    p ≤ 2 L + 1   where the owner's cap is not reached  (one more would not be)
    x > 0 means:  the owner is a cheapest one of its class, and p ≤ M
    a person left over means: no owner of the class has p < M

`check_optimal` tests these lines and nothing else, so an auditor needs neither HiGHS nor trust in
it. Prices are the least ones that satisfy them: given the flows they are the same everywhere.
Equal optima differ between solvers, which is why flows are recorded.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from consortium.errors import EvidenceError
from consortium.ledger import canonical
from consortium.ledger.canonical import JSON
from consortium.types import PartnerSlug

__all__ = [
    "OwnerClass",
    "Problem",
    "Solution",
    "check_optimal",
    "check_problem",
    "decode",
    "encode",
    "least_prices",
]


@dataclass(frozen=True, slots=True)
class OwnerClass:
    """Persons whose message may go in the name of any of the same owners.

    Attributes:
        owners: Sorted, at least one, none twice.
        persons: How many; at least 1.
    """

    owners: tuple[PartnerSlug, ...]
    persons: int


@dataclass(frozen=True, slots=True)
class Problem:
    """The whole question.

    Attributes:
        classes: Sorted by owners; no set of owners twice.
        caps: The most messages each owner may send; every owner of a class is in it.
    """

    classes: tuple[OwnerClass, ...]
    caps: Mapping[PartnerSlug, int]

    @property
    def persons(self) -> int:
        """All persons of all classes."""
        return sum(c.persons for c in self.classes)

    @property
    def reward(self) -> int:
        """M: what one more message is worth in units of evenness."""
        return 2 * self.persons + 2


@dataclass(frozen=True, slots=True)
class Solution:
    """An answer and its proof.

    Attributes:
        flows: For each class in order, for each of its owners in order: how many persons.
        prices: One integer per owner of `Problem.caps`.
    """

    flows: tuple[tuple[int, ...], ...]
    prices: Mapping[PartnerSlug, int]

    def loads(self, problem: Problem) -> dict[PartnerSlug, int]:
        """Messages per owner of `Problem.caps`."""
        loads = dict.fromkeys(problem.caps, 0)
        for group, flow in zip(problem.classes, self.flows, strict=True):
            for owner, persons in zip(group.owners, flow, strict=True):
                loads[owner] += persons
        return loads


def check_optimal(problem: Problem, solution: Solution) -> None:
    """Prove by duality that a solution is the optimum; uses integers only and no solver.

    Raises:
        EvidenceError: It is malformed, breaks a cap or a class size, or is not proven optimal.
    """
    check_problem(problem)
    loads = _checked_loads(problem, solution)
    for owner, cap in problem.caps.items():
        price, load = solution.prices[owner], loads[owner]
        if (load > 0 and price < 2 * load - 1) or (load < cap and price > 2 * load + 1):
            raise EvidenceError(f"the price of {owner} does not fit its {load} messages")
    for group, flow in zip(problem.classes, solution.flows, strict=True):
        cheapest = min(problem.reward, *(solution.prices[o] for o in group.owners))
        if any(x > 0 and solution.prices[o] != cheapest for o, x in _pairs(group, flow)):
            raise EvidenceError(f"the plan does not spread evenly over {', '.join(group.owners)}")
        if sum(flow) < group.persons and cheapest < problem.reward:
            raise EvidenceError(f"the plan leaves out people whom {group.owners[0]} could write to")


def least_prices(problem: Problem, flows: tuple[tuple[int, ...], ...]) -> dict[PartnerSlug, int]:
    """The least prices that meet the proof's lower bounds; they fit exactly if flows are optimal.

    Args:
        flows: As in `Solution.flows`, shaped like the problem's classes.
    """
    loads = Solution(flows=flows, prices={}).loads(problem)
    prices = {owner: 2 * loads[owner] - 1 if loads[owner] else 0 for owner in sorted(problem.caps)}
    for group, flow in zip(problem.classes, flows, strict=True):
        if sum(flow) < group.persons:
            prices.update({owner: max(prices[owner], problem.reward) for owner in group.owners})
    changed = True
    while changed:  # at most as many rounds as owners: prices only take values already there
        changed = False
        for group, flow in zip(problem.classes, flows, strict=True):
            floor = max((prices[o] for o, x in _pairs(group, flow) if x > 0), default=0)
            for owner in group.owners:
                if prices[owner] < floor:
                    prices[owner] = floor
                    changed = True
    return prices


def _pairs(group: OwnerClass, flow: tuple[int, ...]) -> Iterable[tuple[PartnerSlug, int]]:
    return zip(group.owners, flow, strict=True)


def check_problem(problem: Problem) -> None:
    """Refuse a problem that is not in its one canonical form.

    Raises:
        EvidenceError: Classes out of order, twice or empty, an owner without a cap, a cap below 0.
    """
    names = [group.owners for group in problem.classes]
    if names != sorted(set(names)) or any(
        not group.owners
        or group.persons < 1
        or list(group.owners) != sorted(set(group.owners))
        or not problem.caps.keys() >= set(group.owners)
        for group in problem.classes
    ):
        raise EvidenceError("the plan's classes are not in their canonical form")
    if any(cap < 0 for cap in problem.caps.values()):
        raise EvidenceError("the plan has a cap below zero")


def _checked_loads(problem: Problem, solution: Solution) -> dict[PartnerSlug, int]:
    if solution.prices.keys() != problem.caps.keys() or len(solution.flows) != len(problem.classes):
        raise EvidenceError("the plan's flows or prices do not fit its classes")
    for group, flow in zip(problem.classes, solution.flows, strict=True):
        if len(flow) != len(group.owners) or min(flow) < 0 or sum(flow) > group.persons:
            raise EvidenceError("the plan's flows do not fit its classes")
    loads = solution.loads(problem)
    if over := next((o for o, cap in problem.caps.items() if loads[o] > cap), None):
        raise EvidenceError(f"the plan gives {over} more messages than its cap")
    return loads


def encode(problem: Problem, solution: Solution) -> str:
    """Question and answer as canonical JSON: what a plan records and an auditor checks."""
    record: JSON = {
        "caps": {str(owner): cap for owner, cap in problem.caps.items()},
        "classes": [
            {"owners": [str(o) for o in group.owners], "persons": group.persons, "flow": list(flow)}
            for group, flow in zip(problem.classes, solution.flows, strict=True)
        ],
        "prices": {str(owner): price for owner, price in solution.prices.items()},
    }
    return canonical.encode(record).decode()


def decode(text: str) -> tuple[Problem, Solution]:
    """The inverse of `encode`; what it gives is still to be checked by `check_optimal`.

    Raises:
        EvidenceError: Not what `encode` makes.
    """
    record = canonical.decode(text.encode())
    try:
        classes = tuple(
            OwnerClass(tuple(map(PartnerSlug, c["owners"])), _whole(c["persons"]))
            for c in record["classes"]
        )
        flows = tuple(tuple(map(_whole, c["flow"])) for c in record["classes"])
        caps = {PartnerSlug(owner): _whole(cap) for owner, cap in record["caps"].items()}
        prices = {PartnerSlug(owner): _whole(p) for owner, p in record["prices"].items()}
    except (KeyError, TypeError, AttributeError) as error:
        raise EvidenceError("the plan's flows are not of a form this program knows") from error
    return Problem(classes, caps), Solution(flows, prices)


def _whole(value: object) -> int:
    if type(value) is not int:
        raise TypeError
    return value
