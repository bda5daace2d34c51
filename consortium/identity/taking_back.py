"""Taking back that rows are two people: whoever said so may, and nobody else.

A mistaken never-merge would hold for ever, over every later list. What is taken back is a whole
decision (`identity.decisions`), named by its ledger entry, with everything that was carried over
from it to newer uploads. The operator takes back the operator's, a partner its own, in a document
that it signs and that names the one it signed before. From the next merge on all is as if it had
never been said: the rows that it held apart are judged anew. A word that was taken back cannot be
brought again, only said anew.

Recorded as an entry of the ledger that names the entry it takes back; both stay.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, StringConstraints

from consortium import documents
from consortium.clock import Clock
from consortium.errors import EvidenceError, NotFound, PolicyRefused, UsageError
from consortium.identity.decisions import KIND as NEVER
from consortium.identity.decisions import signer_of
from consortium.ledger import entries, note
from consortium.model import ConsortiumCard
from consortium.store import decisions, partners
from consortium.store.decisions import DecisionRecord
from consortium.store.engine import Database, Tx
from consortium.types import EntryIndex, PartnerSlug
from consortium.vault import signed

__all__ = ["KIND", "AgainDocument", "TakenBack", "record_again", "sign_again", "take_back"]

KIND: Final = "never-merge-again"
"""What an owner's signed document is called."""


class AgainDocument(BaseModel):
    """An owner's word that it takes another back, before it is signed.

    Attributes:
        again: Version of the document format.
        partner: Whose word it is.
        answer: SHA-256 of the signed document that is taken back.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    again: Literal[1]
    partner: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{1,31}$")]
    answer: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


@dataclass(frozen=True, slots=True)
class TakenBack:
    """What became of it.

    Attributes:
        pairs: How many pairs the word was of.
        word: The entry that recorded the word.
        entry: The entry that takes it back; None if another did before.
    """

    pairs: int
    word: EntryIndex
    entry: EntryIndex | None


def sign_again(answer: str, *, partner: PartnerSlug, origin: str, sign_key: bytes) -> str:
    """An owner's signed word that an earlier one of its own holds no more.

    Args:
        answer: The signed document that is taken back.
        partner, origin: The owner, and the consortium it is for.
        sign_key: The owner's private `sign` key.

    Raises:
        EvidenceError: That is no word of this owner's that rows are two people.
    """
    signer = signed.partner_signer(partner, sign_key=sign_key)
    signed.open_document(NEVER, answer, origin=origin, verifier=signer.verifier)
    digest = hashlib.sha256(answer.encode()).hexdigest()
    text = f'again = 1\npartner = "{partner}"\nanswer = "{digest}"\n'
    return signed.sign_document(KIND, text, origin=origin, signer=signer)


def take_back(database: Database, entry: int, *, clock: Clock) -> TakenBack:
    """Take back the operator's word.

    Args:
        database: The store.
        entry: The ledger entry that recorded it.
        clock: What time it is.

    Raises:
        NotFound: No decision is recorded there.
        UsageError: It only carries another one over.
        PolicyRefused: It is a partner's word.
    """
    with database.write() as tx:
        found = next((d for d in decisions.all_of(tx) if d.entry == entry), None)
        if found is None:
            raise NotFound(
                f"ledger entry {entry} does not say that rows are two people",
                hint="See: consortium merge list",
            )
        if found.follows is not None:
            raise UsageError(
                f"entry {entry} carries entry {found.follows} over to a newer list",
                hint=f"Take that one back, and both go: consortium merge again {found.follows}",
            )
        if found.partner is not None:
            raise PolicyRefused(
                f"entry {entry} is the word of {found.partner}, who alone takes it back",
                hint=f"Ask {found.partner} for: consortium merge answer FILE.signed --again",
            )
        return _take_back(tx, found, signature=None, digest=None, partner_id=None, clock=clock)


def record_again(
    database: Database, text: str, *, card: ConsortiumCard, clock: Clock, name: str
) -> TakenBack:
    """Record that an owner takes its own word back.

    Args:
        database: The store.
        text: The signed note.
        card: The consortium's card.
        clock: What time it is.
        name: What messages call the document.

    Raises:
        EvidenceError: Not signed by the partner it names, or altered.
        DocumentError: It is malformed.
        NotFound: No such partner; or what it takes back was never recorded.
    """
    slug = signer_of(text, name)
    with database.write() as tx:
        partner = partners.get(tx, slug)
        verifier = signed.partner_verifier(partner.card)
        body = signed.open_document(KIND, text, origin=card.origin, verifier=verifier)
        document = documents.parse(body, name=name, model=AgainDocument)
        if document.partner != slug:
            raise EvidenceError(f"{name} speaks for {document.partner} and is signed by {slug}")
        wanted = bytes.fromhex(document.answer)
        found = next((d for d in decisions.all_of(tx) if d.digest == wanted), None)
        if found is None or found.partner != slug:
            raise NotFound(
                f"{name} takes back an answer of {slug} that was never recorded here",
                hint="Nothing holds because of it. See: consortium merge list",
            )
        return _take_back(
            tx,
            found,
            signature=note.signature_of(text, verifier),
            digest=hashlib.sha256(text.encode()).digest(),
            partner_id=partner.id,
            clock=clock,
        )


def _take_back(
    tx: Tx,
    found: DecisionRecord,
    *,
    signature: bytes | None,
    digest: bytes | None,
    partner_id: int | None,
    clock: Clock,
) -> TakenBack:
    if found.taken_back is not None:
        return TakenBack(found.pairs, found.entry, None)
    now = clock.now()
    entry = decisions.take_back(
        tx,
        found.id,
        said_by="operator" if found.partner is None else "partner",
        partner_id=partner_id,
        digest=digest,
        entry=entries.never_merge_taken_back(
            found.entry,
            by="operator" if found.partner is None else "partner",
            partner=found.partner,
            digest=digest,
            signature=signature,
            at=now,
        ),
        at=now,
    )
    return TakenBack(found.pairs, found.entry, entry)
