"""The short cut through the numbering plans never disagrees with libphonenumber, in any country."""

from __future__ import annotations

import random
import re
from functools import cache

import phonenumbers
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, PhoneMetadata, PhoneNumberType

from consortium.errors import UsageError
from consortium.tokens import Phone, dialling, kinds, phone
from consortium.tokens.patterns import VARIES, Automaton
from consortium.tokens.plan import Kind

MOBILE = {
    PhoneNumberType.MOBILE: True,
    PhoneNumberType.FIXED_LINE_OR_MOBILE: None,
    PhoneNumberType.VOIP: None,
    PhoneNumberType.PERSONAL_NUMBER: None,
    PhoneNumberType.UNKNOWN: None,
}
SERVICES = {
    PhoneNumberType.PREMIUM_RATE,
    PhoneNumberType.SHARED_COST,
    PhoneNumberType.TOLL_FREE,
    PhoneNumberType.UAN,
    PhoneNumberType.VOICEMAIL,
}
CODES = sorted(COUNTRY_CODE_TO_REGION_CODE)
REGIONS = sorted(phonenumbers.SUPPORTED_REGIONS)
NAMES = ("general_desc", "fixed_line", "mobile", "toll_free", "premium_rate", "shared_cost", "voip")
NAMES += ("personal_number", "pager", "uan", "voicemail")
DIGITS = "0123456789"

digits = st.text(DIGITS, min_size=6, max_size=14)
american = st.from_regex(r"[2-9][0-9]{9}", fullmatch=True)
spelled = st.from_regex(
    r"[ (]?\+?[ (]?[01]{0,3}[-. ()\u2011\u00a0]{0,2}([0-9]{1,4}[-. ()]{0,2}){2,5}"
    r"( ?(x|X|ext|ext\.|Ext) ?[0-9]{1,6})?(\.0{1,3})?[ ).]?",
    fullmatch=True,
)


def library(e164_digits: str) -> Kind | None:
    """What the library says of `+` and some digits, if it reads them as they stand."""
    try:
        number = phonenumbers.parse(f"+{e164_digits}", None)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    kind = phonenumbers.number_type(number)
    assert phonenumbers.format_number(number, 0) == f"+{e164_digits}"
    return Kind(MOBILE.get(kind, False), kind in SERVICES)


def agrees(e164_digits: str) -> bool:
    """Whether short cut and library say the same of a number; True if the short cut is silent."""
    found = dialling.quick(e164_digits, "US", international=True)
    return found is None or found == (e164_digits, library(e164_digits))


@cache
def automaton(region: str) -> Automaton[str]:
    """All patterns of one region."""
    made: Automaton[str] = Automaton()
    for name, pattern in patterns(region).items():
        made.add(pattern, name)
    return made


def patterns(region: str) -> dict[str, str]:
    found = PhoneMetadata.metadata_for_region(region)
    assert found is not None
    kinds = {name: getattr(found, name) for name in NAMES}
    return {
        n: k.national_number_pattern for n, k in kinds.items() if k and k.national_number_pattern
    }


def walk(made: Automaton[str], length: int, rng: random.Random) -> str:
    """Digits that stay inside some pattern as long as they can, but for one in twenty."""
    number, state = "", 0
    for _ in range(length):
        live = [d for d in DIGITS if not made.is_dead(made.read(d, state))]
        digit = rng.choice(live if live and rng.random() < 0.95 else DIGITS)
        number += digit
        state = made.read(digit, state)
    return number


@pytest.mark.parametrize("region", REGIONS)
def test_the_automaton_matches_what_the_regular_expressions_match(region: str) -> None:
    made, rng = automaton(region), random.Random(region)
    compiled = {name: re.compile(p, re.ASCII) for name, p in patterns(region).items()}
    for _ in range(40):
        number = walk(made, rng.randint(4, 12), rng)
        expected = {name for name, pattern in compiled.items() if pattern.fullmatch(number)}
        assert made.labels(made.read(number)) == expected, number


@pytest.mark.parametrize("region", REGIONS)
def test_the_short_cut_agrees_in_every_region_of_every_country(region: str) -> None:
    made, rng = automaton(region), random.Random(region)
    code = phonenumbers.country_code_for_region(region)
    lengths = PhoneMetadata.metadata_for_region(region).general_desc.possible_length  # type: ignore[union-attr]  # a region that the library names
    for _ in range(25):
        national = walk(made, rng.choice(lengths), rng)
        assert agrees(f"{code}{national}"), national
        for spelling in (national, f"0{national}", f"{code}{national}", f"+{code} {national}"):
            assert phone.normalise(spelling, region) == phone.read(spelling, region), spelling


def test_the_short_cut_agrees_in_every_thousand_exchanges_of_north_america() -> None:
    rng = random.Random(1)
    for begins in range(2000, 10_000):
        assert agrees(f"1{begins}{rng.randrange(1_000_000):06d}")


def test_what_is_remembered_of_one_number_holds_for_the_others_that_begin_so() -> None:
    rng = random.Random(2)
    for begins in (f"1{rng.randrange(2_000, 10_000)}" for _ in range(200)):
        for _ in range(8):
            number = f"{begins}{rng.randrange(1_000_000):06d}"
            assert kinds.kind_of(number) == library(number)


@settings(max_examples=300)
@given(st.sampled_from(CODES), digits)
@example(44, "7700900123")
@example(44, "7624000000")
@example(44, "7012345678")
@example(1, "8005550123")
@example(800, "12345678")
@example(39, "0236618300")
def test_the_short_cut_agrees_with_the_library(code: int, national: str) -> None:
    whole = f"{code}{national}"
    if len(whole) <= 15:
        assert agrees(whole)


@settings(max_examples=600)
@given(spelled, st.sampled_from(["US", "GB", "CA", "DE", "IT", "AR", "RU", "AG", "BR", "001", ""]))
@example("1503555.0000", "US")
@example("1503555012.0", "US")
@example("503-555-0123 x12", "US")
@example("(503) 555-0123-x4", "US")
@example("00 44 20 7946 0123", "US")
@example("447911123456", "GB")
@example("0447911123456", "GB")
@example("8 495 123-45-67", "RU")
@example("268 464 1234", "AG")
@example("222 222 2222", "US")
def test_a_cell_is_read_the_same_with_and_without_the_short_cut(raw: str, region: str) -> None:
    assert phone.normalise(raw, region) == phone.read(raw, region)
    assert phone.normalise_column([raw, raw], region) == [phone.read(raw, region)] * 2


labelled = st.tuples(
    st.sampled_from(["", "home ", "cell: ", "(h) ", "'", '="', "ask Dana, "]),
    spelled,
    st.sampled_from(
        ["", " (mobile)", '"', ".0", " or ", " / 503-555-0123", " ::: +44 20 7946 0123"]
    ),
).map("".join)


@settings(max_examples=600)
@given(labelled, st.sampled_from(["US", "GB"]))
@example("home 5035550123.0", "US")
@example("cell 0015035550123", "US")
def test_a_labelled_number_is_read_the_same(raw: str, region: str) -> None:
    assert phone.normalise(raw, region) == phone.read(raw, region)


@settings(max_examples=300)
@given(
    st.sampled_from(["US", "CA", "PR", "JM"]),
    american,
    st.sampled_from(["{0}{1}{2}", "({0}) {1}-{2}", "{0}.{1}.{2}", "1-{0}-{1}-{2}", "+1{0}{1}{2}"]),
    st.sampled_from(["", " x4", " ext. 12", "x00012"]),
)
def test_american_spellings_are_read_the_same(
    region: str, number: str, spelling: str, extension: str
) -> None:
    raw = spelling.format(number[:3], number[3:6], number[6:]) + extension
    assert phone.normalise(raw, region) == phone.read(raw, region)


@settings(max_examples=300)
@given(st.sampled_from(["US", "GB", "CA", "DE"]), digits, st.sampled_from(["", "+", "0", "1"]))
def test_what_is_accepted_is_what_the_library_accepts(region: str, number: str, lead: str) -> None:
    raw = lead + number
    found = phone.normalise(raw, region)
    try:
        parsed = phonenumbers.parse(raw, region)
        expected = phonenumbers.is_valid_number(parsed)
    except phonenumbers.NumberParseException:
        expected = False
    if isinstance(found, Phone) and not raw.startswith("00"):
        assert expected
        assert found.e164 == phonenumbers.format_number(parsed, 0)
        assert found.mobile is MOBILE.get(phonenumbers.number_type(parsed), False)
    elif expected and not isinstance(found, Phone):
        assert found.code == "placeholder"


def test_the_short_cut_speaks_for_nearly_every_number_of_the_great_plans() -> None:
    rng = random.Random(3)
    for code, region in ((1, "US"), (44, "GB"), (49, "DE"), (33, "FR"), (61, "AU"), (353, "IE")):
        numbers = [f"{code}{walk(automaton(region), 10, rng)}" for _ in range(200)]
        silent = [n for n in numbers if dialling.quick(n, region, international=True) is None]
        assert len(silent) < 20, region


@pytest.mark.parametrize(
    "pattern", ["[^0]", "a", "1*", "(?=1)2", "1+", "(1)", "1{2", "(?:1", "1)", r"\w", "[1-", "1."]
)
def test_a_pattern_of_another_kind_is_not_half_understood(pattern: str) -> None:
    with pytest.raises(UsageError):
        Automaton[str]().add(pattern, "kind")


def test_numbers_that_differ_are_not_judged_by_their_first_digits() -> None:
    made: Automaton[str] = Automaton()
    made.add(r"12[0-4]\d", "low")

    def judge(labels: frozenset[str], _length: int) -> bool:
        return "low" in labels

    assert made.uniform(made.read("123"), 1, judge, 4) is True
    assert made.uniform(made.read("129"), 1, judge, 4) is False
    assert made.uniform(made.read("12"), 2, judge, 4) is VARIES
    assert made.uniform(made.read("9"), 3, judge, 4) is False
