"""What guards must know of a person, folded over all rows of theirs, the cautious reading winning.

Zones of every row; the country, if rows agree on one; earlier messages to any point of theirs; and
every partner that has live consent, for all of these are asked. The instants of earlier messages
are rounded up to the quarter of an hour, which can only delay, so that persons with like histories
share one decision; exact instants are looked at again before each message goes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from consortium.campaign.columns import Ints, dense, sets
from consortium.policy.facts import PriorMessage
from consortium.store.audience_columns import PriorColumns, RowColumns
from consortium.store.audiences import UploadFacts
from consortium.types import PartnerSlug

__all__ = ["Traits", "fold"]

_QUARTER = timedelta(minutes=15)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Traits:
    """What guards know of a person, whichever contact point is meant (`policy.facts`)."""

    zones: tuple[str, ...]
    country: str
    prior: tuple[PriorMessage, ...]
    guarded_by: tuple[PartnerSlug, ...]


def fold(
    rows: RowColumns,
    *,
    person: Ints,
    persons: int,
    uploads: Sequence[UploadFacts],
    prior: PriorColumns,
    before: datetime,
) -> tuple[Ints, list[Traits]]:
    """The traits of every person.

    Args:
        rows: The audience's rows, by row id.
        person: Shape (rows,): the person of each, 0 to `persons` - 1.
        persons: How many.
        uploads: `rows.upload` counts in them.
        prior: Earlier messages, by row id.
        before: The instant that will be asked about; rounding stops there.

    Returns:
        Shape (persons,): index into the second result, the distinct traits.
    """
    zone_codes, zone_sets = sets(person, rows.zones, count=persons)
    countries = sorted({place.country for place in rows.places})
    country_of = np.array([countries.index(p.country) for p in rows.places], dtype=np.int64)
    country_codes, country_sets = sets(person, country_of[rows.place], count=persons)
    slugs = sorted({upload.partner for upload in uploads})
    slug_of = np.array([slugs.index(u.partner) for u in uploads], dtype=np.int64)
    guard_codes, guard_sets = sets(
        person[rows.live], slug_of[rows.upload[rows.live]], count=persons
    )
    prior_codes, histories = _histories(
        rows, person=person, persons=persons, prior=prior, before=before
    )
    codes, first = dense(zone_codes, country_codes, guard_codes, prior_codes)
    kinds = [
        Traits(
            zones=_names(zone_sets[zone_codes[i]], rows.zone_names),
            country=_one([countries[c] for c in country_sets[country_codes[i]]]),
            prior=histories[prior_codes[i]],
            guarded_by=tuple(slugs[s] for s in guard_sets[guard_codes[i]]),
        )
        for i in first
    ]
    return codes, kinds


def _histories(
    rows: RowColumns, *, person: Ints, persons: int, prior: PriorColumns, before: datetime
) -> tuple[Ints, list[tuple[PriorMessage, ...]]]:
    """Per person: index into the distinct histories, and these."""
    rounded = [PriorMessage(at=_later(m, before), channel=c) for m, c in prior.messages]
    at = np.minimum(np.searchsorted(rows.row, prior.row), len(rows.row) - 1)
    known = rows.row[at] == prior.row
    # Who holds the point by two rows saw one message; two messages at one time are still two. So
    # messages are collected, and only then rounded and compared.
    codes, found = sets(person[at[known]], prior.message[known], count=persons)
    histories: dict[tuple[PriorMessage, ...], int] = {}
    of_set = [
        histories.setdefault(tuple(sorted(rounded[m] for m in group)), len(histories))
        for group in found
    ]
    return np.array(of_set, dtype=np.int64)[codes], list(histories)


def _later(instant: datetime, before: datetime) -> datetime:
    quarters = -((_EPOCH - instant) // _QUARTER)
    return min(_EPOCH + quarters * _QUARTER, max(before, instant))


def _names(codes: tuple[int, ...], texts: Sequence[str]) -> tuple[str, ...]:
    return tuple(sorted({zone for code in codes for zone in texts[code].split()}))


def _one(values: Sequence[str]) -> str:
    known = [value for value in values if value]
    return known[0] if len(known) == 1 else ""
