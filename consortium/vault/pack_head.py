"""The first and last line of a pack: canonical JSON (RFC 8785), decoded strictly.

The header says whose list this is, for whom, and how it was made; it carries the data key, so a
pack is as secret as the list in it. The trailer is what the partner signs.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Annotated, Any, Final, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from consortium.config import Slug
from consortium.errors import BadFile, UsageError
from consortium.ledger import canonical
from consortium.types import PartnerSlug, UploadDigest

__all__ = [
    "Counts",
    "PackHeader",
    "Trailer",
    "decode_header",
    "decode_trailer",
    "encode_header",
    "encode_trailer",
    "signed_bytes",
]

_VERSION: Final = 1
_SIGNED_PREFIX: Final = b"consortium/v1|pack|"

# Shown on the host's terminal: no control characters, nothing that turns the line's direction.
_UNSHOWN = r"\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff"
_Text = Annotated[
    str, StringConstraints(min_length=1, max_length=200, pattern=rf"^[^{_UNSHOWN}]+$")
]
_Word = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")]
_Second = Annotated[str, StringConstraints(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")]
_Hex32 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
_Count = Annotated[int, Field(ge=0, le=2**53 - 1)]
_Bytes16 = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9+/]{22}==$")]
_Bytes32 = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9+/]{43}=$")]
_Bytes64 = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9+/]{86}==$")]
_Bytes80 = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9+/]{107}=$")]


@dataclass(frozen=True, slots=True)
class PackHeader:
    """What a pack says of itself.

    Attributes:
        origin: The consortium it is for.
        partner: Whose list it is.
        list_name: The partner's name for the list.
        obtained_on: The day the list was as it is.
        expires_on: Nothing of it is used after this day; None: no end.
        layout: Layout the partner's file had, e.g. `action-network`.
        profile: Number of the normalisation profile.
        nonce: 16 random bytes: two packs of one list are never the same upload.
        data_key: 32 random bytes: details are sealed under keys derived from it.
        created_at: When it was packed; whole seconds.
    """

    origin: str
    partner: PartnerSlug
    list_name: str
    obtained_on: date
    expires_on: date | None
    layout: str
    profile: int
    nonce: bytes = field(repr=False)
    data_key: bytes = field(repr=False)
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Counts:
    """What became of a list's rows.

    Attributes:
        rows: Usable rows, in the pack.
        opt_outs: Rows kept only to block, in the pack.
        rejected: Rows left out as unusable.
        repeated: Rows left out as repeating another.
    """

    rows: int
    opt_outs: int
    rejected: int
    repeated: int


@dataclass(frozen=True, slots=True)
class Trailer:
    """The end of a pack.

    Attributes:
        digest: SHA-256 of all lines before the trailer; names the upload.
        counts: What became of the list's rows.
        standing_wrap: The data key wrapped to the vault for every campaign, or None.
        signature: The partner's Ed25519 signature over the three above.
    """

    digest: UploadDigest
    counts: Counts
    standing_wrap: bytes | None
    signature: bytes


class _Line(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True)


class _Header(_Line):
    consortium_pack: Literal[1]
    created_at: _Second
    data_key: _Bytes32
    expires_on: date | None
    layout: _Word
    list_name: _Text
    nonce: _Bytes16
    obtained_on: date
    origin: _Text
    partner: Slug
    profile: Annotated[int, Field(ge=1, le=10_000)]


class _Counts(_Line):
    opt_outs: _Count
    rejected: _Count
    repeated: _Count
    rows: _Count


class _Trailer(_Line):
    counts: _Counts
    digest: _Hex32
    signature: _Bytes64
    standing_wrap: _Bytes80 | None


_M = TypeVar("_M", bound=_Line)


def encode_header(header: PackHeader) -> bytes:
    """The line, without its newline.

    Raises:
        UsageError: A value breaks the format's rules; says which field.
    """
    model = _build(
        _Header,
        {
            "consortium_pack": _VERSION,
            "created_at": header.created_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "data_key": _text(header.data_key),
            "expires_on": header.expires_on,
            "layout": header.layout,
            "list_name": header.list_name,
            "nonce": _text(header.nonce),
            "obtained_on": header.obtained_on,
            "origin": header.origin,
            "partner": header.partner,
            "profile": header.profile,
        },
    )
    return _canonical(model)


def decode_header(line: bytes, *, name: str) -> PackHeader:
    """The header on a line.

    Raises:
        BadFile: Not a header, of another version, or not in its one spelling.
    """
    model = _parse(_Header, line, name=name, what="header")
    return PackHeader(
        origin=model.origin,
        partner=PartnerSlug(model.partner),
        list_name=model.list_name,
        obtained_on=model.obtained_on,
        expires_on=model.expires_on,
        layout=model.layout,
        profile=model.profile,
        nonce=base64.b64decode(model.nonce),
        data_key=base64.b64decode(model.data_key),
        created_at=datetime.fromisoformat(model.created_at),
    )


def encode_trailer(trailer: Trailer) -> bytes:
    """The line, without its newline."""
    fields = _signed_fields(trailer.digest, trailer.counts, trailer.standing_wrap)
    return _canonical(_build(_Trailer, {**fields, "signature": _text(trailer.signature)}))


def decode_trailer(line: bytes, *, name: str) -> Trailer:
    """The trailer on a line.

    Raises:
        BadFile: Not a trailer in its one spelling.
    """
    model = _parse(_Trailer, line, name=name, what="trailer")
    counts, wrap = model.counts, model.standing_wrap
    return Trailer(
        digest=UploadDigest(bytes.fromhex(model.digest)),
        counts=Counts(counts.rows, counts.opt_outs, counts.rejected, counts.repeated),
        standing_wrap=None if wrap is None else base64.b64decode(wrap),
        signature=base64.b64decode(model.signature),
    )


def signed_bytes(digest: UploadDigest, counts: Counts, standing_wrap: bytes | None) -> bytes:
    """What the partner signs: a prefix for packs alone, then the trailer without its signature."""
    return _SIGNED_PREFIX + canonical.encode(_signed_fields(digest, counts, standing_wrap))


def _signed_fields(digest: UploadDigest, counts: Counts, wrap: bytes | None) -> dict[str, Any]:
    return {
        "counts": {
            "opt_outs": counts.opt_outs,
            "rejected": counts.rejected,
            "repeated": counts.repeated,
            "rows": counts.rows,
        },
        "digest": digest.hex(),
        "standing_wrap": None if wrap is None else _text(wrap),
    }


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _canonical(model: _Line) -> bytes:
    return canonical.encode(model.model_dump(mode="json"))


def _build(kind: type[_M], fields: dict[str, Any]) -> _M:
    try:
        return kind.model_validate(fields)
    except ValidationError as error:
        raise UsageError(
            f"a pack cannot be made: its {_where(error)} is not usable",
            hint="A name is one line of at most 200 characters that can be seen.",
        ) from error


def _where(error: ValidationError) -> str:
    return " ".join(str(part) for part in error.errors(include_input=False)[0]["loc"])


def _parse(kind: type[_M], line: bytes, *, name: str, what: str) -> _M:
    if what == "header":
        _check_version(line, name=name)
    try:
        model = kind.model_validate_json(line)
        same = _canonical(model) == line
        if isinstance(model, _Header):
            datetime.fromisoformat(model.created_at)
    except ValidationError:
        raise _unreadable(name, what) from None  # its text could quote the line
    except ValueError as error:
        raise _unreadable(name, what) from error
    if not same:
        raise _unreadable(name, what)
    return model


def _check_version(line: bytes, *, name: str) -> None:
    try:
        version = json.loads(line)["consortium_pack"]
    except (ValueError, TypeError, LookupError, RecursionError):
        raise _unreadable(name, "header") from None
    if version != _VERSION:
        raise BadFile(
            f"{name} is of a version this program does not know",
            hint="Update consortium on this machine, or ask for a pack of an older version.",
        )


def _unreadable(name: str, what: str) -> BadFile:
    return BadFile(
        f"the {what} of {name} does not decode",
        hint="Ask the partner to pack the list again with a current version.",
    )
