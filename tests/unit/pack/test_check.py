"""What a partner is shown before anything is packed."""

from __future__ import annotations

import pytest

from consortium.errors import BadFile, ConsortiumError, StateConflict
from consortium.model import Channel, Consent, ConsentBasis, Relationship
from consortium.pack import Role, Stated, default_path
from tests.unit.pack.conftest import Desk

LIST = (
    "email,first_name,can2_phone,can2_subscription_status,can2_sms_status,can2_user_tags,uuid\n"
    "a@mail.example.org,Ana,503-555-0101,subscribed,subscribed,vip,1\n"
    "b@mail.example.org,Bo,503-555-0102,subscribed,,vip,2\n"
    "c@mail.example.org,Cy,,,,vip,3\n"
    "d@mail.example.org,Di,,unsubscribed,,vip,4\n"
    "e@mail.example.org,Ed,,bouncing,,vip,5\n"
    "broken,Flo,503-555-0103,subscribed,subscribed,vip,6\n"
    "a@mail.example.org,Ana,503-555-0101,subscribed,subscribed,vip,7\n"
    ",Gil,5.03555E+09,,,vip,8\n"
)


def test_a_check_shows_what_would_be_attested_sent_and_kept_back(desk: Desk) -> None:
    report = desk.check(desk.write(LIST))
    assert (report.file, report.layout_title) == ("members.csv", "Action Network export")
    assert (report.confidence, report.encoding, report.delimiter) == ("certain", "UTF-8", "comma")
    assert (report.rows, report.usable, report.opt_outs) == (8, 4, 2)
    assert (report.rejected, report.repeated, report.partly_blocked) == (1, 1, 0)
    assert report.reachable(Channel.EMAIL) == 2
    assert report.reachable(Channel.SMS) == 2
    closed = {a.channel: a.rows for a in report.attested if a.basis is ConsentBasis.NONE}
    assert closed == {Channel.EMAIL: 1, Channel.SMS: 1}
    assert report.refused == (("bounced", 1), ("unsubscribed", 1))
    assert [(c.header, c.role) for c in report.sent] == [
        ("uuid", Role.RECORD_ID),
        ("email", Role.EMAIL),
        ("can2_phone", Role.PHONE),
        ("first_name", Role.FIRST_NAME),
    ]
    assert report.has_record_ids
    assert report.read == ("can2_subscription_status", "can2_sms_status")
    assert report.not_sent == ("can2_user_tags",)
    assert report.unspoken == ()
    assert report.relationship_unstated
    assert {a.relationship for a in report.attested} == {Relationship.PUBLIC}


def test_what_is_worth_fixing_comes_with_counts_and_repair(desk: Desk) -> None:
    report = desk.check(desk.write(LIST))
    found = {(w.code, w.column): (w.count, w.rows_used) for w in report.worth_fixing}
    assert found == {("no_at", "email"): (1, 1), ("spreadsheet_number", "can2_phone"): (1, 0)}
    phone = next(w for w in report.worth_fixing if w.column == "can2_phone")
    assert phone.repair == "export that column as text"
    assert all(w.sentence for w in report.worth_fixing)


def test_channels_of_which_nobody_speaks_are_named(desk: Desk) -> None:
    path = desk.write("email,phone\nana@mail.example.org,503-555-0101\n")
    assert desk.check(path).unspoken == (Channel.EMAIL, Channel.SMS)
    stated = Stated(email=Consent(ConsentBasis.EXPRESS), relationship=Relationship.MEMBER)
    report = desk.check(path, stated=stated)
    assert report.unspoken == (Channel.SMS,)
    assert not report.relationship_unstated
    assert [(a.channel, a.basis) for a in report.attested] == [
        (Channel.EMAIL, ConsentBasis.EXPRESS),
        (Channel.SMS, ConsentBasis.NONE),
    ]


def test_every_problem_goes_to_the_partners_own_file(desk: Desk) -> None:
    path = desk.write(LIST)
    report = desk.check(path, problems_to=default_path(path))
    assert report.problems_file == desk.folder / "members.problems.csv"
    lines = report.problems_file.read_text("utf-8-sig").splitlines()
    assert len(lines) == 1 + report.problem_lines == 3
    assert '"6","7","email","no_at"' in lines[1]
    assert '"8","9","can2_phone","spreadsheet_number"' in lines[2]
    assert "broken" not in report.problems_file.read_text()


def test_a_list_without_problems_leaves_no_file(desk: Desk) -> None:
    path = desk.write("email\nana@mail.example.org\n")
    report = desk.check(path, problems_to=default_path(path))
    assert report.problems_file is None
    assert list(desk.folder.iterdir()) == [path]


def test_a_foreign_file_in_the_place_of_problems_is_left_alone(desk: Desk) -> None:
    path, other = desk.write(LIST), desk.write("mine", "members.problems.csv")
    with pytest.raises(StateConflict):
        desk.check(path, problems_to=other)
    assert other.read_text() == "mine"


def test_a_report_holds_nothing_personal(desk: Desk) -> None:
    shown = repr(desk.check(desk.write(LIST)))
    for personal in ("mail.example.org", "Ana", "555", "broken", "vip"):
        assert personal not in shown


def test_checking_changes_nothing(desk: Desk) -> None:
    path = desk.write(LIST)
    before = path.read_bytes(), path.stat().st_mtime_ns
    assert desk.check(path) == desk.check(path)
    assert (path.read_bytes(), path.stat().st_mtime_ns) == before
    assert list(desk.folder.iterdir()) == [path]


class Steps:
    """Adds up what it is told."""

    def __init__(self) -> None:
        self.steps, self.open = 0, 0

    def begin(self, label: str, total: int | None) -> None:
        self.open += 1

    def advance(self, steps: int, **facts: float | str) -> None:
        self.steps += steps

    def end(self) -> None:
        self.open -= 1


def test_progress_is_told_in_rows(desk: Desk) -> None:
    observer = Steps()
    desk.check(desk.write(LIST), observer=observer)
    assert (observer.steps, observer.open) == (8, 0)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("name,town\nAna,Oakton\n", "no column of e-mail addresses"),
        ("ana@mail.example.org,Ana\nbo@mail.example.org,Bo\n", "its first line is already"),
        ("", "is empty"),
        ("email\n", "no rows below it"),
        ("email\0\0\0" * 50, "not a text file"),
    ],
)
def test_what_is_no_list_is_refused_in_two_lines(desk: Desk, content: str, message: str) -> None:
    with pytest.raises(BadFile) as caught:
        desk.check(desk.write(content))
    error: ConsortiumError = caught.value
    assert message in error.message
    assert error.hint
    assert "\n" not in error.message + error.hint
    assert "ana@" not in error.message + error.hint
