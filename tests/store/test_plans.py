"""Plans on both databases: drafts are invisible, one plan is in force, what was tried stays."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from consortium import campaign
from consortium.errors import NotFound, StateConflict
from consortium.ledger import entries, merkle
from consortium.model import AnswerKind, Channel
from consortium.store import audiences, batches, ledger, messages, outbox, plans, state
from consortium.store.engine import Database
from consortium.store.plans import NewAnswer, NewMessage
from consortium.testing.clock import FakeClock
from consortium.types import CampaignName, EntryIndex
from tests.harness.campaigning import NAME, Assembly, assemble, person

NOW = datetime(2026, 11, 3, 17, tzinfo=UTC)
MICROS = int(NOW.timestamp()) * 1_000_000


@pytest.fixture
def assembly(database: Database, tmp_path: Path, clock: FakeClock) -> Assembly:
    made = assemble(
        database,
        tmp_path,
        clock=clock,
        lists={"nurses": [person(n) for n in range(1, 61)], "teachers": [person(60), person(61)]},
        order=["nurses", "teachers"],
    )
    made.create()
    return made


def draft(assembly: Assembly) -> int:
    with assembly.database.write() as tx:
        return plans.draft(
            tx, assembly.campaign().id, merge_generation=1, secret=bytes(32), planned_at=NOW
        )


def freeze(assembly: Assembly, plan: int) -> None:
    with assembly.database.write() as tx:
        plans.freeze(tx, plan, digest=bytes(32), flows="{}", entry=EntryIndex(3), planned_at=NOW)


def answers(numbers: Iterable[int]) -> list[NewAnswer]:
    found = []
    for n in numbers:
        if n % 3 == 0:
            found.append(
                NewAnswer(n, n, "refused", "consent", "consent_too_old", 1, None, None, None, None)
            )
        elif n % 3 == 1:
            found.append(
                NewAnswer(n, n, "deferred", "volume", "day_used_up", 2, MICROS, None, None, None)
            )
        else:
            found.append(NewAnswer(n, n, "assigned", None, None, None, None, 1, n, n))
    return found


def new_messages(points: Iterable[int]) -> list[NewMessage]:
    return [NewMessage(p, 1, p, p, MICROS, f"code-{p}-{id(points)}") for p in points]


def test_answers_read_back_as_they_were_written_in_the_order_of_numbers(
    assembly: Assembly,
) -> None:
    plan = draft(assembly)
    assert plans.add_answers(assembly.database, plan, reversed(answers(range(1, 7001)))) == 7000
    with assembly.database.read() as tx:
        found = list(plans.answers(tx, plan))
        totals = plans.totals(tx, plan)
        one = plans.answer(tx, plan, 4)
        with pytest.raises(NotFound):
            plans.answer(tx, plan, 7001)
    assert [a.number for a in found] == list(range(1, 7001))
    assert one.until == NOW
    assert {(t.kind, t.reason, t.partner): t.persons for t in totals} == {
        (AnswerKind.ASSIGNED, None, "nurses"): 2333,
        (AnswerKind.DEFERRED, "day_used_up", "teachers"): 2334,
        (AnswerKind.REFUSED, "consent_too_old", "nurses"): 2333,
    }


def test_a_draft_is_in_force_only_once_frozen_and_frozen_only_once(assembly: Assembly) -> None:
    plan, campaign = draft(assembly), assembly.campaign().id
    with assembly.database.read() as tx:
        assert plans.frozen(tx, campaign) is None
    freeze(assembly, plan)
    with assembly.database.read() as tx:
        found = plans.frozen(tx, campaign)
    assert found is not None
    assert (found.id, found.entry, found.flows) == (plan, 3, "{}")
    with pytest.raises(StateConflict):
        freeze(assembly, plan)
    with assembly.database.write() as tx:
        assert plans.supersede(tx, campaign)
        assert not plans.supersede(tx, campaign)
        assert plans.frozen(tx, campaign) is None


def test_sweep_removes_drafts_with_all_they_wrote_and_nothing_else(assembly: Assembly) -> None:
    kept, lost, campaign = draft(assembly), draft(assembly), assembly.campaign().id
    for plan, points in ((kept, range(1, 11)), (lost, range(11, 1521))):
        plans.add_answers(assembly.database, plan, answers(points))
        plans.add_messages(
            assembly.database,
            plan,
            new_messages(points),
            campaign_id=campaign,
            channel=Channel.EMAIL,
        )
    freeze(assembly, kept)
    assert plans.sweep(assembly.database, campaign) == 1
    assert plans.sweep(assembly.database, campaign) == 0
    with assembly.database.read() as tx:
        assert [p.id for p in plans.history(tx, campaign)] == [kept]
        assert len(list(plans.answers(tx, kept))) == 10
        assert list(plans.answers(tx, lost)) == []
        assert sum(t.messages for t in messages.tally(tx, campaign)) == 10
        with pytest.raises(NotFound):
            plans.get(tx, lost)


def test_untried_messages_are_dropped_only_while_no_plan_is_in_force(assembly: Assembly) -> None:
    plan, campaign = draft(assembly), assembly.campaign().id
    plans.add_messages(
        assembly.database,
        plan,
        new_messages(range(1, 8)),
        campaign_id=campaign,
        channel=Channel.EMAIL,
    )
    freeze(assembly, plan)
    with assembly.database.write() as tx:
        ids = outbox.waiting(tx, campaign, owner_id=1, now=NOW, limit=3)
        outbox.intend(tx, ids[:2], at=NOW)
        outbox.stop(tx, ids[2:], rule="suppression", reason="opted_out", at=NOW)
    with pytest.raises(StateConflict):
        plans.drop_untried(assembly.database, campaign)
    with assembly.database.write() as tx:
        plans.supersede(tx, campaign)
    assert plans.drop_untried(assembly.database, campaign) == 4
    with assembly.database.read() as tx:
        kept = audiences.kept_messages(tx, campaign)
    assert [m.id for m in kept] == ids
    assert [m.state for m in kept] == ["intended", "intended", "stopped"]
    assert kept[2].reason == "opted_out"


def test_columns_show_the_rows_of_visible_persons_with_points_bans_and_messages(
    assembly: Assembly,
) -> None:
    result = assembly.plan()
    with assembly.database.write() as tx:
        campaign = assembly.campaign().id
        (first, *_) = outbox.waiting(tx, campaign, owner_id=1, now=NOW, limit=1)
        outbox.intend(tx, [first], at=NOW)
    with assembly.database.read() as tx:
        generation = state.merge_generation(tx)
        uploads = audiences.uploads(tx, group="all", day=NOW.date())
        rows = audiences.rows(tx, generation=generation, among=uploads, channel=Channel.EMAIL)
        points = audiences.points(tx, generation=generation, among=uploads, channel=Channel.EMAIL)
        phones = audiences.points(tx, generation=generation, among=uploads, channel=Channel.SMS)
        prior = audiences.prior_messages(tx, generation=generation, since=NOW - timedelta(days=1))
        later = audiences.prior_messages(
            tx, generation=generation, since=NOW + timedelta(seconds=1)
        )
        bans = audiences.bans(tx)
        consenting = audiences.consenting_rows(tx, among=uploads, channel=Channel.EMAIL)
    assert result.audience == 60
    assert [u.partner for u in uploads] == [
        u.partner for u in sorted(assembly.uploads.values(), key=lambda u: u.digest)
    ]
    assert len(rows.row) == len(points.row) == 62
    assert (rows.row[1:] > rows.row[:-1]).all()
    assert len(set(rows.person.tolist())) == 61
    assert rows.live.all()
    assert len(phones.row) == 0
    assert len(prior.messages) == 1
    assert set(prior.row.tolist()) <= set(rows.row.tolist())
    assert later.messages == []
    assert bans.bans == []
    assert [count for _, count in consenting] == [62]


def test_rows_of_another_group_of_an_expired_list_or_unmerged_do_not_count(
    assembly: Assembly,
) -> None:
    assembly.add("nurses", [person(n) for n in range(70, 75)])
    with assembly.database.read() as tx:
        generation = state.merge_generation(tx)
        uploads = audiences.uploads(tx, group="all", day=NOW.date())
        assert audiences.uploads(tx, group="other", day=NOW.date()) == []
        assert audiences.unmerged_rows(tx, generation=generation, among=uploads) == 5
        rows = audiences.rows(tx, generation=generation, among=uploads, channel=Channel.EMAIL)
        none = audiences.rows(tx, generation=generation, among=[], channel=Channel.EMAIL)
    assert len(rows.row) == 62
    assert len(none.row) == 0


PLANNER = """
import sys, time
from datetime import datetime
from pathlib import Path
import consortium_policies
from consortium import campaign
from consortium.campaign.plan import opt_out_code
from consortium.delivery import PoliciesInForce
from consortium.store.engine import Database
from consortium.testing.clock import FakeClock
from consortium.vault.wraps import WrapStore

url, folder, name, now, stop_at = sys.argv[1:]
left = int(stop_at)

def code():
    global left
    left -= 1
    if not left:
        print("halfway", flush=True)
        time.sleep(600)
    return opt_out_code()

campaign.plan(
    Database.open(url), name, wraps=WrapStore(Path(folder) / "wraps"), code=code,
    policies=PoliciesInForce(consortium_policies.rules(), consortium_policies.presets()),
    clock=FakeClock(datetime.fromisoformat(now)),
)
"""


@contextlib.contextmanager
def planner(assembly: Assembly, *, stop_at: int) -> Iterator[subprocess.Popen[str]]:
    """A real process that plans and stands still while it makes messages, its leaves staged."""
    url = assembly.database.engine.url.render_as_string(hide_password=False)
    now = assembly.clock.now().isoformat()
    folder = str(assembly.house.directory)
    with subprocess.Popen(
        [sys.executable, "-c", PLANNER, url, folder, NAME, now, str(stop_at)],
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "halfway\n"
            yield process
        finally:
            process.kill()


def leaves_of(assembly: Assembly) -> tuple[int, int]:
    """How many leaves there are, and how many of them under an entry."""
    with assembly.database.read() as tx:
        every = tx.execute(text("SELECT count(*) FROM consortium_ledger_leaf")).scalar_one()
        shown = sum(len(list(ledger.leaves(tx, EntryIndex(n)))) for n in range(ledger.size(tx)))
    return every, shown


def test_kill_9_of_a_planner_leaves_nothing_that_counts_and_the_next_plan_sweeps_it(
    assembly: Assembly,
) -> None:
    before = assembly.kinds()
    with planner(assembly, stop_at=30) as process:
        assert leaves_of(assembly) == (61, 0)
        assert campaign.sweep(assembly.database) == 0  # it lives, and holds the campaign's lock
        with pytest.raises(StateConflict):
            assembly.plan()
        assert leaves_of(assembly) == (61, 0)
        process.kill()
        process.wait()
    with assembly.database.read() as tx:
        assert plans.frozen(tx, assembly.campaign().id) is None
    assert assembly.kinds() == before
    assert assembly.campaign().state == "created"
    result = assembly.plan()
    assert leaves_of(assembly) == (61, 61)
    with assembly.database.read() as tx:
        assert [p.id for p in plans.history(tx, assembly.campaign().id)] == [result.plan]
        assert sum(t.messages for t in messages.tally(tx, assembly.campaign().id)) == 61
    assert assembly.kinds() == [*before, "campaign_planned"]


def test_start_up_sweeps_what_a_killed_planner_left_and_not_the_plan_before(
    assembly: Assembly,
) -> None:
    first = assembly.plan()
    with planner(assembly, stop_at=30):
        assert leaves_of(assembly) == (122, 61)
    assert campaign.sweep(assembly.database) == 1
    assert campaign.sweep(assembly.database) == 0
    assert leaves_of(assembly) == (61, 61)
    with assembly.database.read() as tx:
        (kept,) = plans.history(tx, assembly.campaign().id)
        assert (kept.id, kept.state) == (first.plan, "superseded")
        assert kept.digest == merkle.root(map(merkle.leaf_hash, ledger.leaves(tx, first.entry)))


def test_a_draft_that_is_being_swept_cannot_be_frozen(
    assembly: Assembly, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = draft(assembly)
    staged = plans.add_leaves(assembly.database, plan, [b"{}"] * 5)

    def die(*_: object) -> None:
        raise ZeroDivisionError

    with monkeypatch.context() as patch:
        patch.setattr(batches, "drop_staged", die)
        with pytest.raises(ZeroDivisionError):
            plans.sweep(assembly.database, assembly.campaign().id)
    with pytest.raises(StateConflict, match="swept away"):
        freeze(assembly, plan)
    assert plans.sweep(assembly.database, assembly.campaign().id) == 1
    with pytest.raises(StateConflict), assembly.database.write() as tx:
        batches.append_staged(tx, entries.send_batch(CampaignName(NAME), plan=1, at=NOW), staged)
