"""The ledger, on the host: checkpoints, exports; and verifying an export anywhere."""

from __future__ import annotations

from pathlib import Path

from consortium import audit
from consortium.app.context import Context
from consortium.app.keyring import ledger_signer
from consortium.audit import Checked, ExportResult
from consortium.ledger import checkpoint as checkpoints
from consortium.store import ledger
from consortium.store.ledger import CheckpointRecord

__all__ = ["Ledger", "verify_export"]


class Ledger:
    """The ledger of an open consortium."""

    def __init__(self, context: Context) -> None:
        self._context = context

    @property
    def size(self) -> int:
        """How many entries there are."""
        with self._context.database.read() as tx:
            return ledger.size(tx)

    def checkpoint(self) -> CheckpointRecord:
        """Sign the ledger as it is now; the same one again if nothing was added since.

        Raises:
            KeyFailure: The ledger key does not open.
        """
        context = self._context
        signer = ledger_signer(context)
        with context.database.write() as tx:
            latest = ledger.latest_checkpoint(tx)
            size = ledger.size(tx)
            if latest is not None and latest.size == size:
                return latest
            state = checkpoints.Checkpoint(context.card.origin, size, ledger.root(tx))
            ledger.save_checkpoint(
                tx, checkpoints.sign(state, [signer]), at_size=size, at=context.clock.now()
            )
            kept = ledger.latest_checkpoint(tx)
            assert kept is not None
            return kept

    def export(self, directory: Path) -> ExportResult:
        """Write everything an auditor needs into a new folder, under a checkpoint of now.

        Raises:
            StateConflict: The folder exists already.
            BadFile: It cannot be written.
            KeyFailure: The ledger key does not open.
        """
        self.checkpoint()
        return audit.export(self._context.database, directory)


def verify_export(directory: Path, *, fingerprints: Path | None = None) -> Checked:
    """Verify an exported folder; needs no home, no keys, no database.

    Args:
        directory: The export.
        fingerprints: What the auditor was told by telephone or on paper; see
            docs/formats/ledger-export.md. None: the keys are shown, not checked.

    Raises:
        EvidenceError: Something does not hold; says what.
        BadFile: The folder cannot be read.
    """
    return audit.verify(directory, fingerprints=fingerprints)
