"""Wraps, and HPKE itself against RFC 9180: the key schedule below is written from the RFC."""

from __future__ import annotations

import hmac
import json
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from consortium.errors import EvidenceError, KeyFailure
from consortium.types import CampaignName, PartnerSlug, UploadDigest
from consortium.vault import wrap
from consortium.vault.keys import public_half

VECTORS: dict[str, Any] = json.loads(
    (Path(__file__).parents[2] / "vectors/hpke.json").read_text(encoding="utf-8")
)
KEY = bytes(range(32))
PRIVATE = bytes(range(100, 132))
PUBLIC = public_half("vault", PRIVATE)
ORIGIN, OWNER = "example.org/portland", PartnerSlug("nurses")
UPLOAD = UploadDigest(b"u" * 32)
PURPOSE = wrap.campaign_purpose(
    CampaignName("ballots"), digest=b"d" * 32, until=datetime(2026, 11, 3, 20, tzinfo=UTC)
)


def test_an_owner_opens_its_wrap() -> None:
    made = wrap.wrap_for_owner(KEY, to=PUBLIC, origin=ORIGIN, owner=OWNER, upload=UPLOAD)
    assert len(made) == wrap.WRAP_BYTES
    assert wrap.open_owner_wrap(made, key=PRIVATE, origin=ORIGIN, owner=OWNER, upload=UPLOAD) == KEY


@pytest.mark.parametrize("purpose", [PURPOSE, wrap.STANDING])
def test_the_vault_opens_a_wrap_of_that_purpose(purpose: str) -> None:
    made = wrap.wrap_for_vault(
        KEY, to=PUBLIC, origin=ORIGIN, owner=OWNER, upload=UPLOAD, purpose=purpose
    )
    opened = wrap.open_vault_wrap(
        made, key=PRIVATE, origin=ORIGIN, owner=OWNER, upload=UPLOAD, purpose=purpose
    )
    assert opened == KEY


@pytest.mark.parametrize(
    "changes",
    [
        {"origin": "example.org/salem"},
        {"owner": PartnerSlug("tenants")},
        {"upload": UploadDigest(b"v" * 32)},
        {"purpose": wrap.STANDING},
        {"purpose": PURPOSE.replace("ballots", "ballotz")},
        {"purpose": PURPOSE.replace("2026", "2027")},
        {"purpose": PURPOSE.replace("64", "65", 1)},
        {"key": bytes(range(50, 82))},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_a_wrap_moved_to_another_place_does_not_open(changes: dict[str, Any]) -> None:
    made = wrap.wrap_for_vault(
        KEY, to=PUBLIC, origin=ORIGIN, owner=OWNER, upload=UPLOAD, purpose=PURPOSE
    )
    place: dict[str, Any] = {
        "key": PRIVATE,
        "origin": ORIGIN,
        "owner": OWNER,
        "upload": UPLOAD,
        "purpose": PURPOSE,
    }
    with pytest.raises(EvidenceError):
        wrap.open_vault_wrap(made, **{**place, **changes})


def test_an_owners_wrap_does_not_pass_for_the_vaults() -> None:
    made = wrap.wrap_for_owner(KEY, to=PUBLIC, origin=ORIGIN, owner=OWNER, upload=UPLOAD)
    with pytest.raises(EvidenceError):
        wrap.open_vault_wrap(
            made, key=PRIVATE, origin=ORIGIN, owner=OWNER, upload=UPLOAD, purpose=wrap.STANDING
        )


def test_every_changed_byte_and_every_cut_is_found() -> None:
    made = wrap.wrap_for_owner(KEY, to=PUBLIC, origin=ORIGIN, owner=OWNER, upload=UPLOAD)
    damaged = [made[:at] + bytes([made[at] ^ 1]) + made[at + 1 :] for at in range(len(made))]
    for wrong in [*damaged, b"", made[:31], made[:-1], made + b"x", bytes(80)]:
        with pytest.raises(EvidenceError):
            wrap.open_owner_wrap(wrong, key=PRIVATE, origin=ORIGIN, owner=OWNER, upload=UPLOAD)


def test_keys_of_the_wrong_length_or_kind_are_key_failures() -> None:
    for key, to in ((b"short", PUBLIC), (KEY, b"short"), (KEY, bytes(32))):
        with pytest.raises(KeyFailure):
            wrap.wrap_for_owner(key, to=to, origin=ORIGIN, owner=OWNER, upload=UPLOAD)
    with pytest.raises(KeyFailure):
        wrap.open_owner_wrap(bytes(80), key=b"short", origin=ORIGIN, owner=OWNER, upload=UPLOAD)


def test_the_recorded_wrap_still_opens() -> None:
    recorded = VECTORS["wrap"]
    opened = wrap.open_vault_wrap(
        bytes.fromhex(recorded["wrap"]),
        key=bytes.fromhex(recorded["vault_key"]),
        origin=recorded["origin"],
        owner=PartnerSlug(recorded["owner"]),
        upload=UploadDigest(bytes.fromhex(recorded["upload"])),
        purpose=recorded["purpose"],
    )
    assert opened.hex() == recorded["data_key"]


# HPKE base mode with DHKEM(X25519, HKDF-SHA256), written from RFC 9180 sections 4, 4.1 and 5.1.


def extract(salt: bytes, suite: bytes, label: bytes, ikm: bytes) -> bytes:
    return hmac.new(salt or bytes(32), b"HPKE-v1" + suite + label + ikm, sha256).digest()


def expand(key: bytes, suite: bytes, label: bytes, info: bytes, length: int) -> bytes:
    labelled = length.to_bytes(2, "big") + b"HPKE-v1" + suite + label + info
    return hmac.new(key, labelled + b"\x01", sha256).digest()[:length]


def rfc9180_open(sealed: bytes, *, key: bytes, info: bytes, aad: bytes, aead: int) -> bytes:
    private = X25519PrivateKey.from_private_bytes(key)
    encapsulated, ciphertext = sealed[:32], sealed[32:]
    shared = private.exchange(X25519PublicKey.from_public_bytes(encapsulated))
    kem = b"KEM" + (0x20).to_bytes(2, "big")
    context = encapsulated + private.public_key().public_bytes_raw()
    secret = expand(extract(b"", kem, b"eae_prk", shared), kem, b"shared_secret", context, 32)
    suite = b"HPKE" + b"".join(n.to_bytes(2, "big") for n in (0x20, 0x01, aead))
    schedule = (
        b"\x00" + extract(b"", suite, b"psk_id_hash", b"") + extract(b"", suite, b"info_hash", info)
    )
    base = extract(secret, suite, b"secret", b"")
    cipher = AESGCM(expand(base, suite, b"key", schedule, 16 if aead == 1 else 32))
    return cipher.decrypt(expand(base, suite, b"base_nonce", schedule, 12), ciphertext, aad)


def test_the_key_schedule_here_is_that_of_rfc_9180() -> None:
    rfc = VECTORS["rfc9180_a_1_1"]
    opened = rfc9180_open(
        bytes.fromhex(rfc["enc"] + rfc["ct"]),
        key=bytes.fromhex(rfc["skRm"]),
        info=bytes.fromhex(rfc["info"]),
        aad=bytes.fromhex(rfc["aad"]),
        aead=1,
    )
    assert opened.hex() == rfc["pt"]


def test_a_wrap_is_hpke_with_the_context_as_canonical_info() -> None:
    made = wrap.wrap_for_owner(KEY, to=PUBLIC, origin=ORIGIN, owner=OWNER, upload=UPLOAD)
    info = (
        '{"origin":"example.org/portland","owner":"nurses","schema":"consortium/v1|wrap",'
        f'"to":"owner","upload":"{UPLOAD.hex()}"}}'
    )
    assert rfc9180_open(made, key=PRIVATE, info=info.encode(), aad=b"", aead=2) == KEY
