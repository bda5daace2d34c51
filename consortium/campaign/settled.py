"""Persons whose answer earlier messages of the campaign have settled.

Whoever had a message, or has one that was tried, keeps it; whoever else is at that address gets
none, by this or any other address. A message that a rule stopped for good is not tried again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from consortium.campaign.choice import Kept
from consortium.campaign.columns import Ints
from consortium.model import MessageState
from consortium.policy.decision import ALLOW, Decision, Refuse
from consortium.store.audience_columns import PointColumns, RowColumns
from consortium.store.audiences import KeptMessage, UploadFacts
from consortium.types import PartnerSlug

__all__ = ["settled"]

_GONE: Final = Refuse(rule="one_message", partner=None, reason="already_written_to")


def settled(
    kept: Sequence[KeptMessage],
    *,
    rows: RowColumns,
    person: Ints,
    points: PointColumns,
    uploads: Sequence[UploadFacts],
    owners: Sequence[PartnerSlug],
) -> list[Kept]:
    """The settled persons, each once, by index.

    Args:
        kept: The campaign's messages that stay, oldest first.
        rows: The audience's rows, by row id.
        person: Shape (rows,): index of each row's person.
        points: Contact points of the campaign's channel.
        uploads: `rows.upload` counts in them.
        owners: `Kept.owner` counts in them.
    """
    if not kept:
        return []
    at = np.minimum(np.searchsorted(rows.row, points.row), len(rows.row) - 1)
    wanted = np.isin(points.point, [m.point_id for m in kept]) & (rows.row[at] == points.row)
    holders: dict[int, set[int]] = {}
    for point, holder in zip(
        points.point[wanted].tolist(), person[at[wanted]].tolist(), strict=True
    ):
        holders.setdefault(point, set()).add(holder)
    found: dict[int, Kept] = {}
    for message in kept:
        place = int(np.searchsorted(rows.row, message.row_id))
        is_here = place < len(rows.row) and int(rows.row[place]) == message.row_id
        if not is_here or message.state is MessageState.STOPPED:
            continue
        who = int(person[place])
        owner = owners.index(uploads[int(rows.upload[place])].partner)
        found.setdefault(who, Kept(who, ALLOW, owner=owner, row=place, point=message.point_id))
    for message in kept:
        for who in holders.get(message.point_id, ()):
            found.setdefault(who, Kept(who, _why(message)))
    return [found[who] for who in sorted(found)]


def _why(message: KeptMessage) -> Decision:
    if message.state is MessageState.STOPPED and message.rule and message.reason:
        return Refuse(rule=message.rule, partner=None, reason=message.reason)
    return _GONE
