r"""The patterns of numbering plans as one automaton: what is known of a number by its first digits.

libphonenumber describes the numbers of a country by some ten regular expressions a region, 25
regions for +1. Tried one after the other they cost 30 to 150 µs a number. Here all patterns of a
calling code are read side by side, one digit at a time, and each set of places reached is kept, so
that a digit costs one look-up. `Automaton.uniform` goes further: it says which patterns *every*
number of a given length matches that begins with given digits, or that they differ. So four or
five digits decide about a number, provably and not by samples, and the answer can be remembered.

The patterns use a small language: digits, `\d`, `[…]`, `(?:…|…)`, `?`, `{n}`, `{n,m}`. Anything
else is refused, so that a newer release of the metadata is never half understood.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Final, Generic, TypeVar

from consortium.errors import UsageError

__all__ = ["VARIES", "Automaton", "Varies"]

_DIGITS: Final = "0123456789"
_ATOM = re.compile(r"\\d|\[([\d-]+)\]|\(\?:|\d")
_COUNT = re.compile(r"\{(\d+)(?:,(\d+))?\}|(\?)")

_Label = TypeVar("_Label")
_Answer = TypeVar("_Answer")


class Varies:
    """The type of `VARIES`."""

    __slots__ = ()


VARIES: Final = Varies()
"""Numbers that begin so differ in the answer."""


class Automaton(Generic[_Label]):
    """Some labelled patterns, each of which matches a whole number or, if open, how it begins.

    States are small integers; 0 is the start. Costs a few milliseconds to make for the largest plan
    and one look-up per digit after the first number that began so.
    """

    def __init__(self) -> None:
        self._edges: list[dict[str, list[int]]] = []
        self._free: list[list[int]] = []  # moves that read nothing
        self._labels: dict[int, _Label] = {}
        self._starts: list[int] = []
        self._states: list[frozenset[int]] = []
        self._numbers: dict[frozenset[int], int] = {}
        self._steps: list[dict[str, int]] = []
        self._uniform: dict[tuple[int, int, int], object] = {}

    def add(self, pattern: str, label: _Label, *, open_end: bool = False) -> None:
        """Add a pattern. All are added before the first number is read.

        Raises:
            UsageError: It uses more of regular expressions than is known here.
        """
        start, end = self._node(), self._node()
        rest = self._alternatives(pattern, 0, start, end)
        if rest != len(pattern):
            raise _unknown(pattern, rest)
        if open_end:
            self._move(end, _DIGITS, end)
        self._labels[end] = label
        self._starts.append(start)

    def read(self, digits: str, state: int = 0) -> int:
        """The state after some more digits, all of them ASCII."""
        steps = self._steps or self._start()
        for digit in digits:
            known = steps[state]
            state = known[digit] if digit in known else self._step(state, digit)
        return state

    def labels(self, state: int) -> frozenset[_Label]:
        """Patterns that match what was read so far."""
        if not self._steps:
            self._start()
        return frozenset(self._labels[n] for n in self._states[state] if n in self._labels)

    def is_dead(self, state: int) -> bool:
        """Whether nothing that begins with what was read matches any pattern."""
        return not self._states[state]

    def uniform(
        self,
        state: int,
        more: int,
        answer: Callable[[frozenset[_Label], int], _Answer],
        length: int,
    ) -> _Answer | Varies:
        """What `answer` says of every number that goes on for `more` digits, or `VARIES`.

        Args:
            state: What `read` gave for its first digits.
            more: Digits still to come.
            answer: Judges the labels of a whole number of `length` digits; the same at each call.
            length: Digits of the whole number.
        """
        if not more:
            return answer(self.labels(state), length)
        key = (state, more, length)
        if key not in self._uniform:
            found: _Answer | Varies | None = None
            for digit in _DIGITS:
                one = self.uniform(self.read(digit, state), more - 1, answer, length)
                if digit != "0" and one != found:
                    one = VARIES
                found = one
                if found is VARIES:
                    break
            self._uniform[key] = found
        return self._uniform[key]  # type: ignore[return-value]  # what the loop above put there

    def _alternatives(self, pattern: str, at: int, start: int, end: int) -> int:
        """Read `a|b|c` into moves from `start` to `end`; gives the place behind it."""
        while True:
            at, last = self._sequence(pattern, at, start)
            self._free[last].append(end)
            if pattern[at : at + 1] != "|":
                return at
            at += 1

    def _sequence(self, pattern: str, at: int, start: int) -> tuple[int, int]:
        here = self._node()
        self._free[start].append(here)
        while at < len(pattern) and pattern[at] not in "|)":
            found = _ATOM.match(pattern, at)
            if found is None:
                raise _unknown(pattern, at)
            group = found[0] == "(?:"
            least, most, after = _count(pattern, _closing(pattern, at) if group else found.end())
            for turn in range(most):
                there = self._node()
                if group:
                    self._alternatives(pattern, found.end(), here, there)
                else:
                    self._move(here, _class(found), there)
                if turn >= least:
                    self._free[here].append(there)
                here = there
            at = after
        return at, here

    def _node(self) -> int:
        self._edges.append({})
        self._free.append([])
        return len(self._edges) - 1

    def _move(self, start: int, digits: str, end: int) -> None:
        for digit in digits:
            self._edges[start].setdefault(digit, []).append(end)

    def _start(self) -> list[dict[str, int]]:
        self._number(self._starts)
        return self._steps

    def _step(self, state: int, digit: str) -> int:
        reached = [end for node in self._states[state] for end in self._edges[node].get(digit, ())]
        number = self._steps[state][digit] = self._number(reached)
        return number

    def _number(self, nodes: Sequence[int]) -> int:
        """The number of the state that holds some nodes and all that they reach freely."""
        closed = set(nodes)
        open_nodes = list(closed)
        while open_nodes:
            for node in self._free[open_nodes.pop()]:
                if node not in closed:
                    closed.add(node)
                    open_nodes.append(node)
        state = frozenset(n for n in closed if self._edges[n] or n in self._labels)
        if state not in self._numbers:
            self._numbers[state] = len(self._states)
            self._states.append(state)
            self._steps.append({})
        return self._numbers[state]


def _class(found: re.Match[str]) -> str:
    """The digits of an atom."""
    if found[0] == "\\d":
        return _DIGITS
    if found[1] is None:
        return found[0]
    members = re.sub(r"(\d)-(\d)", lambda m: _DIGITS[int(m[1]) : int(m[2]) + 1], found[1])
    return "".join(sorted(set(members)))


def _closing(pattern: str, at: int) -> int:
    """The place behind the bracket that closes the one at a place."""
    depth = 0
    for here in range(at, len(pattern)):
        depth += (pattern[here] == "(") - (pattern[here] == ")")
        if not depth:
            return here + 1
    raise _unknown(pattern, at)


def _count(pattern: str, at: int) -> tuple[int, int, int]:
    """How often what stands before may and must come, and the place behind that."""
    found = _COUNT.match(pattern, at)
    if found is None:
        return 1, 1, at
    if found[3]:
        return 0, 1, found.end()
    least = int(found[1])
    return least, int(found[2] or least), found.end()


def _unknown(pattern: str, at: int) -> UsageError:
    return UsageError(
        f"a numbering plan's pattern is not understood at character {at + 1}: {pattern[:80]}",
        hint="The installed phonenumbers is newer than this release was tested with.",
    )
