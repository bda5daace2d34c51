"""People as the Open Supporter Data Interface gives them, arranged so that columns say the same.

Of e-mail addresses, phone numbers and postal addresses the primary one comes first, so that column
`email_addresses.0.address` is the address the person is written to.

Source: OSDI 1.2, resource `person`.
"""

from __future__ import annotations

from collections.abc import Collection

from consortium.pack.files.json_values import Json, JsonObject

__all__ = ["TITLE", "arrange", "is_osdi"]

TITLE = "OSDI people"
_SEVERAL = frozenset({"email_addresses", "phone_numbers", "postal_addresses"})


def is_osdi(record: JsonObject | Collection[str]) -> bool:
    """Whether a record, or the headers of a file, are those of OSDI people."""
    if isinstance(record, dict):
        return bool(_SEVERAL & record.keys()) and any(_is_objects(record.get(k)) for k in _SEVERAL)
    return any(header.startswith(tuple(f"{key}.0." for key in _SEVERAL)) for header in record)


def arrange(person: JsonObject) -> JsonObject:
    """The person with its first choices first."""
    return {
        key: sorted(value, key=_is_secondary)
        if key in _SEVERAL and isinstance(value, list)
        else value
        for key, value in person.items()
    }


def _is_objects(value: Json) -> bool:
    return isinstance(value, list) and any(isinstance(item, dict) for item in value)


def _is_secondary(item: Json) -> bool:
    return not (isinstance(item, dict) and item.get("primary") is True)
