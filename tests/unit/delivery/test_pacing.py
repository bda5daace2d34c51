"""What decides when the next message may go."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consortium.delivery.pacing import (
    BATCH,
    Breaker,
    GiveUp,
    Meter,
    Pause,
    Rest,
    Turns,
    Waiter,
    batch_size,
    burst,
    retry_at,
)
from consortium.delivery.transport import (
    Accepted,
    Later,
    NotHandedOver,
    Outcome,
    Rejected,
    Unknown,
)
from consortium.testing.clock import FakeClock

NOW = datetime(2026, 11, 3, 17, tzinfo=UTC)
SECOND = timedelta(seconds=1)
OK, SILENT, LOST = Accepted("250"), NotHandedOver("no_connection"), Unknown("timeout")


@given(st.integers(1, 99_999), st.integers(0, 600_000))
def test_batch_is_bounded_by_count_by_the_rate_and_by_the_servers_pace(
    per_second: int, taken_ms: int
) -> None:
    interval, taken = SECOND / per_second, timedelta(milliseconds=taken_ms)
    size = batch_size(interval, taken=taken)
    assert 1 <= size <= burst(interval) <= BATCH
    assert size == 1 or (size - 1) * interval <= timedelta(seconds=0.5)
    assert size == 1 or size * taken <= timedelta(seconds=4)


@pytest.mark.parametrize(("per_second", "size"), [(1, 1), (5, 3), (1000, BATCH)])
def test_slow_rates_have_small_batches(per_second: int, size: int) -> None:
    assert batch_size(SECOND / per_second, taken=timedelta(0)) == size


@given(st.integers(1, 10_000), st.integers(-10_000, 100_000))
def test_retries_come_later_and_later_and_never_after_the_deadline(attempt: int, left: int) -> None:
    deadline = NOW + timedelta(seconds=left)
    at = retry_at(attempt, now=NOW, not_after=deadline)
    assert at >= NOW
    assert at <= max(NOW, deadline)
    assert at - NOW <= timedelta(hours=1)
    assert retry_at(attempt + 1, now=NOW, not_after=deadline) >= at


@given(
    st.dictionaries(st.integers(1, 5), st.lists(st.integers(), max_size=30), min_size=1),
    st.integers(1, 20),
)
def test_owners_take_turns_until_their_queues_are_empty(
    lengths: dict[int, list[int]], count: int
) -> None:
    queues = {o: [o * 1000 + i for i in range(len(x))] for o, x in lengths.items()}
    turns = Turns()
    served: list[int] = []

    def fetch(owner: int) -> list[int]:
        return [i for i in queues[owner] if i not in served][:7]

    while taken := turns.take(count, owners=queues, fetch=fetch):
        served += taken
    assert sorted(served) == sorted(i for q in queues.values() for i in q)
    for owner in queues:
        mine = [i for i in served if i // 1000 == owner]
        assert mine == sorted(mine)
    shortest = min(map(len, queues.values()))
    counted = Counter(i // 1000 for i in served[: shortest * len(queues)])
    assert all(counted[owner] == shortest for owner in queues)


def test_what_is_given_back_comes_first_next_time() -> None:
    turns = Turns()
    first = turns.take(4, owners=[1, 2], fetch=lambda o: [o * 10 + i for i in range(5)])
    assert first == [10, 20, 11, 21]
    turns.give_back([(1, 11), (2, 21)])
    assert turns.take(3, owners=[1, 2], fetch=lambda _: []) == [11, 21, 12]


def test_owner_that_may_not_speak_is_passed_over_and_keeps_its_place() -> None:
    turns = Turns()
    assert turns.take(2, owners=[1, 2, 3], fetch=lambda o: [o * 10, o * 10 + 1]) == [10, 20]
    assert turns.take(2, owners=[1, 2], fetch=lambda _: []) == [11, 21]
    assert turns.take(2, owners=[1, 2, 3], fetch=lambda o: [o * 10, o * 10 + 1]) == [30, 10]


def last(answers: list[Outcome]) -> Rest | Pause | GiveUp | None:
    breaker = Breaker()
    found = [breaker.see(answer) for answer in answers]
    return found[-1]


def test_silent_server_is_left_alone_for_longer_each_time_and_then_given_up() -> None:
    breaker = Breaker()
    rests = [breaker.see(SILENT) for _ in range(6)]
    assert rests[:5] == [Rest(timedelta(seconds=2**i)) for i in range(5)]
    assert isinstance(rests[5], GiveUp)
    assert last([SILENT] * 4 + [OK, SILENT]) == Rest(SECOND)


def test_three_lost_answers_in_a_row_end_the_run() -> None:
    assert last([LOST, LOST, OK, LOST]) is None
    assert isinstance(last([LOST, LOST, LOST]), GiveUp)


def test_five_refusals_about_us_in_a_row_pause() -> None:
    assert last([Rejected("550 5.7.1")] * 4) is None
    assert last([Rejected("550 5.7.1")] * 5) == Pause("550 5.7.1")
    assert last([*([Rejected("550 5.7.1")] * 4), OK, Rejected("550 5.7.1")]) is None
    assert last([*([Rejected("550 5.7.1")] * 4), Rejected("554 5.7.2")]) == Pause("554 5.7.2")


def test_dead_addresses_and_deferrals_in_a_row_do_not_pause_but_other_refusals_do() -> None:
    assert last([Rejected("550 5.1.1")] * 50) is None
    assert last([Later("451 4.3.0")] * 50) is None
    assert last([Rejected("554")] * 10) == Pause("554")


def test_waiting_ends_at_once_when_the_run_is_told_to_stop() -> None:
    clock = FakeClock(NOW)
    waiter = Waiter(clock, stop=lambda: clock.now() >= NOW + timedelta(seconds=3))
    waiter.until(NOW + timedelta(hours=8))
    assert clock.now() - NOW < timedelta(seconds=4)
    waiter.until(NOW - SECOND)
    assert max(clock.slept) <= 0.5


def test_meter_tells_the_speed_of_the_last_minute_and_the_time_left() -> None:
    meter = Meter()
    assert meter.per_second == 0
    assert meter.left(100, interval=SECOND / 5) == pytest.approx(20)
    for i in range(101):
        meter.count(NOW + i * SECOND / 2)
    assert meter.per_second == pytest.approx(2)
    assert meter.left(100, interval=SECOND / 5) == pytest.approx(50)
    assert meter.left(100, interval=SECOND * 10) == pytest.approx(1000)
