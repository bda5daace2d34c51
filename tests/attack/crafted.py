"""Packs that no correct program writes, signed by a partner that wrote its own program.

    write_crafted(path, sign_key=…, to=card, lines=[row_line(1, ["ann@example.org"])])

Everything is made here from JSON, so that no check of ours stands in the way.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from consortium.ledger import canonical
from consortium.model import ConsortiumCard
from consortium.vault import age

ADDRESS = "crafted.qzx@people.example.org"
ROW_FIELDS = (
    "kind",
    "number",
    "emails",
    "phones",
    "first",
    "last",
    "suffix",
    "birth",
    "house",
    "country",
    "state",
    "postcode",
    "language",
    "relationship",
    "email_basis",
    "email_on",
    "sms_basis",
    "sms_on",
    "record_id",
)


def row_line(number: object = 1, emails: Iterable[object] = (), **changes: object) -> bytes:
    """A row's line; `changes` replace any of `ROW_FIELDS`."""
    fields: dict[str, object] = dict.fromkeys(ROW_FIELDS, "")
    fields |= {
        "kind": "r",
        "number": number,
        "emails": list(emails),
        "phones": [],
        "first": "Ann",
        "last": "Miller",
        "country": "US",
        "state": "OR",
        "postcode": "97214",
        "relationship": "member",
        "email_basis": "express",
        "email_on": "2026-05-01",
        "sms_basis": "none",
        "tags": [],
        **changes,
    }
    return _line([fields[name] for name in fields])


def opt_out_line(number: object, emails: Iterable[object], cause: object = "unsubscribed") -> bytes:
    """An opt-out's line."""
    return _line(["o", number, list(emails), [], cause])


def _line(fields: list[object]) -> bytes:
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode()


def write_crafted(
    path: Path,
    *,
    sign_key: bytes,
    partner: str,
    to: ConsortiumCard,
    at: datetime,
    lines: Iterable[bytes],
    header: dict[str, Any] | None = None,
    trailer: dict[str, Any] | None = None,
    counts: dict[str, int] | None = None,
) -> Path:
    """Write a pack of any lines; `header`, `trailer` and `counts` add or replace fields."""
    lines = list(lines)
    first = canonical.encode(
        {
            "consortium_pack": 1,
            "created_at": f"{at:%Y-%m-%dT%H:%M:%SZ}",
            "data_key": base64.b64encode(secrets.token_bytes(32)).decode(),
            "expires_on": None,
            "layout": "plain",
            "list_name": "list",
            "nonce": base64.b64encode(secrets.token_bytes(16)).decode(),
            "obtained_on": f"{at:%Y-%m-%d}",
            "origin": to.origin,
            "partner": partner,
            "profile": 1,
            **(header or {}),
        }
    )
    body = b"".join(line + b"\n" for line in [first, *lines])
    signed = {
        "counts": {
            "opt_outs": sum(line.startswith(b'["o"') for line in lines),
            "rejected": 0,
            "repeated": 0,
            "rows": sum(not line.startswith(b'["o"') for line in lines),
            **(counts or {}),
        },
        "digest": hashlib.sha256(body).hexdigest(),
        "standing_wrap": None,
        **(trailer or {}),
    }
    key = Ed25519PrivateKey.from_private_bytes(sign_key)
    signature = key.sign(b"consortium/v1|pack|" + canonical.encode(signed))
    last = {**signed, "signature": base64.b64encode(signature).decode()}
    data = body + canonical.encode(last) + b"\n"
    data += b"\n" * (-len(data) % age.CHUNK)
    with path.open("wb") as stream:
        age.encrypt([data], stream, recipients=[to.intake_recipient])
    return path
