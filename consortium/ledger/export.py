"""Handing out the whole ledger: a folder that anybody can check with Python and OpenSSL alone.

    README.txt               what this is and how to check it
    verify.py                the checker, `consortium.ledger.verify_export`
    keys.txt                 public keys as C2SP vkeys: ledger, coordinator, then each partner
    entries.jsonl            one canonical entry per line; line 1 is entry 0
    leaves/12.jsonl          one canonical leaf per line, below the batch entry 12
    checkpoints/42.txt       every checkpoint ever signed; the last covers all entries
    proofs/m-1182.leaf-proof     proofs that somebody asked for
    documents/<SHA-256>.toml     policies and campaigns that entries name, as signed
    documents/<SHA-256>.note     partners' signed answers, where they may be shown

Format: docs/formats/ledger-export.md. The folder is written beside its final place and renamed at
the end, so that a cut-off export is never taken for a whole one.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import shutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from consortium.errors import BadFile, EvidenceError, StateConflict
from consortium.ledger import canonical, entries, kinds, note, verify_export
from consortium.ledger.proof import EntryProof, LeafProof
from consortium.types import EntryIndex, Fingerprint

__all__ = ["Checked", "Contents", "verify", "write"]

_PROOF_NAME = re.compile(r"[a-z0-9-]{1,80}")
_README = """\
The ledger of {origin}: {entries} entries.

Each line of entries.jsonl is one fact: who joined, which list was added or
withdrawn, which policy came into force, what was planned, sent and answered.
There is no address, telephone number or person's name in here, nor a hash of
one without a secret salt.

To check it (Python 3.9 or newer, OpenSSL 3.0 or newer, nothing else):

    python3 verify.py

It recomputes every hash and checks every signature. Better still, take
verify.py from somewhere other than this folder, and give it the fingerprints
that the parties told you themselves, one "name fingerprint" to a line:

    python3 verify.py --fingerprints told-by-phone.txt

What it cannot show: whether anything was left out before it was recorded, or
whether another history was signed for somebody else. For that, compare the
files in checkpoints/ with those that the partners have kept.
"""


@dataclass(frozen=True, slots=True)
class Contents:
    """What goes into an export.

    Attributes:
        entries: Canonical bytes of every entry, in order.
        leaves: Canonical bytes of the leaves below a batch entry, in order.
        checkpoints: Signed notes by size; one must cover all entries.
        proofs: By file name without its ending (`m-1182`).
        documents: Documents that entries name by SHA-256: policies and campaigns as they were
            signed, answers as whole signed notes. One that no entry names is left out. The caller
            sees to it that they hold nothing personal.
    """

    entries: Iterable[bytes]
    leaves: Callable[[EntryIndex], Iterable[bytes]]
    checkpoints: Mapping[int, str]
    proofs: Mapping[str, EntryProof | LeafProof] = field(default_factory=dict)
    documents: Iterable[bytes] = ()


def write(directory: Path, contents: Contents) -> int:
    """Write an export; what it holds is not judged here, that is what `verify` is for.

    Args:
        directory: Must not exist; its parent must.
        contents: What goes in.

    Returns:
        How many entries it has.

    Raises:
        StateConflict: The directory exists.
        BadFile: It cannot be written.
        EvidenceError: There are no entries, one is malformed, or a proof's name is.
    """
    part = directory.with_name(f".{directory.name[:200]}.{secrets.token_hex(8)}.part")
    if directory.exists() or directory.is_symlink():
        raise StateConflict(
            f"{directory.name} exists already", hint="Choose another name; nothing is overwritten."
        )
    try:
        part.mkdir()
        try:
            count = _fill(part, contents)
            part.rename(directory)
        finally:
            shutil.rmtree(part, ignore_errors=True)
    except OSError as error:
        raise BadFile(
            f"cannot write the export {directory.name}",
            hint="Check that its parent folder exists and has space.",
        ) from error
    return count


@dataclass(slots=True)
class _Seen:
    """What the entries said of the rest of the export, while they went by."""

    count: int = 0
    origin: str = ""
    keys: list[note.Verifier] = field(default_factory=list)
    forms: dict[str, str] = field(default_factory=dict)

    def take(self, entry: Mapping[str, Any]) -> None:
        self.count += 1
        self.keys += _keys(entry)
        if entry["kind"] == "consortium_created":
            self.origin = entry["origin"]
        if entry["kind"] in verify_export.DOCUMENTS:
            self.forms[entry["digest"]] = verify_export.DOCUMENTS[entry["kind"]][2]


def _fill(part: Path, contents: Contents) -> int:
    for folder in ("leaves", "checkpoints", "proofs", "documents"):
        (part / folder).mkdir()
    seen = _entries(part, contents)
    if not seen.count:
        raise EvidenceError("a ledger without entries cannot be exported")
    _text(part / "keys.txt", "".join(f"{key.vkey}\n" for key in seen.keys))
    for size, signed in contents.checkpoints.items():
        _text(part / f"checkpoints/{size}.txt", signed)
    for name, proof in contents.proofs.items():
        if not _PROOF_NAME.fullmatch(name):
            raise EvidenceError("the name of a proof is of small letters, digits and hyphens")
        ending = "leaf-proof" if isinstance(proof, LeafProof) else "tlog-proof"
        _text(part / f"proofs/{name}.{ending}", proof.encode())
    for document in contents.documents:
        digest = hashlib.sha256(document).hexdigest()
        if digest in seen.forms:
            (part / f"documents/{digest}.{seen.forms[digest]}").write_bytes(document)
    _text(part / "README.txt", _README.format(origin=seen.origin, entries=f"{seen.count:,}"))
    shutil.copyfile(verify_export.__file__, part / "verify.py")
    return seen.count


def _entries(part: Path, contents: Contents) -> _Seen:
    seen = _Seen()
    with (part / "entries.jsonl").open("wb") as file:
        for index, data in enumerate(contents.entries):
            entry = entries.check(canonical.decode(data))
            file.write(data + b"\n")
            seen.take(entry)
            if entry["kind"] in kinds.BATCHES:
                _lines(part / f"leaves/{index}.jsonl", contents.leaves(EntryIndex(index)))
    return seen


def _keys(entry: Mapping[str, Any]) -> list[note.Verifier]:
    if entry["kind"] == "consortium_created":
        origin = entry["origin"]
        return [
            note.Verifier(origin, bytes.fromhex(entry["ledger_key"])),
            note.Verifier(f"{origin}/coordinator", bytes.fromhex(entry["coordinator_key"])),
        ]
    if entry["kind"] == "partner_admitted":
        return [note.Verifier(entry["partner"], bytes.fromhex(entry["sign_key"]))]
    return []


def _lines(path: Path, lines: Iterable[bytes]) -> None:
    with path.open("wb") as file:
        file.writelines(line + b"\n" for line in lines)


def _text(path: Path, text: str) -> None:
    path.write_bytes(text.encode())


@dataclass(frozen=True, slots=True)
class Checked:
    """What `verify` has checked.

    Attributes:
        origin: Which ledger.
        entries, batches, leaves, checkpoints, proofs, documents: How many of each.
        fingerprints: Of the consortium (under its origin) and of each partner, to be compared with
            what they say themselves.
    """

    origin: str
    entries: int
    batches: int
    leaves: int
    checkpoints: int
    proofs: int
    documents: int
    fingerprints: Mapping[str, Fingerprint]


def _signature_holds(public: bytes, message: bytes, signature: bytes) -> bool:
    try:
        note.Verifier("key", public).check(message.decode(), signature)
    except (EvidenceError, UnicodeDecodeError):
        return False
    return True


def verify(directory: Path, *, fingerprints: Mapping[str, str] | None = None) -> Checked:
    """Check an export: the same code as its `verify.py`, with this library's signatures.

    Args:
        directory: The export.
        fingerprints: By name, from outside the export; None leaves the keys uncompared.

    Raises:
        EvidenceError: Something does not hold; the message says what and where.
        BadFile: It is no export, or a file cannot be read.
    """
    if not (directory / "entries.jsonl").is_file():
        raise BadFile(
            f"{directory.name or directory} is not an exported ledger",
            hint="Name the folder that holds entries.jsonl.",
        )
    told = None if fingerprints is None else dict(fingerprints)
    try:
        found = verify_export.verify(directory, fingerprints=told, check=_signature_holds)
    except verify_export.Failure as failure:
        raise EvidenceError(
            f"the export does not verify: {failure}",
            hint="It was altered or damaged; ask for it again, and keep this one.",
        ) from failure
    except OSError as error:
        raise BadFile("a file of the export cannot be read", hint="Check its mode.") from error
    return Checked(**found)
