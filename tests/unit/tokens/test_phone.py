"""Phone numbers, case by case and against libphonenumber's vectors."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from consortium.tokens import Phone, Rejected, phone


def e164(raw: str, region: str = "US") -> str:
    found = phone.normalise(raw, region)
    assert isinstance(found, Phone), found
    return found.e164


@pytest.mark.parametrize(
    "raw",
    [
        "5035550123",
        "503-555-0123",
        "(503) 555-0123",
        "503.555.0123",
        "503/555-0123",
        "15035550123",
        "1-503-555-0123",
        "+1 503 555 0123",
        "+1(503)555-0123 x12",
        "503-555-0123 ext. 12",
        "0015035550123",
        "011 1 503 555 0123",
        "tel:+15035550123",
        "cell: 503-555-0123",
        "503-555-0123 (mobile)",
        "H: 503-555-0123",
        "'5035550123",
        '="5035550123"',
        "5035550123.0",
        "\u202a+1 503\u2011555\u20110123\u202c",
        "５０３－５５５－０１２３",
        "٥٠٣٥٥٥٠١٢٣",
        "\u00a0503 555 0123\n",
    ],
)
def test_one_number_has_one_form(raw: str) -> None:
    assert e164(raw) == "+15035550123"


@pytest.mark.parametrize(
    ("raw", "region", "expected", "mobile"),
    [
        ("020 7946 0123", "GB", "+442079460123", False),
        ("07911 123456", "GB", "+447911123456", True),
        ("+44 (0)20 7946 0123", "US", "+442079460123", False),
        ("0044 20 7946 0123", "US", "+442079460123", False),
        ("030 23125 000", "DE", "+493023125000", False),
        ("503 555 0123", "US", "+15035550123", None),
    ],
)
def test_the_region_reads_numbers_without_a_country(
    raw: str, region: str, expected: str, *, mobile: bool | None
) -> None:
    found = phone.normalise(raw, region)
    assert isinstance(found, Phone)
    assert (found.e164, found.mobile) == (expected, mobile)


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        ("", "empty"),
        ("  \u200e", "empty"),
        ("n/a", "placeholder"),
        ("unlisted", "placeholder"),
        ("000-000-0000", "placeholder"),
        ("5555555555", "placeholder"),
        ("1111111111", "placeholder"),
        ("123-456-7890", "placeholder"),
        ("9876543210", "placeholder"),
        ("503-555-1212", "placeholder"),
        ("01234 567890", "placeholder"),
        ("5.55E+09", "spreadsheet_number"),
        ("5,55e+09", "spreadsheet_number"),
        ("5.035550123E+09", "spreadsheet_number"),
        ("555-1212", "no_area_code"),
        ("503555", "not_in_plan"),
        ("103-555-0123", "not_in_plan"),
        ("+44 7700 900123", "not_in_plan"),
        ("50355501234", "not_in_plan"),
        ("dana@example.org", "not_a_number"),
        ("call Dana", "not_a_number"),
        ("=1+1", "not_a_number"),
        ("b4c9a289323b21a01c3e940f150eb9b8c542587f1abfd8f0e1cc1ffc5e475514", "already_hashed"),
        ("503\x005550123", "control_character"),
        ("\udfff5035550123", "control_character"),
        ("5" * 1_000_000, "too_long"),
    ],
)
def test_what_is_no_number_says_why(raw: str, code: str) -> None:
    assert phone.normalise(raw) == Rejected(code)


def test_a_british_filler_is_refused_as_such() -> None:
    assert phone.normalise("01234 567890", "GB") == Rejected("placeholder")


def test_the_range_reserved_for_fiction_is_valid_in_america() -> None:
    assert e164("212-555-0199") == "+12125550199"


def test_an_extension_is_kept_apart() -> None:
    found = phone.normalise("503-555-0123 x12")
    assert isinstance(found, Phone)
    assert (found.e164, found.extension) == ("+15035550123", "12")


@pytest.mark.parametrize("raw", ["1-800-555-0199", "+44 800 011 0011", "+44 9012 345679"])
def test_a_number_that_is_nobodys_own_is_marked(raw: str) -> None:
    found = phone.normalise(raw)
    assert isinstance(found, Phone)
    assert found.service
    assert found.mobile is False


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("1-800-FLOWERS", "+18003569377"),
        ("503-555-CALL", "+15035552255"),
        ("(503) 555-0123 ext. 00042", "+15035550123"),
        ("503-555-0123#42", "+15035550123"),
        ("Tel. 503.555.0123", "+15035550123"),
    ],
)
def test_letters_and_extensions_are_read_as_telephones_do(raw: str, expected: str) -> None:
    assert e164(raw) == expected


@pytest.mark.parametrize(
    ("raw", "region", "expected"),
    [
        ("447911123456", "GB", "+447911123456"),
        ("07911 123456", "GB", "+447911123456"),
        ("087 123 4567", "IE", "+353871234567"),
        ("0412 345 678", "AU", "+61412345678"),
        ("021 123 4567", "NZ", "+64211234567"),
        ("0151 23456789", "DE", "+4915123456789"),
        ("06 12 34 56 78", "FR", "+33612345678"),
        ("02 3661 8300", "IT", "+390236618300"),
        ("044 2123 4567", "MX", None),
        ("55 1234 5678", "MX", "+525512345678"),
        ("8 (495) 123-45-67", "RU", "+74951234567"),
    ],
)
def test_numbers_are_read_as_they_are_dialled_at_home(
    raw: str, region: str, expected: str | None
) -> None:
    found = phone.normalise(raw, region)
    assert found == phone.read(raw, region)
    assert (found.e164 if isinstance(found, Phone) else None) == expected


@pytest.mark.parametrize(
    "raw",
    [
        "503-555-0100 / 503-555-0101",
        "5035550100;5035550101",
        "5035550100 5035550101",
        "503-555-0100 or 503-555-0101",
        "home 503-555-0100, cell 503-555-0101",
        "503-555-0100\n503-555-0101",
        "+15035550100 ::: +15035550101",
    ],
)
def test_several_numbers_in_a_cell_are_all_found(raw: str) -> None:
    found = phone.normalise_all(raw)
    assert [one.e164 for one in found if isinstance(one, Phone)] == ["+15035550100", "+15035550101"]
    assert phone.normalise(raw) == found[0]


def test_a_repr_shows_no_number() -> None:
    assert "503" not in repr(phone.normalise("503-555-0123"))


def vectors(shared: Path, name: str) -> list[dict[str, str]]:
    with (shared / "corpora/phones" / name).open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines, delimiter="\t"))


def test_every_example_of_every_country_is_read_in_each_spelling(shared: Path) -> None:
    for row in vectors(shared, "examples.tsv"):
        assert e164(row["e164"]) == row["e164"]
        assert e164(row["international"]) == row["e164"]
        assert e164(row["national"], row["region"]) == row["e164"]


def test_every_invalid_example_is_refused(shared: Path) -> None:
    for row in vectors(shared, "invalid-examples.tsv"):
        assert isinstance(phone.normalise(row["e164"]), Rejected), row


def test_upstream_spellings_are_read_as_upstream_reads_them(shared: Path) -> None:
    for row in vectors(shared, "upstream-parse.tsv"):
        found = phone.normalise(row["input"], row["default_region"])
        if row["valid_real_metadata"] == "1":
            assert isinstance(found, Phone), row
            assert found.e164 == row["expected_e164"]
        else:
            assert isinstance(found, Rejected), row


def test_what_upstream_cannot_parse_is_refused(shared: Path) -> None:
    for row in vectors(shared, "upstream-parse-fails.tsv"):
        assert isinstance(phone.normalise(row["input"], row["default_region"]), Rejected), row


def test_every_example_is_the_kind_of_line_that_upstream_says(shared: Path) -> None:
    mobile = {"MOBILE": True, "FIXED_LINE_OR_MOBILE": None, "VOIP": None, "PERSONAL_NUMBER": None}
    services = {"PREMIUM_RATE", "TOLL_FREE", "SHARED_COST", "UAN", "VOICEMAIL"}
    checked = 0
    for row in vectors(shared, "examples.tsv"):
        found = phone.normalise(row["e164"])
        assert isinstance(found, Phone)
        assert found.mobile is mobile.get(row["lib_type"], False), row
        assert found.service == (row["lib_type"] in services), row
        checked += 1
    assert checked == 1374


def test_extensions_are_those_of_upstream(shared: Path) -> None:
    for row in vectors(shared, "upstream-parse.tsv"):
        found = phone.normalise(row["input"], row["default_region"])
        if isinstance(found, Phone):
            assert found.extension == row["expected_ext"], row


def test_the_vectors_are_read_the_same_without_the_short_cut(shared: Path) -> None:
    cells = [(r["national"], r["region"]) for r in vectors(shared, "examples.tsv")]
    cells += [(r["international"], "US") for r in vectors(shared, "examples.tsv")]
    cells += [(r["e164"], "GB") for r in vectors(shared, "invalid-examples.tsv")]
    for name in ("upstream-parse.tsv", "upstream-parse-fails.tsv"):
        cells += [(r["input"], r["default_region"]) for r in vectors(shared, name)]
    for raw, region in cells:
        assert phone.normalise(raw, region) == phone.read(raw, region), (raw, region)
