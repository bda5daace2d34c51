"""`consortium NOUN VERB`: the root of the command line, and the one place that catches errors.

Nouns are loaded when they are used, so that `--help` and completion stay quick. What a command
finds goes to stdout; progress, questions and errors go to stderr. Exit codes: 0 done, 1 error,
2 usage or configuration, 3 evidence failed verification, 4 policy refused, 5 done with rejected
rows, 130 stopped by Ctrl-C. An error is at most two lines and holds no personal data; a fault of
the program itself names its place in the code, never its values.
"""

from __future__ import annotations

import importlib
import os
import sys
import traceback
from pathlib import Path

import click

from consortium.errors import ConsortiumError

__all__ = ["cli", "main"]

_NOUNS = {
    "init": "Make a consortium's home on the host.",
    "partner": "Partners: their keys and their admission.",
    "policy": "Send policies: check, sign, set, show.",
    "upload": "Lists: check and pack them, take packs in, withdraw them.",
    "merge": "Make persons out of source rows.",
    "optout": "Record and check what recipients asked for.",
    "feedback": "Read the mail that comes back.",
    "campaign": "Plan, approve and send campaigns.",
    "ledger": "Checkpoints, exports and verification.",
    "report": "What went out, and why; where a message came from.",
    "demo": "The whole job on made-up people, in under a minute.",
}


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

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - the same
        with formatter.section("Commands"):
            formatter.write_dl(list(_NOUNS.items()))


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--home",
    type=click.Path(path_type=Path, file_okay=False),
    envvar="CONSORTIUM_HOME",
    show_envvar=True,
    help="Folder with consortium.toml (host) or partner.toml (partner).  "
    "[default: the current folder or the nearest one above it]",
)
@click.version_option(package_name="contact-consortium", message="consortium %(version)s")
@click.pass_context
def cli(ctx: click.Context, home: Path | None) -> None:
    """Organisations act together on lists that none of them hands over."""
    ctx.obj = home


def main() -> None:
    """Run the command line and leave with its exit code."""
    try:
        code = cli.main(standalone_mode=False)
    except click.exceptions.Exit as exit_:
        code = exit_.exit_code
    except click.Abort:
        click.echo("\nStopped.", err=True)
        code = 130
    except click.ClickException as error:
        error.show()
        code = 2
    except ConsortiumError as error:
        code = _say(error)
    except KeyboardInterrupt:
        click.echo("\nStopped.", err=True)
        code = 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 1
    except Exception as error:  # noqa: BLE001 - the last line of defence against tracebacks
        code = _say_fault(error)
    sys.exit(code if isinstance(code, int) else 0)


def _say(error: ConsortiumError) -> int:
    click.echo(f"error: {error.message}", err=True)
    if error.hint:
        click.echo(f"  {error.hint}", err=True)
    return error.exit_code


def _say_fault(error: Exception) -> int:
    """A fault of ours: its kind and place, not its words, which may quote what was worked on."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    place = f"{Path(frame.filename).name}:{frame.lineno}"
    click.echo(f"error: a fault of the program: {type(error).__name__} at {place}", err=True)
    click.echo("  Nothing half-done is kept. Please report this line.", err=True)
    return 1
