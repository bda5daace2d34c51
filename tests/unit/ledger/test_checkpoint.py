from __future__ import annotations

import pytest

from consortium.errors import EvidenceError
from consortium.ledger import checkpoint, note
from consortium.ledger.checkpoint import Checkpoint

ORIGIN = "example.org/oregon"
SIGNER = note.Signer.from_secret(ORIGIN, b"\x01" * 32)
HEAD = Checkpoint(ORIGIN, 20_852_163, bytes(range(32)))
TEXT = "example.org/oregon\n20852163\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n"


def test_a_checkpoint_is_three_lines() -> None:
    assert checkpoint.encode(HEAD) == TEXT
    assert checkpoint.decode(TEXT) == HEAD
    empty = Checkpoint(ORIGIN, 0, b"\x00" * 32)
    assert checkpoint.decode(checkpoint.encode(empty)) == empty


@pytest.mark.parametrize(
    "text",
    [
        "",
        TEXT[:-1],
        TEXT + "\n",
        TEXT + "extension\n",
        TEXT.replace("20852163", "020852163"),
        TEXT.replace("20852163", "+20852163"),
        TEXT.replace("20852163", "-1"),
        TEXT.replace("20852163", "20_852_163"),
        TEXT.replace("20852163", " 20852163"),
        TEXT.replace("20852163", "٢٠"),
        TEXT.replace("20852163", "²"),
        TEXT.replace("20852163", "9223372036854775808"),
        TEXT.replace("20852163", "1e3"),
        TEXT.replace("20852163", ""),
        TEXT.replace("8=\n", "9=\n"),  # bits that base64 does not use
        TEXT.replace("=\n", "\n"),
        TEXT.replace("AAEC", "AAE"),
        TEXT.replace("AAEC", "AA\rEC"),
        TEXT.replace("AAEC", "AAECAAEC"),
        TEXT.replace("AAEC", "A-_C"),
        TEXT.replace("\n", "\r\n"),
        TEXT.replace("example.org/oregon", ""),
        TEXT.replace("example.org/oregon", "example.org/ore gon"),
        TEXT.replace("example.org/oregon", "example.org/ore+gon"),
        TEXT.replace("example.org/oregon", "x" * 129),
    ],
)
def test_a_second_spelling_of_a_checkpoint_is_refused(text: str) -> None:
    assert text != TEXT
    with pytest.raises(EvidenceError):
        checkpoint.decode(text)


def test_a_signed_checkpoint_opens_for_its_own_ledger_only() -> None:
    signed = checkpoint.sign(HEAD, [SIGNER])
    assert checkpoint.open(signed, origin=ORIGIN, verifiers=[SIGNER.verifier]) == HEAD
    with pytest.raises(EvidenceError):
        checkpoint.open(signed, origin="example.org/other", verifiers=[SIGNER.verifier])
    thief = note.Signer.from_secret(ORIGIN, b"\x09" * 32)
    with pytest.raises(EvidenceError):
        checkpoint.open(checkpoint.sign(HEAD, [thief]), origin=ORIGIN, verifiers=[SIGNER.verifier])


def test_a_key_of_one_ledger_cannot_speak_for_another() -> None:
    other = note.Signer.from_secret("example.org/other", b"\x02" * 32)
    with pytest.raises(EvidenceError):
        checkpoint.sign(HEAD, [other])
    foreign = note.sign(checkpoint.encode(HEAD), [other])
    with pytest.raises(EvidenceError):
        checkpoint.open(foreign, origin=ORIGIN, verifiers=[SIGNER.verifier, other.verifier])
    renamed = note.sign(TEXT.replace("oregon", "utah"), [SIGNER])
    with pytest.raises(EvidenceError, match="another ledger"):
        checkpoint.open(renamed, origin=ORIGIN, verifiers=[SIGNER.verifier])


def test_a_signed_text_that_is_no_checkpoint_is_refused() -> None:
    signed = note.sign("# consortium policy v1 for example.org/oregon\npolicy = 1\n", [SIGNER])
    with pytest.raises(EvidenceError):
        checkpoint.open(signed, origin=ORIGIN, verifiers=[SIGNER.verifier])
