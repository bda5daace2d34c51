"""The campaign document: what is read, and how what is wrong is told."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from pathlib import Path

import pytest

from consortium.campaign.document import digest, parse
from consortium.errors import DocumentError
from tests.harness.campaigning import CAMPAIGN, changed


def test_times_are_read_in_the_windows_zone() -> None:
    found = parse(CAMPAIGN)
    assert found.starts_at == datetime(2026, 11, 3, 17, tzinfo=UTC)
    assert found.ends_at == datetime(2026, 11, 4, 3, 30, tzinfo=UTC)
    assert found.deadline == datetime(2026, 11, 4, 4, tzinfo=UTC)


def test_a_place_of_a_voter_file_is_read_in_capitals_and_single_blanks() -> None:
    found = parse(changed("state:OR", "precinct:NC/Wake /01-01"))
    assert [str(p) for p in found.rule.include] == ["precinct:NC/WAKE/01-01"]


def test_who_has_voted_is_spared_where_the_campaign_asks_to_vote_or_says_so() -> None:
    assert parse(CAMPAIGN).spares_voted
    other = changed('"gotv"', '"survey"')
    assert not parse(other).spares_voted
    said = other.replace("[audience]", "[audience]\nexclude = [{ returned_ballot = true }]")
    assert parse(said).spares_voted
    assert parse(said).rule.exclude == ()


def test_digest_is_that_of_the_bytes() -> None:
    assert digest(CAMPAIGN) == hashlib.sha256(CAMPAIGN.encode()).digest()


def test_a_place_may_stand_alone_or_in_its_table() -> None:
    short = changed('[{ place = "state:OR" }]', '["state:OR"]')
    assert parse(short).rule == parse(CAMPAIGN).rule


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"email"', '"sms"', 'g.toml, line 6: channel "sms" is not in this version'),
        ('"email"', '"fax"', 'g.toml, line 6: "channel"'),
        ('"gotv"', '"spam"', 'g.toml, line 4: "purpose"'),
        ("campaign = 1", "campaign = 2", 'g.toml, line 2: "campaign"'),
        ("T09:00:00,", "T09:00:00Z,", "g.toml, line 7: a time with an offset"),
        ("T09:00:00,", "T20:00:00,", "g.toml, line 7: the window ends before it starts"),
        ("T20:00:00\n", "T19:00:00\n", "g.toml, line 8: not_after is before the window ends"),
        (
            "2026-11-03T09:00:00",
            "2026-03-08T02:30:00",
            "g.toml, line 7: start: this time does not exist in America/Los_Angeles",
        ),
        ("Los_Angeles", "Los_Angles", 'g.toml, line 7: unknown time zone "America/Los_Angles"'),
        ('"America/Los_Angeles"', '"EST"', 'g.toml, line 7: unknown time zone "EST"'),
        ("5/second", "0/second", "g.toml, line 9: the rate is not one we understand"),
        ("5/second", "5/fortnight", "g.toml, line 9: the rate is not one we understand"),
        ("state:OR", "city:Portland", "g.toml, line 12: places of kind city are not in this"),
        ("state:OR", "county:", 'g.toml, line 12: "county:" is no place that is known here'),
        ("[audience]", "[audience]\nexclude = [{}]", "g.toml, line 12: an exclusion names a place"),
        ("state:OR", "state:or", "g.toml, line 12: a state is written in capitals"),
        ("state:OR", "Oregon", 'g.toml, line 12: "Oregon" is no place that is known here'),
        ('place = "state:OR"', 'within_km = 5, of = "postcode:97214"', "g.toml, line 12: audience"),
        ('{ place = "state:OR" }', "", "g.toml, line 12: the audience includes nobody"),
        ("[audience]", "[sender]\nx = 1\n[audience]", 'g.toml, line 11: key "sender"'),
        ("[audience]", "[audience]\nholdout = 5", 'g.toml, line 12: key "holdout"'),
        ("{first_name|Neigh", "{fist_name|Neigh", 'g.toml, line 16: subject: unknown field "fist'),
        ("{first_name|neigh", "{fist_name|neigh", "g.toml, line 17: text, line 1: unknown field"),
        ("purpose =", "purpsoe =", 'g.toml, line 4: unknown key "purpsoe"'),
        ('"portland-ballots"', '"Portland Ballots"', 'g.toml, line 3: "name"'),
        ('language = "en"', 'language = "english"', 'g.toml, line 15: "language"'),
    ],
)
def test_what_is_wrong_is_told_with_its_line(old: str, new: str, message: str) -> None:
    with pytest.raises(DocumentError) as caught:
        parse(changed(old, new), name="g.toml")
    assert caught.value.message.startswith(message)
    assert "\n" not in caught.value.message + caught.value.hint


def test_two_messages_in_one_language_are_refused() -> None:
    again = CAMPAIGN[CAMPAIGN.index("[[message]]") :]
    with pytest.raises(DocumentError, match='two messages in the language "en"'):
        parse(CAMPAIGN + again)


def test_a_campaign_without_a_message_is_refused() -> None:
    with pytest.raises(DocumentError, match='"message" is missing'):
        parse(CAMPAIGN[: CAMPAIGN.index("[[message]]")])


def test_a_repeated_hour_means_its_first_occurrence() -> None:
    text = changed("2026-11-03T09:00:00", "2026-11-01T01:30:00")
    assert parse(text).starts_at == datetime(2026, 11, 1, 8, 30, tzinfo=UTC)


def test_the_format_pages_example_is_a_campaign() -> None:
    page = (Path(__file__).parents[3] / "docs/formats/campaign.md").read_text(encoding="utf-8")
    example = page.split("```toml\n", 1)[1].split("```", 1)[0]
    assert parse(example).name == "portland-ballots"


@pytest.mark.parametrize("start", ["0001-01-01T00:00:00", "9999-12-31T23:00:00"])
def test_a_time_at_the_edge_of_the_calendar_is_an_error_of_the_document(start: str) -> None:
    text = CAMPAIGN.replace("2026-11-03T09:00:00", start).replace(
        "America/Los_Angeles", "Asia/Tokyo" if start < "1" else "America/Los_Angeles"
    )
    with pytest.raises(DocumentError):
        parse(text)
