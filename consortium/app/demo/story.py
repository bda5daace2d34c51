"""The demonstration: four partners, one host, one evening, told while it happens.

Nothing is staged: each partner has its own folder and keys, the lists are files as their systems
export them, mail travels over SMTP to a server in a process of its own, and the record is verified
at the end by the script that comes with it. Only the day is borrowed (3 November 2026, ten in the
morning in Portland), so that the story is the same whenever it is told, and the people are made up.

What is told holds counts, names of partners and of files; no address and no person's name.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from email.message import EmailMessage
from email.parser import BytesHeaderParser
from importlib.resources import files
from mailbox import Maildir
from pathlib import Path

from consortium.app.creating import create
from consortium.app.desk import PartnerDesk
from consortium.app.host import Consortium
from consortium.app.lists import ListOptions
from consortium.app.partner_homes import create_partner
from consortium.clock import ShiftedClock
from consortium.config import SmtpSettings
from consortium.delivery import SendResult
from consortium.errors import EvidenceError
from consortium.model import MessageState, Scope
from consortium.policy import words
from consortium.testing import smtp_sink
from consortium.types import Pii

__all__ = ["PASSPHRASE", "run"]

PASSPHRASE = "demo"  # noqa: S105 - made-up people need no secret
"""Passphrase of every key the demonstration makes."""

_NOW = datetime(2026, 11, 3, 18, 0, tzinfo=UTC)  # ten in the morning in Portland
_CAMPAIGN = "portland-ballots"
_Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class _Cast:
    """A partner of the story."""

    slug: str
    name: str
    address: str
    list_file: str
    attest: tuple[str, ...]
    approves: bool = True


_CAST = (
    _Cast(
        "nurses",
        "Oregon Nurses",
        "2150 Glisan St, Portland OR 97210",
        "nurses-action-network.csv",
        ("relationship=member",),
    ),
    _Cast(
        "teachers",
        "Portland Teachers",
        "345 Hawthorne Blvd, Portland OR 97214",
        "teachers-everyaction.csv",
        ("relationship=member", "email=membership@2026-01-15"),
    ),
    _Cast(
        "tenants",
        "Tenants United",
        "77 Division St, Portland OR 97202",
        "tenants-mailchimp.csv",
        ("relationship=supporter",),
    ),
    _Cast(
        "climate",
        "Climate Now",
        "9 Everett St, Portland OR 97209",
        "climate-spreadsheet.csv",
        ("relationship=supporter", "email=express@2026-02-01"),
        approves=False,
    ),
)


def run(directory: Path, *, tell: _Tell) -> None:
    """Tell the story.

    Args:
        directory: Where everything is left for a look; must not exist.
        tell: Given each line as it happens.

    Raises:
        ConsortiumError: Something did not work as it should.
    """
    _Story(directory, tell).run()


class _Story:
    def __init__(self, directory: Path, tell: _Tell) -> None:
        self.directory = directory
        self.tell = tell
        self.clock = ShiftedClock(_NOW)

    def run(self) -> None:
        self.directory.mkdir(parents=True, mode=0o700)
        self.tell(f"Made-up people, real parts. Everything happens in {self.directory.name}/.")
        self.tell("Here it is 3 November 2026, ten in the morning in Portland.")
        host = create(
            self.directory / "host",
            name="Oregon Votes Together",
            passphrase=lambda _role: PASSPHRASE,
            clock=self.clock,
        )
        with host:
            desks = self._join(host)
            self._pack(host, desks)
            self._approve(host, desks)
            self._plan(host)
            self._send(host)
            self._answer(host)
            self._verify(host)
        self._look()

    def _chapter(self, number: int, title: str) -> None:
        self.tell("")
        self.tell(f"{number}  {title}")

    def _join(self, host: Consortium) -> dict[str, PartnerDesk]:
        self._chapter(1, "Each partner makes its keys and signs its send policy, at home")
        desks = {}
        for member in _CAST:
            desk = create_partner(
                self.directory / member.slug,
                slug=member.slug,
                name=member.name,
                postal_address=member.address,
                from_address=f"gotv@{member.slug}.example.org",
                passphrase=lambda _role: PASSPHRASE,
                clock=self.clock,
            )
            host.partners.add(desk.card_text())
            desk.join(host.card_text())
            file = self._document(f"{member.slug}.toml", into=desk.home)
            host.policies.set(desk.sign_policy(file.read_text(encoding="utf-8"), name=file.name))
            desks[member.slug] = desk
        self.tell(f"   {', '.join(desks)}: admitted, fingerprints compared")
        return desks

    def _pack(self, host: Consortium, desks: dict[str, PartnerDesk]) -> None:
        self._chapter(2, "Each checks and packs its list; the host takes the packs in")
        for member in _CAST:
            desk = desks[member.slug]
            source = desk.home / member.list_file
            source.write_bytes((_data() / "lists" / member.list_file).read_bytes())
            made = desk.pack(
                source,
                list_name="contacts",
                obtained_on=date(2026, 10, 20),
                out=source.with_suffix(".pack"),
                options=ListOptions(
                    attest=member.attest, problems_to=source.with_suffix(".problems.csv")
                ),
            )
            host.uploads.add(made.path)
            made.path.unlink()  # nothing needs it any more
            report = made.report
            self.tell(
                f"   {member.slug:<9} {report.layout_title[:28]:<28}  {report.rows:>3} rows  "
                f"{report.usable:>3} usable  {report.opt_outs} opted out"
            )
        asked = _first_address(desks["tenants"].home / "tenants-mailchimp.csv")
        host.optouts.add(asked, scope=Scope.CONSORTIUM)
        merged = host.merge()
        self.tell(
            f"   {merged.rows} rows are {merged.persons} persons; at rest: tokens and sealed rows"
        )
        self.tell("   Somebody rang and said no: blocked on every list, for ever.")

    def _approve(self, host: Consortium, desks: dict[str, PartnerDesk]) -> None:
        self._chapter(3, f"The coordinator proposes {_CAMPAIGN}; each partner answers")
        file = self._document(f"{_CAMPAIGN}.toml", into=self.directory / "host")
        host.campaigns.create(file.read_text(encoding="utf-8"), file=file.name)
        for member in _CAST:
            desk = desks[member.slug]
            request = host.campaigns.request(_CAMPAIGN, member.slug)
            if member.approves:
                host.campaigns.record(desk.approve(request))
                self.tell(f"   {member.slug:<9} approves, and lends the key to its own rows")
            else:
                host.campaigns.record(desk.decline(request, reason="not our campaign"))
                self.tell(f"   {member.slug:<9} declines; its rows stay closed")

    def _plan(self, host: Consortium) -> None:
        self._chapter(4, "The plan: one answer for every person of the audience")
        plan = host.campaigns.plan(_CAMPAIGN)
        owners = " · ".join(f"{owner} {count}" for owner, count in plan.assigned.items())
        self.tell(f"   {plan.audience:>8} people in the audience (rounded)")
        self.tell(f"   {sum(plan.assigned.values()):>8} get a message: {owners}")
        grouped: dict[str, int] = {}
        for total in (*plan.refused, *plan.deferred):
            reason = words.group(total.rule, total.reason)
            grouped[reason] = grouped.get(reason, 0) + total.persons
        for reason, persons in sorted(grouped.items(), key=lambda item: -item[1]):
            self.tell(f"   {words.people(persons):>8} {reason}")

    def _send(self, host: Consortium) -> None:
        self._chapter(5, "Sending over SMTP; each message is decided once more as it goes")
        with smtp_sink.running(self.directory / "mail") as port:
            result = self._over_smtp(host, port)
        accepted, unknown = result.count(MessageState.ACCEPTED), len(result.unknown)
        kept = len(list((self.directory / "mail").rglob("*.eml")))
        self.tell(f"   {accepted} accepted, {unknown} unknown; {kept} messages in mail/")

    def _over_smtp(self, host: Consortium, port: int) -> SendResult:
        settings = SmtpSettings(host="127.0.0.1", port=port, security="none")
        return host.campaigns.send(_CAMPAIGN, smtp=settings)

    def _answer(self, host: Consortium) -> None:
        self._chapter(6, "A recipient answers the unsubscribe address")
        first = min((self.directory / "mail").rglob("*.eml"))
        header = BytesHeaderParser().parsebytes(first.read_bytes())
        reply = EmailMessage()
        reply["From"] = header["To"]
        reply["To"] = header["List-Unsubscribe"].partition("mailto:")[2].partition("?")[0]
        reply["Subject"] = "unsubscribe"
        reply.set_content("")
        Maildir(self.directory / "answers").add(reply)
        read = host.optouts.read_mail(self.directory / "answers")
        self.tell(f"   {read.opted_out} understood: blocked for every partner from now on")

    def _verify(self, host: Consortium) -> None:
        self._chapter(7, "The record, checked by the script that comes with it")
        host.ledger.checkpoint()
        export = host.ledger.export(self.directory / "export")
        checked = subprocess.run(  # noqa: S603 - the script is our own
            [sys.executable, "-I", str(export.directory / "verify.py"), str(export.directory)],
            capture_output=True,
            check=False,
        )
        if checked.returncode:
            raise EvidenceError("the exported ledger does not verify")
        way = host.reports.provenance("m-1")
        self.tell(f"   {export.entries} entries, checkpoint signed: verified without Consortium")
        self.tell(
            f"   m-1: in the name of {way.owner}, from list {way.upload}, consent: {way.basis}; "
            f"{len(way.steps)} proofs"
        )

        page = self.directory / "report.html"
        page.write_text(host.reports.campaign_html(_CAMPAIGN), encoding="utf-8")

    def _look(self) -> None:
        name = self.directory.name
        self.tell("")
        self.tell(f"Look around (every passphrase is: {PASSPHRASE})")
        self.tell(f"   {name}/mail/*.eml       the messages, as a mail server got them")
        self.tell(f"   {name}/report.html      what went out, and why the others got none")
        self.tell(f"   {name}/export/          the ledger: python3 verify.py")
        self.tell(f"   consortium --home {name}/host report provenance m-1")

    def _document(self, name: str, *, into: Path) -> Path:
        file = into / name
        file.write_bytes((_data() / "documents" / name).read_bytes())
        return file


def _data() -> Path:
    return Path(str(files("consortium.app.demo")))


def _first_address(file: Path) -> Pii:
    """The address of the second row of a Mailchimp export: somebody who is on other lists too."""
    lines = file.read_text(encoding="utf-8-sig").splitlines()
    return Pii(lines[2].split(",")[0])
