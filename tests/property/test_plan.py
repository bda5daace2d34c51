"""What every plan keeps, whatever the lists, policies and histories are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache

from hypothesis import given, settings
from hypothesis import strategies as st

import consortium_policies
from consortium.campaign.answers import Answers
from consortium.campaign.coverage import Coverage
from consortium.campaign.decide import decide
from consortium.campaign.owners import check_optimal, decode, encode
from consortium.ledger import canonical, merkle
from consortium.ledger import leaves as leaf_kinds
from consortium.model import ConsentBasis, MessageState, Places, Relationship
from consortium.policy import document as policy_document
from consortium.policy import engine
from consortium.policy.decision import Allow
from consortium.policy.engine import CompiledPolicy
from consortium.store.audiences import KeptMessage
from consortium.testing.audience import Row, audience

OWNERS = ("nurses", "teachers", "tenants")
NOW = datetime(2026, 11, 3, 8, tzinfo=UTC)
CAMPAIGN = """
campaign = 1
name = "portland-ballots"
purpose = "gotv"
content = "nonpartisan"
channel = "email"
window = { start = 2026-11-03T09:00:00, end = 2026-11-03T19:30:00, zone = "America/Los_Angeles" }
not_after = 2026-11-03T20:00:00
rate = "5/second"
audience = { include = ["state:OR"] }
[[message]]
language = "en"
subject = "Your drop box is open"
text = "It closes at 8."
"""


@cache
def policy(
    slug: str,
    *,
    volume: str = "",
    guards: str = "",
) -> CompiledPolicy:
    text = f"""
policy = 1
partner = "{slug}"
effective = 2026-01-01
expires = 2026-12-31
zone = "America/Los_Angeles"
[when_we_speak]
channels = ["email"]
purposes = ["gotv"]
content = ["nonpartisan"]
relationships = ["member", "supporter"]
places = ["state:OR"]
consent = {{ email = ["express", "membership"] }}
{volume}
[whoever_speaks]
{guards}
"""
    return engine.compile(
        policy_document.read(text, name=slug, presets=()), registry=consortium_policies.rules()
    )


guards = st.sampled_from(
    [
        "",
        "frequency = [{ max = 1, per_days = 7 }]",
        "frequency = [{ max = 2, per_days = 30 }]",
        "quiet_hours = { from = 20:00:00, to = 10:00:00 }",
        """frequency = [{ max = 1, per_days = 30 }]
        quiet_hours = { from = 18:00:00, to = 08:00:00 }""",
    ]
)
volumes = st.sampled_from(
    [
        "",
        "",
        'volume = [{ max = 3, per = "day" }]',
        'volume = [{ max = 4, per = "campaign" }]',
    ]
)


@st.composite
def rows(draw: st.DrawFn, *, most: int = 14) -> list[Row]:
    """Overlapping lists: a few persons and addresses, shared both ways."""
    count = draw(st.integers(1, most))
    return [
        Row(
            person=draw(st.integers(1, 8)),
            owner=draw(st.sampled_from(OWNERS)),
            points=tuple(draw(st.lists(st.integers(1, 8), max_size=2, unique=True))),
            number=number,
            basis=draw(
                st.sampled_from([ConsentBasis.EXPRESS, ConsentBasis.MEMBERSHIP, ConsentBasis.NONE])
            ),
            relationship=draw(st.sampled_from(list(Relationship))),
            places=Places("US", draw(st.sampled_from(["OR", "OR", "WA", ""])), ""),
            zones=draw(st.sampled_from([(), ("America/Los_Angeles",), ("America/Boise",)])),
        )
        for number in range(1, count + 1)
    ]


lists = rows().filter(lambda listed: any(row.places.state == "OR" for row in listed))
histories = st.lists(
    st.tuples(
        st.integers(1, 8),
        st.integers(1, 40 * 24 * 60).map(lambda m: NOW - timedelta(minutes=m)),
    ),
    max_size=6,
)
bans = st.lists(st.tuples(st.integers(1, 8), st.sampled_from([None, *OWNERS])), max_size=3)


def everybody(listed: Sequence[Row]) -> set[int]:
    return {row.person for row in listed if row.places.state == "OR"}


def recipients(answers: Answers, listed: Sequence[Row]) -> dict[int, tuple[str, int]]:
    """Per person of the audience that gets a message: owner and point."""
    persons = list(dict.fromkeys(row.person for row in listed))
    chosen = answers.choice
    return {
        persons[person]: (answers.owners[owner], point)
        for person, owner, point in zip(
            answers.ids.tolist(), chosen.owner.tolist(), chosen.point.tolist(), strict=True
        )
        if owner >= 0
    }


def answered(answers: Answers, listed: Sequence[Row]) -> list[int]:
    persons = list(dict.fromkeys(row.person for row in listed))
    return [persons[person] for person in answers.ids.tolist()]


@settings(deadline=None)
@given(
    listed=lists,
    history=histories,
    banned=bans,
    g=st.tuples(guards, guards, guards),
    v=st.tuples(volumes, volumes, volumes),
)
def test_every_person_gets_one_answer_and_nobody_and_no_address_two_messages(
    listed: list[Row],
    history: list[tuple[int, datetime]],
    banned: list[tuple[int, str | None]],
    g: tuple[str, ...],
    v: tuple[str, ...],
) -> None:
    policies = {o: policy(o, guards=g[i], volume=v[i]) for i, o in enumerate(OWNERS)}
    answers = decide(
        audience(listed, campaign=CAMPAIGN, policies=policies, now=NOW, prior=history, bans=banned)
    )
    assert sorted(answered(answers, listed)) == sorted(everybody(listed))
    found = recipients(answers, listed)
    assert len({point for _, point in found.values()}) == len(found)
    for person, (owner, point) in found.items():
        assert (point, None) not in banned
        assert (point, owner) not in banned
        assert any(
            row.person == person
            and row.owner == owner
            and point in row.points
            and row.basis is not ConsentBasis.NONE
            and row.relationship is not Relationship.PUBLIC
            for row in listed
        )
    loads = Counter(owner for owner, _ in found.values())
    for owner, compiled in policies.items():
        for cap in (compiled.daily_cap, compiled.campaign_cap):
            assert cap is None or loads[owner] <= cap
    records = list(answers.records())
    leaves = list(answers.leaves(plan=1, secret=bytes(32)))
    assert [r.number for r in records] == list(range(1, len(records) + 1))
    assert len(leaves) == len(records)
    for record, leaf in zip(records, leaves, strict=True):
        said = leaf_kinds.check(canonical.decode(leaf), batch="campaign_planned")
        assert (said["number"], said["answer"], said["rule"], said["reason"]) == (
            record.number,
            record.kind,
            record.rule,
            record.reason,
        )
        assert (said["row"] is None) == (record.row_id is None)
    assert sum(r.kind == "assigned" for r in records) == len(found)
    assert len(list(answers.messages(lambda: "x"))) == len(found)


@settings(deadline=None)
@given(listed=lists, history=histories, banned=bans, guard=guards, whose=st.sampled_from(OWNERS))
def test_a_further_guard_never_adds_a_recipient(
    listed: list[Row],
    history: list[tuple[int, datetime]],
    banned: list[tuple[int, str | None]],
    guard: str,
    whose: str,
) -> None:
    loose = {o: policy(o) for o in OWNERS}
    tight = {**loose, whose: policy(whose, guards=guard)}
    before, after = (
        recipients(
            decide(
                audience(listed, campaign=CAMPAIGN, policies=p, now=NOW, prior=history, bans=banned)
            ),
            listed,
        )
        for p in (loose, tight)
    )
    assert after.keys() <= before.keys()


@settings(deadline=None)
@given(listed=lists, history=histories, banned=bans, data=st.data())
def test_the_digest_depends_neither_on_the_order_of_rows_nor_on_that_of_uploads(
    listed: list[Row],
    history: list[tuple[int, datetime]],
    banned: list[tuple[int, str | None]],
    data: st.DataObject,
) -> None:
    shuffled = data.draw(st.permutations(listed))
    policies = {o: policy(o, guards="frequency = [{ max = 1, per_days = 7 }]") for o in OWNERS}
    roots = set()
    for order in (listed, shuffled):
        answers = decide(
            audience(
                order, campaign=CAMPAIGN, policies=policies, now=NOW, prior=history, bans=banned
            )
        )
        leaves = answers.leaves(plan=1, secret=bytes(32))
        roots.add(merkle.root(map(merkle.leaf_hash, leaves)))
    assert len(roots) == 1


@settings(deadline=None)
@given(listed=lists, history=histories, g=st.tuples(guards, guards, guards), data=st.data())
def test_planning_again_moves_nobody_who_had_a_message_and_gives_no_second_one(
    listed: list[Row],
    history: list[tuple[int, datetime]],
    g: tuple[str, ...],
    data: st.DataObject,
) -> None:
    policies = {o: policy(o, guards=g[i]) for i, o in enumerate(OWNERS)}
    first = decide(audience(listed, campaign=CAMPAIGN, policies=policies, now=NOW, prior=history))
    sent = [
        KeptMessage(
            id=number,
            owner_id=message.owner_id,
            row_id=message.row_id,
            point_id=message.point_id,
            state=data.draw(st.sampled_from([MessageState.ACCEPTED, MessageState.UNKNOWN])),
            rule=None,
            reason=None,
        )
        for number, message in enumerate(first.messages(lambda: "x"), start=1)
        if data.draw(st.booleans())
    ]
    # A merge may have joined or parted persons since.
    merged = [
        replace(row, person=data.draw(st.sampled_from([row.person, row.person, 1])))
        for row in listed
    ]
    again = decide(
        audience(merged, campaign=CAMPAIGN, policies=policies, now=NOW, prior=history, kept=sent)
    )
    new = list(again.messages(lambda: "x"))
    gone = {message.point_id for message in sent}
    assert not gone & {message.point_id for message in new}
    touched = {row.person for row in merged if gone & set(row.points)}
    person_of_row = {i: row.person for i, row in enumerate(merged, start=1)}
    assert not touched & {person_of_row[message.row_id] for message in new}
    assert len({person_of_row[m.row_id] for m in new}) == len(new)
    kept = {record.row_id: record for record in again.records() if record.row_id}
    for message in sent:
        holder = merged[message.row_id - 1]
        if holder.person in everybody(merged) and message.row_id in kept:
            assert kept[message.row_id].point_id == message.point_id


@settings(deadline=None)
@given(listed=lists, v=st.tuples(volumes, volumes, volumes))
def test_the_recorded_flows_prove_that_nobody_more_could_have_a_message(
    listed: list[Row], v: tuple[str, ...]
) -> None:
    policies = {o: policy(o, volume=v[i]) for i, o in enumerate(OWNERS)}
    answers = decide(audience(listed, campaign=CAMPAIGN, policies=policies, now=NOW))
    problem, solution = decode(encode(answers.choice.problem, answers.choice.solution))
    check_optimal(problem, solution)
    loads = {o: n for o, n in solution.loads(problem).items() if n}
    assert answers.assigned() == loads


def test_an_owner_that_declined_speaks_to_nobody_and_its_people_hear_who_said_no() -> None:
    listed = [Row(person=n, owner="nurses", points=(n,), number=n) for n in range(1, 4)]
    answers = decide(
        audience(
            listed,
            campaign=CAMPAIGN,
            policies={o: policy(o) for o in OWNERS},
            now=NOW,
            coverage={"nurses": Coverage.DECLINED},
        )
    )
    (total,) = answers.refused()
    assert (total.rule, total.reason, total.partner, total.persons) == (
        "approval",
        "declined",
        "nurses",
        3,
    )


def test_an_owner_that_has_not_answered_is_planned_with() -> None:
    listed = [Row(person=1, owner="nurses", points=(1,), number=1)]
    answers = decide(
        audience(
            listed,
            campaign=CAMPAIGN,
            policies={o: policy(o) for o in OWNERS},
            now=NOW,
            coverage={"nurses": Coverage.WAITING},
        )
    )
    assert answers.assigned() == {"nurses": 1}
    assert all(isinstance(answers.choice.verdicts[v], Allow) for v in answers.choice.verdict)
