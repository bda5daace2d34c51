"""Rates: never more than N + burst - 1 in any window, whatever is asked and whatever the clock."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from consortium.errors import UsageError
from consortium.store import limits
from consortium.store.engine import Database
from consortium.store.limits import Rate

AT = datetime(2026, 11, 3, 17, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def _take(database: Database, rate: Rate, at: datetime, want: int = 1) -> limits.Grant:
    with database.write() as tx:
        return limits.reserve(tx, "campaign-x", rate=rate, at=at, want=want)


def test_a_rate_of_five_a_second_gives_one_every_200_ms(database: Database) -> None:
    rate = Rate(5)
    assert _take(database, rate, AT, 10) == limits.Grant(1, AT + SECOND / 5)
    assert _take(database, rate, AT + SECOND / 10) == limits.Grant(0, AT + SECOND / 5)
    assert _take(database, rate, AT + SECOND / 5).count == 1


def test_a_burst_is_given_at_once_and_then_the_steady_rate(database: Database) -> None:
    rate = Rate(5, burst=3)
    assert _take(database, rate, AT, 10) == limits.Grant(3, AT + SECOND / 5)
    assert _take(database, rate, AT, 10).count == 0
    assert _take(database, rate, AT + SECOND, 10).count == 3  # rested, but no more than a burst


def test_what_is_wanted_is_the_most_that_is_granted(database: Database) -> None:
    rate = Rate(5, burst=10)
    assert _take(database, rate, AT, 4).count == 4
    assert _take(database, rate, AT, 0).count == 0
    assert _take(database, rate, AT, -3).count == 0
    assert _take(database, rate, AT, 100).count == 6


def test_a_denial_consumes_nothing(database: Database) -> None:
    rate = Rate(1)
    _take(database, rate, AT)
    for _ in range(20):
        assert _take(database, rate, AT + SECOND / 2, 5).count == 0
    assert _take(database, rate, AT + SECOND).count == 1


def test_what_is_rolled_back_was_never_taken(database: Database) -> None:
    with pytest.raises(ZeroDivisionError), database.write() as tx:
        1 / (limits.reserve(tx, "campaign-x", rate=Rate(1), at=AT, want=1).count - 1)
    assert _take(database, Rate(1), AT).count == 1


def test_a_clock_turned_back_waits_and_one_turned_forward_gives_one_burst(
    database: Database,
) -> None:
    rate = Rate(1, burst=2)
    assert _take(database, rate, AT, 5).count == 2
    back = AT - timedelta(hours=1)
    assert _take(database, rate, back, 5) == limits.Grant(0, AT + SECOND)
    assert _take(database, rate, AT + timedelta(days=1), 5).count == 2


def test_limits_of_different_names_are_apart(database: Database) -> None:
    with database.write() as tx:
        assert limits.reserve(tx, "a", rate=Rate(1), at=AT, want=1).count == 1
        assert limits.reserve(tx, "b", rate=Rate(1), at=AT, want=1).count == 1
        assert limits.reserve(tx, "a", rate=Rate(1), at=AT, want=1).count == 0


def test_workers_asking_at_once_share_one_limit(database: Database) -> None:
    rate = Rate(1, burst=7)
    granted: list[int] = []

    def work() -> None:
        granted.extend(_take(database, rate, AT, 2).count for _ in range(5))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(granted) == 7


@pytest.mark.parametrize("bad", [(0, 1, 1), (1, 0, 1), (1, 1, 0), (-5, 1, 1)])
def test_a_rate_of_nothing_is_refused(bad: tuple[int, int, int]) -> None:
    with pytest.raises(UsageError):
        Rate(*bad)


def test_an_interval_is_rounded_so_that_the_rate_is_never_exceeded() -> None:
    assert Rate(3).interval == timedelta(microseconds=333_334)
    assert Rate(7, seconds=60).interval * 7 >= timedelta(seconds=60)


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    rate=st.builds(
        Rate,
        st.integers(1, 50),
        seconds=st.integers(1, 20),
        burst=st.integers(1, 8),
    ),
    asks=st.lists(
        st.tuples(st.integers(-3_000_000, 4_000_000), st.integers(0, 12)), min_size=1, max_size=40
    ),
)
def test_no_window_ever_holds_more_than_n_plus_burst_minus_one(
    sqlite_database: Database, rate: Rate, asks: list[tuple[int, int]]
) -> None:
    """Steps of the clock are microseconds, also backwards; windows are of the clock's own times."""
    at, sent = AT, []
    with sqlite_database.write() as tx:
        tx.execute(text("DELETE FROM consortium_limit"))
        for step, want in asks:
            at += timedelta(microseconds=step)
            grant = limits.reserve(tx, "x", rate=rate, at=at, want=want)
            assert 0 <= grant.count <= want
            assert grant.next_at >= at
            if grant.count < want:  # the promise of next_at is exact
                early = grant.next_at - timedelta(microseconds=1)
                if early >= at:
                    assert limits.reserve(tx, "x", rate=rate, at=early, want=1).count == 0
            sent += [at] * grant.count
    window = timedelta(seconds=rate.seconds)
    for start in sent:
        inside = sum(1 for t in sent if start <= t < start + window)
        assert inside <= rate.messages + rate.burst - 1
