"""What an owner says of its own rows that are not the same people, on its own machine.

The host asks with a file (`Merges.pairs`); the owner looks at its own records, and signs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from consortium.clock import Clock
from consortium.identity import taking_back
from consortium.identity.decisions import sign_never
from consortium.identity.pairs import OwnRow, decode_pairs
from consortium.identity.review import read_sheet, sheet
from consortium.model import ConsortiumCard
from consortium.pack import open_record_id
from consortium.store.decisions import Source
from consortium.types import PartnerSlug, Pii
from consortium.vault.keys import KeyProvider

__all__ = ["OwnRows", "Sheet"]


@dataclass(frozen=True, slots=True)
class Sheet:
    """Questions about rows, for a spreadsheet on the owner's machine.

    Attributes:
        text: CSV with record ids; personal data.
        groups, rows: How many are asked about.
    """

    text: Pii
    groups: int
    rows: int


class OwnRows:
    """The rows of an open partner's home.

    Args:
        partner: Whose home it is.
        card: The consortium that it has joined.
        keys: The partner's keys.
        clock: What time it is.
    """

    def __init__(
        self, partner: PartnerSlug, *, card: ConsortiumCard, keys: KeyProvider, clock: Clock
    ) -> None:
        self._partner = partner
        self._card = card
        self._keys = keys
        self._clock = clock

    def review(self, questions: str) -> Sheet:
        """The sheet of what the host asks; needs the `receive` key for record ids.

        Raises:
            BadFile: It is no file of questions, or asks somebody else.
            EvidenceError: A record id was not sealed for its row.
        """
        found = decode_pairs(questions, partner=self._partner, origin=self._card.origin)
        key = self._keys.open("receive")

        def open_id(row: OwnRow) -> Pii:
            return open_record_id(
                row.record_id or b"",
                number=row.number,
                key=key,
                origin=self._card.origin,
                owner=self._partner,
            )

        text = sheet(found, open_id=open_id)
        return Sheet(Pii(text), len(found.groups), sum(map(len, found.groups)))

    def read(self, filled: str) -> list[tuple[Source, Source]]:
        """The pairs that a filled-in sheet says are two people.

        Raises:
            BadFile: It is not that sheet.
        """
        return read_sheet(filled)

    def sign(self, pairs: Sequence[tuple[Source, Source]]) -> str:
        """This owner's word that each of these pairs is two people, for the host.

        Raises:
            UsageError: There is no pair.
        """
        return sign_never(
            pairs,
            partner=self._partner,
            origin=self._card.origin,
            sign_key=self._keys.open("sign"),
            at=self._clock.now(),
        )

    def take_back(self, answer: str) -> str:
        """This owner's word that an answer that it signed holds no more, for the host.

        Raises:
            EvidenceError: That is no answer of this owner's.
        """
        return taking_back.sign(
            answer,
            partner=self._partner,
            origin=self._card.origin,
            sign_key=self._keys.open("sign"),
        )
