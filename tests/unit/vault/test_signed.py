from __future__ import annotations

import pytest

from consortium.errors import EvidenceError, UsageError
from consortium.ledger import note
from consortium.testing.keys import MemoryKeys
from consortium.types import PartnerSlug
from consortium.vault import signed
from consortium.vault.keys import public_half

ORIGIN = "example.org/portland"
TEXT = 'policy = 1\npartner = "nurses"  # “quoted”, with a blank line\n\neffective = 2026-09-01\n'
SECRET = MemoryKeys.partner().open("sign")
NURSES = signed.partner_signer(PartnerSlug("nurses"), sign_key=SECRET)
VERIFIER = note.Verifier("nurses", public_half("sign", SECRET))


def made(text: str = TEXT, kind: str = "policy") -> str:
    return signed.sign_document(kind, text, origin=ORIGIN, signer=NURSES)


def test_a_document_comes_back_as_it_was_signed() -> None:
    assert signed.open_document("policy", made(), origin=ORIGIN, verifier=VERIFIER) == TEXT


def test_the_first_line_says_what_it_is_and_for_whom() -> None:
    assert made().startswith("# consortium policy v1 for example.org/portland\npolicy = 1\n")


@pytest.mark.parametrize(
    ("text", "opened"), [("a = 1", "a = 1\n"), ("a = 1\r\nb = 2\r\n", "a = 1\nb = 2\n"), ("", "\n")]
)
def test_line_ends_are_made_plain_and_nothing_else(text: str, opened: str) -> None:
    assert signed.open_document("policy", made(text), origin=ORIGIN, verifier=VERIFIER) == opened


def test_a_documents_kind_cannot_be_changed() -> None:
    with pytest.raises(EvidenceError, match='signed as "policy", not as "answer"'):
        signed.open_document("answer", made(), origin=ORIGIN, verifier=VERIFIER)


def test_a_document_for_another_consortium_is_refused() -> None:
    with pytest.raises(EvidenceError, match="another consortium"):
        signed.open_document("policy", made(), origin="example.org/salem", verifier=VERIFIER)


def test_somebody_elses_signature_is_refused() -> None:
    other = note.Verifier("nurses", public_half("sign", MemoryKeys.partner().open("sign")))
    with pytest.raises(EvidenceError, match="not signed by any key"):
        signed.open_document("policy", made(), origin=ORIGIN, verifier=other)


def test_every_changed_character_is_found() -> None:
    document = made()
    for at, character in enumerate(document):
        changed = document[:at] + ("x" if character != "x" else "y") + document[at + 1 :]
        with pytest.raises(EvidenceError):
            signed.open_document("policy", changed, origin=ORIGIN, verifier=VERIFIER)


def test_a_bare_note_of_the_signer_is_no_document() -> None:
    bare = note.sign(TEXT, [NURSES])
    with pytest.raises(EvidenceError, match="does not say"):
        signed.open_document("policy", bare, origin=ORIGIN, verifier=VERIFIER)


def test_an_unknown_version_is_refused() -> None:
    newer = note.sign(f"# consortium policy v2 for {ORIGIN}\n{TEXT}", [NURSES])
    with pytest.raises(EvidenceError, match="version"):
        signed.open_document("policy", newer, origin=ORIGIN, verifier=VERIFIER)


def test_a_tab_is_named_by_the_authors_line() -> None:
    with pytest.raises(UsageError, match="line 2"):
        made("a = 1\nb =\t2\n")


@pytest.mark.parametrize("kind", ["", "Policy", "a b", "policy v1 for x\n"])
def test_a_kind_is_one_plain_word(kind: str) -> None:
    with pytest.raises(UsageError):
        made(kind=kind)
