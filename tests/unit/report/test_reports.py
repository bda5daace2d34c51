"""Reports say what happened, prove what they say, and hold no personal data."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import asdict
from html import escape
from pathlib import Path

import pytest

from consortium.delivery import Accepted, Later, Rejected, Unknown
from consortium.errors import NotFound, StateConflict
from consortium.ledger import canonical
from consortium.ledger.proof import LeafProof
from consortium.model import CampaignState, MessageState
from consortium.policy import words
from consortium.testing.transport import MemoryTransport
from consortium.vault import signed
from tests.harness.demo_house import DATA, LISTS, NAME, DemoHouse, demo_house


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoHouse]:
    with demo_house(tmp_path_factory.mktemp("house")) as made:
        made.plan()
        made.send(
            MemoryTransport(
                [Accepted("250 2.0.0"), Rejected("550 5.1.1"), Unknown("timeout"), Later("451")]
            )
        )
        made.host.ledger.checkpoint()
        yield made


def test_every_planned_message_is_in_exactly_one_state(house: DemoHouse) -> None:
    report = house.host.reports.campaign(NAME)
    assert report.state is CampaignState.FINISHED
    assert report.planned == sum(line.planned for line in report.owners) > 100
    assert report.messages(MessageState.REJECTED) == 1
    assert report.messages(MessageState.UNKNOWN) == len(report.unknown) == 1
    assert report.messages(MessageState.WAITING) == 0
    accepted = report.messages(MessageState.ACCEPTED)
    assert accepted + 2 + report.messages(MessageState.STOPPED) == report.planned


def test_everybody_planned_or_refused_adds_up_to_the_audience(house: DemoHouse) -> None:
    report = house.host.reports.campaign(NAME)
    refused = sum(persons for _, persons in (*report.refused, *report.deferred))
    assert abs(report.planned + refused - report.audience) <= 50
    declined = {line.owner: line for line in report.owners}["climate"]
    assert (declined.answer, declined.planned) == ("declined", 0)


def test_an_unknown_campaign_or_message_is_named_as_such(house: DemoHouse) -> None:
    with pytest.raises(NotFound):
        house.host.reports.campaign("nothing-of-that-name")
    for name in ("m-999999", "m-", "1", "m-1x", "m--1"):
        with pytest.raises(NotFound):
            house.host.reports.provenance(name)


def test_the_page_asks_nothing_of_anybody(house: DemoHouse) -> None:
    page = house.host.reports.campaign_html(NAME)
    assert page.startswith("<!doctype html>")
    assert not re.search(r"<(script|link|img|iframe|object|form)\b|https?:|url\(|@import", page)
    assert page.count("<table>") == page.count("</table>") >= 2


def test_the_page_says_what_the_report_says(house: DemoHouse) -> None:
    report, page = house.host.reports.campaign(NAME), house.host.reports.campaign_html(NAME)
    for reason, persons in report.refused:
        assert f"<td>{escape(reason)}</td><td class=n>{words.people(persons)}</td>" in page
    assert report.unknown[0] in page
    assert report.plan_digest is not None
    assert report.plan_digest in page


def test_no_report_holds_anything_personal(house: DemoHouse) -> None:
    texts = [house.host.reports.campaign_html(NAME), str(asdict(house.host.reports.campaign(NAME)))]
    texts += [str(house.host.reports.provenance(f"m-{number}")) for number in (1, 2, 3, 4)]
    whole = "\n".join(texts).casefold()
    for file, _ in LISTS.values():
        for value in _personal(DATA / "lists" / file):
            assert value.casefold() not in whole


def _personal(file: Path) -> Iterator[str]:
    encoding = {"teachers": "utf-16", "climate": "cp1252"}.get(file.name.split("-")[0], "utf-8-sig")
    text = file.read_text(encoding=encoding)
    delimiter = "\t" if encoding == "utf-16" else ","
    for row in csv.reader(text.splitlines(), delimiter=delimiter):
        yield from (cell for cell in row if "@" in cell or re.search(r"\d{3}.?\d{4}$", cell))


def test_provenance_proves_the_whole_way_of_a_message(house: DemoHouse) -> None:
    found = house.host.reports.provenance("m-1")
    kinds = [step.name.removeprefix("m-1-").split("-")[0] for step in found.steps]
    assert sorted(set(kinds)) == sorted(
        {"partner", "policy", "upload", "campaign", "approval", "decision", "intent", "outcome"}
    )
    assert [step.entry for step in found.steps] == sorted(step.entry for step in found.steps)
    verifier = signed.ledger_verifier(house.host.card)
    for step in found.steps:
        if isinstance(step.proof, LeafProof):
            leaf, _, head = step.proof.verify(origin=house.host.card.origin, verifiers=[verifier])
            assert leaf.get("message", "m-1") == "m-1"
            assert head.size == found.checkpoint_size


def test_provenance_names_the_owner_that_the_decision_names(house: DemoHouse) -> None:
    for number in (1, 2, 3):
        found = house.host.reports.provenance(f"m-{number}")
        decision = next(s for s in found.steps if s.name.endswith("-decision"))
        assert isinstance(decision.proof, LeafProof)
        leaf = canonical.decode(decision.proof.leaf)
        assert leaf["owner"] == found.owner
        assert leaf["basis"] == found.basis


def test_a_message_tried_twice_shows_both_attempts(house: DemoHouse) -> None:
    planned = house.host.reports.campaign(NAME).planned
    found = [house.host.reports.provenance(f"m-{number}") for number in range(1, planned + 1)]
    twice = [f for f in found if any(s.name.endswith("-intent-2") for s in f.steps)]
    assert len(twice) == 1
    assert {"later (451)", "accepted (250 2.0.0)"} == {
        s.says.partition(": ")[2] for s in twice[0].steps if "-outcome-" in s.name
    }


def test_a_message_that_no_checkpoint_covers_is_not_said_to_be_proved(tmp_path: Path) -> None:
    with demo_house(tmp_path) as made:
        made.plan()
        made.send()
        with pytest.raises(StateConflict, match="no checkpoint covers"):
            made.host.reports.provenance("m-1")


def test_proofs_are_written_for_others_to_check(house: DemoHouse, tmp_path: Path) -> None:
    found = house.host.reports.provenance("m-1")
    files = house.host.reports.write_proofs(found, tmp_path / "proofs")
    assert len(files) == len(found.steps)
    decoded = LeafProof.decode(
        next(f for f in files if f.name == "m-1-decision.leaf-proof").read_text(encoding="utf-8")
    )
    assert decoded.entry
