"""The tables of the ledger's language: every kind of entry and leaf, its fields and their types.

What each one means stands beside the function that makes it, in `entries` and `leaves`; what the
types allow, in `grammar`. The first entry of a ledger states the number of this format; a new kind
or field is a new number (docs/formats/ledger.md).
"""

from __future__ import annotations

from collections.abc import Mapping

from consortium.ledger.grammar import Kinds

__all__ = ["BATCHES", "ENTRIES", "FORMAT", "LEAVES"]

FORMAT = 1
"""Version of the format of entries and leaves; the first entry states it."""

_BATCH = {"leaves": "index", "root": "hash"}

ENTRIES: Kinds = {
    "consortium_created": {
        "at": "moment",
        "format": "number",
        "name": "title",
        "origin": "origin",
        "ledger_key": "key",
        "coordinator_key": "key",
        "vault_key": "key",
        "intake_recipient": "recipient",
        "token_epoch": "number",
        "profile": "number",
    },
    "partner_admitted": {
        "at": "moment",
        "partner": "slug",
        "group": "slug",
        "sign_key": "key",
        "receive_key": "key",
    },
    "policy_set": {
        "at": "moment",
        "partner": "slug",
        "version": "number",
        "digest": "hash",
        "signature": "signature",
    },
    "upload_added": {
        "at": "moment",
        "partner": "slug",
        "upload": "hash",
        "signature": "signature",
        "layout": "word",
        "obtained_on": "date",
        "expires_on": "date?",
        "profile": "number",
        "token_epoch": "number",
        "rows": "band",
        "opt_outs": "band",
        "rejected": "band",
        "repeated": "band",
    },
    "upload_withdrawn": {"at": "moment", "partner": "slug", "upload": "hash", "by": "role"},
    "upload_replaced": {"at": "moment", "partner": "slug", "upload": "hash", "successor": "hash"},
    "upload_expired": {"at": "moment", "partner": "slug", "upload": "hash"},
    "upload_erased": {"at": "moment", "partner": "slug", "upload": "hash"},
    "merge_run": {
        "at": "moment",
        "generation": "number",
        "rules": "word",
        "uploads": "hash",
        "rows": "band",
        "persons": "band",
        "changed_rows": "band",
    },
    "never_merge_added": {
        "at": "moment",
        "by": "role",
        "partner": "slug?",
        "digest": "hash?",
        "signature": "signature?",
        "follows": "index?",
        **_BATCH,
    },
    "never_merge_taken_back": {
        "at": "moment",
        "entry": "index",
        "by": "role",
        "partner": "slug?",
        "digest": "hash?",
        "signature": "signature?",
    },
    "opt_out_added": {
        "at": "moment",
        "channel": "channel",
        "scope": "scope",
        "partner": "slug?",
        "cause": "word",
        "author": "author",
        "upload": "hash?",
        "message": "message?",
        "people": "band",
        "commitment": "hash?",
    },
    "campaign_created": {
        "at": "moment",
        "campaign": "slug",
        "digest": "hash",
        "signature": "signature",
        "channel": "channel",
        "purpose": "purpose",
        "content": "content",
        "starts_at": "moment",
        "ends_at": "moment",
        "not_after": "moment",
    },
    "campaign_answered": {
        "at": "moment",
        "campaign": "slug",
        "partner": "slug",
        "answer": "answer",
        "campaign_digest": "hash",
        "digest": "hash",
        "signature": "signature",
        "ceiling": "index",
        "until": "moment",
    },
    "campaign_planned": {
        "at": "moment",
        "campaign": "slug",
        "campaign_digest": "hash",
        "plan": "number",
        "generation": "index",
        "policies": "policies",
        "flows": "hash",
        "order_key": "hash",
        **_BATCH,
    },
    "campaign_state": {
        "at": "moment",
        "campaign": "slug",
        "state": "campaign_change",
        "by": "role",
    },
    "send_batch": {"at": "moment", "campaign": "slug", "plan": "number", **_BATCH},
    "voters_loaded": {
        "at": "moment",
        "load": "hash",
        "layout": "word",
        "register": "word",
        "licensed": "slugs",
        "purposes": "purposes",
        "until": "date",
        "rows": "band",
        "left_out": "band",
        "rejected": "band",
        "repeated": "band",
        "history_rows": "band",
    },
    "voters_matched": {
        "at": "moment",
        "load": "hash",
        "generation": "number",
        "weights": "word",
        "persons": "band",
        "matched": "band",
        "changed_rows": "band",
    },
    "voters_returned": {
        "at": "moment",
        "register": "word",
        "list": "hash",
        "as_of": "moment",
        "ids": "band",
        "unknown": "band",
        "new": "band",
    },
    "voters_ended": {"at": "moment", "load": "hash", "reason": "word"},
    "voters_forgotten": {"at": "moment", "register": "word"},
}
"""Kind → field → type (docs/formats/ledger.md, `ledger.grammar`)."""

BATCHES: Mapping[str, frozenset[str]] = {
    "campaign_planned": frozenset({"decision"}),
    "never_merge_added": frozenset({"never_merge"}),
    "send_batch": frozenset({"intent", "outcome", "stopped"}),
}
"""Kind of a batch entry → kinds of its leaves."""

LEAVES: Kinds = {
    "decision": {
        "number": "number",
        "answer": "decision",
        "owner": "slug?",
        "upload": "hash?",
        "row": "hash?",
        "basis": "basis?",
        "policy": "number?",
        "rule": "word?",
        "reason": "word?",
        "by": "slug?",
        "until": "instant?",
    },
    "intent": {
        "at": "instant",
        "message": "message",
        "attempt": "number",
        "plan": "index",
        "number": "number",
        "owner": "slug",
        "policy": "number",
        "approval": "index?",
    },
    "outcome": {
        "at": "instant",
        "message": "message",
        "attempt": "number",
        "outcome": "outcome",
        "code": "code?",
    },
    "never_merge": {"number": "number", "one": "hash", "other": "hash"},
    "stopped": {
        "at": "instant",
        "message": "message",
        "number": "number",
        "rule": "word",
        "reason": "word",
        "by": "slug?",
    },
}
"""Kind → field → type (docs/formats/ledger.md, `ledger.grammar`)."""
