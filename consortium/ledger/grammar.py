"""What a field of an entry or leaf may hold: a closed list of types, each a pattern of text.

A record is a flat JSON object whose `kind` names the exact set of its other fields and their types.
`check` is total: whatever it is given, it returns or raises `EvidenceError`, and it never repeats
the value it refuses. A type with `?` at its end may also be null. `verify_export.py` carries the
same tables for readers without this library; a test holds the two together.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from typing import Any

from consortium.errors import EvidenceError
from consortium.ledger.canonical import JSON
from consortium.ledger.commit import is_band

__all__ = ["PATTERNS", "WORDS", "Kinds", "check", "instant", "is_a", "moment"]

Kinds = Mapping[str, Mapping[str, str]]
"""Kind of record → field → type."""

WORDS: Mapping[str, tuple[str, ...]] = {
    "author": ("recipient", "partner", "operator"),
    "campaign_change": ("sending", "paused", "resumed", "stopped", "finished"),
    "answer": ("approved", "declined"),
    "decision": ("assigned", "held_out", "refused", "deferred"),
    "outcome": ("accepted", "rejected", "later", "not_handed_over", "unknown"),
    "channel": ("email", "sms"),
    "purpose": ("gotv", "ballot_notice", "campaign", "fundraising", "service", "survey"),
    "content": ("nonpartisan", "issue", "advocacy", "candidate"),
    "scope": ("partner", "consortium"),
    "role": ("partner", "coordinator", "operator"),
    "basis": (
        "express_written",
        "express",
        "membership",
        "implied",
        "soft_opt_in",
        "legitimate_interest",
        "none",
    ),
}
"""Types that are one word of a list."""

PATTERNS: Mapping[str, str] = {
    "band": "0|[1-9][0-9]*-[1-9][0-9]*",
    "code": "[2-5][0-9]{2}( [245]\\.[0-9]{1,3}\\.[0-9]{1,3})?",
    "date": "[0-9]{4}-[0-9]{2}-[0-9]{2}",
    "hash": "[0-9a-f]{64}",
    "instant": "[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{6}Z",
    "key": "[0-9a-f]{64}",
    "message": "m-[1-9][0-9]{0,17}",
    "moment": "[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z",
    "origin": "[!-*,-~]{1,128}",
    "recipient": "age1[0-9a-z]{50,100}",
    "signature": "[0-9a-f]{128}",
    "slug": "[a-z][a-z0-9-]{1,31}",
    "title": "[^\\x00-\\x1f\\x7f-\\x9f\\u2028\\u2029]{1,200}",
    "word": "[a-z][a-z0-9_-]{0,63}",
}
"""Types that are a text, as a regular expression for the whole of it."""

_PATTERNS = {name: re.compile(pattern) for name, pattern in PATTERNS.items()}
_FIRST_YEAR = "2020"
_MOMENT = "%Y-%m-%dT%H:%M:%SZ"
_INSTANT = "%Y-%m-%dT%H:%M:%S.%fZ"


def moment(at: datetime) -> str:
    """An aware datetime as RFC 3339 in UTC, whole seconds, `Z`; fractions are cut off."""
    return at.astimezone(UTC).strftime(_MOMENT)


def instant(at: datetime) -> str:
    """An aware datetime as RFC 3339 in UTC with six digits of a second, `Z`."""
    return at.astimezone(UTC).strftime(_INSTANT)


def _is_time(value: str, form: str) -> bool:
    try:
        datetime.strptime(value, form)  # noqa: DTZ007 - the pattern requires the Z
    except ValueError:
        return False
    return value >= _FIRST_YEAR


def _is_date(value: str) -> bool:
    try:
        date.fromisoformat(value)
    except ValueError:
        return False
    return True


_EXTRA: Mapping[str, Callable[[str], bool]] = {
    "band": is_band,
    "date": _is_date,
    "moment": lambda value: _is_time(value, _MOMENT),
    "instant": lambda value: _is_time(value, _INSTANT),
}


def _is_policies(value: object) -> bool:
    """A list of {"partner", "version"}, each partner once, in alphabetical order."""
    if not isinstance(value, list):
        return False
    slugs = []
    for item in value:
        if not isinstance(item, dict) or item.keys() != {"partner", "version"}:
            return False
        if not (is_a("slug", item["partner"]) and is_a("number", item["version"])):
            return False
        slugs.append(item["partner"])
    return slugs == sorted(set(slugs))


def _is_sorted_list(type_: str, value: object) -> bool:
    """A list of values of a type, at least one, each once, in alphabetical order."""
    if not isinstance(value, list) or not value or not all(is_a(type_, one) for one in value):
        return False
    return value == sorted(set(value))


def is_a(type_: str, value: object) -> bool:
    """Whether a value is of a type; total."""
    if type_.endswith("?"):
        return value is None or is_a(type_[:-1], value)
    if type_ in _NOT_TEXT:
        return _NOT_TEXT[type_](value)
    if not isinstance(value, str):
        return False
    if type_ in WORDS:
        return value in WORDS[type_]
    return bool(_PATTERNS[type_].fullmatch(value)) and _EXTRA.get(type_, bool)(value)


_NOT_TEXT: Mapping[str, Callable[[object], bool]] = {
    "index": lambda value: type(value) is int and value >= 0,  # counts from 0
    "number": lambda value: type(value) is int and value >= 1,  # counts from 1
    "policies": _is_policies,
    "purposes": lambda value: _is_sorted_list("purpose", value),
    "slugs": lambda value: _is_sorted_list("slug", value),
}


def check(record: Any, kinds: Kinds, *, what: str) -> Mapping[str, JSON]:  # noqa: ANN401 - anything at all is checked
    """Refuse a record that is not exactly one of the kinds.

    Args:
        record: A decoded value.
        kinds: The kinds allowed here.
        what: What to call the record in a message: `entry` or `leaf`.

    Returns:
        The record.

    Raises:
        EvidenceError: Unknown kind; unknown, missing or malformed field.
    """
    if not isinstance(record, dict):
        raise EvidenceError(f"the {what} is not a record")
    kind = record.get("kind")
    if not isinstance(kind, str) or kind not in kinds:
        raise EvidenceError(f"the {what} is of a kind that this version does not know")
    fields = kinds[kind]
    if missing := fields.keys() - record.keys():
        raise EvidenceError(f'the {what} of kind "{kind}" lacks "{min(missing)}"')
    if len(record) != len(fields) + 1:
        raise EvidenceError(f'the {what} of kind "{kind}" has a field that it may not have')
    for name, type_ in fields.items():
        if not is_a(type_, record[name]):
            raise EvidenceError(f'the {what} of kind "{kind}" has a malformed "{name}"')
    return record
