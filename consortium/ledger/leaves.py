"""Facts about single persons and messages, as leaves below a batch entry.

A leaf knows a person by the plan's pseudonymous number and a source row by a salted commitment
(`commit.row_commitment`); it holds no token, address or name. Which leaf went where is proved by
the batch's own hash tree, whose root is in the ledger: one leaf can be shown without the others.

`decision` says what a plan answered for one person and from which upload, consent and policy;
`intent` that a message was about to be handed over; `outcome` what became of that; `stopped` that a
rule held a waiting message back for good. Together: the way of one message, end to end.
`never_merge` says of two rows that they are two people.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from consortium.errors import EvidenceError
from consortium.ledger import canonical, grammar, kinds
from consortium.ledger.canonical import JSON
from consortium.model import AnswerKind, ConsentBasis
from consortium.types import EntryIndex, MessageName, PartnerSlug, UploadDigest

__all__ = ["check", "decision", "intent", "never_merge", "outcome", "stopped"]

_ASSIGNED_ONLY = ("owner", "upload", "row", "basis", "policy")


def check(leaf: Any, *, batch: str) -> dict[str, JSON]:  # noqa: ANN401 - anything at all is checked
    """Refuse what is not exactly a leaf of this version, or not one of that batch; total.

    Args:
        leaf: A decoded value.
        batch: Kind of the batch entry it lies under.

    Raises:
        EvidenceError: Unknown or misplaced kind; unknown, missing or malformed field.
    """
    known = {k: kinds.LEAVES[k] for k in kinds.BATCHES.get(batch, frozenset())}
    record = dict(grammar.check(leaf, known, what="leaf"))
    if record["kind"] == "decision":
        assigned = record["answer"] == "assigned"
        if any((record[field] is not None) != assigned for field in _ASSIGNED_ONLY):
            raise EvidenceError("the leaf says too much or too little about who would speak")
        if (record["until"] is not None) != (record["answer"] == "deferred"):
            raise EvidenceError("the leaf says until when, or does not, against its answer")
    return record


def _leaf(kind: str, batch: str, **fields: JSON) -> bytes:
    record: dict[str, JSON] = {"kind": kind, **fields}
    check(record, batch=batch)
    return canonical.encode(record)


def decision(
    number: int,
    *,
    answer: AnswerKind,
    owner: PartnerSlug | None = None,
    upload: UploadDigest | None = None,
    row: str | None = None,
    basis: ConsentBasis | None = None,
    policy: int | None = None,
    rule: str | None = None,
    reason: str | None = None,
    by: PartnerSlug | None = None,
    until: datetime | None = None,
) -> bytes:
    """What a plan answers for one person.

    Args:
        number: The person's pseudonym in this plan, from 1.
        answer: Assigned, held out, refused or deferred.
        owner: Who speaks; with `upload` (its pack's digest), `row` (`commit.row_commitment`),
            `basis` (the consent claimed) and `policy` (version of the owner's policy): of an
            assigned person, and of no other.
        rule, reason, by: Which rule decided, why, in whose policy.
        until: Of a deferred one: no earlier than this.
    """
    return _leaf(
        "decision",
        "campaign_planned",
        number=number,
        answer=answer.value,
        owner=owner,
        upload=None if upload is None else upload.hex(),
        row=row,
        basis=None if basis is None else basis.value,
        policy=policy,
        rule=rule,
        reason=reason,
        by=by,
        until=None if until is None else grammar.instant(until),
    )


def intent(
    message: MessageName,
    *,
    attempt: int,
    plan: EntryIndex,
    number: int,
    owner: PartnerSlug,
    policy: int,
    approval: EntryIndex | None,
    at: datetime,
) -> bytes:
    """A message is about to be handed over; every rule has been asked once more.

    Args:
        message: Its name, `m-1182`.
        attempt: Counts up from 1 for each message.
        plan: Index of the `campaign_planned` entry.
        number: The person's number in that plan.
        owner: In whose name.
        policy: Version of the owner's policy in force now.
        approval: Index of the owner's `campaign_answered`; None where its policy asks none.
        at: When it was decided.
    """
    return _leaf(
        "intent",
        "send_batch",
        at=grammar.instant(at),
        message=message,
        attempt=attempt,
        plan=plan,
        number=number,
        owner=owner,
        policy=policy,
        approval=approval,
    )


def outcome(
    message: MessageName,
    *,
    attempt: int,
    outcome: Literal["accepted", "rejected", "later", "not_handed_over", "unknown"],
    code: str | None,
    at: datetime,
) -> bytes:
    """What became of an intent.

    Args:
        message, attempt: Which intent.
        outcome: What the other side said; `unknown` when its answer was never seen.
        code: Its reply code, `250` or `550 5.1.1`; anything else (the rest of a reply may quote an
            address) is left out, because no reply may keep an outcome from being recorded.
        at: When it was known.
    """
    return _leaf(
        "outcome",
        "send_batch",
        at=grammar.instant(at),
        message=message,
        attempt=attempt,
        outcome=outcome,
        code=code if grammar.is_a("code?", code) else None,
    )


def stopped(
    message: MessageName,
    *,
    number: int,
    rule: str,
    reason: str,
    by: PartnerSlug | None,
    at: datetime,
) -> bytes:
    """A rule held a waiting message back for good: an opt-out that came in, a deadline passed.

    Args:
        message: Its name.
        number: The person's number in the plan.
        rule, reason, by: Which rule, why, in whose policy.
        at: When.
    """
    return _leaf(
        "stopped",
        "send_batch",
        at=grammar.instant(at),
        message=message,
        number=number,
        rule=rule,
        reason=reason,
        by=by,
    )


def never_merge(number: int, *, one: str, other: str) -> bytes:
    """Two source rows are two people.

    Args:
        number: Of the pair in its statement, from 1.
        one, other: `commit.row_commitment` of each, with salts of their own.
    """
    return _leaf("never_merge", "never_merge_added", number=number, one=one, other=other)
