"""A transport in memory: remembers what it took and answers as it is told.

It keeps the promise of the real one: a message is recorded as taken at the moment at which a real
server would have it, so an `Unknown` by loss of the reply is recorded and a `NotHandedOver` is not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from consortium.delivery.transport import (
    TOO_LATE,
    Accepted,
    Envelope,
    Later,
    NotHandedOver,
    Outcome,
    Rejected,
    Unknown,
)

__all__ = ["MemoryTransport"]


class MemoryTransport:
    """Implements `consortium.delivery.Transport`.

    Args:
        answers: What to answer, one after the other; then `Accepted("250 2.0.0")` for ever. An
            exception among them is raised, with nothing taken.
        before, after: Called with each envelope before it is taken, and after; may raise, the way
            a process dies there.
    """

    def __init__(
        self,
        answers: Iterable[Outcome | BaseException] = (),
        *,
        before: Callable[[Envelope], None] = lambda _: None,
        after: Callable[[Envelope], None] = lambda _: None,
    ) -> None:
        self.taken: list[Envelope] = []
        self.offered = 0
        self.closed = 0
        self._answers = iter(answers)
        self._before = before
        self._after = after

    def deliver(self, envelope: Envelope) -> Outcome:
        """Take the message, or not, as told."""
        self.offered += 1
        self._before(envelope)
        if not envelope.may_go():
            return NotHandedOver(TOO_LATE)
        answer = next(self._answers, Accepted("250 2.0.0"))
        match answer:
            case BaseException():
                raise answer
            case Accepted() | Unknown():
                self.taken.append(envelope)
            case Rejected() | Later() | NotHandedOver():
                pass
        self._after(envelope)
        return answer

    def close(self) -> None:
        """Count it."""
        self.closed += 1
