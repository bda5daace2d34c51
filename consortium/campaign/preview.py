"""Previews: the message as made-up people would get it.

No recipient is looked at, so a preview tells nothing about anybody's list. The people are fixed:
a common name, one with letters beyond ASCII, a long one, and nobody (the fallbacks).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from consortium.campaign.document import CampaignDocument
from consortium.model import PartnerCard

__all__ = ["Preview", "preview"]

_PEOPLE: Final = (
    ("Dana", "Okafor"),
    ("Zoë", "Nuñez"),
    ("Maximiliana-Theodora", "Featherstonehaugh-Wolstenholme"),
    ("", ""),
)
_OPT_OUT: Final = "To get no more of these, write to unsubscribe+example@{domain}."


@dataclass(frozen=True, slots=True)
class Preview:
    """One message as it would read.

    Attributes:
        language: Of the message.
        owner: Name of the partner in whose name it would go.
        to: The made-up person; empty: one whose name is not known.
        sender: `Name <address>` as recipients would see it.
        subject: One line.
        body: With its footer.
    """

    language: str
    owner: str
    to: str
    sender: str
    subject: str
    body: str


def preview(document: CampaignDocument, partners: Sequence[PartnerCard]) -> list[Preview]:
    """Every message of a campaign for every partner and made-up person, in that order.

    Args:
        document: The campaign.
        partners: Those in whose name it would go.

    Raises:
        DocumentError: A partner's name or address cannot be printed.
    """
    return [
        Preview(
            language=form.language,
            owner=card.name,
            to=f"{first} {last}".strip(),
            sender=f"{card.name} <{card.from_address}>",
            subject=form.subject.fill(values),
            body=form.body.fill(values),
        )
        for form in document.forms
        for card in partners
        for first, last in _PEOPLE
        for values in [_values(card, first, last)]
    ]


def _values(card: PartnerCard, first: str, last: str) -> dict[str, str]:
    return {
        "first_name": first,
        "last_name": last,
        "owner.name": card.name,
        "owner.address": card.postal_address,
        "opt_out": _OPT_OUT.format(domain=card.from_address.rpartition("@")[2]),
    }
