"""Partners, on the host: who is admitted, and with which keys."""

from __future__ import annotations

from consortium.app.context import Context
from consortium.ledger import entries
from consortium.model import PartnerCard
from consortium.store import ledger, partners
from consortium.vault import cards

__all__ = ["Partners"]


class Partners:
    """The partners of an open consortium."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def read_card(self, text: str) -> PartnerCard:
        """The card in a file, to show its fingerprint before anything is done.

        Raises:
            BadFile: Not a partner's card.
            EvidenceError: Altered after it was made.
        """
        return cards.decode_partner(text)

    def add(self, card: str) -> PartnerCard:
        """Admit the partner of a card; its fingerprint must have been compared by telephone.

        Raises:
            BadFile, EvidenceError: As `read_card`.
            StateConflict: A partner of that name is admitted already.
        """
        read = self.read_card(card)
        with self._context.database.write() as tx:
            now = self._context.clock.now()
            entry = ledger.append(tx, entries.partner_admitted(read, at=now))
            partners.add(tx, read, at=now, entry=entry)
        return read

    def list(self) -> tuple[PartnerCard, ...]:
        """Every partner's card, in the order of admission."""
        with self._context.database.read() as tx:
            return tuple(record.card for record in partners.all(tx))
