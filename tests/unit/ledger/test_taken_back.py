"""An export in which a word is carried over or taken back that nobody could is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from consortium.errors import EvidenceError
from consortium.ledger import canonical, export
from consortium.testing.sample_ledger import SampleLedger, sample_ledger

KINDS = ("never_merge_added", "never_merge_taken_back")
Entries = list[dict[str, Any]]


def changed(tmp_path: Path, change: Callable[[Entries, int, int], None]) -> Path:
    """An export of the sample ledger as its operator could forge it: changed, and signed anew."""
    ledger = sample_ledger()
    found: Entries = [canonical.decode(data) for data in ledger.entries]  # type: ignore[misc] # entries are objects
    word, back = (next(i for i, e in enumerate(found) if e["kind"] == kind) for kind in KINDS)
    change(found, word, back)
    forged = SampleLedger(leaves=ledger.leaves, documents=ledger.documents)
    forged.entries = [canonical.encode(entry) for entry in found]
    forged.sign()
    forged.export(tmp_path / "export")
    return tmp_path / "export"


def test_an_unchanged_one_is_verified(tmp_path: Path) -> None:
    assert export.verify(changed(tmp_path, lambda *_: None)).entries


def of_another_kind(entries: Entries, word: int, back: int) -> None:
    entries[back]["entry"] = word - 1


def of_itself(entries: Entries, word: int, back: int) -> None:
    entries[back]["entry"] = back


def of_one_to_come(entries: Entries, word: int, back: int) -> None:
    entries[back]["entry"] = back + 1_000


def by_the_operator(entries: Entries, word: int, back: int) -> None:
    entries[back] |= {"by": "operator", "partner": None, "digest": None, "signature": None}


def by_another_partner(entries: Entries, word: int, back: int) -> None:
    entries[back]["partner"] = "teachers"


def twice(entries: Entries, word: int, back: int) -> None:
    entries[back + 1] = {**entries[back]}


def of_what_is_carried_over(entries: Entries, word: int, back: int) -> None:
    entries[word]["follows"] = word


@pytest.mark.parametrize(
    "change",
    [
        of_another_kind,
        of_itself,
        of_one_to_come,
        by_the_operator,
        by_another_partner,
        twice,
        of_what_is_carried_over,
    ],
)
def test_a_word_taken_back_by_whom_or_as_nobody_could_is_refused(
    tmp_path: Path, change: Callable[[Entries, int, int], None]
) -> None:
    with pytest.raises(EvidenceError, match="about"):
        export.verify(changed(tmp_path, change))
