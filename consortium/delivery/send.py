"""Sending a campaign: intent transaction, hand-over, outcome transaction, and over again.

One process sends a campaign at a time, under a lock that dies with it. It begins by finding what a
run that died has left: an intent without an outcome may have been handed over, so its message
becomes `unknown`, is named, and is never sent again by itself. Then, until nothing waits: one short
transaction records the outcomes of the last batch, decides the next one (`delivery.intents`) and
appends one ledger entry with a leaf for each; the batch is handed over (`delivery.handover`).

It ends when nothing waits (the campaign is `finished`, the keys its partners lent are dropped),
when what waits needs somebody's decision, when it is told to stop, when somebody else paused or
stopped the campaign, or with an error when the mail server leaves no choice. In each case every
message is in a definite state, and the same call goes on where this one ended.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final

from consortium.campaign import document as campaign_document
from consortium.campaign import states, voters
from consortium.campaign.coverage import PolicyInForce
from consortium.clock import Clock
from consortium.delivery import record
from consortium.delivery.handover import Handed, HandOver, Letters
from consortium.delivery.intents import Batch, Decider, Ready, Stopped
from consortium.delivery.openings import Openings
from consortium.delivery.owners import REASONS
from consortium.delivery.pacing import GiveUp, Pause, Rest, Waiter, batch_size
from consortium.delivery.progress import Progress, SendResult
from consortium.delivery.transport import Transport
from consortium.errors import ConsortiumError, PolicyRefused, StateConflict
from consortium.model import CampaignState, MessageState, Observer, Silent
from consortium.policy.decision import Refuse
from consortium.store import campaigns, messages, outbox, partners, plans, suppressions
from consortium.store.engine import Database, Tx
from consortium.store.locks import exclusive
from consortium.tokens import PROFILE, Profile, Tokeniser
from consortium.types import CampaignName, PartnerSlug, Token
from consortium.vault.wraps import WrapStore

__all__ = ["SendResult", "send"]

_OVERDUE: Final = 500  # messages stopped in one transaction
_LOOK_AGAIN: Final = timedelta(minutes=1)  # while waiting: was it paused, has an owner answered?
_LET_GO: Final = timedelta(seconds=20)  # a longer wait gives the connection back
_SILENT: Final = Silent()


def send(
    database: Database,
    campaign: CampaignName,
    *,
    origin: str,
    vault_key: bytes,
    wraps: WrapStore,
    tokenisers: Sequence[Tokeniser],
    policies: Callable[[Tx], Mapping[PartnerSlug, PolicyInForce]],
    transport: Transport,
    clock: Clock,
    observer: Observer = _SILENT,
    stop: Callable[[], bool] = lambda: False,
    patience: timedelta | None = None,
    profile: Profile = PROFILE,
) -> SendResult:
    """Send a campaign's messages, or go on with it.

    Args:
        database: The system of record.
        campaign: Which one; it must have a plan.
        origin: The consortium's identity.
        vault_key: The private vault key, 32 raw bytes.
        wraps: Where the wraps lie.
        tokenisers: One per token key epoch ever used.
        policies: Reads the policies in force (`delivery.owners.PoliciesInForce`).
        transport: What carries messages; closed at the end.
        clock: What time it is.
        observer: Told of each message that reaches its end, with counts, speed and time left.
        stop: Asked between messages; once true, the run ends in good order.
        patience: End when the next message is due only after this long; None: wait for it.
        profile: The normalisation profile of the tokens.

    Returns:
        Where the campaign stands.

    Raises:
        NotFound: No such campaign.
        StateConflict: It has no plan, is paused, stopped or finished, or is being sent elsewhere;
            or a voter file that its places rest on has ended.
        PolicyRefused: Nothing could go, because every owner whose messages wait holds them back.
        ConsortiumError: The mail server refuses us, does not answer, or keeps refusing; what has
            not gone still waits.
    """
    openings = Openings(
        origin=origin, vault_key=vault_key, wraps=wraps, tokenisers=tokenisers, profile=profile
    )
    with exclusive(database, states.lock_name(campaign)) as lock:
        states.start(database, campaign, clock=clock)
        run = _Run(
            database,
            campaign,
            openings=openings,
            policies=policies,
            transport=transport,
            waiter=Waiter(clock, stop),
            observer=observer,
            still_ours=lock.check,
            patience=patience,
        )
        try:
            if run.run():
                states.finish(database, campaign, wraps=wraps, clock=clock)
        except _KeepsRefusingError as error:
            with suppress(StateConflict):  # somebody else has paused or stopped it
                states.pause(database, campaign, clock=clock, by="operator")
            raise ConsortiumError(
                f"the mail server keeps refusing our messages ({error}); campaign paused",
                hint=f"When it is settled: consortium campaign resume {campaign}",
            ) from None
        result = run.result()
    if run.lost_a_file:
        raise StateConflict(
            f"a voter file that the plan of {campaign} rests on has ended",
            hint=f"Plan it again: consortium campaign plan {campaign}",
        )
    if result.held and result.next_at is None and not run.offered:
        raise _refused(result)
    return result


class _Run:
    """One run, from taking the lock to letting go."""

    def __init__(
        self,
        database: Database,
        name: CampaignName,
        *,
        openings: Openings,
        policies: Callable[[Tx], Mapping[PartnerSlug, PolicyInForce]],
        transport: Transport,
        waiter: Waiter,
        observer: Observer,
        still_ours: Callable[[], None],
        patience: timedelta | None,
    ) -> None:
        self._database = database
        self._transport = transport
        self._waiter = waiter
        self._patience = patience
        self._held: dict[PartnerSlug, str] = {}
        self._next_at: datetime | None = None
        self._done = False
        self.lost_a_file = False  # a voter file that the plan's places rest on
        self._batch: Batch | None = None  # decided and committed
        self._handed = Handed()  # what became of it, not recorded yet
        with database.write() as tx:
            self._campaign = campaigns.lock(tx, campaigns.get(tx, name).id)
            plan = plans.frozen(tx, self._campaign.id)
            assert plan is not None, "states.start has made sure"
            assert plan.entry is not None, "it is in force"
            self._plan, self._planned = plan.id, plan.entry
            now = waiter.now()
            recovered = record.recover(tx, self._campaign.id, at=now)
            self._append(tx, now, recovered, None)
            self._recovered = record.names(recovered.settlements)
            known = partners.all(tx)
            tally = messages.tally(tx, self._campaign.id)
            handed_over = messages.handed_over(tx, self._campaign.id)
        self._document = document = campaign_document.parse(self._campaign.document, name=name)
        owners = {t.owner for t in tally}
        self._decider = Decider(
            campaign=self._campaign,
            document=document,
            partners={p.slug: p.id for p in known if p.slug in owners},
            policies=policies,
            openings=openings,
            handed_over=handed_over,
        )
        self._interval = self._decider.rate.interval
        self._progress = Progress(observer, tally, interval=self._interval)
        self._hand_over = HandOver(
            transport=transport,
            openings=openings,
            letters=Letters(
                document.forms, purpose=document.purpose, cards={p.slug: p.card for p in known}
            ),
            waiter=waiter,
            interval=self._interval,
            not_after=self._campaign.not_after,
            allowed=lambda ready, at: self._decider.still_allows(ready, at=at),
            banned=self._banned,
            still_ours=still_ours,
            unopenable=self._decider.shut,
        )

    @property
    def offered(self) -> int:
        """How many messages this run has offered to the transport."""
        return self._hand_over.offered

    def run(self) -> bool:
        """Send until there is nothing more to do; whether every message has reached its end.

        Raises:
            PauseCampaign: The server keeps refusing us; the outcomes are recorded.
        """
        self._progress.begin(f"sending {self._campaign.name}", meter=self._hand_over.meter)
        try:
            while (batch := self._decide()) is not None:
                if batch.ready:
                    self._hand_over.batch(batch, self._handed)
                elif not self._wait(batch.next_at):
                    break
        finally:
            try:
                self._leave()
            finally:
                self._transport.close()
                self._progress.end()
        return self._done

    def _leave(self) -> None:
        """Something may have been raised that nobody planned for: leave no message in doubt."""
        if self._batch is not None:
            self._hand_over.give_back(self._batch, self._handed)
        if self._handed.settled:
            self._decide(more=False)

    def result(self) -> SendResult:
        """Where the campaign stands."""
        with self._database.read() as tx:
            campaign = campaigns.by_id(tx, self._campaign.id)
            tally = tuple(messages.tally(tx, campaign.id))
            unknown = messages.names(tx, campaign.id, state=MessageState.UNKNOWN)
        waiting = {t.owner for t in tally if t.state is MessageState.WAITING}
        return SendResult(
            campaign=campaign.name,
            state=campaign.state,
            tally=tally,
            unknown=tuple(unknown),
            recovered=self._recovered,
            held={slug: reason for slug, reason in self._held.items() if slug in waiting},
            next_at=self._next_at if waiting else None,
        )

    def _decide(self, *, more: bool = True) -> Batch | None:
        """Record the last batch's outcomes and decide the next one; None when the run is over."""
        handed = self._handed
        trouble = handed.error is not None or isinstance(handed.sign, Pause | GiveUp)
        for settlement, ready in handed.settled:
            if ready is not None and settlement.state is MessageState.WAITING:
                self._decider.came_back(ready)
        with self._database.write() as tx:
            state = campaigns.lock(tx, self._campaign.id).state
            now = self._waiter.now()
            record.settle(tx, handed, at=now)
            batch: Batch | None = None
            if more and not trouble and state is CampaignState.SENDING and not self._waiter.stop():
                self.lost_a_file = self._has_lost_a_file(tx)
                if not self.lost_a_file:
                    batch = self._next_batch(tx, now, sign=handed.sign)
            self._append(tx, now, handed, batch)
            if batch is not None and batch.next_at is None:
                self._done = not outbox.overdue(tx, self._campaign.id, limit=1, untried=False)
        self._batch, self._handed = batch, Handed()
        self._progress.count(handed, batch, meter=self._hand_over.meter)
        if batch is not None:
            self._held, self._next_at = batch.held, batch.next_at
        if more:
            self._consequences(handed)
        return batch

    def _next_batch(self, tx: Tx, now: datetime, *, sign: Rest | Pause | GiveUp | None) -> Batch:
        campaign = self._campaign
        if now > campaign.ends_at:
            late = now > campaign.not_after
            refusal = Refuse("deadline", None, "too_late" if late else "window_ended")
            found = outbox.overdue(tx, campaign.id, limit=_OVERDUE, untried=not late)
            if found:
                ids = [message_id for message_id, _ in found]
                outbox.stop(tx, ids, rule=refusal.rule, reason=refusal.reason, at=now)
                return Batch(now, stopped=[Stopped(*one, refusal) for one in found], next_at=now)
        if isinstance(sign, Rest):
            return Batch(now, next_at=min(now + sign.wait, campaign.not_after))
        most = batch_size(self._interval, taken=self._hand_over.taken)
        return self._decider.decide(tx, at=now, most=most)

    def _has_lost_a_file(self, tx: Tx) -> bool:
        return voters.has_lost(tx, self._document, planned=self._planned)

    def _append(self, tx: Tx, at: datetime, handed: Handed, batch: Batch | None) -> None:
        name = self._campaign.name
        record.append(tx, name, plan=self._plan, at=at, handed=handed, batch=batch)

    def _banned(self, ready: Ready, tokens: Sequence[Token]) -> bool:
        with self._database.read() as tx:
            found = suppressions.on_tokens(tx, [("email", token) for token in tokens])
        owner = ready.candidate.owner_id
        return any(
            ban.channel is self._campaign.channel and ban.partner_id in {None, owner}
            for _, ban in found
        )

    def _consequences(self, handed: Handed) -> None:
        """What the last batch's answers mean for the run, now that they are recorded."""
        if handed.error is not None:
            raise handed.error
        match handed.sign:
            case GiveUp(reason):
                waiting = self._progress.waiting
                raise ConsortiumError(
                    f"the mail server {reason}; {waiting:,} messages are still waiting",
                    hint="Check the SMTP settings and the server, then run the same command again.",
                )
            case Pause(code):
                raise _KeepsRefusingError(code)
            case Rest() | None:
                pass

    def _wait(self, until: datetime | None) -> bool:
        """Wait for the next message; whether there is any use in it."""
        if until is None:
            return False
        now = self._waiter.now()
        if self._patience is not None and until - now > self._patience:
            return False
        if until - now > _LET_GO:
            self._transport.close()
        self._waiter.until(min(until, now + _LOOK_AGAIN))
        return True


def _refused(result: SendResult) -> PolicyRefused:
    first, *others = sorted(result.held)
    more = f", and {len(others)} more hold theirs back" if others else ""
    return PolicyRefused(
        f"{first} {REASONS[result.held[first]]}{more}",
        hint=f"They can answer with: consortium campaign review {result.campaign}",
    )


class _KeepsRefusingError(Exception):
    """The server keeps refusing us with the code that is its argument."""
