"""From the command's options to an open façade: which home, whose passphrase.

A secret comes from the environment, from a file named there, or from a prompt; never from an
option's value, which `ps` and the shell's history would show.

| credential | environment | what it opens |
|---|---|---|
| operator | `CONSORTIUM_PASSPHRASE`, `CONSORTIUM_PASSPHRASE_FILE` | token, match, vault, intake and ledger keys |
| coordinator | `CONSORTIUM_COORDINATOR_PASSPHRASE`, `…_FILE` | the coordinator's signing key, nothing else |
| partner | `CONSORTIUM_PASSPHRASE`, `CONSORTIUM_PASSPHRASE_FILE` | the partner's own keys, on its own machine |
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

import consortium
from consortium.errors import BadFile, UsageError
from consortium_cli.progress import Bar

__all__ = ["desk", "host", "new_passphrase", "passphrase", "read_text", "write_new"]

_LARGEST_DOCUMENT = 64 * 1024 * 1024


def host(ctx: click.Context) -> consortium.Consortium:
    """The consortium whose home this is."""
    opened = consortium.open(ctx.obj, passphrase=passphrase, observer=Bar())
    ctx.call_on_close(opened.close)
    return opened


def desk(ctx: click.Context) -> consortium.PartnerDesk:
    """The partner whose home this is."""
    return consortium.open_partner(ctx.obj, passphrase=passphrase, observer=Bar())


def passphrase(role: str) -> str:
    """The passphrase of `operator`, `coordinator` or `partner`."""
    found = _from_environment(role)
    if found is not None:
        return found
    if not sys.stdin.isatty():
        raise UsageError(
            f"no passphrase for the {role}'s keys",
            hint=f"Set {_variable(role)} or {_variable(role)}_FILE.",
        )
    return str(click.prompt(f"Passphrase of the {role}", hide_input=True, err=True))


def new_passphrase(role: str) -> str:
    """A passphrase to protect new keys with; asked for twice at a prompt."""
    found = _from_environment(role)
    if found is None and sys.stdin.isatty():
        found = str(
            click.prompt(
                f"New passphrase of the {role}", hide_input=True, confirmation_prompt=True, err=True
            )
        )
    if not found:
        raise UsageError(
            f"new keys of the {role} need a passphrase",
            hint=f"Set {_variable(role)} or {_variable(role)}_FILE, or run this on a terminal.",
        )
    return found


def _variable(role: str) -> str:
    return "CONSORTIUM_COORDINATOR_PASSPHRASE" if role == "coordinator" else "CONSORTIUM_PASSPHRASE"


def _from_environment(role: str) -> str | None:
    name = _variable(role)
    if name in os.environ:
        return os.environ[name]
    if f"{name}_FILE" in os.environ:
        return read_text(Path(os.environ[f"{name}_FILE"])).rstrip("\r\n")
    return None


def read_text(path: Path) -> str:
    """The text of a document, request, answer or card."""
    try:
        if path.stat().st_size > _LARGEST_DOCUMENT:
            raise BadFile(f"{path.name} is larger than any document of ours", hint="Is it the right file?")
        return path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError as error:
        raise BadFile(f"there is no file {path.name}", hint="Check the name and the folder.") from error
    except IsADirectoryError as error:
        raise BadFile(f"{path.name} is a folder", hint="Name a file.") from error
    except UnicodeDecodeError as error:
        raise BadFile(f"{path.name} is not a text file in UTF-8", hint="Is it the right file?") from error
    except OSError as error:
        raise BadFile(f"{path.name} cannot be read", hint="Check who may read it.") from error


def write_new(path: Path, text: str, *, mode: int = 0o644) -> None:
    """Write a new file whole or not at all; an existing one is never overwritten."""
    part = path.with_name(f".{path.name}.part")
    try:
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        os.link(part, path)
    except FileExistsError as error:
        raise BadFile(f"{path.name} exists already", hint="Move it away or name another.") from error
    except OSError as error:
        raise BadFile(f"{path.name} cannot be written", hint="Check the folder.") from error
    finally:
        part.unlink(missing_ok=True)
