"""A consortium and partners with keys in memory: everything up to the rows, in a few lines.

    house = House(database, tmp_path, clock=clock)
    nurses = house.admit("nurses")
    upload = house.add(nurses.pack([row(1, "ann@example.org")]))

Keys, packs, seals and ledger are the real ones; only the passphrases are missing.
"""

from __future__ import annotations

import io
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import BinaryIO

from consortium import intake
from consortium.clock import Clock, SystemClock
from consortium.ledger import entries
from consortium.model import (
    Consent,
    ConsentBasis,
    ConsortiumCard,
    PackRow,
    PartnerCard,
    Places,
)
from consortium.store import ledger, partners
from consortium.store.engine import Database
from consortium.store.uploads import UploadRecord
from consortium.testing.keys import MemoryKeys
from consortium.tokens import HmacTokeniser
from consortium.types import PartnerSlug
from consortium.vault import cards
from consortium.vault.pack_file import PackHeader, PackItem, Trailer, write_pack
from consortium.vault.wraps import WrapStore

__all__ = ["House", "PartnerDouble", "row"]


def row(number: int, *emails: str, first: str = "Ann", last: str = "Miller") -> PackRow:
    """A usable row with consent to e-mail, living in Portland."""
    return PackRow(
        number=number,
        emails=emails,
        first_name=first,
        last_name=last,
        birth_date="1980-02-03",
        house_number="12",
        places=Places("US", "OR", "97214"),
        language="en",
        email_consent=Consent(ConsentBasis.EXPRESS, date(2026, 1, 5)),
        sealed_record_id=b"sealed by its owner",
    )


@dataclass(frozen=True, slots=True)
class PartnerDouble:
    """A partner's machine: keys, card, and packing without a file."""

    keys: MemoryKeys
    card: PartnerCard
    consortium: ConsortiumCard
    clock: Clock

    def header(self, *, data_key: bytes | None = None, **changes: object) -> PackHeader:
        """A header with a fresh nonce and data key; `changes` replace fields."""
        now = self.clock.now()
        fields: dict[str, object] = {
            "origin": self.consortium.origin,
            "partner": self.card.slug,
            "list_name": "members",
            "obtained_on": now.date(),
            "expires_on": None,
            "layout": "action-network",
            "profile": 1,
            "nonce": secrets.token_bytes(16),
            "data_key": data_key or secrets.token_bytes(32),
            "created_at": now,
        }
        return PackHeader(**{**fields, **changes})  # type: ignore[arg-type] # a test's own fields

    def write(
        self,
        stream: BinaryIO,
        items: Iterable[PackItem],
        *,
        header: PackHeader | None = None,
        standing: bool = False,
        sign_key: bytes | None = None,
    ) -> Trailer:
        """Write a pack, signed with the partner's key or another."""
        return write_pack(
            stream,
            header=header or self.header(),
            items=items,
            sign_key=sign_key or self.keys.open("sign"),
            recipient=self.consortium.intake_recipient,
            standing_to=self.consortium.vault_key if standing else None,
        )

    def pack(
        self,
        items: Iterable[PackItem],
        *,
        header: PackHeader | None = None,
        standing: bool = False,
        sign_key: bytes | None = None,
    ) -> io.BytesIO:
        """A pack in memory, at its beginning."""
        stream = io.BytesIO()
        self.write(stream, items, header=header, standing=standing, sign_key=sign_key)
        stream.seek(0)
        return stream


@dataclass(slots=True)
class House:
    """A host over a database at the newest revision.

    Attributes:
        database: Where rows go.
        directory: Wraps are kept in `wraps` below it.
        clock: What time it is.
        keys: The host's keys.
        card: Its public card.
        wraps: Wrapped data keys.
    """

    database: Database
    directory: Path
    clock: Clock = field(default_factory=SystemClock)
    keys: MemoryKeys = field(default_factory=MemoryKeys.host)
    card: ConsortiumCard = field(init=False)
    wraps: WrapStore = field(init=False)

    def __post_init__(self) -> None:
        self.card = cards.consortium_card(
            self.keys, name="Portland together", origin="example.org/portland"
        )
        self.wraps = WrapStore(self.directory / "wraps")

    @property
    def tokeniser(self) -> HmacTokeniser:
        """Tokens of epoch 1."""
        return HmacTokeniser(self.keys.open("token-1"), epoch=1)

    def partner(self, slug: str) -> PartnerDouble:
        """A partner with fresh keys, not admitted."""
        keys = MemoryKeys.partner()
        card = cards.partner_card(
            keys,
            slug=PartnerSlug(slug),
            name=slug.title(),
            postal_address="1 Main Street, Portland, OR 97201",
            from_address=f"news@{slug}.example.org",
        )
        return PartnerDouble(keys, card, self.card, self.clock)

    def admit(self, slug: str) -> PartnerDouble:
        """A partner with fresh keys, admitted."""
        double = self.partner(slug)
        now = self.clock.now()
        with self.database.write() as tx:
            entry = ledger.append(tx, entries.partner_admitted(double.card, at=now))
            partners.add(tx, double.card, at=now, entry=entry)
        return double

    def add(
        self,
        pack: BinaryIO,
        *,
        name: str = "this file",
        replaces: str | None = None,
        cores: int | None = None,
    ) -> UploadRecord:
        """Take a pack in."""
        return intake.add(
            self.database,
            pack,
            identity=self.keys.open("intake"),
            consortium=self.card,
            tokeniser=self.tokeniser,
            match_key=self.keys.open("match"),
            wraps=self.wraps,
            clock=self.clock,
            name=name,
            replaces=replaces,
            cores=cores,
        )

    def sweep(self) -> intake.Swept:
        """Remove what dead processes left."""
        return intake.sweep(self.database, wraps=self.wraps, clock=self.clock)

    def withdraw(self, name: str) -> UploadRecord:
        """Withdraw an upload."""
        return intake.withdraw(self.database, name, wraps=self.wraps, clock=self.clock)
