"""What a partner looks at before it answers: the request as a screen, on its own machine."""

from __future__ import annotations

from dataclasses import dataclass

from consortium.campaign.preview import Preview, preview
from consortium.campaign.request import Request, open_request
from consortium.model import ConsortiumCard, PartnerCard

__all__ = ["Review", "review"]


@dataclass(frozen=True, slots=True)
class Review:
    """Everything a partner must see.

    Attributes:
        request: The request, verified; `approve` and `decline` take it.
        audience: The audience rule in words: included places, then excluded ones.
        previews: Every text in the partner's own name, for made-up people.
    """

    request: Request
    audience: tuple[tuple[str, ...], tuple[str, ...]]
    previews: tuple[Preview, ...]


def review(text: str, *, partner: PartnerCard, card: ConsortiumCard) -> Review:
    """Open a request for the screen.

    Args:
        text: The request's file.
        partner: The reader's own card.
        card: The consortium's card, whose fingerprint has been compared.

    Raises:
        EvidenceError, DocumentError: As for `request.open_request`.
    """
    request = open_request(text, partner=partner.slug, card=card)
    rule = request.document.rule
    spared = any(item.returned_ballot for item in request.document.audience.exclude)
    without = (*map(str, rule.exclude), *(("whoever has voted",) if spared else ()))
    return Review(
        request=request,
        audience=(tuple(map(str, rule.include)), without),
        previews=tuple(preview(request.document, [partner])),
    )
