"""Previews show the whole message and nobody real."""

from __future__ import annotations

from consortium.campaign.document import parse
from consortium.campaign.preview import preview
from consortium.model import PartnerCard
from consortium.types import PartnerSlug
from tests.harness.campaigning import CAMPAIGN

NURSES = PartnerCard(
    slug=PartnerSlug("nurses"),
    name="Oregon Nurses",
    postal_address="1 Main Street, Portland",
    from_address="gotv@nurses.example.org",
    sign_key=bytes(32),
    receive_key=bytes(32),
)


def test_preview_shows_subject_body_footer_and_sender_for_each_made_up_person() -> None:
    found = preview(parse(CAMPAIGN), [NURSES])
    assert [one.to for one in found][:2] == ["Dana Okafor", "Zoë Nuñez"]
    first, nobody = found[0], found[-1]
    assert first.sender == "Oregon Nurses <gotv@nurses.example.org>"
    assert first.subject == "Dana, your drop box is open until 8 tonight"
    assert first.body == (
        "Hi Dana,\n\nit closes at 8 tonight.\n\n-- \nOregon Nurses, 1 Main Street, Portland\n"
        "To get no more of these, write to unsubscribe+example@nurses.example.org.\n"
    )
    assert nobody.to == ""
    assert nobody.subject.startswith("Neighbor, ")
    assert nobody.body.startswith("Hi neighbor,\n")
