"""What the rows of a batch claim and refuse: consent and relationship, each combination read once.

A list of a million rows says few different things, so rows are told apart by the cells that speak
of consent or relationship, and `consortium.pack.consent` reads one row of each kind.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from consortium.model import Channel, ConsentBasis, Relationship
from consortium.pack.consent import ConsentReader, Standing
from consortium.pack.layout import Layout
from consortium.pack.mapping import Stated
from consortium.pack.settings import Settings

__all__ = ["Claim", "ClaimReader", "Said"]

_KNOWN = 10_000
_KNOWN_CHARACTERS = 256  # longer cells are no words


class Claim(NamedTuple):
    """What the owner claims for a row."""

    email: ConsentBasis
    sms: ConsentBasis
    relationship: Relationship


@dataclass(frozen=True, slots=True)
class Said:
    """What the words of a row say of consent and relationship.

    Attributes:
        email, sms: How it stands on each channel.
        claim: What is claimed.
        email_on, sms_on: Days of consent as they stand in a pack's line.
        word: The same and the refusals in one word, equal only if they are.
        speaks: Whether it refuses a channel, or has a word that is not known.
    """

    email: Standing
    sms: Standing
    claim: Claim
    email_on: str
    sms_on: str
    word: str
    speaks: bool


class ClaimReader:
    """Reads what the rows of one list claim.

    Args:
        layout: What its columns hold.
        settings: Today, and the order of dates.
        stated: What the partner states of the whole list.
    """

    def __init__(self, layout: Layout, *, settings: Settings, stated: Stated) -> None:
        self._consent = ConsentReader(
            layout, stated=stated, today=settings.today, order=settings.date_order
        )
        spoken = {s.column for s in layout.statuses}
        spoken |= {s.day for s in layout.statuses if s.day is not None}
        spoken |= {layout.relationship.column} if layout.relationship else set()
        self._spoken = sorted(spoken)
        self._known: dict[tuple[str, ...], Said] = {}

    def read(self, rows: Sequence[Sequence[str]]) -> tuple[list[Said], list[int]]:
        """What the rows say, each once, and which of it each row says."""
        if not self._spoken:
            return [self._read(rows[0])], [0] * len(rows)
        keys = list(zip(*[[row[i] for row in rows] for i in self._spoken], strict=True))
        index: dict[tuple[str, ...], int] = {}
        said: list[Said] = []
        for at, key in enumerate(keys):
            if key not in index:
                index[key] = len(said)
                said.append(self._known.get(key) or self._remember(key, rows[at]))
        return said, [index[key] for key in keys]

    def _remember(self, key: tuple[str, ...], row: Sequence[str]) -> Said:
        found = self._read(row)
        if sum(map(len, key)) <= _KNOWN_CHARACTERS:
            if len(self._known) >= _KNOWN:
                self._known.clear()
            self._known[key] = found
        return found

    def _read(self, row: Sequence[str]) -> Said:
        email = self._consent.standing(row, channel=Channel.EMAIL)
        sms = self._consent.standing(row, channel=Channel.SMS)
        relationship = self._consent.relationship(row)
        return Said(
            email,
            sms,
            claim=Claim(email.consent.basis, sms.consent.basis, relationship),
            email_on=email.consent.on.isoformat() if email.consent.on else "",
            sms_on=sms.consent.on.isoformat() if sms.consent.on else "",
            word=f"{relationship}\x1f{email.said}\x1f{sms.said}",
            speaks=bool(email.refusal or sms.refusal) or max(email.unknown, sms.unknown) >= 0,
        )
