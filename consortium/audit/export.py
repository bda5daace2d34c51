"""Handing the ledger out: everything in it, and the signed documents that its entries name.

Nothing personal is in an export: entries and leaves hold none, and the documents are policies and
campaigns as their authors signed them. Layout: docs/formats/ledger-export.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from consortium.ledger import export as exports
from consortium.store import campaigns, ledger, partners, policies
from consortium.store.engine import Database, Tx

__all__ = ["ExportResult", "export"]


@dataclass(frozen=True, slots=True)
class ExportResult:
    """What was written: where, how many entries, under a checkpoint of how many."""

    directory: Path
    entries: int
    checkpoint: int


def export(database: Database, directory: Path) -> ExportResult:
    """Write an export; the newest checkpoint must cover the whole ledger.

    Args:
        database: Where the ledger is.
        directory: Must not exist; its parent must.

    Raises:
        StateConflict: The directory exists.
        BadFile: It cannot be written.
    """
    with database.read() as tx:
        signed = {record.size: record.note for record in ledger.checkpoints(tx)}
        contents = exports.Contents(
            entries=ledger.entries(tx, 0, max(signed, default=0)),
            leaves=lambda index: ledger.leaves(tx, index),
            checkpoints=signed,
            documents=list(_documents(tx)),
        )
        count = exports.write(directory, contents)
    return ExportResult(directory=directory, entries=count, checkpoint=max(signed, default=0))


def _documents(tx: Tx) -> Iterator[bytes]:
    for partner in partners.all(tx):
        for policy in policies.history(tx, partner.id):
            yield policy.document.encode()
    for campaign in campaigns.all_of(tx):
        yield campaign.document.encode()
        for answer in campaigns.latest_answers(tx, campaign.id).values():
            if answer.approved:  # a decline has a reason in its author's own words
                yield answer.document.encode()
