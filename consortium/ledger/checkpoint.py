"""A checkpoint: how long the ledger is and which root that gives, signed (C2SP tlog-checkpoint).

    consortium.example/oregon
    42
    CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

    — consortium.example/oregon Az3grlgt…

The text is three lines: origin, size, root. Extension lines are refused. The key's name is the
origin, so that a signature for one ledger says nothing about another. Whoever keeps a checkpoint
can later demand a proof that the ledger still begins with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from consortium.errors import EvidenceError
from consortium.ledger import grammar, note
from consortium.ledger.merkle import HASH_BYTES
from consortium.ledger.strict import from_decimal, hash_from_base64, to_base64

__all__ = ["Checkpoint", "decode", "encode", "open", "sign"]


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The state of a ledger.

    Attributes:
        origin: Which ledger.
        size: How many entries.
        root: RFC 6962 root over them, 32 bytes.
    """

    origin: str
    size: int
    root: bytes

    def __post_init__(self) -> None:
        if not grammar.is_a("origin", self.origin):
            raise EvidenceError("the origin of a checkpoint is not of the form host/path")
        if not 0 <= self.size < 1 << 63 or len(self.root) != HASH_BYTES:
            raise EvidenceError("the size or the root of a checkpoint is malformed")


def encode(checkpoint: Checkpoint) -> str:
    """The three lines, unsigned."""
    return f"{checkpoint.origin}\n{checkpoint.size}\n{to_base64(checkpoint.root)}\n"


def decode(text: str) -> Checkpoint:
    """The checkpoint of three lines, in their one spelling.

    Raises:
        EvidenceError: Malformed.
    """
    lines = text.split("\n")
    if len(lines) != 4 or lines[3]:  # noqa: PLR2004 - three lines, each with its newline
        raise EvidenceError("a checkpoint is not of three lines")
    return Checkpoint(lines[0], from_decimal(lines[1]), hash_from_base64(lines[2]))


def sign(checkpoint: Checkpoint, signers: Sequence[note.Signer]) -> str:
    """The signed note of a checkpoint.

    Raises:
        EvidenceError: A signer's name is not the origin.
    """
    if any(signer.name != checkpoint.origin for signer in signers):
        raise EvidenceError("a checkpoint is signed under the name of its origin")
    return note.sign(encode(checkpoint), signers)


def open(signed: str, *, origin: str, verifiers: Iterable[note.Verifier]) -> Checkpoint:  # noqa: A001 - read as checkpoint.open
    """The checkpoint of a signed note.

    Args:
        signed: The note.
        origin: The ledger it must be of.
        verifiers: Trusted keys of that ledger; those of another name do not count.

    Raises:
        EvidenceError: Malformed, of another ledger, or not signed by its key.
    """
    text, _ = note.open(signed, [v for v in verifiers if v.name == origin])
    checkpoint = decode(text)
    if checkpoint.origin != origin:
        raise EvidenceError("the checkpoint is of another ledger")
    return checkpoint
