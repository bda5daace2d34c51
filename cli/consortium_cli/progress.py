"""Progress bars on stderr, and only where somebody looks: the library reports to an observer."""

from __future__ import annotations

import sys
from typing import Any

__all__ = ["Bar"]


class Bar:
    """An observer that draws one Rich bar at a time; silent when stderr is not a terminal."""

    def __init__(self) -> None:
        self._progress: Any = None  # rich.progress.Progress, imported on first use
        self._task: Any = None  # rich.progress.TaskID

    def begin(self, label: str, total: int | None) -> None:
        """Start a bar."""
        if not sys.stderr.isatty():
            return
        from rich.console import Console  # noqa: PLC0415 - Rich is slow to import
        from rich.progress import (  # noqa: PLC0415 - the same
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeRemainingColumn,
        )

        self.end()
        self._progress = Progress(
            TextColumn("  {task.description}"),
            MofNCompleteColumn(),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[facts]}"),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        self._progress.start()
        self._task = self._progress.add_task(label, total=total, facts="")

    def advance(self, steps: int, **facts: float | str) -> None:
        """Move the bar on and show the facts beside it."""
        if self._progress is not None:
            text = " · ".join(f"{name} {value}" for name, value in facts.items())
            self._progress.update(self._task, advance=steps, facts=text)

    def end(self) -> None:
        """Take the bar away."""
        if self._progress is not None:
            self._progress.stop()
            self._progress = None
