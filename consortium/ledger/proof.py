"""Proofs that travel: text files that show, offline, that something is in the ledger.

`EntryProof` is a C2SP tlog-proof (`.tlog-proof`): index, path, signed checkpoint. Its optional
`extra` line is refused, since nothing authenticates it.

`LeafProof` (`.leaf-proof`) shows one leaf of a batch without the others: leaf, path to the batch's
root, the entry that holds that root, and the entry's own proof.

    consortium/leaf-proof@v1
    leaf {"attempt":1,…}
    entry {"at":"2026-11-03T17:02:11Z",…}
    position 17
    B95lDa8R83lS8n0eG+o0buTxRKQTYFi//1U8anccXmA=

    c2sp.org/tlog-proof@v1
    index 41
    …

Both are read strictly: decoding, encoding again and comparing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from consortium.errors import EvidenceError
from consortium.ledger import canonical, entries, kinds, leaves, merkle, note
from consortium.ledger import checkpoint as checkpoints
from consortium.ledger.strict import from_decimal, hash_from_base64, to_base64

__all__ = ["EntryProof", "LeafProof"]

_ENTRY_HEADER = "c2sp.org/tlog-proof@v1"
_LEAF_HEADER = "consortium/leaf-proof@v1"
_MAX_PATH = 63


def _split(text: str, header: str, fields: int) -> tuple[list[str], list[bytes], str]:
    """The labelled lines after the header, the hashes, and what follows the blank line."""
    head, blank, rest = text.partition("\n\n")
    lines = head.split("\n")
    if not blank or lines[0] != header or len(lines) < fields + 1:
        raise EvidenceError("the proof is malformed, or of a version that is not known here")
    if len(lines) > fields + 1 + _MAX_PATH:
        raise EvidenceError("the proof is too long")
    path = [hash_from_base64(line) for line in lines[fields + 1 :]]
    return lines[1 : fields + 1], path, rest


def _value(line: str, label: str) -> str:
    found, _, value = line.partition(" ")
    if found != label:
        raise EvidenceError(f'the proof lacks its "{label}" line')
    return value


def _path(hashes: Iterable[bytes]) -> str:
    return "".join(f"{to_base64(value)}\n" for value in hashes)


@dataclass(frozen=True, slots=True)
class EntryProof:
    """An entry is in the ledger.

    Attributes:
        index: The entry's index.
        path: Hashes from its sibling to the root's child.
        checkpoint: The signed note.
    """

    index: int
    path: tuple[bytes, ...]
    checkpoint: str

    def encode(self) -> str:
        """The text of a `.tlog-proof` file."""
        return f"{_ENTRY_HEADER}\nindex {self.index}\n{_path(self.path)}\n{self.checkpoint}"

    @classmethod
    def decode(cls, text: str) -> EntryProof:
        """The proof of a text; nothing is verified yet but its spelling.

        Raises:
            EvidenceError: Malformed, of another version, or with an `extra` line.
        """
        (index,), path, rest = _split(text, _ENTRY_HEADER, 1)
        return cls(from_decimal(_value(index, "index")), tuple(path), rest)

    def verify(
        self, data: bytes, *, origin: str, verifiers: Iterable[note.Verifier]
    ) -> checkpoints.Checkpoint:
        """Check that these bytes are the entry at this index, under a trusted checkpoint.

        Args:
            data: The entry's canonical bytes.
            origin: The ledger.
            verifiers: Trusted keys of that ledger.

        Returns:
            The checkpoint.

        Raises:
            EvidenceError: They are not.
        """
        head = checkpoints.open(self.checkpoint, origin=origin, verifiers=verifiers)
        merkle.verify_inclusion(
            merkle.leaf_hash(data),
            index=self.index,
            size=head.size,
            path=self.path,
            root=head.root,
        )
        return head


@dataclass(frozen=True, slots=True)
class LeafProof:
    """A leaf is in a batch, whose entry is in the ledger.

    Attributes:
        leaf, entry: Canonical bytes.
        position: The leaf's position in the batch, from 0.
        path: Hashes from its sibling to the batch root's child.
        proof: Of the entry.
    """

    leaf: bytes
    entry: bytes
    position: int
    path: tuple[bytes, ...]
    proof: EntryProof

    def encode(self) -> str:
        """The text of a `.leaf-proof` file."""
        return (
            f"{_LEAF_HEADER}\nleaf {self.leaf.decode()}\nentry {self.entry.decode()}\n"
            f"position {self.position}\n{_path(self.path)}\n{self.proof.encode()}"
        )

    @classmethod
    def decode(cls, text: str) -> LeafProof:
        """The proof of a text; nothing is verified yet but its spelling.

        Raises:
            EvidenceError: Malformed, or of another version.
        """
        (leaf, entry, position), path, rest = _split(text, _LEAF_HEADER, 3)
        try:
            data = _value(leaf, "leaf").encode(), _value(entry, "entry").encode()
        except UnicodeEncodeError as error:
            raise EvidenceError("the proof is not Unicode text") from error
        return cls(
            *data,
            from_decimal(_value(position, "position")),
            tuple(path),
            EntryProof.decode(rest),
        )

    def verify(
        self, *, origin: str, verifiers: Iterable[note.Verifier]
    ) -> tuple[Mapping[str, Any], Mapping[str, Any], checkpoints.Checkpoint]:
        """Check the whole way from the leaf to a trusted checkpoint.

        Returns:
            The leaf, the entry and the checkpoint.

        Raises:
            EvidenceError: A link is missing or wrong.
        """
        head = self.proof.verify(self.entry, origin=origin, verifiers=verifiers)
        entry = entries.check(canonical.decode(self.entry))
        if entry["kind"] not in kinds.BATCHES:
            raise EvidenceError("the entry of the proof is not one that has leaves")
        merkle.verify_inclusion(
            merkle.leaf_hash(self.leaf),
            index=self.position,
            size=int(str(entry["leaves"])),
            path=self.path,
            root=bytes.fromhex(str(entry["root"])),
        )
        return leaves.check(canonical.decode(self.leaf), batch=str(entry["kind"])), entry, head
