"""The examples on the format pages are real ones."""

from __future__ import annotations

import re
from pathlib import Path

from consortium.vault import cards, signed
from consortium.vault.keys import PassphraseKeys

PAGES = Path(__file__).parents[3] / "docs/formats"


def examples(page: str) -> list[str]:
    """The text blocks after the heading Example."""
    content = (PAGES / page).read_text(encoding="utf-8").partition("## Example")[2]
    return re.findall(r"```text\n(.*?)```", content, re.DOTALL)


def test_the_cards_on_the_page_are_cards() -> None:
    partner, consortium = examples("cards.md")
    assert cards.decode_partner(partner).name == "Oregon Nurses"
    card = cards.decode_consortium(consortium)
    assert card.dot_insensitive_domains == ("mail.example.org",)


def test_the_signed_document_on_the_page_verifies_with_the_card_on_the_other() -> None:
    (document,) = examples("signed-documents.md")
    verifier = signed.partner_verifier(cards.decode_partner(examples("cards.md")[0]))
    opened = signed.open_document(
        "policy", document, origin="portland.example.org/votes", verifier=verifier
    )
    assert opened == 'policy = 1\npartner = "nurses"\n'


def test_the_key_file_on_the_page_opens_with_its_passphrase(tmp_path: Path) -> None:
    (file,) = examples("key-files.md")
    path = tmp_path / "match.key"
    path.write_text(file, encoding="utf-8")
    path.chmod(0o600)
    keys = PassphraseKeys(tmp_path, lambda _name: "correct horse battery staple")
    assert keys.open("match") == bytes(32)
