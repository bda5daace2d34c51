"""The audience's order: a place for every person that no database id and no arrival decides.

A person is known here by the source row of theirs that comes first by (upload digest, row number).
HMAC-SHA-256 of that under the plan's order key puts all persons in order; the place in it, from 1,
is the pseudonym by which the plan, its leaves and reports speak of them. Whenever one of several
must be picked (who holds a shared address, who is among the 40 of a class that an owner gets), it
is the first in this order.

A plan's secret is 32 random bytes. The order key, which an auditor needs in the end, and the salts
of the leaves' commitments, which nobody is given as a whole, are derived from it separately.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from typing import Final

import numpy as np

from consortium.campaign.columns import Ints
from consortium.ledger.commit import leaf_salt
from consortium.store.audience_columns import RowColumns
from consortium.store.audiences import UploadFacts

__all__ = ["leaf_secret", "order_key", "places", "row_salt"]

_LABEL: Final = b"consortium/v1|person|"


def order_key(secret: bytes) -> bytes:
    """The key that orders a plan's persons: 32 bytes, of the plan's secret."""
    return hmac.digest(secret, b"consortium/v1|order", "sha256")


def leaf_secret(secret: bytes) -> bytes:
    """What the salts of a plan's leaves are derived from: 32 bytes, of the plan's secret."""
    return hmac.digest(secret, b"consortium/v1|leaves", "sha256")


def row_salt(leaf_secret: bytes, *, plan: int, number: int) -> bytes:
    """The salt of the row commitment in the leaf of person `number` of plan `plan`."""
    return leaf_salt(leaf_secret, purpose=f"row|{plan}", number=number)


def places(rows: RowColumns, *, person: Ints, uploads: Sequence[UploadFacts], key: bytes) -> Ints:
    """Each person's place in the keyed-hash order. 1.5 µs a person.

    Args:
        rows: The audience's rows.
        person: Shape (rows,): the person of each, from 0 without gaps, numbered in any way.
        uploads: Sorted by digest; `rows.upload` counts in them.
        key: From `order_key`.

    Returns:
        Shape (persons,): place of each, from 0.
    """
    by_name = np.lexsort((rows.number, rows.upload, person))
    _, first = np.unique(person[by_name], return_index=True)
    chosen = by_name[first]
    heads = [_LABEL + upload.digest for upload in uploads]
    hashes = b"".join(
        hmac.digest(key, heads[upload] + number.to_bytes(8, "big"), "sha256")
        for upload, number in zip(
            rows.upload[chosen].tolist(), rows.number[chosen].tolist(), strict=True
        )
    )
    words = np.frombuffer(hashes, dtype=">u8").reshape(-1, 4)
    place = np.empty(len(chosen), dtype=np.int64)
    place[np.lexsort(words.T[::-1])] = np.arange(len(chosen))
    return place
