"""The partner's side: a list checked, normalised, signed and encrypted on its own machine.

`check` says what is in a list and what packing it would attest; `pack` does it. Both read the list
in a stream, under the consortium's normalisation profile, and need neither host nor database.
"""

from consortium.pack.check import check
from consortium.pack.diff import PackDiff, diff
from consortium.pack.drafts import draft_mapping, write_draft
from consortium.pack.layout import Confidence, Role
from consortium.pack.mapping import MappingDocument, Stated, parse_attest
from consortium.pack.pack import PackResult, pack
from consortium.pack.problems import CODES, Flaw, RejectedRow, default_path, write_problems
from consortium.pack.recognition import layout_names
from consortium.pack.record_ids import RecordIdSealer, open_record_id
from consortium.pack.report import (
    Attested,
    CheckReport,
    Hint,
    SentColumn,
    UnknownWord,
    WorthFixing,
)

__all__ = [
    "CODES",
    "Attested",
    "CheckReport",
    "Confidence",
    "Flaw",
    "Hint",
    "MappingDocument",
    "PackDiff",
    "PackResult",
    "RecordIdSealer",
    "RejectedRow",
    "Role",
    "SentColumn",
    "Stated",
    "UnknownWord",
    "WorthFixing",
    "check",
    "default_path",
    "diff",
    "draft_mapping",
    "layout_names",
    "open_record_id",
    "pack",
    "parse_attest",
    "write_draft",
    "write_problems",
]
