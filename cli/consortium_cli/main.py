"""`consortium NOUN VERB`: the root of the command line, and the one place that catches errors.

Nouns are loaded when they are used, so that `--help` and completion stay quick. What a command
finds goes to stdout; progress, questions and errors go to stderr. Exit codes: 0 done, 1 error,
2 usage or configuration, 3 evidence failed verification, 4 policy refused, 5 done with rejected
rows, 130 stopped by Ctrl-C. An error is at most two lines and holds no personal data; a fault of
the program itself names its place in the code, never its values.
"""

from __future__ import annotations

import difflib
import importlib
import io
import os
import re
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import click

from consortium.errors import ConsortiumError, EvidenceError

__all__ = ["cli", "main"]

_NOUNS = {
    "init": "Make a consortium's home on the host.",
    "partner": "Partners: their keys and their admission.",
    "policy": "Send policies: check, sign, set, show.",
    "upload": "Lists: check and pack them, take packs in, withdraw them.",
    "merge": "Make persons out of source rows.",
    "voters": "Voter files: load, match, places, who has voted.",
    "optout": "Record and check what recipients asked for.",
    "feedback": "Read the mail that comes back.",
    "campaign": "Plan, approve and send campaigns.",
    "ledger": "Checkpoints, exports and verification.",
    "report": "What went out, and why; where a message came from.",
    "upgrade": "Bring the database of an older version forward.",
    "demo": "The whole job on made-up people, in under a minute.",
}
_STOPPED = 130
_USAGE = 2
_FORGED = "Use nothing of it. Ask its maker for it again, and compare fingerprints by telephone."
_EXTRA = re.compile(r"(?i)got unexpected extra arguments?.*", re.DOTALL)
_ADDRESS = re.compile(r"[^\s'\"]+@[^\s'\"]+")


class _LazyGroup(click.Group):
    """A group whose commands live in `consortium_cli.<noun>` and are imported on use."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(_NOUNS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - the same
        if cmd_name not in _NOUNS:
            return None
        command = importlib.import_module(f"consortium_cli.{cmd_name}").command
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] not in _NOUNS and not args[0].startswith("-") and not ctx.resilient_parsing:
            near = difflib.get_close_matches(args[0], _NOUNS, n=1)
            ctx.fail(
                f"No such command '{args[0]}'." + (f" Did you mean '{near[0]}'?" if near else "")
            )
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - the same
        with formatter.section("Commands"):
            formatter.write_dl(list(_NOUNS.items()))


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--home",
    type=click.Path(path_type=Path),
    envvar="CONSORTIUM_HOME",
    show_envvar=True,
    help="Folder with consortium.toml (host) or partner.toml (partner).  "
    "[default: the current folder or the nearest one above it]",
)
@click.version_option(package_name="contact-consortium", message="consortium %(version)s")
@click.pass_context
def cli(ctx: click.Context, *, home: Path | None) -> None:
    """Organisations act together on lists that none of them hands over.

    Passphrases come from CONSORTIUM_PASSPHRASE, from the file that CONSORTIUM_PASSPHRASE_FILE
    names, or from a prompt; never from an option.
    """
    ctx.obj = home


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and leave with its exit code.

    Args:
        arguments: The words after `consortium`; None: those of the process.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a terminal without UTF-8 shows "?" and goes on
            stream.reconfigure(errors="replace")
    sys.exit(_run(arguments))


def _run(arguments: Sequence[str] | None) -> int:
    code: object
    try:
        code = cli.main(
            arguments,
            prog_name="consortium",
            standalone_mode=False,
            color=False if os.environ.get("NO_COLOR") else None,
        )
    except (click.Abort, KeyboardInterrupt):
        click.echo("\nStopped.", err=True)
        code = _STOPPED
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        code = _USAGE
    except click.ClickException as error:
        code = _say_usage(error)
    except ConsortiumError as error:
        code = _say(error)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 1
    except Exception as error:  # noqa: BLE001 - the last line of defence against tracebacks
        code = _say_fault(error)
    return code if isinstance(code, int) else 0


def _say(error: ConsortiumError) -> int:
    _tell(f"error: {error.message}")
    hint = error.hint or (_FORGED if isinstance(error, EvidenceError) else "")
    if hint:
        _tell(f"  {hint}")
    return error.exit_code


def _tell(line: str) -> None:
    """A line of an error: as wide as the screen on a terminal, in one piece in a log."""
    from consortium_cli.wording import shown, wrapped  # noqa: PLC0415 - only where something is wrong

    indent = "  " if line.startswith("  ") else ""
    lines = wrapped(line.strip(), first=indent, rest="  ") if sys.stderr.isatty() else [line]
    for each in lines:
        click.echo(shown(each), err=True)


def _say_usage(error: click.ClickException) -> int:
    """In two lines, and without what may be somebody's address typed in the wrong place."""
    text = _EXTRA.sub("too many arguments", " ".join(error.format_message().split()))
    _tell(f"error: {_ADDRESS.sub('‹…›', text)}")
    context = getattr(error, "ctx", None)
    if context is not None:
        click.echo(f"  See: {context.command_path} --help", err=True)
    return _USAGE


def _say_fault(error: Exception) -> int:
    """A fault of ours: its kind and place, not its words, which may quote what was worked on."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    place = f"{Path(frame.filename).name}:{frame.lineno}"
    click.echo(f"error: a fault of the program: {type(error).__name__} at {place}", err=True)
    click.echo("  Nothing half-done is kept. Please report this line.", err=True)
    return 1
