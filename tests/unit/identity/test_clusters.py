"""Clusters: what each thing told once forbids is what any two of their rows forbid."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from consortium.identity.clusters import Cluster
from consortium.identity.evidence import contradict
from consortium.identity.rules import Rule
from consortium.model.match_block import MatchBlock
from tests.unit.identity.world import claims

blocks = st.sets(claims().map(lambda row: row.block), min_size=1, max_size=7)


def cluster(said: set[MatchBlock]) -> Cluster:
    return Cluster(
        rows=[], blocks=set(said), surnames=set(), emails=set(), phones=set(), addresses=set()
    )


@given(blocks, blocks, blocks)
def test_large_clusters_are_judged_as_all_pairs_of_their_rows(
    one: set[MatchBlock], two: set[MatchBlock], more: set[MatchBlock]
) -> None:
    left, right = cluster(one), cluster(two)
    assert left.vetoes(right, rule=Rule.CONTACT, named=True) is any(
        contradict(a, b) for a in one for b in two
    )
    left.absorb(cluster(more))
    assert left.vetoes(right, rule=Rule.CONTACT, named=True) is any(
        contradict(a, b) for a in one | more for b in two
    )
