"""The threat model and these tests say the same: each names the other."""

import re
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).parent
PAGE = HERE.parents[1] / "docs" / "threat-model.md"


def _tests(text: str) -> list[str]:
    return re.findall(r"(?m)^def (test_\w+)\(", text)


def _files() -> Iterator[Path]:
    yield from (path for path in sorted(HERE.glob("test_*.py")) if path != Path(__file__))


def test_every_test_that_the_page_names_is_there() -> None:
    named = set(re.findall(r"\btest_\w+", PAGE.read_text(encoding="utf-8")))
    there = {name for path in _files() for name in _tests(path.read_text(encoding="utf-8"))}
    assert len(named) > 80
    assert named - there == set()


def test_every_attacker_has_a_part_in_the_page() -> None:
    named = PAGE.read_text(encoding="utf-8")
    for path in _files():
        tests = _tests(path.read_text(encoding="utf-8"))
        assert any(name in named for name in tests), path.name


def test_what_an_attacker_can_do_all_the_same_is_in_the_page() -> None:
    """Whatever stands below such a line in a test file."""
    named = PAGE.read_text(encoding="utf-8")
    parts = 0
    for path in _files():
        _, line, rest = path.read_text(encoding="utf-8").partition("\n# --- what ")
        parts += bool(line)
        for name in _tests(rest):
            assert name in named, f"{path.name}: {name}"
    assert parts >= 6
