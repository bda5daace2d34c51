"""Opt-outs by address: what they ban, how far, and at whose word."""

import json
from pathlib import Path

import pytest

from consortium import feedback
from consortium.errors import NotFound, PolicyRefused, UsageError
from consortium.feedback import Added, Known
from consortium.ledger import entries
from consortium.model import Channel, Scope
from consortium.store import ledger
from consortium.store.engine import Database
from consortium.testing.transport import MemoryTransport
from consortium.tokens import HmacTokeniser
from consortium.types import PartnerSlug, Pii
from tests.harness.sending import Someone, World, build

DANA = "dana.lopez@example.org"
OTHER = "dana@example.net"
PEOPLE = [
    Someone("nurses", (DANA,), human="dana"),
    Someone("teachers", (OTHER,), human="dana"),
    Someone("teachers", ("kim@example.org",)),
]


@pytest.fixture
def world(database: Database, tmp_path: Path) -> World:
    return build(database, tmp_path, PEOPLE)


def opt_out(world: World, address: str = DANA, **options: object) -> Added:
    given: dict[str, object] = {
        "channel": Channel.EMAIL,
        "scope": Scope.CONSORTIUM,
        "author": "operator",
        "cause": "asked",
        "tokenisers": [world.tokeniser],
        "clock": world.clock,
        **options,
    }
    return feedback.add(world.database, address=Pii(address), **given)  # type: ignore[arg-type] - by name


def known(world: World, address: str) -> Known:
    return feedback.check(
        world.database,
        address=Pii(address),
        channel=Channel.EMAIL,
        tokenisers=[world.tokeniser],
    )


def entries_of(world: World) -> list[dict[str, object]]:
    with world.database.read() as tx:
        found = [json.loads(data) for data in ledger.entries(tx)]
    return [dict(entries.check(e)) for e in found if e["kind"] == "opt_out_added"]


def test_opt_out_bans_every_address_of_the_person_on_that_channel(world: World) -> None:
    assert opt_out(world) == Added(new=True, contact_points=2, at=world.clock.now())
    assert known(world, DANA).banned(Channel.EMAIL)
    assert known(world, OTHER).banned(Channel.EMAIL)
    assert not known(world, DANA).banned(Channel.SMS)
    assert not known(world, "kim@example.org").bans
    transport = MemoryTransport()
    world.send(transport)
    assert [e.recipient.reveal() for e in transport.taken] == ["kim@example.org"]


def test_address_in_another_spelling_is_the_same_address(world: World) -> None:
    opt_out(world, " Dana.Lopez+votes@EXAMPLE.org ")
    assert known(world, DANA).banned(Channel.EMAIL)


def test_recording_it_again_changes_nothing(world: World) -> None:
    opt_out(world)
    before = entries_of(world)
    again = opt_out(world)
    assert (again.new, again.contact_points) == (False, 0)
    assert entries_of(world) == before


def test_another_address_of_somebody_who_is_banned_is_recorded_once_and_bans_nothing_anew(
    world: World,
) -> None:
    opt_out(world)
    before = len(entries_of(world))
    for _ in range(2):
        again = opt_out(world, OTHER)
        assert (again.new, again.contact_points) == (False, 0)
        assert len(entries_of(world)) == before + 1


def test_address_that_nobody_holds_is_blocked_for_the_day_somebody_brings_it(
    world: World,
) -> None:
    assert opt_out(world, "erin@example.com").contact_points == 1
    assert known(world, "erin@example.com").banned(Channel.EMAIL)


def test_partner_blocks_what_goes_out_in_its_own_name_and_nothing_else(world: World) -> None:
    nurses = PartnerSlug("nurses")
    with pytest.raises(PolicyRefused, match="only what goes out in its own name"):
        opt_out(world, author="partner")
    assert not known(world, DANA).bans
    opt_out(world, author="partner", scope=Scope.PARTNER, partner=nurses)
    assert known(world, DANA).banned(Channel.EMAIL, partner=nurses)
    assert not known(world, DANA).banned(Channel.EMAIL, partner=PartnerSlug("teachers"))
    assert not known(world, DANA).banned(Channel.EMAIL)


def test_wider_opt_out_after_a_narrow_one_is_new_and_a_narrow_one_after_it_is_not(
    world: World,
) -> None:
    narrow = {"author": "partner", "scope": Scope.PARTNER, "partner": PartnerSlug("nurses")}
    assert opt_out(world, **narrow).new
    assert opt_out(world, author="recipient").new
    assert not opt_out(world, **narrow).new
    assert [ban.scope for ban in known(world, DANA).bans] == [Scope.PARTNER, Scope.CONSORTIUM]


def test_every_key_epoch_is_banned(world: World) -> None:
    older = HmacTokeniser(b"\x09" * 32, epoch=0)
    assert opt_out(world, tokenisers=[world.tokeniser, older]).contact_points == 2
    found = feedback.check(
        world.database, address=Pii(DANA), channel=Channel.EMAIL, tokenisers=[older]
    )
    assert found.banned(Channel.EMAIL)


def test_telephone_number_is_banned_for_texts_only(world: World) -> None:
    opt_out(world, "(503) 555-0143", channel=Channel.SMS)
    found = feedback.check(
        world.database,
        address=Pii("+1 503 555 0143"),
        channel=Channel.SMS,
        tokenisers=[world.tokeniser],
    )
    assert found.banned(Channel.SMS)
    assert not found.banned(Channel.EMAIL)


def test_ledger_says_that_somebody_opted_out_and_not_who(world: World) -> None:
    opt_out(world, cause="complaint")
    [entry] = entries_of(world)
    assert (entry["cause"], entry["scope"], entry["people"]) == (
        "complaint",
        "consortium",
        "1-49",
    )
    text = json.dumps(entry)
    assert "example" not in text
    assert world.token(DANA).hex() not in text
    assert known(world, DANA).bans[0].entry is not None


@pytest.mark.parametrize("bad", ["dana.lopez.example.org", "", "dana@", "\x00", "a" * 10_000])
def test_what_is_no_address_is_refused_without_repeating_it(world: World, bad: str) -> None:
    with pytest.raises(UsageError, match="not an e-mail address we can use") as caught:
        opt_out(world, bad)
    assert not bad or bad not in caught.value.message + caught.value.hint
    assert entries_of(world) == []


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"cause": "just because"}, UsageError),
        ({"scope": Scope.PARTNER}, UsageError),
        ({"partner": PartnerSlug("nurses")}, UsageError),
        ({"scope": Scope.PARTNER, "partner": PartnerSlug("unknown")}, NotFound),
    ],
)
def test_what_does_not_fit_together_changes_nothing(
    world: World, options: dict[str, object], error: type[Exception]
) -> None:
    with pytest.raises(error):
        opt_out(world, **options)
    assert entries_of(world) == []
