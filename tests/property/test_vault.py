from __future__ import annotations

import io
from dataclasses import replace
from datetime import UTC, date, datetime
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consortium.errors import BadFile, ConsortiumError, EvidenceError
from consortium.model import Consent, ConsentBasis, PackOptOut, PackRow, Places, Relationship
from consortium.types import PartnerSlug, UploadDigest
from consortium.vault import age
from consortium.vault.keys import public_half
from consortium.vault.pack_file import PackHeader, PackReader, write_pack
from consortium.vault.pack_rows import (
    CAUSES,
    PackItem,
    decode_item,
    decode_lines,
    encode_item,
    encode_lines,
    item_of,
    line_of,
)
from consortium.vault.seal import Details, RowOpener, RowSealer, SealContext

IDENTITY = age.new_identity()
SIGN_KEY = bytes(range(32))
HEADER = PackHeader(
    origin="example.org/portland",
    partner=PartnerSlug("nurses"),
    list_name="members",
    obtained_on=date(2026, 10, 30),
    expires_on=None,
    layout="generic",
    profile=1,
    nonce=bytes(16),
    data_key=bytes(32),
    created_at=datetime(2026, 11, 1, tzinfo=UTC),
)

texts = st.text(
    st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp")), max_size=20
)  # what a line may hold
points = st.lists(texts.filter(bool), max_size=4, unique=True).map(tuple)
days = st.none() | st.dates(date(1000, 1, 1), date(2100, 1, 1))
consents = st.builds(Consent, st.sampled_from(ConsentBasis), days)
births = (
    st.just("")
    | st.dates(date(1000, 1, 1), date(2100, 1, 1)).map(date.isoformat)
    | st.integers(1, 9999).map("{:04d}".format)
    | st.dates(date(2000, 1, 1), date(2000, 12, 31)).map(lambda d: f"--{d:%m-%d}")
)
rows = st.builds(
    PackRow,
    number=st.integers(1, 2**53 - 1),
    emails=points,
    phones=points,
    first_name=texts,
    last_name=texts,
    suffix=texts,
    birth_date=births,
    house_number=texts,
    places=st.builds(Places, texts, texts, texts),
    language=texts,
    relationship=st.sampled_from(Relationship),
    email_consent=consents,
    sms_consent=consents,
    sealed_record_id=st.binary(max_size=40),
    tags=st.sets(texts.filter(bool), max_size=5).map(sorted).map(tuple),
).filter(lambda r: r.emails or r.phones)
opt_outs = st.builds(
    PackOptOut,
    number=st.integers(1, 2**53 - 1),
    emails=points,
    phones=points,
    cause=st.sampled_from(sorted(CAUSES)),
).filter(lambda o: o.emails or o.phones)
items = rows | opt_outs


@given(items)
def test_a_line_decodes_to_what_was_encoded(item: PackItem) -> None:
    assert decode_item(encode_item(item), position=1) == item


@given(st.lists(items, max_size=6), st.integers(1, 2**40))
def test_many_lines_decode_together_as_they_do_alone(some: list[PackItem], first: int) -> None:
    lines = [encode_item(item) for item in some]
    assert encode_lines([line_of(item) for item in some]) == lines
    together = decode_lines(b"".join(line + b"\n" for line in lines), first=first)
    assert [item_of(line) for line in together] == some


@given(items, st.data())
def test_a_changed_line_is_refused_or_says_something_else(
    item: PackItem, data: st.DataObject
) -> None:
    line = bytearray(encode_item(item))
    at = data.draw(st.integers(0, len(line) - 1))
    line[at] ^= data.draw(st.integers(1, 255))
    try:
        decoded = decode_item(bytes(line), position=1)
    except BadFile:
        return
    assert decoded != item
    assert encode_item(decoded) == bytes(line)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_line_or_one_of_our_errors(line: bytes) -> None:
    try:
        decoded = decode_item(line, position=1)
    except BadFile:
        return
    assert encode_item(decoded) == line


@settings(max_examples=25, deadline=None)
@given(st.lists(items, max_size=30))
def test_a_pack_gives_back_its_items_in_order(some: list[PackItem]) -> None:
    numbered = [replace(item, number=n) for n, item in enumerate(some, 1)]
    stream = io.BytesIO()
    trailer = write_pack(
        stream,
        header=HEADER,
        items=numbered,
        sign_key=SIGN_KEY,
        recipient=age.recipient_of(IDENTITY),
    )
    stream.seek(0)
    with PackReader.open(stream, identity=IDENTITY) as reader:
        assert list(reader) == numbered
        assert reader.finish(public_half("sign", SIGN_KEY)) == trailer


@cache
def whole_pack() -> bytes:
    stream = io.BytesIO()
    write_pack(
        stream,
        header=HEADER,
        items=[PackRow(1, ("ann@example.org",))],
        sign_key=SIGN_KEY,
        recipient=age.recipient_of(IDENTITY),
    )
    return stream.getvalue()


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_no_damage_to_a_pack_goes_unnoticed(data: st.DataObject) -> None:
    whole = whole_pack()
    at = data.draw(st.integers(0, len(whole) - 1))
    cut = data.draw(st.booleans())
    if cut:
        damaged = whole[:at]
    else:
        flip = data.draw(st.integers(1, 255))
        damaged = whole[:at] + bytes([whole[at] ^ flip]) + whole[at + 1 :]
    with (
        pytest.raises(ConsortiumError),
        PackReader.open(io.BytesIO(damaged), identity=IDENTITY) as reader,
    ):
        reader.finish(public_half("sign", SIGN_KEY))


@given(
    emails=points,
    phones=points,
    first=st.text(max_size=30).filter(lambda s: s.isprintable()),
    last=texts,
    number=st.integers(0, 2**53),
)
def test_sealed_details_come_back(
    emails: tuple[str, ...], phones: tuple[str, ...], first: str, last: str, number: int
) -> None:
    context = SealContext("example.org/x", PartnerSlug("nurses"), UploadDigest(b"u" * 32))
    details = Details.of(
        emails=emails, phones=phones, first_name=first, last_name=last, language="en"
    )
    sealer = RowSealer(b"k" * 32, label="details", salt=b"s", context=context)
    opener = RowOpener(b"k" * 32, label="details", salt=b"s", context=context)
    sealed = sealer.seal(details.encode(), number=number)
    assert Details.decode(opener.open(sealed, number=number)) == details
    with pytest.raises(EvidenceError):
        opener.open(sealed, number=number + 1)


@given(st.binary(max_size=100))
def test_any_plaintext_survives_padding(plaintext: bytes) -> None:
    context = SealContext("example.org/x", PartnerSlug("nurses"), UploadDigest(b"u" * 32))
    sealer = RowSealer(b"k" * 32, label="match", salt=b"s", context=context)
    opener = RowOpener(b"k" * 32, label="match", salt=b"s", context=context)
    sealed = sealer.seal(plaintext, number=1)
    assert opener.open(sealed, number=1) == plaintext
    assert (len(sealed) - 16) % 32 == 0


@settings(max_examples=40, deadline=None)
@given(st.binary(max_size=300_000), st.integers(1, 70_000))
def test_the_age_streams_give_back_any_bytes(data: bytes, piece: int) -> None:
    stream = io.BytesIO()
    pieces = (data[i : i + piece] for i in range(0, len(data), piece))
    age.encrypt(pieces, stream, recipients=[age.recipient_of(IDENTITY)])
    stream.seek(0)
    assert b"".join(age.decrypt(stream, identity=IDENTITY)) == data
