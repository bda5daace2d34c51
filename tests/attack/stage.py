"""A consortium with partners, lists and a campaign, through the façade: what attackers work on.

    stage = Stage.found(tmp_path)
    stage.join("nurses", people(1, 61))
    stage.host.merge()
    stage.host.campaigns.create(stage.campaign())

Every person is made up. Keys are in memory where nothing is about key files.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path

import consortium
from consortium.app import Consortium, ListOptions, PartnerDesk
from consortium.clock import Clock
from consortium.config import PartnerSettings, SmtpSettings
from consortium.delivery import SendResult, SmtpTransport, Transport
from consortium.store.uploads import UploadRecord
from consortium.testing.clock import FakeClock
from consortium.testing.keys import MemoryKeys
from consortium.testing.transport import MemoryTransport

NOW = datetime(2026, 11, 3, 18, 0, tzinfo=UTC)  # ten in the morning in Portland
OBTAINED = date(2026, 10, 20)
ORIGIN = "ledger.example.org/attacked"
NAME = "drop-box"
OPERATOR = "operator's own words"
COORDINATOR = "coordinator's own words"
PARTNER = "partner's own words"
POLICY = """\
policy = 1
partner = "{slug}"
effective = 2026-01-01
expires = 2027-12-31

[when_we_speak]
channels = ["email"]
purposes = ["gotv"]
content = ["nonpartisan"]
relationships = ["member", "supporter"]
places = ["anywhere"]
approval = "{approval}"
consent = {{ email = ["express", "membership"] }}

[whoever_speaks]
{guards}
"""
CAMPAIGN = """\
campaign = 1
name = "{name}"
purpose = "gotv"
content = "nonpartisan"
channel = "email"
window = {{ start = 2026-11-03T09:00:00, end = 2026-11-03T19:30:00, zone = "America/Los_Angeles" }}
not_after = 2026-11-03T20:00:00
rate = "1000/second"

[audience]
include = [{{ place = "{place}" }}]

[[message]]
language = "en"
subject = "{{first_name|Neighbor}}, your drop box is open until 8 tonight"
text = "Hi {{first_name|neighbor}}, {words}"
"""


@dataclass(frozen=True, slots=True)
class Someone:
    """A made-up person as a partner's system exports them."""

    email: str
    first: str = "Ann"
    last: str = "Miller"
    born: str = ""
    phone: str = ""
    postcode: str = "97214"
    status: str = "subscribed"
    record_id: str = ""
    tags: str = ""
    street: str = ""


def person(number: int, *, tag: str = "") -> Someone:
    """Person `number`, as any partner knows them."""
    letters = "".join(chr(ord("a") + int(digit)) for digit in str(number))
    return Someone(
        email=f"p{number}@people.example.org",
        first=f"Given{letters}",
        last=f"Family{letters}",
        record_id=f"{tag}{number}",
    )


def people(start: int, stop: int, *, tag: str = "") -> list[Someone]:
    """Persons `start` to, not including, `stop`."""
    return [person(number, tag=tag) for number in range(start, stop)]


def action_network(someone: Iterable[Someone]) -> str:
    """An Action Network export, with a column for the birth date."""
    out = io.StringIO()
    writer = csv.writer(out)
    columns = (
        "email first_name last_name can2_user_tags can2_user_address can2_state_abbreviated "
        "zip_code country can2_phone can2_subscription_status can2_subscription_date uuid dob"
    )
    writer.writerow(columns.split())
    for one in someone:
        place = ("OR", one.postcode, "US")
        standing = (one.status, "2026-05-01", one.record_id, one.born)
        who = (one.email, one.first, one.last, one.tags, one.street)
        writer.writerow([*who, *place, one.phone, *standing])
    return out.getvalue()


@dataclass
class Stage:
    """A host and its partners.

    Attributes:
        root: Everything is below it: `host/`, and a folder for each partner.
        host: The open consortium.
        clock: Of everybody.
        desks: Partners' desks by slug.
        uploads: Each partner's first upload.
    """

    root: Path
    host: Consortium
    clock: Clock
    in_files: bool
    desks: dict[str, PartnerDesk] = field(default_factory=dict)
    uploads: dict[str, UploadRecord] = field(default_factory=dict)

    @classmethod
    def found(
        cls,
        root: Path,
        *,
        in_files: bool = False,
        clock: Clock | None = None,
        origin: str = ORIGIN,
        keys: MemoryKeys | None = None,
    ) -> Stage:
        """A new consortium; its keys in memory, or in files under two passphrases."""
        clock = clock or FakeClock(NOW)
        home = root / "host"
        if in_files:
            words = {"operator": OPERATOR, "coordinator": COORDINATOR}
            host = consortium.create(
                home, name="Attacked", origin=origin, passphrase=words.__getitem__, clock=clock
            )
        else:
            home.mkdir(mode=0o700, parents=True)
            host = consortium.create(
                name="Attacked",
                origin=origin,
                database=f"sqlite:///{home / 'consortium.db'}",
                keys=keys or MemoryKeys.host(),
                wraps=home / "wraps",
                clock=clock,
            )
        return cls(root, host, clock, in_files)

    @property
    def home(self) -> Path:
        """What a thief of the host takes."""
        return self.root / "host"

    def desk(self, slug: str, *, keys: MemoryKeys | None = None) -> PartnerDesk:
        """A partner's desk, not admitted."""
        home = self.root / slug
        name, mail = f"The {slug.title()}", f"vote@{slug}.example.org"
        street = "1 Main Street, Portland, OR 97201"
        if self.in_files:
            return consortium.create_partner(
                home,
                slug=slug,
                name=name,
                postal_address=street,
                from_address=mail,
                passphrase=lambda _role: PARTNER,
                clock=self.clock,
            )
        home.mkdir(parents=True)
        return PartnerDesk(
            home,
            settings=PartnerSettings(
                partner=1, slug=slug, name=name, postal_address=street, from_address=mail
            ),
            keys=keys or MemoryKeys.partner(),
            clock=self.clock,
        )

    def admit(
        self,
        slug: str,
        *,
        approval: str = "each-campaign",
        guards: str = "",
        keys: MemoryKeys | None = None,
    ) -> PartnerDesk:
        """A partner with a policy and no list yet."""
        desk = self.desk(slug, keys=keys)
        self.host.partners.add(desk.card_text())
        desk.join(self.host.card_text())
        self.host.policies.set(
            desk.sign_policy(POLICY.format(slug=slug, approval=approval, guards=guards))
        )
        self.desks[slug] = desk
        return desk

    def pack(
        self, slug: str, someone: Iterable[Someone], *, name: str = "list", standing: bool = False
    ) -> Path:
        """A partner's list, packed on its machine."""
        home = self.root / slug
        source = home / f"{name}.csv"
        source.write_text(action_network(someone), encoding="utf-8")
        made = self.desks[slug].pack(
            source,
            list_name=name,
            obtained_on=OBTAINED,
            out=home / f"{name}.pack",
            standing=standing,
            options=ListOptions(
                attest=("relationship=member",), problems_to=home / f"{name}.problems.csv"
            ),
        )
        return made.path

    def join(
        self,
        slug: str,
        someone: Iterable[Someone],
        *,
        approval: str = "each-campaign",
        guards: str = "",
    ) -> UploadRecord:
        """Admit a partner and take its list in."""
        self.admit(slug, approval=approval, guards=guards)
        packed = self.pack(slug, someone, standing=approval == "standing")
        self.uploads[slug] = self.host.uploads.add(packed)
        packed.unlink()
        return self.uploads[slug]

    def campaign(
        self, name: str = NAME, *, words: str = "it closes at 8.", place: str = "state:OR"
    ) -> str:
        """A campaign's document."""
        return CAMPAIGN.format(name=name, words=words, place=place)

    def approval(self, slug: str, name: str = NAME) -> str:
        """The file of a yes."""
        return self.desks[slug].approve(self.host.campaigns.request(name, slug))

    def approve(self, *slugs: str, name: str = NAME) -> None:
        """Yes from each of them, recorded."""
        for slug in slugs:
            self.host.campaigns.record(self.approval(slug, name))

    def send(self, name: str = NAME, *, transport: Transport | None = None) -> SendResult:
        """Send to memory, or over another transport."""
        return self.host.campaigns.send(name, transport=transport or MemoryTransport())


def over_smtp(port: int) -> SmtpTransport:
    """Real SMTP to a sink on loopback."""
    return SmtpTransport(SmtpSettings(host="127.0.0.1", port=port, security="none"))
