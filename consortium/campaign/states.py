"""The campaign's state: who may move it where, each move with its ledger entry.

`created → planned → sending ⇄ paused → finished`, and `stopped` from any of them but the last. The
sender sets `sending` when it begins (and needs a plan in force), and `finished` when nothing is
left to wait for. When a campaign is over, either way, the wraps that partners gave for it are
dropped: what they opened is sealed again.
"""

from __future__ import annotations

from typing import Literal

from consortium.clock import Clock
from consortium.errors import StateConflict
from consortium.ledger import entries
from consortium.model import CampaignState
from consortium.store import campaigns, ledger, plans
from consortium.store.campaigns import CampaignRecord
from consortium.store.engine import Database
from consortium.types import CampaignName
from consortium.vault.wraps import WrapStore, campaign_scope

__all__ = ["OVER", "close", "finish", "lock_name", "pause", "resume", "start", "stop"]

OVER = frozenset({CampaignState.FINISHED, CampaignState.STOPPED})
"""States that a campaign never leaves."""

_Role = Literal["partner", "coordinator", "operator"]
_Change = Literal["sending", "paused", "resumed", "stopped", "finished"]


def lock_name(name: str) -> str:
    """The lock (`store.locks`) under which a campaign is planned or sent, one process at a time."""
    return f"send-{name}"


def start(database: Database, name: str, *, clock: Clock, by: _Role = "coordinator") -> None:
    """Sending begins; nothing changes if it has begun.

    Raises:
        NotFound: There is no such campaign.
        StateConflict: It has no plan in force, is paused, or is over.
    """
    with database.write() as tx:
        campaign = campaigns.lock(tx, campaigns.get(tx, name).id)
        _need_plan(campaign, plans.frozen(tx, campaign.id))
        if campaign.state is CampaignState.SENDING:
            return
        if campaign.state in OVER:
            raise StateConflict(
                f"campaign {name} is {campaign.state.value}", hint="Nothing more of it is sent."
            )
        if campaign.state is CampaignState.PAUSED:
            raise StateConflict(
                f"campaign {name} is paused", hint=f"Run: consortium campaign resume {name}"
            )
        campaigns.change_state(
            tx, campaign.id, allowed=[CampaignState.PLANNED], to=CampaignState.SENDING
        )
        ledger.append(tx, _entry(campaign, "sending", by=by, clock=clock))


def pause(database: Database, name: str, *, clock: Clock, by: _Role = "coordinator") -> None:
    """No further intent is committed until `resume`.

    Raises:
        NotFound: There is no such campaign.
        StateConflict: It is not being sent.
    """
    with database.write() as tx:
        campaign = campaigns.lock(tx, campaigns.get(tx, name).id)
        campaigns.change_state(
            tx, campaign.id, allowed=[CampaignState.SENDING], to=CampaignState.PAUSED
        )
        ledger.append(tx, _entry(campaign, "paused", by=by, clock=clock))


def resume(database: Database, name: str, *, clock: Clock, by: _Role = "coordinator") -> None:
    """Sending may go on; the sender has to be started.

    Raises:
        NotFound: There is no such campaign.
        StateConflict: It is not paused, or has no plan in force.
    """
    with database.write() as tx:
        campaign = campaigns.lock(tx, campaigns.get(tx, name).id)
        campaigns.change_state(
            tx, campaign.id, allowed=[CampaignState.PAUSED], to=CampaignState.SENDING
        )
        _need_plan(campaign, plans.frozen(tx, campaign.id))
        ledger.append(tx, _entry(campaign, "resumed", by=by, clock=clock))


def stop(
    database: Database,
    name: str,
    *,
    reason: str,
    wraps: WrapStore,
    clock: Clock,
    by: _Role = "coordinator",
) -> int:
    """End a campaign for good, before its time; returns how many wraps were dropped.

    Args:
        database: Where it is.
        name: Which.
        reason: Why, for people; not in the ledger.
        wraps: Where the wraps lie.
        clock: Tells the time.
        by: Who ends it.

    Raises:
        NotFound: There is no such campaign.
        StateConflict: It is over already.
    """
    return _end(database, name, "stopped", reason=reason, wraps=wraps, clock=clock, by=by)


def finish(
    database: Database, name: str, *, wraps: WrapStore, clock: Clock, by: _Role = "operator"
) -> int:
    """Close a campaign whose messages have all gone or been stopped, or whose deadline has passed.

    Returns:
        How many wraps were dropped.

    Raises:
        NotFound: There is no such campaign.
        StateConflict: It is over already, or never began.
    """
    return _end(database, name, "finished", reason=None, wraps=wraps, clock=clock, by=by)


def close(database: Database, name: str, *, wraps: WrapStore) -> int:
    """Drop the wraps of a campaign that is over; returns how many. Safe to repeat.

    Raises:
        NotFound: There is no such campaign.
        StateConflict: It is not over.
    """
    with database.read() as tx:
        campaign = campaigns.get(tx, name)
    if campaign.state not in OVER:
        raise StateConflict(f"campaign {name} is {campaign.state.value}, so its wraps are needed")
    return wraps.drop_scope(campaign_scope(campaign.name))


def _end(
    database: Database,
    name: str,
    change: Literal["stopped", "finished"],
    *,
    reason: str | None,
    wraps: WrapStore,
    clock: Clock,
    by: _Role,
) -> int:
    going = {CampaignState.SENDING, CampaignState.PAUSED}
    anything = {*going, CampaignState.CREATED, CampaignState.PLANNED}
    with database.write() as tx:
        campaign = campaigns.lock(tx, campaigns.get(tx, name).id)
        campaigns.change_state(
            tx,
            campaign.id,
            allowed=anything if change == "stopped" else going,
            to=CampaignState(change),
            reason=reason,
        )
        ledger.append(tx, _entry(campaign, change, by=by, clock=clock))
    # Only now: had the wraps gone first, a crash would leave a campaign that cannot be sent.
    return wraps.drop_scope(campaign_scope(campaign.name))


def _need_plan(campaign: CampaignRecord, plan: plans.PlanRecord | None) -> None:
    if plan is None and campaign.state not in OVER:
        raise StateConflict(
            f"campaign {campaign.name} has no plan in force",
            hint=f"Make one with: consortium campaign plan {campaign.name}",
        )


def _entry(campaign: CampaignRecord, change: _Change, *, by: _Role, clock: Clock) -> entries.Entry:
    return entries.campaign_state(CampaignName(campaign.name), state=change, by=by, at=clock.now())
