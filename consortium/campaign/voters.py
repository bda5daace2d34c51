"""What voter files say of a plan's persons: who is in a named place, by which file, who has voted.

A person reaches a place by the match of any of their rows. A voter file counts for a campaign if it
is licensed for the campaign's purpose to its last instant. Who is in the audience only by a file
gets no message in the name of a partner that the file is not licensed to; who is left out by one,
or has voted by it, is left out for everybody. When a file that places rest on ends, nothing more is
sent until the campaign has been planned again; who has voted by it has voted all the same.

Places may be named by the end of their path (`county:Wake`) where only one place of the kind ends
so; a name that no file knows, or that fits several places, refuses the plan.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from consortium.campaign.audience import VoterPlace
from consortium.campaign.columns import Ints
from consortium.campaign.document import CampaignDocument
from consortium.documents import shown
from consortium.errors import PolicyRefused
from consortium.model import PlaceKind
from consortium.store import places, voters
from consortium.store import voted as who_has_voted
from consortium.store.audience_columns import RowColumns
from consortium.store.audiences import UploadFacts
from consortium.store.engine import Tx
from consortium.store.voters import LoadRecord
from consortium.types import EntryIndex, PartnerSlug

__all__ = ["NOTHING", "VoterEvidence", "has_lost", "hold", "read", "resolve"]

_NONE = np.zeros(0, dtype=np.int64)
_NO = np.zeros(0, dtype=bool)


@dataclass(frozen=True, slots=True)
class VoterEvidence:
    """What voter files say; one element of `row`, `load`, `inside`, `outside` per matched row.

    Attributes:
        row: Source row id.
        load: Index into `licensed`.
        inside, outside: Whether the voter is in an included place, in an excluded one.
        licensed: Per file: the partners whose messages may rest on it.
        voted: Ids of rows whose voter has voted, if the campaign spares them.
        loads: Ids of the files, in the order of `licensed`.
    """

    row: Ints = field(default_factory=lambda: _NONE)
    load: Ints = field(default_factory=lambda: _NONE)
    inside: npt.NDArray[np.bool_] = field(default_factory=lambda: _NO)
    outside: npt.NDArray[np.bool_] = field(default_factory=lambda: _NO)
    licensed: tuple[frozenset[PartnerSlug], ...] = ()
    voted: Ints = field(default_factory=lambda: _NONE)
    loads: tuple[int, ...] = ()

    def included(self, rows: RowColumns, person: Ints, *, persons: int) -> npt.NDArray[np.bool_]:
        """Shape (persons,): who is in an included place by some file."""
        return self._persons(self.row[self.inside], rows, person, persons)

    def left_out(self, rows: RowColumns, person: Ints, *, persons: int) -> npt.NDArray[np.bool_]:
        """Shape (persons,): who is in an excluded place, or has voted."""
        out = np.concatenate([self.row[self.outside], self.voted])
        return self._persons(out, rows, person, persons)

    def barred(
        self,
        rows: RowColumns,
        person: Ints,
        *,
        otherwise: npt.NDArray[np.bool_],
        uploads: Sequence[UploadFacts],
    ) -> npt.NDArray[np.bool_]:
        """Shape (rows,): rows in whose owner's name nothing may go by these files.

        Args:
            rows: Source rows.
            person: Shape (rows,): the person of each.
            otherwise: Shape (persons,): who is in the audience without any file.
            uploads: `rows.upload` counts in them.
        """
        may = otherwise[person]
        for load, licensed in enumerate(self.licensed):
            of_load = self.row[self.inside & (self.load == load)]
            here = self._persons(of_load, rows, person, len(otherwise))
            owner = np.array([u.partner in licensed for u in uploads], dtype=bool)
            may = may | (here[person] & owner[rows.upload])
        return ~may

    @staticmethod
    def _persons(
        found: Ints, rows: RowColumns, person: Ints, persons: int
    ) -> npt.NDArray[np.bool_]:
        mask = np.zeros(persons, dtype=bool)
        mask[person[np.isin(rows.row, found)]] = True
        return mask


NOTHING = VoterEvidence()
"""Of a campaign that asks no voter file anything."""


def read(tx: Tx, asked: CampaignDocument) -> VoterEvidence:
    """What voter files say for a campaign.

    Args:
        tx: A reading transaction.
        asked: The campaign's document.

    Raises:
        PolicyRefused: The document names a place that no file licensed for it knows, or that fits
            several places.
    """
    rule = asked.rule
    include = [p for p in rule.include if isinstance(p, VoterPlace)]
    exclude = [p for p in rule.exclude if isinstance(p, VoterPlace)]
    if not (include or exclude or asked.spares_voted):
        return NOTHING
    usable = voters.usable(tx, at=asked.deadline)
    loads = [load for load in usable if asked.purpose in load.purposes]
    voted: set[int] = set()
    if asked.spares_voted:
        voted = who_has_voted.rows(tx, purpose=asked.purpose)
    ends = np.array(sorted(voted), dtype=np.int64)
    if not (include or exclude):
        return VoterEvidence(voted=ends)
    ids = [load.id for load in loads]
    links = places.links(tx, loads=ids)
    number = {load: i for i, load in enumerate(ids)}

    def lies(named: list[VoterPlace]) -> npt.NDArray[np.bool_]:
        wanted = [(PlaceKind(p.kind), resolve(tx, p, loads=loads)) for p in named]
        sets = places.sets_of(tx, wanted, loads=ids)
        pairs = zip(links.load.tolist(), links.place_set.tolist(), strict=True)
        return np.fromiter((pair in sets for pair in pairs), dtype=bool, count=len(links.row))

    return VoterEvidence(
        row=links.row,
        load=np.array([number[load] for load in links.load.tolist()], dtype=np.int64),
        inside=lies(include),
        outside=lies(exclude),
        licensed=tuple(frozenset(load.licensed) for load in loads),
        voted=ends,
        loads=tuple(ids),
    )


def hold(tx: Tx, evidence: VoterEvidence) -> bool:
    """Whether what was read counts still; if so, it does until the transaction ends.

    A file can thus not end between this look and the ledger entry of a plan that rests on it, and
    `has_lost` finds every end that the plan does not know of.
    """
    return voters.hold(tx, evidence.loads)


def has_lost(tx: Tx, asked: CampaignDocument, *, planned: EntryIndex) -> bool:
    """Whether a voter file that a plan's places rest on has ended since the plan was made.

    Args:
        tx: A transaction.
        asked: The campaign's document.
        planned: The ledger entry that put its plan in force.
    """
    rule = asked.rule
    if not any(isinstance(named, VoterPlace) for named in (*rule.include, *rule.exclude)):
        return False
    return voters.ended_after(tx, planned, purpose=asked.purpose, at=asked.deadline)


def resolve(tx: Tx, place: VoterPlace, *, loads: Sequence[LoadRecord]) -> str:
    """The path of a named place.

    Raises:
        PolicyRefused: No file that counts knows it, or it fits several.
    """
    known = places.paths(tx, PlaceKind(place.kind), loads=[load.id for load in loads])
    if place.path in known:
        return place.path
    ending = [path for path in known if path.endswith(f"/{place.path}")]
    if len(ending) == 1:
        return ending[0]
    if ending:
        raise PolicyRefused(
            f"{shown(str(place))} fits {len(ending)} places",
            hint=f"Write its whole path, like {place.kind}:{ending[0]}",
        )
    raise PolicyRefused(
        f"no voter file that is licensed for this campaign knows {shown(str(place))}",
        hint="All places: consortium voters places. Licences: consortium voters list",
    )
