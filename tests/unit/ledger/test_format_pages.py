"""The format page says what the code does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from consortium.ledger import canonical, entries, grammar, kinds, leaves

PAGE = (Path(__file__).parents[3] / "docs/formats/ledger.md").read_text(encoding="utf-8")
ROWS = {
    found[1]: found[2]
    for found in re.finditer(r"^\| `([a-z_]+)` \| (`[a-z_]+`[ ,].*) \|$", PAGE, re.MULTILINE)
    if found[1] not in grammar.PATTERNS
}


@pytest.mark.parametrize("kind", sorted({**kinds.ENTRIES, **kinds.LEAVES}))
def test_the_page_lists_every_field_with_its_type(kind: str) -> None:
    fields = {**kinds.ENTRIES, **kinds.LEAVES}[kind]
    said = re.findall(r"`([a-z_]+)`( [a-z]+)?(\??)", re.sub(r"\([^)]*\)", "", ROWS[kind]))
    expected = {
        name: ("" if type_.rstrip("?") in grammar.WORDS else type_.rstrip("?"), type_[-1:] == "?")
        for name, type_ in fields.items()
        if kind in kinds.LEAVES or name != "at"
    }
    assert {name: (type_.strip(), null == "?") for name, type_, null in said} == expected


def test_the_page_knows_no_other_kind() -> None:
    assert ROWS.keys() == {**kinds.ENTRIES, **kinds.LEAVES}.keys()


def test_the_examples_are_what_they_say() -> None:
    entry, leaf = re.findall(r"^```json\n(.*)\n```$", PAGE, re.MULTILINE)
    entries.check(canonical.decode(entry.encode()))
    leaves.check(canonical.decode(leaf.encode()), batch="send_batch")
