"""A batch that is under way ends where its time ends."""

from datetime import UTC, datetime, timedelta

from consortium.delivery import Envelope
from consortium.model import MessageState
from consortium.testing.clock import FakeClock
from consortium.testing.transport import MemoryTransport
from tests.harness.sending import START, World, crowd
from tests.harness.sent import Build, clock_of

QUIET_AT_NIGHT = "quiet_hours = { from = 18:00:00, to = 08:00:00 }"


BEFORE_QUIET = datetime(2026, 11, 4, 1, 59, 58, tzinfo=UTC)  # two seconds before 18:00 in Oregon


def slowly(world: World, times: list[datetime]) -> MemoryTransport:
    """Takes a second for each message, and notes when the server has it."""

    def before(_: Envelope) -> None:
        clock_of(world).advance(timedelta(seconds=0.7))

    def after(_: Envelope) -> None:
        times.append(clock_of(world).now())
        clock_of(world).advance(timedelta(seconds=0.3))

    return MemoryTransport(before=before, after=after)


def test_first_quiet_hour_ends_a_batch_that_is_under_way(make: Build) -> None:
    world = make(crowd(9, "nurses"), guards=QUIET_AT_NIGHT, hours=20, clock=FakeClock(BEFORE_QUIET))
    times: list[datetime] = []
    result = world.send(slowly(world, times), patience=None)
    assert result.count(MessageState.ACCEPTED) == 9
    begin = BEFORE_QUIET + timedelta(seconds=2)
    assert [t for t in times if begin <= t < begin + timedelta(hours=14)] == []
    assert times[0] < begin


def test_end_of_the_window_ends_a_batch_that_is_under_way(make: Build) -> None:
    world = make(crowd(9, "nurses"))
    end = START + timedelta(hours=3)
    clock_of(world).set(end - timedelta(seconds=2))
    times: list[datetime] = []
    result = world.send(slowly(world, times), patience=None)
    assert result.stopped == {("deadline", "window_ended"): 9 - len(times)}
    assert len(times) == 2
    assert max(times) <= end


def test_end_of_an_approval_ends_a_batch_that_is_under_way(make: Build) -> None:
    world = make(crowd(9, "nurses"))
    end = START + timedelta(seconds=2)
    world.answer("nurses", until=end)
    times: list[datetime] = []
    result = world.send(slowly(world, times), patience=None)
    assert result.held == {"nurses": "approval_ended"}
    assert len(times) == 2
    assert max(times) <= end
