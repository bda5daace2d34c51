"""Reports, on the host: a campaign as it stands, and the way of one message."""

from __future__ import annotations

from pathlib import Path

from consortium import report
from consortium.app.context import Context
from consortium.campaign import document
from consortium.errors import BadFile
from consortium.ledger.proof import LeafProof
from consortium.report import CampaignReport, Provenance
from consortium.store import campaigns
from consortium.vault import signed

__all__ = ["Reports"]


class Reports:
    """The reports of an open consortium."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def campaign(self, name: str) -> CampaignReport:
        """What went out, in whose name, and why the others got none.

        Raises:
            NotFound: There is no such campaign.
        """
        return report.campaign_report(self._context.database, name)

    def campaign_html(self, name: str) -> str:
        """The same as one self-contained page, times in the campaign's zone.

        Raises:
            NotFound: There is no such campaign.
        """
        with self._context.database.read() as tx:
            text = campaigns.get(tx, name).document
        zone = document.parse(text, name=name).window.zone
        return report.campaign_html(
            self.campaign(name), zone=zone, made_at=self._context.clock.now()
        )

    def provenance(self, message: str) -> Provenance:
        """Where a message came from, every fact proved against the newest checkpoint.

        Args:
            message: Its name, `m-1182`: on the screens, and in the message's Message-ID.

        Raises:
            NotFound: There is no such message.
            StateConflict: No checkpoint covers it yet.
            EvidenceError: A proof does not verify.
        """
        card = self._context.card
        return report.provenance(
            self._context.database,
            message,
            origin=card.origin,
            verifier=signed.ledger_verifier(card),
        )

    def write_proofs(self, found: Provenance, directory: Path) -> tuple[Path, ...]:
        """Write each step's proof into a folder, for `verify.py` or any C2SP client.

        Raises:
            BadFile: The folder cannot be written.
        """
        files = []
        try:
            directory.mkdir(parents=True, exist_ok=True)
            for step in found.steps:
                ending = "leaf-proof" if isinstance(step.proof, LeafProof) else "tlog-proof"
                file = directory / f"{step.name}.{ending}"
                file.write_text(step.proof.encode(), encoding="utf-8")
                files.append(file)
        except OSError as error:
            raise BadFile(
                f"the folder {directory.name} cannot be written", hint="Name another folder."
            ) from error
        return tuple(files)
