"""Audit: the ledger handed out, and checked by whoever gets it."""

from consortium.audit.export import ExportResult, export
from consortium.audit.verify import Checked, verify

__all__ = ["Checked", "ExportResult", "export", "verify"]
