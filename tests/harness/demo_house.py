"""The demonstration's four partners by the façade, without its waits: keys in memory, no SMTP.

with demo_house(tmp_path) as house:
    house.plan()
    house.send()
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path

import consortium
from consortium.app import Consortium, ListOptions, PartnerDesk, demo
from consortium.campaign import PlanResult
from consortium.config import PartnerSettings
from consortium.delivery import SendResult
from consortium.testing.clock import FakeClock
from consortium.testing.keys import MemoryKeys
from consortium.testing.transport import MemoryTransport

NAME = "portland-ballots"
NOW = datetime(2026, 11, 3, 18, 0, tzinfo=UTC)  # ten in the morning in Portland
LISTS = {
    "nurses": ("nurses-action-network.csv", ("relationship=member",)),
    "teachers": (
        "teachers-everyaction.csv",
        ("relationship=member", "email=membership@2026-01-15"),
    ),
    "tenants": ("tenants-mailchimp.csv", ("relationship=supporter",)),
    "climate": (
        "climate-spreadsheet.csv",
        ("relationship=supporter", "email=express@2026-02-01"),
    ),
}
DATA = Path(demo.__file__).parent


@dataclass(slots=True)
class DemoHouse:
    """An open host with partners, policies, lists, persons and an approved campaign."""

    host: Consortium
    clock: FakeClock
    desks: dict[str, PartnerDesk] = field(default_factory=dict)

    def plan(self) -> PlanResult:
        """Plan the campaign."""
        return self.host.campaigns.plan(NAME)

    def send(self, transport: MemoryTransport | None = None) -> SendResult:
        """Send it over a transport in memory."""
        return self.host.campaigns.send(NAME, transport=transport or MemoryTransport())


@contextmanager
def demo_house(folder: Path) -> Iterator[DemoHouse]:
    """A house in `folder`; climate has declined, the others have approved, nothing is planned."""
    clock = FakeClock(NOW)
    with consortium.create(
        name="Oregon Votes Together",
        database=f"sqlite:///{folder / 'host.db'}",
        keys=MemoryKeys.host(),
        wraps=folder / "wraps",
        clock=clock,
    ) as host:
        house = DemoHouse(host, clock)
        for slug in LISTS:
            house.desks[slug] = _join(host, slug, folder, clock)
        host.merge()
        host.campaigns.create((DATA / f"documents/{NAME}.toml").read_text(encoding="utf-8"))
        for slug, desk in house.desks.items():
            request = host.campaigns.request(NAME, slug)
            if slug == "climate":
                host.campaigns.record(desk.decline(request, reason="not ours"))
            else:
                host.campaigns.record(desk.approve(request))
        yield house


def _join(host: Consortium, slug: str, folder: Path, clock: FakeClock) -> PartnerDesk:
    (folder / slug).mkdir()
    desk = PartnerDesk(
        folder / slug,
        settings=PartnerSettings(
            partner=1,
            slug=slug,
            name=slug.title(),
            postal_address="1 Main St, Portland OR 97204",
            from_address=f"gotv@{slug}.example.org",
        ),
        keys=MemoryKeys.partner(),
        clock=clock,
    )
    host.partners.add(desk.card_text())
    desk.join(host.card_text())
    policy = (DATA / f"documents/{slug}.toml").read_text(encoding="utf-8")
    host.policies.set(desk.sign_policy(policy))
    file, attest = LISTS[slug]
    made = desk.pack(
        DATA / "lists" / file,
        list_name="contacts",
        obtained_on=date(2026, 10, 20),
        out=folder / f"{slug}.pack",
        options=ListOptions(attest=attest),
    )
    host.uploads.add(made.path)
    return desk
