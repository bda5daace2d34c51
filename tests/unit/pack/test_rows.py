"""What becomes of each record of a list."""

from __future__ import annotations

from datetime import date

import pytest

from consortium.intake.normal import RowChecker
from consortium.model import Consent, ConsentBasis, PackOptOut, Relationship
from consortium.pack import Stated, parse_attest
from consortium.vault.pack_rows import RowLine
from tests.unit.pack.conftest import TODAY, Desk

HEADER = "first,last,email,phone,zip,state\n"
ANA = "Ana,Lopez,ana@mail.example.org,503-555-0101,97214,OR\n"


def fates(desk: Desk, text: str | bytes, **options: object) -> dict[int, str]:
    """Record number → what became of it."""
    read = desk.read(desk.write(text), **options)
    found: dict[int, str] = {}
    for item in read.items:
        word = "opt-out" if isinstance(item, PackOptOut) else "row"
        found[item.number] = "+".join(filter(None, (found.get(item.number), word)))
    found |= {r.number: r.code for r in read.rejected}
    found |= {r.number: "repeated" for r in read.repeated}
    assert len(found) == read.records
    return dict(sorted(found.items()))


def test_a_row_is_sent_normalised(desk: Desk) -> None:
    (row,) = desk.read(desk.write(HEADER + ANA)).rows
    assert row.number == 1
    assert row.emails == ("ana@mail.example.org",)
    assert row.phones == ("+15035550101",)
    assert (row.first_name, row.last_name) == ("Ana", "Lopez")
    assert (row.places.state, row.places.postcode) == ("OR", "97214")


def test_one_bad_value_costs_only_itself(desk: Desk) -> None:
    text = HEADER + (
        "Bob,,no-address,503-555-0102,97214,OR\n"
        "Cy,,cy@mail.example.org,12,97214,OR\n"
        "Di,,di@,5.03555E+09,97214,OR\n"
    )
    read = desk.read(desk.write(text))
    bob, cy = read.rows
    assert (bob.emails, bob.phones) == ((), ("+15035550102",))
    assert (cy.emails, cy.phones) == (("cy@mail.example.org",), ())
    assert [(r.number, r.line, r.column) for r in read.rejected] == [(3, 4, "email")]
    assert [(f.number, f.column, f.row_used) for f in read.flaws] == [
        (1, "email", True),
        (2, "phone", True),
        (3, "phone", False),
    ]


def test_neither_address_nor_number_is_rejected_with_its_reason(desk: Desk) -> None:
    assert fates(desk, HEADER + ANA + "Bob,,,,97214,OR\n,,,,,\n") == {
        1: "row", 2: "no_contact", 3: "empty_row",
    }  # fmt: skip


def test_a_header_repeated_inside_is_no_person(desk: Desk) -> None:
    again = "\ufeffFirst,LAST,E-mail,Phone,ZIP ,State\n"
    assert fates(desk, HEADER + ANA + HEADER + again)[2] == "header_again"
    assert fates(desk, HEADER + ANA + again)[2] == "header_again"


@pytest.mark.parametrize(
    "footer",
    ["Total: 1541,,,,,\n", "Total,,,,,1541\n", "(1541 rows),,,,,\n", '"End of report"\n'],
)
def test_a_footer_is_no_person(desk: Desk, footer: str) -> None:
    assert fates(desk, HEADER + ANA + footer)[2] == "footer"


def test_a_short_row_is_used_and_noted(desk: Desk) -> None:
    read = desk.read(desk.write(HEADER + "Ana,,ana@mail.example.org\n"))
    assert read.rows[0].emails == ("ana@mail.example.org",)
    assert [(f.code, f.row_used) for f in read.flaws] == [("short_row", True)]


def test_a_short_row_that_lost_its_word_on_consent_is_not_used(desk: Desk) -> None:
    text = "email,first,Do Not Email\nana@mail.example.org,Ana\nbo@mail.example.org,Bo,No\n"
    assert fates(desk, text) == {1: "short_row", 2: "row"}


def test_a_row_with_more_cells_than_columns_is_rejected(desk: Desk) -> None:
    trailing = "Ana,Lopez,ana@mail.example.org,503-555-0101,97214,OR,\n"
    shifted = "Smith, Bob,Smith,bob@mail.example.org,,97214,OR\n"
    assert fates(desk, HEADER + trailing + ANA + shifted) == {
        1: "row", 2: "repeated", 3: "shifted",
    }  # fmt: skip


def test_an_address_in_the_wrong_column_is_said_to_be_shifted(desk: Desk) -> None:
    read = desk.read(desk.write(HEADER + "Ana,ana@mail.example.org,97214,,,\n"))
    assert [(r.code, r.column) for r in read.rejected] == [("shifted", "last")]


def test_lines_swallowed_by_a_quote_are_not_one_person(desk: Desk) -> None:
    swallowed = '"Ana,Lopez,ana@mail.example.org,1,2,3\nBo,Li,bo@mail.example.org,1,2,"3\n'
    long = 'Ana,"Lopez,ana@mail.example.org\nBo,Li",bo@mail.example.org,503-555-0102,97214,OR\n'
    found = fates(desk, HEADER + swallowed + long + ANA)
    assert found == {1: "open_quote", 2: "open_quote", 3: "row"}


def test_line_breaks_and_delimiters_in_addresses_and_notes_are_fine(desk: Desk) -> None:
    text = "email,street,notes\n"
    text += 'ana@mail.example.org,"12 Oak St,\nApt 4","said ""call"",\r\nthen left"\n'
    (row,) = desk.read(desk.write(text)).rows
    assert row.house_number == "12"


@pytest.mark.parametrize(
    "name",
    [
        "=1+1", "+1+cmd", "@SUM(1+1)*9", "-2+3", "\t=2+2", '  =HYPERLINK("http://evil")',
        "https://evil.example/x", "www.evil.example", "<script>", "\u200b=1+1",
    ],
)  # fmt: skip
def test_a_name_that_a_spreadsheet_would_run_is_not_sent(desk: Desk, name: str) -> None:
    quoted = name.replace('"', '""')
    read = desk.read(desk.write(f'{HEADER}"{quoted}",Lopez,ana@mail.example.org,,,\n'))
    assert (read.rows[0].first_name, read.rows[0].last_name) == ("", "Lopez")
    assert [(f.column, f.code) for f in read.flaws] == [("first", "suspicious")]


@pytest.mark.parametrize(
    "name", ["O'Brien", "Anne-Marie", "José", "D’Angelo", "de la Cruz", "Jr.", "St. James", "李"]
)
def test_names_of_people_are_not_taken_for_formulas(desk: Desk, name: str) -> None:
    read = desk.read(desk.write(f"{HEADER}{name},Lopez,ana@mail.example.org,,,\n"))
    assert read.flaws == []


def test_rows_that_say_the_same_are_sent_once(desk: Desk) -> None:
    text = "id,first,email,phone\n"
    text += "1,Ana,ana+x@mail.example.org,503-555-0101\n"
    text += "2, ANA ,ANA@MAIL.EXAMPLE.ORG,(503) 555 0101\n"
    text += "3,Ana,ana@mail.example.org,503-555-0102\n"
    assert fates(desk, text) == {1: "row", 2: "repeated", 3: "row"}


def test_repeats_are_found_across_batches(desk: Desk) -> None:
    many = "".join(f"P,Q,p{i}@mail.example.org,,,\n" for i in range(5000))
    found = fates(desk, HEADER + ANA + many + ANA + many)
    assert list(found.values()) == ["row"] * 5001 + ["repeated"] * 5001


def test_several_values_in_one_cell_and_column_are_all_sent(desk: Desk) -> None:
    text = "email,work email,mobile\n"
    text += "a@mail.example.org; b@mail.example.org,A@mail.example.org,"
    text += "503-555-0101 / 503-555-0102\n"
    (row,) = desk.read(desk.write(text)).rows
    assert row.emails == ("a@mail.example.org", "b@mail.example.org")
    assert row.phones == ("+15035550101", "+15035550102")


STATUS = "email,can2_phone,can2_subscription_status,can2_sms_status,can2_subscription_date\n"


@pytest.mark.parametrize(
    ("word", "cause"),
    [
        ("unsubscribed", "unsubscribed"),
        ("bouncing", "bounced"),
        ("Spam Complaint", "spam_report"),
    ],
)
def test_whoever_left_is_kept_only_to_be_blocked(desk: Desk, word: str, cause: str) -> None:
    text = f"{STATUS}ana@mail.example.org,503-555-0101,{word},,2025-01-02\n"
    read = desk.read(desk.write(text))
    assert read.rows == []
    assert read.opt_outs == [PackOptOut(1, ("ana@mail.example.org",), (), cause)]


def test_a_no_to_one_channel_and_a_yes_to_the_other_are_both_kept(desk: Desk) -> None:
    text = f"{STATUS}ana@mail.example.org,503-555-0101,unsubscribed,subscribed,\n"
    text += "bo@mail.example.org,503-555-0102,subscribed,unsubscribed,2025-01-02 10:00:00\n"
    read = desk.read(desk.write(text))
    ana, bo = read.rows
    assert (ana.emails, ana.phones) == ((), ("+15035550101",))
    assert ana.sms_consent == Consent(ConsentBasis.EXPRESS)
    assert (bo.emails, bo.phones) == (("bo@mail.example.org",), ())
    assert bo.email_consent == Consent(ConsentBasis.EXPRESS, date(2025, 1, 2))
    assert read.opt_outs == [
        PackOptOut(1, ("ana@mail.example.org",), (), "unsubscribed"),
        PackOptOut(2, (), ("+15035550102",), "unsubscribed"),
    ]


def test_a_refusal_with_nothing_to_block_is_rejected(desk: Desk) -> None:
    text = f"{STATUS}no address,503-555-0101,unsubscribed,,\n"
    assert fates(desk, text) == {1: "no_one_to_block"}


def test_do_not_contact_blocks_every_channel(desk: Desk) -> None:
    text = "email,phone,Do Not Contact\nana@mail.example.org,503-555-0101,Y\n"
    read = desk.read(desk.write(text), stated=Stated(email=Consent(ConsentBasis.MEMBERSHIP)))
    assert read.opt_outs == [
        PackOptOut(1, ("ana@mail.example.org",), ("+15035550101",), "do_not_contact")
    ]


CIVICRM = "Contact ID,Contact Type,Sort Name,Email,Do Not Email,No Bulk Emails (User Opt Out),"
CIVICRM += "On Hold,Do Not Sms\n"


@pytest.mark.parametrize(
    ("cells", "cause"),
    [
        ("Yes,No,No,No", "unsubscribed"),
        ("No,Yes,,No", "unsubscribed"),
        ("No,No,On Hold Bounce,No", "bounced"),
        ("0,0,1,0", "bounced"),
        ("0,0,2,0", "unsubscribed"),
        ("No,No,No,No", ""),
        (",,,", ""),
    ],
)
def test_civicrms_flags_are_read(desk: Desk, cells: str, cause: str) -> None:
    text = f'{CIVICRM}7,Individual,"Lopez, Ana",ana@mail.example.org,{cells}\n'
    read = desk.read(desk.write(text), stated=Stated(email=Consent(ConsentBasis.MEMBERSHIP)))
    assert [o.cause for o in read.opt_outs] == ([cause] if cause else [])
    assert [r.email_consent.basis for r in read.rows] == (
        [] if cause else [ConsentBasis.MEMBERSHIP]
    )


MAILCHIMP = "Email Address,OPTIN_TIME,CONFIRM_TIME,LEID,EUID,UNSUB_TIME\n"


def test_mailchimps_times_are_consent_with_its_day(desk: Desk) -> None:
    text = MAILCHIMP + (
        "a@mail.example.org,2025-02-28 12:00:00,,1,e1,\n"
        "b@mail.example.org,2025-02-28 12:00:00,2025-03-01 09:00:00,2,e2,\n"
        "c@mail.example.org,,,3,e3,\n"
        "d@mail.example.org,2025-02-28 12:00:00,,4,e4,2025-05-05 10:00:00\n"
        "e@mail.example.org,2031-01-01 12:00:00,,5,e5,\n"
    )
    read = desk.read(desk.write(text))
    assert [r.email_consent for r in read.rows] == [
        Consent(ConsentBasis.EXPRESS, date(2025, 2, 28)),
        Consent(ConsentBasis.EXPRESS, date(2025, 3, 1)),
        Consent(),
        Consent(ConsentBasis.EXPRESS, None),
    ]
    assert [(o.number, o.cause) for o in read.opt_outs] == [(4, "unsubscribed")]


@pytest.mark.parametrize(
    "day", ["0001-01-01 00:00:00", "1753-01-01", "1899-12-30", "2026-09-02", "0000-00-00"]
)
def test_a_day_on_which_nobody_consented_is_not_believed(desk: Desk, day: str) -> None:
    path = desk.write(f"Email Address,MEMBER_RATING,OPTIN_TIME,LEID\nann@example.org,2,{day},7\n")
    (row,) = desk.read(path).rows
    assert row.email_consent == Consent(ConsentBasis.EXPRESS, None)


def test_a_word_about_consent_that_is_not_known_is_no_consent(desk: Desk) -> None:
    text = f"{STATUS}ana@mail.example.org,,perhaps,,\n"
    read = desk.read(desk.write(text), stated=Stated(email=Consent(ConsentBasis.EXPRESS)))
    assert read.rows[0].email_consent == Consent()
    assert [(f.column, f.code) for f in read.flaws] == [
        ("can2_subscription_status", "unknown_word")
    ]


def test_without_column_or_statement_there_is_no_consent_and_no_membership(desk: Desk) -> None:
    (row,) = desk.read(desk.write(HEADER + ANA)).rows
    assert row.email_consent == row.sms_consent == Consent()
    assert row.relationship is Relationship.PUBLIC


def test_a_statement_holds_where_no_column_speaks_and_only_there(desk: Desk) -> None:
    stated = Stated(
        email=Consent(ConsentBasis.MEMBERSHIP, date(2024, 1, 1)),
        sms=Consent(ConsentBasis.EXPRESS),
        relationship=Relationship.MEMBER,
    )
    (row,) = desk.read(desk.write(HEADER + ANA), stated=stated).rows
    assert row.email_consent == stated.email
    assert row.relationship is Relationship.MEMBER
    read = desk.read(desk.write(f"{STATUS}a@mail.example.org,503-555-0101,,,\n"), stated=stated)
    assert read.rows[0].email_consent == Consent()


def test_opt_outs_that_repeat_are_kept_once(desk: Desk) -> None:
    row = "ana@mail.example.org,,unsubscribed,,\n"
    assert fates(desk, STATUS + row + row) == {1: "opt-out", 2: "repeated"}


def test_nothing_personal_shows_in_what_python_prints(desk: Desk) -> None:
    path = desk.write(HEADER + ANA + "Bo,,bad,1,,\n")
    read = desk.read(path)
    shown = repr(read.items) + repr(read.rejected) + repr(read.flaws)
    shown += repr([*read.reading.batches()]) + repr(read.reading.source)
    for personal in ("ana@", "Lopez", "5550101", "97214", "bad,"):
        assert personal not in shown


@pytest.mark.parametrize("column", range(6))
def test_a_cell_of_a_million_characters_anywhere_costs_that_value_alone(
    desk: Desk, column: int
) -> None:
    cells = ["Ana", "Lopez", "ana@mail.example.org", "503-555-0101", "97214", "OR"]
    for filling in ("a", "@", "1", "(", "=", " ", ".a"):
        cells[column] = (filling * 1_000_000)[:1_000_000]
        read = desk.read(desk.write(HEADER + ",".join(cells) + "\n" + ANA))
        assert len(read.rows) + len(read.repeated) == 2
        assert all(len(row.first_name) <= 200 and len(row.last_name) <= 200 for row in read.rows)


def test_a_million_characters_in_a_status_column_are_an_unknown_word(desk: Desk) -> None:
    text = f"{STATUS}ana@mail.example.org,,{'x' * 1_000_000},,{'y' * 1_000_000}\n"
    read = desk.read(desk.write(text))
    assert read.rows[0].email_consent == Consent()
    assert [f.code for f in read.flaws] == ["unknown_word"]


@pytest.mark.parametrize(
    "cells",
    [
        "abc1def2abc3def4abc5def6abc7def8,Lee",
        "Ann,abc1def2abc3def4abc5def6abc7def8",
        f"Ann,{'e' * 40}",
    ],
)
def test_a_hash_in_place_of_a_name_is_not_sent(desk: Desk, cells: str) -> None:
    read = desk.read(desk.write(f"email,first name,last name\nann@example.org,{cells}\n"))
    (row,) = read.rows
    assert (row.first_name, row.last_name) == ("", "")
    assert [flaw.code for flaw in read.flaws] == ["already_hashed"]
    (line,) = next(read.reading.batches()).sent
    assert isinstance(line, RowLine)
    RowChecker(TODAY).check([line])  # what is packed is taken in


def test_a_hash_inside_a_full_name_is_not_sent(desk: Desk) -> None:
    read = desk.read(desk.write(f"email,name\nann@example.org,Ann {'e' * 40}\n"))
    (row,) = read.rows
    assert (row.first_name, row.last_name) == ("", "")


@pytest.mark.parametrize(
    ("header", "cell"),
    [
        ("Status", "Unsubscribed"),
        ("Email Subscription", "opted-out"),
        ("Unsubscribed At", "2025-01-01 10:00"),
        ("Opt-out date", "1/2/2025"),
        ("Date of Death", "2024-05-06"),
        ("Is Opted Out", "TRUE"),
        ("Don't email", "x"),
        ("Do Not Contact (DNC)", "Y"),
        ("STOP", "1"),
        ("Bounce", "hard"),
        ("Email valid", "no"),
        ("Opt-in", "No"),
        ("Opt-in", ""),
        ("GDPR consent", "no"),
        ("Newsletter", "never asked"),
    ],
)
def test_a_statement_never_goes_over_what_a_row_says(desk: Desk, header: str, cell: str) -> None:
    contact = "503-555-0101" if header == "STOP" else "ann@example.org"
    path = desk.write(f'{"phone" if header == "STOP" else "email"},"{header}"\n{contact},{cell}\n')
    stated = parse_attest(["email=express", "sms=express"])
    read = desk.read(path, stated=stated)
    for row in read.rows:
        assert header in {"Opt-in", "GDPR consent", "Newsletter"}  # the others are opt-outs
        assert row.email_consent.basis is ConsentBasis.NONE


@pytest.mark.parametrize(
    ("header", "cell"), [("Opt-in", "yes"), ("Status", "Lapsed"), ("Bounce", "")]
)
def test_what_is_no_refusal_leaves_a_statement_standing(desk: Desk, header: str, cell: str) -> None:
    path = desk.write(f"email,{header}\nann@example.org,{cell}\n")
    (row,) = desk.read(path, stated=parse_attest(["email=express"])).rows
    assert row.email_consent.basis is ConsentBasis.EXPRESS
    (row,) = desk.read(path).rows
    assert row.email_consent.basis is ConsentBasis.NONE


DATED = "first name,email,email opt in,opt in day\n"
DATED_RULE = """mapping = 1
[[status]]
headers = ["email opt in"]
channel = "email"
yes = "express"
day = ["opt in day"]
"""


def consent_days(desk: Desk, days: list[str], rule: str = DATED_RULE) -> list[str]:
    lines = [f"P,p{at}@example.org,yes,{day}\n" for at, day in enumerate(days)]
    found = desk.read(desk.write(DATED + "".join(lines)), mapping=desk.mapping(rule))
    return [str(row.email_consent.on or "") for row in found.rows]


def test_the_order_of_consent_days_is_decided_by_their_own_column(desk: Desk) -> None:
    assert consent_days(desk, ["03/04/2025", "25/12/2024"]) == ["2025-04-03", "2024-12-25"]
    assert consent_days(desk, ["03/04/2025", "12/25/2024"]) == ["2025-03-04", "2024-12-25"]
    assert consent_days(desk, ["03/04/2025 10:00", "5 Jan 24"]) == ["2025-03-04", "2024-01-05"]
    assert consent_days(desk, ["03.04.2025", "0000-00-00"]) == ["2025-04-03", ""]


def test_consent_days_whose_order_cannot_be_told_are_left_out_and_told(desk: Desk) -> None:
    days = ["03/04/2025", "25/12/2024", "12/25/2024"]
    assert consent_days(desk, days) == ["", "2024-12-25", "2024-12-25"]
    report = desk.check(desk.folder / "members.csv", mapping=desk.mapping(DATED_RULE))
    (told,) = [each for each in report.worth_fixing if each.code == "ambiguous_date"]
    assert (told.column, told.count, told.rows_used) == ("opt in day", 1, 1)
    assert "date_order" in told.repair


def test_what_is_no_day_of_consent_is_told(desk: Desk) -> None:
    assert consent_days(desk, ["45000", "soon", "2031-01-01"]) == ["", "", ""]
    report = desk.check(desk.folder / "members.csv", mapping=desk.mapping(DATED_RULE))
    assert {each.code for each in report.worth_fixing} == {
        "spreadsheet_number", "bad_date", "no_such_day",
    }  # fmt: skip


def test_a_mapping_says_the_order_where_no_day_shows_it(desk: Desk) -> None:
    rule = DATED_RULE.replace("mapping = 1", 'mapping = 1\ndate_order = "day-first"')
    assert consent_days(desk, ["03/04/2025"], rule) == ["2025-04-03"]


@pytest.mark.parametrize(("order", "day"), [("day-first", "04-03"), ("month-first", "03-04")])
def test_the_repair_that_is_named_for_a_column_of_both_orders_works(
    desk: Desk, order: str, day: str
) -> None:
    rule = DATED_RULE.replace("mapping = 1", f'mapping = 1\ndate_order = "{order}"')
    days = ["03/04/1985", "25/12/1984", "12/25/1984"]
    assert consent_days(desk, days, rule)[0] == f"1985-{day}"
    text = "first name,email,dob\n" + "".join(f"P,p{d[:2]}@example.org,{d}\n" for d in days)
    read = desk.read(desk.write(text), mapping=desk.mapping(rule.partition("[[")[0]))
    assert [row.birth_date for row in read.rows] == [f"1985-{day}", "1984-12-25", "1984-12-25"]


UNION = (
    "Membership No.,Forename,Surname,DOB,Home Tel,Mobile,Email (home),Email (work),Branch,"
    "Membership Status,Email OK?,Text OK?,Consent date\n"
)


def test_a_branch_list_with_brackets_and_questions_in_its_headers_is_read(desk: Desk) -> None:
    text = UNION + (
        "7,Siân,Hughes,25/12/1980,0113 496 0123,07400 123456,s@example.org,s@example.net,Leeds 1,"
        "Full,Y,N,03/04/2023\n8,Tom,Brown,,,,,t@example.net,Leeds 1,Full,Y,,25/04/2023\n"
    )
    found = desk.read(desk.write(text.encode("cp1252")), stated=parse_attest(["email=membership"]))
    sian, tom = found.rows
    assert sian.emails == ("s@example.org", "s@example.net")
    assert tom.emails == ("t@example.net",)
    assert (sian.email_consent.basis, str(sian.email_consent.on)) == ("express", "2023-04-03")
    assert [o.phones for o in found.opt_outs] == [("+447400123456", "+441134960123")]


def test_addresses_in_a_column_of_that_name_are_not_said_to_be_shifted(desk: Desk) -> None:
    text = "name,phone,Email (of a relative)\nAna,,ana@example.org\nBen,503-555-0101,\n"
    assert [r.code for r in desk.read(desk.write(text)).rejected] == ["no_contact"]


def test_lines_of_one_cell_below_a_report_are_no_persons(desk: Desk) -> None:
    text = "name,email,phone,do not email\nAna,ana@example.org,,\n"
    text += "Eugene members\nCopyright (c) 2000-2024 salesforce.com\n"
    found = desk.read(desk.write(text))
    assert [r.code for r in found.rejected] == ["footer", "footer"]
    assert len(found.rows) == 1


def test_a_box_that_is_not_ticked_in_salesforce_is_no_refusal(desk: Desk) -> None:
    text = "Contact ID,Mailing Zip/Postal Code,Contact Owner,Email,Mobile,SMS Consent\n"
    found = desk.read(
        desk.write(text + "1,97214,Jo,a@example.org,503-555-0101,FALSE\n"),
        stated=parse_attest(["email=express"]),
    )
    assert found.opt_outs == []
    assert [(r.email_consent.basis, r.sms_consent.basis) for r in found.rows] == [
        ("express", "none")
    ]
