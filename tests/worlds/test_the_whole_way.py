"""Made worlds, the whole way: five partners' exports in, messages at a real SMTP server out.

The worlds come from the shared generator, which also says who is who. Nothing is measured against
its own output: accounting is checked against the files, merging against the generator's truth,
sending against what the server kept.
"""

from __future__ import annotations

import csv
import subprocess
import sys
from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from email.parser import BytesHeaderParser
from email.utils import getaddresses
from itertools import combinations
from pathlib import Path

import pytest
from sqlalchemy import text

import consortium
from consortium.app import Consortium, ListOptions
from consortium.clock import ShiftedClock
from consortium.config import SmtpSettings
from consortium.model import AnswerKind, Channel, MessageState
from consortium.pack import CheckReport
from consortium.store import campaigns, merges, plans, state, uploads
from consortium.testing import smtp_sink
from consortium.testing.keys import MemoryKeys
from consortium.tokens import Email, Profile, email
from consortium.types import Pii

NOW = datetime(2026, 11, 3, 20, 0, tzinfo=UTC)  # 15:00 in Boston, 10:00 in Honolulu
DOMAINS = ("gmail.example.com",)  # the generator's stand-in for Gmail
PROFILE = Profile(dot_insensitive_domains=frozenset(DOMAINS))
POLICY = """\
policy = 1
partner = "{slug}"
effective = 2026-01-01
expires = 2026-12-31

[when_we_speak]
channels = ["email"]
purposes = ["gotv"]
content = ["nonpartisan"]
relationships = ["member"]
places = ["country:US"]
approval = "each-campaign"

[when_we_speak.consent]
email = ["express"]

[whoever_speaks]
frequency = [{{ max = 1, per_days = 7 }}]
quiet_hours = {{ from = 21:00:00, to = 08:00:00 }}

[identity]
from_name = "Partner {slug}"
"""
CAMPAIGN = """\
campaign = 1
name = "world"
purpose = "gotv"
content = "nonpartisan"
channel = "email"
window = { start = 2026-11-03T09:00:00, end = 2026-11-03T19:30:00, zone = "America/New_York" }
not_after = 2026-11-03T20:00:00
rate = "5000/second"

[audience]
include = [{ place = "state:MA" }, { place = "state:NC" }]

[[message]]
language = "en"
subject = "{first_name|Neighbor}, today is the day"
text = "Hi {first_name|neighbor}, today is the day."
"""


@dataclass(frozen=True, slots=True)
class World:
    """A world after the whole way."""

    host: Consortium
    lists: tuple[Path, ...]
    reports: tuple[CheckReport, ...]
    truth: dict[tuple[str, int], str]  # (list, record number) → person, "" for none
    opted_out: str  # canonical address
    mails: tuple[Path, ...]


@pytest.fixture(scope="module", params=[20261, 20262])
def world(
    request: pytest.FixtureRequest, shared: Path, tmp_path_factory: pytest.TempPathFactory
) -> World:
    folder = tmp_path_factory.mktemp(f"world-{request.param}")
    generator = shared / "tools/make_lists.py"
    subprocess.run(
        [
            sys.executable,
            str(generator),
            str(folder / "made"),
            "--preset",
            "small",
            "--seed",
            str(request.param),
        ],
        check=True,
        capture_output=True,
    )
    clock = ShiftedClock(NOW)
    host = consortium.create(
        name="A made world",
        database=f"sqlite:///{folder / 'world.db'}",
        keys=MemoryKeys.host(),
        wraps=folder / "wraps",
        dot_insensitive_domains=DOMAINS,
        clock=clock,
    )
    lists = tuple(sorted((folder / "made/lists").glob("*.csv")))
    desks, reports = [], []
    for number, file in enumerate(lists):
        slug = f"partner-{number}"
        desk = consortium.create_partner(
            folder / slug,
            slug=slug,
            name=f"Partner {number}",
            postal_address="1 Main St, Boston MA 02110",
            from_address=f"vote@{slug}.example.org",
            passphrase=lambda _role: "a passphrase",
            clock=clock,
        )
        host.partners.add(desk.card_text())
        desk.join(host.card_text())
        host.policies.set(desk.sign_policy(POLICY.format(slug=slug)))
        made = desk.pack(
            file,
            list_name="all",
            obtained_on=date(2026, 10, 1),
            out=folder / f"{slug}.pack",
            options=ListOptions(attest=("email=express", "relationship=member")),
        )
        host.uploads.add(made.path)
        desks.append(desk)
        reports.append(made.report)
    host.merge()
    asked = _somebody(lists[0])
    host.optouts.add(Pii(asked))
    host.campaigns.create(CAMPAIGN)
    for desk in desks:
        host.campaigns.record(desk.approve(host.campaigns.request("world", desk.slug)))
    host.campaigns.plan("world")
    with smtp_sink.running(folder / "mail") as port:
        settings = SmtpSettings(host="127.0.0.1", port=port, security="none")
        host.campaigns.send("world", smtp=settings, patience=timedelta(minutes=1))
    with (folder / "made/truth_lists.csv").open(newline="") as lines:
        truth = {(row["list"], int(row["row"])): row["person_id"] for row in csv.DictReader(lines)}
    mails = tuple((folder / "mail").rglob("*.eml"))
    return World(host, lists, tuple(reports), truth, _canonical(asked), mails)


def _somebody(file: Path) -> str:
    """The address of the first record of the Action Network list."""
    with file.open(encoding="utf-8", newline="") as lines:
        return next(csv.DictReader(lines))["email"]


def _canonical(address: str) -> str:
    found = email.normalise(address, PROFILE)
    assert isinstance(found, Email)
    return found.canonical


def _recipients(world: World) -> list[str]:
    parser = BytesHeaderParser()
    return [
        address
        for mail in world.mails
        for _, address in getaddresses([parser.parsebytes(mail.read_bytes())["To"]])
    ]


def test_every_row_of_every_list_is_accounted_for(world: World) -> None:
    for file, report in zip(world.lists, world.reports, strict=True):
        rows = sum(1 for name, _ in world.truth if name == file.name)
        assert report.rows == rows
        assert report.usable + report.rejected + report.opt_outs + report.repeated == rows
        assert report.usable > rows * 0.9


def test_merged_rows_are_one_human(world: World) -> None:
    members: dict[int, list[tuple[str, int]]] = defaultdict(list)
    with world.host._context.database.read() as tx:
        of_upload = {u.id: world.lists[int(u.partner[-1])].name for u in uploads.all_of(tx)}
        numbers = {
            row: (of_upload[upload], number)
            for row, upload, number in tx.execute(
                text("SELECT id, upload_id, number FROM consortium_source_row")
            )
        }
        for person, row in merges.persons(tx, state.merge_generation(tx)):
            members[person].append(numbers[row])
    right = wrong = 0
    for rows in members.values():
        for one, other in combinations(rows, 2):
            same = world.truth[one] == world.truth[other] != ""
            right, wrong = right + same, wrong + (not same)
    print(f"pairs merged rightly {right}, wrongly {wrong}")
    assert right > 1000
    assert right / (right + wrong) >= 0.99


def test_every_person_has_one_answer_and_every_message_one_person(world: World) -> None:
    with world.host._context.database.read() as tx:
        campaign = campaigns.get(tx, "world")
        plan = plans.frozen(tx, campaign.id)
        assert plan is not None
        answers = list(plans.answers(tx, plan.id))
    persons = [answer.person_id for answer in answers]
    assert len(persons) == len(set(persons)) > 1000
    assigned = [a for a in answers if a.kind is AnswerKind.ASSIGNED]
    assert len({a.point_id for a in assigned}) == len(assigned)
    assert all((a.owner_id is None) == (a.kind is not AnswerKind.ASSIGNED) for a in answers)
    report = world.host.reports.campaign("world")
    assert report.messages(MessageState.ACCEPTED) == len(assigned) == len(world.mails)


def test_no_address_gets_two_messages_and_none_is_suppressed(world: World) -> None:
    sent = Counter(_canonical(address) for address in _recipients(world))
    assert len(sent) == len(world.mails) > 1000
    assert max(sent.values()) == 1
    assert world.opted_out not in sent
    assert world.host.optouts.check(Pii(world.opted_out)).banned(Channel.EMAIL)


def test_the_record_of_a_world_verifies(world: World, tmp_path: Path) -> None:
    made = world.host.ledger.export(tmp_path / "export")
    done = subprocess.run(
        [sys.executable, "-I", str(made.directory / "verify.py"), str(made.directory)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "VERIFIED" in done.stdout
