"""Write `docs/reference/cli.md` from the commands themselves; `--check` only compares.

python docs/cli_reference.py [--check]
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import click

from consortium_cli.main import cli

PAGE = Path(__file__).parent / "reference" / "cli.md"
HEAD = """# Command line

Made from the commands by `python docs/cli_reference.py`; do not edit.

Results go to stdout, everything else to stderr. Exit codes: 0 done · 1 error · 2 usage or
configuration · 3 evidence failed verification · 4 policy refused · 5 done, with rejected rows ·
130 stopped by Ctrl-C. Completion: `eval "$(_CONSORTIUM_COMPLETE=bash_source consortium)"`.
"""


def commands(
    group: click.Group, path: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Every leaf command with its words, in the order of the help page."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))
        else:
            yield (*path, name), command


def text() -> str:
    """The whole page."""
    parts = [HEAD]
    for words, command in commands(cli, ("consortium",)):
        context = click.Context(command, info_name=" ".join(words), max_content_width=80)
        parts.append(f"## {' '.join(words)}\n\n```text\n{command.get_help(context)}\n```\n")
    return "\n".join(parts)


def main() -> int:
    """Write or compare."""
    page = text()
    if "--check" in sys.argv[1:]:
        if not PAGE.exists() or PAGE.read_text(encoding="utf-8") != page:
            print(f"{PAGE.name} is not what the commands say: run python docs/cli_reference.py")
            return 1
        return 0
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(page, encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
