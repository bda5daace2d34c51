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

from dataclasses import dataclass
from typing import Annotated, Final, Literal

from pydantic import StringConstraints

from consortium.clock import Clock
from consortium.errors import NotFound, PolicyRefused, UsageError
from consortium.identity.decisions import KIND as NEVER
from consortium.identity.words import OPERATORS, Word, WordDocument, digest_of, open_word
from consortium.ledger import entries
from consortium.model import ConsortiumCard
from consortium.store import decisions
from consortium.store.decisions import DecisionRecord
from consortium.store.engine import Database, Tx
from consortium.types import EntryIndex, PartnerSlug
from consortium.vault import signed

__all__ = ["KIND", "TakenBack", "TakenBackDocument", "record", "sign", "take_back"]

KIND: Final = "never-merge-taken-back"
"""What an owner's signed document is called."""


class TakenBackDocument(WordDocument):
    """An owner's word that it takes another back (docs/formats/never-merge.md).

    Attributes:
        never_merge_taken_back: Version of the document format.
        answer: SHA-256 of the signed document that is taken back.
    """

    never_merge_taken_back: Literal[1]
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


def sign(answer: str, *, partner: PartnerSlug, origin: str, sign_key: bytes) -> str:
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
    lines = (
        "never_merge_taken_back = 1",
        f'partner = "{partner}"',
        f'answer = "{digest_of(answer).hex()}"',
        "",
    )
    return signed.sign_document(KIND, "\n".join(lines), origin=origin, signer=signer)


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
                hint=f"Take that one back, and both go: consortium merge take-back {found.follows}",
            )
        if found.partner is not None:
            raise PolicyRefused(
                f"entry {entry} is the word of {found.partner}, who alone takes it back",
                hint=f"Ask {found.partner} for: consortium merge answer FILE.signed --take-back",
            )
        return _take_back(tx, found, word=OPERATORS, clock=clock)


def record(
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
    with database.write() as tx:
        document, word = open_word(
            tx, text, kind=KIND, model=TakenBackDocument, card=card, name=name
        )
        wanted = bytes.fromhex(document.answer)
        found = next((d for d in decisions.all_of(tx) if d.digest == wanted), None)
        if found is None or found.partner != word.partner:
            raise NotFound(
                f"{name} takes back an answer of {word.partner} that was never recorded here",
                hint="Nothing holds because of it. See: consortium merge list",
            )
        return _take_back(tx, found, word=word, clock=clock)


def _take_back(tx: Tx, found: DecisionRecord, *, word: Word, clock: Clock) -> TakenBack:
    if found.taken_back is not None:
        return TakenBack(found.pairs, found.entry, None)
    now = clock.now()
    entry = decisions.take_back(
        tx,
        found.id,
        said_by=word.by,
        partner_id=word.partner_id,
        digest=word.digest,
        entry=entries.never_merge_taken_back(
            found.entry,
            by=word.by,
            partner=word.partner,
            digest=word.digest,
            signature=word.signature,
            at=now,
        ),
        at=now,
    )
    return TakenBack(found.pairs, found.entry, entry)
