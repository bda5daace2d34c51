"""A status of one address goes with that address, and a status of the channel with all of them."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consortium.errors import UsageError
from consortium.model import Consent, ConsentBasis
from consortium.pack.consent import NOTHING, Standing
from consortium.pack.points import cause_of, settle
from tests.unit.pack.conftest import Desk, ReadList

EXPRESS = Standing(Consent(ConsentBasis.EXPRESS))
OUT = Standing(refusal="unsubscribed")
NO = Standing(no=True)
STANDINGS = st.sampled_from(
    [
        NOTHING,
        NO,
        OUT,
        Standing(refusal="bounced"),
        EXPRESS,
        Standing(Consent(ConsentBasis.IMPLIED, date(2024, 5, 6))),
        Standing(Consent(ConsentBasis.EXPRESS, date(2025, 5, 6))),
    ]
)
OWN = st.dictionaries(st.integers(0, 3), STANDINGS).map(lambda found: tuple(found.items()))


def points_of(own: tuple[tuple[int, Standing], ...]) -> list[tuple[int, ...]]:
    spoken = {column for column, _ in own}
    return [(column,) if column in spoken else () for column in range(4)]


@given(channel=STANDINGS, own=OWN)
def test_every_contact_point_has_one_fate(
    channel: Standing, own: tuple[tuple[int, Standing], ...]
) -> None:
    found = settle(channel, own, points_of(own))
    fates = [*found.kept, *(at for at, _ in found.blocked), *found.without]
    assert sorted(fates) == [0, 1, 2, 3]


@given(channel=STANDINGS, own=OWN, other=STANDINGS, column=st.integers(0, 3))
def test_a_refusal_of_one_never_makes_another_one_usable(
    channel: Standing, own: tuple[tuple[int, Standing], ...], other: Standing, column: int
) -> None:
    def agreed(of: tuple[tuple[int, Standing], ...]) -> set[int]:
        found = settle(channel, of, points_of(of))
        return set() if found.consent.basis is ConsentBasis.NONE else set(found.kept)

    refused = tuple({**dict(own), column: OUT}.items())
    assert column not in agreed(refused)
    if settle(channel, own, points_of(own)).consent.basis is ConsentBasis.NONE:
        assert not agreed(refused)


@given(own=OWN)
def test_no_word_of_an_address_turns_the_channels_no_into_a_yes(
    own: tuple[tuple[int, Standing], ...],
) -> None:
    assert settle(NO, own, points_of(own)).consent.basis is ConsentBasis.NONE
    assert len(settle(OUT, own, points_of(own)).blocked) == 4


def test_the_consent_of_several_is_as_old_as_the_oldest() -> None:
    old = Standing(Consent(ConsentBasis.EXPRESS, date(2020, 1, 2)))
    new = Standing(Consent(ConsentBasis.EXPRESS, date(2025, 1, 2)))
    both = settle(NOTHING, ((0, new), (1, old)), [(0,), (1,)])
    assert both.consent == old.consent
    undated = settle(NOTHING, ((0, new), (1, EXPRESS)), [(0,), (1,)])
    assert undated.consent == EXPRESS.consent


def test_that_somebody_said_no_goes_before_that_mail_came_back() -> None:
    assert cause_of(["bounced", "unsubscribed"]) == "unsubscribed"
    assert cause_of(["bounced"]) == "bounced"
    assert cause_of([]) == ""


HEAD = "id,first name,email,work email,work email opt out,phone,home phone,home phone do not call\n"


def read(desk: Desk, cells: str, **options: object) -> ReadList:
    return desk.read(desk.write(HEAD + cells + "\n"), **options)


def test_an_unsubscribed_address_leaves_the_other_one_usable(desk: Desk) -> None:
    mapping = desk.mapping('mapping = 1\n[consent.email]\ndefault = "express"\n')
    found = read(desk, "1,Ana,a@example.org,a@example.net,yes,,,", mapping=mapping)
    (row,), (blocked,) = found.rows, found.opt_outs
    assert row.emails == ("a@example.org",)
    assert row.email_consent.basis == "express"
    assert (blocked.emails, blocked.phones) == (("a@example.net",), ())


def test_a_refused_number_leaves_the_address_and_the_other_number(desk: Desk) -> None:
    mapping = desk.mapping(
        'mapping = 1\n[consent.email]\ndefault = "express"\n[consent.sms]\ndefault = "implied"\n'
    )
    found = read(desk, "1,Ana,a@example.org,,,503-555-0101,503-555-0102,x", mapping=mapping)
    (row,), (blocked,) = found.rows, found.opt_outs
    assert (row.emails, row.phones) == (("a@example.org",), ("+15035550101",))
    assert (blocked.emails, blocked.phones) == ((), ("+15035550102",))


def test_one_address_in_two_columns_is_blocked_in_both(desk: Desk) -> None:
    mapping = desk.mapping('mapping = 1\n[consent.email]\ndefault = "express"\n')
    found = read(desk, "1,Ana,A@example.org,a@EXAMPLE.org,yes,,,", mapping=mapping)
    assert found.rows == []
    assert [o.emails for o in found.opt_outs] == [("A@example.org",)]


def test_after_a_refusal_an_address_without_consent_is_not_used(desk: Desk) -> None:
    found = read(desk, "1,Ana,a@example.org,a@example.net,yes,503-555-0101,,")
    assert found.rows == []
    assert [(o.emails, o.phones) for o in found.opt_outs] == [(("a@example.net",), ())]


def test_a_refusal_of_the_channel_still_blocks_every_address(desk: Desk) -> None:
    text = "first name,email,work email,work email opt in,do not email\n"
    found = desk.read(desk.write(text + "Ana,a@example.org,a@example.net,yes,yes\n"))
    assert found.rows == []
    assert [o.emails for o in found.opt_outs] == [("a@example.org", "a@example.net")]


def test_an_address_without_consent_is_left_out_beside_one_with_it_and_told(desk: Desk) -> None:
    text = "first name,email,email opt in,work email,work email opt in\n"
    path = desk.write(text + "Ana,a@example.org,,b@example.org,yes\n")
    assert desk.read(path).rows[0].email_consent.basis == "none"  # the channel's own no
    text = "first name,home email,home email opt in,work email,work email opt in\n"
    found = desk.read(desk.write(text + "Ana,a@example.org,,b@example.org,yes\n"))
    (row,) = found.rows
    assert (row.emails, row.email_consent.basis) == (("b@example.org",), "express")
    assert [(f.column, f.code, f.row_used) for f in found.flaws] == [
        ("home email", "without_consent", True)
    ]


@pytest.mark.parametrize(
    ("cells", "told"),
    [
        ("Ana,a@example.org,yes,0741510035,no", [("mobile", "unheard", True)]),
        ("Ana,,yes,0741510035,no", [("mobile", "unheard", False)]),
        ("Ana,a@example.org,yes,0741510035,yes", []),
        ("Ana,a@example.org,yes,n/a,no", []),
        ("Ana,a@example.org,yes,503-555-0101,no", []),
    ],
)
def test_a_refusal_at_a_number_that_cannot_be_read_is_told(
    desk: Desk, cells: str, told: list[tuple[str, str, bool]]
) -> None:
    text = "first name,email,email opt in,mobile,sms opt in\n"
    found = desk.read(desk.write(f"{text}{cells}\n"))
    assert [(f.column, f.code, f.row_used) for f in found.flaws if f.code == "unheard"] == told


def test_rows_that_differ_in_what_is_left_of_them_are_no_repeats(desk: Desk) -> None:
    mapping = desk.mapping('mapping = 1\n[consent.email]\ndefault = "express"\n')
    cells = "1,Ana,a@example.org,a@example.net,{},,,"
    found = read(desk, "\n".join(cells.format(w) for w in ("yes", "no", "yes")), mapping=mapping)
    assert (len(found.rows), len(found.opt_outs), len(found.repeated)) == (2, 1, 1)


def test_a_mapping_ties_a_status_to_a_column(desk: Desk) -> None:
    text = "first name,email,mail 2,stato 2\nAna,a@example.org,b@example.org,basta\n"
    rule = '[[status]]\nheaders = ["stato 2"]\nof = ["mail 2"]\nchannel = "email"\n'
    values = 'filled = "unsaid"\nvalues = { basta = "unsubscribed" }\n'
    consent = '[consent.email]\ndefault = "express"\n'
    columns = '[columns]\nemail = ["email", "mail 2"]\n'
    found = desk.read(
        desk.write(text), mapping=desk.mapping("mapping = 1\n" + columns + consent + rule + values)
    )
    assert [row.emails for row in found.rows] == [("a@example.org",)]
    assert [item.emails for item in found.opt_outs] == [("b@example.org",)]
    mapping = desk.mapping("mapping = 1\n" + consent + rule + values)
    with pytest.raises(UsageError, match="belongs to the column"):
        desk.read(desk.write(text), mapping=mapping)


def test_a_status_of_a_column_that_is_not_read_speaks_of_the_channel(desk: Desk) -> None:
    text = "nationbuilder_id,tag_list,primary_zip,email,email_opt_in,email2_is_bad\n"
    found = desk.read(desk.write(text + "7,,97214,a@example.org,true,true\n"))
    assert [(o.emails, o.cause) for o in found.opt_outs] == [(("a@example.org",), "bounced")]


def test_what_is_left_out_is_told_in_its_own_column(desk: Desk) -> None:
    text = "nationbuilder_id,tag_list,primary_zip,name,phone_number,mobile_number,mobile_opt_in\n"
    found = desk.read(desk.write(text + "7,,97214,Ana,503-555-0101,503-555-0102,true\n"))
    assert [row.phones for row in found.rows] == [("+15035550102",)]
    assert [(f.column, f.code) for f in found.flaws] == [("phone_number", "without_consent")]


def test_a_no_to_texts_holds_against_a_statement_of_the_whole_list(desk: Desk) -> None:
    text = "name,email,cell,cell ok to text?\nAna,,503-555-0101,no\nBen,,503-555-0102,yes\n"
    mapping = desk.mapping('mapping = 1\n[consent.sms]\ndefault = "express"\n')
    rows = desk.read(desk.write(text), mapping=mapping).rows
    assert [row.sms_consent.basis for row in rows] == ["none", "express"]
