"""A partner's desk: keys, the consortium's card, and lists written where a test wants them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from consortium.documents import parse
from consortium.model import ConsortiumCard, PackOptOut, PackRow
from consortium.pack import CheckReport, MappingDocument, PackResult, check, pack
from consortium.pack.check import Reading
from consortium.pack.problems import Flaw, RejectedRow
from consortium.pack.rows import Repeated
from consortium.tokens import Profile
from consortium.types import PartnerSlug
from consortium.vault import age
from consortium.vault.pack_file import PackHeader, PackReader, Trailer

TODAY = date(2026, 9, 1)
NOW = datetime(2026, 9, 1, 12, 0, tzinfo=UTC)
DOTLESS = ("gmail.example.com",)
PROFILE = Profile(dot_insensitive_domains=frozenset(DOTLESS))

WriteList = Callable[..., Path]


@dataclass(frozen=True)
class ReadList:
    """All that became of a list."""

    reading: Reading
    records: int = 0
    items: list[PackRow | PackOptOut] = field(default_factory=list)
    rejected: list[RejectedRow] = field(default_factory=list)
    repeated: list[Repeated] = field(default_factory=list)
    flaws: list[Flaw] = field(default_factory=list)

    @property
    def rows(self) -> list[PackRow]:
        return [i for i in self.items if isinstance(i, PackRow)]

    @property
    def opt_outs(self) -> list[PackOptOut]:
        return [i for i in self.items if isinstance(i, PackOptOut)]


@dataclass(frozen=True)
class Desk:
    """A partner with keys, and the consortium it packs for."""

    folder: Path
    card: ConsortiumCard
    intake: bytes
    sign: Ed25519PrivateKey
    receive: X25519PrivateKey
    vault: X25519PrivateKey

    def write(self, content: str | bytes, name: str = "members.csv") -> Path:
        path = self.folder / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def mapping(self, text: str) -> MappingDocument:
        return parse(text, name="mapping.toml", model=MappingDocument)

    def check(self, path: Path, **options: Any) -> CheckReport:  # noqa: ANN401 - handed on
        return check(path, **{"profile": PROFILE, "today": TODAY, **options})

    def read(self, path: Path, **options: Any) -> ReadList:  # noqa: ANN401 - handed on
        reading = Reading(path, **{"profile": PROFILE, "today": TODAY, **options})
        records = 0
        read = ReadList(reading)
        for batch in reading.batches():
            records += batch.records
            counted = batch.usable + batch.opt_outs + len(batch.rejected) + len(batch.repeated)
            assert batch.records == counted
            read.items.extend(batch.items)
            read.rejected.extend(batch.rejected)
            read.repeated.extend(batch.repeated)
            read.flaws.extend(batch.flaws)
        return ReadList(reading, records, read.items, read.rejected, read.repeated, read.flaws)

    def pack(self, path: Path, **options: Any) -> PackResult:  # noqa: ANN401 - handed on
        return pack(
            path,
            **{
                "list_name": "members",
                "obtained_on": date(2026, 8, 30),
                "card": self.card,
                "partner": PartnerSlug("nurses"),
                "sign_key": self.sign.private_bytes_raw(),
                "receive_key": self.receive.public_key().public_bytes_raw(),
                "out": self.folder / "members.pack",
                "now": NOW,
                **options,
            },
        )

    def unpack(self, path: Path) -> tuple[PackHeader, list[PackRow | PackOptOut], Trailer]:
        with (
            path.open("rb") as stream,
            PackReader.open(
                stream, identity=self.intake, origin=self.card.origin, name=path.name
            ) as reader,
        ):
            items = list(reader)
            trailer = reader.finish(self.sign.public_key().public_bytes_raw())
            return reader.header, items, trailer


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A partner's desk with fresh keys."""
    intake = age.new_identity()
    vault = X25519PrivateKey.generate()
    card = ConsortiumCard(
        name="Portland Together",
        origin="portland.example.org/together",
        intake_recipient=age.recipient_of(intake),
        vault_key=vault.public_key().public_bytes_raw(),
        ledger_key=bytes(32),
        coordinator_key=bytes(32),
        dot_insensitive_domains=DOTLESS,
    )
    return Desk(
        folder=tmp_path,
        card=card,
        intake=intake,
        sign=Ed25519PrivateKey.generate(),
        receive=X25519PrivateKey.generate(),
        vault=vault,
    )
