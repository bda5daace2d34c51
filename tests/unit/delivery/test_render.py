"""Messages, read back by the standard library's parser."""

import email
import email.policy
import re
from datetime import UTC, datetime
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.utils import getaddresses

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from consortium.campaign.message import is_usable
from consortium.campaign.message import parse as parse_form
from consortium.delivery.headers import cleaned, mailbox, unstructured
from consortium.delivery.render import Letter, Letterhead
from consortium.delivery.transport import Envelope
from consortium.model import Purpose
from consortium.types import MessageName, Pii

AT = datetime(2026, 11, 3, 18, 0, tzinfo=UTC)
CODE = "k7r2m5x3q8w4t6v2"
HEAD = Letterhead(
    name="Oregon Nurses",
    from_name="Oregon Nurses",
    from_address="gotv@m.nurses.example",
    postal_address="1 Main St, Portland OR 97201",
    disclaimer="Paid for by Oregon Nurses",
)
SUBJECT = "{first_name|Neighbor}, your drop box is open until 8 tonight"
TEXT = "Hi {first_name|neighbor} {last_name|there},\n\nit closes at 8 tonight.\n"
ANY = st.text(st.characters(exclude_categories=()), max_size=120)  # lone surrogates and all


def letter(subject: str = SUBJECT, text: str = TEXT, head: Letterhead = HEAD) -> Letter:
    form = parse_form("en", subject=subject, text=text)
    return Letter(head=head, form=form, purpose=Purpose.GOTV)


def filled(
    first: str = "Dana", last: str = "Lopez", *, by: Letter | None = None, code: str = CODE
) -> Envelope:
    return (by or letter()).fill(
        to=Pii("dana.lopez@example.org"),
        first_name=Pii(first),
        last_name=Pii(last),
        code=code,
        message=MessageName("m-1182"),
        at=AT,
    )


def read(envelope: Envelope) -> EmailMessage:
    message = email.message_from_bytes(envelope.data, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    return message


def text_of(envelope: Envelope) -> str:
    content = read(envelope).get_content()
    assert isinstance(content, str)
    return content.replace("\r\n", "\n")


def address_in(name: str, data: bytes) -> tuple[str, str]:
    """Display name and address of a field with one mailbox.

    By the older of the standard library's parsers: before Python 3.13 the newer one leaves blanks
    between the encoded words of a phrase (RFC 2047, 6.2 takes them away).
    """
    [field] = email.message_from_bytes(data, policy=email.policy.compat32).get_all(name, [])
    [(display, address)] = getaddresses([re.sub(r"\r?\n(?=[ \t])", "", field)])
    return str(make_header(decode_header(display))), address


def test_message_says_who_writes_to_whom_and_how_to_stop_it() -> None:
    message = read(filled())
    assert message["From"] == "Oregon Nurses <gotv@m.nurses.example>"
    assert message["To"] == "Dana Lopez <dana.lopez@example.org>"
    assert message["Subject"] == "Dana, your drop box is open until 8 tonight"
    assert message["Date"].datetime == AT
    assert message["List-Id"] == '"Oregon Nurses (gotv)" <gotv.m.nurses.example>'
    address = f"unsubscribe+{CODE}@m.nurses.example"
    assert message["List-Unsubscribe"] == f"<mailto:{address}?subject=unsubscribe>"
    assert message["Content-Transfer-Encoding"] == "7bit"
    assert text_of(filled()) == (
        "Hi Dana Lopez,\n\nit closes at 8 tonight.\n\n-- \n"
        "Oregon Nurses, 1 Main St, Portland OR 97201\n"
        f"To get no more messages like this, write to unsubscribe+{CODE}@m.nurses.example\n"
        "Paid for by Oregon Nurses\n"
    )
    assert not {"Precedence", "Auto-Submitted", "Reply-To"} & set(message.keys())


@pytest.mark.parametrize("domain", ["nurses.example", "m.oregonnurses.example.org"])
def test_list_unsubscribe_stays_below_78_octets(domain: str) -> None:
    head = Letterhead("N", "N", f"gotv@{domain}", "1 Main St")
    value = read(filled(by=letter(head=head)))["List-Unsubscribe"]
    subject = "?subject=unsubscribe" if domain == "nurses.example" else ""
    assert value == f"<mailto:unsubscribe+{CODE}@{domain}{subject}>"
    assert len(value) < 78


def test_message_id_is_under_the_owners_domain_and_hides_the_opt_out_code() -> None:
    value = read(filled())["Message-ID"]
    assert re.fullmatch(r"<[0-9a-f]{20}\.m-1182@m\.nurses\.example>", value)
    assert CODE not in value
    assert value != read(filled(code="other"))["Message-ID"]


@pytest.mark.parametrize(
    ("first", "last"),
    [
        ("Zoë", "Müller"),
        ("李", "小龙"),
        ("Ἀλέξανδρος", "Παπαδόπουλος-Κωνσταντινίδης"),
        ("محمد", "الفاتح"),
        ('Dana "Dee"', "O'Neil\\"),
        ("=?utf-8?b?SGk=?=", "Lopez"),
        ("Dana,", "<Lopez>; (x)"),
        ("👩‍⚕️" * 20, "x" * 120),
    ],
)
def test_any_name_arrives_as_it_is_written(first: str, last: str) -> None:
    envelope = filled(first, last)
    assert address_in("To", envelope.data) == (f"{first} {last}", "dana.lopez@example.org")
    assert read(envelope)["Subject"] == f"{first}, your drop box is open until 8 tonight"
    assert text_of(envelope).startswith(f"Hi {first} {last},\n")


@given(ANY, ANY)
@example("Dana\r\nBcc: everyone@example.org", "x")
@example("Dana\u2028Bcc: x", "\x00")
@example("a\x85b", "c\x0bd\x1ce")
def test_no_value_makes_a_header_field_or_a_line_of_text(first: str, last: str) -> None:
    usual = read(filled())
    envelope = filled(first, last)
    message = read(envelope)
    assert message.keys() == usual.keys()
    assert message.defects == []
    assert len(message["To"].addresses) == 1
    assert message["To"].addresses[0].addr_spec == "dana.lopez@example.org"
    assert text_of(envelope).count("\n") == text_of(filled()).count("\n")
    lines = envelope.data.split(b"\r\n")
    assert all(len(line) <= 998 for line in lines)
    assert not any(b"\r" in line or b"\n" in line or b"\0" in line for line in lines)
    assert envelope.data.isascii()
    if is_usable(first) and is_usable(last):
        assert address_in("To", envelope.data)[0] == cleaned(f"{first} {last}")


@given(ANY)
def test_free_text_field_is_one_field_whatever_the_text(text: str) -> None:
    field = unstructured("Subject", text)
    assert all(line.startswith(" ") for line in field.split("\r\n")[1:])
    assert all(len(line) <= 76 for line in field.split("\r\n"))
    message = email.message_from_bytes(field.encode() + b"\r\n\r\n", policy=email.policy.default)
    assert message["Subject"] == cleaned(text)


@given(ANY)
def test_mailbox_field_is_one_mailbox_whatever_the_name(display: str) -> None:
    field = mailbox("From", display, "gotv@nurses.example")
    data = field.encode() + b"\r\n\r\n"
    assert address_in("From", data) == (cleaned(display), "gotv@nurses.example")
    assert len(email.message_from_bytes(data).keys()) == 1


@given(st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=2000))
def test_text_of_any_length_arrives_as_written_in_lines_that_servers_take(text: str) -> None:
    text = text.replace("{", "{{").replace("}", "}}")
    envelope = filled(by=letter(text=text))
    assert all(len(line) <= 998 for line in envelope.data.split(b"\r\n"))
    shown = text.replace("{{", "{").replace("}}", "}")
    assert text_of(envelope).startswith(f"{shown}\n\n-- \n")


def test_owner_with_a_name_of_any_kind_keeps_one_from_and_one_list_id() -> None:
    head = Letterhead("Ärzte: für alle", 'A "B" <x@y.example>', "a@b.example", "Straße 1")
    message = read(filled(by=letter(head=head)))
    assert message.keys() == read(filled()).keys()
    data = filled(by=letter(head=head)).data
    assert address_in("From", data) == ('A "B" <x@y.example>', "a@b.example")
    assert address_in("List-Id", data) == ("Ärzte: für alle (gotv)", "gotv.b.example")


def test_envelope_does_not_show_the_recipient() -> None:
    envelope = filled()
    assert "dana" not in repr(envelope).lower()
    assert "lopez" not in str(envelope).lower()
