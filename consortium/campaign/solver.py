"""Finding the owner choice that `consortium.campaign.owners` can prove.

HiGHS (MIT licence) solves linear programmes; the squares of the loads are given to it as straight
pieces between breakpoints. After each answer the breakpoints are refined around the loads it
returned, until the answer passes the integer proof; usually two to four rounds. What leaves this
module has been proven, so a rounding error can cost a round, never a wrong plan.

Measured on one core: 12 owners, 305 classes, 724,469 persons: 0.12 s; 30 owners, 2,281 classes,
7.5 million persons: 1.7 s. The number of persons does not matter, the number of classes does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from consortium.campaign.owners import (
    Problem,
    Solution,
    check_optimal,
    check_problem,
    least_prices,
)
from consortium.errors import EvidenceError
from consortium.types import PartnerSlug

__all__ = ["solve"]

_MAX_ROUNDS = 200
_TOLERANCE = 1e-4  # of a person: far above what HiGHS leaves, far below one half


def solve(problem: Problem) -> Solution:
    """The optimum, proven.

    Raises:
        EvidenceError: The problem is malformed, or no proof was found (a defect, not a choice).
    """
    check_problem(problem)
    breakpoints = {owner: _first_breakpoints(problem, owner) for owner in sorted(problem.caps)}
    for _ in range(_MAX_ROUNDS):
        flows = _linear_optimum(problem, breakpoints)
        solution = Solution(flows=flows, prices=least_prices(problem, flows))
        try:
            check_optimal(problem, solution)
        except EvidenceError:
            loads = solution.loads(problem)
            for owner, points in breakpoints.items():
                points.update(_around(loads[owner], max(points)))
        else:
            return solution
    raise EvidenceError(
        "the plan's owner choice could not be proven optimal",
        hint="Please report this with the plan's flows; they hold no personal data.",
    )


def _first_breakpoints(problem: Problem, owner: PartnerSlug) -> set[int]:
    most = min(problem.caps[owner], sum(c.persons for c in problem.classes if owner in c.owners))
    return {0, most} | {most * i // 16 for i in range(17)} | _around(0, most)


def _around(load: int, most: int) -> set[int]:
    steps = [1 << k for k in range(max(most, 1).bit_length())]
    near = {load, *(load - s for s in steps), *(load + s for s in steps)}
    return {n for n in near if 0 <= n <= most}


@dataclass(slots=True)
class _Columns:
    """A linear programme being written down, column by column."""

    cost: list[float] = field(default_factory=list)
    upper: list[float] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)
    rows: list[int] = field(default_factory=list)
    values: list[float] = field(default_factory=list)

    def add(self, price: int, most: int, *cells: tuple[int, float]) -> None:
        """One variable from 0 to `most` at `price`, with its coefficients by row."""
        self.starts.append(len(self.rows))
        self.cost.append(float(price))
        self.upper.append(float(most))
        self.rows.extend(row for row, _ in cells)
        self.values.extend(value for _, value in cells)


def _linear_optimum(
    problem: Problem, breakpoints: Mapping[PartnerSlug, set[int]]
) -> tuple[tuple[int, ...], ...]:
    """The flows of one linear programme.

    Columns are flows (cost 0), persons left over per class (cost M) and, per owner, one column for
    each piece (a, b] between breakpoints with cost (b² − a²) / (b − a) = a + b per message. Rows
    are one equation per class and one per owner. The matrix is a network's, so every vertex is
    integral; that is checked, not assumed.
    """
    if not problem.classes:
        return ()
    owners = sorted(breakpoints)
    row_of = {owner: len(problem.classes) + i for i, owner in enumerate(owners)}
    columns = _Columns()
    for row, group in enumerate(problem.classes):
        for owner in group.owners:
            columns.add(0, group.persons, (row, 1.0), (row_of[owner], 1.0))
    for row, group in enumerate(problem.classes):
        columns.add(problem.reward, group.persons, (row, 1.0))
    for owner in owners:
        for low, high in pairwise(sorted(breakpoints[owner])):
            columns.add(low + high, high - low, (row_of[owner], -1.0))
    sizes = [float(group.persons) for group in problem.classes]
    found = _run(columns, np.array(sizes + [0.0] * len(owners)))
    whole = np.rint(found)
    if float(np.abs(found - whole).max()) > _TOLERANCE:
        raise EvidenceError("the solver gave parts of persons")
    flows, at = [], 0
    for group in problem.classes:
        flows.append(tuple(int(x) for x in whole[at : at + len(group.owners)]))
        at += len(group.owners)
    return tuple(flows)


def _run(columns: _Columns, right: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Values of all columns at a vertex of least cost, every row being an equation."""
    import highspy  # noqa: PLC0415 - loading it takes time that only a plan should pay

    model = highspy.HighsLp()
    model.num_col_, model.num_row_ = len(columns.cost), len(right)
    model.col_cost_, model.col_upper_ = np.array(columns.cost), np.array(columns.upper)
    model.col_lower_ = np.zeros(len(columns.cost))
    model.row_lower_ = model.row_upper_ = right
    model.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    model.a_matrix_.start_ = np.array([*columns.starts, len(columns.rows)])
    model.a_matrix_.index_ = np.array(columns.rows)
    model.a_matrix_.value_ = np.array(columns.values)
    solver = highspy.Highs()  # type: ignore[no-untyped-call] # highspy ships no types
    for option, setting in (("output_flag", False), ("solver", "simplex"), ("threads", 1)):
        solver.setOptionValue(option, setting)
    solver.passModel(model)
    solver.run()
    if solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
        raise EvidenceError("the solver found no owner choice for the plan")
    return np.array(solver.getSolution().col_value)
