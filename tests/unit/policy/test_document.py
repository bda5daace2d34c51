"""What a policy document may say, and how it is told that it may not."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

import consortium_policies
from consortium.errors import DocumentError
from consortium.policy import CHARTER, CompiledPolicy, SendPolicy, describe, digest, read

GROUNDS = "Allowed: express_written, express, membership, implied, soft_opt_in, legitimate_interest"
SENTENCES = """\
In force from 2026-09-01 to the end of 2026-11-04 (America/Los_Angeles).
Outside these days nothing goes out in the name of nurses.
In its name: e-mail, for gotv.
With nonpartisan or issue content, to members.
To people in state:OR only.
By e-mail with this consent: express or membership.
Consent counts for 730 days; without a date it does not count.
Each campaign needs its signature.
At most 15,000 messages a day in its name.
Whoever speaks: at most 2 messages to a person in any 7 days.
Whoever speaks: nothing from 20:00 to 09:00 where the person lives.
Preset us-or, by text, for fundraising: nothing from 20:00 to 08:00 where the person \
lives (statute: Oregon HB 3865 (2025), in force 2026-01-01, to be confirmed).
Preset us-or, by text, for fundraising: at most 3 texts to a person in any 24 hours \
(statute: Oregon HB 3865 (2025), in force 2026-01-01, to be confirmed).
Preset us-or, by text, for gotv, ballot_notice, campaign, service or survey: nothing \
from 20:00 to 08:00 where the person lives (house: the statute's window, kept for every text).
"""
Make = Callable[[str], CompiledPolicy]


def parsed(text: str) -> SendPolicy:
    return read(text, name="nurses.toml", presets=consortium_policies.presets())


def test_the_policy_of_the_manual_is_read(nurses_text: str) -> None:
    policy = parsed(nurses_text)
    assert policy.slug == "nurses"
    assert policy.when_we_speak.approval == "each-campaign"
    assert policy.identity.from_name == "Oregon Nurses"


@pytest.mark.parametrize(
    ("old", "new", "message", "hint"),
    [
        (
            "quiet_hours",
            "quite_hours",
            'line 20: unknown rule "quite_hours"',
            'Did you mean "quiet_hours"? All rules: consortium policy rules',
        ),
        (
            "policy = 1",
            "policy = 2",
            "line 1: this version of the policy format is not known here",
            "This program reads policy = 1",
        ),
        (
            '"nurses"',
            '"The Nurses"',
            'line 2: "The Nurses" is no partner\'s short name',
            "2 to 32 of: a–z, 0–9 and hyphen, beginning with a letter",
        ),
        (
            "2026-11-04",
            "2026-08-04",
            "line 4: the policy expires before it is effective",
            "",
        ),
        (
            "America/Los_Angeles",
            "Pacific",
            'line 5: "Pacific" is no time zone',
            'Zones look like "America/Los_Angeles"',
        ),
        (
            "America/Los_Angeles",
            "../zone.tab",
            'line 5: "../zone.tab" is no time zone',
            'Zones look like "America/Los_Angeles"',
        ),
        (
            "[when_we_speak]",
            'presets = ["us-orr"]\n[when_we_speak]',
            'line 7: unknown preset "us-orr"',
            'Did you mean "us-or"? Known here: uk, us-federal, us-ma, us-nc, us-or',
        ),
        (
            'purposes = ["gotv"]',
            'purposes = ["vote"]',
            'line 9: "purposes" has a word that is not known here',
            "Allowed: gotv, ballot_notice, campaign, fundraising, service, survey",
        ),
        (
            'purposes = ["gotv"]\n',
            "",
            'line 7: "purposes" is missing in [when_we_speak]',
            "purposes: any of gotv, ballot_notice, campaign, fundraising, service, survey",
        ),
        (
            "state:OR",
            "state:Oregon",
            'line 12: "state:Oregon" is no place that is known here',
            'Like "state:OR", "postcode:97214", "postcode:972*", "country:US", "anywhere"',
        ),
        (
            '"express", "membership"',
            '"express", "none"',
            'line 16: "none" is no ground to write to anybody',
            GROUNDS,
        ),
        (
            'max = 20_000, per = "day"',
            'max = 20_000, per = "week"',
            'line 13: "per" has a value that is not known here',
            "Allowed: day, campaign",
        ),
        ("max = 2,", "max = 0,", 'line 20: "max" must be at least 1', ""),
        ("per_days = 7", "per_days = 31", 'line 20: "per_days" must be at most 30', ""),
        (
            "from = 20:00:00, to = 09:00:00",
            "from = 20:00:00, to = 10:00:01",
            "line 21: quiet hours are longer than 14 hours",
            "The charter allows no more, or one partner could silence the others",
        ),
        (
            "from = 20:00:00, to = 09:00:00",
            "from = 06:00:00, to = 12:00:01",
            "line 21: quiet hours reach between 12:00 and 18:00",
            "The charter keeps these open, or partners together could silence everybody",
        ),
        (
            "from = 20:00:00, to = 09:00:00",
            "from = 17:59:00, to = 22:00:00",
            "line 21: quiet hours reach between 12:00 and 18:00",
            "The charter keeps these open, or partners together could silence everybody",
        ),
        (
            "from = 20:00:00, to = 09:00:00",
            "from = 20:00:00, to = 20:00:00",
            "line 21: quiet hours need two different times",
            "",
        ),
        (
            "from = 20:00:00, to = 09:00:00",
            "from = 20:00:00, to = 25:00:00",
            "line 21, column 39: no such date or time",
            "Dates look like 2026-11-03, times like 20:00:00",
        ),
        (
            "frequency =",
            "rest_after_reply_days = 3\nfrequency =",
            'line 20: rule "rest_after_reply_days" is not understood by this version',
            "Take it out: nothing would enforce it",
        ),
        (
            "Oregon Nurses",
            "{sender} with Oregon Nurses",
            "line 24: may hold neither { } nor line ends: it is printed as it stands",
            "",
        ),
        (
            '"Oregon Nurses"',
            '"Oregon\\nBcc: x"',
            "line 24: may hold neither { } nor line ends: it is printed as it stands",
            "",
        ),
    ],
)
def test_what_a_policy_may_not_say_is_told_with_its_line(
    nurses_text: str, old: str, new: str, message: str, hint: str
) -> None:
    text = nurses_text.replace(old, new, 1)
    if old == "quiet_hours":
        text = text.replace("frequency = [{ max = 2, per_days = 7 }]\n", "")
    with pytest.raises(DocumentError) as caught:
        parsed(text)
    assert caught.value.message == f"nurses.toml, {message}"
    assert caught.value.hint == hint


@pytest.mark.parametrize(
    ("start", "end"), [("18:00:00", "08:00:00"), ("22:00:00", "12:00:00"), ("01:30:00", "02:30:00")]
)
def test_quiet_hours_at_the_edge_of_the_charter_are_accepted(
    nurses_text: str, start: str, end: str
) -> None:
    text = nurses_text.replace("from = 20:00:00, to = 09:00:00", f"from = {start}, to = {end}")
    hours = parsed(text).whoever_speaks.quiet_hours
    assert hours is not None
    assert hours.window.length <= timedelta(hours=14) == CHARTER.quiet


def test_a_policy_needs_what_grants_and_has_defaults_for_what_guards(nurses_text: str) -> None:
    head = nurses_text.partition("[whoever_speaks]")[0]
    assert parsed(head).whoever_speaks.quiet_hours is None
    with pytest.raises(DocumentError, match='"when_we_speak" is missing'):
        parsed(nurses_text.partition("[when_we_speak]")[0])
    with pytest.raises(DocumentError, match='"policy" is missing'):
        parsed("")


def test_the_manuals_example_is_a_policy(make: Make) -> None:
    page = Path(__file__).parents[3] / "docs/formats/policy.md"
    example = page.read_text(encoding="utf-8").split("```toml\n")[1].partition("```")[0]
    policy = make(example)
    assert policy.partner == "nurses"
    assert [preset.name for preset in policy.presets] == ["us-federal", "us-or"]


def test_the_digest_is_of_the_bytes_as_signed(nurses_text: str) -> None:
    data = nurses_text.encode()
    assert digest(data) == hashlib.sha256(data).digest()
    assert digest(data + b"\n") != digest(data)


def test_a_policy_is_told_in_plain_sentences(make: Make, nurses_text: str) -> None:
    text = nurses_text.replace("[when_we_speak]", 'presets = ["us-or"]\n[when_we_speak]', 1)
    assert "\n".join(describe(make(text))) + "\n" == SENTENCES
    open_text = (
        nurses_text.replace('"state:OR"', '"anywhere"')
        .replace("volume", 'approval = "standing"\nvolume')
        .replace('["member"]', '["public"]')
        .replace('["gotv"]', "[]")
        .replace('15_000, per = "day"', '5, per = "campaign"')
    )
    sentences = describe(make(open_text))
    assert "To people anywhere." in sentences
    assert "In its name: e-mail, for nobody (none is listed)." not in sentences
    assert "In its name: e-mail, for nothing (none is listed)." in sentences
    assert "At most 5 messages a campaign in its name." in sentences
    assert any(s.startswith("No campaign needs its signature") for s in sentences)
