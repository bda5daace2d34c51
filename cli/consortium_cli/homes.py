"""From the command's options to an open façade: which home, whose passphrase.

A secret comes from the environment, from a file named there, or from a prompt; never from an
option's value, which `ps` and the shell's history would show. Each variable may end in `_FILE` and
then names a file that holds the passphrase.

| credential | environment | what it opens |
|---|---|---|
| operator | `CONSORTIUM_PASSPHRASE` | token, match, vault, intake and ledger keys |
| coordinator | `CONSORTIUM_COORDINATOR_PASSPHRASE` | the coordinator's signing key, nothing else |
| partner | `CONSORTIUM_PARTNER_PASSPHRASE` | the partner's own two keys, on its own machine |

A coordinator or partner without a variable of its own uses `CONSORTIUM_PASSPHRASE`.
"""

from __future__ import annotations

import os
import re
import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

import consortium
from consortium.errors import BadFile, DocumentError, EvidenceError, HomeError, UsageError
from consortium_cli.progress import Bar

if TYPE_CHECKING:
    from consortium.model import Observer

__all__ = [
    "desk",
    "desk_if_any",
    "desk_of",
    "host",
    "new_passphrase",
    "passphrase",
    "read_text",
    "reading",
    "settings_from_options",
    "write_new",
]

_SETTING = re.compile(r'"([a-z_]+)"')
_LINE = "One line of at most 200 characters."
_OPTIONS = {  # setting: its option, and the form it needs
    "database": ("--database", _LINE),
    "dot_insensitive_domains": ("--dot-insensitive", "A domain in small letters: example.org"),
    "firewall_group": ("--firewall-group", "2 to 32 small letters, digits and hyphens."),
    "from_address": ("--from", "A plain address: gotv@nurses.example.org"),
    "name": ("--name", _LINE),
    "origin": ("--origin", "One word like a host and a path: example.org/portland"),
    "postal_address": ("--address", _LINE),
    "region": ("--region", "Two capital letters: US, GB, DE …"),
    "slug": ("--slug", "2 to 32 small letters, digits and hyphens, a letter first: nurses"),
}
_LARGEST_DOCUMENT = 64 * 1024 * 1024
_VARIABLE = "CONSORTIUM_PASSPHRASE"
_OWN = {
    "coordinator": "CONSORTIUM_COORDINATOR_PASSPHRASE",
    "partner": "CONSORTIUM_PARTNER_PASSPHRASE",
}


def host(ctx: click.Context, *, observer: Observer | None = None) -> consortium.Consortium:
    """The consortium whose home this is; closed with the command."""
    opened = consortium.open(ctx.obj, passphrase=passphrase, observer=observer or Bar())
    ctx.call_on_close(opened.close)
    return opened


def desk(ctx: click.Context) -> consortium.PartnerDesk:
    """The partner whose home this is."""
    return desk_of(ctx.obj)


def desk_of(home: Path | None) -> consortium.PartnerDesk:
    """The partner whose home that is."""
    return consortium.open_partner(home, passphrase=passphrase, observer=Bar())


def desk_if_any(ctx: click.Context) -> consortium.PartnerDesk | None:
    """The partner whose home this is; None where there is none and none was named."""
    try:
        return desk(ctx)
    except HomeError:
        if ctx.obj is not None:
            raise
        return None


def passphrase(role: str) -> str:
    """The passphrase of `operator`, `coordinator` or `partner`."""
    found = _from_environment(role)
    if found is not None:
        return found
    if not sys.stdin.isatty():
        raise UsageError(
            f"no passphrase for the {role}'s keys",
            hint=f"Set {_named(role)} or {_named(role)}_FILE.",
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
            hint=f"Set {_named(role)} or {_named(role)}_FILE, or run this on a terminal.",
        )
    return found


def _named(role: str) -> str:
    return _OWN.get(role, _VARIABLE)


def _variables(role: str) -> Iterator[str]:
    if role in _OWN:
        yield _OWN[role]
    yield _VARIABLE


def _from_environment(role: str) -> str | None:
    for name in _variables(role):
        if name in os.environ:
            return os.environ[name]
        if f"{name}_FILE" in os.environ:
            return read_text(Path(os.environ[f"{name}_FILE"])).rstrip("\r\n")
    return None


@contextmanager
def reading(path: Path) -> Iterator[str]:
    """The text of a file, for the block; what the block finds wrong with it names the file."""
    text = read_text(path)
    try:
        yield text
    except (BadFile, EvidenceError) as error:
        if path.name in error.message:
            raise
        raise type(error)(f"{path.name}: {error.message}", hint=error.hint) from error


@contextmanager
def settings_from_options() -> Iterator[None]:
    """A fault of settings that were made of options is told as one of the option."""
    try:
        yield
    except DocumentError as error:
        found = _SETTING.search(error.message)
        if found is None or found[1] not in _OPTIONS:
            raise
        option, form = _OPTIONS[found[1]]
        raise UsageError(f"{option} is not what it should be", hint=form) from error


def read_text(path: Path) -> str:
    """The text of a document, request, answer or card, line ends as they are."""
    try:
        if path.stat().st_size > _LARGEST_DOCUMENT:
            raise BadFile(
                f"{path.name} is larger than any document of ours", hint="Is it the right file?"
            )
        text = path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError as error:
        raise BadFile(
            f"there is no file {path.name}", hint="Check the name and the folder."
        ) from error
    except IsADirectoryError as error:
        raise BadFile(f"{path.name} is a folder", hint="Name a file.") from error
    except UnicodeDecodeError as error:
        raise BadFile(
            f"{path.name} is not a text file in UTF-8", hint="Is it the right file?"
        ) from error
    except (OSError, ValueError) as error:
        raise BadFile(f"{path.name} cannot be read", hint="Check who may read it.") from error
    if not text.strip():
        raise BadFile(f"{path.name} is empty", hint="Is it the right file?")
    return text


def write_new(path: Path, text: str, *, mode: int = 0o644, option: str = "--out") -> None:
    """Write a new file whole or not at all; an existing one is never overwritten.

    Args:
        path: Its name.
        text: What goes into it.
        mode: Who may read it.
        option: By which another name can be given.
    """
    part = path.with_name(f".{secrets.token_hex(8)}.part")
    try:
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.link(part, path)
    except FileExistsError as error:
        raise BadFile(
            f"{path.name} exists already",
            hint=f"Move it away, or give another name with {option}.",
        ) from error
    except OSError as error:
        raise BadFile(f"{path.name} cannot be written", hint="Check the folder.") from error
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)
