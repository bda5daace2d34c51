"""The rows of one component in, persons out: the same answer whatever order the rows come in.

A component holds every row that could be the same human as another of its rows: the closure over
shared contact points and composites. Inside it, pairs of rows that share a key become *edges* by
the rules below; edges are taken by rule, then by the rows' content digests (never by a database
id), and each joins two clusters unless a row of one contradicts a row of the other. A false merge
is worse than a missed one, so what is not clear stays apart.

Hygiene comes first. A contact point on which two first names differ belongs to a *household* and
joins nobody without an agreeing name; on one with `CROWD_NAMES` unrelated names, or a role address
such as info@, joins nobody at all. A key that two people of one name share (their suffixes differ,
or they are a generation apart) joins only rows that agree on birth date or suffix.

| rule | two rows share | and |
|---|---|---|
| `SEVERAL` | two keys | first names agree |
| `CONTACT` | a contact point of one name | first names and surnames agree |
| `HOUSEHOLD` | a contact point of a household | first names and surnames agree |
| `NEW_SURNAME` | an e-mail address of one name | first names agree (marriage) |
| `SLIP` | a contact point of one name | first names a keystroke or a swap apart, surnames agree |
| `NAMELESS` | a contact point of one name | one has no first name, surnames do not differ |
| `NAME_BIRTH` | full name and birth date | the clusters do not differ in all they know else |
| `NAME_ADDRESS` | full name, house no., postcode | the clusters do not differ in e-mail and phone |

A phone number alone never outweighs two surnames: numbers are given to new people. Nobody gets a
third surname, a second one through a row without any, or more than six addresses or numbers of
their own (`clusters`). More than `MOST_ROWS` distinct rows hanging together are the work of junk
values, and only `SEVERAL` applies.

Two things from outside may be added. *Never-merge pairs* name source rows that somebody has said
are two people: no union brings them together. A *scorer* weighs pairs that share a key and that no
rule joins, or only by name; those it is for are joined last, heaviest first, under the same vetoes.

Costs 21 µs of CPU per row of a component of several rows (measured on a million rows; 4 µs where
all rows plainly agree); rows alone in theirs need no call. Quality: `docs/explanation/identity.md`.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from itertools import chain, combinations, groupby
from operator import attrgetter
from typing import Final, Protocol

from consortium.identity.clusters import MOST_POINTS, Cluster
from consortium.identity.evidence import First, compare_first, contradict
from consortium.identity.hygiene import Key, Kind, judge
from consortium.identity.rules import Rule, doubtful, rule_of
from consortium.model.match_block import MatchBlock

__all__ = [
    "MOST_ROWS",
    "MergeRow",
    "NeverPair",
    "Rule",
    "Scorer",
    "Source",
    "evaluate",
    "evaluate_distinct",
]

Source = tuple[bytes, int]
"""A source row as it is known for ever: its upload's digest and its number there."""

NeverPair = tuple[Source, Source]
"""Two source rows, in either order, that are two people whatever else is known."""


MOST_ROWS: Final = 500
"""Distinct rows that hang together, crowds' keys aside, above which only `SEVERAL` joins.

In a generated world of a million rows 0.4 % of the rows are in components so large, by role
addresses and clerks' own, and hardly any once those keys are left aside. Fewer are compared pair by
pair; of more only the pairs that share two keys, so that time grows with the rows and not faster.
"""


@dataclass(frozen=True, slots=True)
class MergeRow:
    """What judging a row needs. Keys are only ever compared for being equal.

    Attributes:
        content: 16 bytes: keyed digest of the normalised row.
        emails, phones: Contact points, by any number that is one per token.
        name_birth, name_address: Composites, 16 bytes each, or None.
        block: The opened match block.
    """

    content: bytes
    emails: tuple[int, ...]
    phones: tuple[int, ...]
    name_birth: bytes | None
    name_address: bytes | None
    block: MatchBlock

    def __repr__(self) -> str:
        return "MergeRow(‹personal›)"


class Scorer(Protocol):
    """Weighs whether two rows that share a key are one human, where no rule says so.

    Must be pure, symmetric and picklable: it is called in any order and in other processes.
    """

    def __call__(self, a: MergeRow, b: MergeRow) -> float | None:
        """The weight for one human, compared to three decimals; None: do not join them."""
        ...


def evaluate(
    rows: Sequence[MergeRow],
    *,
    roles: Collection[int] = (),
    sources: Sequence[Source] = (),
    never: Collection[NeverPair] = (),
    scored: Scorer | None = None,
) -> list[list[int]]:
    """Judge which rows of one component are one human.

    Args:
        rows: The component's rows, in any order.
        roles: Contact points known to belong to a role or to be junk.
        sources: What each row is known as, in the order of `rows`; needed if there is any `never`.
        never: Pairs that no person may hold both of; pairs of other components do no harm. Neither
            their order nor which row of a pair comes first matters. A row in a pair is judged by
            itself even if another row equals it in all else.
        scored: Adds edges below every rule; None: rules alone.

    Returns:
        A partition of `range(len(rows))`: clusters of positions in `rows`, each ascending, ordered
        by their first position.
    """
    if never:
        here = dict(zip(sources, range(len(rows)), strict=True))
        apart = [(here[a], here[b]) for a, b in never if a in here and b in here and a != b]
    else:
        apart = []
    named = {position for pair in apart for position in pair}
    same: dict[tuple[MergeRow, Source | None], list[int]] = defaultdict(list)
    for position, row in enumerate(rows):
        same[row, sources[position] if position in named else None].append(position)
    groups = list(same.values())
    if apart:
        distinct = sorted(same, key=lambda known: (*_canonical(known[0]), known[1] or (b"", 0)))
        groups = [same[known] for known in distinct]
        place = {p: i for i, group in enumerate(groups) for p in group}
        never_here = [(place[a], place[b]) for a, b in apart]
        component = _Component([row for row, _ in distinct], frozenset(roles), never_here, scored)
        found = component.clusters()
    else:
        found = evaluate_distinct([row for row, _ in same], roles=roles, scored=scored)
    return sorted(sorted(p for i in cluster for p in groups[i]) for cluster in found)


def evaluate_distinct(
    rows: Sequence[MergeRow], *, roles: Collection[int] = (), scored: Scorer | None = None
) -> list[list[int]]:
    """`evaluate` for rows no two of which are equal, its clusters in no certain order."""
    if len(rows) == 1 or _plainly_one(rows, roles):
        return [list(range(len(rows)))]
    order = sorted(range(len(rows)), key=lambda i: _canonical(rows[i]))
    found = _Component([rows[i] for i in order], frozenset(roles), (), scored).clusters()
    return [[order[i] for i in cluster] for cluster in found]


_said = attrgetter(*(column.name for column in fields(MatchBlock)))


def _canonical(row: MergeRow) -> tuple[object, ...]:
    """The order of rows: by content; the rest decides only between equal digests."""
    return row.content, *_said(row.block), row.name_birth or b"", row.name_address or b""


def _plainly_one(rows: Sequence[MergeRow], roles: Collection[int]) -> bool:
    """Whether every edge would hold, so that the component is one person without more ado."""
    blocks = [row.block for row in rows]
    first = blocks[0]
    if (
        len(rows) > MOST_ROWS
        or len(first.first) < len("Al")
        or not first.surname_code
        or any(b.surname_code != first.surname_code for b in blocks)
        or len({b.suffix for b in blocks} - {""}) > 1
        or len({b.birth_date for b in blocks} - {""}) > 1
    ):
        return False
    given = {b.first for b in blocks}
    if any(compare_first(a, b) is not First.AGREE for a, b in combinations(given, 2)):
        return False
    if any(
        len(set(chain.from_iterable(points))) > MOST_POINTS
        for points in ([row.emails for row in rows], [row.phones for row in rows])
    ):
        return False
    groups: list[set[int]] = []  # contact points joined so far, one set per connected part
    for row in rows:
        points = set(row.emails).union(row.phones).difference(roles)
        apart = [g for g in groups if g.isdisjoint(points)]
        groups = [*apart, points.union(*(g for g in groups if not g.isdisjoint(points)))]
    return len(groups) == 1


class _Component:
    """One component being judged; `rows` are distinct and in canonical order."""

    def __init__(
        self,
        rows: Sequence[MergeRow],
        roles: frozenset[int],
        never: Iterable[tuple[int, int]] = (),
        scored: Scorer | None = None,
    ) -> None:
        self.rows = rows
        self.scored = scored
        self.never: dict[int, set[int]] = defaultdict(set)
        for a, b in never:
            self.never[a].add(b)
            self.never[b].add(a)
        self.keys: list[tuple[Key, list[int]]] = []  # those that may join somebody, and their rows
        self.keys_of: list[list[tuple[Key, list[int]]]] = [[] for _ in rows]
        self.not_own = set(roles)  # contact points that several people use
        for (kind, value), members in _held(rows, roles).items():
            if len(members) > 1:
                key = judge(kind, [rows[i].block for i in members])
                if key.household and isinstance(value, int):
                    self.not_own.add(value)
                if not key.crowd:
                    self.keys.append((key, members))
                    for member in members:
                        self.keys_of[member].append((key, members))

    def clusters(self) -> list[list[int]]:
        """Take the edges in order; join unless a contradiction forbids it."""
        home = [_cluster(i, row, self.not_own) for i, row in enumerate(self.rows)]
        for position, others in self.never.items():
            home[position].never |= others
        if self.never:
            for _, equal in groupby(range(len(self.rows)), key=self.rows.__getitem__):
                for a, b in combinations(equal, 2):
                    self._join(home, Rule.EQUAL, a, b)
        for part in self._parts():
            many = len(part) > MOST_ROWS
            for rule, _, a, b in self._strong(part, home) if many else sorted(self._edges(part)):
                self._join(home, rule, a, b)
        return [c.rows for c in {id(c): c for c in home}.values()]

    def _join(self, home: list[Cluster], rule: Rule, a: int, b: int) -> None:
        """Make one cluster of those that two rows are in, unless something forbids it.

        Args:
            home: The cluster of each row.
            rule: By which the two rows may be one human.
            a, b: The rows.
        """
        one, two = home[a], home[b]
        if one is two:
            return
        if len(one.rows) < len(two.rows):
            one, two = two, one
        named = bool(self.rows[a].block.surname_code and self.rows[b].block.surname_code)
        if any(home[r] is one for r in two.never) or one.vetoes(two, rule=rule, named=named):
            return
        one.absorb(two)
        for row in two.rows:
            home[row] = one

    def _edges(self, part: Iterable[int]) -> Iterator[tuple[Rule, int, int, int]]:
        """Pairs that may be joined: the strongest rule, what orders within it, the two rows."""
        for a, b, keys in self._pairs(part):
            rule = rule_of(self.rows[a].block, self.rows[b].block, keys)
            if rule is not None:
                yield rule, 0, a, b
            if self.scored is None or not doubtful(rule, keys):
                continue
            if not contradict(self.rows[a].block, self.rows[b].block):
                weight = self.scored(self.rows[a], self.rows[b])
                if weight is not None:
                    yield Rule.SCORED, -round(weight * 1000), a, b

    def _strong(
        self, part: Iterable[int], home: Sequence[Cluster]
    ) -> Iterator[tuple[Rule, int, int, int]]:
        """Edges by `SEVERAL` alone, in order, of rows that are not of one cluster by then."""
        for a, b, keys in self._pairs(part):
            if len(keys) > 1 and home[a] is not home[b]:
                rule = rule_of(self.rows[a].block, self.rows[b].block, keys)
                if rule is Rule.SEVERAL:
                    yield rule, 0, a, b

    def _pairs(self, part: Iterable[int]) -> Iterator[tuple[int, int, list[Key]]]:
        """Pairs of rows that share keys, in order; those of one row at a time are in memory."""
        for a in sorted(part):
            shared: dict[int, list[Key]] = defaultdict(list)
            for key, members in self.keys_of[a]:
                for b in members[bisect_right(members, a) :]:
                    shared[b].append(key)
            for b in sorted(shared):
                yield a, b, shared[b]

    def _parts(self) -> Iterable[Collection[int]]:
        """Rows that hang together, crowds' keys left aside; all of a component that is small."""
        if len(self.rows) <= MOST_ROWS:
            return [range(len(self.rows))]
        part = {i: [i] for i in range(len(self.rows))}
        for _, members in self.keys:
            for member in members[1:]:
                one, two = part[members[0]], part[member]
                if one is not two:
                    small, large = sorted((one, two), key=len)
                    large += small
                    part.update(dict.fromkeys(small, large))
        return {id(together): together for together in part.values()}.values()


def _held(
    rows: Sequence[MergeRow], roles: frozenset[int]
) -> Mapping[tuple[Kind, int | bytes], list[int]]:
    """Which rows hold each key, without role addresses."""
    held: dict[tuple[Kind, int | bytes], list[int]] = defaultdict(list)
    for i, row in enumerate(rows):
        for point in set(row.emails) - roles:
            held["email", point].append(i)
        for point in set(row.phones) - roles:
            held["phone", point].append(i)
        if row.name_birth is not None:
            held["birth", row.name_birth].append(i)
        if row.name_address is not None:
            held["address", row.name_address].append(i)
    return held


def _cluster(position: int, row: MergeRow, not_own: set[int]) -> Cluster:
    block = row.block
    whole = block.house_number and block.postcode
    return Cluster(
        rows=[position],
        blocks={block},
        surnames={block.surname_code} - {""},
        emails=set(row.emails) - not_own,
        phones=set(row.phones) - not_own,
        addresses={(block.house_number, block.postcode)} if whole else set(),
    )
