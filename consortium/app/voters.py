"""Voter files, on the host: loaded under a licence, matched, named as places; who has voted."""

from __future__ import annotations

import builtins
import hashlib
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from pathlib import Path

from consortium import voters
from consortium.app.context import Context
from consortium.app.keyring import profile_of, tokeniser
from consortium.campaign import document
from consortium.campaign.states import OVER
from consortium.errors import BadFile, StateConflict
from consortium.model import PlaceKind, Purpose
from consortium.pack.source import Source, open_list
from consortium.store import campaigns, returned, state, voter_links
from consortium.store import voters as voter_store
from consortium.store.returned import ReturnedRecord
from consortium.store.voters import LoadRecord
from consortium.types import CampaignName, PartnerSlug
from consortium.voters import (
    LoadResult,
    MatchResult,
    OwnRate,
    PlacesShown,
    RawVoters,
    ReturnedResult,
    VoterFile,
)
from consortium.workers import usable_cores

__all__ = ["Voters"]


class Voters:
    """The voter files of an open consortium."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def load(
        self,
        path: Path,
        *,
        licensed: Sequence[str],
        purposes: Sequence[Purpose],
        until: date,
        layout: str | None = None,
        register: str | None = None,
        history: Path | None = None,
    ) -> LoadResult:
        """Load a voter file or register, all of it or nothing.

        Args:
            path: The file, of any kind that a list may be.
            licensed, purposes, until: Whose messages may rest on it, what for, and to which day.
            layout: Its layout; None: recognised.
            register: Whose ids it has; None: the layout's name.
            history: A file with a row for each voter and election.

        Raises:
            BadFile: It cannot be read, or is no voter file that is known here.
            NotFound: A licensed partner is not admitted.
            UsageError: The licence has ended, or there is no such layout.
            StateConflict: It is loaded already, or another load is running.
            KeyFailure, StoreFailure: Keys or database cannot be used.
        """
        context = self._context
        return voters.load(
            context.database,
            _opened(path),
            licensed=[PartnerSlug(slug) for slug in licensed],
            purposes=purposes,
            until=until,
            consortium=context.card,
            tokeniser=tokeniser(context),
            profile=profile_of(context.card),
            match_key=context.keys.open("match"),
            clock=context.clock,
            layout=layout,
            register=register,
            history=None if history is None else _opened(history),
            workers=max(0, usable_cores() - 1),
            observer=context.observer,
        )

    def list(self) -> builtins.list[LoadRecord]:
        """Every voter file, oldest first; those being loaded are not shown."""
        with self._context.database.read() as tx:
            return voter_store.all_of(tx)

    def show(self, name: str) -> LoadRecord:
        """One voter file by its name, `v-3`.

        Raises:
            NotFound: There is none.
        """
        with self._context.database.read() as tx:
            return voter_store.get(tx, name)

    def end(self, name: str) -> LoadRecord:
        """Make a voter file count no more, at once, and delete it; who has voted stays known.

        Raises:
            NotFound: There is none of that name.
            StateConflict: It has ended, or a load or a list is being read.
        """
        context = self._context
        return voters.end(context.database, name, clock=context.clock, reason="withdrawn")

    def due(self) -> builtins.list[LoadRecord]:
        """Voter files whose last day is over and that `expire` would end."""
        with self._context.database.read() as tx:
            return voter_store.due(tx, at=self._context.clock.now())

    def expire(self) -> builtins.list[LoadRecord]:
        """End every voter file whose licence is over."""
        return voters.expire(self._context.database, clock=self._context.clock)

    def match(self, *, full: bool = False) -> builtins.list[MatchResult]:
        """Look for persons in every voter file that counts; needs the match key alone.

        Raises:
            StateConflict: No file counts, there are no persons, or another match is running.
        """
        context = self._context
        return voters.match(
            context.database,
            match_key=context.keys.open("match"),
            clock=context.clock,
            observer=context.observer,
            full=full,
        )

    def behind(self) -> builtins.list[str]:
        """Voter files that count and in which people were not looked for whom a merge made."""
        context = self._context
        found = []
        with context.database.read() as tx:
            now = state.merge_generation(tx)
            for load in voter_store.usable(tx, at=context.clock.now()):
                last = voter_links.latest(tx, load.id)
                since = 0 if last is None else last.generation
                if voter_links.any_changed_since(tx, since, now=now):
                    found.append(load.name)
        return found

    def places(self, *, kind: PlaceKind | None = None, under: str = "") -> PlacesShown:
        """Places with their voters and matched people in round figures; needs no key."""
        context = self._context
        return voters.places_shown(
            context.database, at=context.clock.now(), kind=kind, under=under.upper()
        )

    def rate_of(self, partner: str) -> builtins.list[OwnRate]:
        """What a partner's own rows alone find in the files licensed to it.

        Raises:
            NotFound: There is no such partner.
        """
        context = self._context
        return voters.rate_of_owner(
            context.database,
            PartnerSlug(partner),
            match_key=context.keys.open("match"),
            clock=context.clock,
            observer=context.observer,
        )

    def returned(
        self,
        path: Path,
        *,
        as_of: datetime | None = None,
        register: str | None = None,
        column: str | None = None,
    ) -> ReturnedResult:
        """Read a list of who has voted.

        Args:
            path: The list.
            as_of: When it was true; None: when the file was last written.
            register: Whose ids it has; None: the one register that is loaded.
            column: The column with the ids; None: called as in the voter file.

        Raises:
            BadFile: It cannot be read, or none of its ids is known.
            StateConflict: No voter file counts, or another list is being read.
            UsageError: Which register or column is meant cannot be told; `as_of` is yet to come.
        """
        context = self._context
        file = _opened(path)
        written = datetime.fromtimestamp(path.stat().st_mtime, tz=UTC)
        return voters.read_returned(
            context.database,
            file,
            match_key=context.keys.open("match"),
            as_of=as_of or min(written, context.clock.now()),
            clock=context.clock,
            register=register,
            column=column,
            observer=context.observer,
        )

    def sparing(self) -> builtins.list[CampaignName]:
        """Campaigns that leave out who has voted and are not over."""
        context = self._context
        now = context.clock.now()
        with context.database.read() as tx:
            return [
                campaign.name
                for campaign in campaigns.all_of(tx)
                if campaign.state not in OVER
                and now <= campaign.not_after
                and document.parse(campaign.document, name=campaign.name).spares_voted
            ]

    def forget(self, register: str) -> int:
        """Who has voted by the lists of a register counts no more: the election is over.

        Returns:
            How many lists counted.

        Raises:
            NotFound: No list of that register counts.
            StateConflict: A campaign that leaves out who has voted is not over, or a list is being
                read.
        """
        known = any(newest.register == register for newest in self.newest_lists())
        if known and (sparing := self.sparing()):
            raise StateConflict(
                f"campaign {sparing[0]} leaves out who has voted and is not over",
                hint=f"Wait for its end, or: consortium campaign stop {sparing[0]} --reason …",
            )
        return voters.forget(self._context.database, register, clock=self._context.clock)

    def newest_lists(self) -> builtins.list[ReturnedRecord]:
        """The newest list of who has voted that counts, of each register."""
        with self._context.database.read() as tx:
            return returned.latest(tx)


def _opened(path: Path) -> VoterFile:
    """A file, found readable, with its digest."""
    source = open_list(path, known=voters.is_known)
    return VoterFile(
        name=source.name,
        digest=_digest(path),
        headers=source.headers,
        batches=lambda: _batches(source),
        size_bytes=source.size_bytes,
    )


def _batches(source: Source) -> Iterator[RawVoters]:
    for batch in source.batches():
        yield RawVoters(batch.lines, batch.rows)


def _digest(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").digest()
    except OSError as error:
        raise BadFile(f"{path.name} cannot be read", hint="Check who may read it.") from error
