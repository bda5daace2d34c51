"""What an open consortium is put together from, before its card is known."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from consortium.app.context import Context
from consortium.clock import Clock
from consortium.config import SmtpSettings
from consortium.model import ConsortiumCard, Observer, Silent
from consortium.store.engine import Database
from consortium.vault.keys import KeyProvider
from consortium.vault.wraps import WrapStore

__all__ = ["Parts"]


@dataclass(frozen=True, slots=True)
class Parts:
    """As in `Context`, but for the card."""

    database: Database
    keys: KeyProvider
    wraps: WrapStore
    smtp: SmtpSettings
    region: str
    clock: Clock
    observer: Observer | None
    home: Path | None

    def context(self, card: ConsortiumCard) -> Context:
        """The context of the consortium of that card."""
        return Context(
            database=self.database,
            keys=self.keys,
            wraps=self.wraps,
            card=card,
            smtp=self.smtp,
            region=self.region,
            clock=self.clock,
            observer=self.observer or Silent(),
            home=self.home,
        )
