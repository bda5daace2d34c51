"""How numbers, times and lists of words are said on a screen of 80 columns.

Numbers are grouped (`48,210`). People are told in tens (`people`), because an exact small number
can single somebody out; messages and rows of one's own are told exactly. Times are local to a zone
that is named beside them.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta, tzinfo

__all__ = [
    "WIDTH",
    "count",
    "counted",
    "joined",
    "lasting",
    "listed",
    "people",
    "shown",
    "span",
    "when",
    "wrapped",
]

WIDTH = 80
"""Columns of every screen."""

_DOT = " · "
_CONTROLS = {c: "�" for c in (*range(0x20), *range(0x7F, 0xA0)) if chr(c) not in "\t\n"}


def shown(text: str) -> str:
    """A text that no terminal obeys: a column or file may be called anything."""
    return text.translate(_CONTROLS)


def count(number: int) -> str:
    """`48210` as `48,210`."""
    return f"{number:,}"


def counted(number: int, noun: str) -> str:
    """`1 row`, `48,210 rows`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def people(number: int) -> str:
    """A number of people in tens: `96,310`; `under 10` for a few (as `policy.words.people`)."""
    if 0 < number < 10:  # noqa: PLR2004 - the ten of the docstring
        return "under 10"
    return count((number + 5) // 10 * 10)


def when(instant: datetime, zone: tzinfo) -> str:
    """`3 Nov 2026 09:00 PST`."""
    return f"{instant.astimezone(zone):%-d %b %Y %H:%M %Z}"


def span(start: datetime, end: datetime, zone: tzinfo) -> str:
    """`3 Nov 2026 09:00–19:30 PST`, or both days if they differ."""
    first, last = start.astimezone(zone), end.astimezone(zone)
    if last - first < timedelta(minutes=1):
        return when(start, zone)
    if first.date() == last.date():
        return f"{first:%-d %b %Y %H:%M}–{last:%H:%M %Z}"
    return f"{first:%-d %b %Y %H:%M} – {last:%-d %b %Y %H:%M %Z}"


def lasting(time: timedelta) -> str:
    """`5 h 39 min`; the two largest units, `less than a minute` below one."""
    minutes = int(time.total_seconds()) // 60
    days, hours, minutes = minutes // 1440, minutes // 60 % 24, minutes % 60
    parts = [
        f"{value} {unit}"
        for value, unit in ((days, "day" if days == 1 else "days"), (hours, "h"), (minutes, "min"))
        if value
    ]
    return " ".join(parts[:2]) or "less than a minute"


def listed(words: Iterable[str]) -> str:
    """`a, b and c`; `nobody` for none."""
    *most, last = [*words] or ["nobody"]
    return f"{', '.join(most)} and {last}" if most else last


def wrapped(text: str, *, first: str = "  ", rest: str | None = None) -> list[str]:
    """A sentence as lines; `first` and `rest` stand before the first and the later lines."""
    return textwrap.wrap(
        text,
        WIDTH,
        initial_indent=first,
        subsequent_indent=first if rest is None else rest,
        break_long_words=False,
        break_on_hyphens=False,
    )


def joined(parts: Sequence[str], *, first: str = "  ", rest: str | None = None) -> list[str]:
    """Short facts with dots between them as lines; broken between facts only."""
    lines: list[str] = []
    indent = " " * len(first) if rest is None else rest
    line = first
    for number, part in enumerate(parts):
        if number and len(line) + len(_DOT) + len(part) > WIDTH:
            lines.append(line)
            line = indent + part
        else:
            line += (_DOT if number else "") + part
    return [*lines, line] if parts else []
