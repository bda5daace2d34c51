"""Merging, on the host: persons made, looked at, and corrected for good."""

from __future__ import annotations

import builtins

from consortium import identity, intake
from consortium.app.context import Context
from consortium.identity import MergeResult, components, decisions, taking_back
from consortium.identity.decisions import Decided
from consortium.identity.pairs import OwnPairs, own_pairs
from consortium.identity.spark import SparkClosure
from consortium.identity.taking_back import TakenBack
from consortium.store import state
from consortium.store.decisions import DecisionRecord, NamedRow

__all__ = ["Merges"]


class Merges:
    """Who is one human in an open consortium. Needs the match key and no vault key."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def run(
        self, *, full: bool = False, scored: bool | None = None, spark: SparkClosure | None = None
    ) -> MergeResult:
        """Make persons of the source rows: what changed since the last merge, or everything.

        Uploads whose last day is over are ended first, so that no person rests on them.

        Args:
            full: Judge every row anew.
            scored: Let the scored layer add what no rule joins, or no more; None: as last time.
            spark: Find the rows that share something on Apache Spark; every row is judged anew.

        Raises:
            StateConflict: Another merge is running.
            UsageError, StoreFailure: Spark is not installed, does not start or gave up.
        """
        context = self._context
        intake.expire(context.database, wraps=context.wraps, clock=context.clock)
        return identity.run(
            context.database,
            match_opener=identity.match_opener(context.keys.open("match")),
            clock=context.clock,
            observer=context.observer,
            full=full or spark is not None,
            scored=scored,
            closure=spark or components.closure,
        )

    def show(self, name: str) -> builtins.list[NamedRow]:
        """Every row of the person whom a row belongs to, or whom a message was for.

        Takes the operator's passphrase: a person's owners are not for the coordinator to see.

        Args:
            name: A row as people call it, `u-0042:17`, or a message, `m-1182`.

        Raises:
            UsageError, NotFound: It is neither, or not merged.
        """
        context = self._context
        context.keys.open("match")
        return decisions.person_of(context.database, name)

    def households(self) -> identity.Households:
        """Which persons share an address or a number, so that a plan writes to one of them.

        Worked out from the generation in use: some seconds for a million rows.
        """
        with self._context.database.read() as tx:
            return identity.households(tx, state.merge_generation(tx))

    def never(self, one: str, other: str) -> Decided:
        """Say as the operator that two rows are two people; holds from the next merge on.

        Raises:
            UsageError, NotFound: These are not two rows that could meet.
        """
        context = self._context
        context.keys.open("match")  # the operator's word: it takes the operator's passphrase
        return decisions.say_never(context.database, one, other, clock=context.clock)

    def split(self, rows: builtins.list[str]) -> Decided:
        """Say as the operator that some rows of a person are not the person of its other rows.

        Raises:
            UsageError, NotFound, StateConflict: They are not some rows of one person.
        """
        context = self._context
        context.keys.open("match")  # as for `never`
        return decisions.split(context.database, rows, clock=context.clock)

    def record(self, answer: str, *, name: str = "the answer") -> Decided:
        """Record an owner's signed word about its own rows; needs no key.

        Raises:
            EvidenceError: Not signed by the partner it names, or altered.
            NotFound: It names a row that is not there, or not that partner's.
        """
        context = self._context
        return decisions.record(
            context.database, answer, card=context.card, clock=context.clock, name=name
        )

    def take_back(self, entry: int) -> TakenBack:
        """Take back the operator's word that rows are two people; holds from the next merge on.

        Args:
            entry: The ledger entry that recorded it.

        Raises:
            NotFound, UsageError, PolicyRefused: There is none, or it is not the operator's.
        """
        context = self._context
        context.keys.open("match")  # as for `never`
        return taking_back.take_back(context.database, entry, clock=context.clock)

    def record_taken_back(self, answer: str, *, name: str = "the answer") -> TakenBack:
        """Record that an owner takes back its signed word; needs no key.

        Raises:
            EvidenceError: Not signed by the partner it names, or altered.
            NotFound: What it takes back was never recorded.
        """
        context = self._context
        return taking_back.record(
            context.database, answer, card=context.card, clock=context.clock, name=name
        )

    def pairs(self, partner: str) -> OwnPairs:
        """Which of a partner's rows its own lists join, to ask that partner about.

        Raises:
            NotFound: No such partner.
        """
        context = self._context
        return own_pairs(
            context.database,
            partner,
            match_opener=identity.match_opener(context.keys.open("match")),
            observer=context.observer,
        )

    def list(self) -> builtins.list[DecisionRecord]:
        """Every decision, oldest first."""
        return decisions.all_decisions(self._context.database)
