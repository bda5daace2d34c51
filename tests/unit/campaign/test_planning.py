"""Planning on a real store: what is written, and when what is refused."""

from __future__ import annotations

import json
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest

from consortium import campaign
from consortium.campaign.owners import check_optimal, decode
from consortium.campaign.people import leaf_secret, row_salt
from consortium.campaign.states import lock_name
from consortium.errors import DocumentError, EvidenceError, PolicyRefused, StateConflict
from consortium.ledger import merkle
from consortium.ledger.commit import row_commitment
from consortium.model import ConsentBasis
from consortium.store import ledger, locks, messages, outbox, plans
from consortium.store.engine import Database
from consortium.testing.clock import FakeClock
from tests.harness.campaigning import CAMPAIGN, NAME, Assembly, assemble, changed, person


@pytest.fixture
def assembly(sqlite_database: Database, tmp_path: Path, clock: FakeClock) -> Assembly:
    made = assemble(sqlite_database, tmp_path, clock=clock)
    made.create()
    return made


def test_plan_is_frozen_with_its_root_in_the_ledger_and_its_messages_in_the_outbox(
    assembly: Assembly,
) -> None:
    result = assembly.plan()
    assert result.audience == 140
    assert sorted(result.assigned.values()) == [46, 47, 47]
    assert result.new_messages == 140
    assert result.waiting == ("nurses", "teachers", "tenants")
    assert assembly.campaign().state == "planned"
    with assembly.database.read() as tx:
        plan = plans.get(tx, result.plan)
        leaves = list(ledger.leaves(tx, result.entry))
        entry = json.loads(ledger.entry(tx, result.entry))
        answers = list(plans.answers(tx, result.plan))
        tally = messages.tally(tx, assembly.campaign().id)
    assert plan.state == "frozen"
    assert plan.digest == result.digest == merkle.root(map(merkle.leaf_hash, leaves))
    assert (entry["kind"], entry["leaves"], entry["root"]) == (
        "campaign_planned",
        140,
        result.digest.hex(),
    )
    assert [a.number for a in answers] == list(range(1, 141))
    assert {t.owner: t.messages for t in tally} == result.assigned
    assert {t.state for t in tally} == {"waiting"}
    assert plan.flows is not None
    check_optimal(*decode(plan.flows))


def test_leaf_commits_to_the_row_and_opens_with_the_plans_secret(assembly: Assembly) -> None:
    result = assembly.plan()
    with assembly.database.read() as tx:
        plan = plans.get(tx, result.plan)
        leaf = json.loads(next(ledger.leaves(tx, result.entry)))
        answer = plans.answer(tx, result.plan, 1)
    salt = row_salt(leaf_secret(plan.secret), plan=plan.id, number=1)
    upload = next(u for u in assembly.uploads.values() if u.digest.hex() == leaf["upload"])
    opened = {row_commitment(salt, upload=upload.digest, row=n): n for n in range(1, 141)}
    assert leaf["row"] in opened
    assert leaf["policy"] == 1
    assert answer.kind == "assigned"


def test_opt_out_codes_are_opaque_and_each_is_used_once(assembly: Assembly) -> None:
    assembly.plan()
    with assembly.database.read() as tx:
        codes = [
            row.opt_out_code
            for row in tx.connection.exec_driver_sql("SELECT opt_out_code FROM consortium_message")
        ]
    assert len(set(codes)) == 140
    assert all(
        len(code) == 16 and set(code) <= set("abcdefghijklmnopqrstuvwxyz234567") for code in codes
    )


def test_an_audience_of_fewer_than_fifty_is_refused_and_nothing_is_written(
    sqlite_database: Database, tmp_path: Path, clock: FakeClock
) -> None:
    assembly = assemble(
        sqlite_database,
        tmp_path,
        clock=clock,
        lists={"nurses": [person(n) for n in range(1, 50)]},
        order=["nurses"],
    )
    assembly.create()
    with pytest.raises(PolicyRefused, match="fewer than 50 people"):
        assembly.plan()
    assert assembly.campaign().state == "created"
    assert "campaign_planned" not in assembly.kinds()
    with assembly.database.read() as tx:
        assert plans.history(tx, assembly.campaign().id) == []


def test_reasons_are_told_by_rule_and_partner(
    sqlite_database: Database, tmp_path: Path, clock: FakeClock
) -> None:
    assembly = assemble(
        sqlite_database,
        tmp_path,
        clock=clock,
        lists={
            "nurses": [
                person(n, basis=ConsentBasis.NONE if n <= 20 else ConsentBasis.EXPRESS)
                for n in range(1, 61)
            ],
            "teachers": [person(n) for n in range(11, 16)],
        },
        order=["nurses", "teachers"],
    )
    assembly.create()
    result = assembly.plan()
    assert result.assigned == {"nurses": 40, "teachers": 5}
    (total,) = result.refused
    assert (total.rule, total.partner, total.persons) == ("consent", "nurses", 15)


def test_a_shared_address_gets_one_message_and_the_others_hear_why(
    sqlite_database: Database, tmp_path: Path, clock: FakeClock
) -> None:
    families = [
        person(n, address=f"family{n % 30}@example.org", first=("Ann", "Bob")[n // 31])
        for n in range(1, 61)
    ]
    assembly = assemble(
        sqlite_database, tmp_path, clock=clock, lists={"nurses": families}, order=["nurses"]
    )
    assembly.create()
    result = assembly.plan()
    assert result.assigned == {"nurses": 30}
    (total,) = result.refused
    assert (total.rule, total.reason, total.persons) == ("one_message", "shared_address", 30)


def test_daily_volume_spreads_over_the_days_of_the_window_and_what_is_left_comes_later(
    assembly: Assembly,
) -> None:
    assembly.set_policy("tenants", volume='volume = [{ max = 20, per = "day" }]')
    result = assembly.plan()
    assert result.assigned["tenants"] == 20
    later = sum(t.persons for t in result.deferred)
    assert {t.reason for t in result.deferred} == {"day_used_up"}
    assert sum(result.assigned.values()) + later == 140
    (relief,) = result.relief
    assert (relief.owner, relief.gain) == ("tenants", later)
    assert relief.needed == 20 + later


def test_two_days_take_twice_the_daily_volume_the_second_half_on_the_second_day(
    sqlite_database: Database, tmp_path: Path, clock: FakeClock
) -> None:
    assembly = assemble(sqlite_database, tmp_path, clock=clock)
    assembly.create(changed("2026-11-03T09:00:00", "2026-11-02T09:00:00"))
    assembly.set_policy("tenants", volume='volume = [{ max = 10, per = "day" }]')
    assembly.plan()
    with assembly.database.read() as tx:
        times = Counter(
            tx.connection.exec_driver_sql(
                "SELECT not_before FROM consortium_message m JOIN consortium_partner p"
                " ON p.id = m.owner_id WHERE p.slug = 'tenants'"
            ).scalars()
        )
    start = assembly.campaign().starts_at
    assert sorted(times.values()) == [10, 10]
    first, second = sorted(times)
    assert first == int(start.timestamp() * 1_000_000)
    assert second - first == 15 * 3600 * 1_000_000  # the next local midnight


def test_an_approvals_ceiling_is_kept(assembly: Assembly) -> None:
    assembly.approve("tenants", ceiling=5)
    result = assembly.plan()
    assert result.assigned["tenants"] == 5
    assert {(t.rule, t.reason, t.partner) for t in result.refused} == {
        ("approval", "ceiling_reached", "tenants")
    }


def test_an_owner_that_declined_is_no_candidate(assembly: Assembly) -> None:
    assembly.record(assembly.refusal("tenants"))
    result = assembly.plan()
    assert "tenants" not in result.assigned
    assert result.declined == ("tenants",)
    assert {(t.rule, t.reason, t.partner) for t in result.refused} == {
        ("approval", "declined", "tenants")
    }


def test_a_list_that_came_after_its_owners_approval_is_not_spoken_for(assembly: Assembly) -> None:
    assembly.approve("nurses")
    assembly.add("nurses", [person(n) for n in range(201, 221)])
    assembly.merge()
    result = assembly.plan()
    assert [(t.reason, t.persons) for t in result.refused] == [("upload_not_covered", 20)]


def test_a_standing_yes_with_standing_wraps_needs_no_answer(
    sqlite_database: Database, tmp_path: Path, clock: FakeClock
) -> None:
    assembly = assemble(sqlite_database, tmp_path, clock=clock)
    assembly.set_policy("nurses", approval="standing")
    assembly.set_policy("teachers", approval="standing")
    assembly.add("nurses", [person(n) for n in range(301, 311)], standing=True)
    assembly.merge()
    assembly.create()
    view = campaign.status(
        assembly.database,
        NAME,
        policies=assembly.in_force,
        wraps=assembly.house.wraps,
        clock=clock,
    )
    # The nurses' first list has no standing wrap, and the teachers have none at all.
    assert view.said == {"nurses": "waiting", "teachers": "waiting", "tenants": "waiting"}
    assert "standing" in assembly.house.wraps.scopes()


def test_the_same_world_taken_in_in_another_order_has_the_same_digest(
    tmp_path: Path, sqlite_database: Database, clock: FakeClock
) -> None:
    # Packs differ by their nonce, so the same three uploads are planned twice, before and after
    # ids have moved on by a list that comes and goes.
    assembly = assemble(sqlite_database, tmp_path, clock=clock)
    assembly.create()
    first = assembly.plan()
    extra = assembly.add("nurses", [person(n) for n in range(500, 520)])
    assembly.merge()
    assert assembly.plan().digest != first.digest
    assembly.house.withdraw(extra.name)
    assembly.merge()
    third = assembly.plan()
    with assembly.database.read() as tx:
        one, three = (
            [{**json.loads(leaf), "row": None} for leaf in ledger.leaves(tx, plan.entry)]
            for plan in (first, third)
        )
    assert one == three


def test_planning_again_replaces_messages_nobody_has_tried(assembly: Assembly) -> None:
    first = assembly.plan()
    second = assembly.plan()
    assert second.plan != first.plan
    with assembly.database.read() as tx:
        states = [p.state for p in plans.history(tx, assembly.campaign().id)]
        owners = messages.tally(tx, assembly.campaign().id)
        old, new = plans.history(tx, assembly.campaign().id)
    assert states == ["superseded", "frozen"]
    assert sum(t.messages for t in owners) == 140
    assert old.secret == new.secret


def test_planning_again_keeps_what_was_sent_and_writes_to_nobody_twice(assembly: Assembly) -> None:
    assembly.plan()
    assembly.clock.set(assembly.campaign().starts_at)
    campaign.start(assembly.database, NAME, clock=assembly.clock)
    with assembly.database.write() as tx:
        ids = [
            row.id
            for row in tx.connection.exec_driver_sql(
                "SELECT id FROM consortium_message ORDER BY id LIMIT 30"
            )
        ]
        intents = outbox.intend(tx, ids[:20], at=assembly.clock.now())
        outbox.stop(tx, ids[20:], rule="suppression", reason="opted_out", at=assembly.clock.now())
    assert len(intents) == 20
    assembly.clock.advance(timedelta(minutes=1))
    again = assembly.plan()
    assert again.new_messages == 110
    assert sum(again.assigned.values()) == 130
    assert [(t.rule, t.reason, t.persons) for t in again.refused] == [
        ("suppression", "opted_out", 10)
    ]
    with assembly.database.read() as tx:
        points = list(
            tx.connection.exec_driver_sql("SELECT point_id FROM consortium_message").scalars()
        )
    assert len(points) == len(set(points)) == 140
    assert assembly.campaign().state == "sending"


def test_what_a_dead_planner_left_is_swept_and_cannot_be_sent(
    assembly: Assembly, monkeypatch: pytest.MonkeyPatch
) -> None:
    assembly.plan()

    class Killed(BaseException):
        pass

    def die(*_: object, **__: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(plans, "freeze", die)
        with pytest.raises(Killed):
            assembly.plan()
    with pytest.raises(StateConflict, match="no plan in force"):
        campaign.start(assembly.database, NAME, clock=assembly.clock)
    assembly.plan()
    with assembly.database.read() as tx:
        assert [p.state for p in plans.history(tx, assembly.campaign().id)] == [
            "superseded",
            "frozen",
        ]
        assert sum(t.messages for t in messages.tally(tx, assembly.campaign().id)) == 140


def test_a_policy_that_changes_while_planning_stops_it(assembly: Assembly) -> None:
    def code() -> str:
        if not done:
            done.append(True)
            assembly.set_policy("nurses", guards="frequency = [{ max = 1, per_days = 7 }]")
        return campaign_code()

    done: list[bool] = []
    from consortium.campaign.plan import opt_out_code as campaign_code  # noqa: PLC0415 - shadowed

    with pytest.raises(StateConflict, match="policy changed while"):
        assembly.plan(code=code)
    assert assembly.campaign().state == "created"


def test_nobody_plans_while_somebody_sends(assembly: Assembly) -> None:
    with locks.exclusive(assembly.database, lock_name(NAME)), pytest.raises(StateConflict):
        assembly.plan()


def test_rows_that_no_merge_has_seen_are_named_and_get_nothing(assembly: Assembly) -> None:
    assembly.add("nurses", [person(n) for n in range(400, 410)])
    result = assembly.plan()
    assert result.unmerged_rows == 10
    assert sum(result.assigned.values()) == 140


def test_a_window_that_has_passed_is_neither_created_nor_planned(assembly: Assembly) -> None:
    assembly.clock.set(assembly.campaign().ends_at)
    with pytest.raises(StateConflict, match="window of campaign"):
        assembly.plan()
    with pytest.raises(DocumentError, match="the window has passed"):
        assembly.create(changed('"portland-ballots"', '"another-one"'))


def test_a_name_is_used_once(assembly: Assembly) -> None:
    before = assembly.kinds()
    with pytest.raises(StateConflict, match="there is a campaign portland-ballots already"):
        assembly.create()
    assert assembly.kinds() == before


def test_a_campaign_is_signed_by_the_coordinator_of_the_card(assembly: Assembly) -> None:
    with pytest.raises(EvidenceError):
        campaign.create(
            assembly.database,
            changed('"portland-ballots"', '"another-one"'),
            card=assembly.house.card,
            coordinator_key=bytes(range(32)),
            clock=assembly.clock,
        )


def test_line_ends_of_another_system_make_no_other_digest(
    sqlite_database: Database, tmp_path: Path, clock: FakeClock
) -> None:
    assembly = assemble(sqlite_database, tmp_path, clock=clock)
    found = assembly.create(CAMPAIGN.replace("\n", "\r\n"))
    assert found.document == CAMPAIGN


def test_without_a_merge_there_is_nobody_to_plan_for(
    sqlite_database: Database, tmp_path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Assembly, "merge", lambda self: None)
    assembly = assemble(sqlite_database, tmp_path, clock=clock)
    assembly.create()
    with pytest.raises(StateConflict, match="there are no persons yet"):
        assembly.plan()
