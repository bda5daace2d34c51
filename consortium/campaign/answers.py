"""From arrays to what is kept of a plan: answers, leaves, messages, and totals for the screen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Self

import numpy as np

from consortium.campaign import people
from consortium.campaign.choice import Choice
from consortium.campaign.columns import Ints, micros
from consortium.campaign.coverage import PolicyInForce
from consortium.ledger import leaves
from consortium.ledger.commit import row_commitment
from consortium.model import AnswerKind
from consortium.policy.decision import Allow, Decision, Defer, Refuse
from consortium.store.audience_columns import RowColumns
from consortium.store.audiences import UploadFacts
from consortium.store.plans import NewAnswer, NewMessage
from consortium.types import PartnerSlug

__all__ = ["Answers", "ReasonTotal"]

_ZEROS: Final = "0" * 64


@dataclass(frozen=True, slots=True)
class ReasonTotal:
    """How many persons get no message for one reason; `partner`: in whose policy it stands."""

    rule: str
    reason: str
    partner: PartnerSlug | None
    persons: int


@dataclass(frozen=True, slots=True)
class _Leaf:
    """A leaf's canonical bytes around number and commitment."""

    head: bytes
    middle: bytes
    tail: bytes

    @classmethod
    def of(cls, leaf: bytes) -> Self:
        """Take the leaf of person 1 apart; no value of a leaf can look like these keys."""
        head, rest = leaf.split(b'"number":1,')
        middle, row, tail = rest.partition(f'"row":"{_ZEROS}"'.encode())
        return cls(head + b'"number":', b"," + middle + (b'"row":"' if row else b""), tail)

    def fill(self, number: int, commitment: str) -> bytes:
        """The leaf of another person; `commitment` is empty where none belongs."""
        row = f'{commitment}"'.encode() if commitment else b""
        return b"%b%d%b%b%b" % (self.head, number, self.middle, row, self.tail)


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
        """Every answer, by number, as the ledger has it (`ledger.leaves.decision`).

        One leaf of each kind is made and checked there; the others differ from it in the person's
        number and the row's commitment alone. About 8 µs each.
        """
        secret = people.leaf_secret(secret)
        known: dict[tuple[int, int, int, int], _Leaf] = {}
        verdicts = self.choice.verdict.tolist()
        for number, (_, decision, owner, row, _point) in self._each():
            upload, consent = (
                (int(self.rows.upload[row]), int(self.rows.consent[row])) if row >= 0 else (-1, -1)
            )
            key = (verdicts[number - 1], owner, upload, consent)
            if (leaf := known.get(key)) is None:
                leaf = known[key] = _Leaf.of(self._leaf(decision, owner, upload, consent))
            commitment = ""
            if row >= 0:
                salt = people.row_salt(secret, plan=plan, number=number)
                commitment = row_commitment(
                    salt, upload=self.uploads[upload].digest, row=int(self.rows.number[row])
                )
            yield leaf.fill(number, commitment)

    def _leaf(self, decision: Decision, owner: int, upload: int, consent: int) -> bytes:
        """The leaf of person 1, with a commitment of zeros."""
        match decision:
            case Allow():
                slug = self.owners[owner]
                return leaves.decision(
                    1,
                    answer=AnswerKind.ASSIGNED,
                    owner=slug,
                    upload=self.uploads[upload].digest,
                    row=_ZEROS,
                    basis=self.rows.consents[consent][0],
                    policy=self.policies[slug].version,
                )
            case Refuse(rule=rule, reason=reason, partner=by):
                return leaves.decision(
                    1, answer=AnswerKind.REFUSED, rule=rule, reason=reason, by=by
                )
            case Defer(rule=rule, reason=reason, partner=by, until=until):
                return leaves.decision(
                    1, answer=AnswerKind.DEFERRED, rule=rule, reason=reason, by=by, until=until
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
