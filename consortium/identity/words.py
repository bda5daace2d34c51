"""Whose word something is about rows: the operator's, or an owner's in a document that it signs.

An owner's word is believed for its signature alone, under the key of the card with which the owner
was admitted; the document names the owner once more, and both must agree. The operator's word has
no document: it is said on the host, under the operator's passphrase.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Annotated, Final, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, StringConstraints

from consortium import documents
from consortium.errors import EvidenceError
from consortium.ledger import note
from consortium.model import ConsortiumCard
from consortium.store import partners
from consortium.store.engine import Tx
from consortium.types import PartnerSlug
from consortium.vault import signed

__all__ = ["OPERATORS", "Word", "WordDocument", "digest_of", "open_word"]


class WordDocument(BaseModel):
    """What an owner says, before it is signed.

    Attributes:
        partner: Whose word it is.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    partner: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{1,31}$")]


_Document = TypeVar("_Document", bound=WordDocument)


@dataclass(frozen=True, slots=True)
class Word:
    """Who says something, and the signed note it stands in; the operator's has neither.

    Attributes:
        partner, partner_id: The owner.
        digest: SHA-256 of the whole note.
        signature: The owner's Ed25519 signature over its text, 64 bytes.
    """

    partner: PartnerSlug | None = None
    partner_id: int | None = None
    digest: bytes | None = None
    signature: bytes | None = None

    @property
    def by(self) -> Literal["partner", "operator"]:
        """The role that says it."""
        return "operator" if self.partner is None else "partner"


OPERATORS: Final = Word()
"""The operator's word."""


def digest_of(text: str) -> bytes:
    """SHA-256 of a signed note: by this it is known."""
    return hashlib.sha256(text.encode()).digest()


def open_word(
    tx: Tx, text: str, *, kind: str, model: type[_Document], card: ConsortiumCard, name: str
) -> tuple[_Document, Word]:
    """An owner's document and whose word it is, both checked.

    Args:
        tx: A transaction.
        text: The signed note.
        kind: What such a document is called.
        model: What it must be.
        card: The consortium's card.
        name: What messages call the document.

    Raises:
        EvidenceError: Not signed by the partner it names, or altered.
        DocumentError: It is malformed.
        NotFound: No such partner.
    """
    slug = _signer_of(text, name)
    partner = partners.get(tx, slug)
    verifier = signed.partner_verifier(partner.card)
    body = signed.open_document(kind, text, origin=card.origin, verifier=verifier)
    document = documents.parse(body, name=name, model=model)
    if document.partner != slug:
        raise EvidenceError(f"{name} speaks for {document.partner} and is signed by {slug}")
    signature = note.signature_of(text, verifier)
    return document, Word(slug, partner.id, digest_of(text), signature)


def _signer_of(text: str, name: str) -> PartnerSlug:
    """Whose signature a note says it carries; that it does is checked afterwards."""
    found = re.match(r"— ([a-z][a-z0-9-]{1,31}) \S+\n", text.rpartition("\n\n")[2])
    if found is None:
        raise EvidenceError(
            f"{name} is not signed by a partner",
            hint="The partner makes it: consortium merge answer",
        )
    return PartnerSlug(found[1])
