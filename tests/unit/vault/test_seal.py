from __future__ import annotations

import pytest

from consortium.errors import EvidenceError, KeyFailure
from consortium.types import PartnerSlug, UploadDigest
from consortium.vault.seal import Details, RowOpener, RowSealer, SealContext

KEY, SALT = b"k" * 32, b"s" * 32
CONTEXT = SealContext("example.org/portland", PartnerSlug("nurses"), UploadDigest(b"u" * 32))
DETAILS = Details.of(
    emails=["ann@example.org", "a@work.example"],
    phones=["+15035550100"],
    first_name="Ann",
    last_name="Müller",
    language="en",
)


def opener(
    *, key: bytes = KEY, salt: bytes = SALT, context: SealContext = CONTEXT, match: bool = False
) -> RowOpener:
    return RowOpener(key, label="match" if match else "details", salt=salt, context=context)


@pytest.fixture
def sealed() -> bytes:
    return RowSealer(KEY, label="details", salt=SALT, context=CONTEXT).seal(
        DETAILS.encode(), number=7
    )


def test_details_come_back_as_they_were_sealed(sealed: bytes) -> None:
    assert Details.decode(opener().open(sealed, number=7)) == DETAILS


@pytest.mark.parametrize(
    ("what", "wrong"),
    [
        ("another row", opener()),
        ("the match column", opener(match=True)),
        ("another key", opener(key=b"K" * 32)),
        ("another intake of the same pack", opener(salt=b"S" * 32)),
        (
            "another upload",
            opener(context=SealContext(CONTEXT.origin, CONTEXT.owner, UploadDigest(b"v" * 32))),
        ),
        (
            "another owner",
            opener(context=SealContext(CONTEXT.origin, PartnerSlug("tenants"), CONTEXT.upload)),
        ),
        (
            "another consortium",
            opener(context=SealContext("example.org/salem", CONTEXT.owner, CONTEXT.upload)),
        ),
    ],
)
def test_a_transplanted_value_does_not_open(sealed: bytes, what: str, wrong: RowOpener) -> None:
    with pytest.raises(EvidenceError):
        wrong.open(sealed, number=8 if what == "another row" else 7)


def test_every_changed_bit_is_found(sealed: bytes) -> None:
    for at in range(len(sealed)):
        changed = sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1 :]
        with pytest.raises(EvidenceError):
            opener().open(changed, number=7)


@pytest.mark.parametrize("length", [0, 1, 15, 16, 40])
def test_a_cut_value_does_not_open(sealed: bytes, length: int) -> None:
    with pytest.raises(EvidenceError):
        opener().open(sealed[:length], number=7)


def test_the_length_does_not_tell_how_long_a_name_is() -> None:
    sealer = RowSealer(KEY, label="details", salt=SALT, context=CONTEXT)
    lengths = {len(sealer.seal(b"x" * n, number=n + 1)) for n in range(31)}
    assert lengths == {48}


def test_the_same_details_in_two_rows_look_different() -> None:
    sealer = RowSealer(KEY, label="details", salt=SALT, context=CONTEXT)
    assert sealer.seal(b"same", number=1) != sealer.seal(b"same", number=2)


def test_a_key_of_the_wrong_length_is_refused() -> None:
    with pytest.raises(KeyFailure):
        RowSealer(b"short", label="details", salt=SALT, context=CONTEXT)


def test_no_personal_data_in_any_text_form_of_details() -> None:
    texts = [repr(DETAILS), str(DETAILS), f"{DETAILS}", f"{DETAILS.emails} {DETAILS.first_name:>9}"]
    for text in texts:
        for personal in ("ann", "Ann", "ller", "503555"):
            assert personal not in text


def test_a_sealer_does_not_show_its_key() -> None:
    shown = repr(RowSealer(KEY, label="details", salt=SALT, context=CONTEXT))
    assert "kkk" not in shown
    assert KEY.hex() not in shown


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"null",
        b"{}",
        b'[2,[],[],"","",""]',
        b'[1,[1],[],"","",""]',
        b"[1,[],[]]",
        b"ann@example.org",
        b"\xff",
    ],
)
def test_other_bytes_are_not_details_and_are_not_quoted(data: bytes) -> None:
    with pytest.raises(EvidenceError) as caught:
        Details.decode(data)
    assert "ann" not in str(caught.value)
    assert caught.value.__cause__ is None
