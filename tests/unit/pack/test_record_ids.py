"""Record ids sealed by the owner for itself."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from consortium.errors import EvidenceError, KeyFailure
from consortium.pack import RecordIdSealer, open_record_id
from consortium.types import PartnerSlug

ORIGIN, NURSES, TENANTS = "o.example/c", PartnerSlug("nurses"), PartnerSlug("tenants")


@pytest.fixture
def key() -> X25519PrivateKey:
    return X25519PrivateKey.generate()


def sealed(key: X25519PrivateKey, record_id: str = "003A", number: int = 7) -> bytes:
    to = key.public_key().public_bytes_raw()
    return RecordIdSealer(to=to, origin=ORIGIN, owner=NURSES).seal(record_id, number)


@pytest.mark.parametrize("record_id", ["1", "003A", "Ä-7", "x" * 200, "\x80\x00"])
def test_the_owner_opens_its_own_id(key: X25519PrivateKey, record_id: str) -> None:
    opened = open_record_id(
        sealed(key, record_id), number=7, key=key.private_bytes_raw(), origin=ORIGIN, owner=NURSES
    )
    assert opened.reveal() == record_id
    assert record_id not in repr(opened) or record_id == "1"


@pytest.mark.parametrize(
    ("number", "origin", "owner"),
    [(8, ORIGIN, NURSES), (7, "other.example/c", NURSES), (7, ORIGIN, TENANTS)],
)
def test_an_id_moved_elsewhere_does_not_open(
    key: X25519PrivateKey, number: int, origin: str, owner: PartnerSlug
) -> None:
    with pytest.raises(EvidenceError):
        open_record_id(
            sealed(key), number=number, key=key.private_bytes_raw(), origin=origin, owner=owner
        )


def test_nobody_elses_key_opens_it(key: X25519PrivateKey) -> None:
    other = X25519PrivateKey.generate().private_bytes_raw()
    with pytest.raises(EvidenceError):
        open_record_id(sealed(key), number=7, key=other, origin=ORIGIN, owner=NURSES)


def test_a_flipped_byte_anywhere_is_found(key: X25519PrivateKey) -> None:
    whole = sealed(key)
    for at in range(len(whole)):
        changed = whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :]
        with pytest.raises(EvidenceError):
            open_record_id(
                changed, number=7, key=key.private_bytes_raw(), origin=ORIGIN, owner=NURSES
            )


@pytest.mark.parametrize("cut", [0, 1, 20, 33, 40])
def test_a_cut_value_is_found(key: X25519PrivateKey, cut: int) -> None:
    with pytest.raises(EvidenceError):
        open_record_id(
            sealed(key)[:cut], number=7, key=key.private_bytes_raw(), origin=ORIGIN, owner=NURSES
        )


def test_short_ids_are_of_one_length(key: X25519PrivateKey) -> None:
    assert len(sealed(key, "1")) == len(sealed(key, "123456789012345"))


def test_a_key_that_is_none_is_refused(key: X25519PrivateKey) -> None:
    with pytest.raises(KeyFailure):
        RecordIdSealer(to=b"short", origin=ORIGIN, owner=NURSES)
    with pytest.raises(KeyFailure):
        open_record_id(sealed(key), number=7, key=b"short", origin=ORIGIN, owner=NURSES)
