"""A consortium with partners, lists and policies: what planning starts from.

    assembly = assemble(database, tmp_path, clock=clock)
    assembly.create()
    assembly.approve("nurses")
    result = assembly.plan()

Lists are taken in and merged by the real rooms. Every person is made up: person 7 has the address
p7@example.org.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import consortium_policies
from consortium import campaign, identity
from consortium.campaign.request import Request, open_request
from consortium.delivery import PoliciesInForce
from consortium.ledger import entries
from consortium.model import Consent, ConsentBasis, PackRow, Places, Silent
from consortium.policy import document as policy_document
from consortium.store import campaigns, ledger, partners, policies, state
from consortium.store.campaigns import AnswerRecord, CampaignRecord
from consortium.store.engine import Database
from consortium.store.uploads import UploadRecord
from consortium.testing.clock import FakeClock
from consortium.testing.house import House, PartnerDouble
from consortium.types import PartnerSlug

NAME = "portland-ballots"
CAMPAIGN = """
campaign = 1
name = "portland-ballots"
purpose = "gotv"
content = "nonpartisan"
channel = "email"
window = { start = 2026-11-03T09:00:00, end = 2026-11-03T19:30:00, zone = "America/Los_Angeles" }
not_after = 2026-11-03T20:00:00
rate = "5/second"

[audience]
include = [{ place = "state:OR" }]

[[message]]
language = "en"
subject = "{first_name|Neighbor}, your drop box is open until 8 tonight"
text = \"\"\"
Hi {first_name|neighbor},

it closes at 8 tonight.
\"\"\"
"""
POLICY = """
policy = 1
partner = "{slug}"
effective = 2026-01-01
expires = 2026-12-31
zone = "America/Los_Angeles"

[when_we_speak]
channels = ["email"]
purposes = ["gotv"]
content = ["nonpartisan"]
relationships = ["member", "supporter"]
places = ["state:OR"]
approval = "{approval}"
consent = {{ email = ["express"] }}
{volume}

[whoever_speaks]
{guards}
"""


def person(
    number: int,
    *,
    basis: ConsentBasis = ConsentBasis.EXPRESS,
    address: str = "",
    first: str = "",
    line: int = 0,
) -> PackRow:
    """Person `number`, as any partner would list them."""
    return PackRow(
        number=line or number,
        emails=(address or f"p{number}@example.org",),
        first_name=first or f"Given{'abcdefghij'[number % 10]}",
        last_name=f"Family{number}",
        places=Places("US", "OR", "97214"),
        email_consent=Consent(basis, date(2026, 1, 5)),
    )


@dataclass(slots=True)
class Assembly:
    """A host and its partners.

    Attributes:
        house: The host.
        clock: Its clock.
        partners: By slug.
        uploads: The first upload of each.
    """

    house: House
    clock: FakeClock
    partners: dict[str, PartnerDouble] = field(default_factory=dict)
    uploads: dict[str, UploadRecord] = field(default_factory=dict)
    in_force: PoliciesInForce = field(
        default_factory=lambda: PoliciesInForce(
            consortium_policies.rules(), consortium_policies.presets()
        )
    )

    @property
    def database(self) -> Database:
        return self.house.database

    def set_policy(
        self, slug: str, *, approval: str = "each-campaign", volume: str = "", guards: str = ""
    ) -> None:
        text = POLICY.format(slug=slug, approval=approval, volume=volume, guards=guards)
        digest = policy_document.digest(text.encode())
        now = self.clock.now()
        with self.database.write() as tx:
            number = partners.get(tx, PartnerSlug(slug)).id
            entry = ledger.append(
                tx,
                entries.policy_set(
                    PartnerSlug(slug),
                    version=policies.next_version(tx, number),
                    digest=digest,
                    signature=bytes(64),
                    at=now,
                ),
            )
            policies.set(
                tx,
                number,
                document=text,
                digest=digest,
                signature=bytes(64),
                at=now,
                entry=entry,
            )

    def add(self, slug: str, people: Iterable[PackRow], *, standing: bool = False) -> UploadRecord:
        """Take in a list of an admitted partner."""
        return self.house.add(self.partners[slug].pack(people, standing=standing))

    def merge(self) -> None:
        identity.run(
            self.database,
            match_opener=identity.match_opener(self.house.keys.open("match")),
            clock=self.clock,
            observer=Silent(),
        )

    def create(self, text: str = CAMPAIGN) -> CampaignRecord:
        return campaign.create(
            self.database,
            text,
            card=self.house.card,
            coordinator_key=self.house.keys.open("coordinator"),
            clock=self.clock,
        )

    def revise(self, text: str) -> CampaignRecord:
        return campaign.revise(
            self.database,
            text,
            card=self.house.card,
            coordinator_key=self.house.keys.open("coordinator"),
            wraps=self.house.wraps,
            clock=self.clock,
        )

    def request_text(self, slug: str) -> str:
        return campaign.request_for(
            self.database,
            NAME,
            partner=PartnerSlug(slug),
            card=self.house.card,
            coordinator_key=self.house.keys.open("coordinator"),
            policies=self.in_force,
            wraps=self.house.wraps,
            clock=self.clock,
        )

    def request(self, slug: str) -> Request:
        return open_request(
            self.request_text(slug), partner=PartnerSlug(slug), card=self.house.card
        )

    def approval(self, slug: str, *, ceiling: int | None = None) -> str:
        """The file of a yes."""
        keys = self.partners[slug].keys
        return campaign.approve(
            self.request(slug),
            receive_key=keys.open("receive"),
            sign_key=keys.open("sign"),
            card=self.house.card,
            now=self.clock.now(),
            ceiling=ceiling,
        )

    def refusal(self, slug: str, *, reason: str = "not this time") -> str:
        """The file of a no."""
        return campaign.decline(
            self.request(slug),
            reason=reason,
            sign_key=self.partners[slug].keys.open("sign"),
            card=self.house.card,
            now=self.clock.now(),
        )

    def record(self, text: str) -> AnswerRecord:
        return campaign.record(
            self.database, text, card=self.house.card, wraps=self.house.wraps, clock=self.clock
        )

    def approve(self, slug: str, *, ceiling: int | None = None) -> AnswerRecord:
        return self.record(self.approval(slug, ceiling=ceiling))

    def plan(
        self,
        *,
        code: Callable[[], str] | None = None,
        secret: Callable[[], bytes] = lambda: bytes(32),
    ) -> campaign.PlanResult:
        return campaign.plan(
            self.database,
            NAME,
            policies=self.in_force,
            wraps=self.house.wraps,
            clock=self.clock,
            secret=secret,
            **({} if code is None else {"code": code}),
        )

    def campaign(self) -> CampaignRecord:
        with self.database.read() as tx:
            return campaigns.get(tx, NAME)

    def kinds(self) -> list[str]:
        """Kinds of the ledger's entries, in order."""
        with self.database.read() as tx:
            return [json.loads(entry)["kind"] for entry in ledger.entries(tx)]


def assemble(
    database: Database,
    directory: Path,
    *,
    clock: FakeClock,
    lists: dict[str, Sequence[PackRow]] | None = None,
    order: Sequence[str] = ("nurses", "teachers", "tenants"),
) -> Assembly:
    """Three partners with overlapping lists of sixty people each, merged, with policies.

    Args:
        database: At the newest revision.
        directory: For the wraps.
        clock: The host's.
        lists: Other lists, by partner.
        order: In which partners' lists are taken in.
    """
    listed = lists or {
        "nurses": [person(n) for n in range(1, 61)],
        "teachers": [person(n) for n in range(41, 101)],
        "tenants": [person(n) for n in range(81, 141)],
    }
    house = House(database, directory, clock=clock)
    with database.write() as tx:
        state.initialise(tx, name="Test", origin=house.card.origin, card="", at=clock.now())
    assembly = Assembly(house, clock)
    for slug in sorted(listed):
        assembly.partners[slug] = house.admit(slug)
        assembly.set_policy(slug)
    for slug in order:
        assembly.uploads[slug] = assembly.add(slug, listed[slug])
    assembly.merge()
    return assembly


def changed(old: str, new: str, *, text: str = CAMPAIGN) -> str:
    """The campaign with some words replaced."""
    assert old in text
    return text.replace(old, new)
