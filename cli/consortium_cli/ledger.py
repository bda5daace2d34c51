"""`consortium ledger`: checkpoints and exports on the host, verification anywhere."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from consortium_cli.homes import host
from consortium_cli.screen import FILE, VerbGroup, say, say_all
from consortium_cli.wording import count, counted, joined, wrapped

if TYPE_CHECKING:
    from consortium.audit import Checked

__all__ = ["command"]

_SIDE = 14


@click.group("ledger", cls=VerbGroup)
def command() -> None:
    """Checkpoints, exports and verification."""


@command.command("checkpoint")
@click.option(
    "--note", is_flag=True, help="Print the signed note alone.  [default: say what it is]"
)
@click.pass_context
def checkpoint(ctx: click.Context, *, note: bool) -> None:
    """Sign the ledger as it is now, on the host; the same again if nothing was added since."""
    record = host(ctx).ledger.checkpoint()
    if note:
        click.echo(record.note, nl=False)
        return
    say(f"{count(record.size)} entries, signed {record.signed_at:%-d %b %Y %H:%M %Z}")
    say(f"  root {record.note.splitlines()[2]}")
    say("  Partners keep this: whoever holds it sees if history is rewritten.")


@command.command("export")
@click.argument("directory", type=FILE)
@click.pass_context
def export(ctx: click.Context, *, directory: Path) -> None:
    """Write everything an auditor needs into the new folder DIRECTORY, on the host."""
    result = host(ctx).ledger.export(directory)
    say(f"{count(result.entries)} entries in {directory}, under a checkpoint of all of them")
    say(f"  To check it: consortium ledger verify {directory}, or python3 verify.py in it")


@command.command("verify")
@click.argument("directory", type=FILE)
@click.option(
    "--fingerprints",
    type=FILE,
    help="What each party told you itself, one 'name fingerprint' to a line.  "
    "[default: show those of the export]",
)
def verify(directory: Path, *, fingerprints: Path | None) -> None:
    """Verify the export in DIRECTORY with public keys alone. Needs no home."""
    from consortium.app import verify_export  # noqa: PLC0415 - loads the whole library

    checked = verify_export(directory, fingerprints=fingerprints)
    say_all(_facts(checked, compared=fingerprints is not None))
    say_all(
        wrapped(
            "show that nothing was left out before it was recorded, or that no other history was "
            "signed for somebody else: compare the checkpoints that partners kept.",
            first=f"  {'CANNOT':<{_SIDE - 2}}",
            rest=" " * _SIDE,
        )
    )
    say("  CONSISTENT." if fingerprints else "  CONSISTENT, if the keys are theirs.")


def _facts(checked: Checked, *, compared: bool) -> list[str]:
    keys = len(checked.fingerprints)
    return [
        f"  {'ledger':<{_SIDE - 2}}{checked.origin}",
        *joined(
            [
                f"{count(checked.entries)} in order, every hash computed anew",
                f"{count(checked.leaves)} facts in {count(checked.batches)} batches",
            ],
            first=f"  {'entries':<{_SIDE - 2}}",
        ),
        *joined(
            [
                f"{count(checked.checkpoints)} signed and consistent",
                counted(checked.proofs, "proof"),
                counted(checked.documents, "signed document"),
            ],
            first=f"  {'checkpoints':<{_SIDE - 2}}",
        ),
        *(
            [f"  {'keys':<{_SIDE - 2}}{keys} of {keys} match your file"]
            if compared
            else _to_compare(checked)
        ),
    ]


def _to_compare(checked: Checked) -> list[str]:
    lines = wrapped(
        "compared with nothing. Ask each party for its own by telephone, and use --fingerprints:",
        first=f"  {'keys':<{_SIDE - 2}}",
        rest=" " * _SIDE,
    )
    for name, fingerprint in checked.fingerprints.items():
        lines += [f"{'':<{_SIDE}}{name}", f"{'':<{_SIDE}}  {fingerprint}"]
    return lines
