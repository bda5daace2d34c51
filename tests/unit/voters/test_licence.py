"""A licence's last day ends where the file's voters live."""

from __future__ import annotations

from datetime import date, datetime

import pytest

from consortium.voters.licence import end_of

LAST = date(2026, 11, 3)


@pytest.mark.parametrize(
    ("country", "states", "ends"),
    [
        ("US", {"NC"}, "2026-11-04T05:00+00:00"),
        ("US", {"NC", "WA"}, "2026-11-04T08:00+00:00"),
        ("US", {"NC", "AE"}, "2026-11-04T05:00+00:00"),  # an army post office is in no zone
        ("US", {"FL"}, "2026-11-04T06:00+00:00"),  # its west keeps another clock
        ("US", set(), "2026-11-04T11:00+00:00"),  # to the end of the day in Pago Pago
        ("GB", set(), "2026-11-04T00:00+00:00"),
        ("", set(), "2026-11-04T12:00+00:00"),
    ],
)
def test_the_last_day_ends_at_the_last_of_its_midnights(
    country: str, states: set[str], ends: str
) -> None:
    assert end_of(LAST, country=country, states=states) == datetime.fromisoformat(ends)


def test_summer_time_counts() -> None:
    found = end_of(date(2026, 7, 1), country="GB", states=())
    assert found.isoformat() == "2026-07-01T23:00:00+00:00"


def test_a_licence_for_ever_has_an_end() -> None:
    assert end_of(date.max, country="US", states={"NC"}).year == 9999
