"""A small ledger in memory with every kind of entry and leaf, signed by made-up keys."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from consortium.ledger import canonical, checkpoint, commit, entries, kinds, leaves, merkle, note
from consortium.ledger.canonical import JSON
from consortium.ledger.export import Contents, write
from consortium.ledger.proof import EntryProof, LeafProof
from consortium.model import (
    AnswerKind,
    Channel,
    ConsentBasis,
    ConsortiumCard,
    ContentClass,
    PartnerCard,
    Purpose,
    Scope,
)
from consortium.types import CampaignName, EntryIndex, MessageName, PartnerSlug, UploadDigest

__all__ = ["ORIGIN", "SampleLedger", "sample_ledger"]

ORIGIN = "example.org/oregon"
_AT = datetime(2026, 11, 3, 17, 2, 11, 250_000, tzinfo=UTC)
_NURSES, _TEACHERS = PartnerSlug("nurses"), PartnerSlug("teachers")
_CAMPAIGN = CampaignName("portland-ballots")


def _secret(name: str) -> bytes:
    return hashlib.sha256(b"sample " + name.encode()).digest()


def _public(name: str) -> bytes:
    return Ed25519PrivateKey.from_private_bytes(_secret(name)).public_key().public_bytes_raw()


def _signed(kind: str, document: bytes, name: str) -> bytes:
    text = f"# consortium {kind} v1 for {ORIGIN}\n".encode() + document
    return Ed25519PrivateKey.from_private_bytes(_secret(name)).sign(text)


@dataclass(slots=True)
class SampleLedger:
    """Entries, leaves and checkpoints, grown in memory.

    Attributes:
        entries: Canonical bytes, in order.
        leaves: By index of the batch entry.
        checkpoints: Signed notes by size.
        documents: Documents that entries name.
    """

    entries: list[bytes] = field(default_factory=list)
    leaves: dict[int, list[bytes]] = field(default_factory=dict)
    checkpoints: dict[int, str] = field(default_factory=dict)
    documents: list[bytes] = field(default_factory=list)

    @property
    def signer(self) -> note.Signer:
        """Who signs the checkpoints."""
        return note.Signer.from_secret(ORIGIN, _secret("ledger"))

    def append(self, entry: Mapping[str, JSON], leaf_data: list[bytes] | None = None) -> EntryIndex:
        """Add an entry, or a batch with its leaves."""
        index = EntryIndex(len(self.entries))
        if leaf_data is not None:
            tree = merkle.root(map(merkle.leaf_hash, leaf_data))
            entry = {**entry, "leaves": len(leaf_data), "root": tree.hex()}
            self.leaves[index] = leaf_data
        self.entries.append(canonical.encode(entries.check(entry)))
        return index

    def sign(self) -> str:
        """Sign a checkpoint over all entries so far."""
        root = merkle.root(map(merkle.leaf_hash, self.entries))
        head = checkpoint.Checkpoint(ORIGIN, len(self.entries), root)
        self.checkpoints[head.size] = checkpoint.sign(head, [self.signer])
        return self.checkpoints[head.size]

    def prove(self, index: int) -> EntryProof:
        """A proof under the newest checkpoint."""
        size = max(self.checkpoints)
        node = merkle.node_source([merkle.leaf_hash(data) for data in self.entries[:size]])
        path = merkle.inclusion_path(index, size, node)
        return EntryProof(index, tuple(path), self.checkpoints[size])

    def prove_leaf(self, index: int, position: int) -> LeafProof:
        """A proof of a leaf under the newest checkpoint."""
        data = self.leaves[index]
        node = merkle.node_source([merkle.leaf_hash(leaf) for leaf in data])
        path = tuple(merkle.inclusion_path(position, len(data), node))
        return LeafProof(data[position], self.entries[index], position, path, self.prove(index))

    def export(self, directory: Path) -> None:
        """Write all of it, with a proof of each kind."""
        batch = max(index for index, data in self.leaves.items() if data)
        contents = Contents(
            entries=self.entries,
            leaves=lambda index: self.leaves[index],
            checkpoints=self.checkpoints,
            proofs={"e-1": self.prove(1), "m-1": self.prove_leaf(batch, 0)},
            documents=self.documents,
        )
        write(directory, contents)


def _partner(slug: PartnerSlug) -> PartnerCard:
    return PartnerCard(
        slug=slug,
        name=slug.title(),
        postal_address="1 Main St, Portland OR 97201",
        from_address=f"gotv@{slug}.example.org",
        sign_key=_public(f"{slug} sign"),
        receive_key=_secret(f"{slug} receive"),
    )


def _found(ledger: SampleLedger) -> None:
    """Creation, partners, policies, uploads, a merge, opt-outs."""
    card = ConsortiumCard(
        name="Oregon Together",
        origin=ORIGIN,
        intake_recipient="age1" + "q" * 58,
        vault_key=_secret("vault"),
        ledger_key=_public("ledger"),
        coordinator_key=_public("coordinator"),
    )
    ledger.append(entries.consortium_created(card, at=_AT, token_epoch=1, profile=1))
    for slug in (_NURSES, _TEACHERS):
        ledger.append(entries.partner_admitted(_partner(slug), at=_AT))
        policy = f'policy = 1\npartner = "{slug}"\n'.encode()
        ledger.documents.append(policy)
        ledger.append(
            entries.policy_set(
                slug,
                version=1,
                digest=hashlib.sha256(policy).digest(),
                signature=_signed("policy", policy, f"{slug} sign"),
                at=_AT,
            )
        )
    uploads = [UploadDigest(_secret(f"upload {n}")) for n in range(4)]
    for number, upload in enumerate(uploads):
        ledger.append(
            entries.upload_added(
                _NURSES,
                upload=upload,
                signature=bytes(64),
                layout="action-network",
                obtained_on=date(2026, 9, 1),
                expires_on=date(2027, 9, 1) if number else None,
                profile=1,
                token_epoch=1,
                rows=48_210,
                opt_outs=143,
                rejected=6,
                repeated=0,
                at=_AT,
            )
        )
    ledger.append(entries.upload_withdrawn(_NURSES, upload=uploads[1], by="partner", at=_AT))
    ledger.append(entries.upload_replaced(_NURSES, upload=uploads[3], successor=uploads[0], at=_AT))
    ledger.append(entries.upload_expired(_NURSES, upload=uploads[2], at=_AT))
    ledger.append(entries.upload_erased(_NURSES, upload=uploads[2], at=_AT))
    ledger.append(
        entries.merge_run(
            1,
            rules="rules-1",
            uploads=uploads[:1],
            rows=48_210,
            persons=47_000,
            changed_rows=48_210,
            at=_AT,
        )
    )
    _never_merge(ledger, uploads[0])
    ledger.append(
        entries.opt_out_added(
            Channel.EMAIL,
            scope=Scope.PARTNER,
            partner=_NURSES,
            cause="list",
            author="partner",
            people=143,
            upload=uploads[0],
            at=_AT,
        )
    )
    ledger.append(
        entries.opt_out_added(
            Channel.EMAIL,
            scope=Scope.CONSORTIUM,
            partner=None,
            cause="unsubscribe",
            author="recipient",
            people=1,
            message=MessageName("m-3"),
            commitment=commit.commit(_secret("opt-out"), b"made-up token"),
            at=_AT,
        )
    )


def _never_merge(ledger: SampleLedger, upload: UploadDigest) -> None:
    """The word of an owner about three pairs of its own rows, taken back again."""
    signer = note.Signer.from_secret(_NURSES, _secret("nurses sign"))
    said, back = (
        note.sign(f"# consortium {kind} v1 for {ORIGIN}\n{kind} = 1\n", [signer])
        for kind in ("never-merge", "never-merge-taken-back")
    )
    rows = [
        [
            commit.row_commitment(
                commit.leaf_salt(_secret("never"), purpose=side, number=number),
                upload=upload,
                row=number * 11,
            )
            for side in ("one", "other")
        ]
        for number in (1, 2, 3)
    ]
    word = ledger.append(
        entries.never_merge_added(
            by="partner",
            partner=_NURSES,
            digest=hashlib.sha256(said.encode()).digest(),
            signature=note.signature_of(said, signer.verifier),
            at=_AT,
        ),
        [leaves.never_merge(n, one=one, other=other) for n, (one, other) in enumerate(rows, 1)],
    )
    ledger.append(
        entries.never_merge_taken_back(
            word,
            by="partner",
            partner=_NURSES,
            digest=hashlib.sha256(back.encode()).digest(),
            signature=note.signature_of(back, signer.verifier),
            at=_AT,
        )
    )


def _decisions() -> list[bytes]:
    upload = UploadDigest(_secret("upload 0"))
    assigned = [
        leaves.decision(
            number,
            answer=AnswerKind.ASSIGNED,
            owner=_NURSES,
            upload=upload,
            row=commit.row_commitment(
                commit.leaf_salt(_secret("plan"), purpose="row", number=number),
                upload=upload,
                row=number * 7,
            ),
            basis=ConsentBasis.MEMBERSHIP,
            policy=1,
        )
        for number in range(1, 4)
    ]
    return [
        *assigned,
        leaves.decision(
            4,
            answer=AnswerKind.REFUSED,
            rule="frequency",
            reason="cap_reached",
            by=_TEACHERS,
        ),
        leaves.decision(
            5,
            answer=AnswerKind.DEFERRED,
            rule="quiet_hours",
            reason="too_early",
            by=_NURSES,
            until=_AT + timedelta(hours=9),
        ),
        leaves.decision(6, answer=AnswerKind.HELD_OUT),
    ]


def _campaign(ledger: SampleLedger) -> None:
    """A campaign from its creation to its end."""
    document = b'campaign = 1\nname = "portland-ballots"\n'
    digest = hashlib.sha256(document).digest()
    ledger.documents.append(document)
    ledger.append(
        entries.campaign_created(
            _CAMPAIGN,
            digest=digest,
            signature=_signed("campaign", document, "coordinator"),
            channel=Channel.EMAIL,
            purpose=Purpose.GOTV,
            content=ContentClass.NONPARTISAN,
            starts_at=_AT,
            ends_at=_AT + timedelta(hours=10),
            not_after=_AT + timedelta(hours=11),
            at=_AT,
        )
    )
    answer = note.sign(
        f'# consortium answer v1 for {ORIGIN}\n{{"answer":"approved","campaign":"{_CAMPAIGN}"}}\n',
        [note.Signer.from_secret(_NURSES, _secret("nurses sign"))],
    )
    ledger.documents.append(answer.encode())
    approval = ledger.append(
        entries.campaign_answered(
            _CAMPAIGN,
            partner=_NURSES,
            answer="approved",
            campaign_digest=digest,
            digest=hashlib.sha256(answer.encode()).digest(),
            signature=note.signature_of(answer, note.Verifier(_NURSES, _public("nurses sign"))),
            ceiling=45_000,
            until=_AT + timedelta(hours=11),
            at=_AT,
        )
    )
    plan = ledger.append(
        entries.campaign_planned(
            _CAMPAIGN,
            campaign_digest=digest,
            plan=1,
            generation=1,
            policies={_NURSES: 1, _TEACHERS: 1},
            flows=_secret("flows"),
            order_key=_secret("order"),
            at=_AT,
        ),
        _decisions(),
    )
    ledger.append(entries.campaign_state(_CAMPAIGN, state="sending", by="coordinator", at=_AT))
    ledger.append(
        entries.send_batch(_CAMPAIGN, plan=1, at=_AT),
        [
            leaves.intent(
                MessageName(f"m-{n}"),
                attempt=1,
                plan=plan,
                number=n,
                owner=_NURSES,
                policy=1,
                approval=approval,
                at=_AT,
            )
            for n in (1, 2)
        ],
    )
    ledger.append(
        entries.send_batch(_CAMPAIGN, plan=1, at=_AT),
        [
            leaves.outcome(
                MessageName("m-1"), attempt=1, outcome="accepted", code="250 2.0.0", at=_AT
            ),
            leaves.outcome(MessageName("m-2"), attempt=1, outcome="unknown", code=None, at=_AT),
            leaves.stopped(
                MessageName("m-3"),
                number=3,
                rule="suppression",
                reason="asked_not_to",
                by=None,
                at=_AT,
            ),
        ],
    )
    ledger.append(entries.send_batch(_CAMPAIGN, plan=1, at=_AT), [])
    ledger.append(entries.campaign_state(_CAMPAIGN, state="finished", by="operator", at=_AT))


def _voters(ledger: SampleLedger) -> None:
    """A voter file from its load to its end."""
    load = _secret("voter file")
    ledger.append(
        entries.voters_loaded(
            load,
            layout="nc",
            register="nc",
            licensed=[_NURSES, _TEACHERS],
            purposes=[Purpose.GOTV],
            until=date(2026, 11, 4),
            rows=7_412_331,
            left_out=120_400,
            rejected=3,
            repeated=0,
            history_rows=0,
            at=_AT,
        )
    )
    ledger.append(
        entries.voters_matched(
            load,
            generation=1,
            weights="weights-1",
            persons=47_000,
            matched=38_900,
            changed_rows=41_000,
            at=_AT,
        )
    )
    ledger.append(
        entries.voters_returned(
            "nc",
            list_digest=_secret("returned"),
            as_of=_AT,
            ids=812_000,
            unknown=12,
            new=61_000,
            at=_AT,
        )
    )
    ledger.append(entries.voters_ended(load, reason="expired", at=_AT))
    ledger.append(entries.voters_forgotten("nc", at=_AT))


def sample_ledger() -> SampleLedger:
    """A ledger with at least one of every kind, and three checkpoints."""
    ledger = SampleLedger()
    _found(ledger)
    ledger.sign()
    _campaign(ledger)
    _voters(ledger)
    ledger.sign()
    ledger.append(entries.campaign_state(_CAMPAIGN, state="stopped", by="partner", at=_AT))
    ledger.sign()
    found = {canonical.decode(data)["kind"] for data in ledger.entries}
    assert found == set(kinds.ENTRIES)
    return ledger
