"""Every way a person could be written to, and what the partners' policies say of each.

A candidate is one source row of a person with one contact point it names: it fixes who would
speak, on what consent, to which address. Policies are asked once per distinct set of facts
(`policy.engine`); the facts of a row, of a person and of a point are numbered first, so that a
million persons with a few thousand kinds of facts cost a few thousand decisions.

Before policies are asked, an upload can be out of the question as a whole: its owner has declined,
or has approved without it (it came later). An owner that has not answered yet is planned with, as
if it said yes: nothing is sent before it does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from consortium.campaign.columns import Ints, dense, sets
from consortium.campaign.coverage import Coverage
from consortium.campaign.traits import Traits
from consortium.policy.decision import Decision, Refuse
from consortium.policy.engine import CompiledPolicy, decide
from consortium.policy.facts import Ask, PersonFacts, RowFacts, SuppressionFact
from consortium.store.audience_columns import BanColumns, PointColumns, RowColumns
from consortium.store.audiences import UploadFacts
from consortium.types import PartnerSlug

__all__ = ["Candidates", "candidates"]


_SHUT: Final = {
    Coverage.DECLINED: "declined",
    Coverage.NOT_COVERED: "upload_not_covered",
}


@dataclass(frozen=True, slots=True)
class Candidates:
    """One element of each array per candidate; in order of person, then row id, then position.

    Attributes:
        person: Index of the person, in the plan's order.
        row: Index into the audience's rows.
        point: Contact point id.
        position: The owner's order of preference, from 0.
        owner: Index into `owners`.
        granted: Whether the owner would let the row be used, were it not for the guards.
        verdict: Index into `verdicts`.
        owners: Slugs, sorted.
        verdicts: Distinct decisions.
    """

    person: Ints
    row: Ints
    point: Ints
    position: Ints
    owner: Ints
    granted: npt.NDArray[np.bool_]
    verdict: Ints
    owners: tuple[PartnerSlug, ...]
    verdicts: list[Decision]


def candidates(
    rows: RowColumns,
    *,
    person: Ints,
    traits: Ints,
    kinds: Sequence[Traits],
    points: PointColumns,
    bans: BanColumns,
    authors: Mapping[int, PartnerSlug],
    uploads: Sequence[UploadFacts],
    coverage: Sequence[Coverage],
    policies: Mapping[PartnerSlug, CompiledPolicy],
    ask: Ask,
    barred: npt.NDArray[np.bool_] | None = None,
) -> Candidates:
    """Pair rows with points, and ask the policies.

    Args:
        rows: The audience's rows, by row id.
        person: Shape (rows,): index of each row's person.
        traits: Shape (persons,): index into `kinds`.
        kinds: Distinct traits.
        points: Contact points of the campaign's channel, by row id; others' rows are ignored.
        bans: Suppressions, by contact point.
        authors: Slug of each partner id that made a partner-scope ban.
        uploads: `rows.upload` counts in them.
        coverage: For each of them.
        policies: Of every partner.
        ask: The message, at the instant it could go first.
        barred: Shape (rows,): rows whose owner has no licence for what places their person here.
    """
    shut = np.zeros(len(rows.row), dtype=bool) if barred is None else barred
    at = np.minimum(np.searchsorted(rows.row, points.row), len(rows.row) - 1)
    known = np.flatnonzero(rows.row[at] == points.row)
    known = known[np.lexsort((points.position[known], at[known], person[at[known]]))]
    row, point, dead = at[known], points.point[known], points.dead[known]
    owners = tuple(sorted({upload.partner for upload in uploads}))
    owner_of = np.array([owners.index(upload.partner) for upload in uploads], dtype=np.int64)
    owner = owner_of[rows.upload[row]]

    covered = np.array([list(Coverage).index(c) for c in coverage], dtype=np.int64)
    row_codes, row_first = dense(
        owner,
        rows.relationship[row],
        rows.place[row],
        rows.consent[row],
        covered[rows.upload[row]],
        shut[row].astype(np.int64),
    )
    ban_codes, ban_sets = _bans_of(point, bans)
    fact_codes, fact_first = dense(row_codes, traits[person[row]], ban_codes, dead.astype(np.int64))

    judge = _Judge(policies, ask)
    row_facts = [_row_facts(rows, row[i], owners[owner[i]]) for i in row_first]
    states = [list(Coverage)[covered[rows.upload[row[i]]]] for i in row_first]
    ban_facts = [
        tuple(SuppressionFact(channel=c, partner=_author(authors, a)) for c, a in facts)
        for facts in ([bans.bans[b] for b in group] for group in ban_sets)
    ]
    numbered: dict[Decision, int] = {}
    verdicts = np.empty(len(fact_first), dtype=np.int64)
    for code, i in enumerate(fact_first.tolist()):
        facts, state = row_facts[row_codes[i]], states[row_codes[i]]
        known_of = kinds[traits[person[row[i]]]]
        decision = _closed(
            facts.owner, state, dead=bool(dead[i]), barred=bool(shut[row[i]])
        ) or judge.decide(facts, _person_facts(known_of, ban_facts[ban_codes[i]]))
        verdicts[code] = numbered.setdefault(decision, len(numbered))
    granted = np.array(
        [s not in _SHUT and judge.grants(f) for f, s in zip(row_facts, states, strict=True)],
        dtype=bool,
    )
    return Candidates(
        person=person[row],
        row=row,
        point=point,
        position=points.position[known],
        owner=owner,
        granted=granted[row_codes] & ~dead & ~shut[row],
        verdict=verdicts[fact_codes],
        owners=owners,
        verdicts=list(numbered),
    )


@dataclass(frozen=True, slots=True)
class _Judge:
    policies: Mapping[PartnerSlug, CompiledPolicy]
    ask: Ask

    def decide(self, row: RowFacts, person: PersonFacts) -> Decision:
        return decide(self.policies, self.ask, row, person)

    def grants(self, row: RowFacts) -> bool:
        policy = self.policies.get(row.owner)
        return policy is not None and not any(
            isinstance(rule.judge(self.ask, row), Refuse) for rule in policy.grants
        )


def _row_facts(rows: RowColumns, row: int, owner: PartnerSlug) -> RowFacts:
    basis, day = rows.consents[rows.consent[row]]
    return RowFacts(
        owner=owner,
        relationship=rows.relationships[rows.relationship[row]],
        places=rows.places[rows.place[row]],
        basis=basis,
        consent_on=day,
        approved=True,  # or expected to be; those that are not never come to be asked
    )


def _person_facts(traits: Traits, bans: tuple[SuppressionFact, ...]) -> PersonFacts:
    return PersonFacts(
        zones=traits.zones,
        country=traits.country,
        suppressions=bans,
        prior=traits.prior,
        guarded_by=traits.guarded_by,
    )


def _closed(owner: PartnerSlug, state: Coverage, *, dead: bool, barred: bool) -> Refuse | None:
    if barred:
        return Refuse(rule="licence", partner=owner, reason="not_licensed")
    if dead:  # the transport has said so before
        return Refuse(rule="contact_point", partner=None, reason="dead")
    if state in _SHUT:
        return Refuse(rule="approval", partner=owner, reason=_SHUT[state])
    return None


def _author(authors: Mapping[int, PartnerSlug], partner: int | None) -> PartnerSlug | None:
    return None if partner is None else authors[partner]


def _bans_of(point: Ints, bans: BanColumns) -> tuple[Ints, Sequence[tuple[int, ...]]]:
    """Per candidate: index into the distinct sets of bans, and these."""
    distinct, index = np.unique(point, return_inverse=True)
    if not len(distinct):
        return np.zeros(0, dtype=np.int64), [()]
    at = np.minimum(np.searchsorted(distinct, bans.point), len(distinct) - 1)
    hit = distinct[at] == bans.point
    codes, found = sets(at[hit], bans.ban[hit], count=len(distinct))
    return codes[index], found
