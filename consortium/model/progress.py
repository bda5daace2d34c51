"""How long work reports how far it is, without knowing who looks."""

from __future__ import annotations

from typing import Protocol

__all__ = ["Observer", "Silent"]


class Observer(Protocol):
    """Told of progress by long work; the command line draws bars, a service may stream events."""

    def begin(self, label: str, total: int | None) -> None:
        """Work called `label` starts; `total` steps, or None if that cannot be known."""
        ...

    def advance(self, steps: int, **facts: float | str) -> None:
        """`steps` more are done; `facts` are figures worth showing beside the bar."""
        ...

    def end(self) -> None:
        """The work is done or given up."""
        ...


class Silent:
    """Shows nothing."""

    def begin(self, label: str, total: int | None) -> None:
        """Ignore."""

    def advance(self, steps: int, **facts: float | str) -> None:
        """Ignore."""

    def end(self) -> None:
        """Ignore."""
