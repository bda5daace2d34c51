"""The host: an open consortium, and what can be done with it, by noun.

Each noun is a small object over the same `Context`; each of its methods is what one command does.
"""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Self

from consortium import identity, intake, voters
from consortium.app.campaigns import Campaigns
from consortium.app.context import Context
from consortium.app.ledgers import Ledger
from consortium.app.merges import Merges
from consortium.app.optouts import OptOuts
from consortium.app.partners import Partners
from consortium.app.policies import Policies
from consortium.app.reports import Reports
from consortium.app.uploads import Uploads
from consortium.app.voters import Voters
from consortium.model import ConsortiumCard
from consortium.vault import cards

__all__ = ["Consortium"]


class Consortium:
    """An open consortium. Use it as a context manager, or call `close`.

    Attributes:
        partners, policies, uploads, merges, voters: What can be done before a campaign.
        optouts, campaigns, ledger, reports: What can be done in and after one.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self.partners = Partners(context)
        self.policies = Policies(context)
        self.uploads = Uploads(context)
        self.voters = Voters(context)
        self.merges = Merges(context)
        self.optouts = OptOuts(context)
        self.campaigns = Campaigns(context)
        self.ledger = Ledger(context)
        self.reports = Reports(context)

    @property
    def card(self) -> ConsortiumCard:
        """The public card."""
        return self._context.card

    @property
    def card_file(self) -> Path | None:
        """Where the card lies; None without a home."""
        return self._context.home / "consortium.card" if self._context.home else None

    def card_text(self) -> str:
        """The public card, as partners take it; needs the ledger key."""
        return cards.encode_consortium(self.card, ledger_key=self._context.keys.open("ledger"))

    def merge(self, *, full: bool = False) -> identity.MergeResult:
        """Make persons of source rows; see `Merges.run`."""
        return self.merges.run(full=full)

    def sweep(self) -> None:
        """Clear away what dead processes left; a living one's work is left alone."""
        context = self._context
        intake.sweep(context.database, wraps=context.wraps, clock=context.clock)
        identity.sweep(context.database)
        voters.sweep(context.database)
        self.campaigns.sweep()

    def close(self) -> None:
        """Give back the database."""
        self._context.database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
