"""The thief of a host: has every file, and every passphrase, at some moment.

Before an owner has approved, nothing seals off its rows but its own private key, which was never
here. What the thief can do all the same is shown as well, and said in docs/threat-model.md.
"""

from __future__ import annotations

import io
import shutil
import sqlite3
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest

import consortium
from consortium.model.match_block import MatchBlock
from consortium.testing.clock import FakeClock
from consortium.tokens import HmacTokeniser
from consortium.types import Pii
from consortium.vault.keys import HOST_KEYS, PassphraseKeys, public_half
from consortium.vault.pack_file import PackReader
from tests.attack.stage import COORDINATOR, NAME, NOW, OPERATOR, ORIGIN, Stage, people, person
from tests.attack.thief import Loot, plunder, rows_of, wraps_of

WORDS = {"operator": OPERATOR, "coordinator": COORDINATOR}


@dataclass
class Thefts:
    """Copies of one host, taken at different moments."""

    stage: Stage
    before: Path
    approved: Path
    finished: Path
    pack: bytes


def _take(stage: Stage, name: str) -> Path:
    """Everything, consistently: the thief switches the machine off first."""
    copy = stage.root / "stolen" / name
    shutil.copytree(stage.home, copy)
    return copy


@pytest.fixture(scope="module")
def thefts(tmp_path_factory: pytest.TempPathFactory) -> Thefts:
    stage = Stage.found(tmp_path_factory.mktemp("thefts"), in_files=True)
    born = replace(person(7, tag="n"), born="1971-04-05", street="12 Alder St")
    for slug, listed in (
        ("nurses", [born, *people(1, 7, tag="n"), *people(8, 41, tag="n")]),
        ("teachers", people(31, 71, tag="t")),
        ("tenants", people(61, 101, tag="e")),
    ):
        stage.admit(slug)
        packed = stage.pack(slug, listed)
        pack = packed.read_bytes()
        stage.uploads[slug] = stage.host.uploads.add(packed)
        packed.unlink()
    stage.host.merge()
    campaigns = stage.host.campaigns
    campaigns.create(stage.campaign())
    campaigns.plan(NAME)
    before = _take(stage, "before")
    stage.approve("nurses")
    campaigns.record(
        stage.desks["teachers"].decline(campaigns.request(NAME, "teachers"), reason="no")
    )
    campaigns.plan(NAME)
    approved = _take(stage, "approved")
    stage.approve("tenants")
    stage.send()
    assert campaigns.status(NAME).campaign.state.value == "finished"
    finished = _take(stage, "finished")
    return Thefts(stage, before, approved, finished, pack)


def _secrets(home: Path) -> dict[str, bytes]:
    operator = PassphraseKeys(home / "keys", lambda _name: OPERATOR)
    coordinator = PassphraseKeys(home / "keys", lambda _name: COORDINATOR)
    return {
        name: (coordinator if name == "coordinator" else operator).open(name) for name in HOST_KEYS
    }


@pytest.fixture(scope="module")
def secrets(thefts: Thefts) -> dict[str, bytes]:
    return _secrets(thefts.before)


def _loot(home: Path, secrets: dict[str, bytes]) -> Loot:
    return plunder(home, secrets, origin=ORIGIN)


def test_the_thief_has_every_key_and_there_is_something_to_open(
    thefts: Thefts, secrets: dict[str, bytes]
) -> None:
    names = {path.stem for path in (thefts.before / "keys").iterdir()}
    assert names == set(HOST_KEYS) == set(secrets)
    assert public_half("vault", secrets["vault"]) == thefts.stage.host.card.vault_key
    assert len(rows_of(thefts.before)) == 120
    assert {scope for scope, _ in wraps_of(thefts.before)} == {"owner"}


def test_before_an_owner_approves_nothing_opens_its_rows(
    thefts: Thefts, secrets: dict[str, bytes]
) -> None:
    loot = _loot(thefts.before, secrets)
    assert loot.keys == len(HOST_KEYS)  # no wrap gave another
    assert loot.details == {}


def test_an_approval_opens_the_rows_of_its_owner_and_of_nobody_else(
    thefts: Thefts, secrets: dict[str, bytes]
) -> None:
    loot = _loot(thefts.approved, secrets)
    assert set(loot.details) == {"nurses"}
    assert len(loot.details["nurses"]) == 40
    [emails] = {d.emails for d in loot.details["nurses"] if d.first_name.reveal() == "Givenh"}
    assert [e.reveal() for e in emails] == ["p7@people.example.org"]


def test_the_rows_of_an_owner_that_declined_never_open(
    thefts: Thefts, secrets: dict[str, bytes]
) -> None:
    for home in (thefts.before, thefts.approved, thefts.finished):
        assert "teachers" not in _loot(home, secrets).details


def test_when_a_campaign_is_finished_everything_is_sealed_again(
    thefts: Thefts, secrets: dict[str, bytes]
) -> None:
    assert {scope for scope, _ in wraps_of(thefts.finished)} == {"owner"}
    assert _loot(thefts.finished, secrets).details == {}


def test_record_ids_open_to_no_key_of_the_host_even_after_an_approval(
    thefts: Thefts, secrets: dict[str, bytes]
) -> None:
    assert sum(row.record_id is not None for row in rows_of(thefts.approved)) == 120
    for home in (thefts.before, thefts.approved, thefts.finished):
        assert _loot(home, secrets).record_ids == []


def _reopen(home: Path, clock: FakeClock) -> None:
    consortium.open(home, passphrase=WORDS.__getitem__, clock=clock).close()


def test_a_campaign_that_is_stopped_gives_the_keys_back(thefts: Thefts, tmp_path: Path) -> None:
    home = tmp_path / "host"
    shutil.copytree(thefts.approved, home)
    with consortium.open(home, passphrase=WORDS.__getitem__, clock=FakeClock(NOW)) as host:
        assert len(wraps_of(home)) == 4
        host.campaigns.stop(NAME, reason="enough")
    assert {scope for scope, _ in wraps_of(home)} == {"owner"}


def test_after_the_deadline_the_next_start_gives_the_keys_back(
    thefts: Thefts, tmp_path: Path
) -> None:
    home = tmp_path / "host"
    shutil.copytree(thefts.approved, home)
    _reopen(home, FakeClock(NOW + timedelta(hours=9)))
    assert len(wraps_of(home)) == 4  # an hour before the deadline
    _reopen(home, FakeClock(NOW + timedelta(hours=11)))
    assert {scope for scope, _ in wraps_of(home)} == {"owner"}


def test_a_later_no_takes_the_keys_back(thefts: Thefts, tmp_path: Path) -> None:
    home = tmp_path / "host"
    shutil.copytree(thefts.approved, home)
    clock = FakeClock(NOW + timedelta(minutes=1))
    desk = consortium.open_partner(
        thefts.stage.root / "nurses", passphrase=lambda _role: "partner's own words", clock=clock
    )
    with consortium.open(home, passphrase=WORDS.__getitem__, clock=clock) as host:
        host.campaigns.record(
            desk.decline(host.campaigns.request(NAME, "nurses"), reason="changed our mind")
        )
    assert {scope for scope, _ in wraps_of(home)} == {"owner"}


def test_withdrawing_takes_the_owners_wrap_as_well(thefts: Thefts, tmp_path: Path) -> None:
    home = tmp_path / "host"
    shutil.copytree(thefts.approved, home)
    with consortium.open(home, passphrase=WORDS.__getitem__, clock=FakeClock(NOW)) as host:
        host.uploads.withdraw(thefts.stage.uploads["nurses"].name)
    assert len(wraps_of(home)) == 2
    assert {row.owner for row in rows_of(home)} == {"teachers", "tenants"}


def test_passphrases_of_the_host_alone_are_needed_for_all_of_this(
    thefts: Thefts, secrets: dict[str, bytes]
) -> None:
    """Without them the files are no use: no secret is in any of them."""
    data = b"".join(p.read_bytes() for p in sorted(thefts.approved.rglob("*")) if p.is_file())
    for secret in secrets.values():
        assert secret not in data
        assert secret.hex().encode() not in data


# --- what the thief can do all the same ------------------------------------------------------


def test_the_thief_can_test_guesses_against_tokens_and_learns_whose_list_they_are_on(
    thefts: Thefts, secrets: dict[str, bytes]
) -> None:
    tokeniser = HmacTokeniser(secrets["token-1"], epoch=1)
    guesses = [f"p{number}@people.example.org" for number in range(1, 121)]
    tokens = dict(zip(guesses, tokeniser.contact("email", guesses), strict=True))
    with sqlite3.connect(thefts.before / "consortium.db") as connection:
        found = connection.execute(
            "SELECT c.token, p.slug FROM consortium_contact_point c "
            "JOIN consortium_row_contact x ON x.point_id = c.id "
            "JOIN consortium_source_row r ON r.id = x.row_id "
            "JOIN consortium_upload u ON u.id = r.upload_id "
            "JOIN consortium_partner p ON p.id = u.partner_id"
        ).fetchall()
    connection.close()
    known = {bytes(token) for token, _ in found}
    hit = [guess for guess in guesses if tokens[guess] in known]
    assert hit == guesses[:100]
    owners = {slug for token, slug in found if token == tokens["p35@people.example.org"]}
    assert owners == {"nurses", "teachers"}


def test_without_the_token_key_tokens_cannot_be_tested(thefts: Thefts) -> None:
    guesses = [f"p{number}@people.example.org" for number in range(1, 101)]
    others = HmacTokeniser(bytes(32), epoch=1).contact("email", guesses)
    with sqlite3.connect(thefts.before / "consortium.db") as connection:
        known = {t for (t,) in connection.execute("SELECT token FROM consortium_contact_point")}
    connection.close()
    assert known.isdisjoint(others)


def test_the_thief_can_read_match_blocks_of_every_owner(
    thefts: Thefts, secrets: dict[str, bytes]
) -> None:
    loot = _loot(thefts.before, secrets)
    assert {owner: len(found) for owner, found in loot.match_blocks.items()} == {
        "nurses": 40,
        "teachers": 40,
        "tenants": 40,
    }
    blocks = [MatchBlock.decode(data) for data in loot.match_blocks["nurses"]]
    [born] = [block for block in blocks if block.birth_date]
    assert (born.first, born.birth_date, born.house_number) == ("givenh", "1971-04-05", "12")
    assert not any(b"@" in data for data in loot.match_blocks["nurses"])  # no contact point


def test_the_thief_can_read_a_pack_that_was_left_lying_about(
    thefts: Thefts, secrets: dict[str, bytes]
) -> None:
    with PackReader.open(io.BytesIO(thefts.pack), identity=secrets["intake"]) as reader:
        first = next(iter(reader))
    assert first.emails == ("p61@people.example.org",)


def test_the_thief_reads_places_zones_consent_and_relationship_of_every_row(
    thefts: Thefts,
) -> None:
    with sqlite3.connect(thefts.before / "consortium.db") as connection:
        found = connection.execute(
            "SELECT DISTINCT country, state, postcode, zones, relationship, email_basis, email_on "
            "FROM consortium_source_row"
        ).fetchall()
    connection.close()
    zones = "America/Boise America/Los_Angeles"  # those that Oregon has
    assert found == [("US", "OR", "97214", zones, "member", "express", "2026-05-01")]


def test_wraps_that_were_stolen_in_time_go_on_opening_what_was_stolen_with_them(
    thefts: Thefts, secrets: dict[str, bytes], tmp_path: Path
) -> None:
    """Why backups of `wraps` must be short-lived: a copy undoes the end of a campaign."""
    home = tmp_path / "host"
    shutil.copytree(thefts.finished, home)
    shutil.rmtree(home / "wraps")
    shutil.copytree(thefts.approved / "wraps", home / "wraps")
    assert set(_loot(home, secrets).details) == {"nurses"}


def test_a_standing_approval_is_a_key_that_the_thief_finds(tmp_path: Path) -> None:
    stage = Stage.found(tmp_path, in_files=True)
    stage.join("nurses", people(1, 11), approval="standing")
    loot = _loot(_take(stage, "standing"), _secrets(stage.home))
    assert len(loot.details["nurses"]) == 10
    assert loot.record_ids == []


def test_after_withdrawal_the_tokens_of_those_who_were_written_to_or_opted_out_stay(
    tmp_path: Path,
) -> None:
    """And the numbers of their rows in messages and answers, which lead to no row any more."""
    stage = Stage.found(tmp_path)
    upload = stage.join("nurses", people(1, 61))
    stage.host.merge()
    stage.host.optouts.add(Pii(person(1).email))
    stage.host.campaigns.create(stage.campaign())
    stage.approve("nurses")
    stage.host.campaigns.plan(NAME)
    stage.send()
    fresh = stage.host.uploads.add(stage.pack("nurses", people(61, 71), name="fresh"))
    for name in (upload.name, fresh.name):
        stage.host.uploads.withdraw(name)
    stage.host.close()
    with sqlite3.connect(stage.home / "consortium.db") as connection:
        points = connection.execute("SELECT count(*) FROM consortium_contact_point").fetchone()
        rows = connection.execute("SELECT count(*) FROM consortium_source_row").fetchone()
        named = connection.execute("SELECT count(row_id) FROM consortium_message").fetchone()
    connection.close()
    assert (points, rows, named) == ((60,), (0,), (59,))
