from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from consortium.errors import EvidenceError, UsageError
from consortium.ledger import note

VECTOR = json.loads(
    (Path(__file__).parents[2] / "vectors/signed_note.json").read_text(encoding="utf-8")
)
FOO = note.Verifier.from_vkey(VECTOR["vkey"])
LOG = note.Signer.from_secret("example.org/log", b"\x01" * 32)
OTHER = note.Signer.from_secret("example.org/other", b"\x02" * 32)


def test_the_note_of_the_specification_verifies() -> None:
    assert note.open(VECTOR["note"], [FOO]) == (VECTOR["text"], ("example.com/foo",))
    assert FOO.vkey == VECTOR["vkey"]
    assert FOO.key_id.hex() == "530d903a"


def test_what_is_signed_opens_for_every_signer() -> None:
    signed = note.sign("line 1\n\nline 3 — ü\n", [LOG, OTHER])
    both = [OTHER.verifier, LOG.verifier]
    assert note.open(signed, both) == ("line 1\n\nline 3 — ü\n", (LOG.name, OTHER.name))
    assert note.open(signed, [OTHER.verifier])[1] == (OTHER.name,)
    assert note.sign("line 1\n\nline 3 — ü\n", [LOG, OTHER]) == signed  # Ed25519 draws no lots


@pytest.mark.parametrize(
    "text", ["\n", "a\n\n", "\n\n", "— x y\n", "a\n\n— example.org/log AAAA\n"]
)
def test_any_text_of_lines_can_be_signed_and_comes_back(text: str) -> None:
    assert note.open(note.sign(text, [LOG]), [LOG.verifier])[0] == text


def test_a_signature_of_an_unknown_key_is_ignored_but_not_enough() -> None:
    signed = note.sign("text\n", [LOG, OTHER])
    assert note.open(signed, [LOG.verifier])[1] == (LOG.name,)
    with pytest.raises(EvidenceError, match="not signed by any key"):
        note.open(note.sign("text\n", [OTHER]), [LOG.verifier])
    with pytest.raises(EvidenceError, match="not signed by any key"):
        note.open(signed, [])


def test_the_same_key_under_another_name_is_another_key() -> None:
    same = note.Signer(OTHER.name, LOG.private)
    with pytest.raises(EvidenceError):
        note.open(note.sign("text\n", [same]), [LOG.verifier])
    assert same.verifier.key_id != LOG.verifier.key_id


def test_one_wrong_signature_of_a_known_key_rejects_the_note() -> None:
    signed = note.sign("text\n", [LOG, OTHER])
    lines = signed.split("\n")
    data = bytearray(base64.b64decode(lines[3].split(" ")[2]))
    data[-1] ^= 1
    lines[3] = f"— {OTHER.name} {base64.b64encode(data).decode()}"
    broken = "\n".join(lines)
    with pytest.raises(EvidenceError, match=r"example\.org/other does not verify"):
        note.open(broken, [LOG.verifier, OTHER.verifier])
    assert note.open(broken, [LOG.verifier])[1] == (LOG.name,)


def test_a_signature_there_twice_is_refused() -> None:
    signed = note.sign("text\n", [LOG])
    line = signed.split("\n")[2]
    with pytest.raises(EvidenceError, match="two signatures"):
        note.open(signed + line + "\n", [LOG.verifier])


_SIGNED = note.sign("text\nmore\n", [LOG])


@pytest.mark.parametrize(
    ("damage", "broken"),
    [
        ("empty", ""),
        ("no signature", "text\nmore\n"),
        ("no signature line", "text\nmore\n\n"),
        ("no last newline", _SIGNED[:-1]),
        ("newline too many", _SIGNED + "\n"),
        ("carriage returns", _SIGNED.replace("\n", "\r\n")),
        ("a carriage return in the text", _SIGNED.replace("text", "te\rxt")),
        ("a tab in the text", _SIGNED.replace("text", "te\txt")),
        ("a NUL in the text", _SIGNED.replace("text", "te\x00xt")),
        ("a lone surrogate in the text", _SIGNED.replace("text", "te\ud800xt")),
        ("line separator for newline", _SIGNED.replace("text\n", "text\u2028")),
        ("hyphen for dash", _SIGNED.replace("— ", "- ")),
        ("two blanks after the dash", _SIGNED.replace("— ", "—  ")),
        ("two blanks before the signature", _SIGNED.replace("log ", "log  ")),
        ("blank after the signature", _SIGNED[:-1] + " \n"),
        ("no-break blank", _SIGNED.replace("log ", "log\u00a0")),
        ("no padding", _SIGNED.rstrip("=\n") + "\n"),
        ("text changed", _SIGNED.replace("more", "less")),
        ("text shortened", _SIGNED.replace("more\n", "")),
        ("blank line removed", _SIGNED.replace("\n\n", "\n")),
        ("text after the signatures", _SIGNED + "more\n"),
        ("a name of nothing", _SIGNED.replace("example.org/log", "")),
        ("plus in the name", _SIGNED.replace("example.org/log", "example.org+log")),
        ("short signature", "text\n\n— example.org/log AAAAAA==\n"),
        ("very many signatures", "text\n\n" + _SIGNED.split("\n")[3] * 1 + "\n— a AAAAAAA=\n" * 70),
    ],
)
def test_a_damaged_note_is_refused(damage: str, broken: str) -> None:
    assert broken != _SIGNED
    with pytest.raises(EvidenceError):
        note.open(broken, [LOG.verifier])


def test_sixteen_unknown_signatures_are_put_up_with() -> None:
    crowd = "".join(f"— witness{n}.example AAAAAAAA\n" for n in range(16))
    assert note.open(_SIGNED + crowd, [LOG.verifier])[1] == (LOG.name,)


def test_every_changed_inserted_or_removed_character_is_noticed() -> None:
    """But for a signature line that is made another, unknown key's: then nobody known signed."""
    for at in range(len(_SIGNED)):
        for broken in (
            _SIGNED[:at] + _SIGNED[at + 1 :],
            _SIGNED[:at] + ("A" if _SIGNED[at] != "A" else "B") + _SIGNED[at + 1 :],
            _SIGNED[:at] + "x" + _SIGNED[at:],
            _SIGNED[:at] + "\n" + _SIGNED[at:],
        ):
            if broken == _SIGNED:
                continue
            with pytest.raises(EvidenceError):
                note.open(broken, [LOG.verifier])


@pytest.mark.parametrize("text", ["", "no newline", "tab\there\n", "cr\r\n", "esc\x1b[0m\n"])
def test_what_a_note_cannot_hold_is_not_signed(text: str) -> None:
    with pytest.raises(UsageError):
        note.sign(text, [LOG])


def test_the_line_with_the_tab_is_named() -> None:
    with pytest.raises(UsageError, match="line 3"):
        note.sign("a\nb\nc\td\n", [LOG])


def test_a_note_needs_signers_and_none_twice() -> None:
    for signers in ([], [LOG, LOG]):
        with pytest.raises(UsageError):
            note.sign("text\n", signers)


@pytest.mark.parametrize(
    "vkey",
    [
        "",
        "example.com/foo",
        VECTOR["vkey"].replace("530d903a", "530d903b"),
        VECTOR["vkey"].replace("530d903a", "530D903A"),
        VECTOR["vkey"].replace("foo", "bar"),
        VECTOR["vkey"] + "=",
        VECTOR["vkey"][:-4],
        VECTOR["vkey"].replace("+Aek", "+Bek"),
        "a b" + VECTOR["vkey"],
    ],
)
def test_a_damaged_published_key_is_refused(vkey: str) -> None:
    with pytest.raises(EvidenceError):
        note.Verifier.from_vkey(vkey)


def test_a_signer_does_not_show_its_secret() -> None:
    assert repr(LOG) == "Signer('example.org/log')"


def test_the_bare_signature_is_the_one_over_the_text() -> None:
    bare = note.signature_of(_SIGNED, LOG.verifier)
    assert len(bare) == 64
    LOG.verifier.check("text\nmore\n", bare)
    with pytest.raises(EvidenceError):
        LOG.verifier.check("text\n", bare)
    with pytest.raises(EvidenceError):
        note.signature_of(_SIGNED, OTHER.verifier)
