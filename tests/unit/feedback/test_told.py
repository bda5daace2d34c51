"""What an owner is told of opt-outs: its own records, as its system takes them in, nothing more."""

import csv
import io
from datetime import date, timedelta
from email.message import EmailMessage
from pathlib import Path

import pytest

from consortium.errors import BadFile, EvidenceError, NotFound, UsageError
from consortium.feedback import OwnOptOut, as_table, open_told, shape, shapes
from consortium.model import Channel, Scope
from consortium.testing.clock import FakeClock
from consortium.testing.keys import MemoryKeys
from consortium.testing.transport import MemoryTransport
from consortium.types import PartnerSlug, Pii
from tests.attack.stage import NAME, NOW, Someone, Stage, people, person

SHARED = "p1@people.example.org"


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    made = Stage.found(tmp_path)
    made.join("nurses", people(1, 61, tag="N-"))
    made.join("teachers", people(1, 21, tag="T-"))
    made.host.merge()
    return made


def told(stage: Stage, slug: str, *, since: date | None = None) -> list[OwnOptOut]:
    text, number = stage.host.optouts.export(slug, since=since)
    found = stage.desks[slug].open_opt_outs(text)
    assert len(found) == number
    return found


def ids(found: list[OwnOptOut]) -> list[str]:
    return [one.record_id.reveal() for one in found if one.record_id]


def answer(stage: Stage, transport: MemoryTransport, address: str) -> str:
    """The recipient of a message writes to its unsubscribe address; whose message it was."""
    [envelope] = [e for e in transport.taken if e.recipient.reveal() == address]
    header = envelope.data.decode().replace("\r\n ", " ")
    [line] = [x for x in header.splitlines() if x.lower().startswith("list-unsubscribe:")]
    mail = EmailMessage()
    mail["From"] = address
    mail["To"] = line.split("<mailto:")[1].split(">")[0].split("?")[0]
    mail["Subject"] = "no more"
    mail.set_content("please")
    folder = stage.root / "mail"
    for part in ("new", "cur", "tmp"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    (folder / "new" / "1.mail").write_bytes(mail.as_bytes())
    assert stage.host.optouts.read_mail(folder).opted_out == 1
    return mail["To"].split("@")[1].split(".")[0]


def test_an_address_that_opted_out_of_everything_is_told_to_each_owner_by_its_own_record(
    stage: Stage,
) -> None:
    stage.host.optouts.add(Pii(SHARED))
    [nurses], [teachers] = told(stage, "nurses"), told(stage, "teachers")
    assert ids([nurses]) == ["N-1"]
    assert ids([teachers]) == ["T-1"]
    assert nurses.address is not None
    assert nurses.address.reveal() == SHARED
    assert (nurses.everybody, nurses.channel, nurses.on) == (True, Channel.EMAIL, NOW.date())


def test_an_answer_to_one_owners_message_is_told_to_that_owner_alone(stage: Stage) -> None:
    stage.host.campaigns.create(stage.campaign())
    stage.approve("nurses", "teachers")
    stage.host.campaigns.plan(NAME)
    transport = MemoryTransport()
    stage.send(transport=transport)
    writer = answer(stage, transport, SHARED)
    other = {"nurses": "teachers", "teachers": "nurses"}[writer]
    assert len(told(stage, writer)) == 1
    assert told(stage, other) == []


def test_what_was_asked_of_one_partner_is_told_to_no_other(stage: Stage) -> None:
    stage.host.optouts.add(Pii(SHARED), scope=Scope.PARTNER, partner="teachers")
    assert told(stage, "nurses") == []
    [one] = told(stage, "teachers")
    assert not one.everybody


def test_a_record_is_not_told_of_when_it_merged_with_the_one_that_opted_out(
    tmp_path: Path,
) -> None:
    """The nurses' two records are one human only by what the teachers' row says."""
    stage = Stage.found(tmp_path)
    first = Someone("ana@one.example.org", "Ana", "Lopez", "1980-02-03", record_id="N-1")
    second = Someone("ana@two.example.org", "Ana", "Lopez", record_id="N-2")
    bridge = Someone("ana@two.example.org", "Ana", "Lopez", "1980-02-03", record_id="T-1")
    stage.join("nurses", [first, second, *people(3, 9)])
    stage.join("teachers", [bridge, *people(3, 9)])
    stage.host.merge()
    added = stage.host.optouts.add(Pii("ana@one.example.org"))
    assert added.contact_points == 2  # both are blocked
    assert ids(told(stage, "nurses")) == ["N-1"]


def test_what_came_with_its_own_list_is_not_told_again(tmp_path: Path) -> None:
    stage = Stage.found(tmp_path)
    gone = Someone("gone@people.example.org", status="unsubscribed", record_id="N-9")
    stage.join("nurses", [gone, *people(1, 9)])
    assert stage.host.optouts.check(Pii("gone@people.example.org")).bans
    assert told(stage, "nurses") == []


def test_only_opt_outs_of_the_day_and_later_are_told(stage: Stage) -> None:
    stage.host.optouts.add(Pii(SHARED))
    assert isinstance(stage.clock, FakeClock)
    stage.clock.advance(timedelta(days=2))
    stage.host.optouts.add(Pii("p2@people.example.org"))
    later = (NOW + timedelta(days=2)).date()
    assert ids(told(stage, "nurses", since=later)) == ["N-2"]
    assert ids(told(stage, "nurses", since=NOW.date())) == ["N-1", "N-2"]
    with pytest.raises(UsageError, match="has not come yet") as refused:
        told(stage, "nurses", since=later + timedelta(days=1))
    assert refused.value.hint


def test_a_withdrawn_list_tells_nothing(stage: Stage) -> None:
    stage.host.optouts.add(Pii(SHARED))
    stage.host.uploads.withdraw(stage.uploads["nurses"].name)
    assert told(stage, "nurses") == []


def test_the_file_holds_nothing_in_clear(stage: Stage) -> None:
    stage.host.optouts.add(Pii(SHARED))
    text, _ = stage.host.optouts.export("nurses")
    for secret in (SHARED, "people.example.org", "N-1", "Givenb", "Familyb"):
        assert secret not in text


def test_a_file_that_was_altered_or_is_for_somebody_else_is_refused(stage: Stage) -> None:
    stage.host.optouts.add(Pii(SHARED))
    text, _ = stage.host.optouts.export("nurses")
    for wrong in (text.replace('"number":1', '"number":2'), text[: len(text) // 2]):
        with pytest.raises(EvidenceError):
            stage.desks["nurses"].open_opt_outs(wrong)
    for other in ("", "email,name\n", stage.host.card_text()):
        with pytest.raises(BadFile, match="no file of opt-outs"):
            stage.desks["nurses"].open_opt_outs(other)
    with pytest.raises(UsageError, match="for nurses"):
        stage.desks["teachers"].open_opt_outs(text)
    stranger = MemoryKeys.partner()
    with pytest.raises(EvidenceError):
        open_told(
            text,
            partner=PartnerSlug("nurses"),
            card=stage.desks["nurses"].consortium,
            receive_key=stranger.open("receive"),
        )


def test_a_partner_that_is_none_is_an_error(stage: Stage) -> None:
    with pytest.raises(NotFound):
        stage.host.optouts.export("plumbers")


def one(channel: Channel = Channel.EMAIL, **values: str | None) -> OwnOptOut:
    given = {"record_id": "R-1", "address": "ana@mail.example.org"} | values
    record_id, address = given["record_id"], given["address"]
    return OwnOptOut(
        list_name="members",
        number=1,
        record_id=None if record_id is None else Pii(record_id),
        address=None if address is None else Pii(address),
        channel=channel,
        everybody=True,
        cause="asked",
        on=date(2026, 11, 3),
    )


@pytest.mark.parametrize("name", list(shapes()))
def test_every_shape_writes_a_row_for_each_channel_it_has_a_column_for(name: str) -> None:
    found = shape(name)
    records = [one(Channel.EMAIL), one(Channel.SMS, address="+15035550101")]
    table = as_table(records, shape=found)
    header, *rows = csv.reader(io.StringIO(table.csv))
    takes = [c for c in Channel if found.columns(c) is not None]
    assert (table.written, table.left_out) == (len(takes), 2 - len(takes))
    assert len(rows) == len(takes) > 0
    assert all(len(row) == len(header) for row in rows)
    assert all("{" not in cell for row in rows for cell in row)


def test_a_record_without_what_the_system_goes_by_is_left_out_and_counted() -> None:
    table = as_table([one(record_id=None), one()], shape=shape("civicrm"))
    assert (table.written, table.left_out) == (1, 1)


def test_a_cell_that_a_spreadsheet_would_run_is_written_as_text_and_a_number_as_it_is() -> None:
    hostile = one(record_id='=HYPERLINK("https://example.org")')
    number = one(Channel.SMS, record_id="-17", address="+15035550101")
    table = as_table([hostile, number], shape=shape("plain"))
    _, first, second = csv.reader(io.StringIO(table.csv))
    assert first[0] == '\'=HYPERLINK("https://example.org")'
    assert second[:2] == ["-17", "+15035550101"]


def test_a_shape_that_is_none_is_named_with_those_there_are() -> None:
    with pytest.raises(UsageError) as caught:
        shape("lotus")
    assert "plain" in caught.value.hint


def test_nothing_of_a_table_is_in_its_repr() -> None:
    assert "ana@" not in repr(as_table([one()], shape=shape("plain")))
    assert person(1).email not in repr(one(address=person(1).email))
