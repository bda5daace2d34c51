"""What a check says of a list beyond its counts: words, tags and lines to act on."""

from __future__ import annotations

import csv
import io
import zipfile
from pathlib import Path

from consortium.pack import Stated, draft_mapping
from tests.unit.pack.conftest import Desk

STATUSES = "uuid,email,can2_user_tags,can2_subscription_status,can2_subscription_date\n"


def zipped(desk: Desk, **members: str) -> Path:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for name, text in members.items():
            archive.writestr(f"{name}.csv", text)
    return desk.write(data.getvalue(), name="members.zip")


def test_a_line_in_an_archive_is_told_with_its_file(desk: Desk) -> None:
    path = zipped(
        desk,
        north="email,name,notes\nana@example.org,Ana,\nnobody,Ben,please do not call\n",
        south="email,name,notes\nnowhere,Cy,\ndee@example.org,Dee,do not email\n",
    )
    problems = desk.folder / "members.problems.csv"
    report = desk.check(path, problems_to=problems)
    (told,) = report.worth_fixing
    assert (told.lines, told.members) == ((3, 2), ("north.csv", "south.csv"))
    (hint,) = report.hints
    assert (hint.lines, hint.members) == ((3, 3), ("north.csv", "south.csv"))
    with problems.open(encoding="utf-8-sig", newline="") as file:
        rows = [(row["line"], row["file"]) for row in csv.DictReader(file)]
    assert rows == [("3", "north.csv"), ("2", "south.csv")]


def test_a_problems_file_from_before_archives_had_lines_is_replaced(desk: Desk) -> None:
    path = desk.write("email,name\nnobody,Ana\nana@example.org,Ana\n")
    problems = desk.folder / "p.csv"
    problems.write_text('"record","line","column","code","what","row"\r\n', "utf-8-sig")
    desk.check(path, problems_to=problems)
    assert '"file"' in problems.read_text("utf-8-sig")


def test_shared_tags_are_counted_and_one_that_no_row_has_is_named(desk: Desk) -> None:
    text = STATUSES + (
        '1,a@example.org,"canvasser, donor",subscribed,\n'
        "2,b@example.org,donor,subscribed,\n"
        "3,c@example.org,donor,unsubscribed,\n"
        "2,b@example.org,donor,subscribed,\n"
    )  # fmt: skip
    stated = Stated(keep=("tags=canvaser,donor",))
    report = desk.check(desk.write(text), stated=stated)
    assert report.shared == (("donor", 2),)
    assert report.unused == (("canvaser", 'Did you mean "canvasser"?'),)
    assert desk.check(desk.folder / "members.csv").shared == ()


def test_words_that_are_not_known_are_named_with_their_rows(desk: Desk) -> None:
    words = ["subscribed", "pending", "pending", "Paused", "ana@example.org", "5035550101"]
    rows = [f"{at},p{at}@example.org,,{word},\n" for at, word in enumerate(words)]
    report = desk.check(desk.write(STATUSES + "".join(rows)))
    found = [(w.column, w.word, w.rows) for w in report.unknown_words]
    column = "can2_subscription_status"
    assert found == [(column, "pending", 2), (column, "Paused", 1)]
    assert sum(w.count for w in report.worth_fixing if w.code == "unknown_word") == 5


def test_a_draft_has_a_rule_for_words_that_are_not_known_and_changes_nothing_by_itself(
    desk: Desk,
) -> None:
    words = ["subscribed", "pending", "unsubscribed", "bouncing", ""]
    rows = [f"{at},p{at}@example.org,,{word},2025-03-04\n" for at, word in enumerate(words)]
    path = desk.write(STATUSES + "".join(rows))
    draft = draft_mapping(path)
    assert '"pending" = "none"  # not known' in draft
    before, after = desk.read(path), desk.read(path, mapping=desk.mapping(draft))
    assert [(row.number, row.email_consent) for row in after.rows] == [
        (row.number, row.email_consent) for row in before.rows
    ]
    assert after.opt_outs == before.opt_outs
    repaired = draft.replace('"pending" = "none"', '"pending" = "express"')
    (_, row, *_) = desk.read(path, mapping=desk.mapping(repaired)).rows
    assert str(row.email_consent.on) == "2025-03-04"
    assert not desk.check(path, mapping=desk.mapping(repaired)).unknown_words


def test_a_draft_keeps_a_status_with_its_address(desk: Desk) -> None:
    text = "name,email,email 2,email 2 opt out\nAna,a@example.org,b@example.org,perhaps\n"
    path = desk.write(text)
    draft = draft_mapping(path)
    assert 'of = ["email 2"]' in draft
    layout = desk.read(path, mapping=desk.mapping(draft)).reading.layout
    assert [layout.owner(status) for status in layout.statuses] == [2]
