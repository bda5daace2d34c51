"""The short cut through the great numbering plans never disagrees with libphonenumber."""

from __future__ import annotations

import phonenumbers
from hypothesis import example, given, settings
from hypothesis import strategies as st
from phonenumbers import PhoneNumberType

from consortium.tokens import Phone, phone, plan

MOBILE = {
    PhoneNumberType.MOBILE: True,
    PhoneNumberType.FIXED_LINE_OR_MOBILE: None,
    PhoneNumberType.VOIP: None,
    PhoneNumberType.PERSONAL_NUMBER: None,
    PhoneNumberType.UNKNOWN: None,
}
digits = st.text("0123456789", min_size=8, max_size=12)
american = st.from_regex(r"[2-9][0-9]{9}", fullmatch=True)
british = st.from_regex(r"[1-9][0-9]{8,9}", fullmatch=True)
british_mobile = st.from_regex(r"7[0-9]{9}", fullmatch=True)


def reference(raw: str, region: str) -> tuple[str, bool | None] | None:
    """What the library says: E.164 and whether it is a mobile, or None."""
    try:
        number = phonenumbers.parse(raw, region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    kind = phonenumbers.number_type(number)
    e164 = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return e164, MOBILE.get(kind, False)


@settings(max_examples=400)
@given(st.tuples(st.just(1), american) | st.tuples(st.just(44), british | british_mobile))
@example((1, "5035550123"))
@example((1, "8005550123"))
@example((44, "7700900123"))
@example((44, "7624000000"))
@example((44, "7012345678"))
def test_the_short_cut_agrees_with_the_library(number: tuple[int, str]) -> None:
    country_code, national = number
    line = plan.quick(country_code, national)
    if line is not None:
        e164 = f"+{country_code}{national}"
        assert reference(e164, "US") == (e164, line.mobile)
        assert not line.service


@settings(max_examples=400)
@given(st.sampled_from(["US", "GB", "CA", "DE"]), digits, st.sampled_from(["", "+", "0", "1"]))
def test_what_is_accepted_is_what_the_library_accepts(region: str, number: str, lead: str) -> None:
    raw = lead + number
    found, expected = phone.normalise(raw, region), reference(raw, region)
    if isinstance(found, Phone) and not raw.startswith("00"):
        assert (found.e164, found.mobile) == expected
    elif expected is not None and not isinstance(found, Phone):
        assert found.code == "placeholder"


def test_the_short_cut_covers_every_area_of_the_continent() -> None:
    covered = sum(plan.quick(1, f"{area}5550123") is not None for area in range(200, 1000))
    assert covered > 350
