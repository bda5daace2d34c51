"""The lines of a pack: one JSON array per row or opt-out, with exactly one spelling.

A line is decoded, encoded again and compared, so that white space, other escapes, floats, repeated
or missing fields never pass. What a value may be is checked here as far as it can be told by
looking at it alone (lengths, no control characters, real dates, known words); whether an address
or number is normalised is for intake, which has the profile. Reading a line costs about 15 µs.

Grammar: docs/formats/pack.md.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Sequence
from datetime import date
from functools import lru_cache
from typing import Any, Final, NoReturn

from consortium.errors import BadFile
from consortium.model import Consent, ConsentBasis, PackOptOut, PackRow, Places, Relationship

__all__ = ["CAUSES", "MAX_LINE_BYTES", "MAX_POINTS", "PackItem", "decode_item", "encode_item"]

PackItem = PackRow | PackOptOut

CAUSES: Final = frozenset({"bounced", "do_not_contact", "spam_report", "unsubscribed"})
"""Why a row may be marked as not to be contacted."""
MAX_LINE_BYTES: Final = 32 * 1024
MAX_POINTS: Final = 16
"""Most e-mail addresses, and most telephone numbers, of one row."""
_MAX_NUMBER: Final = 2**53 - 1
_MAX_TEXT: Final = 512
_MAX_RECORD_ID: Final = 4096
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_BIRTH = re.compile(r"(\d{4}-\d\d-\d\d|\d{4}|--\d\d-\d\d|)", re.ASCII)
_LEAP_YEAR = "2000"
_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))  # made once: 2 µs a line


def encode_item(item: PackItem) -> bytes:
    """The line, without its newline.

    Raises:
        BadFile: A value breaks the format's rules; names the row's number only.
    """
    fault = _row_fault(item) if isinstance(item, PackRow) else _opt_out_fault(item)
    if fault:
        raise BadFile(
            f"row {item.number} cannot be packed: {fault}",
            hint="This row should have been rejected; correct it in the list.",
        )
    return _line(item)


def decode_item(line: bytes, *, position: int) -> PackItem:
    """The row or opt-out on a line.

    Args:
        line: Without its newline.
        position: 1-based number of the item in the pack, for messages.

    Raises:
        BadFile: The line is not a row or opt-out in its one spelling.
    """
    if len(line) > MAX_LINE_BYTES:
        _refuse(position, "is too long")
    try:
        fields = json.loads(line)
        item = _row(fields) if fields[0] == "r" else _opt_out(fields)
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError):
        # no cause: a decoder's message may quote what it could not read
        _refuse(position, "does not decode")
    fault = _row_fault(item) if isinstance(item, PackRow) else _opt_out_fault(item)
    if fault:
        _refuse(position, f"is not usable: {fault}")
    if _line(item) != line:
        _refuse(position, "is not written in the one way the format allows")
    return item


def _refuse(position: int, what: str) -> NoReturn:
    raise BadFile(
        f"item {position} of the pack {what}",
        hint="Ask the partner to pack the list again with a current version.",
    ) from None


def _line(item: PackItem) -> bytes:
    fields: list[Any]
    if isinstance(item, PackOptOut):
        fields = ["o", item.number, item.emails, item.phones, item.cause]
    else:
        fields = [
            "r",
            item.number,
            item.emails,
            item.phones,
            item.first_name,
            item.last_name,
            item.suffix,
            item.birth_date,
            item.house_number,
            item.places.country,
            item.places.state,
            item.places.postcode,
            item.language,
            item.relationship.value,
            item.email_consent.basis.value,
            _day(item.email_consent.on),
            item.sms_consent.basis.value,
            _day(item.sms_consent.on),
            base64.b64encode(item.sealed_record_id).decode() if item.sealed_record_id else "",
        ]
    return _ENCODER.encode(fields).encode()


def _day(day: date | None) -> str:
    return "" if day is None else day.isoformat()


@lru_cache(4096)
def _consent(basis: str, on: str) -> Consent:
    return Consent(ConsentBasis(basis), date.fromisoformat(on) if on else None)


def _row(fields: Sequence[Any]) -> PackRow:
    (_, number, emails, phones, first, last, suffix, birth, house, country, state, postcode) = (
        fields[:12]
    )
    language, relationship, email_basis, email_on, sms_basis, sms_on, record_id = fields[12:]
    return PackRow(
        number=number,
        emails=tuple(emails),
        phones=tuple(phones),
        first_name=first,
        last_name=last,
        suffix=suffix,
        birth_date=birth,
        house_number=house,
        places=Places(country, state, postcode),
        language=language,
        relationship=Relationship(relationship),
        email_consent=_consent(email_basis, email_on),
        sms_consent=_consent(sms_basis, sms_on),
        sealed_record_id=base64.b64decode(record_id, validate=True) if record_id else b"",
    )


def _opt_out(fields: Sequence[Any]) -> PackOptOut:
    kind, number, emails, phones, cause = fields
    if kind != "o":
        raise ValueError
    return PackOptOut(number=number, emails=tuple(emails), phones=tuple(phones), cause=cause)


def _row_fault(row: PackRow) -> str:
    """What is wrong with a row's values, in words without the values; empty: nothing."""
    texts: tuple[Any, ...] = (  # what a line held where a text belongs
        row.first_name,
        row.last_name,
        row.suffix,
        row.birth_date,
        row.house_number,
        row.places.country,
        row.places.state,
        row.places.postcode,
        row.language,
    )
    if fault := _common_fault(row.number, row.emails, row.phones):
        return fault
    if not all(isinstance(t, str) and len(t) <= _MAX_TEXT for t in texts):
        return "a text is missing or too long"
    if _CONTROL.search("".join(texts)):
        return "a text holds control characters"
    if not _is_birth(row.birth_date):
        return "the birth date is not one"
    if len(row.sealed_record_id) > _MAX_RECORD_ID:
        return "the record id is too long"
    return ""


def _opt_out_fault(item: PackOptOut) -> str:
    if item.cause not in CAUSES:
        return "its cause is not a known word"
    return _common_fault(item.number, item.emails, item.phones)


def _common_fault(number: object, emails: Sequence[object], phones: Sequence[object]) -> str:
    if type(number) is not int or not 0 < number <= _MAX_NUMBER:
        return "its number is out of range"
    if not emails and not phones:
        return "it has no contact point"
    for points in (emails, phones):
        if len(points) > MAX_POINTS or len(set(points)) != len(points):
            return "it has too many contact points, or one of them twice"
        for point in points:
            if not isinstance(point, str) or not 0 < len(point) <= _MAX_TEXT:
                return "a contact point is empty or too long"
            if _CONTROL.search(point):
                return "a contact point holds control characters"
    return ""


def _is_birth(text: str) -> bool:
    if not _BIRTH.fullmatch(text):
        return False
    if text.startswith("--"):
        text = _LEAP_YEAR + text[1:]
    elif len(text) in (0, 4):
        return text != "0000"
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True
