"""Ctrl-C while messages are sent: once to stop in good order, twice to stop at once."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from consortium_cli.progress import STOPPING, SendBar

__all__ = ["stopping"]

_STDERR = 2


@contextmanager
def stopping(bar: SendBar) -> Iterator[Callable[[], bool]]:
    """While the block runs, SIGINT and SIGTERM only ask to stop; gives what says whether they did.

    A second SIGINT interrupts at once. On a terminal `bar` says that it stops; else one line on
    stderr does, written past Python's buffers because a handler may interrupt a write.
    """

    def handle(number: int, frame: FrameType | None) -> None:
        del frame
        if bar.stopping and number == signal.SIGINT:
            raise KeyboardInterrupt
        if not bar.stopping and not sys.stderr.isatty():
            os.write(_STDERR, f"{STOPPING}\n".encode())
        bar.stopping = True

    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: bar.stopping
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
