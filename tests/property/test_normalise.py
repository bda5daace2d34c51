"""Normalising is total, idempotent and never hands on what cannot be seen."""

from __future__ import annotations

import unicodedata
from datetime import date

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from consortium.tokens import (
    REJECTIONS,
    Email,
    Phone,
    Profile,
    Rejected,
    addresses,
    compose_name_address,
    compose_name_birth,
    dates,
    domains,
    email,
    languages,
    mapped,
    names,
    phone,
    places,
    postcodes,
    text,
    typos,
)

TODAY = date(2026, 11, 21)
PROFILE = Profile(dot_insensitive_domains=frozenset({"gmail.example.com"}))

anything = st.text(st.characters(codec=None, exclude_categories=()))
"""Any string at all: NULs, half surrogates, direction marks, every script."""
near_address = st.text("ab.+@-_<>\"' ,;/\0\u200b\u202e\uff20é", max_size=40)
near_number = st.text("0123456789+-() .x/;,eE=\u0665\u200e", max_size=40)
near_date = st.text("0123456789/-. :Tjanmay", max_size=16)
near_name = st.text(
    "abJS. ,-'()\"\u00e9\u0142\u00df\u0130\u200b\0"
    "\u00c3\u00a9\u0192\u00c2\u0303\u2606\u00e2\u20ac\u2122",
    max_size=30,
)
label = st.text("abcdefghijklmnopqrstuvwxyz0123456789éßא\u0661-", min_size=1, max_size=12)
local = st.text("abcXYZ019.+!#$%&'*/=?^_`{|}~-", min_size=1, max_size=12)


@given(st.one_of(anything, near_address))
@example("\ud800@example.org")
@example("a@b.org, \0")
def test_every_cell_is_an_address_or_a_known_reason(raw: str) -> None:
    for one in [email.normalise(raw), *email.normalise_all(raw)]:
        assert isinstance(one, Email) or one.code in REJECTIONS


@given(st.one_of(anything, near_number))
@example("²0000000000")
def test_every_cell_is_a_number_or_a_known_reason(raw: str) -> None:
    for one in [phone.normalise(raw), *phone.normalise_all(raw, "GB")]:
        assert isinstance(one, Phone) or one.code in REJECTIONS


@given(st.lists(st.one_of(anything, near_date), max_size=8))
@example(["²/²/1980", "1980-²-01"])
def test_every_column_is_dates_or_known_reasons(column: list[str]) -> None:
    found = dates.normalise(column, today=TODAY)
    assert len(found) == len(column)
    for one in found:
        assert isinstance(one, str) or one.code in REJECTIONS


@given(anything, st.sampled_from(["", "US", "GB", "CA", "FR", "??"]), st.sampled_from(["", "OR"]))
@example("²²²²²", "US", "")
def test_every_cell_is_a_postcode_or_a_known_reason(raw: str, country: str, state: str) -> None:
    found = postcodes.normalise(raw, country, state=state)
    assert isinstance(found, str) or found.code in REJECTIONS


@given(local, label, st.sampled_from(["org", "example.com", "xn--fiqq24b10vi0d.tw"]))
def test_an_address_is_what_its_deliverable_form_is(name: str, host: str, top: str) -> None:
    found = email.normalise(f"{name}@{host}.{top}", PROFILE)
    if isinstance(found, Email):
        assert email.normalise(found.deliverable, PROFILE) == found


@given(local, st.sampled_from(["gmail.com", "googlemail.com", "gmail.example.com", "x.org"]))
def test_a_canonical_address_is_its_own(name: str, domain: str) -> None:
    found = email.normalise(f"{name}@{domain}", PROFILE)
    if isinstance(found, Email):
        again = email.normalise(found.canonical, PROFILE)
        assert isinstance(again, Email)
        assert again.canonical == again.deliverable == found.canonical


@given(local, st.sampled_from(["gmail.com", "x.org"]))
def test_case_and_tags_never_make_another_mailbox(name: str, domain: str) -> None:
    found = email.normalise(f"{name}@{domain}")
    for spelling in (f"{name.upper()}@{domain}", f"{name}+tag@{domain.upper()}"):
        other = email.normalise(spelling)
        if isinstance(found, Email) and isinstance(other, Email):
            assert other.canonical == found.canonical


@given(near_address)
def test_what_is_delivered_to_is_plain_ascii_of_legal_size(raw: str) -> None:
    found = email.normalise(raw)
    if isinstance(found, Email):
        for address in (found.deliverable, found.canonical):
            name, _, domain = address.rpartition("@")
            assert address.isascii()
            assert address.isprintable()
            assert not set(address) & set(' <>,;:"\\()[]')
            assert 0 < len(name) <= 64
            assert "." in domain
            assert len(address) <= 254


@given(st.one_of(near_number, st.from_regex(r"\+?1?[2-9][0-9]{9}", fullmatch=True)))
def test_a_number_is_what_its_e164_form_is(raw: str) -> None:
    found = phone.normalise(raw)
    if isinstance(found, Phone):
        again = phone.normalise(found.e164, "GB")
        assert isinstance(again, Phone)
        assert again.e164 == found.e164
        assert found.e164[0] == "+"
        assert found.e164[1:].isascii()
        assert found.e164[1:].isdigit()
        assert 8 <= len(found.e164) <= 16


@given(near_date, st.sampled_from(["MDY", "DMY"]))
def test_a_date_in_normal_form_stays(raw: str, order: dates.Order) -> None:
    found = dates.normalise([raw], today=TODAY, default_order=order)[0]
    if isinstance(found, str):
        assert dates.is_normal(found, today=TODAY)
        assert not found or found[:2] == "--" or "1901" <= found[:4] <= "2026"


@given(st.lists(st.dates(date(1920, 1, 1), date(2012, 12, 31)), max_size=15))
def test_a_columns_dates_do_not_hang_on_its_order(days: list[date]) -> None:
    column = [f"{day.month}/{day.day}/{day.year}" for day in days]
    shuffled = sorted(column)
    whole = dict(zip(column, dates.normalise(column, today=TODAY), strict=True))
    assert dict(zip(shuffled, dates.normalise(shuffled, today=TODAY), strict=True)) == whole


@given(st.one_of(anything, near_name))
@example("\u0345\u0130")
@example("Dr. Dr. Jr")
def test_folding_a_name_twice_changes_nothing(raw: str) -> None:
    folded = names.fold(raw)
    assert names.fold(folded) in {folded, ""}
    assert folded == folded.lower()
    assert all(map(str.isalpha, folded))


@given(st.one_of(anything, near_name))
def test_a_written_name_stays_as_it_is(raw: str) -> None:
    name = names.written(raw)
    assert names.written(name) == name
    assert len(name) <= 100
    assert all(unicodedata.category(char) not in {"Cc", "Cf", "Cs", "Zl", "Zp"} for char in name)


@given(st.one_of(anything, near_name))
def test_a_full_name_comes_apart_into_writable_parts(raw: str) -> None:
    full = names.split_full(raw)
    for part in (full.first, full.middle, full.last):
        assert part == " ".join(part.split())
    assert full.suffix in {"", "jr", "sr", "ii", "iii", "iv"}


@given(near_name, near_name)
def test_compatibility_is_symmetric_and_every_name_fits_itself(a: str, b: str) -> None:
    assert names.compatible_first(a, b) == names.compatible_first(b, a)
    assert names.compatible_first(a, a)
    assert names.compatible_first(a, "")


@given(near_name)
def test_a_class_is_of_its_own_class(raw: str) -> None:
    found = names.first_class(raw)
    assert names.first_class(found) == found


@given(st.one_of(anything, st.from_regex(r"[0-9A-Z]{2,5}[ -]?[0-9A-Z]{3,4}", fullmatch=True)))
def test_a_postcode_in_normal_form_stays(raw: str) -> None:
    for country in ("", "US", "GB", "CA", "NL", "IE", "DE", "IT", "PL", "SE", "AU"):
        found = postcodes.normalise(raw, country)
        if isinstance(found, str):
            assert postcodes.normalise(found, country) == found


@given(anything)
def test_places_in_normal_form_stay(raw: str) -> None:
    state, country = places.state(raw), places.country(raw)
    assert places.state(state) == state
    assert places.country(country) == country


@given(st.one_of(anything, st.from_regex(r"\d{1,4}[a-z-]? [a-z]{3,9} (st|ave)", fullmatch=True)))
def test_a_house_number_is_letters_and_digits(raw: str) -> None:
    number = addresses.house_number(raw)
    assert number == "" or (number.isascii() and number.isalnum() and number == number.lower())
    assert len(number) <= 16
    assert addresses.split(raw).house_number == addresses.house_number(raw)


@given(anything)
def test_a_line_shows_all_it_holds(raw: str) -> None:
    line = text.line(raw)
    assert text.line(line) == line
    assert not text.unseen(line)


@given(st.text(max_size=80))
def test_a_domain_in_dns_form_stays(raw: str) -> None:
    name = domains.to_ascii(raw)
    if name is not None:
        assert name.isascii()
        assert domains.to_ascii(name) == name


@given(st.text("ab|\u01c0 J", max_size=9), st.text("ab|\uff5c S", max_size=9))
def test_a_separator_in_a_name_never_makes_another_composite(first: str, last: str) -> None:
    birth = compose_name_birth(first, last, "1980-01-02")
    assert birth is None or birth.count("|") == 2
    address = compose_name_address(first, last, "12", "97214")
    assert address is None or address.count("|") == 3


@given(st.lists(near_name))
def test_a_column_is_its_cells(column: list[str]) -> None:
    assert mapped(names.fold, column) == [names.fold(cell) for cell in column]
    assert email.normalise_column(column) == [email.normalise(cell) for cell in column]
    assert phone.normalise_column(column) == [phone.normalise(cell) for cell in column]


def whatever(raw: str) -> object:
    """Everything this room can do to one cell."""
    return (
        email.normalise_all(raw),
        phone.normalise_all(raw),
        names.split_full(raw),
        names.parts(first=raw, last=raw, suffix=raw),
        names.first_class(raw),
        names.surname_code(raw),
        names.compatible_first(raw, raw[::-1]),
        names.suffix(raw),
        dates.normalise([raw], today=TODAY),
        postcodes.normalise(raw),
        places.state(raw),
        places.country(raw),
        languages.normalise(raw),
        typos.meant(raw),
        addresses.split(raw),
    )


@pytest.mark.parametrize(
    "pattern",
    [
        "a", "1", "@", ".", " ", "<", "(", '"', "\0", "\ud800", "\u0301\u0323", "\ufdfa", "1 ",
        "a@b.org,", "+1 ", "a.", "a-", "ab,", "x 1", "(5", "\u202e", "=+@", "xn--", "Dr. ", "Jr ",
        "\u200b", "1/", "1E", "po box ", "apt 5 ",
    ],
)  # fmt: skip
def test_a_million_characters_are_read_in_passing(pattern: str) -> None:
    raw = (pattern * 1_000_000)[:1_000_000]
    assert whatever(raw)
    assert whatever(" " * 1_000_000 + pattern)
    assert isinstance(email.normalise(raw), Rejected)
