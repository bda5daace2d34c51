"""The tables: DESIGN's model as columns.

What is here in clear: tokens, places, dates and grounds of consent, states, counts. What is here
sealed: details, match blocks, record ids. What is never here: an address, a telephone number, a
name, a private key, a wrapped data key (those live in the wraps directory).

Every table name starts with `consortium_`, so that the tables can share a database with an
application's own. Instants are whole microseconds since 1970 UTC in a BIGINT (`Instant`): exact,
comparable, the same on SQLite and PostgreSQL. Days are ISO dates.

States are changed by `UPDATE … WHERE state = …` with the count checked; the words are those of
`consortium.model.kinds`.
"""

from __future__ import annotations

from consortium.store.tables.base import Instant, metadata
from consortium.store.tables.campaigns import Answer, Approval, Campaign, Plan
from consortium.store.tables.decisions import MergeBasis, NeverDecision, NeverPair
from consortium.store.tables.delivery import Attempt, FeedbackMail, Limit, Message
from consortium.store.tables.house import Partner, Policy, State
from consortium.store.tables.ledger import (
    Checkpoint,
    LedgerBatch,
    LedgerEntry,
    LedgerLeaf,
    LedgerNode,
)
from consortium.store.tables.lists import (
    ContactPoint,
    OptOut,
    RowContact,
    RowKey,
    SourceRow,
    Suppression,
    Upload,
)
from consortium.store.tables.persons import Membership, MergeRun, PersonRow
from consortium.store.tables.voters import (
    Place,
    PlaceSet,
    PlaceSetMember,
    ReturnedList,
    ReturnedVoter,
    VotedPoint,
    VoterHistory,
    VoterLicence,
    VoterLink,
    VoterLoad,
    VoterMatch,
    VoterRow,
)

__all__ = [
    "Answer",
    "Approval",
    "Attempt",
    "Campaign",
    "Checkpoint",
    "ContactPoint",
    "FeedbackMail",
    "Instant",
    "LedgerBatch",
    "LedgerEntry",
    "LedgerLeaf",
    "LedgerNode",
    "Limit",
    "Membership",
    "MergeBasis",
    "MergeRun",
    "Message",
    "NeverDecision",
    "NeverPair",
    "OptOut",
    "Partner",
    "PersonRow",
    "Place",
    "PlaceSet",
    "PlaceSetMember",
    "Plan",
    "Policy",
    "ReturnedList",
    "ReturnedVoter",
    "RowContact",
    "RowKey",
    "SourceRow",
    "State",
    "Suppression",
    "Upload",
    "VotedPoint",
    "VoterHistory",
    "VoterLicence",
    "VoterLink",
    "VoterLoad",
    "VoterMatch",
    "VoterRow",
    "metadata",
]
