"""The documentation is true: documents parse, scripts and commands do what their pages show."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

import consortium_policies
from consortium.app import check_policy, demo
from consortium.campaign import CampaignDocument
from consortium.config import HostSettings, PartnerSettings
from consortium.documents import parse
from consortium.pack import MappingDocument
from consortium.pack.recognition import LayoutDocument
from consortium.policy import SendPolicy
from consortium.voters.layout import LayoutDocument as VoterLayoutDocument
from tests.conftest import PostgresServer
from tests.harness.pages import ROOT, Reader, blocks, compare, for_today, place_of, steps
from tests.unit.conftest import Demo

PAGES = sorted((ROOT / "docs").rglob("*.md"))
GUIDES = [page for page in PAGES if page.parent.name in {"tutorial", "how-to"}]
TUTORIAL = ROOT / "docs/tutorial/first-campaign.md"  # has a test file of its own, being long
DATA = Path(demo.__file__).parent / "documents"
SETTINGS = 'consortium = 1\nname = "Votes"\norigin = "votes.example.org"\n'


def name(page: Path) -> str:
    return str(page.relative_to(ROOT / "docs"))


def each(*languages: str) -> list[Any]:
    """Every block in a language, named for its page and line."""
    return [
        pytest.param(block.text, id=f"{name(page)}:{block.line}")
        for page in PAGES
        for block in blocks(page)
        if block.language in languages
    ]


def of(model: type[BaseModel]) -> Callable[[str], object]:
    return lambda text: parse(text, name="the page", model=model)


WHOLE: dict[str, Callable[[str], object]] = {
    "policy": lambda text: check_policy(text, name="the page"),
    "campaign": of(CampaignDocument),
    "layout": of(LayoutDocument),
    "mapping": of(MappingDocument),
    "consortium": of(HostSettings),
    "partner": of(PartnerSettings),
    "voter_layout": of(VoterLayoutDocument),
}
"""First key of a whole document: what reads it."""


def merged(whole: dict[str, Any], part: dict[str, Any]) -> dict[str, Any]:
    """A document with a part of it in the place of what it said."""
    both = {
        key: merged(whole[key], value)
        if isinstance(value, dict) and isinstance(whole.get(key), dict)
        else value
        for key, value in part.items()
    }
    return whole | both


def belongs(part: dict[str, Any]) -> bool:
    """Whether some document of ours accepts the part, at its top or in one of its tables."""
    policy = tomllib.loads((DATA / "nurses.toml").read_text(encoding="utf-8"))
    campaign = tomllib.loads((DATA / "portland-ballots.toml").read_text(encoding="utf-8"))
    settings = tomllib.loads(SETTINGS)
    candidates: list[tuple[type[BaseModel], dict[str, Any]]] = [
        (SendPolicy, merged(policy, part)),
        (SendPolicy, merged(policy, {"when_we_speak": part})),
        (SendPolicy, merged(policy, {"whoever_speaks": part})),
        (CampaignDocument, merged(campaign, part)),
        (MappingDocument, merged({"mapping": 1}, part)),
        (HostSettings, merged(settings, part)),
    ]
    return any(accepts(model, document) for model, document in candidates)


def accepts(model: type[BaseModel], document: dict[str, Any]) -> bool:
    try:
        model.model_validate(document, context={"presets": consortium_policies.presets()})
    except ValidationError:
        return False
    return True


@pytest.mark.parametrize("text", each("toml"))
def test_documents_and_parts_of_them_are_what_their_readers_accept(text: str) -> None:
    part = tomllib.loads(text)
    read = WHOLE.get(next(iter(part)))
    if read is None or len(part) == 1:
        assert belongs(part)
    else:
        read(text)


def test_a_part_with_a_mistake_belongs_nowhere() -> None:
    assert belongs({"smtp": {"port": 25}})
    assert belongs({"quiet_hours": tomllib.loads("x = { from = 20:00:00, to = 08:00:00 }")["x"]})
    assert not belongs({"smtp": {"prot": 25}})
    assert not belongs({"purposes": ["get out the vote"]})
    assert not belongs({"quite_hours": {}})


@pytest.mark.parametrize("text", each("python"))
def test_python_on_a_page_compiles(text: str) -> None:
    compile(text, "the page", "exec")


@pytest.mark.parametrize("text", each("json"))
def test_json_on_a_page_is_json(text: str) -> None:
    json.loads(text)


@pytest.mark.parametrize("page", GUIDES, ids=name)
def test_a_guide_says_of_each_block_whether_it_is_tried(page: Path) -> None:
    tried = ("run", "file: ", "smtp: ", "output", "part of: ")
    for block in blocks(page):
        if block.language in {"console", "sh", "python"}:
            reason = block.marker.removeprefix("not run: ")
            assert block.marker.startswith(tried) or len(reason.split()) > 1, block.text
            assert block.language != "console" or steps(block.text)


@pytest.mark.parametrize(
    "page",
    [p for p in PAGES if p != TUTORIAL and any(b.marker.startswith("run") for b in blocks(p))],
    ids=name,
)
def test_whoever_follows_a_page_sees_what_it_shows(page: Path, demo: Demo, tmp_path: Path) -> None:
    place = place_of(page, demo=demo.folder, into=tmp_path)
    passphrase = {} if place == tmp_path else {"CONSORTIUM_PASSPHRASE": "demo"}
    Reader(place, passphrase).follow(page)


def test_a_host_on_postgresql_is_made_as_its_page_says(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    (command,) = (
        step.command
        for block in blocks(ROOT / "docs/how-to/set-up-a-host.md")
        if block.marker.startswith("not run") and block.language == "console"
        for step in steps(block.text)
    )
    server: PostgresServer = request.getfixturevalue("_postgres_starter")()
    url = server.new()
    reader = Reader(tmp_path, {"CONSORTIUM_PASSPHRASE": "of a test"})
    given = command.replace("postgresql://consortium@db.example.org/consortium", f"'{url}'")
    assert given != command
    code, printed = reader.run(given)
    assert code == 0, printed
    code, printed = reader.run("consortium --home votes ledger checkpoint")
    assert code == 0, printed
    assert not list(tmp_path.rglob("*.db"))
    server.drop(url)


def test_every_page_can_be_reached_from_the_index() -> None:
    index = (ROOT / "docs/README.md").read_text(encoding="utf-8")
    missing = [name(p) for p in PAGES if p.name != "README.md" and f"({name(p)})" not in index]
    assert not missing


def test_only_the_days_of_the_example_become_today() -> None:
    assert for_today("2026-11-05 2026-10-20") == "2026-11-05 2026-10-20"
    today, tomorrow = map(date.fromisoformat, for_today("2026-11-03 2026-11-04").split())
    assert tomorrow - today == timedelta(days=1)


@pytest.mark.parametrize(
    ("shown", "printed"),
    [
        ("two lines\nof text\n", "two lines\nof text \n"),
        ("fingerprint …\n", "fingerprint 0298 29ae\n"),
        ("a … c\n...\nlast\n", "a b c\nx\ny\nlast\n"),
        ("", ""),
    ],
)
def test_what_a_page_leaves_open_may_be_anything(shown: str, printed: str) -> None:
    compare(shown, printed, where="the page")


@pytest.mark.parametrize(
    ("shown", "printed"),
    [
        ("154 accepted\n", "153 accepted\n"),
        ("154 accepted\n", ""),
        ("", "154 accepted\n"),
        ("fingerprint … 29ae\n", "fingerprint 0298\n29ae\n"),
        ("...\nlast\n", "first\n"),
    ],
)
def test_a_page_that_shows_something_else_fails(shown: str, printed: str) -> None:
    with pytest.raises(AssertionError):
        compare(shown, printed, where="the page")
