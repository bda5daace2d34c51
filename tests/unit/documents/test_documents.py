"""What a document's reader says when the document is wrong."""

from __future__ import annotations

from datetime import date, datetime, time
from enum import StrEnum
from pathlib import Path
from typing import Literal, Self

import pytest
from pydantic import Field, model_validator

from consortium.documents import (
    MAX_BYTES,
    Document,
    Several,
    Word,
    decode,
    fault,
    load,
    parse,
)
from consortium.errors import BadFile, DocumentError


class Colour(StrEnum):
    RED = "red"
    GREEN = "green"


class Rule(Document):
    noun = "rule"
    guide = "All rules: consortium policy rules"
    later = frozenset({"rest_days"})

    max: int = Field(ge=1, le=9)
    quiet_hours: int = 1


class Window(Document):
    start: datetime
    end: datetime

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.end < self.start:
            raise fault("the window ends before it starts", hint="Swap them", key="end")
        return self


class Sample(Document):
    sample: Literal[1] = Field(description="version of the format, 1")
    name: str = "x"
    share: float = 0.5
    on: bool = True
    day: date | None = None
    at: time | None = None
    colours: Several[Word[Colour]] = ()
    rules: Several[Rule] = ()
    only: Rule | None = None
    named: dict[str, Rule] = Field(default_factory=dict)
    window: Window | None = None


def refused(text: str) -> tuple[str, str]:
    with pytest.raises(DocumentError) as caught:
        parse(text, name="n.toml", model=Sample)
    return caught.value.message, caught.value.hint


def test_a_whole_document_becomes_a_frozen_value() -> None:
    text = (
        "\ufeffsample = 1\r\nday = 2026-11-03\r\nat = 20:00:00\r\ncolours = ['red', \"green\"]\r\n"
        "[[rules]]\r\nmax = 2\r\n[[rules]]\r\nmax = 3\r\n[named.'a b']\r\nmax = 1\r\n"
    )
    value = parse(text, name="n.toml", model=Sample)
    assert value.day == date(2026, 11, 3)
    assert value.at == time(20)
    assert value.colours == (Colour.RED, Colour.GREEN)
    assert [rule.max for rule in value.rules] == [2, 3]
    assert value.named["a b"].max == 1


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        (
            "sample = 1\n\n[only]\nmax = 1\nquite_hours = 2\n",
            'n.toml, line 5: unknown rule "quite_hours"',
            'Did you mean "quiet_hours"? All rules: consortium policy rules',
        ),
        (
            "sample = 1\nzzz = 1\n",
            'n.toml, line 2: unknown key "zzz"',
            "Known here: sample, name, share, on, day, at, colours, rules, only, named, window.",
        ),
        (
            "sample = 1\n[only]\nmax = 1\nrest_days = 3",
            'n.toml, line 4: rule "rest_days" is not understood by this version',
            "Take it out: nothing would enforce it",
        ),
        ("name = 'a'", 'n.toml: "sample" is missing', "sample: version of the format, 1"),
        ("sample = 1\n[only]\n", 'n.toml, line 2: "max" is missing in [only]', ""),
        ("sample = 2", 'n.toml, line 1: "sample" has a value that is not known here', "Allowed: 1"),
        (
            "sample = 1\ncolours = [\n 'red',\n 'gren',\n]",
            'n.toml, line 4: "colours" has a word that is not known here',
            "Allowed: red, green",
        ),
        ("sample = 1\nname = 3", 'n.toml, line 2: "name" needs text in quotes', ""),
        ("sample = 1\nshare = '1'", 'n.toml, line 2: "share" needs a number', ""),
        ("sample = 1\non = 1", 'n.toml, line 2: "on" needs true or false', ""),
        ("sample = 1\ncolours = 'red'", 'n.toml, line 2: "colours" needs a list in [ ]', ""),
        ("sample = 1\nonly = 3", 'n.toml, line 2: "only" needs a table', ""),
        (
            "sample = 1\nday = '2026-11-03'",
            'n.toml, line 2: "day" needs a date like 2026-11-03, without quotes',
            "",
        ),
        (
            "sample = 1\nat = 2026-11-03",
            'n.toml, line 2: "at" needs a time like 20:00:00, without quotes',
            "",
        ),
        (
            "sample = 1\nday = 2026-02-30\n",
            "n.toml, line 2, column 7: no such date or time",
            "Dates look like 2026-11-03, times like 20:00:00",
        ),
        (
            "sample = 1\nat = 24:00:00\n",
            "n.toml, line 2, column 6: no such date or time",
            "Dates look like 2026-11-03, times like 20:00:00",
        ),
        (
            "sample = 1\nname = red\n",
            "n.toml, line 2, column 8: not TOML: invalid value",
            'Text needs quotes ("…"), lists brackets ([…]), and each key a line of its own',
        ),
        (
            "sample = 1\nname = 'a'\n\nname = 'b'\n[only]\n",
            'n.toml, line 4: "name" is written twice',
            "It stands on line 2 as well; keep one",
        ),
        (
            "sample = 1\n[only]\nmax = 1\n[only]\nquiet_hours = 1",
            'n.toml, line 4: "only" is written twice',
            "It stands on line 2 as well; keep one",
        ),
        (
            "sample = 1\nwindow = { start = 2026-11-03T09:00:00, end = 2026-11-02T09:00:00 }",
            "n.toml, line 2: the window ends before it starts",
            "Swap them",
        ),
        ("sample = 1\n\0", "n.toml, line 2: not a text file", "Save it as plain text in UTF-8"),
        (
            "sample = 1\nx = " + "[" * 99,
            "n.toml, line 2: brackets or dotted keys nest deeper than 32",
            "",
        ),
        (
            "sample = 1\nx" + ".x" * 99 + " = 1",
            "n.toml, line 2: brackets or dotted keys nest deeper than 32",
            "",
        ),
        ("sample = " + "9" * 5000, "n.toml: not TOML: a number has too many digits", ""),
    ],
)
def test_a_fault_names_its_line_and_what_to_do(text: str, message: str, hint: str) -> None:
    got, advice = refused(text)
    assert got == message
    assert advice == hint


def test_a_quote_left_open_is_told_at_the_end() -> None:
    message, hint = refused('sample = 1\nname = """')
    assert message.startswith("n.toml, last line: not TOML: ")
    assert hint == "Is a quote or bracket left open?"


def test_a_misspelt_required_key_is_told_as_misspelt_and_not_as_missing() -> None:
    assert refused("sampel = 1") == (
        'n.toml, line 1: unknown key "sampel"',
        'Did you mean "sample"?',
    )


def test_the_first_fault_of_the_document_is_told() -> None:
    message, _ = refused("sample = 1\nname = 'a'\nzzz = 1\n[only]\nmax = 0\n[named.a]\nmax = 77\n")
    assert message.startswith("n.toml, line 3:")
    message, _ = refused("sample = 1\n[named.a]\nmax = 77\n[only]\nmax = 0\n")
    assert message == 'n.toml, line 3: "max" must be at most 9'


def test_lines_are_right_in_arrays_of_tables_inline_tables_and_dotted_keys() -> None:
    assert ", line 6:" in refused("sample = 1\n[[rules]]\nmax = 1\n\n[[rules]]\nmax = 0")[0]
    assert ", line 3:" in refused("sample = 1\nrules = [{ max = 1 },\n  { max = 0 }]")[0]
    assert ", line 3:" in refused("sample = 1\nonly.max = 1\nonly.quiet_hours = 'x'")[0]
    message, _ = refused('sample = 1\nname = """\n[only]\nmax = 0\n"""\n["only"]\n"max" = 0')
    assert ", line 7:" in message


def test_no_value_is_repeated_in_an_error() -> None:
    marked = "dana.marker@example.org"
    for text in (
        f"sample = 1\ncolours = ['{marked}']",
        f"sample = '{marked}'",
        f"sample = 1\nday = '{marked}'",
        f"sample = 1\nonly = {{ max = '{marked}' }}",
        f"sample = 1\nname = {marked}",
    ):
        message, hint = refused(text)
        assert "marker" not in message + hint


def test_a_key_with_control_characters_is_shown_on_one_printable_line() -> None:
    message, hint = refused('sample = 1\n"a\\n\\u202e' + "b" * 99 + '" = 1')
    assert "\n" not in message + hint
    assert message.isprintable()
    assert len(message) < 80


def test_a_file_is_read_whatever_its_line_ends_and_mark(tmp_path: Path) -> None:
    path = tmp_path / "n.toml"
    path.write_bytes(b'\xef\xbb\xbfsample = 1\r\nname = "\xc3\xa9"\r\n')
    assert load(path, model=Sample).name == "é"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", 'n.toml: "sample" is missing'),
        (b"sample = 1\nname = '\xe9'", "n.toml, line 2: not UTF-8 text"),
        ("sample = 1".encode("utf-16"), "n.toml, line 1: not UTF-8 text"),
        (b"#" * (MAX_BYTES + 1), "n.toml is larger than 1 MiB"),
        (b"PK\x03\x04\0\0", "n.toml, line 1: not a text file"),
    ],
)
def test_a_file_that_is_no_document_is_refused(tmp_path: Path, data: bytes, message: str) -> None:
    path = tmp_path / "n.toml"
    path.write_bytes(data)
    with pytest.raises(DocumentError) as caught:
        load(path, model=Sample)
    assert caught.value.message == message


def test_a_missing_file_and_a_directory_are_named(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match="no such file"):
        load(tmp_path / "none.toml", model=Sample)
    with pytest.raises(BadFile, match="is a directory"):
        load(tmp_path, model=Sample)
    with pytest.raises(BadFile, match="cannot be read"):
        load(Path("a\0b"), model=Sample)


def test_text_that_cannot_be_utf_8_is_refused() -> None:
    assert refused("sample = 1\n# \ud800")[0] == "n.toml, line 2: not UTF-8 text"
    assert decode(b"\xef\xbb\xbfx", name="n") == "x"


def test_a_document_at_the_limit_is_read_in_linear_time() -> None:
    for text in (
        "sample = 1\nname = '''" + "a'\n" * (MAX_BYTES // 4) + "'''",
        "sample = 1\n" + "#\n" * (MAX_BYTES // 3),
        "sample = 1\n[named]\n" + "".join(f"k{i}.max = 1\n" for i in range(50_000)),
    ):
        assert parse(text, name="n.toml", model=Sample).sample == 1
