"""The message's grammar: what may be written, and what may be filled in."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consortium.campaign.message import FIELDS, MAY_BE_EMPTY, choose, is_usable, parse
from consortium.errors import DocumentError
from consortium.types import Pii

OWNER = {"owner.name": "Nurses", "owner.address": "1 Main St", "opt_out": "No more: write to x."}


def body(text: str, **values: str) -> str:
    return parse("en", subject="Hello", text=text).body.fill({**OWNER, **values})


def test_fields_are_filled_and_doubled_braces_stand_for_braces() -> None:
    text = "Hi {first_name|neighbor}, {{this}} is {owner.name}.\n{owner.address}\n{opt_out}"
    assert body(text, first_name="Dana") == (
        "Hi Dana, {this} is Nurses.\n1 Main St\nNo more: write to x.\n"
    )


def test_text_that_does_not_say_who_writes_gets_a_footer_that_does() -> None:
    assert body("Vote.") == "Vote.\n\n-- \nNurses, 1 Main St\nNo more: write to x.\n"


def test_footer_adds_only_what_the_text_does_not_say_itself() -> None:
    assert body("From {owner.name}.") == "From Nurses.\n\n-- \n1 Main St\nNo more: write to x.\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("one\ntwo {fist_name|x}", 'text, line 2: unknown field "fist_name"'),
        ("{first_name}", "text, line 1: first_name can be empty and has no fallback"),
        ("{first_name|}", "text, line 1: first_name can be empty and has no fallback"),
        ("{first_name|a|b}", "text, line 1: more than one | in the field first_name"),
        ("{owner.name|we}", "text, line 1: owner.name is never empty, so it takes no fallback"),
        ("a { b", "text, line 1: a brace without its partner"),
        ("a\n\nb } c", "text, line 3: a brace without its partner"),
        ("{first_name|two\nlines}", "text, line 1: a brace without its partner"),
        ("{}", 'text, line 1: unknown field ""'),
        ("{__class__}", 'text, line 1: unknown field "__class__"'),
        ("a\n\x00", "text, line 2: character U+0000 cannot be sent"),
        ("safe\u202eevas", "text, line 1: character U+202E cannot be sent"),
    ],
)
def test_what_the_grammar_does_not_know_is_refused_with_its_line(text: str, message: str) -> None:
    with pytest.raises(DocumentError) as caught:
        parse("en", subject="Hello", text=text)
    assert caught.value.message == message


@pytest.mark.parametrize("subject", ["", " ", "a\nBcc: x", "a\rb", "x" * 201, "a\x00b", "{x}"])
def test_a_subject_is_one_short_line(subject: str) -> None:
    with pytest.raises(DocumentError):
        parse("en", subject=subject, text="Vote.")


@pytest.mark.parametrize(
    "name", ["Eve\nBcc: all@example.org", "Eve\r", "E\x00ve", "E\x1bve", "Eve\u2028", "\u202eevE"]
)
def test_a_name_with_a_line_break_or_control_character_gives_way_to_the_fallback(name: str) -> None:
    form = parse("en", subject="{first_name|Neighbor}, vote", text="Vote.").subject
    filled = form.fill({"first_name": f"A{name}B"})
    assert filled == "Neighbor, vote"


@given(st.text())
def test_no_name_whatever_makes_a_second_line_of_a_subject(name: str) -> None:
    form = parse("en", subject="{first_name|Neighbor}, vote", text="Vote.").subject
    filled = form.fill({"first_name": name})
    assert len(filled.splitlines()) == 1
    assert filled.endswith(", vote")


@pytest.mark.parametrize(
    "name", ["Zoë", "Ngũgĩ", "Nguyễn Văn", "Øyvind", "محمد", "王小明", "O'Neil"]
)
def test_names_of_any_script_are_used_as_they_are(name: str) -> None:
    assert is_usable(name)
    assert body("Hi {first_name|you}", first_name=name).startswith(f"Hi {name}\n")


def test_redacted_values_are_filled_in_clear() -> None:
    assert body("Hi {first_name|you}", first_name=Pii("Dana")).startswith("Hi Dana\n")


def test_an_owners_name_that_cannot_be_printed_is_an_error_and_not_a_blank() -> None:
    form = parse("en", subject="Hello", text="Vote.").body
    with pytest.raises(DocumentError, match=r"owner\.name is empty"):
        form.fill({**OWNER, "owner.name": "Nur\nses"})


def test_the_recipients_language_is_chosen_else_the_first() -> None:
    messages = [parse(tag, subject=tag, text="Vote.") for tag in ("en", "es", "vi")]
    assert [choose(messages, language=x).language for x in ("es", "es-MX", "", "de", "VI")] == [
        "es",
        "es",
        "en",
        "en",
        "vi",
    ]


def test_every_field_that_a_list_may_lack_is_known() -> None:
    assert FIELDS.keys() >= MAY_BE_EMPTY
