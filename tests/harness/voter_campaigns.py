"""Campaigns of two partners in a place where a voter file knows everybody."""

from __future__ import annotations

from pathlib import Path

from consortium import voters
from consortium.delivery import SendResult, send
from consortium.model import Places
from consortium.store.engine import Database
from consortium.testing.clock import FakeClock
from consortium.testing.transport import MemoryTransport
from consortium.types import CampaignName
from tests.harness.campaigning import CAMPAIGN, NAME, Assembly, assemble, changed
from tests.harness.voting import NC, nc_row, someone, voter_file

OREGON = Places("US", "OR", "97214")
ODD = '[{ place = "precinct:NC/WAKE/01-01" }]'
HERE = '[{ place = "state:OR" }]'


def two_lists(database: Database, folder: Path, *, clock: FakeClock) -> Assembly:
    """Nurses hold persons 1 to 120, teachers 61 to 180; nobody has approved anything."""
    return assemble(
        database,
        folder,
        clock=clock,
        lists={
            "nurses": [someone(n, places=OREGON) for n in range(1, 121)],
            "teachers": [someone(n, places=OREGON) for n in range(61, 181)],
        },
        order=("nurses", "teachers"),
    )


def file_of(numbers: range, **changes: str) -> voters.VoterFile:
    return voter_file(NC, [nc_row(n, zip_code="97214", **changes) for n in numbers])


def plan(assembly: Assembly, include: str, exclude: str = "[]") -> dict[str, int]:
    """Create, approve and plan a campaign; messages by owner."""
    text = changed(f"include = {HERE}", f"include = {include}\nexclude = {exclude}", text=CAMPAIGN)
    assembly.create(text)
    for slug in assembly.partners:
        assembly.approve(slug)
    return {str(slug): number for slug, number in assembly.plan().assigned.items()}


def ship(
    assembly: Assembly,
    *,
    stop_after: int | None = None,
    transport: MemoryTransport | None = None,
) -> tuple[SendResult, MemoryTransport]:
    """Send, or send until so many messages have gone."""
    assembly.clock.set(max(assembly.clock.now(), assembly.campaign().starts_at))
    transport = transport or MemoryTransport()
    result = send(
        assembly.database,
        CampaignName(NAME),
        origin=assembly.house.card.origin,
        vault_key=assembly.house.keys.open("vault"),
        wraps=assembly.house.wraps,
        tokenisers=[assembly.house.tokeniser],
        policies=assembly.in_force,
        transport=transport,
        clock=assembly.clock,
        stop=lambda: stop_after is not None and len(transport.taken) >= stop_after,
    )
    return result, transport
