"""Work spread over processes gives what one process gives, and fails as one process fails."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from consortium.errors import BadFile, ConsortiumError, StoreFailure
from consortium.workers import map_batches, usable_cores


def doubling(setup: object) -> Callable[[list[int]], list[int]]:
    assert isinstance(setup, int)
    return lambda batch: [setup * number for number in batch]


def failing(setup: object) -> Callable[[int], int]:
    def work(batch: int) -> int:
        if batch == setup:
            raise BadFile("the third batch is damaged", hint="Export it again")
        return batch

    return work


def faulty(_setup: object) -> Callable[[str], str]:
    def work(batch: str) -> str:
        raise ValueError(batch)

    return work


def dying(_setup: object) -> Callable[[int], int]:
    def work(batch: int) -> int:
        os.kill(os.getpid(), signal.SIGKILL)
        return batch

    return work


@pytest.fixture(autouse=True)
def _importable(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker finds this file by its name, as it finds a module of the library."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent))


def make(function: str) -> str:
    return f"{Path(__file__).stem}:{function}"


@pytest.mark.parametrize("workers", [0, 1, 2, 5])
@pytest.mark.parametrize("count", [0, 1, 3, 40])
def test_results_come_in_order_whatever_the_number_of_workers(workers: int, count: int) -> None:
    batches = [list(range(number)) for number in range(count)]
    results = list(map_batches(make("doubling"), 2, batches, workers=workers))
    assert results == [[2 * number for number in batch] for batch in batches]


def test_batches_larger_than_a_pipe_do_not_stand_still() -> None:
    batches = [list(range(200_000)) for _ in range(8)]
    results = list(map_batches(make("doubling"), 1, batches, workers=2))
    assert results == batches


@pytest.mark.parametrize("workers", [0, 2])
def test_an_error_of_ours_comes_back_as_it_was_raised(workers: int) -> None:
    done: list[int] = []
    with pytest.raises(BadFile, match="third batch") as caught:
        done.extend(map_batches(make("failing"), 2, range(9), workers=workers))
    assert caught.value.hint == "Export it again"
    assert done == [0, 1]  # what came before it was good


def test_a_fault_is_told_without_its_values() -> None:
    with pytest.raises(RuntimeError) as caught:
        list(map_batches(make("faulty"), None, ["ana@mail.example.org"], workers=1))
    assert "ValueError" in str(caught.value)
    assert "ana" not in str(caught.value)


def test_a_worker_that_is_killed_is_an_error_of_ours() -> None:
    with pytest.raises(StoreFailure) as caught:
        list(map_batches(make("dying"), None, range(50), workers=2))
    assert isinstance(caught.value, ConsortiumError)
    assert caught.value.hint


def test_batches_are_taken_only_a_little_ahead() -> None:
    taken: list[int] = []

    def batches() -> Iterator[list[int]]:
        for number in range(100):
            taken.append(number)
            yield [number]

    results = map_batches(make("doubling"), 1, batches(), workers=2)
    assert next(results) == [0]
    assert len(taken) <= 5
    results.close()


def test_no_process_is_left_when_the_caller_stops_early() -> None:
    results = map_batches(make("doubling"), 1, [[n] for n in range(100)], workers=3)
    next(results)
    results.close()
    listing = subprocess.run(
        ["ps", "--ppid", str(os.getpid()), "-o", "args="],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "consortium.workers" not in listing.stdout


def test_a_worker_gets_its_setup_through_the_pipe_alone() -> None:
    secret = 7_346_283_746
    results = map_batches(make("doubling"), secret, [[1]] * 9, workers=1)
    assert next(results) == [secret]
    listing = subprocess.run(["ps", "axeww"], capture_output=True, text=True, check=False).stdout
    results.close()
    assert "consortium.workers" in listing
    assert str(secret) not in listing


def test_there_is_a_core_to_use() -> None:
    assert usable_cores() >= 1
    assert sys.executable
