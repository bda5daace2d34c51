"""Every short cut and every memory gives what the rules give without them."""

from __future__ import annotations

from datetime import date

from hypothesis import example, given, settings
from hypothesis import strategies as st

from consortium.model import Places
from consortium.tokens import (
    Profile,
    addresses,
    dates,
    email,
    names,
    places,
    postcodes,
    text,
    zones,
)

TODAY = date(2026, 11, 21)
PROFILE = Profile(dot_insensitive_domains=frozenset({"gmail.example.com"}))

anything = st.text(st.characters(codec=None, exclude_categories=()), max_size=40)
WORDS = "Dana Mr Dr Jr III PhD de la Null null none test na van O'Neil Lopez-Ruiz José X. () , box"
word = st.sampled_from(WORDS.split())
near_name = st.lists(word, max_size=4).map(" ".join) | st.text(
    "abJS. ,-'()\u00e9\u200b\0", max_size=20
)
local = st.text("abcXYZ019.+_-!'`/|&=#é \u200b", max_size=14) | st.sampled_from(
    ["info", "no.reply", "test", "asdf", "aaa", "none", "a.b+c", "+a", "a.+b", "x" * 64, "x" * 65]
)
domain = st.sampled_from(
    [
        "gmail.com",
        "GoogleMail.com",
        "gmail.example.com",
        "Example.ORG",
        "asdf.com",
        "none.com",
        "host.local",
        "x",
        "x.y",
        "-a.org",
        "a-.org",
        "a--b.org",
        "xn--bcher-kva.example",
        "xn--bogus-.example",
        "a..org",
        "a.org.",
        "a.org ",
        "bücher.example",
        f"{'d' * 63}.org",
        f"{'d' * 64}.org",
    ]
) | st.text("ab.-1Z ", max_size=10)
street = st.from_regex(
    r"[ #]?([0-9]{1,7}|[NW][0-9]{2}[EW][0-9]{3}|Apt 4)[ -]{0,2}"
    r"[A-Za-z0-9\u00e9\0 .,#-]{0,20}( PO Box 12| b\0ox 9)?",
    fullmatch=True,
)
small_date = st.from_regex(r"\A[0-9]{1,4}[-/.][0-9]{1,2}[-/.][0-9]{1,4}\Z")


@settings(max_examples=400)
@given(st.builds("{}@{}".format, local, domain) | anything)
@example("info@example.org")
@example("\u0661@example.org")
def test_an_address_is_what_the_rules_make_of_it(raw: str) -> None:
    assert email.normalise(raw, PROFILE) == email.read(raw, PROFILE)


@given(near_name | anything, near_name | anything, st.sampled_from(["", "Jr", "II", "x"]))
def test_name_parts_are_those_of_cells_too_long_to_be_remembered(
    first: str, last: str, ending: str
) -> None:
    """White space behind a cell makes it longer than what is remembered, and says nothing."""
    found = names.parts(first=first, last=last, suffix=ending)
    assert found == names.parts(first=first + " " * 120, last=last + " " * 120, suffix=ending)
    assert names.fold(last) == names.fold(last + " " * 120)
    assert names.given(first) == names.given(first + " " * 120)
    assert names.surname_code(last) == names.surname_code(last + " " * 120)


@settings(max_examples=400)
@given(near_name | anything | st.builds("{}, {}".format, word, word))
@example("Lopez, Dr")
@example("Jr, Dana")
@example("Null, Dana")
@example("Dr Lopez")
@example("Dana Jr")
@example("not given")
@example("Dana PhD")
def test_a_full_name_comes_apart_as_the_rules_say(raw: str) -> None:
    """A second space between two words keeps the short cut away, and says nothing."""
    assert names.split_full(raw) == names.split_full(raw.replace(" ", "  "))


@settings(max_examples=400)
@given(street | anything)
@example("12 Box Elder Lane")
@example("123 Main PO Box 5")
@example("0012 Main St")
@example("5 th Ave")
def test_a_house_number_is_what_the_rules_find(raw: str) -> None:
    assert addresses.house_number(raw) == addresses.read(raw)


@settings(max_examples=400)
@given(
    st.from_regex(r"\A[0-9]{3,9}(-[0-9]{4})?\Z") | anything,
    st.sampled_from(["", "US", "PR", "GB", "CA", "DE", "FR"]),
    st.sampled_from(["", "OR", "MA", "NY"]),
)
@example("00000", "US", "")
@example("00500", "US", "")
@example("99951", "", "")
def test_a_postcode_is_what_the_rules_make_of_it(raw: str, country: str, state: str) -> None:
    expected = postcodes.read(raw, country, state=state)
    assert postcodes.normalise(raw, country, state=state) == expected
    assert postcodes.normalise(raw, country, state=state) == expected


@given(small_date | anything)
@example("1980-02-30")
@example("1900-01-01")
@example("2080-01-01")
@example("19\u0668\u0660-01-02")
def test_a_date_is_normal_if_its_column_would_keep_it(raw: str) -> None:
    assert dates.is_normal(raw, today=TODAY) == (dates.normalise([raw], today=TODAY) == [raw])


@given(small_date, st.sampled_from(["MDY", "DMY"]))
def test_white_space_keeps_no_date_from_being_read(raw: str, order: dates.Order) -> None:
    plain = dates.normalise([raw], today=TODAY, default_order=order)
    assert dates.normalise([f" {raw}\u200b"], today=TODAY, default_order=order) == plain


@given(
    st.sampled_from(["", "US", "GB", "DE"]),
    st.sampled_from(["", "IN", "OR", "ENG"]),
    st.lists(st.sampled_from(["+12195550123", "+15035550123", "+442079460123", "+4930123456"])),
)
def test_zones_are_those_of_every_piece_of_evidence(
    country: str, state: str, phones: list[str]
) -> None:
    of_place = set(zones.zones(Places(country, state)))
    of_phones = {zone for one in phones for zone in zones.zones(Places(), [one])}
    assert zones.zones(Places(country, state), phones) == tuple(sorted(of_place | of_phones))


@given(anything)
def test_a_place_is_the_same_when_asked_again(raw: str) -> None:
    assert places.state(raw, "US") == places.state(raw + " " * 100, "US") == places.state(raw, "US")
    assert places.country(raw) == places.country(text.bare(raw))
