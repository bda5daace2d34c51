"""What the rows of a batch claim and refuse: consent and relationship, each combination read once.

A list of a million rows says few different things, so rows are told apart by the cells that speak
of consent or relationship, and `consortium.pack.consent` reads one row of each kind.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from consortium.model import Channel, ConsentBasis, Relationship
from consortium.pack.consent import ConsentReader, Standing
from consortium.pack.layout import Layout
from consortium.pack.mapping import Stated
from consortium.pack.points import Own
from consortium.pack.settings import Settings
from consortium.tokens import dates

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
        relationship: What the person is to the owner.
        own_emails, own_phones: What statuses of single columns of contact points say.
        claim: What is claimed.
        email_on, sms_on: Days of consent as they stand in a pack's line.
        word: The same and the refusals in one word, equal only if they are.
    """

    email: Standing
    sms: Standing
    relationship: Relationship
    own_emails: Own = ()
    own_phones: Own = ()
    claim: Claim = field(init=False)
    email_on: str = field(init=False)
    sms_on: str = field(init=False)
    word: str = field(init=False)

    def __post_init__(self) -> None:
        email, sms = self.email.consent, self.sms.consent
        claim = Claim(email.basis, sms.basis, self.relationship)
        object.__setattr__(self, "claim", claim)
        object.__setattr__(self, "email_on", email.on.isoformat() if email.on else "")
        object.__setattr__(self, "sms_on", sms.on.isoformat() if sms.on else "")
        word = f"{self.relationship}\x1f{self.email.said}\x1f{self.sms.said}"
        object.__setattr__(self, "word", word)

    @property
    def speaks(self) -> bool:
        """Whether it says more than what is claimed for all of the row's contact points."""
        standings = (self.email, self.sms)
        return bool(
            self.own_emails or self.own_phones or any(s.refusal or s.flaws for s in standings)
        )

    @property
    def flaws(self) -> tuple[tuple[int, str], ...]:
        """Column and code of what is not believed, each once."""
        own = [one for _, one in (*self.own_emails, *self.own_phones)]
        found = [flaw for one in (self.email, self.sms, *own) for flaw in one.flaws]
        return tuple(dict.fromkeys(found))


class ClaimReader:
    """Reads what the rows of one list claim.

    Args:
        layout: What its columns hold.
        settings: Today.
        stated: What the partner states of the whole list.
        orders: What `survey_dates` gave for its days of consent.
    """

    def __init__(
        self,
        layout: Layout,
        *,
        settings: Settings,
        stated: Stated,
        orders: Mapping[int, dates.Order | None],
    ) -> None:
        self._consent = ConsentReader(layout, stated=stated, today=settings.today, orders=orders)
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
        consent = self._consent
        return Said(
            email=consent.standing(row, channel=Channel.EMAIL),
            sms=consent.standing(row, channel=Channel.SMS),
            relationship=consent.relationship(row),
            own_emails=consent.of_points(row, channel=Channel.EMAIL),
            own_phones=consent.of_points(row, channel=Channel.SMS),
        )
