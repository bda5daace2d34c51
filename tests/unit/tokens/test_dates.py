"""Birth dates: the column decides, and what is not known is not made up."""

from __future__ import annotations

from datetime import date

import pytest

from consortium.tokens import Rejected, dates

TODAY = date(2026, 11, 21)


def one(raw: str, order: dates.Order = "MDY") -> str | Rejected:
    return dates.normalise([raw], today=TODAY, default_order=order)[0]


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("1964-11-19", "1964-11-19"),
        ("1964/11/19", "1964-11-19"),
        ("19641119", "1964-11-19"),
        ("11191964", "1964-11-19"),
        ("19.11.1964", "1964-11-19"),
        ("11/19/1964", "1964-11-19"),
        ("11/19/64", "1964-11-19"),
        ("11-19-1964", "1964-11-19"),
        ("3/18/75", "1975-03-18"),
        ("19 Nov 1964", "1964-11-19"),
        ("19-Nov-64", "1964-11-19"),
        ("November 19, 1964", "1964-11-19"),
        ("19th of November 1964", "1964-11-19"),
        ("19 de noviembre de 1964", "1964-11-19"),
        ("1964-11-19T00:00:00Z", "1964-11-19"),
        ("11/19/1964 12:00:00 AM", "1964-11-19"),
        ("１９６４-１１-１９", "1964-11-19"),
        ("1964", "1964"),
        ("\ud8001964", "1964"),
        ("1964-11", "1964"),
        ("1964-00-00", "1964"),
        ("04/08", "--04-08"),
        ("--04-08", "--04-08"),
        ("02/29", "--02-29"),
        ("2/29/1964", "1964-02-29"),
        ("", ""),
        ("n/a", ""),
    ],
)
def test_a_date_has_one_form(raw: str, expected: str) -> None:
    assert one(raw) == expected


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        ("2/30/1964", "impossible_date"),
        ("2/29/1965", "impossible_date"),
        ("13/13/1964", "impossible_date"),
        ("11/22/2026", "impossible_date"),
        ("1850-01-01", "impossible_date"),
        ("2027", "impossible_date"),
        ("00/00", "impossible_date"),
        ("1900-01-01", "placeholder"),
        ("0000-00-00", "placeholder"),
        ("9999-12-31", "placeholder"),
        ("23700", "spreadsheet_number"),
        ("23700.0", "spreadsheet_number"),
        ("born in May", "bad_date"),
        ("19/11/196", "bad_date"),
        ("x" * 1_000_000, "too_long"),
    ],
)
def test_what_is_no_birth_date_says_why(raw: str, code: str) -> None:
    assert one(raw) == Rejected(code)


def test_unambiguous_neighbours_decide_the_order() -> None:
    assert dates.normalise(["04/08/1980", "25/12/1980"], today=TODAY)[0] == "1980-08-04"
    assert dates.normalise(["04/08/1980", "12/25/1980"], today=TODAY)[0] == "1980-04-08"


def test_without_neighbours_the_default_decides() -> None:
    assert one("04/08/1980", "MDY") == "1980-04-08"
    assert one("04/08/1980", "DMY") == "1980-08-04"


def test_dots_are_day_first_unless_a_neighbour_says_otherwise() -> None:
    assert one("04.08.1980", "MDY") == "1980-08-04"
    assert dates.normalise(["04.08.1980", "12.25.1980"], today=TODAY)[0] == "1980-04-08"


def test_where_both_orders_are_at_home_an_ambiguous_date_is_refused() -> None:
    column = ["04/08/1980", "25/12/1980", "12/25/1980", "05/05/1980"]
    assert dates.normalise(column, today=TODAY) == [
        Rejected("ambiguous_date"),
        "1980-12-25",
        "1980-12-25",
        "1980-05-05",
    ]


def test_a_few_slips_do_not_sway_a_column() -> None:
    column = ["04/08/1980", "25/12/1980", *(f"12/25/{1940 + i}" for i in range(30))]
    assert dates.normalise(column, today=TODAY)[:2] == ["1980-04-08", "1980-12-25"]


@pytest.mark.parametrize("year", range(100))
def test_nobody_is_born_in_the_future_or_on_a_list_as_a_child(year: int) -> None:
    found = one(f"1/2/{year:02d}")
    assert isinstance(found, str)
    assert 14 <= TODAY.year - int(found[:4]) < 114


def test_a_date_that_a_system_filled_in_is_refused() -> None:
    people = [f"19{50 + i % 40}-0{1 + i % 9}-{10 + i % 18}" for i in range(1000)]
    found = dates.normalise([*people, *["1970-01-01"] * 40], today=TODAY)
    assert found[-1] == Rejected("placeholder")
    assert found[0] == people[0]


def test_a_date_that_a_few_share_is_kept() -> None:
    assert dates.normalise(["1970-01-01"] * 5, today=TODAY) == ["1970-01-01"] * 5


def test_a_value_is_judged_alone_when_asked() -> None:
    assert dates.is_normal("1970-01-01", today=TODAY)
    assert dates.is_normal("", today=TODAY)
    assert dates.is_normal("--02-29", today=TODAY)
    assert not dates.is_normal("1/1/1970", today=TODAY)
    assert not dates.is_normal("2027-01-01", today=TODAY)


def test_where_too_many_are_born_on_new_year_the_year_alone_is_kept() -> None:
    column = [f"{1940 + n}-01-01" for n in range(30)] + [
        f"{1940 + n}-05-{n + 1:02}" for n in range(30)
    ]
    found = dates.normalise(column, today=TODAY)
    assert found[:30] == [str(1940 + n) for n in range(30)]
    assert found[30:] == column[30:]


def test_a_few_may_be_born_on_new_year() -> None:
    column = [f"{1940 + n}-01-01" for n in range(19)] + [
        f"{1940 + n}-05-{n + 1:02}" for n in range(30)
    ]
    assert dates.normalise(column, today=TODAY) == column


def test_a_birthday_without_a_year_stays_on_new_year() -> None:
    column = [f"{1940 + n}-01-01" for n in range(30)] + ["01/01"]
    assert dates.normalise(column, today=TODAY)[-1] == "--01-01"


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("1975-03-14T00:00:00Z", "1975-03-14"),
        ("1975-03-14 00:00:00.000", "1975-03-14"),
        ("3/14/1975 12:00:00 AM", "1975-03-14"),
        ("March 14, 1975", "1975-03-14"),
        ("14 Mar 1975", "1975-03-14"),
        ("Mar-14-75", "1975-03-14"),
        ("14th of March 1975", "1975-03-14"),
        ("Fri, 14 Mar 1975", "1975-03-14"),
        ("Friday, March 14, 1975", "1975-03-14"),
        ("March 1975", "1975"),
    ],
)
def test_times_and_names_of_months_and_days_are_read(raw: str, expected: str) -> None:
    assert dates.normalise([raw], today=TODAY) == [expected]


def test_a_date_of_nothing_but_zeros_is_no_date() -> None:
    found = dates.normalise(["0/0/00", "0/0/1985"], today=date(2026, 9, 1), default_order="MDY")
    assert found == [Rejected("placeholder"), "1985"]
