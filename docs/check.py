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


def links() -> Iterator[str]:
    """Links that lead nowhere."""
    for page in pages():
        for target in LINK.findall(page.read_text(encoding="utf-8")):
            outside = target.startswith(("http://", "https://", "mailto:"))
            if not outside and not (page.parent / target).exists():
                yield f"{page.relative_to(ROOT)}: link to {target} leads nowhere"


def sizes() -> Iterator[str]:
    """Pages that have outgrown their form."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    if readme.count("\n") > README_LINES:
        yield f"README.md has more than {README_LINES} lines"
    for record in sorted((ROOT / "docs/adr").glob("*.md")):
        if record.read_text(encoding="utf-8").count("\n") > RECORD_LINES:
            yield f"{record.name} has more than {RECORD_LINES} lines"


def records() -> Iterator[str]:
    """Decision records without a part, or with a number used twice."""
    numbers: set[str] = set()
    for record in sorted((ROOT / "docs/adr").glob("*.md")):
        content = record.read_text(encoding="utf-8")
        yield from (f"{record.name} has no part {p}" for p in RECORD_PARTS if p not in content)
        if record.name[:4] in numbers:
            yield f"{record.name}: the number is taken"
        numbers.add(record.name[:4])


def formats() -> Iterator[str]:
    """Format pages without grammar, example or version rule."""
    for page in sorted((ROOT / "docs/formats").glob("*.md")):
        content = page.read_text(encoding="utf-8").lower()
        yield from (
            f"formats/{page.name} has no section '{word}'"
            for word in ("## grammar", "## example", "## version")
            if word not in content
        )


def main() -> int:
    """Print the faults; 1 if there are any."""
    found = [*links(), *sizes(), *records(), *formats()]
    for fault in found:
        print(fault)
    reference = subprocess.run(  # noqa: S603 - our own script
        [sys.executable, str(ROOT / "docs/cli_reference.py"), "--check"], check=False
    )
    return 1 if found or reference.returncode else 0


if __name__ == "__main__":
    raise SystemExit(main())
