from __future__ import annotations

import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consortium.errors import EvidenceError
from consortium.ledger import commit
from consortium.types import UploadDigest

UPLOAD = UploadDigest(b"\x11" * 32)


def test_a_commitment_is_hmac_sha_256_and_opens_with_its_salt_alone() -> None:
    made = commit.commit(b"s" * 32, b"value")
    assert made == hmac.new(b"s" * 32, b"value", hashlib.sha256).hexdigest()
    assert commit.opens(made, salt=b"s" * 32, value=b"value")
    assert not commit.opens(made, salt=b"t" * 32, value=b"value")
    assert not commit.opens(made, salt=b"s" * 32, value=b"other")
    assert not commit.opens("ü" * 64, salt=b"s" * 32, value=b"value")


def test_a_commitment_without_a_real_salt_is_refused() -> None:
    with pytest.raises(EvidenceError):
        commit.commit(b"short", b"value")


def test_each_leaf_has_a_salt_of_its_own() -> None:
    salts = {
        commit.leaf_salt(secret * 32, purpose=purpose, number=number)
        for secret in (b"a", b"b")
        for purpose in ("row", "point")
        for number in range(1, 50)
    }
    assert len(salts) == 2 * 2 * 49
    assert {len(salt) for salt in salts} == {32}


def test_the_same_row_in_two_leaves_does_not_look_the_same() -> None:
    made = {
        commit.row_commitment(
            commit.leaf_salt(b"k" * 32, purpose="row", number=n), upload=UPLOAD, row=7
        )
        for n in range(20)
    }
    assert len(made) == 20


@pytest.mark.parametrize(
    ("count", "band"),
    [
        (0, "0"),
        (1, "1-49"),
        (49, "1-49"),
        (50, "50-99"),
        (99, "50-99"),
        (100, "100-249"),
        (250, "250-499"),
        (999, "500-999"),
        (1000, "1000-2499"),
        (4999, "2500-4999"),
        (5000, "5000-9999"),
        (123_456, "100000-249999"),
    ],
)
def test_counts_are_told_as_bands(count: int, band: str) -> None:
    assert commit.band(count) == band


@given(st.integers(0, 10**15))
def test_every_count_lies_in_its_band_and_the_band_is_recognised(count: int) -> None:
    band = commit.band(count)
    low, _, high = band.partition("-")
    assert int(low) <= count <= int(high or low)
    assert commit.is_band(band)
    assert commit.band(int(low)) == band
    assert count == 0 or int(high) - int(low) >= 48  # never an exact small count


@pytest.mark.parametrize(
    "text",
    ["", "-", "1", "7", "1-", "-49", "01-49", "1-049", "1-48", "0-0", "٠", "1-49 ", "9" * 50],
)
def test_anything_else_is_no_band(text: str) -> None:
    assert not commit.is_band(text)


def test_a_negative_count_is_refused() -> None:
    with pytest.raises(EvidenceError):
        commit.band(-1)
