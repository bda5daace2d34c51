"""What a cell looks like before anything is read out of it."""

from __future__ import annotations

from base64 import standard_b64encode, urlsafe_b64encode
from hashlib import md5, sha1, sha256, sha512

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consortium.tokens import text

HASHES = [md5, sha1, sha256, sha512]


@given(value=st.binary(max_size=40), number=st.integers(0, 3))
def test_a_digest_is_told_in_hexadecimal_and_base64(value: bytes, number: int) -> None:
    digest = HASHES[number](value).digest()
    for spelled in (digest.hex().encode(), standard_b64encode(digest), urlsafe_b64encode(digest)):
        assert text.is_digest(spelled.decode())


def test_base64_without_padding_is_told_too() -> None:
    assert text.is_digest("XUFAKrxLKna5cZ2REBfFkg")
    assert text.is_digest("tMmiiTI7IaAcPpQPFQ65uMVCWH8av9jw4cwf/F5HVRQ")


@pytest.mark.parametrize(
    "cell",
    [
        "Bartholomew-Featherston",
        "maria.de.los.angeles.g@example.org",
        "+1 (503) 555-0101 x 22",
        "5035550101503555010150",
        "MEMBERSHIPNUMBER000017",
        "jean-francois-de-la-rue",
        "action_network:00f1c2a4",
        "Maria Lopez <m@example.org>",
        "MariaDeLosAngelesGarciaQ",
        "",
    ],
)
def test_what_people_write_is_no_digest(cell: str) -> None:
    assert not text.is_digest(cell)
