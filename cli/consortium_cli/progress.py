"""Progress on stderr, and only where somebody looks: the library reports to an observer."""

from __future__ import annotations

import sys
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from consortium_cli.wording import WIDTH, count, joined

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.live import Live
    from rich.progress import Progress, TaskID

__all__ = ["Bar", "SendBar", "send_lines"]

STOPPING: Final = "Stopping after the messages in hand. Run the same command to go on."
_BAR = 21


class Bar:
    """An observer that draws one bar at a time; silent when stderr is not a terminal."""

    def __init__(self) -> None:
        self._progress: Progress | None = None
        self._task: TaskID | None = None

    def begin(self, label: str, total: int | None) -> None:
        """Start a bar."""
        self.end()
        if not sys.stderr.isatty():
            return
        from rich.console import Console  # noqa: PLC0415 - Rich is slow to import
        from rich.progress import (  # noqa: PLC0415 - the same
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeElapsedColumn,
            TimeRemainingColumn,
        )

        counted = (MofNCompleteColumn(), BarColumn(bar_width=24), TimeRemainingColumn())
        self._progress = Progress(
            TextColumn("  {task.description}"),
            *(counted if total else (TextColumn("{task.completed:,.0f}"), TimeElapsedColumn())),
            console=Console(stderr=True),
            transient=True,
        )
        self._progress.start()
        self._task = self._progress.add_task(label, total=total)

    def advance(self, steps: int, **facts: float | str) -> None:
        """Move the bar on."""
        del facts
        if self._progress is not None and self._task is not None:
            self._progress.update(self._task, advance=steps)

    def end(self) -> None:
        """Take the bar away."""
        if self._progress is not None:
            self._progress.stop()
            self._progress = None


def send_lines(done: int, total: int, facts: dict[str, float], *, stopping: bool) -> list[str]:
    """The two lines, or three, of a campaign being sent.

    Args:
        done: Messages that have reached their end.
        total: All of the campaign's messages.
        facts: As `consortium.delivery` reports them.
        stopping: Whether somebody has asked to stop.
    """
    fact = {name: int(value) for name, value in facts.items()}
    over = fact.get("accepted", 0) + fact.get("rejected", 0) + fact.get("unknown", 0)
    filled = _BAR if not total else done * _BAR // total
    left = timedelta(seconds=fact.get("left_seconds", 0))
    bar = "━" * filled + ("╸" if filled < _BAR else "") + " " * (_BAR - filled - 1)
    counts = [
        f"{words} {count(fact.get(name, 0))}"
        for name, words in (
            ("accepted", "accepted"),
            ("rejected", "rejected"),
            ("later", "for later"),
            ("unknown", "unknown"),
            ("stopped", "stopped by a rule"),
        )
        if fact.get(name) or name == "accepted"
    ]
    return [
        f"  handed over {count(over)} of {count(total)} {bar} "
        f"{facts.get('per_second', 0.0):.1f}/s  left {left}"[:WIDTH],
        *joined(counts, first="  ")[:1],
        *([f"  {STOPPING}"] if stopping else []),
    ]


class SendBar:
    """The observer of `campaign send`: two live lines on a terminal, nothing elsewhere.

    `stopping` is set from a signal handler and nothing else is done there; the screen is drawn
    anew four times a second by a thread of its own.
    """

    def __init__(self) -> None:
        self.stopping = False
        self._live: Live | None = None
        self._done = self._total = 0
        self._facts: dict[str, float] = {}

    def begin(self, label: str, total: int | None) -> None:
        """Start drawing."""
        del label
        self._done, self._total, self._facts = 0, total or 0, {}
        if not sys.stderr.isatty():
            return
        from rich.console import Console  # noqa: PLC0415 - Rich is slow to import
        from rich.live import Live  # noqa: PLC0415 - the same

        self._live = Live(
            get_renderable=self._drawn,
            console=Console(stderr=True, highlight=False),
            refresh_per_second=4,
            transient=True,
        )
        self._live.start()

    def advance(self, steps: int, **facts: float | str) -> None:
        """Take in what has happened."""
        self._done += steps
        self._facts = {n: value for n, value in facts.items() if isinstance(value, int | float)}

    def end(self) -> None:
        """Take the lines away."""
        if self._live is not None:
            self._live.stop()
            self._live = None

    def _drawn(self) -> RenderableType:
        from rich.text import Text  # noqa: PLC0415 - the same

        lines = send_lines(self._done, self._total, self._facts, stopping=self.stopping)
        return Text("\n".join(lines), no_wrap=True, overflow="crop")
