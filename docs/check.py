"""What `make check` asks of the documentation.

Links lead somewhere; the README and the decision records keep their size and form; every format
page has a grammar, an example and a version rule; the command-line page is what the commands say.
Blocks of code are run by tests/unit/test_docs.py.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)(?:#[^)\s]*)?\)")
README_LINES, RECORD_LINES = 100, 80
RECORD_PARTS = ("**Context.**", "**Decision", "**Consequences.**")


def pages() -> list[Path]:
    """Every page of Markdown that belongs to the project."""
    return sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("tests/**/*.md")])


def faults() -> Iterator[str]:
    """Everything wrong, one line each."""
    for page in pages():
        name = page.relative_to(ROOT)
        content = page.read_text(encoding="utf-8")
        for target in LINK.findall(content):
            if not target.startswith(("http://", "https://", "mailto:")):
                if not (page.parent / target).exists():
                    yield f"{name}: link to {target} leads nowhere"
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    if readme.count("\n") > README_LINES:
        yield f"README.md has more than {README_LINES} lines"
    numbers: set[str] = set()
    for record in sorted((ROOT / "docs/adr").glob("*.md")):
        content = record.read_text(encoding="utf-8")
        if content.count("\n") > RECORD_LINES:
            yield f"{record.name} has more than {RECORD_LINES} lines"
        for part in RECORD_PARTS:
            if part not in content:
                yield f"{record.name} has no part {part}"
        number = record.name[:4]
        if number in numbers:
            yield f"{record.name}: number {number} is taken"
        numbers.add(number)
    for page in sorted((ROOT / "docs/formats").glob("*.md")):
        content = page.read_text(encoding="utf-8").lower()
        for word in ("## grammar", "## example", "## version"):
            if word not in content:
                yield f"formats/{page.name} has no section '{word}'"


def main() -> int:
    """Print the faults; 1 if there are any."""
    found = list(faults())
    for fault in found:
        print(fault)
    reference = subprocess.run(  # noqa: S603 - our own script
        [sys.executable, str(ROOT / "docs/cli_reference.py"), "--check"], check=False
    )
    return 1 if found or reference.returncode else 0


if __name__ == "__main__":
    raise SystemExit(main())
