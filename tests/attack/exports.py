"""A campaign's exported ledger, for forgers; and an auditor that has `verify.py` alone."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from consortium.ledger import checkpoint as checkpoints
from consortium.ledger import merkle, note
from consortium.ledger.export import Contents, write
from consortium.types import EntryIndex
from tests.attack.stage import NAME, Stage, people

SCRIPT = Path(checkpoints.__file__).with_name("verify_export.py")


@dataclass
class Exported:
    """An export of a finished campaign, and what somebody kept on the way.

    Attributes:
        stage: The host behind it.
        directory: The export.
        kept: The text of an earlier checkpoint, as a partner has kept it, and its size.
        told: Fingerprints by name, as told by telephone.
    """

    stage: Stage
    directory: Path
    kept: tuple[str, int]
    told: dict[str, str]


def exported(root: Path) -> Exported:
    """Two partners, a campaign sent, an opt-out, an export with a message's proofs in it."""
    stage = Stage.found(root)
    stage.join("nurses", people(1, 41))
    stage.join("teachers", people(31, 71))
    stage.host.merge()
    stage.host.campaigns.create(stage.campaign())
    early = stage.host.ledger.checkpoint()
    stage.approve("nurses", "teachers")
    stage.host.campaigns.plan(NAME)
    stage.send()
    stage.host.ledger.checkpoint()
    directory = stage.host.ledger.export(root / "export").directory
    stage.host.reports.write_proofs(stage.host.reports.provenance("m-1"), directory / "proofs")
    told: dict[str, str] = {card.slug: card.fingerprint for card in stage.host.partners.list()}
    told[stage.host.card.origin] = stage.host.card.fingerprint
    return Exported(stage, directory, (early.note, early.size), told)


def verify(
    directory: Path, *, told: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """What an auditor does: its own copy of the script, by itself, under a bare interpreter."""
    command = [sys.executable, "-I", str(SCRIPT), str(directory)]
    if told is not None:
        file = directory.with_suffix(".told")
        file.write_text("".join(f"{name} {words}\n" for name, words in told.items()))
        command += ["--fingerprints", str(file)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def entries_of(directory: Path) -> list[bytes]:
    """The lines of an export's ledger."""
    return (directory / "entries.jsonl").read_bytes().splitlines()


def leaves_of(directory: Path, index: int) -> list[bytes]:
    """The leaves below an entry."""
    file = directory / f"leaves/{index}.jsonl"
    return file.read_bytes().splitlines() if file.is_file() else []


def rewrite(
    source: Path,
    target: Path,
    *,
    entries: list[bytes],
    leaves: dict[int, list[bytes]],
    signer: note.Signer,
    origin: str,
    sizes: list[int],
) -> Path:
    """Another history, hashed and signed anew by whoever holds the ledger key."""
    hashes = [merkle.leaf_hash(entry) for entry in entries]
    signed = {
        size: checkpoints.sign(
            checkpoints.Checkpoint(origin, size, merkle.root(hashes[:size])), [signer]
        )
        for size in sizes
    }

    def below(index: EntryIndex) -> list[bytes]:
        return leaves[index]

    documents = [path.read_bytes() for path in sorted((source / "documents").iterdir())]
    write(target, Contents(entries=entries, leaves=below, checkpoints=signed, documents=documents))
    return target
