"""Mail that comes back: real mails, forged ones, broken ones and those that machines wrote."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from consortium import feedback
from consortium.errors import BadFile
from consortium.feedback import FeedbackResult
from consortium.model import Channel
from consortium.store.engine import Database
from consortium.testing.transport import MemoryTransport
from consortium.types import Pii
from tests.harness.sending import Someone, World, build

PEOPLE = [
    Someone("nurses", ("dana@example.org",), human="dana"),
    Someone("teachers", ("d.lopez@example.net",), human="dana"),
    Someone("teachers", ("kim@example.org",)),
]
CODE = "code1x00000001"  # of the message to dana@example.org
ADDRESS = f"unsubscribe+{CODE}@nurses.example"


@pytest.fixture
def world(sqlite_database: Database, tmp_path: Path) -> World:
    world = build(sqlite_database, tmp_path, PEOPLE)
    world.send(MemoryTransport())
    for name in ("new", "cur", "tmp"):
        (tmp_path / "mail" / name).mkdir(parents=True)
    return world


def put(world: World, data: bytes | str, name: str = "1", folder: str = "new") -> None:
    raw = data if isinstance(data, bytes) else data.encode()
    (world.folder / "mail" / folder / name).write_bytes(raw)


def read(world: World) -> FeedbackResult:
    return feedback.read_maildir(world.database, world.folder / "mail", clock=world.clock)


def banned(world: World, address: str = "dana@example.org") -> bool:
    found = feedback.check(
        world.database,
        address=Pii(address),
        channel=Channel.EMAIL,
        tokenisers=[world.tokeniser],
    )
    return found.banned(Channel.EMAIL)


def mail(*lines: str) -> str:
    return "\n".join(["From: someone@elsewhere.example", *lines, "", "stop", ""])


@pytest.mark.parametrize(
    "lines",
    [
        (f"To: {ADDRESS}", "Subject: unsubscribe"),
        (f"To: {ADDRESS}",),
        (f'To: "Please stop" <{ADDRESS}>', "Subject: Re: vote"),
        (f"To: <{ADDRESS.upper()}>",),
        ("To: gotv@nurses.example", f"Delivered-To: {ADDRESS}"),
        ("To: undisclosed-recipients:;", f"X-Original-To: {ADDRESS}"),
        ("To: gotv@nurses.example", f"Cc: a@b.example,\n {ADDRESS}"),
        (f"To: {ADDRESS}", "Auto-Submitted: no", "Return-Path: <dana@example.org>"),
        (f"To: {ADDRESS}", "Content-Type: text/plain; charset=klingon"),
    ],
)
def test_mail_to_the_address_for_opting_out_is_the_recipients_own_word(
    world: World, lines: tuple[str, ...]
) -> None:
    put(world, mail(*lines))
    assert read(world) == FeedbackResult(opted_out=1)
    assert banned(world)
    assert banned(world, "d.lopez@example.net")  # the same person's
    assert not banned(world, "kim@example.org")


@pytest.mark.parametrize(
    "lines",
    [
        ("Auto-Submitted: auto-replied", "Subject: Out of office"),
        ("Auto-Submitted: auto-generated (vacation)",),
        ("Return-Path: <>", "Subject: Undelivered Mail Returned to Sender"),
        ('Content-Type: multipart/report; report-type=delivery-status; boundary="x"',),
        ("Content-Type: multipart/report; report-type=feedback-report; boundary=x",),
        ("Precedence: auto_reply",),
        ("X-Autoreply: yes",),
        ("Return-Path: <MAILER-DAEMON@example.org>", "Subject: failure notice"),
    ],
)
def test_what_a_machine_wrote_is_not_an_opt_out(world: World, lines: tuple[str, ...]) -> None:
    put(world, mail(f"To: {ADDRESS}", *lines))
    assert read(world) == FeedbackResult(automatic=1)
    assert not banned(world)


def test_forged_code_is_counted_and_changes_nothing(world: World) -> None:
    put(world, mail("To: unsubscribe+aaaaaaaaaaaaaaaa@nurses.example"))
    assert read(world) == FeedbackResult(unknown_code=1)
    assert not banned(world)


def test_code_in_the_text_or_subject_is_no_opt_out(world: World) -> None:
    put(world, mail("To: gotv@nurses.example", f"Subject: {ADDRESS}", "", ADDRESS))
    assert read(world) == FeedbackResult(not_for_us=1)
    assert not banned(world)


def test_reading_twice_changes_nothing_and_leaves_every_mail_where_it_is(world: World) -> None:
    put(world, mail(f"To: {ADDRESS}"), "1")
    put(world, mail(f"To: {ADDRESS}", "Subject: again"), "2:2,S", "cur")
    put(world, mail("To: gotv@nurses.example"), "3")
    first = read(world)
    assert first == FeedbackResult(opted_out=1, already=1, not_for_us=1)
    assert first.mails == 3
    assert read(world) == FeedbackResult(repeated=2, not_for_us=1)
    assert len(list((world.folder / "mail").glob("*/*"))) == 3


def test_mail_of_ten_megabytes_and_binary_rubbish_are_read_without_complaint(
    world: World,
) -> None:
    put(world, mail(f"To: {ADDRESS}").encode() + b"x" * 10_000_000, "1")
    put(world, bytes(range(256)) * 100, "2")
    put(world, b"", "3")
    put(world, b"To: =?utf-8?b?!!!!?= <\xff\xfe>\nContent-Type: \xff\n\n", "4")
    assert read(world) == FeedbackResult(opted_out=1, not_for_us=3)


def test_mail_that_cannot_be_opened_is_counted(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(world, mail(f"To: {ADDRESS}"))

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError

    monkeypatch.setattr(Path, "open", refuse)
    assert read(world) == FeedbackResult(unreadable=1)


def test_folder_that_is_no_maildir_is_refused(world: World) -> None:
    for path in (world.folder, world.folder / "nothing", world.folder / "consortium.db"):
        with pytest.raises(BadFile, match="is not a Maildir"):
            feedback.read_maildir(world.database, path, clock=world.clock)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    before=st.binary(max_size=300),
    after=st.binary(max_size=300),
    name=st.sampled_from(["To", "Cc", "Delivered-To", "Auto-Submitted", "Content-Type"]),
)
def test_no_header_whatever_it_holds_is_more_than_a_mail_to_count(
    world: World, before: bytes, after: bytes, name: str
) -> None:
    put(world, name.encode() + b": " + before + b"unsubscribe+zzzzzzzz@" + after + b"\n\n")
    assert read(world).mails == 1
    assert not banned(world, "kim@example.org")


def test_bounces_and_reports_are_told_from_people_in_98_of_100_cases(
    world: World, shared: Path
) -> None:
    paths = [*shared.glob("corpora/bounces/eml/*.eml"), *shared.glob("corpora/arf/eml/*.eml")]
    for number, path in enumerate(sorted(paths)):
        data = path.read_bytes()
        put(world, f"Delivered-To: {ADDRESS}\n".encode() + data, str(number))
    result = read(world)
    assert result.mails == len(paths) > 100
    assert result.opted_out + result.already <= len(paths) * 2 // 100
