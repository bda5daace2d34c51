"""A consortium with a planned campaign, made of store verbs: what sending starts from.

    python -m tests.harness.sending URL DIR PORT     send the campaign that a test has planned

Every person is made up: p0007@example.org is Person Seven. Each has one row, at one partner, and is
a person of its own unless the test says otherwise.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import consortium_policies
from consortium.campaign import document as campaign_document
from consortium.clock import Clock, SystemClock
from consortium.config import SmtpSettings
from consortium.delivery import PoliciesInForce, SendResult, SmtpTransport, Transport, send
from consortium.ledger import entries
from consortium.model import CampaignState, Channel, ConsentBasis, Observer, PartnerCard, Silent
from consortium.policy.document import digest as policy_digest
from consortium.store import campaigns, ledger, partners, plans, policies, rows, state, uploads
from consortium.store.engine import Database, Tx
from consortium.store.rows import StagedRow
from consortium.testing.clock import FakeClock
from consortium.tokens import Email, HmacTokeniser, email
from consortium.types import CampaignName, EntryIndex, PartnerSlug, Token, UploadDigest
from consortium.vault.keys import public_half
from consortium.vault.seal import Details, RowSealer, SealContext
from consortium.vault.wrap import STANDING, campaign_purpose, wrap_for_vault
from consortium.vault.wraps import WrapStore, campaign_scope

ORIGIN = "ledger.example.org/sending"
VAULT_KEY = bytes(range(32))
TOKEN_KEY = bytes(range(32, 64))
START = datetime(2026, 11, 3, 17, 0, tzinfo=UTC)
NAME = CampaignName("drop-box")
SECRET = b"\x07" * 32

POLICY = """
policy = 1
partner = "{slug}"
effective = 2020-01-01
expires = 2090-01-01

[when_we_speak]
channels = ["email"]
purposes = ["gotv"]
content = ["nonpartisan"]
relationships = ["member"]
places = ["anywhere"]
approval = "{approval}"
consent = {{ email = ["express"] }}

[whoever_speaks]
{guards}
"""

CAMPAIGN = """
campaign = 1
name = "{name}"
purpose = "gotv"
content = "nonpartisan"
channel = "email"
window = {{ start = {start}, end = {end}, zone = "UTC" }}
not_after = {not_after}
rate = "{rate}"
audience = {{ include = [{{ place = "state:OR" }}] }}

[[message]]
language = "en"
subject = "{{first_name|Neighbor}}, vote"
text = "Hi {{first_name|neighbor}}, the drop box closes at 8."

[[message]]
language = "es"
subject = "{{first_name|Vecina}}, vote"
text = "Hola {{first_name|vecina}}, el buzón cierra a las 8."
"""


@dataclass(frozen=True, slots=True)
class Someone:
    """A made-up person on one partner's list; rows with the same `human` are one person."""

    owner: str
    emails: tuple[str, ...]
    human: str = ""
    first_name: str = "Person"
    last_name: str = "Example"
    language: str = ""
    zones: str = "America/Los_Angeles"
    basis: ConsentBasis = ConsentBasis.EXPRESS


def crowd(count: int, *owners: str) -> list[Someone]:
    """So many persons, spread over the owners in turn."""
    return [Someone(owners[i % len(owners)], (f"p{i:04d}@example.org",)) for i in range(count)]


@dataclass
class World:
    """A consortium with a planned campaign."""

    database: Database
    folder: Path
    clock: Clock
    row_ids: dict[tuple[str, str], int] = field(default_factory=dict)
    upload_ids: dict[str, int] = field(default_factory=dict)
    digests: dict[str, UploadDigest] = field(default_factory=dict)

    @property
    def wraps(self) -> WrapStore:
        return WrapStore(self.folder / "wraps")

    @property
    def tokeniser(self) -> HmacTokeniser:
        return HmacTokeniser(TOKEN_KEY, epoch=1)

    def token(self, address: str) -> Token:
        normal = email.normalise(address)
        assert isinstance(normal, Email)
        return self.tokeniser.contact("email", [normal.canonical])[0]

    def found(self) -> None:
        """The consortium, with nobody in it."""
        with self.database.write() as tx:
            state.initialise(tx, name="Test", origin=ORIGIN, card="", at=self.clock.now())

    def admit(self, slug: str, *, approval: str = "each-campaign", guards: str = "") -> None:
        number = len(self.upload_ids) + 1
        card = PartnerCard(
            slug=PartnerSlug(slug),
            name=f"The {slug.title()}",
            postal_address="1 Main St, Portland OR 97201",
            from_address=f"gotv@{slug}.example",
            sign_key=bytes([number]) * 32,
            receive_key=bytes([100 + number]) * 32,
        )
        self.upload_ids[slug] = 0
        with self.database.write() as tx:
            partners.add(tx, card, at=self.clock.now(), entry=EntryIndex(0))
        self.set_policy(slug, approval=approval, guards=guards)

    def set_policy(self, slug: str, *, approval: str = "each-campaign", guards: str = "") -> None:
        text = POLICY.format(slug=slug, approval=approval, guards=guards)
        with self.database.write() as tx:
            policies.set(
                tx,
                partners.get(tx, PartnerSlug(slug)).id,
                document=text,
                digest=policy_digest(text.encode()),
                signature=b"\x01" * 64,
                at=self.clock.now(),
                entry=EntryIndex(0),
            )

    def take_in(self, people: Sequence[Someone]) -> None:
        """One upload per owner, active, with everybody on it; and one merge."""
        for slug in sorted({p.owner for p in people}):
            self._upload(slug, [p for p in people if p.owner == slug])
        humans = list(dict.fromkeys(p.human or p.emails[0] for p in people))
        with self.database.write() as tx:
            members = [
                (self.row_ids[p.owner, p.emails[0]], 1, humans.index(p.human or p.emails[0]) + 1)
                for p in people
            ]
            columns = ("row_id", "from_generation", "person_id")
            tx.bulk("consortium_membership", columns, members)
            of_person = [(person, row) for row, _, person in members]
            tx.bulk("consortium_person_row", ("person_id", "row_id"), of_person)
            state.show_generation(tx, 1, instead_of=0)

    def _upload(self, slug: str, people: Sequence[Someone]) -> None:
        digest = UploadDigest(policy_digest(f"upload of {slug}".encode()))
        salt = bytes([len(slug)]) * 32
        sealer = RowSealer(
            self.data_key(slug),
            label="details",
            salt=salt,
            context=SealContext(ORIGIN, PartnerSlug(slug), digest),
        )
        staged = [self._row(number, p, sealer) for number, p in enumerate(people, 1)]
        now = self.clock.now()
        with self.database.write() as tx:
            upload = uploads.stage(
                tx,
                digest=digest,
                partner_id=partners.get(tx, PartnerSlug(slug)).id,
                list_name="members",
                layout="generic",
                obtained_on=now.date(),
                expires_on=None,
                signature=b"\x02" * 64,
                data_salt=salt,
                match_salt=salt,
                epoch=1,
                profile=1,
                rows=len(people),
                opt_outs=0,
                rejected=0,
                repeated=0,
                added_at=now,
            )
            rows.stage(tx, staged, upload_id=upload, epoch=1, profile=1)
            uploads.activate(tx, upload, at=now)
            found = {
                r.number: r.row_id for page in rows.match_rows(tx, uploads=[upload]) for r in page
            }
        self.upload_ids[slug], self.digests[slug] = upload, digest
        for number, p in enumerate(people, 1):
            self.row_ids[slug, p.emails[0]] = found[number]

    def _row(self, number: int, p: Someone, sealer: RowSealer) -> StagedRow:
        details = Details.of(
            emails=p.emails,
            phones=(),
            first_name=p.first_name,
            last_name=p.last_name,
            language=p.language,
        )
        return StagedRow(
            number=number,
            content=number.to_bytes(16, "big"),
            relationship="member",
            country="US",
            state="OR",
            postcode="97201",
            zones=p.zones,
            language=p.language,
            email_basis=p.basis.value,
            email_on=None,
            sms_basis="none",
            sms_on=None,
            name_birth=None,
            name_address=None,
            match_block=b"sealed",
            details=sealer.seal(details.encode(), number=number),
            record_id=None,
            points=tuple(("email", self.token(a)) for a in p.emails),
        )

    def data_key(self, slug: str) -> bytes:
        return policy_digest(f"data key of {slug}".encode())

    def create(
        self,
        *,
        rate: str = "1000/second",
        name: str = NAME,
        start: datetime | None = None,
        hours: float = 3,
    ) -> None:
        """The campaign, not planned yet."""
        begin = (start or self.clock.now()).replace(microsecond=0)
        text = CAMPAIGN.format(
            name=name,
            rate=rate,
            start=f"{begin:%Y-%m-%dT%H:%M:%S}",
            end=f"{begin + timedelta(hours=hours):%Y-%m-%dT%H:%M:%S}",
            not_after=f"{begin + timedelta(hours=hours, minutes=30):%Y-%m-%dT%H:%M:%S}",
        )
        document = campaign_document.parse(text)
        with self.database.write() as tx:
            campaigns.add(
                tx,
                name=CampaignName(name),
                document=text,
                digest=campaign_document.digest(text),
                signature=b"\x03" * 64,
                channel=Channel.EMAIL,
                starts_at=document.starts_at,
                ends_at=document.ends_at,
                not_after=document.deadline,
                created_at=self.clock.now(),
            )

    def answer(
        self,
        slug: str,
        *,
        name: str = NAME,
        yes: bool = True,
        ceiling: int = 100_000,
        until: datetime | None = None,
        digest: bytes | None = None,
    ) -> None:
        """A partner's answer, with the wrap that a yes carries."""
        with self.database.write() as tx:
            campaign = campaigns.get(tx, name)
            end = until or campaign.not_after
            campaigns.add_answer(
                tx,
                campaign_id=campaign.id,
                partner_id=partners.get(tx, PartnerSlug(slug)).id,
                answer="approved" if yes else "declined",
                ceiling=ceiling if yes else 0,
                campaign_digest=digest or campaign.digest,
                until=end,
                document="",
                signature=b"\x04" * 64,
                at=self.clock.now(),
            )
        if yes:
            purpose = campaign_purpose(campaign.name, digest=campaign.digest, until=end)
            self.wrap(slug, scope=campaign_scope(campaign.name), purpose=purpose)

    def wrap(self, slug: str, *, scope: str = STANDING, purpose: str = STANDING) -> None:
        wrapped = wrap_for_vault(
            self.data_key(slug),
            to=public_half("vault", VAULT_KEY),
            origin=ORIGIN,
            owner=PartnerSlug(slug),
            upload=self.digests[slug],
            purpose=purpose,
        )
        self.wraps.put(scope, upload=self.digests[slug], wrap=wrapped)

    def plan(self, people: Iterable[Someone], *, name: str = NAME) -> None:
        """One message to each of them, from their row's owner."""
        now = self.clock.now()
        with self.database.write() as tx:
            campaign = campaigns.get(tx, name)
            ids = {p.slug: p.id for p in partners.all(tx)}
            plan = plans.draft(tx, campaign.id, merge_generation=1, secret=SECRET, planned_at=now)
            points = self._points(tx)
        micros = (campaign.starts_at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(
            microseconds=1
        )
        messages = [
            plans.NewMessage(
                number=number,
                owner_id=ids[PartnerSlug(p.owner)],
                row_id=self.row_ids[p.owner, p.emails[0]],
                point_id=points[p.owner, p.emails[0]],
                not_before=micros,
                opt_out_code=f"code{campaign.id}x{number:08d}",
            )
            for number, p in enumerate(people, 1)
        ]
        plans.add_messages(
            self.database, plan, messages, campaign_id=campaign.id, channel=Channel.EMAIL
        )
        with self.database.write() as tx:
            entry = ledger.append_batch(
                tx,
                entries.campaign_planned(
                    campaign.name,
                    campaign_digest=campaign.digest,
                    plan=plan,
                    generation=1,
                    policies={},
                    flows=b"\x05" * 32,
                    order_key=b"\x06" * 32,
                    at=now,
                ),
                [],
            )
            plans.freeze(tx, plan, digest=b"\x08" * 32, flows="{}", entry=entry, planned_at=now)
            campaigns.change_state(
                tx, campaign.id, allowed=[CampaignState.CREATED], to=CampaignState.PLANNED
            )

    def _points(self, tx: Tx) -> dict[tuple[str, str], int]:
        by_row = {row: key for key, row in self.row_ids.items()}
        found: dict[tuple[str, str], int] = {}
        for page in rows.points_of_rows(tx):
            for p in page:
                if p.position == 0 and p.row_id in by_row:
                    found[by_row[p.row_id]] = p.point_id
        return found

    def send(
        self,
        transport: Transport,
        *,
        name: str = NAME,
        database: Database | None = None,
        stop: Callable[[], bool] = lambda: False,
        patience: timedelta | None = timedelta(seconds=1),
        tokenisers: Sequence[HmacTokeniser] | None = None,
        observer: Observer | None = None,
    ) -> SendResult:
        return send(
            database or self.database,
            CampaignName(name),
            origin=ORIGIN,
            vault_key=VAULT_KEY,
            wraps=self.wraps,
            tokenisers=tokenisers or [self.tokeniser],
            policies=PoliciesInForce(consortium_policies.rules(), consortium_policies.presets()),
            transport=transport,
            clock=self.clock,
            stop=stop,
            patience=patience,
            observer=observer or Silent(),
        )


def build(
    database: Database,
    folder: Path,
    people: Sequence[Someone],
    *,
    clock: Clock | None = None,
    rate: str = "1000/second",
    hours: float = 3,
    guards: str = "",
) -> World:
    """A planned and fully approved campaign with one message to each of `people`."""
    world = World(database, folder, clock or FakeClock(START))
    world.found()
    for slug in sorted({p.owner for p in people}):
        world.admit(slug, guards=guards)
    world.take_in(people)
    world.create(rate=rate, hours=hours)
    for slug in world.digests:
        world.answer(slug)
    world.plan(people)
    return world


def main(url: str, folder: Path, port: int) -> int:
    """Send, until done or told to stop by SIGINT; prints the result's state."""
    told: list[int] = []
    signal.signal(signal.SIGINT, lambda number, _frame: told.append(number))
    world = World(Database.open(url), folder, SystemClock())
    settings = SmtpSettings(host="localhost", port=port, security="none", timeout_seconds=20)
    print("sending", flush=True)
    result = world.send(SmtpTransport(settings), stop=lambda: bool(told), patience=None)
    print(result.state.value, *result.recovered, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])))
