"""Send policies: checked and signed by partners, put in force on the host.

The only module that knows the rule kinds and presets; every room below is handed compiled policies.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

import consortium_policies
from consortium import policy
from consortium.app.context import Context
from consortium.errors import EvidenceError, NotFound, UsageError
from consortium.ledger import entries, note
from consortium.policy import CompiledPolicy, GrantKind, GuardKind, RuleKind, SendPolicy, WishKind
from consortium.store import campaigns, ledger, partners, policies
from consortium.types import PartnerSlug
from consortium.vault import signed
from consortium.vault.wraps import STANDING

__all__ = ["Policies", "PolicyView", "check_policy", "list_rules", "read_policy", "refuse_expired"]


@dataclass(frozen=True, slots=True)
class PolicyView:
    """A policy in force.

    Attributes:
        partner: Whose.
        version: Counts up from 1.
        set_at: Since when.
        digest_hex: SHA-256 of the document.
        document: The TOML, as signed.
        sentences: What it says in plain words.
    """

    partner: PartnerSlug
    version: int
    set_at: datetime
    digest_hex: str
    document: str
    sentences: tuple[str, ...]


def _compile(text: str, *, name: str) -> CompiledPolicy:
    return policy.compile(
        read_policy(text, name=name),
        registry=consortium_policies.rules(),
        presets=consortium_policies.presets(),
    )


def read_policy(text: str, *, name: str) -> SendPolicy:
    """A policy document, read and checked against the presets there are.

    Raises:
        DocumentError: It is malformed or says something it may not; with line.
    """
    return policy.read(text, name=name, presets=consortium_policies.presets())


def refuse_expired(document: SendPolicy, *, name: str, now: datetime) -> None:
    """Refuse a policy whose last day has passed: it would allow nothing.

    Raises:
        UsageError: It has.
    """
    if now.astimezone(policy.zones.zone(document.zone)).date() > document.expires:
        raise UsageError(
            f"{name} has expired: its last day was {document.expires}",
            hint="Nothing could go out under it. Write a later day for `expires`.",
        )


def check_policy(text: str, *, name: str) -> tuple[str, ...]:
    """What a policy document says, in plain words.

    Raises:
        DocumentError: It is malformed or says something it may not; with line.
    """
    return tuple(policy.describe(_compile(text, name=name)))


def list_rules() -> tuple[tuple[str, str, str], ...]:
    """Every rule kind: name, of whom it is asked, what it does."""
    return tuple(
        (kind.name, _asked_of(kind), kind.summary) for kind in consortium_policies.rules().kinds
    )


def _asked_of(kind: RuleKind) -> str:
    match kind:
        case GrantKind():
            return "the partner who would speak"
        case GuardKind():
            return "every partner of the person"
        case WishKind():
            return "the recipient"


class Policies:
    """The send policies of an open consortium."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def set(self, signed_text: str, *, name: str = "the policy") -> PolicyView:
        """Put a signed policy in force.

        Under one that asks for each campaign's approval, the host keeps no key to the partner's
        rows: standing wraps that it was lent under an earlier one are dropped.

        Args:
            signed_text: What the partner's `sign_policy` gave.
            name: What errors call the document.

        Raises:
            EvidenceError: Not signed by an admitted partner for this consortium, or altered.
            DocumentError: The document says something it may not.
            NotFound: It speaks for a partner that was not admitted.
            StateConflict: It is in force already, or an older one that was replaced.
            UsageError: Its last day has passed.
        """
        with self._context.database.read() as tx:
            records = partners.all(tx)
        slug = _named_in(signed_text, name)
        record = next((r for r in records if r.card.slug == slug), None)
        if record is None:
            raise NotFound(
                f"{name} is signed by {slug[:32]}, which is not a partner here",
                hint="Admit it first: consortium partner add CARD",
            )
        verifier = signed.partner_verifier(record.card)
        text = signed.open_document(
            "policy", signed_text, origin=self._context.card.origin, verifier=verifier
        )
        read = _compile(text, name=name)
        if read.partner != record.card.slug:
            raise EvidenceError(f"{name} is for {read.partner} and signed by {record.card.slug}")
        refuse_expired(read.document, name=name, now=self._context.clock.now())
        digest, signature = policy.digest(text.encode()), note.signature_of(signed_text, verifier)
        with self._context.database.write() as tx:
            now = self._context.clock.now()
            version = policies.next_version(tx, record.id)
            entry = ledger.append(
                tx,
                entries.policy_set(
                    record.card.slug, version=version, digest=digest, signature=signature, at=now
                ),
            )
            policies.set(
                tx,
                record.id,
                document=text,
                digest=digest,
                signature=signature,
                at=now,
                entry=entry,
            )
            lent = campaigns.upload_digests(tx, record.id)
        if read.approval != "standing":
            for upload in lent:
                self._context.wraps.drop(STANDING, upload=upload)
        return self.show(record.card.slug)

    def show(self, partner: str) -> PolicyView:
        """The policy of a partner that is in force.

        Raises:
            NotFound: No such partner, or it has no policy.
        """
        with self._context.database.read() as tx:
            record = partners.get(tx, PartnerSlug(partner))
            current = policies.current_of(tx, record.id)
        if current is None:
            raise NotFound(
                f"{partner} has no policy yet, so nothing goes out in its name",
                hint="consortium policy set FILE.signed",
            )
        return PolicyView(
            partner=record.card.slug,
            version=current.version,
            set_at=current.set_at,
            digest_hex=current.digest.hex(),
            document=current.document,
            sentences=check_policy(current.document, name=f"{partner}'s policy"),
        )


def _named_in(signed_text: str, name: str) -> str:
    """Whose signature a signed text says it carries; that it does is checked afterwards."""
    block = signed_text.rpartition("\n\n")[2]
    found = re.match(r"— (\S+) \S+\n", block)
    if found is None:
        raise EvidenceError(
            f"{name} is not signed", hint="The partner signs it: consortium policy sign FILE"
        )
    return found[1]
