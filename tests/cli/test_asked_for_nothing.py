"""What cannot be planned is told before partners are asked, and they are asked for lists alone."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.harness.cli_world import campaign_text, today

if TYPE_CHECKING:
    from tests.harness.cli_world import World


def narrow(world: World) -> None:
    """A campaign for one postcode of the list of nurses: a few people."""
    text = campaign_text("narrow").replace("state:OR", "postcode:97213")
    (world / "narrow.toml").write_text(text)


def test_an_audience_too_small_to_plan_is_told_when_the_campaign_is_created(world: World) -> None:
    narrow(world)
    out = world.ok("campaign", "create", "narrow.toml", home="host")
    assert out.startswith("narrow is recorded: ")
    assert "fewer than 50 people" in " ".join(out.split())
    assert "consortium campaign revise narrow.toml" in out
    assert "campaign request" not in out
    out = world.ok("campaign", "request", "narrow", "nurses", home="host")
    assert "fewer than 50 people" in " ".join(out.split())
    world.refuses("campaign", "plan", "narrow", home="host", code=4, says="fewer than 50 people")


def test_a_wider_text_can_be_planned_and_names_the_next_step(world: World) -> None:
    narrow(world)
    world.ok("campaign", "create", "narrow.toml", home="host")
    (world / "wide.toml").write_text(campaign_text("narrow"))
    out = world.ok("campaign", "revise", "wide.toml", "--yes", home="host")
    assert "cannot be planned" not in out
    assert "Next: consortium campaign request narrow PARTNER" in out
    assert "people in the audience" in world.ok("campaign", "plan", "narrow", home="host")
    again = world.ok("campaign", "revise", "wide.toml", "--yes", home="host")
    assert "has this very text already" in again
    assert "new text" not in again


def opt_outs_of_nurses(world: World) -> None:
    (world / "gone.csv").write_text("email\nquillfeather.1@mail1.example.org\n")
    world.ok("optout", "pack", "gone.csv", "--obtained", today(), home="nurses")
    world.ok("optout", "import", "gone.pack", home="host")


def test_a_list_of_opt_outs_is_nothing_to_approve(world: World) -> None:
    before = world.ok("campaign", "status", "ballots", home="host")
    assert "approved: nurses" in before
    opt_outs_of_nurses(world)
    assert world.ok("campaign", "status", "ballots", home="host") == before
    world.ok("campaign", "request", "ballots", "nurses", "--out", "again.request", home="host")
    review = world.ok("campaign", "review", "again.request", home="nurses")
    assert "your rows that would be opened: members (" in review
    assert "opt-outs" not in review


def test_a_list_of_opt_outs_is_marked_among_the_uploads(world: World) -> None:
    assert "opt-outs alone" not in world.ok("upload", "list", home="host")
    opt_outs_of_nurses(world)
    shown = world.ok("upload", "list", home="host")
    assert "Without rows: lists of opt-outs alone." in shown
    assert max(map(len, shown.splitlines())) <= 80
    listed = json.loads(world.ok("upload", "list", "--format", "json", home="host"))
    assert [(u["holds"], u["opt-outs"]) for u in listed][-1] == ("opt-outs", 1)
    assert {u["holds"] for u in listed[:-1]} == {"people"}
    facts = world.ok("upload", "show", listed[-1]["upload"], home="host")
    assert "1 opt-out and nothing else" in facts
    shown = world.ok("upload", "withdraw", listed[-1]["upload"], "--dry-run", home="host")
    assert "its opt-outs stay" in shown


def test_a_pack_in_which_nobody_may_be_written_to_says_so(world: World) -> None:
    out = world.run(
        "upload", "pack", "tenants.csv", "--list", "silent", "--obtained", today(),
        "--out", "silent.pack", home="tenants",
    ).out  # fmt: skip
    assert "Nobody in it may be written to" in " ".join(out.split())
    agreed = world.run(
        "upload", "pack", "tenants.csv", "--list", "silent", "--obtained", today(),
        "--out", "agreed.pack", "--attest", "email=express", home="tenants",
    ).out  # fmt: skip
    assert "Nobody in it may be written to" not in " ".join(agreed.split())
