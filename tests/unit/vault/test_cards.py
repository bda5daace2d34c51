from __future__ import annotations

from dataclasses import replace

import pytest

from consortium.errors import BadFile, EvidenceError, UsageError
from consortium.ledger import note
from consortium.testing.keys import MemoryKeys
from consortium.types import PartnerSlug
from consortium.vault import cards, signed

NURSES_KEYS, HOST_KEYS = MemoryKeys.partner(), MemoryKeys.host()
NURSES = cards.partner_card(
    NURSES_KEYS,
    slug=PartnerSlug("nurses"),
    name="Oregon Nurses — SEIU “49”",
    postal_address="1 Main Street: Suite 4, Portland, OR 97201",
    from_address="gotv@m.nurses.example.org",
)
PORTLAND = cards.consortium_card(
    HOST_KEYS,
    name="Portland together",
    origin="example.org/portland",
    dot_insensitive_domains=("mail.example.org", "post.example.net"),
)


def partner_text() -> str:
    return cards.encode_partner(NURSES, sign_key=NURSES_KEYS.open("sign"))


def consortium_text() -> str:
    return cards.encode_consortium(PORTLAND, ledger_key=HOST_KEYS.open("ledger"))


def test_cards_come_back_as_they_were() -> None:
    assert cards.decode_partner(partner_text()) == NURSES
    assert cards.decode_consortium(consortium_text()) == PORTLAND


def test_a_card_shows_its_fingerprint() -> None:
    assert f"fingerprint: {NURSES.fingerprint}\n" in partner_text()
    assert f"fingerprint: {PORTLAND.fingerprint}\n" in consortium_text()


def test_every_changed_character_is_found() -> None:
    for text, decode in (
        (partner_text(), cards.decode_partner),
        (consortium_text(), cards.decode_consortium),
    ):
        for at, character in enumerate(text):
            changed = text[:at] + ("x" if character != "x" else "y") + text[at + 1 :]
            with pytest.raises((BadFile, EvidenceError)):
                decode(changed)  # type: ignore[operator] # one or the other


def test_a_card_for_another_key_needs_that_keys_signature() -> None:
    theirs = replace(NURSES, sign_key=MemoryKeys.partner().open("sign"))
    text = cards.encode_partner(theirs, sign_key=NURSES_KEYS.open("sign"))
    with pytest.raises(EvidenceError):
        cards.decode_partner(text)


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: "",
        lambda text: "email,first\nann@example.org,Ann\n",
        lambda text: text.partition("\n\n")[0],
        lambda text: text[: len(text) // 2],
        lambda text: text.replace("name:", "Name:"),
        lambda text: text + text,
        lambda text: text.replace("\n", "\r\n"),
        lambda text: "x" * 100_000,
    ],
)
def test_what_is_not_a_card_is_refused(damage: object) -> None:
    assert callable(damage)
    for text, decode in (
        (partner_text(), cards.decode_partner),
        (consortium_text(), cards.decode_consortium),
    ):
        with pytest.raises((BadFile, EvidenceError)):
            decode(damage(text))  # type: ignore[operator] # one or the other


def test_a_card_of_the_other_kind_is_refused() -> None:
    with pytest.raises(BadFile, match="not a partner's card"):
        cards.decode_partner(consortium_text())
    with pytest.raises(BadFile, match="not a consortium's card"):
        cards.decode_consortium(partner_text())


def test_a_second_spelling_signed_by_the_owner_is_refused() -> None:
    signer = signed.partner_signer(NURSES.slug, sign_key=NURSES_KEYS.open("sign"))
    lines = partner_text().partition("\n\n")[0].split("\n")
    swapped = [lines[0], lines[2], lines[1], *lines[3:]]
    doubled = [*lines, lines[-1]]
    for spelling in (swapped, doubled, [*lines, "more: than it may"]):
        with pytest.raises(BadFile):
            cards.decode_partner(note.sign("\n".join(spelling) + "\n", [signer]))


def test_a_further_signature_is_refused() -> None:
    other = note.sign("x\n", [signed.ledger_signer("a.example", ledger_key=bytes(32))])
    with pytest.raises(BadFile):
        cards.decode_partner(partner_text() + other.rpartition("\n\n")[2])


@pytest.mark.parametrize(
    "changes",
    [
        {"slug": PartnerSlug("Nurses")},
        {"name": "two\nlines"},
        {"name": ""},
        {"from_address": "no address"},
        {"postal_address": "x" * 500},
    ],
)
def test_values_that_would_break_the_format_are_not_written(changes: dict[str, str]) -> None:
    with pytest.raises(UsageError, match="is not usable"):
        cards.encode_partner(
            replace(NURSES, **changes),  # type: ignore[arg-type] # strings all
            sign_key=NURSES_KEYS.open("sign"),
        )


def test_a_consortium_without_an_age_recipient_is_refused() -> None:
    with pytest.raises(UsageError, match="age recipient"):
        cards.encode_consortium(
            replace(PORTLAND, intake_recipient="age1nonsense"), ledger_key=HOST_KEYS.open("ledger")
        )
