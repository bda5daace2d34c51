"""What errors may repeat of what somebody wrote."""

import pytest

from consortium.errors import quoted


@pytest.mark.parametrize(
    "written",
    [
        "ann@example.org",
        "Ann <ann@example.org>",
        "+1 (503) 555-0142",
        "503.555.0142",
        "upload 5035550142",
        "@",
    ],
)
def test_what_could_be_an_address_or_a_number_is_not_repeated(written: str) -> None:
    assert quoted(written) == "‹…›"


def test_other_words_are_repeated_in_quotes_printable_and_short() -> None:
    assert quoted("nurzes") == '"nurzes"'
    assert quoted("m-1182") == '"m-1182"'
    assert quoted("quite_hours\x1b[2J") == '"quite_hours�[2J"'
    assert quoted("x" * 41) == f'"{"x" * 39}…"'
