"""What a row's word on one channel means for each of its addresses, or numbers.

A status may speak of the channel (`Do Not Email`) or of one column of contact points
(`email2_is_bad`). A refusal of the channel blocks all of them; a refusal of one blocks that one, in
whatever columns of the row it stands, and leaves the others as they are. What a status says of one
goes before what is said of the channel, but never turns the channel's no into a yes.

A row has one consent for a channel. So only those are sent with it that have that very consent:
where one address is subscribed and another is not, the other is left out. The day is the oldest of
theirs, or none if one of them has none.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from consortium.model import Consent, ConsentBasis
from consortium.pack.consent import NOTHING, Standing

__all__ = ["Own", "Settled", "cause_of", "settle"]

Own = tuple[tuple[int, Standing], ...]
"""Columns of contact points whose own statuses say something, and what."""

_DEAD = "bounced"


@dataclass(frozen=True, slots=True)
class Settled:
    """What becomes of a row's contact points on a channel, each by its index.

    Attributes:
        consent: What is claimed for those that are kept.
        kept: May be sent with the row.
        blocked: With why, a `PackOptOut.cause`.
        without: Left out, because they have not the consent that others have.
    """

    consent: Consent
    kept: tuple[int, ...]
    blocked: tuple[tuple[int, str], ...] = ()
    without: tuple[int, ...] = ()


def settle(channel: Standing, own: Own, points: Sequence[Sequence[int]]) -> Settled:
    """What becomes of the contact points of one row.

    Args:
        channel: How the row stands on the channel.
        own: What statuses of single columns say.
        points: Of each contact point, those columns of `own` in which it stands.
    """
    said = dict(own)
    each = [_of_point(channel, [said[column] for column in columns]) for columns in points]
    blocked = tuple((at, one.refusal) for at, one in enumerate(each) if one.refusal)
    free = [at for at, one in enumerate(each) if not one.refusal]
    agreed = [at for at in free if each[at].consent.basis is not ConsentBasis.NONE]
    if not agreed:
        return Settled(NOTHING.consent if points else channel.consent, tuple(free), blocked)
    basis = each[agreed[0]].consent.basis
    kept = tuple(at for at in agreed if each[at].consent.basis is basis)
    days = [each[at].consent.on for at in kept]
    dated = [day for day in days if day is not None]
    consent = Consent(basis, min(dated) if len(dated) == len(days) else None)
    return Settled(consent, kept, blocked, tuple(at for at in free if at not in kept))


def cause_of(causes: Iterable[str]) -> str:
    """The one cause of several that is told: that somebody said no before that mail came back."""
    found = list(causes)
    return next((cause for cause in found if cause != _DEAD), found[0] if found else "")


def _of_point(channel: Standing, own: Sequence[Standing]) -> Standing:
    refusal = cause_of(one.refusal for one in (channel, *own) if one.refusal)
    if refusal:
        return Standing(refusal=refusal)
    if channel.no or any(one.no for one in own):
        return NOTHING
    return next((one for one in own if one.consent.basis is not ConsentBasis.NONE), channel)
