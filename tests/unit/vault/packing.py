"""Packs of a few made-up rows, whole or put together by hand."""

import io
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from consortium.model import Consent, ConsentBasis, PackOptOut, PackRow, Places, Relationship
from consortium.types import PartnerSlug
from consortium.vault import age
from consortium.vault.keys import public_half
from consortium.vault.pack_file import PackHeader, PackItem, PackReader, Trailer, write_pack
from consortium.vault.pack_head import Counts, encode_trailer, signed_bytes

IDENTITY = age.new_identity()


RECIPIENT = age.recipient_of(IDENTITY)


SIGN_KEY = bytes(range(32))


PUBLIC = public_half("sign", SIGN_KEY)


ORIGIN = "example.org/portland"


HEADER = PackHeader(
    origin=ORIGIN,
    partner=PartnerSlug("nurses"),
    list_name="members, “all”",
    obtained_on=date(2026, 10, 30),
    expires_on=date(2026, 11, 4),
    layout="action-network",
    profile=1,
    nonce=bytes(range(16)),
    data_key=bytes(range(32, 64)),
    created_at=datetime(2026, 11, 1, 18, 30, 5, tzinfo=UTC),
)


ROW = PackRow(
    number=3,
    emails=("Ann.Miller+news@example.org", "ann@work.example"),
    phones=("+15035550100",),
    first_name='Ann "Annie"',
    last_name="Müller\u2011Łukasz",
    suffix="jr",
    birth_date="1980-02-29",
    house_number="12a",
    places=Places("US", "OR", "97214"),
    language="en",
    relationship=Relationship.MEMBER,
    email_consent=Consent(ConsentBasis.EXPRESS, date(2025, 1, 31)),
    sms_consent=Consent(ConsentBasis.NONE),
    sealed_record_id=b"\x00\xffsealed",
    tags=("canvasser", "steward"),
)


OPT_OUT = PackOptOut(number=4, emails=("gone@example.org",), cause="spam_report")


ITEMS: list[PackItem] = [ROW, OPT_OUT, replace(ROW, number=9)]


def pack(items: Iterable[PackItem] = ITEMS, **changes: object) -> bytes:
    stream = io.BytesIO()
    arguments: dict[str, Any] = {  # a test changes any of them
        "header": HEADER,
        "items": items,
        "sign_key": SIGN_KEY,
        "recipient": RECIPIENT,
        "rejected": 5,
        "repeated": 2,
    }
    write_pack(stream, **{**arguments, **changes})
    return stream.getvalue()


def read(
    data: bytes, *, public: bytes = PUBLIC, identity: bytes = IDENTITY, origin: str | None = ORIGIN
) -> tuple[PackHeader, list[PackItem], Trailer]:
    stream = io.BytesIO(data)
    with PackReader.open(stream, identity=identity, origin=origin) as reader:
        items = list(reader)
        return reader.header, items, reader.finish(public)


def plaintext(data: bytes) -> bytes:
    return b"".join(age.decrypt(io.BytesIO(data), identity=IDENTITY))


def encrypted(plain: bytes) -> bytes:
    stream = io.BytesIO()
    age.encrypt([plain], stream, recipients=[RECIPIENT])
    return stream.getvalue()


def padded(*lines: bytes) -> bytes:
    plain = b"".join(line + b"\n" for line in lines)
    return encrypted(plain + b"\n" * (-len(plain) % age.CHUNK))


def signed_trailer(*lines: bytes, counts: Counts) -> bytes:
    from hashlib import sha256  # noqa: PLC0415 - for this forger alone

    from consortium.types import UploadDigest  # noqa: PLC0415 - for this forger alone

    digest = UploadDigest(sha256(b"".join(line + b"\n" for line in lines)).digest())
    signature = Ed25519PrivateKey.from_private_bytes(SIGN_KEY).sign(
        signed_bytes(digest, counts, None)
    )
    return encode_trailer(Trailer(digest, counts, None, signature))
