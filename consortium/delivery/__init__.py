"""Delivery: from a frozen plan to messages in mailboxes, each exactly once or accounted for.

`send` runs a campaign over a `Transport`, of which `SmtpTransport` is the one for mail; the order
of its transactions and what a crash can leave are in docs/explanation/exactly-once.md.
"""

from consortium.delivery.intents import RULES
from consortium.delivery.owners import REASONS, InForce, PoliciesInForce
from consortium.delivery.pacing import BATCH
from consortium.delivery.progress import SendResult
from consortium.delivery.render import Letter, Letterhead, opt_out_address
from consortium.delivery.send import send
from consortium.delivery.smtp import SmtpTransport
from consortium.delivery.transport import (
    Accepted,
    Envelope,
    Later,
    NotHandedOver,
    Outcome,
    Rejected,
    Transport,
    Unknown,
)

__all__ = [
    "BATCH",
    "REASONS",
    "RULES",
    "Accepted",
    "Envelope",
    "InForce",
    "Later",
    "Letter",
    "Letterhead",
    "NotHandedOver",
    "Outcome",
    "PoliciesInForce",
    "Rejected",
    "SendResult",
    "SmtpTransport",
    "Transport",
    "Unknown",
    "opt_out_address",
    "send",
]
