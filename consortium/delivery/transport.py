"""What a hand-over can come to, and what a transport must be able to do.

Five answers, told apart because each is followed by something else:

* `Accepted`: the other side has taken the message. Final.
* `Rejected`: the other side has refused it for good. Final.
* `Later`: refused for now; the message goes back to waiting with a growing pause.
* `NotHandedOver`: it is certain that nothing was taken (no connection, lost before the final dot,
  or no longer allowed by then). The message may be tried again.
* `Unknown`: everything was handed over and the answer never came. Never tried again by itself: one
  message too few is a smaller harm than two (DESIGN, D7).

A failure that is ours and would meet every recipient alike (login refused, no TLS, the sender
domain blocked) is not an answer about a message: a transport raises a `ConsortiumError`, or
`is_about_sender` recognises the code.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Protocol

from consortium.types import Pii

__all__ = [
    "TOO_LATE",
    "Accepted",
    "Envelope",
    "Later",
    "NotHandedOver",
    "Outcome",
    "Rejected",
    "Transport",
    "Unknown",
    "blocks_sender",
    "is_about_sender",
]


TOO_LATE: Final = "too_late"
"""Reason of a `NotHandedOver`: `Envelope.may_go` said no."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """One message ready to go.

    Attributes:
        sender: Envelope sender, an address of the owner.
        recipient: The one recipient's address.
        data: Header and body, CRLF line ends, lines of at most 998 octets, not dot-stuffed.
        may_go: Asked once more right before the content: connecting can take a minute.
    """

    sender: str
    recipient: Pii
    data: bytes
    may_go: Callable[[], bool] = field(default=lambda: True, compare=False)

    def __repr__(self) -> str:
        return f"Envelope(‹personal›, {len(self.data)} bytes)"


@dataclass(frozen=True, slots=True)
class Accepted:
    """Taken; `code` is the reply code, e.g. `250 2.0.0`."""

    code: str


@dataclass(frozen=True, slots=True)
class Rejected:
    """Refused for good; `code` e.g. `550 5.1.1`."""

    code: str


@dataclass(frozen=True, slots=True)
class Later:
    """Refused for now; `code` e.g. `451 4.7.1`."""

    code: str


@dataclass(frozen=True, slots=True)
class NotHandedOver:
    """Certainly not taken; `reason` is one of the words of the transport's manual."""

    reason: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """Handed over, answer never seen; `reason` as above."""

    reason: str


Outcome = Accepted | Rejected | Later | NotHandedOver | Unknown


class Transport(Protocol):
    """Carries messages, one after the other."""

    def deliver(self, envelope: Envelope) -> Outcome:
        """Hand one message over.

        Raises:
            ConsortiumError: It failed for a reason that every other message would meet as well;
                nothing was handed over.
        """
        ...

    def close(self) -> None:
        """Give back the connection; the next `deliver` opens a new one."""
        ...


# RFC 4954 (authentication) and the enhanced codes of RFC 3463 and RFC 7372 that judge the sending
# side: nothing a recipient is or does produces them.
_SENDER_REPLIES = frozenset({"530", "534", "535", "538"})
_SENDER_DETAILS = re.compile(r"5\.7\.(?:0|[3-9]|1[0-4]|2[0-9]|3[0-2]|5\d\d)$")
_POLICY = re.compile(r"5\.7\.\d+$")


def blocks_sender(code: str) -> bool:
    """Whether a reply code says that we are refused, whoever the recipient is.

    Authentication (530, 534, 535, 538; 5.7.0, 5.7.3–5.7.14), failed SPF, DKIM or DMARC (5.7.20 and
    following, RFC 7372) and the bulk senders' rules of the large providers (5.7.5xx).
    """
    reply, _, detail = code.partition(" ")
    return reply in _SENDER_REPLIES or _SENDER_DETAILS.match(detail) is not None


def is_about_sender(code: str) -> bool:
    """Whether a reply code may be about us rather than the recipient: every `5.7.x` (RFC 3463).

    A `5.7.1` can mean one closed mailbox or our whole domain; only its frequency tells.
    """
    reply, _, detail = code.partition(" ")
    return reply in _SENDER_REPLIES or _POLICY.match(detail) is not None
