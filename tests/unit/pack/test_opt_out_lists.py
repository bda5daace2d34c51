"""A list in which everybody has opted out: bans for its owner, and no source rows."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from consortium.app import ListOptions
from consortium.errors import BadFile
from consortium.model import Channel
from consortium.pack import PackResult
from consortium.types import Pii
from tests.attack.stage import OBTAINED, Stage, action_network, people

GONE = "p1@people.example.org"


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    made = Stage.found(tmp_path)
    made.join("nurses", people(1, 21))
    made.join("teachers", people(1, 21))
    made.host.merge()
    return made


def packed(
    stage: Stage, text: str, *, channels: tuple[Channel, ...] = tuple(Channel), name: str = "out"
) -> PackResult:
    home = stage.root / "nurses"
    source = home / f"{name}.csv"
    source.write_text(text, encoding="utf-8")
    return stage.desks["nurses"].pack_opt_outs(
        source,
        list_name="opt-outs",
        obtained_on=OBTAINED,
        out=home / f"{name}.pack",
        channels=channels,
        options=ListOptions(problems_to=home / f"{name}.problems.csv"),
    )


def banned(stage: Stage, address: str, channel: Channel = Channel.EMAIL) -> set[str | None]:
    return {ban.partner for ban in stage.host.optouts.check(Pii(address), channel=channel).bans}


def test_everybody_in_it_is_blocked_for_its_owner_whatever_the_columns_say(stage: Stage) -> None:
    made = packed(stage, action_network(people(1, 4)))  # their status says "subscribed"
    assert (made.counts.rows, made.counts.opt_outs) == (0, 3)
    upload = stage.host.optouts.import_pack(made.path)
    assert (upload.rows, upload.opt_outs) == (0, 3)
    assert banned(stage, GONE) == {"nurses"}
    assert banned(stage, "p4@people.example.org") == set()


def test_a_plain_column_of_addresses_will_do(stage: Stage) -> None:
    made = packed(stage, f"email\n{GONE}\nnot-an-address\n{GONE}\n")
    assert (made.counts.opt_outs, made.counts.rejected, made.counts.repeated) == (1, 1, 1)
    stage.host.optouts.import_pack(made.path)
    assert banned(stage, GONE) == {"nurses"}


def test_a_list_for_one_channel_does_not_speak_of_the_other(stage: Stage) -> None:
    text = f"email,phone\n{GONE},503-555-0142\n"
    made = packed(stage, text, channels=(Channel.SMS,))
    stage.host.optouts.import_pack(made.path)
    assert banned(stage, GONE) == set()
    assert banned(stage, "503-555-0142", Channel.SMS) == {"nurses"}


def test_numbers_alone_are_no_list_of_e_mail_opt_outs(stage: Stage) -> None:
    with pytest.raises(BadFile):
        packed(stage, "phone\n503-555-0142\n", channels=(Channel.EMAIL,))


def test_a_list_with_rows_is_refused_as_one_of_opt_outs_and_changes_nothing(stage: Stage) -> None:
    whole = stage.pack("nurses", people(30, 40), name="whole")
    with pytest.raises(BadFile, match="not only opt-outs"):
        stage.host.optouts.import_pack(whole)
    assert len(stage.host.uploads.list()) == 2


def test_a_later_list_that_says_subscribed_lifts_nothing(stage: Stage) -> None:
    stage.host.optouts.import_pack(packed(stage, f"email\n{GONE}\n").path)
    again = stage.pack("nurses", people(1, 21), name="again")
    stage.host.uploads.add(again)
    stage.host.merge()
    assert banned(stage, GONE) == {"nurses"}


def test_the_same_night_twice_changes_nothing_more(stage: Stage) -> None:
    first = stage.host.optouts.import_pack(packed(stage, f"email\n{GONE}\n").path)
    second = stage.host.optouts.import_pack(packed(stage, f"email\n{GONE}\n", name="b").path)
    assert second.name != first.name
    assert len(stage.host.optouts.check(Pii(GONE)).bans) == 1
    assert isinstance(first.obtained_on, date)
