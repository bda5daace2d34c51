"""Where one message came from: owner, upload, consent, policy, decision, attempts, with proof.

Everything said here is read from the ledger's entries and leaves and proved to lie under a signed
checkpoint before it is said; what the ledger does not hold (the day of consent, the list's name) is
marked as the host's own record. No address, name or token is in it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from consortium.errors import EvidenceError, NotFound, StateConflict
from consortium.ledger import canonical, note
from consortium.ledger.proof import EntryProof, LeafProof
from consortium.model import AnswerKind, Channel, MessageState
from consortium.store import campaigns, history, ledger, partners, plans, policies, uploads
from consortium.store.engine import Database, Tx
from consortium.store.history import AttemptRecord, MessageRecord
from consortium.store.ledger import CheckpointRecord
from consortium.types import CampaignName, EntryIndex, MessageName, PartnerSlug, UploadDigest

__all__ = ["Provenance", "Step", "provenance"]


@dataclass(frozen=True, slots=True)
class Step:
    """One fact behind the message.

    Attributes:
        name: What the step's proof file is called, e.g. `m-7-decision`.
        says: One line in plain words.
        at: When, RFC 3339, as the ledger has it.
        entry: The ledger entry it stands in.
        proof: That it lies under the checkpoint; already verified.
    """

    name: str
    says: str
    at: str
    entry: EntryIndex
    proof: EntryProof | LeafProof


@dataclass(frozen=True, slots=True)
class Provenance:
    """The way of one message.

    Attributes:
        message, campaign, channel, state: Which one, and where it stands.
        owner, owner_name: In whose name.
        upload, list_name, obtained_on: The list that named the recipient; the list's name and day
            are as its owner states them.
        basis, consent_on: The ground of consent that the owner claims, and its day where known.
        policy: Version of the owner's policy that allowed it.
        steps: The facts, in the ledger's order.
        checkpoint: The signed note that all proofs lead to.
        checkpoint_size: How many entries it covers.
    """

    message: MessageName
    campaign: CampaignName
    channel: Channel
    state: MessageState
    owner: PartnerSlug
    owner_name: str
    upload: str
    list_name: str
    obtained_on: date
    basis: str
    consent_on: date | None
    policy: int
    steps: tuple[Step, ...]
    checkpoint: str
    checkpoint_size: int


def provenance(
    database: Database, name: str, *, origin: str, verifier: note.Verifier
) -> Provenance:
    """Where a message came from.

    Args:
        database: The store.
        name: The message, e.g. `m-1182`.
        origin: The ledger's identity.
        verifier: The ledger's public key; every proof is verified with it.

    Raises:
        NotFound: There is no such message.
        StateConflict: No checkpoint covers it yet.
        EvidenceError: A proof does not verify.
    """
    with database.read() as tx:
        message = history.message(tx, name)
        checkpoint = ledger.latest_checkpoint(tx)
        if checkpoint is None:
            raise _uncovered(message.name)
        reader = _Reader(tx, message, checkpoint, origin, verifier)
        decision = reader.decision()
        upload = uploads.by_digest(tx, UploadDigest(bytes.fromhex(decision.leaf["upload"])))
        if upload is None or upload.entry is None:
            raise NotFound(f"the upload behind {message.name} is not known any more")
        owner = partners.get(tx, message.owner)
        return Provenance(
            message=message.name,
            campaign=message.campaign,
            channel=message.channel,
            state=message.state,
            owner=message.owner,
            owner_name=owner.card.name,
            upload=upload.name,
            list_name=upload.list_name,
            obtained_on=upload.obtained_on,
            basis=decision.leaf["basis"],
            consent_on=history.consent_on(tx, message.row_id, channel=message.channel),
            policy=decision.leaf["policy"],
            steps=tuple(
                sorted(
                    reader.steps(decision, owner_entry=owner.entry, upload_entry=upload.entry),
                    key=lambda step: (step.entry, step.name),
                )
            ),
            checkpoint=checkpoint.note,
            checkpoint_size=checkpoint.size,
        )


@dataclass(frozen=True, slots=True)
class _Leaf:
    """A leaf, read and proved."""

    leaf: Mapping[str, Any]
    entry: EntryIndex
    proof: LeafProof


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads a message's facts from the ledger, each with its verified proof."""

    tx: Tx
    message: MessageRecord
    checkpoint: CheckpointRecord
    origin: str
    verifier: note.Verifier

    def decision(self) -> _Leaf:
        plan = plans.get(self.tx, self.message.plan_id)
        assert plan.entry is not None
        found = self._leaf(plan.entry, self.message.number - 1)
        if (found.leaf["number"], found.leaf["answer"]) != (
            self.message.number,
            AnswerKind.ASSIGNED.value,
        ):
            raise EvidenceError(f"the plan in the ledger does not assign {self.message.name}")
        return found

    def steps(
        self, decision: _Leaf, *, owner_entry: EntryIndex, upload_entry: EntryIndex
    ) -> Iterator[Step]:
        """Every fact behind the message; in no particular order."""
        owner, name = self.message.owner, self.message.name
        yield self._step(f"{name}-partner", owner_entry, f"{owner} was admitted with its keys")
        yield self._step(f"{name}-upload", upload_entry, f"the list was added, signed by {owner}")
        attempts = history.attempts(self.tx, name)
        intents = [self._of_attempt(a, "intent", a.intent_entry) for a in attempts]
        versions = {decision.leaf["policy"], *(intent.leaf["policy"] for intent in intents)}
        for policy in policies.history(self.tx, partners.get(self.tx, owner).id):
            if policy.version in versions:
                yield self._step(
                    f"{name}-policy-{policy.version}",
                    policy.entry,
                    f"policy version {policy.version} was set, signed by {owner}",
                )
        campaign = campaigns.get(self.tx, self.message.campaign)
        yield self._step(
            f"{name}-campaign",
            campaign.entry,
            f"campaign {campaign.name}, signed by the coordinator",
        )
        for entry in {i.leaf["approval"] for i in intents if i.leaf["approval"] is not None}:
            yield self._step(
                f"{name}-approval-{entry}",
                EntryIndex(entry),
                f"{owner} approved, signed by {owner}",
            )
        yield self._leaf_step(
            f"{name}-decision",
            decision,
            f"the plan chose {owner} for person {self.message.number}",
        )
        for attempt, intent in zip(attempts, intents, strict=True):
            yield self._leaf_step(
                f"{name}-intent-{attempt.attempt}",
                intent,
                f"attempt {attempt.attempt}: every rule asked once more, and allowed",
            )
            if attempt.outcome_entry is not None:
                outcome = self._of_attempt(attempt, "outcome", attempt.outcome_entry)
                code = f" ({outcome.leaf['code']})" if outcome.leaf["code"] else ""
                yield self._leaf_step(
                    f"{name}-outcome-{attempt.attempt}",
                    outcome,
                    f"attempt {attempt.attempt}: {outcome.leaf['outcome'].replace('_', ' ')}{code}",
                )

    def _of_attempt(self, attempt: AttemptRecord, kind: str, entry: EntryIndex) -> _Leaf:
        for position, data in enumerate(ledger.leaves(self.tx, entry)):
            leaf = canonical.decode(data)
            if (leaf["kind"], leaf["message"]) == (kind, self.message.name) and leaf[
                "attempt"
            ] == attempt.attempt:
                return self._leaf(entry, position)
        raise NotFound(f"entry {entry} has no {kind} of {self.message.name}")

    def _leaf(self, entry: EntryIndex, position: int) -> _Leaf:
        self._check_covered(entry)
        proof = ledger.prove_leaf(self.tx, entry, position, self.checkpoint)
        leaf, _, _ = proof.verify(origin=self.origin, verifiers=[self.verifier])
        return _Leaf(leaf=leaf, entry=entry, proof=proof)

    def _step(self, name: str, entry: EntryIndex, says: str) -> Step:
        self._check_covered(entry)
        data = ledger.entry(self.tx, entry)
        proof = ledger.prove(self.tx, entry, self.checkpoint)
        proof.verify(data, origin=self.origin, verifiers=[self.verifier])
        return Step(name, says, canonical.decode(data)["at"], entry, proof)

    def _leaf_step(self, name: str, leaf: _Leaf, says: str) -> Step:
        at = leaf.leaf.get("at") or canonical.decode(ledger.entry(self.tx, leaf.entry))["at"]
        return Step(name, says, at, leaf.entry, leaf.proof)

    def _check_covered(self, entry: EntryIndex) -> None:
        if entry >= self.checkpoint.size:
            raise _uncovered(self.message.name)


def _uncovered(name: str) -> StateConflict:
    return StateConflict(
        f"no checkpoint covers {name} yet", hint="Sign one with: consortium ledger checkpoint"
    )
