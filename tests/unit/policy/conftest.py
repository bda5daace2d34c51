"""A usual policy, a usual message, and words for changing one thing at a time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

import consortium_policies
from consortium.model import (
    Channel,
    ConsentBasis,
    ContentClass,
    Places,
    Purpose,
    Relationship,
)
from consortium.policy import (
    Ask,
    CompiledPolicy,
    Decision,
    PersonFacts,
    RowFacts,
    compile,  # noqa: A004 - the engine's
    decide,
    read,
)
from consortium.types import PartnerSlug

PACIFIC = ZoneInfo("America/Los_Angeles")

NURSES = """\
policy = 1
partner = "nurses"
effective = 2026-09-01
expires = 2026-11-04
zone = "America/Los_Angeles"

[when_we_speak]
channels = ["email"]
purposes = ["gotv"]
content = ["nonpartisan", "issue"]
relationships = ["member"]
places = ["state:OR"]
volume = [{ max = 20_000, per = "day" }, { max = 15_000, per = "day" }]

[when_we_speak.consent]
email = ["express", "membership"]
max_age_days = 730

[whoever_speaks]
frequency = [{ max = 2, per_days = 7 }]
quiet_hours = { from = 20:00:00, to = 09:00:00 }

[identity]
from_name = "Oregon Nurses"
"""


def local(text: str, zone: ZoneInfo = PACIFIC) -> datetime:
    """An instant from local time."""
    return datetime.fromisoformat(text).replace(tzinfo=zone).astimezone(UTC)


def compiled(text: str = NURSES) -> CompiledPolicy:
    """A policy from its text, with the shipped rules and presets."""
    presets = consortium_policies.presets()
    document = read(text, name="nurses.toml", presets=presets)
    return compile(document, registry=consortium_policies.rules(), presets=presets)


@dataclass
class World:
    """A message that everything allows, and the parts to change."""

    policies: dict[PartnerSlug, CompiledPolicy]
    ask: dict[str, Any]
    row: dict[str, Any]
    person: dict[str, Any]

    def decide(self, **changes: object) -> Decision:
        """The answer with some facts changed; each name belongs to exactly one of the values."""
        ask, row, person = dict(self.ask), dict(self.row), dict(self.person)
        for name, value in changes.items():
            [next(part for part in (ask, row, person) if name in part)][0][name] = value
        return decide(self.policies, Ask(**ask), RowFacts(**row), PersonFacts(**person))


@pytest.fixture
def world() -> World:
    nurses = PartnerSlug("nurses")
    start, end = local("2026-11-03T10:00"), local("2026-11-03T19:30")
    return World(
        policies={nurses: compiled()},
        ask={
            "campaign": "ballots",
            "channel": Channel.EMAIL,
            "purpose": Purpose.GOTV,
            "content": ContentClass.NONPARTISAN,
            "at": start,
            "deadline": end + timedelta(minutes=30),
            "window_start": start,
            "window_end": end,
        },
        row={
            "owner": nurses,
            "relationship": Relationship.MEMBER,
            "places": Places("US", "OR", "97214"),
            "basis": ConsentBasis.EXPRESS,
            "consent_on": date(2026, 1, 5),
            "approved": True,
        },
        person={
            "zones": ("America/Los_Angeles",),
            "country": "US",
            "suppressions": (),
            "prior": (),
            "guarded_by": (nurses,),
        },
    )


@pytest.fixture
def make() -> Callable[[str], CompiledPolicy]:
    return compiled


@pytest.fixture
def nurses_text() -> str:
    return NURSES
