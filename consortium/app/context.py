"""What every part of an open consortium shares: one value, made once, passed down.

Nothing here is global, so that several consortia can be open in one process.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from consortium.clock import Clock
from consortium.config import SmtpSettings
from consortium.model import ConsortiumCard, Observer
from consortium.store.engine import Database
from consortium.vault.keys import KeyProvider
from consortium.vault.wraps import WrapStore

__all__ = ["Context"]


@dataclass(frozen=True, slots=True)
class Context:
    """An open consortium's parts.

    Attributes:
        database: The system of record.
        keys: Where secrets come from.
        wraps: Wrapped data keys, outside the database.
        card: The consortium's public card.
        smtp: How mail leaves, unless a transport is handed in.
        region: Country of telephone numbers without a code.
        clock: What time it is.
        observer: Told of progress.
        home: The folder with the settings; None when embedded without one.
    """

    database: Database
    keys: KeyProvider
    wraps: WrapStore
    card: ConsortiumCard
    smtp: SmtpSettings
    region: str
    clock: Clock
    observer: Observer
    home: Path | None
