"""Quiet hours on real clocks: weeks around a change of clocks, odd offsets, split area codes."""

from __future__ import annotations

import csv
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from consortium.policy.hours import QuietWindow, first_open
from consortium.policy.zones import CONTIGUOUS_US, evidence, zone

NIGHT = QuietWindow(time(20), time(9))


def opens(at: str, *names: str, window: QuietWindow = NIGHT) -> str:
    """The first open instant after a local one, in the clock of the first zone."""
    zones = tuple(found for name in names if (found := zone(name)) is not None)
    assert len(zones) == len(names)
    start = datetime.fromisoformat(at)
    start = (start if start.tzinfo else start.replace(tzinfo=zones[0])).astimezone(UTC)
    found = first_open(start, zones=zones, window=window, limit=start + timedelta(days=9))
    return "never" if found is None else f"{found.astimezone(zones[0]):%m-%d %H:%M %z}"


def window(start: str, end: str) -> QuietWindow:
    return QuietWindow(time.fromisoformat(start), time.fromisoformat(end))


@pytest.mark.parametrize("day", range(28, 32))
def test_nights_before_the_clocks_go_back_end_at_nine(day: int) -> None:
    assert opens(f"2026-10-{day}T21:00", "America/Los_Angeles").endswith(
        "09:00 -0800" if day == 31 else "09:00 -0700"
    )


def test_the_night_the_clocks_go_back_lasts_an_hour_longer() -> None:
    assert opens("2026-10-31T20:00", "America/Los_Angeles") == "11-01 09:00 -0800"
    start = datetime(2026, 10, 31, 20, tzinfo=ZoneInfo("America/Los_Angeles")).astimezone(UTC)
    end = first_open(
        start,
        zones=evidence(("America/Los_Angeles",), "US"),
        window=NIGHT,
        limit=start + timedelta(days=2),
    )
    assert end is not None
    assert end - start == timedelta(hours=14)


def test_the_night_the_clocks_go_forward_lasts_an_hour_less() -> None:
    assert opens("2026-03-07T20:00-08:00", "America/Los_Angeles") == "03-08 09:00 -0700"


def test_quiet_that_ends_in_the_hour_that_is_skipped_ends_when_the_clock_jumps() -> None:
    assert opens("2026-03-08T01:00", "America/New_York", window=window("22:00", "02:30")) == (
        "03-08 03:00 -0400"
    )


def test_quiet_inside_the_hour_that_is_skipped_never_happens_that_day() -> None:
    gap = window("02:00", "03:00")
    assert opens("2026-03-08T01:59", "America/New_York", window=gap) == "03-08 01:59 -0500"
    assert opens("2026-03-08T03:00", "America/New_York", window=gap) == "03-08 03:00 -0400"
    assert opens("2026-03-07T02:00", "America/New_York", window=gap) == "03-07 03:00 -0500"


def test_a_quiet_time_in_the_hour_that_is_repeated_is_quiet_both_times() -> None:
    half = window("01:30", "09:00")
    ny = "America/New_York"
    assert opens("2026-11-01T01:30-04:00", ny, window=half) == "11-01 01:00 -0500"
    assert opens("2026-11-01T01:30-05:00", ny, window=half) == "11-01 09:00 -0500"
    until = window("22:00", "01:30")
    assert opens("2026-11-01T01:00-04:00", ny, window=until) == "11-01 01:30 -0400"
    assert opens("2026-11-01T01:00-05:00", ny, window=until) == "11-01 01:30 -0500"


def test_arizona_keeps_its_clock_and_the_navajo_nation_does_not() -> None:
    summer, winter = "2026-07-01T06:00-07:00", "2026-12-01T06:00-07:00"
    assert opens(summer, "America/Phoenix") == "07-01 09:00 -0700"
    assert opens(summer, "America/Denver") == "07-01 09:00 -0600"
    assert opens(summer, "America/Phoenix", "America/Denver") == "07-01 09:00 -0700"
    assert opens("2026-07-01T19:30-07:00", "America/Phoenix", "America/Denver") == (
        "07-02 09:00 -0700"
    )
    assert opens(winter, "America/Phoenix") == opens(winter, "America/Denver")
    assert opens(summer, "Navajo") == opens(summer, "America/Denver")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Asia/Kolkata", "01-15 09:00 +0530"),
        ("Asia/Kathmandu", "01-15 09:00 +0545"),
        ("America/St_Johns", "01-15 09:00 -0330"),
        ("Pacific/Chatham", "01-15 09:00 +1345"),
        ("Europe/London", "01-15 09:00 +0000"),
        ("Pacific/Apia", "01-15 09:00 +1300"),
    ],
)
def test_zones_of_odd_offsets_open_at_their_own_nine(name: str, expected: str) -> None:
    assert opens("2026-01-15T03:21:09.5", name) == expected


def test_half_an_hour_of_daylight_saving_is_half_an_hour() -> None:
    """Lord Howe: at 02:00 on 4 October the clock goes to 02:30."""
    assert opens("2026-10-04T01:00", "Australia/Lord_Howe", window=window("22:00", "02:10")) == (
        "10-04 02:30 +1100"
    )


def test_an_open_instant_is_itself_to_the_microsecond() -> None:
    at = datetime(2026, 7, 1, 19, 0, 0, 123_456, tzinfo=UTC)
    zones = evidence(("America/Los_Angeles",), "")
    assert first_open(at, zones=zones, window=NIGHT, limit=at) == at


def test_every_hour_of_a_week_around_each_change_is_quiet_by_the_clock_on_the_wall() -> None:
    for name in ("America/Los_Angeles", "Europe/London", "America/Indiana/Knox"):
        wall = zone(name)
        assert wall is not None
        for first in (datetime(2026, 3, 5, tzinfo=UTC), datetime(2026, 10, 22, tzinfo=UTC)):
            for hour in range(24 * 14):
                at = first + timedelta(hours=hour)
                found = first_open(at, zones=(wall,), window=NIGHT, limit=at + timedelta(days=2))
                assert found is not None
                assert (found == at) is (9 <= at.astimezone(wall).hour < 20)
                assert found == at or found.astimezone(wall).time() == time(9)


def test_split_area_codes_are_open_only_when_every_zone_is(shared: Path) -> None:
    with (shared / "corpora/phones/nanp-area-zone-union.tsv").open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream, delimiter="\t"))
    split = {row["area_code"]: row for row in rows if int(row["n"]) > 1}
    assert {"219", "270", "423", "850"} <= set(split)
    at = datetime(2026, 11, 3, 6, tzinfo=UTC)
    for row in split.values():
        names = tuple(sorted(row["union_of_all_entries"].replace(",", " ").split()))
        zones = evidence(names, "US")
        if len(names) > 5:
            continue  # toll-free: zones of half the world
        found = first_open(at, zones=zones, window=NIGHT, limit=at + timedelta(days=2))
        assert found is not None
        assert all(9 <= found.astimezone(each).hour < 20 for each in zones)
        moment_before = (found - timedelta(seconds=1)).astimezone
        assert any(NIGHT.covers(moment_before(each).time()) for each in zones)


def test_no_evidence_means_every_zone_of_the_country() -> None:
    def names(zones: tuple[str, ...], country: str) -> list[str]:
        return [str(found) for found in evidence(zones, country)]

    everywhere = sorted(CONTIGUOUS_US)
    assert names((), "US") == names((), "") == names((), "XX") == everywhere
    assert names((), "GB") == ["Europe/London"]
    assert "America/St_Johns" in names((), "CA")
    assert names((), "DE") == ["Europe/Berlin", "Europe/Zurich"]
    assert names(("Pacific/Honolulu",), "US") == ["Pacific/Honolulu"]
    assert names(("Nowhere/Here", "Pacific/Honolulu"), "US") == [*everywhere, "Pacific/Honolulu"]


@pytest.mark.parametrize(
    "name", ["", "Etc/Unknown", "../../etc/passwd", "/etc/passwd", "zone.tab", "America", "a\0b"]
)
def test_a_name_that_is_no_zone_is_none(name: str) -> None:
    assert zone(name) is None
