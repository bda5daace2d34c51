"""From arrays to what is kept of a plan: answers, leaves, messages, and totals for the screen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from consortium.campaign.choice import Choice
from consortium.campaign.columns import Ints, micros
from consortium.campaign.coverage import PolicyInForce
from consortium.campaign.people import row_salt
from consortium.ledger import leaves
from consortium.ledger.commit import row_commitment
from consortium.model import AnswerKind
from consortium.policy.decision import Allow, Decision, Defer, Refuse
from consortium.store.audiences import RowColumns, UploadFacts
from consortium.store.plans import NewAnswer, NewMessage
from consortium.types import PartnerSlug

__all__ = ["Answers", "ReasonTotal"]


@dataclass(frozen=True, slots=True)
class ReasonTotal:
    """How many persons get no message for one reason; `partner`: in whose policy it stands."""

    rule: str
    reason: str
    partner: PartnerSlug | None
    persons: int


@dataclass(frozen=True, slots=True)
class Answers:
    """A plan's answers before they are written.

    Attributes:
        choice: What was decided, by person.
        ids: Shape (persons,): person ids; the person at index i has number i + 1.
        rows: The audience's rows.
        uploads: `rows.upload` counts in them.
        owners: `choice.owner` counts in them.
        policies: In force.
        partner_ids: Ids of partners by slug.
    """

    choice: Choice
    ids: Ints
    rows: RowColumns
    uploads: Sequence[UploadFacts]
    owners: Sequence[PartnerSlug]
    policies: Mapping[PartnerSlug, PolicyInForce]
    partner_ids: Mapping[PartnerSlug, int]

    def records(self) -> Iterator[NewAnswer]:
        """Every answer, by number, as it is stored."""
        for number, (person, decision, owner, row, point) in self._each():
            kind, rule, reason, by, until = _said(decision)
            assigned = owner >= 0
            yield NewAnswer(
                number=number,
                person_id=person,
                kind=kind.value,
                rule=rule,
                reason=reason,
                by_partner_id=None if by is None else self.partner_ids[by],
                until=until,
                owner_id=self.partner_ids[self.owners[owner]] if assigned else None,
                row_id=int(self.rows.row[row]) if assigned else None,
                point_id=point if assigned else None,
            )

    def leaves(self, *, plan: int, secret: bytes) -> Iterator[bytes]:
        """Every answer, by number, as the ledger has it; about 25 µs each."""
        for number, (_, decision, owner, row, _point) in self._each():
            match decision:
                case Allow():
                    slug = self.owners[owner]
                    upload = self.uploads[self.rows.upload[row]].digest
                    salt = row_salt(secret, plan=plan, number=number)
                    yield leaves.decision(
                        number,
                        answer=AnswerKind.ASSIGNED,
                        owner=slug,
                        upload=upload,
                        row=row_commitment(salt, upload=upload, row=int(self.rows.number[row])),
                        basis=self.rows.consents[self.rows.consent[row]][0],
                        policy=self.policies[slug].version,
                    )
                case Refuse(rule=rule, reason=reason, partner=by):
                    yield leaves.decision(
                        number, answer=AnswerKind.REFUSED, rule=rule, reason=reason, by=by
                    )
                case Defer(rule=rule, reason=reason, partner=by, until=until):
                    yield leaves.decision(
                        number,
                        answer=AnswerKind.DEFERRED,
                        rule=rule,
                        reason=reason,
                        by=by,
                        until=until,
                    )

    def messages(self, code: Callable[[], str]) -> Iterator[NewMessage]:
        """The new messages, by number.

        Args:
            code: Makes an opt-out code, a fresh one each time.
        """
        new = np.flatnonzero(self.choice.not_before >= 0)
        for person in new.tolist():
            yield NewMessage(
                number=person + 1,
                owner_id=self.partner_ids[self.owners[self.choice.owner[person]]],
                row_id=int(self.rows.row[self.choice.row[person]]),
                point_id=int(self.choice.point[person]),
                not_before=int(self.choice.not_before[person]),
                opt_out_code=code(),
            )

    def assigned(self) -> dict[PartnerSlug, int]:
        """Persons per owner, kept messages included; owners without any are left out."""
        counts = np.bincount(self.choice.owner + 1, minlength=len(self.owners) + 1)[1:].tolist()
        return {o: n for o, n in zip(self.owners, counts, strict=True) if n}

    def new_messages(self) -> int:
        """How many messages are made."""
        return int((self.choice.not_before >= 0).sum())

    def refused(self) -> list[ReasonTotal]:
        """Refusals by reason, most persons first."""
        return self._totals(Refuse)

    def deferred(self) -> list[ReasonTotal]:
        """Delays by reason, whatever their ends; most persons first."""
        return self._totals(Defer)

    def _totals(self, kind: type[Refuse | Defer]) -> list[ReasonTotal]:
        counts = np.bincount(self.choice.verdict, minlength=len(self.choice.verdicts)).tolist()
        totals: Counter[tuple[str, str, PartnerSlug | None]] = Counter()
        for decision, count in zip(self.choice.verdicts, counts, strict=True):
            if count and isinstance(decision, kind):
                totals[decision.rule, decision.reason, decision.partner] += count
        found = [ReasonTotal(*key, persons) for key, persons in totals.items()]
        return sorted(found, key=lambda t: (-t.persons, t.rule, t.reason, t.partner or ""))

    def _each(self) -> Iterator[tuple[int, tuple[int, Decision, int, int, int]]]:
        chosen = self.choice
        return enumerate(
            zip(
                self.ids.tolist(),
                (chosen.verdicts[v] for v in chosen.verdict.tolist()),
                chosen.owner.tolist(),
                chosen.row.tolist(),
                chosen.point.tolist(),
                strict=True,
            ),
            start=1,
        )


def _said(
    decision: Decision,
) -> tuple[AnswerKind, str | None, str | None, PartnerSlug | None, int | None]:
    match decision:
        case Allow():
            return AnswerKind.ASSIGNED, None, None, None, None
        case Refuse(rule=rule, reason=reason, partner=by):
            return AnswerKind.REFUSED, rule, reason, by, None
        case Defer(rule=rule, reason=reason, partner=by, until=until):
            return AnswerKind.DEFERRED, rule, reason, by, micros(until)
