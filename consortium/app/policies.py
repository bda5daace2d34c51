"""Send policies, on the host: put in force, shown."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from consortium import policy
from consortium.app.context import Context
from consortium.app.rules import check_policy, compile_policy, refuse_expired
from consortium.errors import EvidenceError, NotFound
from consortium.ledger import entries, note
from consortium.store import campaigns, ledger, partners, policies
from consortium.types import PartnerSlug
from consortium.vault import signed
from consortium.vault.wraps import STANDING

__all__ = ["Policies", "PolicyView"]


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
        read = compile_policy(text, name=name)
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
