"""Planning: one answer for every person of the audience, frozen, with its root in the ledger.

Everything is read in one consistent view, decided in memory without SQL per person, written in
chunks that nobody sees, and put in force by one short transaction, which also moves the campaign
to `planned` and records the plan. A plan can be made before owners have answered (what is sent
needs their approval, and `campaign.coverage` says who is missing), and made again at any time
while nobody is sending: persons who had a message, or whose message was tried, keep it.

A campaign's first plan draws a secret; later ones use it again, so that a coordinator cannot
re-plan until a wanted person is picked. Given the recorded flows (`campaign.owners`), the digest
follows from the rows, the policies and the secret alone: not from the order of rows or uploads,
nor from the machine.

An audience of fewer than `SMALLEST` persons is refused before anything is decided or written.

Cost, measured (docs/explanation/plan.md): 73 µs of CPU and 0.6 KiB of memory a person, 440 bytes
on disk; no transaction grows with the plan.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import secrets
from collections.abc import Callable
from datetime import timedelta
from typing import Final

from consortium.campaign import people, voters
from consortium.campaign.answers import Answers
from consortium.campaign.audience import rounded
from consortium.campaign.columns import micros
from consortium.campaign.coverage import Coverage
from consortium.campaign.decide import decide
from consortium.campaign.owners import encode
from consortium.campaign.result import PlanResult, reliefs
from consortium.campaign.states import lock_name
from consortium.campaign.view import Policies, View, read, refuse_small
from consortium.clock import Clock
from consortium.errors import StateConflict
from consortium.ledger import entries
from consortium.model import CampaignState, Observer, Silent
from consortium.store import batches, campaigns, locks, plans
from consortium.store.engine import Database, Tx
from consortium.types import EntryIndex
from consortium.vault.wraps import WrapStore

__all__ = ["opt_out_code", "plan", "sweep"]

_CODE_BYTES: Final = 10  # 80 bits, 16 characters of base32


def opt_out_code() -> str:
    """A fresh opaque code for a List-Unsubscribe address: 16 of `a–z2–7`, 80 random bits."""
    return base64.b32encode(secrets.token_bytes(_CODE_BYTES)).decode().lower()


def plan(
    database: Database,
    name: str,
    *,
    policies: Policies,
    wraps: WrapStore,
    clock: Clock,
    observer: Observer | None = None,
    secret: Callable[[], bytes] = lambda: secrets.token_bytes(32),
    code: Callable[[], str] = opt_out_code,
) -> PlanResult:
    """Plan a campaign, or plan it again.

    Args:
        database: Where everything is.
        name: The campaign.
        policies: Reads the policies in force, inside a transaction.
        wraps: Where partners' wraps lie.
        clock: Tells the time.
        observer: Told how far it is.
        secret: Draws a first plan's secret, 32 bytes.
        code: Draws an opt-out code.

    Raises:
        NotFound: There is no such campaign.
        StateConflict: It is over, being sent, or its window has passed; no merge has been run; or
            something it rests on changed meanwhile.
        PolicyRefused: The audience is too small.
    """
    watch = observer or Silent()
    with locks.exclusive(database, lock_name(name)):
        with database.read() as tx:
            campaign_id = campaigns.get(tx, name).id
        plans.sweep(database, campaign_id)
        watch.begin("planning", None)
        try:
            with database.read() as tx:
                view = read(
                    tx, name, policies=policies, wraps=wraps, now=clock.now(), secret=secret
                )
            refuse_small(view.asked, view.rows, view.voters)
            answers = decide(view)
            return _write(
                database, view, answers, policies=policies, clock=clock, code=code, watch=watch
            )
        finally:
            watch.end()


def sweep(database: Database) -> int:
    """Remove drafts that dead processes left, at start-up; returns how many.

    A living planner's draft is told from an orphan by the campaign's lock, which the living holds.
    """
    with database.read() as tx:
        unfinished = plans.unfinished(tx)
        found = [c for c in campaigns.all_of(tx) if c.id in unfinished] if unfinished else []
    removed = 0
    for campaign in found:
        with (
            contextlib.suppress(StateConflict),
            locks.exclusive(database, lock_name(campaign.name)),
        ):
            removed += plans.sweep(database, campaign.id)
    return removed


def _write(
    database: Database,
    view: View,
    answers: Answers,
    *,
    policies: Policies,
    clock: Clock,
    code: Callable[[], str],
    watch: Observer,
) -> PlanResult:
    campaign = view.campaign
    flows = encode(answers.choice.problem, answers.choice.solution)
    with database.write() as tx:
        number = plans.draft(
            tx,
            campaign.id,
            merge_generation=view.generation,
            secret=view.secret,
            planned_at=clock.now(),
        )
    plans.add_answers(database, number, answers.records())
    staged = plans.add_leaves(database, number, answers.leaves(plan=number, secret=view.secret))
    with database.write() as tx:
        plans.supersede(tx, campaign.id)
    plans.drop_untried(database, campaign.id)
    plans.add_messages(
        database,
        number,
        answers.messages(code),
        campaign_id=campaign.id,
        channel=campaign.channel,
    )
    watch.advance(staged.count)
    with database.write() as tx:
        _check_unchanged(tx, view, policies)
        at = clock.now()
        if campaign.state is CampaignState.CREATED:
            campaigns.change_state(
                tx, campaign.id, allowed=[CampaignState.CREATED], to=CampaignState.PLANNED
            )
        entry = batches.append_staged(
            tx,
            entries.campaign_planned(
                campaign.name,
                campaign_digest=campaign.digest,
                plan=number,
                generation=view.generation,
                policies={slug: p.version for slug, p in view.policies.items()},
                flows=hashlib.sha256(flows.encode()).digest(),
                order_key=hashlib.sha256(people.order_key(view.secret)).digest(),
                at=at,
            ),
            staged,
        )
        plans.freeze(tx, number, digest=staged.root, flows=flows, entry=entry, planned_at=at)
    return _result(view, answers, number=number, digest=staged.root, entry=entry)


def _check_unchanged(tx: Tx, view: View, policies: Policies) -> None:
    now = campaigns.lock(tx, view.campaign.id)
    if (now.state, now.digest) != (view.campaign.state, view.campaign.digest):
        raise StateConflict(
            f"campaign {now.name} was changed while it was planned", hint="Plan it again."
        )
    if not voters.hold(tx, view.voters):
        raise StateConflict(
            f"a voter file ended while {now.name} was planned", hint="Plan it again."
        )
    versions = {slug: policy.version for slug, policy in policies(tx).items()}
    if versions != {slug: policy.version for slug, policy in view.policies.items()}:
        raise StateConflict(
            f"a partner's policy changed while {now.name} was planned", hint="Plan it again."
        )


def _result(
    view: View, answers: Answers, *, number: int, digest: bytes, entry: EntryIndex
) -> PlanResult:
    assigned, new = answers.assigned(), answers.new_messages()
    last = int(answers.choice.not_before.max(initial=-1))
    ends = view.asked.speed.ends_at(new, start=view.start)
    if last >= 0:
        ends = max(ends, view.start + timedelta(microseconds=last - micros(view.start)))
    said = dict(zip((u.partner for u in view.uploads), view.coverage, strict=True))
    unapproved = {
        u.partner
        for u, c in zip(view.uploads, view.coverage, strict=True)
        if c is Coverage.WAITING and u.partner in assigned
    }
    return PlanResult(
        campaign=view.campaign.name,
        plan=number,
        digest=digest,
        entry=entry,
        audience=rounded(len(answers.ids)),
        assigned=assigned,
        new_messages=new,
        refused=tuple(answers.refused()),
        deferred=tuple(answers.deferred()),
        relief=reliefs(answers.choice.problem, answers.choice.solution, used=view.used()),
        waiting=tuple(sorted(unapproved)),
        declined=tuple(sorted(slug for slug, c in said.items() if c is Coverage.DECLINED)),
        unmerged_rows=view.unmerged_rows,
        starts_at=view.start,
        ends_at=ends,
        deadline=view.campaign.not_after,
    )
