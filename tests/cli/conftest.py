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
import shutil
import sqlite3
import string
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
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

# documents with one thing wrong in each
POLICIES = {
    "malformed": 'policy = 1\npartner = nurses"\n',
    "unknown_key": "policy = 1\n[whoever_speaks]\nquite_hours = { from = 20:00:00 }\n",
    "no_such_day": "policy = 1\neffective = 2026-02-30\n",
    "missing_key": "policy = 1\n",
}
CAMPAIGNS = {
    "malformed": "campaign = 1\nname = ballots\n",
    "unknown_key": 'campaign = 1\nname = "x1"\npurpos = "gotv"\n',
    "no_such_day": "campaign = 1\nnot_after = 2026-11-31T20:00:00\n",
}
MAPPINGS = {
    "malformed": "mapping = 1\ncolumns = [\n",
    "unknown_key": 'mapping = 1\n[columns]\nemial = "email"\n',
    "no_such_day": 'mapping = 1\n[consent.email]\ndefault = "express"\non = 2026-02-30\n',
    "other_list": 'mapping = 1\n[columns]\nemail = ["post"]\n',
}


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


def _build(root: Path) -> None:
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


@pytest.fixture(scope="session")
def _built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("world")
    _build(root)
    return root


@pytest.fixture
def world(_built: Path, tmp_path: Path) -> World:
    """The made-up world, to be changed at will."""
    root = tmp_path / "world"
    shutil.copytree(_built, root)
    return World(root, {"CONSORTIUM_PASSPHRASE": PASSPHRASE})


@pytest.fixture
def bad(world: World) -> World:
    """The world with everything in it that can be wrong with a file."""
    root = world.root
    (root / "loop.x").symlink_to(root / "loop.x")  # unreadable to everybody, root included
    (root / "folder.x").mkdir()
    (root / "empty.x").write_bytes(b"")
    (root / "binary.x").write_bytes(bytes(range(256)) * 40)
    (root / "header.csv").write_text("email,first_name,phone\n")
    (root / "nocolumn.csv").write_text("colour,size\nred,3\n")
    (root / "noheader.csv").write_text("quillfeather.3@mail3.example.org,Dana\n" * 3)
    for kind, documents in (("policy", POLICIES), ("campaign", CAMPAIGNS), ("map", MAPPINGS)):
        for name, text in documents.items():
            (root / f"{kind}-{name}.toml").write_text(text)
    pack = (root / "tenants.pack").read_bytes()
    (root / "cut.pack").write_bytes(pack[: len(pack) // 2])
    (root / "altered.pack").write_bytes(_altered(pack, len(pack) // 2))
    _alter(root / "homes/strangers/strangers.card", root / "altered.card", "1 Main", "2 Main")
    _alter(root / "ballots.nurses.request", root / "altered.request", "drop boxes", "drop-boxes")
    _alter(root / "ballots.nurses.answer", root / "altered.answer", '"ceiling":', '"ceiling":1')
    _alter(root / "impostor.toml.signed", root / "altered.toml.signed", "gotv", "vote")
    (root / "past.toml").write_text((root / "second.toml").read_text().replace("2026", "2020"))
    (root / "told.txt").write_text("nurses 1a2b 3c4d 5e6f 7a8b 9c0d 1e2f 3a4b 5c6d\n")
    _copy_altered_export(root)
    return world


def _altered(data: bytes, place: int) -> bytes:
    return data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]


def _alter(source: Path, target: Path, old: str, new: str) -> None:
    text = source.read_text()
    assert old in text
    target.write_text(text.replace(old, new, 1))


def _copy_altered_export(root: Path) -> None:
    shutil.copytree(root / "export", root / "altered-export")
    entries = root / "altered-export" / "entries.jsonl"
    entries.write_bytes(entries.read_bytes().replace(b'"nurses"', b'"nursed"', 1))
