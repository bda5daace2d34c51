"""The main job by commands alone, as the people of a consortium type them."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from mailbox import Maildir
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from consortium.testing import smtp_sink
from tests.harness.cli_world import PASSPHRASE, World, campaign_text, list_text, policy_text, today

if TYPE_CHECKING:
    from email.message import Message

OBTAINED = ("--list", "members", "--obtained", str(today()))
ATTEST = ("--attest", f"email=express@{today()}", "--attest", "relationship=member")


@pytest.fixture
def mails(tmp_path: Path) -> Iterator[tuple[Path, int]]:
    folder = tmp_path / "mails"
    with smtp_sink.running(folder) as port:
        yield folder, port


def test_a_consortium_is_founded_and_its_lists_become_people(tmp_path: Path) -> None:
    world = World(tmp_path, {"CONSORTIUM_PASSPHRASE": PASSPHRASE})
    world.ok("init", "homes/host", "--name", "Oregon Votes Together")
    for slug, surname, first in (("nurses", "quillfeather", 1), ("teachers", "marrowby", 40)):
        card = f"homes/{slug}/{slug}.card"
        words = ("--slug", slug, "--name", slug.title(), "--address", "1 Main St, Portland")
        out = world.ok("partner", "keygen", f"homes/{slug}", *words, "--from", f"a@{slug}.org")
        fingerprint = out.split("fingerprint")[1].splitlines()[0].strip()
        world.ok("partner", "join", "homes/host/consortium.card", "--yes", home=slug)
        assert fingerprint in world.ok("partner", "add", card, "--yes", home="host")
        (world / f"{slug}.toml").write_text(policy_text(slug))
        (world / f"{slug}.csv").write_text(list_text(first, first + 40, surname))
        assert "Each campaign needs its signature." in world.ok("policy", "check", f"{slug}.toml")
        world.ok("policy", "sign", f"{slug}.toml", home=slug)
        out = world.ok("policy", "set", f"{slug}.toml.signed", home="host")
        assert f"{slug}: policy version 1 is in force" in out
    assert world.ok("policy", "show", "nurses", "--document", home="host") == policy_text("nurses")

    checked = world.run("upload", "check", "nurses.csv", *ATTEST, home="nurses")
    assert checked.code == 5
    assert "40 usable · 1 unusable" in checked.out
    packed = world.run("upload", "pack", "nurses.csv", *OBTAINED, *ATTEST, home="nurses")
    assert packed.code == 5
    assert "u-0001: nurses · members · active" in world.ok(
        "upload", "add", "nurses.pack", home="host"
    )
    words = ("--as", world.home("teachers"), *OBTAINED, *ATTEST)
    assert world.run("upload", "add", "teachers.csv", *words, home="host").code == 5
    listed = json.loads(world.ok("upload", "list", "--format", "json", home="host"))
    assert [(u["partner"], u["rows"], u["rejected"]) for u in listed] == [
        ("nurses", 40, 1),
        ("teachers", 40, 1),
    ]
    assert "80 people in 80 rows" in world.ok("merge", "run", home="host")
    assert "nothing has changed" in world.ok("merge", "run", home="host")
    assert "80 people in 80 rows" in world.ok("merge", "run", "--full", home="host")


def test_a_campaign_is_asked_for_answered_planned_sent_and_accounted_for(
    world: World, mails: tuple[Path, int]
) -> None:
    folder, port = mails
    _deliver_to(world, port)
    world.ok("campaign", "create", "second.toml", home="host")
    for slug in ("nurses", "teachers"):
        world.ok("campaign", "request", "second", slug, home="host")
    request = "second.nurses.request"
    assert "drop boxes close at 8" in world.ok("campaign", "review", request, home="nurses")
    world.ok("campaign", "approve", request, "--ceiling", "60", "--yes", home="nurses")
    recorded = world.ok("campaign", "record", "second.nurses.answer", home="host")
    assert "nurses approves up to 60 messages" in recorded
    world.ok(
        "campaign", "decline", "second.teachers.request", "--reason", "no", "--yes", home="teachers"
    )
    recorded = world.ok("campaign", "record", "second.teachers.answer", home="host")
    assert "teachers declines" in recorded

    plan = world.ok("campaign", "plan", "second", home="host")
    assert "nurses 60" in plan
    assert "Declined: teachers." in plan
    dry = world.ok("campaign", "send", "second", "--dry-run", home="host")
    assert "second (planned): 60 messages to go" in dry
    assert f"127.0.0.1:{port}" in dry
    assert not smtp_sink.kept(folder)
    sent = world.ok("campaign", "send", "second", "--yes", home="host")
    assert "second: finished" in sent
    assert "60  accepted" in sent
    kept = smtp_sink.kept(folder)
    assert len({k.recipient.reveal() for k in kept}) == len(kept) == 60
    world.refuses("campaign", "send", "second", "--yes", home="host", says="second is finished")

    report = world.ok("report", "campaign", "second", "--html", "second.html", home="host")
    assert "second: finished" in report
    assert "<html" in (world / "second.html").read_text()
    rows = json.loads(world.ok("report", "campaign", "second", "--format", "json", home="host"))
    assert {row["partner"]: row["accepted"] for row in rows} == {"nurses": 60, "teachers": 0}
    world.ok("ledger", "checkpoint", home="host")
    found = world.ok(
        "report", "provenance", _message_id(kept[0].path), "--proofs", "proofs", home="host"
    )
    assert "Oregon Nurses (nurses)" in found
    assert "u-0001, members" in found
    assert list((world / "proofs").glob("*.leaf-proof"))
    world.ok("ledger", "export", "after", home="host")
    assert "CONSISTENT" in world.ok("ledger", "verify", "after")


def test_who_opts_out_by_address_or_by_mail_gets_nothing_more(
    world: World, mails: tuple[Path, int]
) -> None:
    folder, port = mails
    _deliver_to(world, port)
    address = "quillfeather.30@mail2.example.org"
    assert "No opt-out" in world.ok("optout", "check", home="host", stdin=f"{address}\n")
    world.ok("optout", "add", home="host", stdin=f"{address}\n")
    assert "That was recorded before" in world.ok(
        "optout", "add", home="host", stdin=f"{address}\n"
    )
    assert "from anybody" in world.ok("optout", "check", home="host", stdin=f"{address.upper()}\n")
    words = ("optout", "add", "--scope", "partner", "--partner", "nurses")
    world.ok(*words, home="host", stdin="quillfeather.31@mail3.example.org\n")
    bans = json.loads(
        world.ok(
            "optout",
            "check",
            "--format",
            "json",
            home="host",
            stdin="Quillfeather.31@mail3.example.org",
        )
    )
    assert [ban["nothing goes"] for ban in bans] == ["in the name of nurses"]

    sent = world.ok("campaign", "send", "ballots", "--yes", home="host")
    assert "asked not to be contacted" in sent or "asked this partner not to write" in sent
    recipients = {k.recipient.reveal() for k in smtp_sink.kept(folder)}
    assert address not in recipients
    assert "quillfeather.31@mail3.example.org" not in recipients

    box = Maildir(world / "answers")
    box.add(_unsubscribe(smtp_sink.kept(folder)[0].path))
    read = world.ok("feedback", "read", "answers", home="host")
    assert "1 opted out" in read
    assert "1 were read before" in world.ok("feedback", "read", "answers", home="host")
    who = smtp_sink.kept(folder)[0].recipient.reveal()
    assert "unsubscribe mail" in world.ok("optout", "check", home="host", stdin=who)


def test_a_list_is_withdrawn_and_its_people_are_nobodys(world: World) -> None:
    dry = world.ok("upload", "withdraw", "u-0002", "--dry-run", home="host")
    assert "54 rows: no longer counted, and deleted." in dry
    assert "u-0002: teachers · members · active" in world.ok(
        "upload", "show", "u-0002", home="host"
    )
    world.ok("upload", "withdraw", "u-0002", "--yes", home="host")
    assert "withdrawn" in world.ok("upload", "show", "u-0002", home="host")
    assert "70 people in 69 rows" in world.ok("merge", "run", home="host")
    assert "ended already" in world.ok("upload", "withdraw", "u-0002", "--yes", home="host")


def test_lists_past_their_last_day_are_ended(world: World) -> None:
    assert "no upload is past its last day" in world.ok("upload", "expire", home="host")
    with sqlite3.connect(world.home("host") / "consortium.db") as connection:
        connection.execute("UPDATE consortium_upload SET expires_on = '2026-02-03' WHERE id = 2")
    connection.close()
    dry = world.ok("upload", "expire", "--dry-run", home="host")
    assert "u-0002: teachers" in dry
    assert "u-0001" not in dry
    assert "u-0002 ended" in world.ok("upload", "expire", "--yes", home="host")
    assert "expired" in world.ok("upload", "show", "u-0002", home="host")
    assert "u-0001: nurses · members · active" in world.ok("upload", "show", "u-0001", home="host")


def test_another_text_needs_every_approval_again(world: World) -> None:
    revised = campaign_text("ballots", rate="7/second")
    (world / "revised.toml").write_text(revised)
    world.ok("campaign", "revise", "revised.toml", "--yes", home="host")
    status = world.ok("campaign", "status", "ballots", home="host")
    assert "waiting for: nurses and teachers" in status
    assert "7 a second" in status
    assert "no plan in force" in status
    world.refuses(
        "campaign",
        "record",
        "ballots.nurses.answer",
        home="host",
        code=4,
        says="have not answered this text",
    )


def test_a_campaign_is_stopped_for_good(world: World) -> None:
    dry = world.ok("campaign", "stop", "ballots", "--reason", "rain", "--dry-run", home="host")
    assert "Nothing was done." in dry
    world.ok("campaign", "stop", "ballots", "--reason", "rain", "--yes", home="host")
    assert "stopped because: rain" in world.ok("campaign", "status", "ballots", home="host")
    world.refuses("campaign", "send", "ballots", "--yes", home="host", says="stopped")
    world.refuses("campaign", "plan", "ballots", home="host", says="stopped")


def test_nothing_goes_in_the_name_of_who_has_not_approved(world: World) -> None:
    world.ok("campaign", "create", "second.toml", home="host")
    world.ok("campaign", "plan", "second", home="host")
    dry = world.ok("campaign", "send", "second", "--dry-run", home="host")
    assert "second (planned): 0 messages to go" in dry
    assert dry.count("held back until it approves") == 2
    result = world.run("campaign", "send", "second", "--yes", home="host")
    assert result.code == 4
    assert "has not approved this campaign" in result.err


def _deliver_to(world: World, port: int) -> None:
    settings = world.home("host") / "consortium.toml"
    head = settings.read_text().partition("[smtp]")[0]
    settings.write_text(f'{head}[smtp]\nhost = "127.0.0.1"\nport = {port}\nsecurity = "none"\n')


def _message_id(mail: Path) -> str:
    return str(_read(mail)["Message-ID"])


def _read(mail: Path) -> Message:
    from email import message_from_bytes  # noqa: PLC0415 - used here alone

    return message_from_bytes(mail.read_bytes())


def _unsubscribe(mail: Path) -> Message:
    from email.message import EmailMessage  # noqa: PLC0415 - used here alone

    answer = EmailMessage()
    answer["From"] = _read(mail)["To"]
    answer["To"] = str(_read(mail)["List-Unsubscribe"]).partition("mailto:")[2].partition("?")[0]
    answer.set_content("no more, please")
    return answer
