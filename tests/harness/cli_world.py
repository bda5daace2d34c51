"""A made-up world, built once and copied for each test, and a way to run commands in it.

    homes/host      the consortium "Together": three partners, two lists taken in and merged
    homes/nurses    signs each campaign; its list "members" is u-0001
    homes/teachers  the same; its list "members" is u-0002
    homes/tenants   admitted, with a policy, no list yet
    homes/strangers never admitted; has joined the consortium
    homes/impostor  calls itself nurses, with keys of its own: impostor.pack, impostor.toml.signed
    homes/other     another consortium, and `homes/other-nurses` which has joined it
    export          the host's ledger, exported
    *.csv *.toml    lists and documents; `ballots.toml` is campaign "ballots": created, approved by
                    nurses, asked of teachers, planned

`run` goes through the program's own `main`. Every run is checked for personal data: the surnames
and mailboxes of the lists' people are words that occur nowhere else.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
import string
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from click.testing import CliRunner

import consortium
from consortium.app import ListOptions
from consortium_cli.main import main

PASSPHRASE = "correct horse"
PERSONAL = ("quillfeather", "marrowby", "thistlewick", "15035550")
HEADER = "email,first_name,last_name,state,zip,phone\n"
PEOPLE = 70
POLICY = string.Template("""policy = 1
partner = "$slug"
effective = $yesterday
expires = $later

[when_we_speak]
channels = ["email"]
purposes = ["gotv"]
content = ["nonpartisan"]
relationships = ["member"]
places = ["state:OR"]
approval = "each-campaign"

[when_we_speak.consent]
email = ["express", "membership"]

[whoever_speaks]
frequency = [{ max = 2, per_days = 7 }]

[identity]
from_name = "$slug"
disclaimer = "Paid for by $slug"
""")
CAMPAIGN = string.Template("""campaign = 1
name = "$name"
purpose = "gotv"
content = "nonpartisan"
channel = "email"
window = { start = $start, end = $end, zone = "America/Los_Angeles" }
not_after = $deadline
rate = "$rate"

[audience]
include = [{ place = "state:OR" }]

[[message]]
language = "en"
subject = "{first_name|Neighbor}, drop boxes close at 8"
text = \"\"\"
Hi {first_name|neighbor},

drop boxes close at 8 tonight.

{owner.name}
\"\"\"
""")


def today() -> date:
    return datetime.now(UTC).date()


def policy_text(slug: str) -> str:
    return POLICY.substitute(
        slug=slug, yesterday=today() - timedelta(days=2), later=today() + timedelta(days=30)
    )


def campaign_text(name: str, *, rate: str = "100/second", starts_in: float = -2) -> str:
    """A campaign whose window starts in so many hours and is open for 30."""
    from zoneinfo import ZoneInfo  # noqa: PLC0415 - used here alone

    now = datetime.now(ZoneInfo("America/Los_Angeles")).replace(microsecond=0, tzinfo=None)
    start = now + timedelta(hours=starts_in)
    end = start + timedelta(hours=30)
    deadline = end + timedelta(minutes=30)
    return CAMPAIGN.substitute(
        name=name,
        rate=rate,
        start=start.isoformat(),
        end=end.isoformat(),
        deadline=deadline.isoformat(),
    )


def list_text(first: int, last: int, surname: str) -> str:
    """People number `first` to `last`, and one row that cannot be used."""
    rows = [
        f"{surname}.{i}@mail{i % 7}.example.org,Dana,{surname.title()},OR,9721{i % 10},"
        f"1503555{i:04d}\n"
        for i in range(first, last)
    ]
    return HEADER + "".join(rows) + f",Nobody,{surname.title()},OR,97214,\n"


@dataclass
class Result:
    """What a command did: its exit code and its two outputs."""

    code: int
    out: str
    err: str

    @property
    def text(self) -> str:
        return self.out + self.err


@dataclass
class World:
    """A copy of the made-up world."""

    root: Path
    environment: dict[str, str] = field(default_factory=dict)

    def __truediv__(self, name: str) -> Path:
        return self.root / name

    def home(self, name: str) -> Path:
        return self.root / "homes" / name

    def run(
        self, *words: object, home: str | None = None, stdin: str | None = None, **env: str
    ) -> Result:
        """Run a command in the root folder of the world; `home` is a name under `homes`."""
        arguments = [str(word) for word in words]
        if home is not None:
            arguments = ["--home", str(self.home(home)), *arguments]
        result = run(arguments, cwd=self.root, stdin=stdin, env=self.environment | env)
        leaked = [word for word in PERSONAL if word in result.text.lower()]
        assert not leaked, f"{arguments[:4]} printed {leaked}"
        return result

    def ok(self, *words: object, **options: str | None) -> str:
        """The same for a command that must succeed; gives what it printed."""
        result = self.run(*words, **options)  # type: ignore[arg-type] # names of options are words
        assert result.code == 0, result.text
        return result.out

    def refuses(
        self,
        *words: object,
        home: str | None = None,
        stdin: str | None = None,
        code: int = 1,
        says: str = "",
    ) -> Result:
        """Run a command that must fail: with one message, and with nothing changed."""
        before = self.digest()
        result = self.run(*words, home=home, stdin=stdin)
        assert result.code == code, result.text
        lines = result.err.splitlines()
        assert 1 <= len(lines) <= 2, result.err
        assert lines[0].startswith("error: "), result.err
        assert "fault of the program" not in result.err
        assert "Traceback" not in result.text
        assert says in result.err, result.err
        assert self.digest() == before
        return result

    def digest(self) -> str:
        """Over every file and folder of the world; databases by their content."""
        whole = hashlib.sha256()
        for path in sorted(self.root.rglob("*")):
            if path.name.endswith((".lock", "-wal", "-shm")):
                continue
            whole.update(str(path.relative_to(self.root)).encode())
            if path.is_file():
                whole.update(_content(path))
        return whole.hexdigest()


def _content(path: Path) -> bytes:
    if path.suffix != ".db":
        return path.read_bytes()
    with sqlite3.connect(path) as connection:
        dump = "\n".join(connection.iterdump()).encode()
    connection.close()
    return dump


def run(
    arguments: list[str], *, cwd: Path, stdin: str | None = None, env: Mapping[str, str] = {}
) -> Result:
    """Run the program in this process, with its own handling of errors."""
    before = Path.cwd()
    runner = CliRunner(
        env={name: None for name in os.environ if name.startswith("CONSORTIUM_")} | dict(env)
    )
    with runner.isolation(input=stdin or "") as streams:
        os.chdir(cwd)
        try:
            main(arguments)
        except SystemExit as exit_:
            code = exit_.code
        finally:
            os.chdir(before)
        out, err = streams[0].getvalue().decode(), streams[1].getvalue().decode()
    assert isinstance(code, int)
    return Result(code, out, err)


def _passphrase(role: str) -> str:
    return PASSPHRASE


def _partner(root: Path, slug: str, joining: consortium.Consortium) -> consortium.PartnerDesk:
    desk = consortium.create_partner(
        root,
        slug=slug,
        name=f"Oregon {slug.title()}",
        postal_address="1 Main St, Portland OR 97201",
        from_address=f"gotv@{slug}.example.org",
        passphrase=_passphrase,
    )
    desk.join(joining.card_text())
    return desk


def _documents(root: Path) -> None:
    for slug in ("nurses", "teachers", "tenants", "strangers"):
        (root / f"{slug}.toml").write_text(policy_text(slug))
    (root / "ballots.toml").write_text(campaign_text("ballots"))
    (root / "second.toml").write_text(campaign_text("second"))
    (root / "nurses.csv").write_text(list_text(1, PEOPLE, "quillfeather"))
    (root / "teachers.csv").write_text(
        list_text(1, 15, "quillfeather") + list_text(200, 240, "marrowby").removeprefix(HEADER)
    )
    (root / "tenants.csv").write_text(list_text(400, 440, "thistlewick"))


def build(root: Path) -> None:
    homes = root / "homes"
    homes.mkdir()
    _documents(root)
    obtained = today() - timedelta(days=1)
    attest = ListOptions(attest=(f"email=express@{obtained}", "relationship=member"))
    host = consortium.create(homes / "host", name="Together", passphrase=_passphrase)
    with host:
        for slug in ("nurses", "teachers", "tenants"):
            desk = _partner(homes / slug, slug, host)
            host.partners.add(desk.card_text())
            text = (root / f"{slug}.toml").read_text()
            host.policies.set(desk.sign_policy(text))
            made = desk.pack(
                root / f"{slug}.csv",
                list_name="members",
                obtained_on=obtained,
                out=root / f"{slug}.pack",
                options=attest,
            )
            if slug != "tenants":
                host.uploads.add(made.path)
        stranger = _partner(homes / "strangers", "strangers", host)
        stranger.pack(
            root / "tenants.csv",
            list_name="members",
            obtained_on=obtained,
            out=root / "strangers.pack",
            options=attest,
        )
        host.merge()
        host.campaigns.create((root / "ballots.toml").read_text())
        for slug in ("nurses", "teachers"):
            (root / f"ballots.{slug}.request").write_text(host.campaigns.request("ballots", slug))
        desk = consortium.open_partner(homes / "nurses", passphrase=_passphrase)
        answer = desk.approve((root / "ballots.nurses.request").read_text())
        (root / "ballots.nurses.answer").write_text(answer)
        host.campaigns.record(answer)
        host.campaigns.plan("ballots")
        impostor = _partner(homes / "impostor", "nurses", host)
        impostor.pack(
            root / "tenants.csv",
            list_name="members",
            obtained_on=obtained,
            out=root / "impostor.pack",
            options=attest,
        )
        (root / "impostor.toml.signed").write_text(impostor.sign_policy(policy_text("nurses")))
        host.ledger.export(root / "export")
    with consortium.create(homes / "other", name="Elsewhere", passphrase=_passphrase) as other:
        desk = _partner(homes / "other-nurses", "nurses", other)
        desk.pack(
            root / "nurses.csv",
            list_name="members",
            obtained_on=obtained,
            out=root / "elsewhere.pack",
            options=attest,
        )
