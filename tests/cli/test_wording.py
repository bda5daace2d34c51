from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from consortium_cli.progress import send_lines
from consortium_cli.wording import joined, lasting, listed, people, shown, span, when, wrapped

PORTLAND = ZoneInfo("America/Los_Angeles")
NINE = datetime(2026, 11, 3, 17, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (0, "0"),
        (1, "under 10"),
        (9, "under 10"),
        (10, "10"),
        (14, "10"),
        (15, "20"),
        (96311, "96,310"),
    ],
)
def test_people_are_told_in_tens(number: int, said: str) -> None:
    assert people(number) == said


def test_times_are_told_in_a_zone_that_is_named() -> None:
    assert when(NINE, PORTLAND) == "3 Nov 2026 09:00 PST"
    assert span(NINE, NINE + timedelta(hours=10), PORTLAND) == "3 Nov 2026 09:00–19:00 PST"
    assert span(NINE, NINE + timedelta(seconds=9), PORTLAND) == "3 Nov 2026 09:00 PST"
    assert span(NINE, NINE + timedelta(days=1), PORTLAND) == (
        "3 Nov 2026 09:00 – 4 Nov 2026 09:00 PST"
    )


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (5, "less than a minute"),
        (60, "1 min"),
        (20_340, "5 h 39 min"),
        (7200, "2 h"),
        (90_000, "1 day 1 h"),
        (180_000, "2 days 2 h"),
    ],
)
def test_spans_are_told_in_their_two_largest_units(seconds: int, said: str) -> None:
    assert lasting(timedelta(seconds=seconds)) == said


def test_words_are_listed_as_people_list_them() -> None:
    assert listed([]) == "nobody"
    assert listed(["nurses"]) == "nurses"
    assert listed(["nurses", "teachers", "tenants"]) == "nurses, teachers and tenants"


def test_lines_never_pass_80_columns_and_facts_are_never_broken() -> None:
    facts = [f"partner-{i} {i * 1111:,}" for i in range(30)]
    lines = joined(facts, first="  31,110  get a message  ")
    assert all(len(line) <= 80 for line in lines)
    assert all(any(fact in line for line in lines) for fact in facts)
    assert all(len(line) <= 80 for line in wrapped("word " * 100, first="    "))


def test_the_live_lines_say_how_far_how_fast_and_how_long() -> None:
    facts = {
        "accepted": 61_190,
        "rejected": 0,
        "unknown": 2,
        "stopped": 9,
        "later": 12,
        "per_second": 5.02,
        "left_seconds": 7021,
    }
    first, second = send_lines(61_201, 96_311, facts, stopping=False)
    assert "handed over 61,192 of 96,311" in first
    assert "5.0/s" in first
    assert "left 1:57:01" in first
    assert second == "  accepted 61,190 · for later 12 · unknown 2 · stopped by a rule 9"
    assert len(send_lines(0, 0, {}, stopping=True)) == 3
    assert max(map(len, send_lines(10**6, 10**7, facts, stopping=True))) <= 80


def test_a_terminal_obeys_nothing_that_is_shown() -> None:
    assert shown("\x1b]0;renamed\x07 a\tb\nc \x9b2J") == "�]0;renamed� a\tb\nc �2J"
