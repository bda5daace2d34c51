"""Tags that an owner chooses to share, and nothing beside them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consortium.errors import UsageError
from consortium.model import MAX_TAG_CHARACTERS, MAX_TAGS, PackRow
from consortium.pack import Stated
from consortium.pack.layout import KeptTags, Role
from consortium.pack.tags import fold_tag, keep, read_tags, split_tags
from tests.unit.pack.conftest import Desk

LIST = (
    "email,tags,Will vote?,note\n"
    'ann@mail.example.org,"Volunteer,  Donor",Yes,x\n'
    "bo@mail.example.org,donor,No,y\n"
    "cy@mail.example.org,,,z\n"
)


def tags_of(desk: Desk, *words: str, text: str = LIST) -> list[tuple[str, ...]]:
    found = desk.read(desk.write(text), stated=Stated(keep=words))
    return [row.tags for row in found.rows]


def test_no_tag_leaves_the_machine_unless_it_is_chosen(desk: Desk) -> None:
    assert tags_of(desk) == [(), (), ()]
    report = desk.check(desk.write(LIST))
    assert "tags" in report.not_sent
    assert report.tags == (("tags", 2),)


def test_a_kept_column_shares_its_tags_folded_and_sorted(desk: Desk) -> None:
    assert tags_of(desk, "tags") == [("donor", "volunteer"), ("donor",), ()]


def test_only_the_tags_that_are_named_are_shared(desk: Desk) -> None:
    assert tags_of(desk, "tags=Volunteer") == [("volunteer",), (), ()]


def test_a_word_of_another_column_goes_with_the_columns_name(desk: Desk) -> None:
    assert tags_of(desk, "Will vote?") == [("will vote?: yes",), ("will vote?: no",), ()]


def test_what_is_kept_is_shown_as_sent(desk: Desk) -> None:
    report = desk.check(desk.write(LIST), stated=Stated(keep=("tags",)))
    assert ("tags", Role.TAGS) in [(c.header, c.role) for c in report.sent]
    assert "tags" not in report.not_sent
    assert report.tags == ()


def test_shared_tags_travel_in_the_pack(desk: Desk) -> None:
    made = desk.pack(desk.write(LIST), stated=Stated(keep=("tags",)))
    _, items, _ = desk.unpack(made.path)
    assert [item.tags for item in items if isinstance(item, PackRow)] == [
        ("donor", "volunteer"),
        ("donor",),
        (),
    ]


def test_a_mapping_keeps_tags_too(desk: Desk) -> None:
    mapping = desk.mapping('mapping = 1\nkeep = ["note"]\n[columns]\ntags = ["note"]\n')
    rows = desk.read(desk.write(LIST), mapping=mapping).rows
    assert [row.tags for row in rows] == [("x",), ("y",), ("z",)]


def test_a_column_that_is_not_there_is_named_with_the_nearest(desk: Desk) -> None:
    with pytest.raises(UsageError, match='no column "tgas"') as caught:
        tags_of(desk, "tgas")
    assert caught.value.hint == 'Did you mean "tags"?'


@pytest.mark.parametrize("column", ["email", "First Name", "birth_date", "phone"])
def test_a_column_that_says_who_somebody_is_is_never_shared_as_tags(
    desk: Desk, column: str
) -> None:
    text = "email,First Name,birth_date,phone\nann@mail.example.org,Ann,1980-02-03,5035550142\n"
    with pytest.raises(UsageError, match="says who somebody is"):
        tags_of(desk, column, text=text)


@pytest.mark.parametrize(
    ("cell", "tags"),
    [
        ("Volunteer, Donor", ["volunteer", "donor"]),
        ('"VIP","Ballot  chaser"', ["vip", "ballot chaser"]),
        ("* myContacts ::: Friends", ["mycontacts", "friends"]),
        ("a; b|c\nd", ["a", "b", "c", "d"]),
        ("door knocker / texter", ["door knocker", "texter"]),
        ('["climate", "rent"]', ["climate", "rent"]),
        (" , ;", []),
        ("Größe", ["grösse"]),
    ],
)
def test_tags_are_told_apart_as_systems_write_them(cell: str, tags: list[str]) -> None:
    assert split_tags(cell) == tags


@pytest.mark.parametrize(
    "tag",
    ["ann@mail.example.org", "call 503-555-0123", "=cmd()", "see www.example.org", "<b>x</b>",
     "5d41402abc4b2a76b9719d911017c592"],
)  # fmt: skip
def test_a_tag_that_says_who_somebody_is_or_runs_is_left_out_and_noted(
    desk: Desk, tag: str
) -> None:
    found = desk.read(
        desk.write(f"email,tags\nann@mail.example.org,{tag}\n"), stated=Stated(keep=("tags",))
    )
    assert found.rows[0].tags == ()
    assert [(f.column, f.code) for f in found.flaws] == [("tags", "suspicious")]


def test_of_too_many_tags_the_first_are_shared_and_it_is_said(desk: Desk) -> None:
    many = ";".join(f"t{n:03}" for n in range(MAX_TAGS + 8))
    found = desk.read(
        desk.write(f"email,tags\nann@mail.example.org,{many}\n"), stated=Stated(keep=("tags",))
    )
    assert found.rows[0].tags == tuple(f"t{n:03}" for n in range(MAX_TAGS))
    assert [f.code for f in found.flaws] == ["too_many"]


def test_a_tag_longer_than_tags_may_be_is_left_out(desk: Desk) -> None:
    found = desk.read(
        desk.write(f"email,tags\nann@mail.example.org,{'x' * 65};y\n"),
        stated=Stated(keep=("tags",)),
    )
    assert found.rows[0].tags == ("y",)
    assert [f.code for f in found.flaws] == ["too_long"]


def test_rows_that_differ_in_shared_tags_alone_are_no_repeats(desk: Desk) -> None:
    text = "email,tags\nann@mail.example.org,a\nann@mail.example.org,b\nann@mail.example.org,a\n"
    assert tags_of(desk, "tags", text=text) == [("a",), ("b",)]
    assert tags_of(desk, text=text) == [()]


def test_a_header_with_an_equals_sign_is_taken_whole() -> None:
    headers = ["email", "a=b"]
    assert keep(["a=b"], headers, tags=()) == (KeptTags(1, "a=b: ", None),)


@given(st.lists(st.text(max_size=80), max_size=6), st.sampled_from(["", "label: "]))
def test_whatever_a_cell_holds_tags_are_short_sorted_and_folded(
    cells: list[str], label: str
) -> None:
    found, notes = read_tags([cells], rows=len(cells), kept=[KeptTags(0, label)])
    assert len(found) == len(cells)
    for tags in found:
        assert list(tags) == sorted(set(tags))
        assert len(tags) <= MAX_TAGS
        for tag in tags:
            assert 0 < len(tag) <= MAX_TAG_CHARACTERS
            assert fold_tag(tag.removeprefix(label)) == tag.removeprefix(label)
    assert all(cells[row] for row, _, _ in notes)
