"""Signed documents: policies, requests for approval, answers; as C2SP signed notes.

The signed text is one line that says what it is and for which consortium, then the document as
its author wrote it:

    # consortium policy v1 for example.org/portland
    policy = 1
    ...

    — nurses Az3grlgt…

So a policy never passes for an answer, nor one consortium's for another's. The first line is a
comment in TOML, so the file stays readable as what it is. Line ends become LF and a missing last
newline is added before signing; nothing else of the text is changed.

A partner signs under its slug, the coordinator under `ORIGIN/coordinator`, the ledger under
`ORIGIN`. Format: docs/formats/signed-documents.md.
"""

from __future__ import annotations

import re

from consortium.errors import EvidenceError, UsageError
from consortium.ledger import note
from consortium.model import ConsortiumCard, PartnerCard
from consortium.types import PartnerSlug

__all__ = [
    "coordinator_signer",
    "coordinator_verifier",
    "ledger_signer",
    "ledger_verifier",
    "open_document",
    "partner_signer",
    "partner_verifier",
    "sign_document",
]

_KIND = re.compile(r"[a-z][a-z-]{0,31}")
_FIRST_LINE = re.compile(r"# consortium ([a-z][a-z-]{0,31}) v([0-9]{1,6}) for (\S+)")


def sign_document(kind: str, text: str, *, origin: str, signer: note.Signer) -> str:
    """Sign a document.

    Args:
        kind: What it is, e.g. `policy`, `request`, `answer`.
        text: The document.
        origin: The consortium it is for.
        signer: Who signs.

    Returns:
        The note, to be written as UTF-8 without newline translation.

    Raises:
        UsageError: The text cannot be signed (a control character, say; names the line).
    """
    if not _KIND.fullmatch(kind):
        raise UsageError(f'"{kind}" is not a kind of signed document')
    body = text.replace("\r\n", "\n")
    if not body.endswith("\n"):
        body += "\n"
    # The document is checked alone first, so that a fault's line number is the author's.
    note.sign(body, [signer])
    return note.sign(f"{_first_line(kind, origin)}\n{body}", [signer])


def open_document(kind: str, signed: str, *, origin: str, verifier: note.Verifier) -> str:
    """The document of a note, as it was signed.

    Args:
        kind: What it must be.
        signed: The note.
        origin: The consortium it must be for.
        verifier: Who must have signed.

    Raises:
        EvidenceError: Malformed, altered, signed by somebody else, of another kind or version, or
            for another consortium.
    """
    text, _ = note.open(signed, [verifier])
    first, _, body = text.partition("\n")
    found = _FIRST_LINE.fullmatch(first)
    if found is None:
        raise EvidenceError(f'the signed text does not say that it is of the kind "{kind}"')
    if found[1] != kind:
        raise EvidenceError(
            f'the text was signed as "{found[1]}", not as "{kind}"',
            hint="It is another file than this command takes: see its --help.",
        )
    if found[2] != "1":
        raise EvidenceError(
            f"the {kind} is of a version this program does not know", hint="Update consortium."
        )
    if found[3] != origin or first != _first_line(kind, origin):
        raise EvidenceError(
            f"the {kind} was signed for another consortium",
            hint=f"Ask for one that is signed for {origin}",
        )
    return body


def partner_signer(slug: PartnerSlug, *, sign_key: bytes) -> note.Signer:
    """The signer of a partner's documents; `sign_key` is its private `sign` key."""
    return note.Signer.from_secret(slug, sign_key)


def partner_verifier(card: PartnerCard) -> note.Verifier:
    """Checks a partner's documents."""
    return note.Verifier(card.slug, card.sign_key)


def coordinator_signer(origin: str, *, coordinator_key: bytes) -> note.Signer:
    """The signer of requests; `coordinator_key` is the private `coordinator` key."""
    return note.Signer.from_secret(f"{origin}/coordinator", coordinator_key)


def coordinator_verifier(card: ConsortiumCard) -> note.Verifier:
    """Checks requests."""
    return note.Verifier(f"{card.origin}/coordinator", card.coordinator_key)


def ledger_signer(origin: str, *, ledger_key: bytes) -> note.Signer:
    """The signer of checkpoints and of the consortium's card."""
    return note.Signer.from_secret(origin, ledger_key)


def ledger_verifier(card: ConsortiumCard) -> note.Verifier:
    """Checks checkpoints and the consortium's card."""
    return note.Verifier(card.origin, card.ledger_key)


def _first_line(kind: str, origin: str) -> str:
    return f"# consortium {kind} v1 for {origin}"
