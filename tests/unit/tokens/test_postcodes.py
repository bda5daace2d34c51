"""Postcodes in their one spelling."""

from __future__ import annotations

import pytest

from consortium.tokens import Rejected, postcodes


@pytest.mark.parametrize(
    ("raw", "country", "state", "expected"),
    [
        ("97214", "US", "OR", "97214"),
        ("97214-1234", "US", "", "97214"),
        ("972141234", "US", "", "97214"),
        ("97214 1234", "US", "", "97214"),
        ("97214.0", "US", "", "97214"),
        (" ２７０１２ ", "", "", "27012"),
        ("1111", "US", "MA", "01111"),
        ("1111", "US", "", "01111"),
        ("1111", "", "MA", "01111"),
        ("1111-2345", "US", "", "01111"),
        ("11112345", "US", "MA", "01111"),
        ("501", "US", "NY", "00501"),
        ("961", "PR", "PR", "00961"),
        ("sw1a1aa", "GB", "", "SW1A 1AA"),
        ("SW1A  1AA", "", "", "SW1A 1AA"),
        ("XA12 1AP", "GB", "", "XA12 1AP"),
        ("k1a-0b1", "CA", "ON", "K1A 0B1"),
        ("75008", "FR", "", "75008"),
        ("1234 ab", "NL", "", "1234 AB"),
        ("1111", "", "", "1111"),
        ("d02x285", "IE", "", "D02 X285"),
        ("D6W XY00", "IE", "", "D6W XY00"),
        ("D02", "IE", "", "D02"),
        ("2000", "AU", "NSW", "2000"),
        ("NSW 2000", "AU", "", "2000"),
        ("800", "AU", "NT", "0800"),
        ("6011", "NZ", "", "6011"),
        ("110", "NZ", "", "0110"),
        ("D-10115", "DE", "", "10115"),
        ("1067", "DE", "", "01067"),
        ("1000", "FR", "", "01000"),
        ("F-75008 CEDEX 08", "FR", "", "75008"),
        ("118", "IT", "", "00118"),
        ("11455", "SE", "", "114 55"),
        ("114 55", "SE", "", "114 55"),
        ("00950", "PL", "", "00-950"),
        ("1000-205", "PT", "", "1000-205"),
        ("1000001", "JP", "", "100-0001"),
        ("101-0001", "JP", "", "101-0001"),
        ("1234ab", "NL", "", "1234 AB"),
        ("75008.0", "FR", "", "75008"),
        ("", "US", "", ""),
        ("n/a", "US", "", ""),
    ],
)
def test_a_postcode_has_one_spelling(raw: str, country: str, state: str, expected: str) -> None:
    assert postcodes.normalise(raw, country, state=state) == expected


@pytest.mark.parametrize(
    ("raw", "country", "state", "code"),
    [
        ("1111", "US", "OR", "bad_postcode"),
        ("111", "US", "MA", "bad_postcode"),
        ("972141", "US", "", "bad_postcode"),
        ("00400", "US", "", "bad_postcode"),
        ("abc", "", "", "bad_postcode"),
        ("SW1A", "GB", "", "bad_postcode"),
        ("97214", "GB", "", "bad_postcode"),
        ("D1A 0B1", "CA", "", "bad_postcode"),
        ("1-1-1-1-1-1-1", "", "", "bad_postcode"),
        ("750081", "FR", "", "bad_postcode"),
        ("750", "FR", "", "bad_postcode"),
        ("B02X285", "IE", "", "bad_postcode"),
        ("0123 AB", "NL", "", "bad_postcode"),
        ("12345", "AU", "", "bad_postcode"),
        ("1.07E+03", "DE", "", "spreadsheet_number"),
        ("00000", "DE", "", "placeholder"),
        ("00000", "US", "", "placeholder"),
        ("99999", "", "", "placeholder"),
        ("9.7E+04", "US", "", "spreadsheet_number"),
        ("9" * 1_000_000, "US", "", "too_long"),
    ],
)
def test_what_is_no_postcode_says_why(raw: str, country: str, state: str, code: str) -> None:
    assert postcodes.normalise(raw, country, state=state) == Rejected(code)
