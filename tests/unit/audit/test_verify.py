"""The library reads an auditor's file of fingerprints as an export's own script does."""

from __future__ import annotations

from pathlib import Path

import pytest

from consortium import audit
from consortium.errors import BadFile, EvidenceError, UsageError
from consortium.testing.sample_ledger import sample_ledger


@pytest.fixture
def exported(tmp_path: Path) -> Path:
    sample_ledger().export(tmp_path / "ledger")
    return tmp_path / "ledger"


def lines(exported: Path) -> dict[str, str]:
    return {
        name: f"{name} {value}\n" for name, value in audit.verify(exported).fingerprints.items()
    }


def test_fingerprints_are_compared_however_they_were_written_down(exported: Path) -> None:
    told = exported.parent / "told.txt"
    text = "".join(lines(exported).values())
    name, _, rest = text.rpartition("teachers ")
    for spelling in (text, f"\ufeff# by phone\r\n\r\n{text}", f"{name}teachers   {rest.upper()}"):
        told.write_text(spelling, encoding="utf-8")
        assert audit.verify(exported, fingerprints=told).entries


def test_another_fingerprint_is_another_key(exported: Path) -> None:
    told = exported.parent / "told.txt"
    told.write_text("".join({**lines(exported), "nurses": f"nurses {'0000 ' * 8}\n"}.values()))
    with pytest.raises(EvidenceError, match="nurses has other keys"):
        audit.verify(exported, fingerprints=told)


@pytest.mark.parametrize("extra", ["nurses 1a2b\n", "nurses\n", "nurses zzzz\n"])
def test_a_line_that_is_no_fingerprint_is_named(exported: Path, extra: str) -> None:
    told = exported.parent / "told.txt"
    told.write_text(f"# by phone\n{extra}")
    with pytest.raises(UsageError, match=r"told\.txt, line 2"):
        audit.verify(exported, fingerprints=told)


def test_a_party_told_twice_is_not_taken_at_its_last_word(exported: Path) -> None:
    told = exported.parent / "told.txt"
    told.write_text("".join(lines(exported).values()) + lines(exported)["nurses"])
    with pytest.raises(UsageError, match="line 4"):
        audit.verify(exported, fingerprints=told)


def test_a_file_without_fingerprints_checks_nothing_and_says_so(exported: Path) -> None:
    told = exported.parent / "told.txt"
    told.write_text("# nobody answered\n")
    with pytest.raises(UsageError, match="holds no fingerprint"):
        audit.verify(exported, fingerprints=told)
    with pytest.raises(BadFile):
        audit.verify(exported, fingerprints=told.parent)
