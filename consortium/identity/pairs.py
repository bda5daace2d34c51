"""Which of its own rows an owner's own lists join, so that it can say "not the same".

An owner knows its people and may be asked. But what it is shown must not speak of others: two of
its rows that are one person only because a third list has a row between them would tell it that
somebody else knows that person, and how. So the question is not "which of your rows are one
person?" but "which would be, if there were no lists but yours?". The merge is worked out over the
owner's active rows alone, with nothing but its own word of never-merge pairs; every partner could
work out the same from its own lists. What others bring, what the operator has said, and what the
merge in use made of it neither add a group nor take one away.

So some questions are moot (others' rows may have kept the two apart already), and rows that only
others' evidence joins are never asked about: these are for the operator's `merge split`.

Rows that say exactly the same are one question, since nothing tells them apart. The file that the
owner is handed names its rows by list and number, with the record ids that it sealed for itself;
nobody else can read these. Format: docs/formats/never-merge.md.
"""

from __future__ import annotations

import base64
import binascii
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from consortium.errors import BadFile, EvidenceError
from consortium.identity.decisions import Never
from consortium.identity.judging import MatchOpener, judge
from consortium.identity.reading import all_components
from consortium.ledger import canonical
from consortium.model.progress import Observer
from consortium.store import decisions, merge_keys, partners, state
from consortium.store.decisions import NamedRow
from consortium.store.engine import Database
from consortium.types import PartnerSlug, UploadDigest

__all__ = ["MOST_GROUPS", "OwnPairs", "OwnRow", "decode_pairs", "own_pairs"]

MOST_GROUPS: Final = 5_000
"""Most groups in one file; the rest is asked once these are answered."""

_Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


@dataclass(frozen=True, slots=True)
class OwnRow:
    """A row, as its owner is asked about it.

    Attributes:
        upload, number: What it is known as for ever.
        list_name: What the owner calls the list.
        record_id: As the owner sealed it; None if the list has none.
    """

    upload: UploadDigest
    number: int
    list_name: str
    record_id: bytes | None

    def plain(self) -> dict[str, Any]:
        """As it is written; the values are JSON."""
        return {
            "upload": self.upload.hex(),
            "row": self.number,
            "list": self.list_name,
            "record": None if self.record_id is None else base64.b64encode(self.record_id).decode(),
        }


@dataclass(frozen=True, slots=True)
class OwnPairs:
    """What an owner is asked.

    Attributes:
        groups: Rows that the owner's own lists would make one person; two or more in each, those
            of earlier uploads and lower numbers first.
        left_out: How many groups more there are.
    """

    partner: PartnerSlug
    origin: str
    groups: tuple[tuple[OwnRow, ...], ...]
    left_out: int = 0

    def encode(self) -> str:
        """The file that the owner is handed; one line of canonical JSON."""
        document: Any = {  # JSON
            "kind": "own-pairs",
            "version": 1,
            "origin": self.origin,
            "partner": self.partner,
            "groups": [[row.plain() for row in group] for group in self.groups],
            "left_out": self.left_out,
        }
        return canonical.encode(document).decode() + "\n"


def own_pairs(
    database: Database, partner: str, *, match_opener: MatchOpener, observer: Observer
) -> OwnPairs:
    """Which of a partner's rows its own lists join. A function of that partner's rows and word.

    Args:
        database: The store.
        partner: Whom to ask.
        match_opener: Opens the match blocks of that partner's rows.
        observer: Told of rows judged.

    Raises:
        NotFound: No such partner.
        EvidenceError: A match block was altered or belongs elsewhere.
    """
    with database.read() as tx:
        owner = partners.get(tx, PartnerSlug(partner))
        origin = state.get(tx).origin
        uploads = [
            upload
            for upload in merge_keys.uploads(tx, state.merge_generation(tx))
            if upload.active and upload.owner == owner.slug
        ]
        found = all_components(tx, uploads)
        cluster = judge(
            tx,
            found,
            uploads=uploads,
            never=Never(decisions.pairs(tx, said_by=owner.id)),
            scored=None,
            origin=origin,
            opener=match_opener,
            observer=observer,
            workers=0,
        )
        members: dict[int, list[int]] = defaultdict(list)
        for row, person in zip(found.keys.row.tolist(), cluster.tolist(), strict=True):
            members[person].append(row)
        several = [rows for rows in members.values() if len(rows) > 1]
        named = {
            int(row.id): row for row in decisions.sources_of(tx, sorted(set().union(*several)))
        }
    groups = [_different([named[row] for row in rows]) for rows in several]
    asked = sorted((g for g in groups if len(g) > 1), key=lambda group: _place(group[0]))
    return OwnPairs(
        owner.slug,
        origin,
        tuple(tuple(map(_own, group)) for group in asked[:MOST_GROUPS]),
        max(0, len(asked) - MOST_GROUPS),
    )


def _different(rows: Iterable[NamedRow]) -> list[NamedRow]:
    """One row for each thing that is said, in order."""
    first: dict[bytes, NamedRow] = {}
    for row in sorted(rows, key=_place):
        first.setdefault(row.content, row)
    return list(first.values())


def _place(row: NamedRow) -> tuple[int, str, int]:
    """By upload, oldest first, and number."""
    return len(row.upload), row.upload, row.source[1]


def _own(row: NamedRow) -> OwnRow:
    return OwnRow(row.source[0], row.source[1], row.list_name, row.record_id)


class _Row(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)
    upload: _Digest
    row: Annotated[int, Field(ge=1)]
    list: str
    record: str | None


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)
    kind: Literal["own-pairs"]
    version: Literal[1]
    origin: str
    partner: str
    groups: Sequence[Sequence[_Row]]
    left_out: Annotated[int, Field(ge=0)]


def decode_pairs(text: str, *, partner: PartnerSlug, origin: str) -> OwnPairs:
    """Read the file on the owner's machine.

    Args:
        text: What `OwnPairs.encode` made.
        partner, origin: For whom and for which consortium it must be.

    Raises:
        BadFile: Not such a file, or for somebody else.
    """
    try:
        read = _File.model_validate(canonical.decode(text.rstrip("\n").encode()))
        groups = tuple(tuple(map(_read, group)) for group in read.groups)
    except (EvidenceError, ValidationError, binascii.Error) as error:
        raise BadFile(
            "this is no file of questions about rows, or of a version this program does not know",
            hint="The host makes it: consortium merge pairs PARTNER",
        ) from error
    if (read.partner, read.origin) != (partner, origin):
        other = read.partner if read.partner != partner else f"{read.partner} of {read.origin}"
        raise BadFile(
            f"this file asks {other}, and this is the home of {partner}",
            hint=f"Give it to {other}, or ask the host for yours: consortium merge pairs {partner}",
        )
    return OwnPairs(partner, origin, groups, read.left_out)


def _read(row: _Row) -> OwnRow:
    return OwnRow(
        UploadDigest(bytes.fromhex(row.upload)),
        row.row,
        row.list,
        None if row.record is None else base64.b64decode(row.record, validate=True),
    )
