"""A run of everything with marked people in it, for tests that look for them in what it leaves."""

from __future__ import annotations

import contextlib
import io
import logging
import subprocess
import sys
import tempfile
import traceback
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from email.message import EmailMessage
from functools import partial
from mailbox import Maildir
from pathlib import Path

import pytest

import consortium
from consortium.app import Consortium, ListOptions
from consortium.errors import ConsortiumError
from consortium.testing import smtp_sink
from consortium.types import Pii
from consortium.vault.keys import PassphraseKeys
from consortium_cli.main import main
from tests.attack.crafted import row_line, write_crafted
from tests.attack.marked import (
    ASKED,
    DELIVERED,
    LATER,
    LOST,
    MARKED,
    MARKS,
    REJECTED,
    UNUSABLE,
)
from tests.attack.stage import (
    COORDINATOR,
    OPERATOR,
    PARTNER,
    POLICY,
    action_network,
    over_smtp,
    people,
)


@dataclass
class Run:
    """A whole run and everything it said."""

    root: Path
    said: io.StringIO = field(default_factory=io.StringIO)

    @property
    def home(self) -> Path:
        return self.root / "host"

    def command(
        self, *words: str, home: str = "host", stdin: str = "", code: int | None = 0
    ) -> str:
        """One command of the command line, in this process; everything it prints is kept."""
        out = io.StringIO()
        with (
            pytest.MonkeyPatch.context() as patch,
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(out),
        ):
            patch.setattr(sys, "stdin", io.StringIO(stdin))
            patch.chdir(self.root)
            with pytest.raises(SystemExit) as left:
                main(["--home", str(self.root / home), *words])
        self.said.write(out.getvalue())
        if code is not None:
            assert left.value.code == code, out.getvalue()
        return out.getvalue()

    def fails(self, call: Callable[[], object]) -> ConsortiumError:
        """An error raised on purpose; whatever Python would show of it is kept."""
        with pytest.raises(ConsortiumError) as caught:
            call()
        error: BaseException | None = caught.value
        self.said.write("".join(traceback.format_exception(caught.value)))
        while error is not None:  # what a log that swallows tracebacks would hold
            self.said.write(f"{error} {error!r} {error.args} {getattr(error, 'hint', '')}\n")
            error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
        return caught.value

    def shows(self, value: object) -> None:
        """What a result shows of itself."""
        self.said.write(f"{value} {value!r} {value:}\n")

    def left_out(self) -> list[Path]:
        """Where marked people belong."""
        homes = [self.root / "nurses", self.root / "teachers"]
        return [
            *(path for home in homes for path in home.glob("*.csv")),
            self.root / "mail",
            self.root / "more-mail",
            self.root / "answers",
            self.root / "mistakes",  # what a confused person wrote: the run's own bad input
        ]


def _policy(slug: str) -> str:
    return POLICY.format(slug=slug, approval="each-campaign", guards="")


def _campaign(name: str) -> str:
    now = datetime.now(UTC)
    form = "%Y-%m-%dT%H:%M:%S"
    start, end = (
        (now - timedelta(hours=1)).strftime(form),
        (now + timedelta(hours=5)).strftime(form),
    )
    last = (now + timedelta(hours=6)).strftime(form)
    return f"""\
campaign = 1
name = "{name}"
purpose = "gotv"
content = "nonpartisan"
channel = "email"
window = {{ start = {start}, end = {end}, zone = "UTC" }}
not_after = {last}
rate = "2000/second"

[audience]
include = [{{ place = "state:OR" }}]

[[message]]
language = "en"
subject = "{{first_name|Neighbor}}, one more day"
text = "Hi {{first_name|neighbor}} {{last_name|there}}, one more day."
"""


@contextlib.contextmanager
def _talkative(said: io.StringIO) -> Iterator[None]:
    """Every logger at DEBUG, into what is said."""
    names = ("", "sqlalchemy", "sqlalchemy.engine", "sqlalchemy.pool", "alembic", "asyncio")
    loggers = [logging.getLogger(name) for name in names]
    before = [logger.level for logger in loggers]
    handler = logging.StreamHandler(said)
    loggers[0].addHandler(handler)
    for logger in loggers:
        logger.setLevel(logging.DEBUG)
    try:
        yield
    finally:
        loggers[0].removeHandler(handler)
        for logger, level in zip(loggers, before, strict=True):
            logger.setLevel(level)


def whole_way(root: Path) -> Run:
    """The whole way, on the command line and on the façade, listening to everything."""
    run = Run(root)
    temporary = run.root / "temporary"
    temporary.mkdir()
    with (
        _talkative(run.said),
        pytest.MonkeyPatch.context() as patch,
        warnings.catch_warnings(record=True) as warned,
    ):
        warnings.simplefilter("always")
        patch.setattr(tempfile, "tempdir", str(temporary))
        patch.setenv("TMPDIR", str(temporary))
        patch.setenv("CONSORTIUM_PASSPHRASE", OPERATOR)
        patch.setenv("CONSORTIUM_COORDINATOR_PASSPHRASE", COORDINATOR)
        patch.setenv("CONSORTIUM_PARTNER_PASSPHRASE", PARTNER)
        _lists(run)
        _first_campaign(run)
        _mail_back(run)
        _second_campaign(run)
        _evidence(run)
        _mistakes(run)
        run.said.writelines(str(warning.message) for warning in warned)
    return run


def _lists(run: Run) -> None:
    run.command("init", str(run.home), "--name", "Canary", "--origin", "canary.example.org/ledger")
    card = str(run.home / "consortium.card")
    lists = {
        "nurses": [*people(1, 61), *MARKED, MARKED[0]],  # one of them twice
        "teachers": [*people(41, 71), DELIVERED, REJECTED],
    }
    for slug, someone in lists.items():
        home = run.root / slug
        run.command(
            *("partner", "keygen", str(home), "--slug", slug, "--name", f"The {slug.title()}"),
            *("--address", "1 Main St, Portland OR 97201", "--from", f"vote@{slug}.example.org"),
        )
        run.command("partner", "add", str(home / f"{slug}.card"), "--yes")
        run.command("partner", "join", card, "--yes", home=slug)
        (home / "policy.toml").write_text(_policy(slug))
        run.command("policy", "check", str(home / "policy.toml"))
        signed = str(home / "policy.signed")
        run.command("policy", "sign", str(home / "policy.toml"), "--out", signed, home=slug)
        run.command("policy", "set", signed)
        source = home / "list.csv"
        source.write_text(action_network(someone))
        attested = ("--attest", "relationship=member")
        run.command("upload", "check", str(source), *attested, home=slug, code=None)
        run.command(
            *("upload", "pack", str(source), "--list", "list", "--obtained", "2026-10-20"),
            *attested,
            home=slug,
            code=None,
        )
        run.command("upload", "add", str(home / "list.pack"))
        run.command("upload", "list")
        run.command("upload", "list", "--format", "json")
    run.command("merge", "run")
    run.command("optout", "add", stdin=f"{ASKED.email}\n")
    run.command("optout", "check", stdin=f"{ASKED.email}\n")
    run.command("optout", "add", "--channel", "sms", stdin=f"{DELIVERED.phone}\n")


def _approved(run: Run, name: str) -> None:
    file = run.root / f"{name}.toml"
    file.write_text(_campaign(name))
    run.command("campaign", "create", str(file))
    for slug in ("nurses", "teachers"):
        asked, said = (str(run.root / f"{name}.{slug}.{end}") for end in ("request", "answer"))
        run.command("campaign", "request", name, slug, "--out", asked)
        run.command("campaign", "review", asked, home=slug)
        run.command("campaign", "approve", asked, "--out", said, "--yes", home=slug)
        run.command("campaign", "record", said)
    run.command("campaign", "plan", name)
    run.command("campaign", "preview", name, "--all")


def _first_campaign(run: Run) -> None:
    """Over SMTP from the command line; the server quotes addresses in its refusals."""
    _approved(run, "first-call")
    refusal = f"550 5.1.1 <{REJECTED.email}> {REJECTED.first}: no such user"
    with smtp_sink.running(run.root / "mail", "--reply", f"{REJECTED.email}={refusal}") as port:
        settings = run.home / "consortium.toml"
        text = settings.read_text().partition("[smtp]")[0]
        settings.write_text(f'{text}[smtp]\nhost = "127.0.0.1"\nport = {port}\nsecurity = "none"\n')
        run.command("campaign", "send", "first-call", "--dry-run")
        run.command("campaign", "send", "first-call", "--yes")
    run.command("campaign", "status", "first-call")
    assert MARKS.found(b"".join(p.read_bytes() for p in (run.root / "mail").iterdir()))


def _mail_back(run: Run) -> None:
    """Bounces, an absence notice, an opt-out and somebody's angry words."""
    box = Maildir(run.root / "answers")
    mails = [path.read_text() for path in sorted((run.root / "mail").glob("*.eml"))]
    for sent in [mail for mail in mails if "canary" not in mail.lower()][:3]:
        code = sent.partition("mailto:")[2].partition("?")[0].partition(">")[0]
        for kind in ("bounce", "away", "out"):
            mail = EmailMessage()
            mail["From"] = f"{DELIVERED.first} <{DELIVERED.email.lower()}>"
            mail["To"] = code if kind != "bounce" else "vote@nurses.example.org"
            mail["Subject"] = f"{kind}: {DELIVERED.last} {DELIVERED.phone}"
            if kind == "away":
                mail["Auto-Submitted"] = "auto-replied"
            mail.set_content(f"Final-Recipient: rfc822; {DELIVERED.email}\n\n{sent}")
            box.add(mail)
    run.command("feedback", "read", str(run.root / "answers"))
    run.command("feedback", "read", str(run.root / "answers"))


def _second_campaign(run: Run) -> None:
    """On the façade, with replies that put off, and connections that break."""
    _approved(run, "last-call")
    rules = (
        *("--reply", f"{LATER.email}=451 4.2.2 {LATER.email} is over quota"),
        *("--after-dot", f"{REJECTED.email}=554 5.7.1 {REJECTED.email} says no"),
        *("--drop-after-dot", LOST.email),
    )
    with _open(run) as host, smtp_sink.running(run.root / "more-mail", *rules) as port:
        run.shows(
            host.campaigns.send(
                "last-call", transport=over_smtp(port), patience=timedelta(seconds=5)
            )
        )
        run.shows(host.campaigns.status("last-call"))
        run.shows(host.uploads.list())
        run.shows(host.optouts.check(Pii(ASKED.email)))
        run.shows(host)
    run.command("campaign", "status", "last-call")
    run.command("campaign", "stop", "last-call", "--reason", "enough", "--yes")


def _evidence(run: Run) -> None:
    run.command("ledger", "checkpoint")
    for form in ("table", "json", "csv"):
        run.command("report", "campaign", "first-call", "--format", form)
        run.command("report", "provenance", "m-1", "--format", form)
    run.command("report", "campaign", "last-call", "--html", str(run.root / "report.html"))
    run.command("report", "provenance", "m-1", "--proofs", str(run.root / "proofs"))
    run.command("ledger", "export", str(run.root / "export"))
    run.command("ledger", "verify", str(run.root / "export"))
    script = run.root / "export" / "verify.py"
    done = subprocess.run(
        [sys.executable, "-I", str(script), str(script.parent)], capture_output=True, check=True
    )
    run.said.write(done.stdout.decode() + done.stderr.decode())


def _mistakes(run: Run) -> None:
    """Marked people where they do not belong: in documents, names, arguments, packs."""
    bad = run.root / "mistakes"
    bad.mkdir()
    address, name, phone = DELIVERED.email, DELIVERED.first, DELIVERED.phone
    listed = run.root / "nurses" / "list.csv"

    def file(title: str, text: str) -> str:
        path = bad / title
        path.write_text(text)
        return str(path)

    run.command("optout", "add", stdin=f"{address} and {phone}\n", code=2)
    run.command("optout", "add", "--channel", "sms", stdin=f"{address}\n", code=2)
    run.command("optout", "check", stdin=f"{UNUSABLE.email}\n", code=2)
    run.command("optout", "add", address, code=2)
    run.command(
        "optout", "add", "--partner", address, "--scope", "partner", stdin="a@b.example\n", code=1
    )
    for noun in (
        ("upload", "show"),
        ("campaign", "status"),
        ("report", "provenance"),
        ("upload", "withdraw"),
    ):
        run.command(*noun, address, code=None)
    run.command("campaign", "record", str(listed), code=None)
    run.command("policy", "set", str(listed), code=None)
    run.command("policy", "check", str(listed), code=2)
    run.command("partner", "add", str(listed), "--yes", code=1)
    run.command("upload", "add", str(listed), code=1)
    run.command("campaign", "create", str(listed), code=2)
    run.command("ledger", "verify", str(listed), code=1)
    run.command("feedback", "read", str(listed), code=1)
    for place in ("channels", "partner", "expires", f'"{address}"'):
        text = _policy("nurses").replace(
            "[when_we_speak]", f'{place} = "{address}"\n[when_we_speak]'
        )
        run.command("policy", "check", file("policy.toml", text), code=2)
        text = _campaign("third-call").replace("[audience]", f'{place} = "{address}"\n[audience]')
        run.command("campaign", "create", file("campaign.toml", text), code=2)
    run.command("policy", "check", file("cut.toml", f'x = "{address}\n{name}'), code=2)
    run.command("policy", "check", file("cut.toml", f"{address} = {name}"), code=2)
    wrong = f'layout = 1\nname = "x"\n[columns]\nemail = ["{address}"]\n{name} = ["{phone}"]\n'
    run.command("upload", "check", str(listed), "--map", file("map.toml", wrong), code=2)
    run.command(
        "upload", "check", file("headless.csv", f"{address},{name}\n{phone},x\n"), code=None
    )
    run.command(
        "upload",
        "check",
        file("wide.csv", f"email,{name}\n{address}\n,,,,{phone}\n\x00\n"),
        code=None,
    )
    run.command(
        "upload", "check", file("quoted.csv", f'email,name\n"{address},{name}\n'), code=None
    )
    run.command("upload", "check", str(listed), "--attest", f"email={address}", code=2)
    run.command(
        *(
            "partner",
            "keygen",
            str(bad / "home"),
            "--slug",
            "p-p",
            "--name",
            name,
            "--address",
            "x",
        ),
        *("--from", f"{name} {address}"),
        code=2,
    )
    desk = consortium.open_partner(run.root / "nurses", passphrase=lambda _role: PARTNER)
    with _open(run) as host:
        run.fails(lambda: host.optouts.add(Pii(UNUSABLE.email)))
        run.fails(lambda: host.optouts.check(Pii(phone)))
        run.fails(lambda: host.campaigns.create(f'name = "{address}"'))
        run.fails(lambda: host.policies.set(f'partner = "{address}"\n\n— x y\n'))
        run.fails(lambda: host.reports.provenance(address))
        run.fails(lambda: host.uploads.show(address))
        run.fails(lambda: host.partners.add(f"consortium partner card v1\nslug: {address}\n\n"))
        run.fails(
            lambda: desk.pack(
                listed, list_name=f"\x00{name}", obtained_on=date(2026, 1, 1), out=bad / "p"
            )
        )
        run.fails(lambda: desk.check(listed, options=ListOptions(attest=(address,))))
        for line in _crafted():
            crafted = _crafted_pack(run, host, line)
            run.fails(partial(host.uploads.add, crafted))


def _crafted() -> Iterator[bytes]:
    """Rows that a correct program would never pack: not as their version prescribes."""
    emails = [ASKED.email.lower()]
    yield row_line(1, [DELIVERED.email])
    yield row_line(1, emails, phones=[DELIVERED.phone])
    yield row_line(1, emails, first=f" {DELIVERED.first}")
    yield row_line(1, emails, birth="29.3.1957")
    yield row_line(1, emails, house=DELIVERED.street)
    yield row_line(1, emails, language=DELIVERED.last)
    yield row_line(1, emails, suffix=DELIVERED.last)
    yield row_line(1, emails, state=DELIVERED.last)
    yield row_line(1, emails, relationship=DELIVERED.last)
    yield row_line(DELIVERED.email, emails)
    yield f'["r",1,["{DELIVERED.email}"'.encode()


def _crafted_pack(run: Run, host: Consortium, line: bytes) -> Path:
    keys = PassphraseKeys(run.root / "nurses" / "keys", lambda _name: PARTNER)
    return write_crafted(
        run.root / "nurses" / "crafted.pack",
        sign_key=keys.open("sign"),
        partner="nurses",
        to=host.card,
        at=datetime.now(UTC),
        lines=[line],
    )


def _open(run: Run) -> Consortium:
    words = {"operator": OPERATOR, "coordinator": COORDINATOR}
    return consortium.open(run.home, passphrase=words.__getitem__)
