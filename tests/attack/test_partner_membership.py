"""The malicious partner, again: it uploads, asks and waits to learn who is on the others' lists.

Whatever it is shown or told is a function of its own rows.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from consortium.campaign import Review
from consortium.errors import ConsortiumError
from consortium.model import Scope
from consortium.testing.keys import MemoryKeys
from consortium.testing.transport import MemoryTransport
from consortium.types import Pii
from tests.attack.crafted import ADDRESS, row_line, write_crafted
from tests.attack.stage import NAME, Stage, people, person


@dataclass
class Seen:
    """Everything a partner gets to see, in one run."""

    upload: dict[str, Any]
    request: dict[str, Any]
    review: Review
    errors: list[str]
    statements: Counter[str]


COUNTED = {"id", "entry", "partner_id"}  # how many partners, uploads, facts came before
DRAWN = {"data_salt", "match_salt"}  # fresh random bytes, which stay at the host
OTHERS = {"approved", "waiting"}  # who else takes part and has answered: names of partners


@contextmanager
def _counting(stage: Stage) -> Iterator[Counter[str]]:
    """Every statement the database runs, by its shape."""
    shapes: Counter[str] = Counter()

    def count(statement: str) -> None:
        shapes[re.sub(r"x?'[^']*'|\b\d+\b|\?", "·", statement)[:80]] += 1

    with stage.host._context.database.engine.connect() as connection:
        driver = connection.connection.driver_connection
    assert driver is not None
    driver.set_trace_callback(count)
    try:
        yield shapes
    finally:
        driver.set_trace_callback(None)


def _partners_view(
    root: Path, before: Callable[[Stage], None], *, keys: tuple[MemoryKeys, MemoryKeys], pack: bytes
) -> Seen:
    """What nurses see of the same acts at a host where something else went before."""
    stage = Stage.found(root, keys=keys[0])
    before(stage)
    desk = stage.admit("nurses", keys=keys[1])
    file = root / "nurses.pack"
    file.write_bytes(pack)
    with _counting(stage) as statements:
        upload = stage.host.uploads.add(file)
    errors = []
    for act in (
        lambda: stage.host.uploads.add(file),
        lambda: stage.host.uploads.add(_other_signer(stage, file)),
        lambda: stage.host.partners.add(desk.card_text()),
    ):
        with pytest.raises(ConsortiumError) as refused:
            act()
        errors.append(f"{refused.value.message}|{refused.value.hint}")
    stage.host.merge()
    stage.host.campaigns.create(stage.campaign())
    asked = stage.host.campaigns.request(NAME, "nurses")
    review = desk.review(asked)
    fields = json.loads(asked.split("\n")[1])
    for listed in fields["uploads"]:
        listed["wrap"] = len(listed["wrap"])  # random bytes, as long
    answer = stage.host.campaigns.record(desk.approve(asked))
    fields["answer"] = (answer.answer, answer.ceiling, answer.until)
    shown = {name: getattr(upload, name) for name in type(upload).__slots__}
    return Seen(shown, fields, review, errors, statements)


def _other_signer(stage: Stage, file: Path) -> Path:
    made = stage.root / "other-signer.pack"
    made.write_bytes(file.read_bytes())
    return write_crafted(
        made,
        sign_key=MemoryKeys.partner().open("sign"),
        partner="nurses",
        to=stage.host.card,
        at=stage.clock.now(),
        lines=[row_line(1, [ADDRESS])],
    )


def _nobody(_stage: Stage) -> None:
    """The host knows nobody yet."""


def _the_same_people(stage: Stage) -> None:
    stage.join("teachers", [*people(1, 61), *people(100, 140)])
    stage.host.optouts.add(Pii(person(3).email))
    stage.host.merge()


def _other_people(stage: Stage) -> None:
    stage.join("teachers", people(200, 300))
    stage.host.optouts.add(Pii(person(203).email))
    stage.host.merge()


@pytest.fixture(scope="module")
def views(tmp_path_factory: pytest.TempPathFactory) -> list[Seen]:
    """The same pack at three hosts: that know nobody, everybody, or others than it lists."""
    root = tmp_path_factory.mktemp("membership")
    keys = MemoryKeys.host(), MemoryKeys.partner()
    home = Stage.found(root / "packing", keys=keys[0])
    home.admit("nurses", keys=keys[1])
    pack = home.pack("nurses", people(1, 61)).read_bytes()
    return [
        _partners_view(root / before.__name__, before, keys=keys, pack=pack)
        for before in (_nobody, _the_same_people, _other_people)
    ]


def test_the_result_of_an_upload_is_a_function_of_the_partners_own_rows(views: list[Seen]) -> None:
    alone, same, other = (
        {k: v for k, v in s.upload.items() if k not in COUNTED | DRAWN} for s in views
    )
    assert alone == same == other
    assert same["rows"] == 60
    assert views[1].upload["id"] == views[2].upload["id"] == 2


def test_the_request_and_its_ceiling_are_functions_of_the_partners_own_rows(
    views: list[Seen],
) -> None:
    alone, same, other = ({k: v for k, v in s.request.items() if k not in OTHERS} for s in views)
    assert alone == same == other
    assert same["ceiling"] == 100
    assert views[1].request == views[2].request  # with names of others: whom they know is the same
    assert views[0].request["waiting"] == []
    assert views[1].request["waiting"] == ["teachers"]


def test_the_review_is_a_function_of_the_partners_own_rows(views: list[Seen]) -> None:
    alone, same, other = views
    assert alone.review.previews == same.review.previews == other.review.previews
    assert alone.review.audience == same.review.audience == other.review.audience


def test_errors_are_functions_of_the_partners_own_rows(views: list[Seen]) -> None:
    alone, same, other = (
        [re.sub(r"u-\d{4}", "u-····", error) for error in seen.errors] for seen in views
    )
    assert alone == same == other
    assert len(set(same)) == 3


def test_the_database_does_the_same_work_for_people_it_knows_and_does_not(
    views: list[Seen],
) -> None:
    """Statement by statement. What an index does inside one may take another time; a partner that
    hands over a file does not see it."""
    assert views[1].statements == views[2].statements
    apart = ("ledger_node", "sqlite_sequence")  # a longer ledger has more inner nodes; numbering
    alone, same = (  # of rows begins with the first list of all, whoever is in it
        Counter({k: n for k, n in seen.statements.items() if not any(word in k for word in apart)})
        for seen in views[:2]
    )
    assert sum(same.values()) > 60
    assert alone == same


def test_what_an_owner_is_told_of_opt_outs_does_not_depend_on_answers_to_others(
    tmp_path: Path,
) -> None:
    """Passed on by an owner, opt-outs that stood already must not be missing from its file."""
    stage = Stage.found(tmp_path)
    stage.join("nurses", people(1, 61))
    stage.join("teachers", people(1, 61))
    stage.host.merge()
    stage.host.campaigns.create(stage.campaign())
    stage.approve("nurses", "teachers")
    stage.host.campaigns.plan(NAME)
    transport = MemoryTransport()
    stage.send(transport=transport)
    [one, other] = [e for e in transport.taken if b"+" in e.data and b"@teachers." in e.data][:2]
    code = re.search(rb"unsubscribe\+(\w+)@teachers", one.data)
    assert code is not None
    mail = stage.root / "mail"
    for part in ("new", "cur", "tmp"):
        (mail / part).mkdir(parents=True)
    to = b"To: " + code[0] + b".example.org\r\n\r\n"
    (mail / "new" / "1.mail").write_bytes(to)
    assert stage.host.optouts.read_mail(mail).opted_out == 1
    assert stage.host.optouts.export("nurses")[1] == 0
    for count, envelope in enumerate((one, other), start=1):
        for _ in range(2):
            stage.host.optouts.add(
                envelope.recipient, scope=Scope.PARTNER, partner="nurses", author="partner"
            )
            assert stage.host.optouts.export("nurses")[1] == count
