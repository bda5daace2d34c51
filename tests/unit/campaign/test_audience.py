"""Who is in an audience, how large it is said to be, and how fast it is written to."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from consortium.campaign.audience import Audience, place, rounded
from consortium.campaign.rate import rate
from consortium.errors import DocumentError
from consortium.model import Places

PORTLAND = Places("US", "OR", "97214")
SALEM = Places("US", "OR", "97301")
SEATTLE = Places("US", "WA", "98101")
NOWHERE = Places()


def members(rows: list[tuple[int, Places]], include: list[str], exclude: list[str]) -> set[int]:
    places = list(dict.fromkeys(p for _, p in rows))
    found = Audience(tuple(map(place, include)), tuple(map(place, exclude))).members(
        places,
        place_of_row=np.array([places.index(p) for _, p in rows]),
        person_of_row=np.array([person for person, _ in rows]),
        persons=max(person for person, _ in rows) + 1,
    )
    return set(np.flatnonzero(found).tolist())


def test_any_row_inside_makes_a_member_and_any_row_in_an_excluded_place_unmakes_it() -> None:
    rows = [(0, PORTLAND), (1, SALEM), (2, SEATTLE), (2, PORTLAND), (3, NOWHERE), (4, SEATTLE)]
    assert members(rows, ["state:OR"], []) == {0, 1, 2}
    assert members(rows, ["state:OR"], ["postcode:972*"]) == {1}
    assert members(rows, ["postcode:97214", "state:WA"], []) == {0, 2, 4}
    assert members(rows, ["anywhere"], ["state:WA"]) == {0, 1, 3}


def test_a_row_that_does_not_say_where_lies_in_no_place() -> None:
    assert members([(0, NOWHERE)], ["state:OR", "postcode:9*", "country:US"], []) == set()


@pytest.mark.parametrize(
    "text", ["", "OR", "state:", "state:Oregon", "postcode:", "moon:1", "state:or"]
)
def test_what_is_no_place_is_refused(text: str) -> None:
    with pytest.raises(DocumentError):
        place(text)


def test_sizes_are_rounded() -> None:
    assert [rounded(n) for n in (50, 54, 55, 994, 1000, 131_376)] == [
        50,
        50,
        60,
        990,
        1000,
        131_400,
    ]


@pytest.mark.parametrize(
    ("text", "interval"),
    [("5/second", 0.2), ("100/minute", 0.6), ("1000/hour", 3.6), ("1/hour", 3600)],
)
def test_rate_spaces_messages_evenly(text: str, interval: float) -> None:
    found = rate(text)
    assert found.interval == timedelta(seconds=interval)
    assert str(found) == text
    start = datetime(2026, 11, 3, tzinfo=UTC)
    assert found.ends_at(10, start=start) - start == timedelta(seconds=10 * interval)


@pytest.mark.parametrize(
    "text", ["", "5", "5/day", "0/second", "-1/second", "5 /second", "５/second"]
)
def test_what_is_no_rate_is_refused(text: str) -> None:
    with pytest.raises(DocumentError):
        rate(text)
