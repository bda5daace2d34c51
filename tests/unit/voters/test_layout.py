"""Layouts: every file that is described is recognised and read, with header line or without."""

from __future__ import annotations

import csv
from datetime import date
from pathlib import Path

import pytest

from consortium.errors import BadFile
from consortium.pack.source import open_list
from consortium.tokens import Profile
from consortium.voters.convert import ConvertSetup, RawVoters, VoterFacts, converter
from consortium.voters.layout import (
    Role,
    id_columns,
    is_known,
    layout_names,
    recognise,
    recognise_history,
)

TODAY = date(2026, 11, 1)

FL = [""] * 38
for position, value in {
    0: "DAD", 1: "100000123", 2: "Rivera", 3: "Jr", 4: "Carlos", 5: "M", 6: "N", 7: "12 Oak St",
    9: "Miami", 10: "FL", 11: "331011234", 19: "M", 20: "4", 21: "03/09/1961", 22: "01/02/2000",
    23: "DEM", 24: "51", 28: "ACT", 29: "26", 30: "112", 31: "37", 34: "305", 35: "5550123",
    37: "carlos@example.org",
}.items():  # fmt: skip
    FL[position] = value
NY = [""] * 45
for position, value in {
    0: "RIVERA", 1: "CARLOS", 3: "JR", 4: "12", 8: "OAK STREET", 10: "ALBANY", 11: "12207",
    17: "19610309", 21: "1", 22: "7", 24: "Albany", 25: "2", 26: "20", 27: "44", 28: "109",
    39: "A", 43: "NY000000000012345678", 44: "2024 General Election;2022 General Election",
}.items():  # fmt: skip
    NY[position] = value

ROWS: dict[str, tuple[dict[str, str], dict[str, object], list[str]]] = {
    "nc": (
        {
            "ncid": "AA7", "voter_reg_num": "1", "res_street_address": "12 OAK ST #4",
            "precinct_abbrv": "01/01", "last_name": "RIVERA JR", "first_name": "CARLOS",
            "birth_year": "1961", "zip_code": "27012", "status_cd": "A", "county_desc": "WAKE",
            "full_phone_number": "9195550123",
        },
        {"birth": "1961", "postcode": "27012", "phones": ("+19195550123",), "id": "AA7"},
        ["county:NC/WAKE", "precinct:NC/WAKE/01-01"],
    ),
    "oh": (
        {
            "SOS_VOTERID": "OH0012", "COUNTY_NUMBER": "25", "RESIDENTIAL_ADDRESS1": "12 OAK ST",
            "PRECINCT_CODE": "25AAB", "PRECINCT_NAME": "COLS 1-A", "LAST_NAME": "RIVERA",
            "FIRST_NAME": "CARLOS", "SUFFIX": "JR", "DATE_OF_BIRTH": "1961-03-09",
            "RESIDENTIAL_ZIP": "43215", "CITY": "COLUMBUS", "GENERAL-11/05/2024": "X",
            "PRIMARY-03/19/2024": "",
        },
        {"birth": "1961-03-09", "postcode": "43215", "elections": ("GENERAL-11/05/2024=X",)},
        ["county:OH/25", "municipality:OH/25/COLUMBUS", "precinct:OH/25/25AAB"],
    ),
    "wa": (
        {
            "StateVoterID": "WA12", "RegStNum": "12", "RegStName": "OAK", "FName": "Carlos",
            "LName": "Rivera", "NameSuffix": "Jr", "Birthyear": "1961", "RegZipCode": "98101",
            "LegislativeDistrict": "43", "CountyCode": "KI", "PrecinctCode": "1823",
        },
        {"birth": "1961", "postcode": "98101"},
        ["county:WA/KI", "precinct:WA/KI/1823", "district:WA/LEGISLATIVE/43"],
    ),
    "co": (
        {
            "VOTER_ID": "12", "ADDRESS_LIBRARY_ID": "3", "HOUSE_NUM": "12", "COUNTY": "Denver",
            "RESIDENTIAL_ZIP_CODE": "80202", "LAST_NAME": "Rivera", "FIRST_NAME": "Carlos",
            "NAME_SUFFIX": "JR", "BIRTH_YEAR": "1961", "PRECINCT": "1315916101",
            "PHONE_NUM": "(303) 555-0123",
        },
        {"birth": "1961", "postcode": "80202", "phones": ("+13035550123",)},
        ["county:CO/DENVER", "precinct:CO/DENVER/1315916101"],
    ),
    "mi": (
        {
            "VOTER_IDENTIFICATION_NUMBER": "12", "JURISDICTION_CODE": "3", "WARD": "00",
            "JURISDICTION_NAME": "LANSING CITY", "YEAR_OF_BIRTH": "1961", "STREET_NUMBER": "12",
            "LAST_NAME": "RIVERA", "FIRST_NAME": "CARLOS", "NAME_SUFFIX": "JR",
            "ZIP_CODE": "48933", "COUNTY_NAME": "INGHAM", "PRECINCT": "00012",
        },
        {"birth": "1961", "postcode": "48933"},
        ["county:MI/INGHAM", "municipality:MI/INGHAM/LANSING CITY",
         "precinct:MI/INGHAM/LANSING CITY/00 00012"],
    ),
    "van": (
        {
            "Voter File VANID": "12", "FirstName": "Carlos", "LastName": "Rivera", "Suffix": "Jr",
            "DOB": "3/9/1961", "vAddress": "12 Oak St", "vCity": "Lowell", "vState": "MA",
            "vZip5": "1852", "PrecinctName": "Ward 1", "General24": "X", "Pref Phone ": "",
        },
        {"birth": "1961-03-09", "postcode": "01852", "elections": ("General24=X",)},
        ["municipality:MA/LOWELL", "precinct:MA/LOWELL/WARD 1"],
    ),
    "targetsmart": (
        {
            "vb.voterbase_id": "OH-12", "vb.tsmart_last_name": "Rivera", "vb.vf_ward": "3",
            "vb.tsmart_first_name": "Carlos", "vb.tsmart_name_suffix": "Jr",
            "vb.voterbase_dob": "19610309", "vb.vf_reg_cass_address_full": "12 Oak St",
            "vb.vf_reg_cass_state": "OH", "vb.vf_reg_cass_zip": "43215",
            "vb.vf_county_name": "Franklin", "vb.vf_g2020": "Y",
        },
        {"birth": "1961-03-09", "postcode": "43215", "elections": ("vb.vf_g2020=Y",)},
        ["county:OH/FRANKLIN", "ward:OH/FRANKLIN/3"],
    ),
    "l2": (
        {
            "LALVOTERID": "LALWA12", "Voters_LastName": "Rivera", "Voters_FirstName": "Carlos",
            "Voters_NameSuffix": "Jr", "Voters_BirthDate": "03/09/1961", "Precinct": "SEA 43",
            "Residence_Addresses_AddressLine": "12 Oak St", "Residence_Addresses_State": "WA",
            "Residence_Addresses_Zip": "98101", "County": "KING", "General_2022": "Y",
        },
        {"birth": "1961-03-09", "postcode": "98101", "elections": ("General_2022=Y",)},
        ["county:WA/KING", "precinct:WA/KING/SEA 43"],
    ),
    "uk-register": (
        {
            "Elector Number Prefix": "AB1", "Elector Number": "123", "Elector Number Suffix": "0",
            "Elector Markers": "", "Elector DOB": "", "Elector Name": "Rivera, Carlos Jr",
            "PostCode": "sw1a1aa", "Address1": "12 High Street", "Address2": "",
        },
        {"birth": "", "postcode": "SW1A 1AA", "id": "AB1-123-0"},
        ["polling_district:UK-REGISTER/AB1"],
    ),
    "union-ballot": (
        {
            "Membership Number": "1000012", "Forename": "Carlos", "Surname": "Rivera Jr",
            "Date of Birth": "09/03/1961", "Address Line 1": "12 High Street",
            "Postcode": "SW1A 1AA", "Mobile": "07700 900123", "In Ballot": "Y",
            "Employer": "Northmoor Hospitals Trust", "Workplace": "Site 3", "Grade": "Band 5",
            "Branch": "Branch 1/3",
        },
        {"birth": "1961-03-09", "postcode": "SW1A 1AA"},
        ["employer:NORTHMOOR HOSPITALS TRUST", "workplace:NORTHMOOR HOSPITALS TRUST/SITE 3",
         "grade:NORTHMOOR HOSPITALS TRUST/BAND 5", "branch:BRANCH 1-3"],
    ),
}  # fmt: skip


def read(path: Path) -> tuple[str, list[VoterFacts], set[str]]:
    """A file as the façade reads it: layout, voters, places."""
    source = open_list(path, known=is_known)
    layout = recognise(source.headers, name=source.name)
    convert = converter(ConvertSetup(layout, layout.name, Profile(), TODAY))
    batches = [RawVoters(b.lines, b.rows) for b in source.batches()]
    if layout.headless:
        batches.insert(0, RawVoters([1], [list(source.headers)]))
    found = [convert(batch) for batch in batches]
    assert not [r for one in found for r in one.rejected]
    places = {
        f"{kind.value}:{path}" for one in found for chain in one.chains for kind, path, _ in chain
    }
    return layout.name, [v for one in found for v in one.voters], places


@pytest.mark.parametrize("name", sorted(ROWS))
@pytest.mark.parametrize("delimiter", [",", "\t", "|"])
def test_a_file_with_its_header_line_is_read(tmp_path: Path, name: str, delimiter: str) -> None:
    cells, expected, places = ROWS[name]
    path = tmp_path / "voters.txt"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, delimiter=delimiter)
        writer.writerow([f" {header} " for header in cells])
        writer.writerow(cells.values())
    layout, (voter,), found = read(path)
    assert layout == name
    assert (voter.first, voter.suffix, voter.house_number) == ("carlos", "jr", "12")
    assert voter.surname_code == "r16"
    for field, value in expected.items():
        assert getattr(voter, field) == value
    assert set(places) <= found


@pytest.mark.parametrize(
    ("name", "row", "delimiter"), [("fl", FL, "\t"), ("ny", NY, ",")], ids=["fl", "ny"]
)
def test_a_file_without_a_header_line_loses_nobody(
    tmp_path: Path, name: str, row: list[str], delimiter: str
) -> None:
    path = tmp_path / "voters.txt"
    other = [cell.replace("100000123", "100000124").replace("5678", "5679") for cell in row]
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, delimiter=delimiter).writerows([row, other])
    layout, voters, places = read(path)
    assert layout == name
    assert len({voter.id for voter in voters}) == 2
    for voter in voters:
        assert (voter.first, voter.suffix, voter.birth) == ("carlos", "jr", "1961-03-09")
        assert voter.house_number == "12"
    expected = {
        "fl": {"county:FL/DAD", "precinct:FL/DAD/51", "district:FL/CONGRESS/26"},
        "ny": {"county:NY/1", "precinct:NY/1/109 7", "district:NY/ASSEMBLY/109"},
    }[name]
    assert expected <= places


def test_headers_count_without_case_blanks_and_punctuation() -> None:
    headers = ["NC-ID", "Voter Reg Num", "Res Street Address", "LASTNAME", "first name"]
    assert recognise(headers, name="x").columns[Role.ID] == ((0,),)


def test_every_layout_is_tried_here() -> None:
    assert {*ROWS, "fl", "ny"} == set(layout_names())


def test_the_samples_are_read(shared: Path) -> None:
    layout, voters, _ = read(shared / "samples/voters_nc.txt")
    assert (layout, len(voters)) == ("nc", 465)
    layout, voters, _ = read(shared / "samples/voters_van.csv")
    assert (layout, len(voters)) == ("van", 4535)


@pytest.mark.parametrize("missing", ["ncid", "last_name"])
def test_a_file_that_lacks_ids_or_names_is_refused_with_what_is_missing(missing: str) -> None:
    headers = [header for header in ROWS["nc"][0] if header != missing]
    with pytest.raises(BadFile, match="looks like a North Carolina voter file and has no column"):
        recognise(headers, name="voters.txt")


def test_a_partners_list_is_no_voter_file() -> None:
    with pytest.raises(BadFile, match="columns of no voter file"):
        recognise(["email", "first_name", "last_name", "zip_code"], name="list.csv")


def test_ids_are_found_by_their_name_or_alone() -> None:
    assert id_columns(["name", "NC ID"], layout="nc") == (((1,),), False)
    assert id_columns(["AA17"], layout="nc") == (((0,),), True)
    assert id_columns(["who", "when"], layout="nc") == ((), False)


def test_a_history_file_is_known_by_the_layout_of_its_voter_file() -> None:
    columns = recognise_history(["county", "election_lbl", "ncid"], layout="nc", name="h.txt")
    assert (columns.id, columns.election, columns.how) == (2, 1, None)
    with pytest.raises(BadFile, match="no history file of the layout oh"):
        recognise_history(["ncid", "election_lbl"], layout="oh", name="h.txt")


def test_roles_are_read_in_the_layouts_order_of_preference() -> None:
    headers = ["Voter File VANID", "LastName", "FirstName", "mZip5", "vZip5"]
    assert recognise(headers, name="x").columns[Role.POSTCODE] == ((4,), (3,))
