"""The owner choice is the optimum, and the proof accepts nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import product

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from consortium.campaign.owners import (
    OwnerClass,
    Problem,
    Solution,
    check_optimal,
    decode,
    encode,
    least_prices,
)
from consortium.campaign.solver import solve
from consortium.errors import EvidenceError
from consortium.types import PartnerSlug

NAMES = tuple(map(PartnerSlug, ("alfa", "bravo", "charlie", "delta")))


@st.composite
def problems(draw: st.DrawFn, *, owners: int = 3, persons: int = 5, cap: int = 8) -> Problem:
    names = NAMES[:owners]
    sets = draw(
        st.lists(
            st.sets(st.sampled_from(names), min_size=1).map(lambda s: tuple(sorted(s))),
            max_size=4,
            unique=True,
        )
    )
    classes = tuple(OwnerClass(s, draw(st.integers(1, persons))) for s in sorted(sets))
    return Problem(classes, {name: draw(st.integers(0, cap)) for name in names})


def splits(persons: int, parts: int) -> Iterator[tuple[int, ...]]:
    if parts == 0:
        yield ()
        return
    for first in range(persons + 1):
        for rest in splits(persons - first, parts - 1):
            yield (first, *rest)


def every_flow(problem: Problem) -> Iterator[tuple[tuple[int, ...], ...]]:
    for flows in product(*(splits(c.persons, len(c.owners)) for c in problem.classes)):
        loads = Solution(flows, {}).loads(problem)
        if all(loads[o] <= cap for o, cap in problem.caps.items()):
            yield flows


def worth(problem: Problem, flows: tuple[tuple[int, ...], ...]) -> tuple[int, int]:
    loads = Solution(flows, {}).loads(problem).values()
    return -sum(loads), sum(load * load for load in loads)


@settings(deadline=None)
@given(problems())
def test_solver_finds_what_trying_everything_finds(problem: Problem) -> None:
    best = min(worth(problem, flows) for flows in every_flow(problem))
    assert worth(problem, solve(problem).flows) == best


@settings(deadline=None)
@given(problems(persons=3, cap=4))
def test_proof_accepts_exactly_the_optimal_flows(problem: Problem) -> None:
    best = min(worth(problem, flows) for flows in every_flow(problem))
    for flows in every_flow(problem):
        solution = Solution(flows, least_prices(problem, flows))
        if worth(problem, flows) == best:
            check_optimal(problem, solution)
        else:
            with pytest.raises(EvidenceError):
                check_optimal(problem, solution)


@settings(deadline=None)
@given(problems(), st.data())
def test_no_prices_prove_flows_that_are_not_optimal(problem: Problem, data: st.DataObject) -> None:
    flows = data.draw(st.sampled_from(list(every_flow(problem))))
    assume(worth(problem, flows) != worth(problem, solve(problem).flows))
    prices = {o: data.draw(st.integers(-2, problem.reward + 2)) for o in problem.caps}
    with pytest.raises(EvidenceError):
        check_optimal(problem, Solution(flows, prices))


@settings(deadline=None, max_examples=25)
@given(problems(owners=4, persons=400_000, cap=1_000_000))
def test_a_million_persons_are_dealt_out_to_the_last_one(problem: Problem) -> None:
    check_optimal(problem, solve(problem))


@settings(deadline=None)
@given(problems())
def test_recorded_flows_read_back_as_they_were(problem: Problem) -> None:
    solution = solve(problem)
    text = encode(problem, solution)
    assert decode(text) == (problem, solution)
    assert encode(*decode(text)) == text


@settings(deadline=None)
@given(problems(), st.data())
def test_flows_with_one_person_more_or_less_are_refused(
    problem: Problem, data: st.DataObject
) -> None:
    assume(problem.classes)
    solution = solve(problem)
    at = data.draw(st.integers(0, len(problem.classes) - 1))
    flow = list(solution.flows[at])
    flow[data.draw(st.integers(0, len(flow) - 1))] += data.draw(st.sampled_from([-1, 1]))
    flows = (*solution.flows[:at], tuple(flow), *solution.flows[at + 1 :])
    with pytest.raises(EvidenceError):
        check_optimal(problem, replace(solution, flows=flows))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        '{"caps":{},"classes":[{"flow":[1.0],"owners":["alfa"],"persons":1}],"prices":{}}',
        '{"caps":{},"classes":[{"flow":["1"],"owners":["alfa"],"persons":1}],"prices":{}}',
        '{"caps":{},"classes":[{"flow":[true],"owners":["alfa"],"persons":1}],"prices":{}}',
        '{"classes":[],"caps":{},"prices":{}}',
        "[]",
    ],
)
def test_recorded_flows_of_another_form_are_refused(text: str) -> None:
    with pytest.raises(EvidenceError):
        decode(text)


@pytest.mark.parametrize(
    "problem",
    [
        Problem((OwnerClass((), 1),), {}),
        Problem((OwnerClass((NAMES[0],), 0),), {NAMES[0]: 1}),
        Problem((OwnerClass((NAMES[0],), 1),), {}),
        Problem((OwnerClass((NAMES[1], NAMES[0]), 1),), {NAMES[0]: 1, NAMES[1]: 1}),
        Problem((OwnerClass((NAMES[0],), 1), OwnerClass((NAMES[0],), 2)), {NAMES[0]: 1}),
        Problem((), {NAMES[0]: -1}),
    ],
    ids=["no-owner", "nobody", "no-cap", "unsorted", "twice", "negative-cap"],
)
def test_a_problem_with_a_second_spelling_is_refused(problem: Problem) -> None:
    with pytest.raises(EvidenceError):
        solve(problem)
