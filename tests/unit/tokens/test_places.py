"""States, countries, zones and addresses."""

from __future__ import annotations

import csv
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from consortium.model import Places
from consortium.tokens import Address, addresses, places, tables, zones


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("OR", "OR"),
        (" or ", "OR"),
        ("Oregon", "OR"),
        ("OREGON", "OR"),
        ("Ore.", "OR"),
        ("OR - Oregon", "OR"),
        ("Oregon (OR)", "OR"),
        ("US-OR", "OR"),
        ("N.C.", "NC"),
        ("N. Carolina", "NC"),
        ("West Virginia", "WV"),
        ("D.C.", "DC"),
        ("Washington, D.C.", "DC"),
        ("New York, NY", "NY"),
        ("Québec", "QC"),
        ("Ontario", "ON"),
        ("England", "ENG"),
        ("Jalisco", ""),
        ("NY / NJ", ""),
        ("", ""),
        ("x" * 1_000_000, ""),
    ],
)
def test_a_state_has_one_code(raw: str, expected: str) -> None:
    assert places.state(raw) == expected


def test_a_state_is_looked_for_in_its_country_only() -> None:
    assert places.state("ON", "CA") == "ON"
    assert places.state("ON", "US") == ""
    assert places.state("OR", "MX") == ""


def test_an_australian_state_is_known_by_its_country_only() -> None:
    assert places.state("New South Wales", "AU") == "NSW"
    assert places.state("WA", "AU") == "WA"
    assert places.state("NSW", "") == ""
    assert places.state("WA", "") == "WA"
    assert zones.zones(Places("AU", "WA")) == ("Australia/Eucla", "Australia/Perth")


def test_no_two_countries_that_may_go_unnamed_share_a_state_code() -> None:
    codes = [code for country, code in tables.states() if country != "AU"]
    assert len(codes) == len(set(codes))


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("US", "US"),
        ("usa", "US"),
        ("U.S.A.", "US"),
        ("United States of America", "US"),
        ("UK", "GB"),
        ("Scotland", "GB"),
        ("México", "MX"),
        ("Deutschland", "DE"),
        ("", ""),
        ("Atlantis", ""),
    ],
)
def test_a_country_has_one_code(raw: str, expected: str) -> None:
    assert places.country(raw) == expected


@pytest.mark.parametrize(
    ("place", "phones", "expected"),
    [
        (Places("US", "NC"), (), ("America/New_York",)),
        (Places("US", "OR"), (), ("America/Boise", "America/Los_Angeles")),
        (Places("", "ON"), (), ("America/Atikokan", "America/Toronto", "America/Winnipeg")),
        (Places("GB"), (), ("Europe/London",)),
        (Places("US", "NC"), ("+15035550123",), ("America/Los_Angeles", "America/New_York")),
        (Places(), ("+12195550123",), ("America/Chicago", "America/New_York")),
        (Places(), ("+18505550123",), ("America/Chicago", "America/New_York")),
        (Places(), ("+447911123456",), ("Europe/London",)),
        (Places(), ("+353851234567",), ("Europe/Dublin",)),
        (Places("US"), (), ()),
        (Places("US"), ("+18005550123",), ()),
        (Places("US", "AE"), (), ()),
        (Places(), (), ()),
    ],
)
def test_zones_are_the_union_of_the_evidence(
    place: Places, phones: tuple[str, ...], expected: tuple[str, ...]
) -> None:
    assert zones.zones(place, phones) == expected


def test_every_zone_of_the_tables_exists() -> None:
    for table in (tables.states(), tables.countries(), tables.area_codes()):
        for names in table.values():
            assert list(names) == sorted(names)
            assert all(ZoneInfo(name).key == name for name in names)


def test_every_state_but_the_armed_forces_has_a_zone() -> None:
    without = {code for (_, code), names in tables.states().items() if not names}
    assert without == {"AA", "AE", "AP"}


def test_the_area_codes_are_those_of_the_shared_table(shared: Path) -> None:
    path = shared / "corpora/phones/nanp-area-zone-union.tsv"
    with path.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines, delimiter="\t"))
    assert tables.area_codes() == {
        row["area_code"]: tuple(row["union_of_all_entries"].split("|")) for row in rows
    }


@pytest.mark.parametrize(
    ("street", "number"),
    [
        ("123 Main St Apt 4", "123"),
        ("0123 Main St", "123"),
        ("123A Main St", "123a"),
        ("123-B Main St", "123b"),
        ("123 E 4th St", "123"),
        ("100 B Street", "100"),
        ("12-34 56th Ave", "1234"),
        ("123 1/2 Main St", "123"),
        ("N6W23001 Bluemound Rd", "n6w23001"),
        ("#107 2841 Washington", "2841"),
        ("Apt 5, 123 Main St", "123"),
        ("Flat 3, 12 High St", "12"),
        ("12, High Street", "12"),
        ("One Main Street", "1"),
        ("No. 10 Downing Street", "10"),
        ("PO Box 12", "box12"),
        ("P.O. Box 12", "box12"),
        ("Hauptstraße 12", "12"),
        ("Calle Mayor 5", "5"),
        ("Highway 12", ""),
        ("5th Ave", ""),
        ("Unit 5", ""),
        ("The Cottage", ""),
        ("", ""),
        ("9" * 1_000_000, ""),
    ],
)
def test_a_house_number_is_the_houses(street: str, number: str) -> None:
    assert addresses.house_number(street) == number


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("1125 Depot Way, Maplewood MA 02474", Address("1125", Places("", "MA", "02474"))),
        ("1125 Depot Way  Maplewood  MA  02474  US", Address("1125", Places("", "MA", "02474"))),
        ("100 Main St, Oakton MA 1111", Address("100", Places("", "MA", "01111"))),
        (
            "5 King St, New York, New York 10001-1234, USA",
            Address("5", Places("", "NY", "10001")),
        ),
        ("12 High Street, London SW1A 1AA", Address("12", Places("", "", "SW1A 1AA"))),
        ("1 Yonge St, Toronto, ON M5E 1W7, Canada", Address("1", Places("", "ON", "M5E 1W7"))),
        ("Oakton", Address()),
        ("", Address()),
    ],
)
def test_an_address_in_one_line_comes_apart(line: str, expected: Address) -> None:
    assert addresses.split(line) == expected
