"""The malicious partner: an admitted one, with its own program, keys and good standing.

It wants to learn who is on the others' lists, to silence the others, or to harm the host. What it
can do all the same is at the end, and in docs/threat-model.md.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from consortium.app import ListOptions
from consortium.errors import BadFile, ConsortiumError, DocumentError, PolicyRefused
from consortium.model import Channel, Scope
from consortium.testing.keys import MemoryKeys
from consortium.testing.transport import MemoryTransport
from consortium.types import PartnerSlug, Pii
from consortium.vault import cards
from consortium_cli.screen import show_rows
from tests.attack.crafted import ADDRESS, opt_out_line, row_line, write_crafted
from tests.attack.stage import NAME, POLICY, Someone, Stage, people, person
from tests.attack.thief import rows_of, wraps_of

HASHED = "5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8"
MILLION = "x" * 1_000_000


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    stage = Stage.found(tmp_path_factory.mktemp("crafted"))
    stage.admit("tenants")
    stage.join("nurses", people(1, 61))
    return stage


def _craft(stage: Stage, *lines: bytes, slug: str = "tenants", **changes: Any) -> Path:  # noqa: ANN401 - as `write_crafted` takes them
    return write_crafted(
        stage.root / "crafted.pack",
        sign_key=stage.desks["tenants"]._keys.open("sign"),
        partner=slug,
        to=stage.host.card,
        at=stage.clock.now(),
        lines=lines or (row_line(1, [ADDRESS]),),
        **changes,
    )


# --- crafted packs ----------------------------------------------------------------------------


def test_a_pack_made_by_another_program_is_taken_if_it_is_as_prescribed(tmp_path: Path) -> None:
    """So that every refusal below is for the reason its test names."""
    stage = Stage.found(tmp_path)
    stage.admit("tenants")
    upload = stage.host.uploads.add(
        _craft(stage, row_line(1, [ADDRESS]), opt_out_line(2, ["other@people.example.org"]))
    )
    assert (upload.rows, upload.opt_outs) == (1, 1)


BAD_LINES: dict[str, list[bytes]] = {
    "an address in capitals": [row_line(1, [ADDRESS.upper()])],
    "an address with blanks": [row_line(1, [f" {ADDRESS}"])],
    "an address of full-width letters": [row_line(1, ["ａnn@people.example.org"])],
    "an address hashed before": [row_line(1, [HASHED])],
    "an address in base64 of a hash": [
        row_line(1, ["tMmiiTI7IaAcPpQPFQ65uMVCWH8av9jw4cwf/F5HVRQ="])
    ],
    "a number hashed before": [row_line(1, phones=[HASHED])],
    "a name hashed before": [row_line(1, [ADDRESS], last=HASHED)],
    "a name of md5": [row_line(1, [ADDRESS], first=HASHED[:32].upper())],
    "a number without its country": [row_line(1, phones=["(971) 234-9871"])],
    "a number nobody can have": [row_line(1, phones=["+10000000000"])],
    "an address as a number": [row_line(1, phones=[ADDRESS])],
    "a name with blanks around it": [row_line(1, [ADDRESS], first=" Ann ")],
    "a name with a line end": [row_line(1, [ADDRESS], first="Ann\nBcc: x@example.org")],
    "a separator in the house number": [row_line(1, [ADDRESS], house="12|97214")],
    "a birth date that is none": [row_line(1, [ADDRESS], birth="1980-02-30")],
    "a birth date of the future": [row_line(1, [ADDRESS], birth="2031-01-01")],
    "a country in small letters": [row_line(1, [ADDRESS], country="us")],
    "a state that is none": [row_line(1, [ADDRESS], state="ZZ")],
    "a postcode with a separator": [row_line(1, [ADDRESS], postcode="97214|")],
    "a consent of the future": [row_line(1, [ADDRESS], email_on="2027-01-01")],
    "a consent that is unheard of": [row_line(1, [ADDRESS], email_basis="of course")],
    "a relationship that is unheard of": [row_line(1, [ADDRESS], relationship="owner")],
    "an address of a million letters": [row_line(1, [f"{MILLION}@people.example.org"])],
    "a name of a million letters": [row_line(1, [ADDRESS], first=MILLION)],
    "a record id of a million letters": [row_line(1, [ADDRESS], record_id=MILLION)],
    "a house number of 600 letters": [row_line(1, [ADDRESS], house="1" * 600)],
    "no way to reach anybody": [row_line(1)],
    "seventeen addresses": [row_line(1, [f"p{n}@people.example.org" for n in range(17)])],
    "an address twice": [row_line(1, [ADDRESS, ADDRESS])],
    "the same number twice": [row_line(1, [ADDRESS]), row_line(1, ["b@people.example.org"])],
    "descending numbers": [row_line(2, [ADDRESS]), row_line(1, ["b@people.example.org"])],
    "the number 0": [row_line(0, [ADDRESS])],
    "a negative number": [row_line(-1, [ADDRESS])],
    "a number above all numbers": [row_line(2**96, [ADDRESS])],
    "a broken number": [row_line(1.5, [ADDRESS])],
    "true for a number": [row_line(True, [ADDRESS])],  # noqa: FBT003 - the point of it
    "a text for a number": [row_line("1", [ADDRESS])],
    "null for a name": [row_line(1, [ADDRESS], first=None)],
    "a list for a name": [row_line(1, [ADDRESS], first=["Ann"])],
    "a field too many": [row_line(1, [ADDRESS], admin="yes")],
    "a field too few": [b'["r",1,["crafted@people.example.org"],[]]'],
    "an unknown kind": [row_line(1, [ADDRESS], kind="x")],
    "an opt-out for a cause unheard of": [opt_out_line(1, [ADDRESS], cause="competitor")],
    "an opt-out of nobody": [opt_out_line(1, [])],
    "an opt-out in capitals": [opt_out_line(1, [ADDRESS.upper()])],
    "a second spelling": [row_line(1, [ADDRESS]).replace(b",", b", ", 1)],
    "escaped letters": [row_line(1, [ADDRESS]).replace(b"Ann", b"\\u0041nn")],
    "a line of a million brackets": [b"[" * 1_000_000],
    "a second header": [b'{"consortium_pack":1}'],
    "something that is no JSON": [b"ann@people.example.org"],
    "an empty line": [b""],
}


def _refused(stage: Stage, pack: Path) -> ConsortiumError:
    """The error; and that nothing is different from before, not even for the next try."""
    before = (stage.host.ledger.size, len(rows_of(stage.home)), len(wraps_of(stage.home)))
    with pytest.raises(ConsortiumError) as refused:
        stage.host.uploads.add(pack)
    after = (stage.host.ledger.size, len(rows_of(stage.home)), len(wraps_of(stage.home)))
    assert before == after
    assert [u.partner for u in stage.host.uploads.list()] == ["nurses"]
    said = f"{refused.value.message} {refused.value.hint}"
    assert len(said) < 250
    assert "qzx" not in said.lower()
    assert HASHED[:16] not in said.lower()
    return refused.value


@pytest.mark.parametrize("what", BAD_LINES)
def test_a_row_that_is_not_as_prescribed_refuses_the_whole_pack(stage: Stage, what: str) -> None:
    good = row_line(2**40, ["zz@people.example.org"])
    error = _refused(stage, _craft(stage, *BAD_LINES[what], good))
    assert isinstance(error, BadFile)


@pytest.mark.parametrize(
    ("what", "code", "changes"),
    [
        ("fewer rows than counted", 3, {"counts": {"rows": 2}}),
        ("more rows than counted", 3, {"counts": {"rows": 0}}),
        ("opt-outs that are not there", 3, {"counts": {"opt_outs": 7}}),
        ("a negative count", 1, {"counts": {"rejected": -1}}),
        ("another digest", 3, {"trailer": {"digest": "00" * 32}}),
        ("an unknown field in the trailer", 1, {"trailer": {"priority": 1}}),
        ("an unknown field in the header", 1, {"header": {"priority": 1}}),
        ("a future version", 1, {"header": {"consortium_pack": 2}}),
        ("a future profile", 1, {"header": {"profile": 2}}),
        ("a day that has not come", 1, {"header": {"obtained_on": "2026-12-24"}}),
        ("a time that has not come", 1, {"header": {"created_at": "2026-12-24T00:00:00Z"}}),
        ("a day that has passed", 1, {"header": {"expires_on": "2026-11-01"}}),
        ("a date that is none", 1, {"header": {"obtained_on": "2026-02-30"}}),
        ("another consortium", 1, {"header": {"origin": "ledger.example.org/other"}}),
        ("a short data key", 1, {"header": {"data_key": "AAAA"}}),
        ("a wrap of the wrong length", 1, {"trailer": {"standing_wrap": "AAAA"}}),
        ("a terminal's escape in its name", 1, {"header": {"list_name": "x\x1b[2J"}}),
        ("an eight-bit escape in its name", 1, {"header": {"list_name": "x\x9b2J"}}),
        ("a line end in its name", 1, {"header": {"list_name": "x\u2028y"}}),
        ("letters that run backwards", 1, {"header": {"list_name": "x\u202ey"}}),
        ("a name of a million letters", 1, {"header": {"list_name": MILLION}}),
        ("a layout of two words", 1, {"header": {"layout": "a b"}}),
        ("another partner's name", 3, {"header": {"partner": "nurses"}}),
        ("a name that nobody has", 1, {"header": {"partner": "nobody"}}),
        ("a name that is a path", 1, {"header": {"partner": "../nurses"}}),
    ],
)
def test_a_pack_that_lies_about_itself_is_refused(
    stage: Stage, what: str, code: int, changes: dict[str, Any]
) -> None:
    assert _refused(stage, _craft(stage, **changes)).exit_code == code, what


@pytest.mark.parametrize("mark", ["\x1b[2J", "\x9b2J", "\u2028", "\u202e", "\x7f", "\n"])
def test_a_card_whose_name_would_write_on_the_hosts_terminal_is_refused(
    stage: Stage, mark: str
) -> None:
    """The name on a card is shown before anybody has compared its fingerprint."""
    own = MemoryKeys.partner()
    key = own.open("sign")
    honest = cards.partner_card(
        own,
        slug=PartnerSlug("climate"),
        name="Climate",
        postal_address="1 Main St",
        from_address="vote@climate.example.org",
    )
    text = cards.encode_partner(honest, sign_key=key).partition("\n\n")[0] + "\n"
    assert "name: Climate\n" in text
    crafted = text.replace("name: Climate\n", f"name: Climate{mark}\n")
    signed_text = crafted + "\n— climate " + _signature(crafted, key) + "\n"
    with pytest.raises(ConsortiumError) as refused:
        stage.host.partners.add(signed_text)
    assert mark not in refused.value.message


def _signature(text: str, key: bytes) -> str:
    """A C2SP signature line's data, made without any check of ours."""
    private = Ed25519PrivateKey.from_private_bytes(key)
    public = private.public_key().public_bytes_raw()
    key_id = hashlib.sha256(b"climate\n\x01" + public).digest()[:4]
    return base64.b64encode(key_id + private.sign(text.encode())).decode()


# --- silencing the others ---------------------------------------------------------------------


def test_opt_outs_in_a_partners_list_do_not_hold_back_the_others_messages(tmp_path: Path) -> None:
    stage = Stage.found(tmp_path)
    stage.join("nurses", people(1, 61))
    stage.join(
        "tenants", [*people(61, 63), *(replace(p, status="unsubscribed") for p in people(1, 61))]
    )
    stage.host.merge()
    assert stage.uploads["tenants"].opt_outs == 60
    stage.host.campaigns.create(stage.campaign())
    stage.approve("nurses", "tenants")
    assert stage.host.campaigns.plan(NAME).assigned == {"nurses": 60, "tenants": 2}
    transport = MemoryTransport()
    stage.send(transport=transport)
    assert len(transport.taken) == 62
    banned = stage.host.optouts.check(Pii(person(5).email))
    assert banned.banned(Channel.EMAIL, partner=PartnerSlug("tenants"))
    assert not banned.banned(Channel.EMAIL, partner=PartnerSlug("nurses"))


def test_a_partners_word_reaches_no_further_than_its_own_messages(stage: Stage) -> None:
    with pytest.raises(PolicyRefused, match="only what goes out in its own name"):
        stage.host.optouts.add(
            Pii("p1@people.example.org"), scope=Scope.CONSORTIUM, author="partner"
        )


@pytest.mark.parametrize(
    "guards",
    [
        "frequency = [{ max = 0, per_days = 7 }]",
        "frequency = [{ max = -1, per_days = 7 }]",
        "frequency = [{ max = 1, per_days = 31 }]",
        "frequency = [{ max = 1, per_days = 36500 }]",
        "frequency = [{ max = 1, per_days = 0 }]",
        "frequency = [{ max = 1001, per_days = 7 }]",
        "frequency = [{ max = nan, per_days = 7 }]",
        "frequency = [{ max = inf, per_days = 7 }]",
        "frequency = [{ max = 0.5, per_days = 7 }]",
        'frequency = [{ max = "1", per_days = 7 }]',
        "frequency = [{ max = 1, per_days = 7, scope = 1 }]",
        "quiet_hours = { from = 00:00:00, to = 23:59:59 }",
        "quiet_hours = { from = 00:00:00, to = 00:00:00 }",
        "quiet_hours = { from = 20:00:00, to = 19:59:59 }",
        "quiet_hours = { from = 11:00:00, to = 13:00:00 }",
        "quiet_hours = { from = 17:59:59, to = 06:00:00 }",
        "quiet_hours = { from = 18:00:00, to = 12:00:01 }",
        "quiet_hours = { from = 21:00:00, to = 12:00:00 }",
        "blackout = [2026-11-03]",
        "silence_everybody = true",
    ],
)
def test_a_policy_that_would_silence_the_others_is_refused_at_the_host_as_well(
    stage: Stage, guards: str
) -> None:
    """The partner's own program may sign anything: what is signed is checked again."""
    from consortium.vault import signed  # noqa: PLC0415 - the attacker's own tool

    text = POLICY.format(slug="tenants", approval="each-campaign", guards=guards)
    note = signed.sign_document(
        "policy",
        text,
        origin=stage.host.card.origin,
        signer=signed.partner_signer(
            PartnerSlug("tenants"), sign_key=stage.desks["tenants"]._keys.open("sign")
        ),
    )
    before = stage.host.policies.show("tenants").version
    with pytest.raises(DocumentError):
        stage.host.policies.set(note)
    assert stage.host.policies.show("tenants").version == before


def test_quiet_hours_of_several_partners_together_leave_the_afternoon_open(tmp_path: Path) -> None:
    stage = Stage.found(tmp_path)
    stage.join("nurses", people(1, 61), guards="quiet_hours = { from = 22:00:00, to = 12:00:00 }")
    stage.join("tenants", people(1, 61), guards="quiet_hours = { from = 18:00:00, to = 08:00:00 }")
    stage.host.merge()
    stage.host.campaigns.create(stage.campaign())
    stage.approve("nurses", "tenants")
    plan = stage.host.campaigns.plan(NAME)
    assert sum(plan.assigned.values()) == 60
    transport = MemoryTransport()
    stage.send(transport=transport)
    assert len(transport.taken) == 60
    assert stage.clock.now().hour >= 20  # noon in Portland, the later of its two zones


def test_one_address_in_many_spellings_is_one_person_and_one_message(tmp_path: Path) -> None:
    """A count cannot be amplified, nor somebody written to more than once."""
    spellings = [
        "victim.name@gmail.com",
        "v.i.c.t.i.m.name@gmail.com",
        "victimname+1@gmail.com",
        "victim.name+2@googlemail.com",
        "VictimName@GMail.com",
    ]
    stage = Stage.found(tmp_path)
    stage.join("nurses", people(1, 61))
    stage.join("tenants", [Someone(email=e, first="Vic", last="Tim") for e in spellings])
    assert stage.host.merge().persons == 61
    stage.host.campaigns.create(stage.campaign())
    stage.approve("nurses", "tenants")
    assert stage.host.campaigns.plan(NAME).new_messages == 61


# --- spreadsheets -----------------------------------------------------------------------------

RUN = ('=HYPERLINK("http://evil.example","x")', "+1+1", "-1+1", "@SUM(A1)", "\t=1", "＝1")


def test_cells_that_a_spreadsheet_would_run_are_disarmed(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    """In the file of rejected rows, and in everything that the command line prints as CSV."""
    home = stage.root / "tenants"
    source, problems = home / "formulas.csv", home / "formulas.problems.csv"
    with source.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(
            [["email", "first name"], *([f"no address {i}", c] for i, c in enumerate(RUN))]
        )
    stage.desks["tenants"].check(source, options=ListOptions(problems_to=problems))
    with problems.open(newline="", encoding="utf-8-sig") as file:
        rejected = list(csv.reader(file))
    assert len(rejected) > len(RUN)
    show_rows(("list",), [(cell,) for cell in RUN], form="csv")
    printed = list(csv.reader(io.StringIO(capsys.readouterr().out)))
    assert len(printed) == 1 + len(RUN)
    for cell in [cell for row in (*rejected, *printed) for cell in row]:
        assert not cell.startswith(("=", "+", "-", "@", "\t", "\r", "＝")), cell


# --- files ------------------------------------------------------------------------------------


def test_a_file_of_a_partner_in_the_working_folder_is_not_run(tmp_path: Path) -> None:
    """Whoever takes a list in may do so in the folder where a partner's files were unpacked."""
    for name in ("pickle.py", "consortium.py", "numpy.py"):
        ran = tmp_path / f"{name}.ran"
        (tmp_path / name).write_text(f"open({str(ran)!r}, 'w').close()\n", encoding="utf-8")
    work = "from consortium.workers import map_batches as m; print(*m({}, 1, [[5, 6]], workers=1))"
    done = subprocess.run(
        [sys.executable, "-P", "-c", work.format("'operator:itemgetter'")],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("6\n", "")
    assert not list(tmp_path.glob("*.ran"))


# --- what a malicious partner can do all the same ---------------------------------------------


def _seeded(tmp_path: Path, *, known: bool) -> tuple[Stage, MemoryTransport]:
    """Tenants list a mailbox of their own under a stranger's name and birth date."""
    stage = Stage.found(tmp_path)
    victim = Someone("victim@people.example.org", "Vera", "Tamm", born="1971-04-05")
    stage.join("nurses", [*people(1, 61), *([victim] if known else [])])
    seed = replace(victim, email="seed@attacker.example")
    stage.join("tenants", [seed])
    stage.host.merge()
    stage.host.campaigns.create(stage.campaign())
    stage.approve("nurses", "tenants")
    stage.host.campaigns.plan(NAME)
    return stage, MemoryTransport()


def test_a_mailbox_on_two_lists_tells_its_reader_that_another_partner_has_it(
    tmp_path: Path,
) -> None:
    """Seeds: whoever reads a mailbox learns in whose name it is written to."""
    stage = Stage.found(tmp_path)
    stage.join("nurses", people(1, 61))
    stage.join("tenants", [person(7)], guards="")
    stage.host.merge()
    stage.host.campaigns.create(stage.campaign())
    stage.approve("nurses")  # tenants do not even approve, and so are never chosen
    stage.host.campaigns.record(
        stage.desks["tenants"].decline(stage.host.campaigns.request(NAME, "tenants"), reason="no")
    )
    stage.host.campaigns.plan(NAME)
    transport = MemoryTransport()
    stage.send(transport=transport)
    [mail] = [e for e in transport.taken if e.recipient.reveal() == person(7).email]
    assert mail.sender.endswith("@nurses.example.org")


@pytest.mark.parametrize("known", [True, False])
def test_a_mailbox_under_a_strangers_name_takes_part_in_the_strangers_one_message(
    tmp_path: Path, *, known: bool
) -> None:
    """Where the stranger is on another list, one of the two stays without a message: the seed's
    silence tells of the stranger, and the stranger's is the price."""
    stage, transport = _seeded(tmp_path, known=known)
    stage.send(transport=transport)
    two = {"seed@attacker.example", "victim@people.example.org"}
    got = [e.recipient.reveal() for e in transport.taken if e.recipient.reveal() in two]
    assert len(got) == 1
    if not known:
        assert got == ["seed@attacker.example"]


def test_an_opt_out_of_a_mailbox_under_a_strangers_name_blocks_the_stranger(
    tmp_path: Path,
) -> None:
    """An opt-out holds for all addresses of a person: who merges with somebody speaks for them.
    The record names the message or author of each opt-out, so that a partner whose recipients
    opt out in droves stands out."""
    stage, _ = _seeded(tmp_path, known=True)
    stage.host.optouts.add(Pii("seed@attacker.example"))
    assert stage.host.optouts.check(Pii("victim@people.example.org")).banned(Channel.EMAIL)


def test_one_opt_out_does_not_silence_all_whom_a_list_puts_beside_a_mailbox(
    tmp_path: Path,
) -> None:
    """A list of its own rows, each with its mailbox and a stranger's address."""
    stage = Stage.found(tmp_path)
    stage.join("nurses", people(1, 200))
    stage.admit("tenants")
    crafted = [
        row_line(n, ["seed@attacker.example", person(n).email], first="", last="")
        for n in range(1, 200)
    ]
    stage.host.uploads.add(_craft(stage, *crafted))
    stage.host.merge()
    assert stage.host.optouts.add(Pii("seed@attacker.example")).contact_points == 1
    assert not stage.host.optouts.check(Pii(person(7).email)).banned(Channel.EMAIL)


def test_a_partner_can_claim_strangers_and_be_chosen_to_write_to_half_of_them(
    tmp_path: Path,
) -> None:
    """Consent is what its partner attests; its signature stands under it."""
    stage = Stage.found(tmp_path)
    stage.join("nurses", people(1, 61))
    stage.join("tenants", people(1, 61))
    stage.host.merge()
    stage.host.campaigns.create(stage.campaign())
    stage.approve("nurses", "tenants")
    assert stage.host.campaigns.plan(NAME).assigned == {"nurses": 30, "tenants": 30}


def test_a_cap_within_the_charter_on_claimed_strangers_holds_back_further_messages(
    tmp_path: Path,
) -> None:
    """One message in thirty days is the least that the charter's ranges let a partner leave."""
    stage = Stage.found(tmp_path)
    stage.join("nurses", people(1, 61))
    stage.join("tenants", people(1, 61), guards="frequency = [{ max = 1, per_days = 30 }]")
    stage.host.merge()
    for name, expected in ((NAME, 60), ("second", 0)):
        stage.host.campaigns.create(stage.campaign(name, words=f"{name}."))
        stage.approve("nurses", "tenants", name=name)
        plan = stage.host.campaigns.plan(name)
        assert sum(plan.assigned.values()) == expected
        if expected:
            stage.send(name)
        stage.clock.sleep(timedelta(minutes=5).total_seconds())
