"""The lines of a pack: one JSON array per row or opt-out, with exactly one spelling.

Lines are decoded many at a time, encoded again and compared, so that white space, other escapes,
floats, repeated or missing elements never pass. What a value may be is checked here as far as it
can be told by looking at it alone (lengths, no control characters, real dates, known words, no
contact point twice); whether an address or number is normalised is for intake, which has the
profile.

A decoded line is a flat `RowLine` or `OptOutLine`, whose attributes stand in the order of the
line: whoever handles a million of them reads these. `PackRow` and `PackOptOut` are the same for
people to handle. Decoding costs about 2 µs a line, encoding 1 (measured).

Grammar: docs/formats/pack.md.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import date
from functools import lru_cache
from operator import lt
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta, Struct

from consortium.errors import BadFile
from consortium.model import (
    MAX_TAG_CHARACTERS,
    MAX_TAGS,
    Consent,
    ConsentBasis,
    PackOptOut,
    PackRow,
    Places,
    Relationship,
)

__all__ = [
    "CAUSES",
    "MAX_LINE_BYTES",
    "MAX_POINTS",
    "Line",
    "OptOutLine",
    "PackItem",
    "RowLine",
    "decode_item",
    "decode_lines",
    "encode_item",
    "encode_lines",
    "item_of",
    "line_of",
]

PackItem = PackRow | PackOptOut

CAUSES: Final = frozenset({"bounced", "do_not_contact", "spam_report", "unsubscribed"})
"""Why a row may be marked as not to be contacted."""
MAX_LINE_BYTES: Final = 32 * 1024
MAX_POINTS: Final = 16
"""Most e-mail addresses, and most telephone numbers, of one row."""
_MAX_NUMBER: Final = 2**53 - 1
_MAX_TEXT: Final = 512
_MAX_RECORD_ID: Final = 4096
_DAY: Final = 10  # characters of YYYY-MM-DD
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_BIRTH = re.compile(r"(\d{4}-\d\d-\d\d|\d{4}|--\d\d-\d\d|)", re.ASCII)
_LEAP_YEAR = "2000"

_Number = Annotated[int, Meta(ge=1, le=_MAX_NUMBER)]
_Text = Annotated[str, Meta(max_length=_MAX_TEXT)]
_Day = Annotated[str, Meta(max_length=_DAY)]
_Points = Annotated[
    tuple[Annotated[str, Meta(min_length=1, max_length=_MAX_TEXT)], ...],
    Meta(max_length=MAX_POINTS),
]
_Tags = Annotated[
    tuple[Annotated[str, Meta(min_length=1, max_length=MAX_TAG_CHARACTERS)], ...],
    Meta(max_length=MAX_TAGS),
]


class RowLine(
    Struct,
    frozen=True,
    array_like=True,
    tag="r",
    forbid_unknown_fields=True,
    gc=False,
):
    """A usable row; values as in `PackRow`, days and consent flat, an empty text for none."""

    number: _Number
    emails: _Points
    phones: _Points
    first_name: _Text
    last_name: _Text
    suffix: _Text
    birth_date: _Day
    house_number: _Text
    country: _Text
    state: _Text
    postcode: _Text
    language: _Text
    relationship: Relationship
    email_basis: ConsentBasis
    email_on: _Day
    sms_basis: ConsentBasis
    sms_on: _Day
    sealed_record_id: Annotated[bytes, Meta(max_length=_MAX_RECORD_ID)]
    tags: _Tags

    def __repr__(self) -> str:
        return f"RowLine(number={self.number}, ‹personal›)"


class OptOutLine(
    Struct,
    frozen=True,
    array_like=True,
    tag="o",
    forbid_unknown_fields=True,
    gc=False,
):
    """A row kept only to block; values as in `PackOptOut`."""

    number: _Number
    emails: _Points
    phones: _Points
    cause: Literal["bounced", "do_not_contact", "spam_report", "unsubscribed"]

    def __repr__(self) -> str:
        return f"OptOutLine(number={self.number}, ‹personal›)"


Line = RowLine | OptOutLine

_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(Line)


def encode_lines(lines: Sequence[Line]) -> list[bytes]:
    """Each line without its newline, checked by the rules of a reader.

    Raises:
        BadFile: A value breaks the format's rules; names the row's number only.
    """
    try:
        encoded = [_ENCODER.encode(line) for line in lines]
        if not _are_good(lines, encoded):
            for line, data in zip(lines, encoded, strict=True):
                _refuse_unfit(line, _fault(data + b"\n"))
    except UnicodeEncodeError:
        for line in lines:
            _refuse_unfit(line, _half_characters(line))
        raise
    return encoded


def _are_good(lines: Sequence[Line], encoded: Sequence[bytes]) -> bool:
    """Whether a reader will take the lines, with as little decoding as shows it.

    No text is longer than its line; the encoder writes the one spelling and a type checker has
    seen the types. So only lines that are longer than a text may be are decoded.
    """
    long = b"".join(data + b"\n" for data in encoded if len(data) > _MAX_TEXT)
    if long and _fault(long):
        return False
    return not _holds_controls(b"\n".join(encoded)) and not any(_faults(lines))


def _half_characters(line: Line) -> str:
    try:
        _ENCODER.encode(line)
    except UnicodeEncodeError:
        return "is not usable: a text holds half a character"
    return ""


def _refuse_unfit(line: Line, fault: str) -> None:
    if fault:
        raise BadFile(
            f"row {line.number} cannot be packed: it {fault}",
            hint="This row should have been rejected; correct it in the list.",
        ) from None


def decode_lines(data: bytes, *, first: int) -> list[Line]:
    """The rows and opt-outs on some lines, in order; may be called in another process.

    Args:
        data: Whole lines, each with its newline, as `PackReader.line_batches` gives them.
        first: 1-based position in the pack of the first of them, for messages.

    Raises:
        BadFile: A line is not a row or opt-out in its one spelling; says at which position.
    """
    found = _decode(data)
    if not isinstance(found, str):
        return found
    alone = (_fault(line + b"\n") for line in data.split(b"\n")[:-1])
    position, fault = next(
        ((at, fault) for at, fault in enumerate(alone, start=first) if fault), (first, found)
    )
    raise _refusal(position, fault)


def encode_item(item: PackItem) -> bytes:
    """The line, without its newline.

    Raises:
        BadFile: A value breaks the format's rules; names the row's number only.
    """
    line = line_of(item)
    (data,) = encode_lines([line])
    _refuse_unfit(line, _fault(data + b"\n"))
    return data


def decode_item(line: bytes, *, position: int) -> PackItem:
    """The row or opt-out on a line without its newline; see `decode_lines`.

    Raises:
        BadFile: The line is not a row or opt-out in its one spelling.
    """
    if b"\n" in line:
        raise _refusal(position, "is more than one line")
    return item_of(decode_lines(line + b"\n", first=position)[0])


def line_of(item: PackItem) -> Line:
    """The same, flat."""
    if isinstance(item, PackOptOut):
        return OptOutLine(item.number, item.emails, item.phones, item.cause)  # type: ignore[arg-type]  # checked when encoded
    return RowLine(
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
        item.relationship,
        item.email_consent.basis,
        _iso(item.email_consent.on),
        item.sms_consent.basis,
        _iso(item.sms_consent.on),
        item.sealed_record_id,
        item.tags,
    )


def item_of(line: Line) -> PackItem:
    """The same, in parts."""
    if isinstance(line, OptOutLine):
        return PackOptOut(line.number, line.emails, line.phones, line.cause)
    return PackRow(
        number=line.number,
        emails=line.emails,
        phones=line.phones,
        first_name=line.first_name,
        last_name=line.last_name,
        suffix=line.suffix,
        birth_date=line.birth_date,
        house_number=line.house_number,
        places=Places(line.country, line.state, line.postcode),
        language=line.language,
        relationship=line.relationship,
        email_consent=_consent(line.email_basis, line.email_on),
        sms_consent=_consent(line.sms_basis, line.sms_on),
        sealed_record_id=line.sealed_record_id,
        tags=line.tags,
    )


def _iso(day: date | None) -> str:
    return "" if day is None else day.isoformat()


@lru_cache(4096)
def _consent(basis: ConsentBasis, on: str) -> Consent:
    return Consent(basis, date.fromisoformat(on) if on else None)


def _refusal(position: int, what: str) -> BadFile:
    return BadFile(
        f"item {position} of the pack {what}",
        hint="Ask the partner to pack the list again with a current version.",
    )


def _fault(data: bytes) -> str:
    """What is wrong with some lines, in words without their values; empty: nothing."""
    found = _decode(data)
    return found if isinstance(found, str) else ""


def _decode(data: bytes) -> list[Line] | str:
    """The lines, or what is wrong with one of them."""
    try:
        lines = _DECODER.decode_lines(data)
        if _ENCODER.encode_lines(lines) != data:
            return "is not written in the one way the format allows"
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return "does not decode"
    if _holds_controls(data):
        return "is not usable: a text holds control characters"
    if len(data) > MAX_LINE_BYTES and max(map(len, data.split(b"\n"))) > MAX_LINE_BYTES:
        return "is too long"
    fault = next(_faults(lines), "")
    return f"is not usable: {fault}" if fault else lines


def _holds_controls(data: bytes) -> bool:
    """Whether a text of lines in their one spelling holds a control character or line break.

    Those below U+0020 are escaped in JSON, and of all others only the quote and the backslash.
    """
    if b"\\" in data and b"\\" in data.replace(b"\\\\", b"").replace(b'\\"', b""):
        return True
    if data.isascii():
        return b"\x7f" in data
    text = data.decode().replace("\n", "")
    return not text.isprintable() and _CONTROL.search(text) is not None


def _faults(lines: Sequence[Line]) -> Iterator[str]:
    days: set[str] = set()
    births: set[str] = set()
    for line in lines:
        if fault := _points_fault(line.emails, line.phones):
            yield fault
        if isinstance(line, RowLine):
            births.add(line.birth_date)
            days.add(line.email_on)
            days.add(line.sms_on)
            if line.tags and _are_unfit(line.tags):
                yield "its tags are not as they must be"
    days.discard("")
    if not all(map(_is_birth, births)):
        yield "the birth date is not one"
    if not all(len(day) == _DAY and _is_birth(day) for day in days):
        yield "the day of consent is not one"


def _points_fault(emails: Sequence[str], phones: Sequence[str]) -> str:
    if not emails and not phones:
        return "it has no contact point"
    if "" in emails or "" in phones:
        return "a contact point is empty"
    if len(emails) < 2 and len(phones) < 2:  # noqa: PLR2004 - nearly all rows: no two to compare
        return ""
    if max(len(emails), len(phones)) > MAX_POINTS:
        return "it has too many contact points"
    if len(set(emails)) != len(emails) or len(set(phones)) != len(phones):
        return "it has one of its contact points twice"
    return ""


def _are_unfit(tags: Sequence[str]) -> bool:
    return (
        len(tags) > MAX_TAGS
        or not all(0 < len(tag) <= MAX_TAG_CHARACTERS for tag in tags)
        or not all(map(lt, tags, tags[1:]))
    )


@lru_cache(50_000)
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
