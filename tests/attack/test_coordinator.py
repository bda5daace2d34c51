"""The coordinator: has the coordinator's passphrase, and is curious.

The credential opens the key that signs requests, and no other. It separates duties; what keeps a
coordinator from the database's file is the machine's file permissions (docs/threat-model.md).
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from email.message import EmailMessage
from mailbox import Maildir
from pathlib import Path

import pytest
from pydantic import BaseModel

import consortium
from consortium.app import Consortium
from consortium.errors import KeyFailure, NotFound, PolicyRefused
from consortium.testing.transport import MemoryTransport
from consortium.types import Pii
from consortium.vault.keys import HOST_KEYS, PassphraseKeys
from tests.attack.marks import Marks
from tests.attack.stage import COORDINATOR, NAME, Someone, Stage, people
from tests.attack.thief import rows_of

LISTED = [
    *people(1, 61, tag="member-no-"),
    Someone(email="marsupial@canary.example.org", first="Quokkadine", last="Numbatmark"),
]
MARKS = Marks(
    value for one in LISTED for value in (one.email, one.first, one.last, one.record_id) if value
)


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    stage = Stage.found(tmp_path_factory.mktemp("coordinator"), in_files=True)
    stage.join("nurses", LISTED)
    stage.join("teachers", [*people(41, 91), LISTED[-1]])
    stage.pack("nurses", people(200, 210), name="later")
    stage.host.merge()
    stage.host.optouts.add(Pii(LISTED[0].email))
    stage.host.close()
    return stage


@pytest.fixture
def coordinator(stage: Stage) -> Iterator[Consortium]:
    """The consortium, open to somebody who types the coordinator's passphrase every time."""
    with consortium.open(
        stage.home, passphrase=lambda _role: COORDINATOR, clock=stage.clock
    ) as host:
        yield host


def test_the_coordinators_passphrase_opens_the_coordinators_key_and_no_other(
    stage: Stage,
) -> None:
    keys = PassphraseKeys(stage.home / "keys", lambda _name: COORDINATOR)
    assert len(keys.open("coordinator")) == 32
    for name in HOST_KEYS:
        if name != "coordinator":
            with pytest.raises(KeyFailure, match=f"the key {name} does not open"):
                keys.open(name)


def test_creating_asking_recording_planning_and_ending_need_nothing_else(
    stage: Stage, coordinator: Consortium
) -> None:
    campaigns = coordinator.campaigns
    assert campaigns.create(stage.campaign()).name == NAME
    assert "Given" not in campaigns.request(NAME, "nurses")
    for slug in ("nurses", "teachers"):
        campaigns.record(stage.desks[slug].approve(campaigns.request(NAME, slug)))
    assert campaigns.plan(NAME).new_messages == 90
    assert campaigns.preview(NAME)
    assert campaigns.status(NAME).plan is not None
    assert [c.name for c in campaigns.list()] == [NAME]
    assert coordinator.reports.campaign(NAME).planned == 90
    assert "personal data" in coordinator.reports.campaign_html(NAME)
    campaigns.create(stage.campaign("second"))
    campaigns.stop("second", reason="not now")


def test_what_needs_the_operator_fails_with_a_clear_error_and_changes_nothing(
    stage: Stage, coordinator: Consortium
) -> None:
    address = Pii("somebody@example.org")
    before = coordinator.ledger.size
    for act in (
        lambda: coordinator.uploads.add(stage.root / "nurses" / "later.pack"),
        lambda: coordinator.optouts.add(address),
        lambda: coordinator.optouts.check(address),
        coordinator.merge,
        lambda: coordinator.merges.show("u-0001:1"),
        lambda: coordinator.merges.show("m-1"),
        lambda: coordinator.merges.never("u-0001:1", "u-0001:2"),
        lambda: coordinator.merges.split(["u-0001:1"]),
        lambda: coordinator.merges.pairs("nurses"),
        lambda: coordinator.campaigns.send(NAME, transport=MemoryTransport()),
        coordinator.ledger.checkpoint,
        lambda: coordinator.ledger.export(stage.root / "export"),
    ):
        with pytest.raises(KeyFailure, match="does not open: wrong passphrase") as refused:
            act()
        assert refused.value.hint
    assert coordinator.ledger.size == before
    assert not (stage.root / "export").exists()
    assert len(rows_of(stage.home)) == len(LISTED) + 51


def test_an_audience_small_enough_to_single_people_out_is_refused(
    stage: Stage, coordinator: Consortium
) -> None:
    coordinator.campaigns.create(stage.campaign("tiny", place="postcode:97299"))
    with pytest.raises(PolicyRefused, match="fewer than 50 people"):
        coordinator.campaigns.plan("tiny")
    status = coordinator.campaigns.status("tiny")
    assert status.plan is None
    assert status.totals == ()
    assert coordinator.reports.campaign("tiny").audience == 0


def test_being_told_before_partners_are_asked_says_what_planning_would_and_no_more(
    stage: Stage, coordinator: Consortium
) -> None:
    """No count, and only of a campaign whose text is in the ledger: nothing to probe with."""
    campaigns = coordinator.campaigns
    with pytest.raises(NotFound):
        campaigns.obstacle("nobody-home")
    said = set()
    for name, place in (("nobody-home", "postcode:97299"), ("nobody-away", "state:WA")):
        before = coordinator.ledger.size
        campaigns.create(stage.campaign(name, place=place))
        assert coordinator.ledger.size == before + 1
        found = campaigns.obstacle(name)
        with pytest.raises(PolicyRefused) as refused:
            campaigns.plan(name)
        assert found is not None
        assert (found.message, found.hint) == (refused.value.message, refused.value.hint)
        said.add(found.message.replace(name, ""))
    assert len(said) == 1
    campaigns.create(stage.campaign("everybody"))
    assert campaigns.obstacle("everybody") is None


def _walk(value: object) -> Iterator[str | bytes | int]:
    """Everything inside a result, `Pii` revealed."""
    if isinstance(value, Pii):
        yield value.reveal()
    elif isinstance(value, str | bytes | int):
        yield value
    else:
        for part in _parts(value):
            yield from _walk(part)


def _parts(value: object) -> Iterable[object]:
    if isinstance(value, Mapping):
        return value.items()
    if isinstance(value, Sequence | set | frozenset):
        return value
    if dataclasses.is_dataclass(value):
        return [getattr(value, field.name) for field in dataclasses.fields(value)]
    if isinstance(value, BaseModel):
        return [value.model_dump()]
    assert value is None or isinstance(value, datetime | date | time | timedelta), value
    return []


def test_nothing_that_a_coordinators_calls_return_says_who(
    stage: Stage, coordinator: Consortium
) -> None:
    """No address, name, record id or token; no list of a person's owners; no row, no person."""
    campaigns = coordinator.campaigns
    campaigns.create(stage.campaign("shown"))
    for slug in ("nurses", "teachers"):
        campaigns.record(stage.desks[slug].approve(campaigns.request("shown", slug)))
    results = [
        campaigns.plan("shown"),
        campaigns.preview("shown"),
        campaigns.status("shown"),
        campaigns.list(),
        campaigns.document("shown"),
        campaigns.request("shown", "nurses"),
        coordinator.reports.campaign("shown"),
        coordinator.reports.campaign_html("shown"),
        coordinator.uploads.list(),
        coordinator.partners.list(),
        coordinator.policies.show("nurses"),
    ]
    found = list(_walk(results))
    assert len(found) > 200
    assert b"nurses" in b" ".join(f.encode() for f in found if isinstance(f, str))
    secret = {value for row in rows_of(stage.home) for value in (row.details, row.match_block)}
    for value in found:
        data = value if isinstance(value, bytes) else str(value).encode()
        assert MARKS.found(data) == []
        assert value not in secret
        assert not isinstance(value, bytes) or len(value) in {32, 64}  # digests, keys, signatures
    names = {type(result).__name__ for result in results}
    assert "PlanResult" in names
    assert not {f.name for f in dataclasses.fields(campaigns.status("shown"))} & {
        "rows",
        "persons",
        "points",
    }


def test_the_tokens_of_the_database_are_in_none_of_a_coordinators_results(
    stage: Stage, coordinator: Consortium
) -> None:
    import sqlite3  # noqa: PLC0415 - for this one look beside the façade

    with sqlite3.connect(stage.home / "consortium.db") as connection:
        tokens = {t for (t,) in connection.execute("SELECT token FROM consortium_contact_point")}
    connection.close()
    campaigns = coordinator.campaigns
    results = [campaigns.status("shown"), campaigns.list(), coordinator.uploads.list()]
    assert tokens
    assert tokens.isdisjoint(value for value in _walk(results) if isinstance(value, bytes))


def test_previews_show_made_up_people_alone(coordinator: Consortium) -> None:
    to = {preview.to for preview in coordinator.campaigns.preview("shown")}
    assert to == {
        "Dana Okafor",
        "Zoë Nuñez",
        "Maximiliana-Theodora Featherstonehaugh-Wolstenholme",
        "",
    }


def test_audiences_are_rounded_for_the_coordinator(coordinator: Consortium) -> None:
    assert coordinator.campaigns.plan("shown").audience == 90  # 91 persons
    assert coordinator.reports.campaign("shown").audience == 90


# --- what the coordinator can find out all the same -------------------------------------------


def test_the_totals_of_a_plan_add_up_to_the_exact_audience(coordinator: Consortium) -> None:
    """Rounding the audience hides nothing from who adds; comparing two plans can tell of one
    person. Totals by owner and reason are what a coordinator works with (docs/threat-model.md)."""
    plan = coordinator.campaigns.plan("shown")
    exact = sum(plan.assigned.values()) + sum(t.persons for t in (*plan.refused, *plan.deferred))
    assert exact == 91


def test_reading_mail_withdrawing_and_ending_need_no_key_at_all(
    stage: Stage, tmp_path: Path
) -> None:
    """Keys separate duties for what opens or signs; for the rest there are file permissions."""

    def nothing(role: str) -> str:
        raise AssertionError(role)

    box = Maildir(tmp_path / "answers")
    box.add(EmailMessage())
    with consortium.open(stage.home, passphrase=nothing, clock=stage.clock) as anybody:
        assert anybody.optouts.read_mail(tmp_path / "answers").not_for_us == 1
        anybody.campaigns.stop("shown", reason="because I can")
        assert anybody.uploads.withdraw(anybody.uploads.list()[-1].name).erased
        assert re.fullmatch("[0-9a-f ]+", anybody.card.fingerprint)
