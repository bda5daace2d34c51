"""What somebody makes of a stolen host: every file, every key, every wrap, tried in every way.

Nothing of the façade is used: the thief reads the database and writes its own loops.
"""

from __future__ import annotations

import base64
import itertools
import sqlite3
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from consortium.errors import ConsortiumError
from consortium.pack.record_ids import open_record_id
from consortium.types import CampaignName, PartnerSlug, UploadDigest
from consortium.vault.seal import Details, Label, RowOpener, SealContext
from consortium.vault.wrap import STANDING, campaign_purpose, open_owner_wrap, open_vault_wrap

_BECH32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


@dataclass(frozen=True, slots=True)
class StolenRow:
    """A source row as the database has it."""

    owner: PartnerSlug
    upload: UploadDigest
    number: int
    data_salt: bytes
    match_salt: bytes
    details: bytes
    match_block: bytes
    record_id: bytes | None


@dataclass
class Loot:
    """What opened: details and match blocks by owner, and record ids."""

    keys: int = 0
    details: dict[str, list[Details]] = field(default_factory=lambda: defaultdict(list))
    match_blocks: dict[str, list[bytes]] = field(default_factory=lambda: defaultdict(list))
    record_ids: list[str] = field(default_factory=list)


def rows_of(home: Path) -> list[StolenRow]:
    """Every source row."""
    with sqlite3.connect(home / "consortium.db") as connection:
        found = connection.execute(
            "SELECT p.slug, u.digest, r.number, u.data_salt, u.match_salt, r.details, "
            "r.match_block, r.record_id FROM consortium_source_row r "
            "JOIN consortium_upload u ON u.id = r.upload_id "
            "JOIN consortium_partner p ON p.id = u.partner_id"
        ).fetchall()
    connection.close()
    return [StolenRow(PartnerSlug(f[0]), UploadDigest(f[1]), *f[2:]) for f in found]


def plunder(home: Path, secrets: Mapping[str, bytes], *, origin: str) -> Loot:
    """Try every key and every wrap against every row.

    Args:
        home: The stolen home.
        secrets: Every secret of the host by name, as its passphrases give them.
        origin: The consortium's identity.
    """
    keys = {secret for secret in secrets.values() if len(secret) == 32}
    keys.add(_age_key(secrets["intake"]))
    rows = rows_of(home)
    candidates = keys | set(_unwrapped(home, keys, rows, origin))
    loot = Loot(len(candidates))
    for row, key in itertools.product(rows, candidates):
        context = SealContext(origin, row.owner, row.upload)
        salts: tuple[tuple[Label, bytes], ...] = (
            ("details", row.data_salt),
            ("match", row.match_salt),
            ("match", row.data_salt),
            ("details", row.match_salt),
        )
        for label, salt in salts:
            opener = RowOpener(key, label=label, salt=salt, context=context)
            with suppress(ConsortiumError):
                opened = opener.open(row.details, number=row.number)
                loot.details[row.owner].append(Details.decode(opened))
            with suppress(ConsortiumError):
                opened = opener.open(row.match_block, number=row.number)
                loot.match_blocks[row.owner].append(opened)
        if row.record_id:
            with suppress(ConsortiumError):
                found = open_record_id(
                    row.record_id, number=row.number, key=key, origin=origin, owner=row.owner
                )
                loot.record_ids.append(found.reveal())
    return loot


def wraps_of(home: Path) -> list[tuple[str, bytes]]:
    """Every wrap, with the scope it lies in."""
    return [
        (path.parent.name, base64.b64decode(path.read_bytes()))
        for path in sorted((home / "wraps").rglob("*.wrap"))
    ]


def _unwrapped(home: Path, keys: set[bytes], rows: list[StolenRow], origin: str) -> Iterator[bytes]:
    places = {(row.owner, row.upload) for row in rows}
    purposes = [STANDING, *_purposes(home)]
    for (_, wrap), key, (owner, upload) in itertools.product(wraps_of(home), keys, places):
        with suppress(ConsortiumError):
            yield open_owner_wrap(wrap, key=key, origin=origin, owner=owner, upload=upload)
        for purpose in purposes:
            with suppress(ConsortiumError):
                yield open_vault_wrap(
                    wrap, key=key, origin=origin, owner=owner, upload=upload, purpose=purpose
                )


def _purposes(home: Path) -> list[str]:
    with sqlite3.connect(home / "consortium.db") as connection:
        found = connection.execute(
            "SELECT name, digest, not_after FROM consortium_campaign"
        ).fetchall()
    connection.close()
    return [
        campaign_purpose(
            CampaignName(name), digest=digest, until=_EPOCH + timedelta(microseconds=until)
        )
        for name, digest, until in found
    ]


def _age_key(identity: bytes) -> bytes:
    """The raw X25519 key inside an age identity (bech32, BIP 173)."""
    data = identity.decode().strip().lower().rpartition("1")[2]
    values = [_BECH32.index(letter) for letter in data[:-6]]
    bits = "".join(f"{value:05b}" for value in values)
    return bytes(int(bits[i : i + 8], 2) for i in range(0, 256, 8))
