"""`consortium demo`: the whole job, told while it happens."""

from __future__ import annotations

from itertools import count
from pathlib import Path

import click

from consortium.errors import UsageError
from consortium_cli.screen import say

__all__ = ["command"]


@click.command("demo")
@click.argument("directory", required=False, type=click.Path(path_type=Path))
def command(directory: Path | None) -> None:
    """Do the whole job on made-up people, in DIRECTORY (by default consortium-demo).

    Needs nothing but this package: the mail server it sends to comes along and keeps every message
    as a file.
    """
    from consortium.app import demo  # noqa: PLC0415 - loads everything

    target = directory or next(p for p in _names() if not p.exists())
    if target.exists():
        raise UsageError(f"{target} exists already", hint="Name a folder that does not.")
    demo.run(target, tell=say)


def _names() -> map[Path]:
    return map(Path, (f"consortium-demo-{n}" if n > 1 else "consortium-demo" for n in count(1)))
