"""Work on batches in processes beside this one, results in the order of the batches.

Python runs one thread at a time, so what costs processor time on every row of a long list (reading
values, tokens, seals) is spread over processes. They are started with the interpreter and `-m`, not
forked and not by `multiprocessing`: a fork would copy open databases and locks, and a spawned child
would run the application's main module again. What they need, keys among it, goes to them through
their standard input alone: never on a command line, in the environment or in a file. They import
from where this process does, and from nowhere else.

Messages are pickles between this process and children that it started itself.
"""

from __future__ import annotations

import gc
import importlib
import os
import pickle
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread
from typing import Any, BinaryIO

from consortium.errors import ConsortiumError, StoreFailure

__all__ = ["collecting_seldom", "map_batches", "usable_cores"]

_LENGTH = 8
_COLLECT_AFTER = 100_000  # values made and kept; Python's own 700 costs a third of a worker's time
_AHEAD = 2  # batches a worker has in hand: the one it works on and the next


def usable_cores() -> int:
    """Processor cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def map_batches(
    make: str, setup: object, batches: Iterable[Any], *, workers: int
) -> Generator[Any]:
    """The result of every batch, in the order of the batches, whatever the number of workers.

    Args:
        make: `package.module:function`. The function is called once in each process with `setup`
            and returns the callable that turns one batch into one result.
        setup: What the callable needs; must be picklable. Or a function without arguments that
            gives it, asked while the processes start.
        batches: Taken one by one, at most two ahead for each worker; picklable.
        workers: Processes beside this one. 0: the work is done here. A process takes 0.3-0.5 s
            to start, so a few thousand rows are done faster here.

    Raises:
        ConsortiumError: As raised in a worker.
        StoreFailure: A worker ended without an answer (killed, out of memory).
        RuntimeError: A fault of the program in a worker; names the place, holds no values.
    """
    with collecting_seldom():
        yield from _map(make, setup, batches, workers)


def _map(make: str, setup: object, batches: Iterable[Any], workers: int) -> Iterator[Any]:
    if workers <= 0:
        work = _find(make)(setup() if callable(setup) else setup)
        for batch in batches:
            yield work(batch)
        return
    crew = [_Worker(make) for _ in range(workers)]
    try:
        ready = setup() if callable(setup) else setup
        for worker in crew:
            worker.give(ready)
        waiting: deque[_Worker] = deque()
        turn = 0
        for batch in batches:
            worker = crew[turn]
            turn = (turn + 1) % workers
            if len(waiting) == workers * _AHEAD:
                yield waiting.popleft().result()
            worker.give(batch)
            waiting.append(worker)
        while waiting:
            yield waiting.popleft().result()
    finally:
        for worker in crew:
            worker.end()


@contextmanager
def collecting_seldom() -> Iterator[None]:
    """Batches are many small values that refer to nothing: looking for cycles in them is wasted."""
    before = gc.get_threshold()
    gc.set_threshold(_COLLECT_AFTER, 20, 20)
    try:
        yield
    finally:
        gc.set_threshold(*before)


class _Worker:
    """One child process. A thread feeds it, so that a full pipe does not hold up this side."""

    def __init__(self, make: str) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - our own module, no shell
            # -P: not from the working folder, where a partner's file could be called pickle.py
            [sys.executable, "-P", "-m", "consortium.workers", make],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            process_group=0,  # Ctrl-C is for us; we end it
            env=os.environ
            | {"PYTHONPATH": os.pathsep.join(p or str(Path.cwd()) for p in sys.path)},
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._answers = self._process.stdout
        self._stdin = self._process.stdin
        self._feeder: Thread | None = None

    def give(self, message: object) -> None:
        """Send one message; waits until the message before it has gone."""
        data = pickle.dumps(message, protocol=pickle.HIGHEST_PROTOCOL)
        if self._feeder is not None:
            self._feeder.join()
        self._feeder = Thread(target=self._feed, args=(data,), daemon=True)
        self._feeder.start()

    def _feed(self, data: bytes) -> None:
        with suppress(OSError):  # it ended: result() says so
            _write(self._stdin, data)

    def result(self) -> Any:  # noqa: ANN401 - whatever the caller's function returns
        """Wait for the next answer."""
        data = _read(self._answers)
        if data is None:
            raise StoreFailure(
                "a process that worked on the list ended early; nothing was changed",
                hint="It was stopped from outside or ran out of memory. Run the command again",
            )
        done, value = pickle.loads(data)  # noqa: S301 - from the child we started
        if done:
            return value
        kind, message, hint = value
        if kind is None:
            raise RuntimeError(message)
        raise kind(message, hint=hint)

    def end(self) -> None:
        """Stop it, at once if it is still at work."""
        if self._feeder is not None and self._feeder.is_alive():
            self._process.kill()
            self._feeder.join()
        with suppress(OSError):
            self._stdin.close()
        self._process.kill()
        self._process.wait()
        self._answers.close()


def _find(make: str) -> Callable[[object], Callable[[Any], Any]]:
    module, _, name = make.partition(":")
    found = getattr(importlib.import_module(module), name)
    assert callable(found)
    return found  # type: ignore[no-any-return]  # named by our own callers


def _write(stream: BinaryIO | Any, data: bytes) -> None:  # noqa: ANN401 - Popen's IO[bytes]
    stream.write(len(data).to_bytes(_LENGTH, "big"))
    stream.write(data)
    stream.flush()


def _read(stream: BinaryIO | Any) -> bytes | None:  # noqa: ANN401 - Popen's IO[bytes]
    length = stream.read(_LENGTH)
    if len(length) < _LENGTH:
        return None
    size = int.from_bytes(length, "big")
    data: bytes = stream.read(size)
    return data if len(data) == size else None


def _serve() -> None:
    """A child's whole life: set up, then one answer for each batch until the pipe closes."""
    take, give = sys.stdin.buffer, sys.stdout.buffer
    sys.stdout = sys.stderr  # a stray print must not look like an answer
    make = sys.argv[1]
    with suppress(Exception):  # what is wrong with it is told in answer to the first batch
        _find(make)
    first = _read(take)
    if first is None:
        return
    gc.set_threshold(_COLLECT_AFTER, 20, 20)
    work: Callable[[Any], Any] | None = None
    while (data := _read(take)) is not None:
        try:
            if work is None:
                work = _find(make)(pickle.loads(first))  # noqa: S301 - who started us wrote it
                first = b""
                gc.freeze()
            answer = (True, work(pickle.loads(data)))  # noqa: S301 - the same
        except ConsortiumError as error:
            answer = (False, (type(error), error.message, error.hint))
        except Exception as error:  # noqa: BLE001 - a fault is told without its values
            answer = (False, (None, _place(error), None))
        _write(give, pickle.dumps(answer, protocol=pickle.HIGHEST_PROTOCOL))


def _place(error: Exception) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = "" if trace is None else f"{trace.tb_frame.f_code.co_name}, line {trace.tb_lineno}"
    return f"{type(error).__name__} in a worker, at {where}"


if __name__ == "__main__":
    with suppress(KeyboardInterrupt, BrokenPipeError):
        _serve()
