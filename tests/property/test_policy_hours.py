"""The first open instant, against a clock that is simply read every minute."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

from hypothesis import given
from hypothesis import strategies as st

from consortium.policy.hours import QuietWindow, first_open
from consortium.policy.zones import zone

ZONES = [
    found
    for name in (
        "America/Los_Angeles",
        "America/New_York",
        "America/Phoenix",
        "America/Denver",
        "America/Indiana/Knox",
        "America/St_Johns",
        "Asia/Kathmandu",
        "Asia/Kolkata",
        "Australia/Lord_Howe",
        "Europe/London",
        "Pacific/Apia",
        "Pacific/Chatham",
        "Pacific/Honolulu",
    )
    if (found := zone(name)) is not None
]
CHANGES = [
    datetime(2026, 3, 8, 10, tzinfo=UTC),
    datetime(2026, 11, 1, 9, tzinfo=UTC),
    datetime(2026, 10, 25, 1, tzinfo=UTC),
    datetime(2026, 4, 4, 15, tzinfo=UTC),
    datetime(2026, 10, 3, 15, tzinfo=UTC),
    datetime(2026, 7, 1, tzinfo=UTC),
]
minutes = st.integers(0, 24 * 60 - 1).map(lambda m: time(m // 60, m % 60))
windows = st.tuples(minutes, minutes).filter(lambda w: w[0] != w[1]).map(lambda w: QuietWindow(*w))
instants = st.builds(
    lambda change, minute: change + timedelta(minutes=minute),
    st.sampled_from(CHANGES),
    st.integers(-26 * 60, 2 * 60),
)


@given(instants, windows, st.lists(st.sampled_from(ZONES), min_size=1, max_size=3, unique_by=str))
def test_the_first_open_instant_is_the_first_open_minute(
    at: datetime, window: QuietWindow, zones: list[object]
) -> None:
    chosen = tuple(z for z in ZONES if z in zones)
    limit = at + timedelta(hours=30)

    def is_open(instant: datetime) -> bool:
        return not any(window.covers(instant.astimezone(z).time()) for z in chosen)

    clock = (at + timedelta(minutes=m) for m in range(30 * 60 + 1))
    expected = next((instant for instant in clock if is_open(instant)), None)
    assert first_open(at, zones=chosen, window=window, limit=limit) == expected


@given(instants, windows, st.sampled_from(ZONES), st.integers(0, 59_999_999))
def test_between_minutes_nothing_opens_late_or_early(
    at: datetime, window: QuietWindow, only: object, microseconds: int
) -> None:
    chosen = tuple(z for z in ZONES if z is only)
    odd = at + timedelta(microseconds=microseconds)
    found = first_open(odd, zones=chosen, window=window, limit=odd + timedelta(days=3))
    assert found is not None
    assert not window.covers(found.astimezone(chosen[0]).time())
    if found > odd:
        before = (found - timedelta(microseconds=1)).astimezone(chosen[0])
        assert window.covers(before.time())
        assert found.second == found.microsecond == 0
