"""JSON Lines, arrays and OSDI people are read as tables."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.unit.pack.readers import cells, opened, records, refused

ANA = {"email": "ana@mail.example.org", "phone": 5035550101, "zip": "02139"}
BO = {"email": "bo@mail.example.org", "first_name": "Bo"}
HEADERS = ("email", "phone", "zip", "first_name")
ROWS = [
    ["ana@mail.example.org", "5035550101", "02139", ""],
    ["bo@mail.example.org", "", "", "Bo"],
]
PERSON: dict[str, Any] = {
    "identifiers": ["system:7", "other:9"],
    "given_name": "Ann",
    "birthdate": {"day": 29, "month": 2, "year": 1980},
    "email_addresses": [
        {"address": "old@mail.example.org", "status": "unsubscribed"},
        {"primary": True, "address": "ann@mail.example.org", "status": "subscribed"},
    ],
    "phone_numbers": [{"number": "15035550101", "sms_capable": True}],
    "postal_addresses": [{"address_lines": ["12 Oak St", "Flat 2"], "postal_code": "97214"}],
    "custom_fields": {"Text me": True, "none": None},
    "_links": {"self": {"href": "https://osdi.example.org/people/7"}},
}


def page(*people: object) -> dict[str, object]:
    return {"total_pages": 1, "_links": {}, "_embedded": {"osdi:people": list(people)}}


def write(folder: Path, text: str | bytes, name: str = "people.json") -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass"))
    return path


@pytest.mark.parametrize(
    ("text", "form"),
    [
        (f"{json.dumps(ANA)}\n{json.dumps(BO)}\n", "JSON Lines"),
        (f"{json.dumps(ANA)}\r\n\r\n{json.dumps(BO)}", "JSON Lines"),
        (json.dumps([ANA, BO]), "JSON"),
        (json.dumps([ANA, BO], indent=2), "JSON Lines"),
        (json.dumps(ANA, indent=2) + json.dumps(BO, indent=2), "JSON Lines"),
        (f"[{json.dumps(ANA)}]\n[{json.dumps(BO)}]", "JSON Lines"),
        (f"{json.dumps(ANA)},\n{json.dumps(BO)}\n", "JSON Lines"),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le"])
def test_one_object_is_one_person_however_they_are_strung(
    tmp_path: Path, text: str, form: str, encoding: str
) -> None:
    path = write(tmp_path, text.encode(encoding), "members.csv")
    source = opened(path)
    assert source.headers == HEADERS
    assert cells(path) == ROWS
    assert source.delimiter == ""
    assert source.delimiter_title.startswith("JSON")


def test_lines_are_those_of_the_file(tmp_path: Path) -> None:
    text = f"\n{json.dumps(ANA)}\n\n\n{json.dumps(BO)}\n[\n{json.dumps(BO)},\n{json.dumps(BO)}]"
    assert [line for line, _ in records(write(tmp_path, text))] == [2, 5, 7, 8]


def test_columns_are_named_by_the_path_to_each_value(tmp_path: Path) -> None:
    person = {
        "name": {"first": "Ana", "last": {"given": "Lopez"}},
        "tags": ["a", "b"],
        "many": [f"t{i}" for i in range(30)],
        "past": [{"n": i} for i in range(21)],
        "day": {"year": 1980, "month": 2},
        "when": {"month": 2, "day": 9},
        "no": {},
        "none": None,
        "yes": True,
        "big": 10**30,
        "kg": 1.50,
        "far": 5.03555e9,
        "deep": {"a": {"a": {"a": {"a": {"a": {"a": {"a": {"a": 1}}}}}}}},
    }
    path = write(tmp_path, json.dumps([person]))
    found = dict(zip(opened(path).headers, cells(path)[0], strict=True))
    assert found == {
        "name.first": "Ana",
        "name.last.given": "Lopez",
        "tags.0": "a",
        "tags.1": "b",
        "many": "; ".join(f"t{i}" for i in range(30)),
        "past": json.dumps([{"n": str(i)} for i in range(21)]),
        "day": "1980-02",
        "when": "--02-09",
        "none": "",
        "yes": "true",
        "big": "1" + "0" * 30,
        "kg": "1.5",
        "far": "5035550000",
        "deep.a.a.a.a.a.a.a": '{"a": "1"}',
    }


@pytest.mark.parametrize(
    "document",
    [
        json.dumps(page(PERSON, PERSON)),
        json.dumps(page(PERSON, PERSON), indent=1),
        json.dumps([page(PERSON), page(PERSON)]),
        json.dumps(page(PERSON)) + "\n" + json.dumps(page(PERSON)),
        json.dumps([PERSON, PERSON]),
    ],
    ids=["a page", "indented", "an array of pages", "a page per line", "bare people"],
)
def test_osdi_people_are_read_from_pages_and_without(tmp_path: Path, document: str) -> None:
    path = write(tmp_path, document)
    source = opened(path)
    assert source.delimiter_title == "OSDI people"
    assert [line[0] for line in cells(path)] == ["system:7"] * 2
    assert dict(zip(source.headers, cells(path)[0], strict=True)) == {
        "identifiers.0": "system:7",
        "identifiers.1": "other:9",
        "given_name": "Ann",
        "birthdate": "1980-02-29",
        "email_addresses.0.primary": "true",
        "email_addresses.0.address": "ann@mail.example.org",
        "email_addresses.0.status": "subscribed",
        "email_addresses.1.address": "old@mail.example.org",
        "email_addresses.1.status": "unsubscribed",
        "phone_numbers.0.number": "15035550101",
        "phone_numbers.0.sms_capable": "true",
        "postal_addresses.0.address_lines.0": "12 Oak St",
        "postal_addresses.0.address_lines.1": "Flat 2",
        "postal_addresses.0.postal_code": "97214",
        "custom_fields.Text me": "true",
        "custom_fields.none": "",
    }


def test_a_page_longer_than_any_record_is_read_person_by_person(tmp_path: Path) -> None:
    people = [{**PERSON, "note": "n" * 1000, "number": i} for i in range(5_000)]
    path = write(tmp_path, json.dumps(page(*people)))
    assert path.stat().st_size > 5 * 2**20
    number = opened(path).headers.index("number")
    assert [row[number] for row in cells(path, size=999)] == [str(i) for i in range(5_000)]


def test_halves_of_characters_become_the_sign_for_what_is_unknown(tmp_path: Path) -> None:
    path = write(tmp_path, r'{"email": "a\ud800b", "n\udfff": "\ud83d\ude00\u0000c"}')
    assert opened(path).headers == ("email", "n�")
    assert cells(path) == [["a�b", "😀c"]]


def test_keys_that_look_like_paths_stay_columns_of_their_own(tmp_path: Path) -> None:
    path = write(tmp_path, '{"a.b": "1", "a": {"b": "2"}}')
    assert opened(path).headers == ("a.b", "a.b")
    assert cells(path) == [["1", "2"]]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ('{"email": "a@b.example"', "cut short"),
        ('{"email": "a@b.example"}\n{"email": }\n', "line 2: this is not JSON"),
        ('[{"email": "a"} {"email": "b"}]', "not JSON"),
        ('[{"email": "a"}', "cut short"),
        ('{"email": NaN}', "not JSON"),
        ('{"email": "a"}\n"b"\n', "line 2: something other than an object"),
        ("[1, 2, 3]", "something other than an object"),
        ("[[1], [2]]", "something other than an object"),
        ('[{"email": "a"}, null]', "something other than an object"),
        ('{"_embedded": {"osdi:people": [1]}}', "something other than an object"),
        ('{"_embedded": {"osdi:people": "x"}}', "something other than an object"),
        ('{"email": "a", "status": "unsubscribed", "status": "subscribed"}', "same key twice"),
        ('{"a": ' * 100_000, "nested deeper"),
        ('{"a": ' + "[" * 100_000 + "]" * 100_000 + "}", "nested deeper"),
        ("[]", "no people"),
        ('{"_embedded": {"osdi:people": []}}', "no people"),
        (json.dumps([{f"k{i}": i} for i in range(5_000)]), "more than 4,096 different keys"),
        ('{"email": "' + "a" * (5 * 2**20) + '"}', "a record of more than 4 MiB"),
        ('{"email": "' + "a" * (2 * 2**20) + '"}', "a cell of more than 1,048,576 characters"),
    ],
)  # fmt: skip
def test_what_is_no_list_of_people_is_refused_with_its_line(
    tmp_path: Path, text: str, what: str
) -> None:
    assert what in refused(write(tmp_path, text)).message


@pytest.mark.parametrize("digits", [5_000, 400_000])
def test_a_number_of_any_length_is_text(tmp_path: Path, digits: int) -> None:
    path = write(tmp_path, '{"email": "a@b.example", "n": ' + "9" * digits + ', "e": 1e999999}')
    assert cells(path) == [["a@b.example", "9" * digits, "1e999999"]]


def test_a_message_tells_nothing_of_the_person(tmp_path: Path) -> None:
    error = refused(write(tmp_path, '{"email": "ana@mail.example.org", "email": "x"}'))
    assert "ana@" not in str(error) + error.hint
