"""Homes: the folders that hold a consortium's or a partner's settings and keys.

| in a host's home | what |
|---|---|
| `consortium.toml` | settings (`config.HostSettings`) |
| `consortium.db` | the database, unless the settings name another |
| `keys/NAME.key` | the host's keys under passphrases |
| `wraps/` | wrapped data keys, apart from the database and with backups of their own |
| `consortium.card` | the public card |

| in a partner's home | what |
|---|---|
| `partner.toml` | settings (`config.PartnerSettings`) |
| `keys/NAME.key` | its two keys |
| `SLUG.card` | its public card |
| `consortium.card` | the card of the consortium it joined |

A home is found by name, or is the current folder or the nearest one above it. Making one never
overwrites: the settings file is written last, so that a home without it was never finished.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from consortium.config import HOST_FILE, PARTNER_FILE
from consortium.errors import BadFile, HomeError, UsageError
from consortium.vault import files

__all__ = ["claim", "find", "prepared", "read_file", "settings_text", "write_file"]

_OF = {HOST_FILE: "a consortium", PARTNER_FILE: "a partner"}
_PARTS = ("keys", "wraps", "consortium.db")
_MAKE = {
    HOST_FILE: "consortium init DIR --name NAME",
    PARTNER_FILE: "consortium partner keygen DIR",
}


def find(home: Path | None, file: str) -> Path:
    """The home that holds `file`.

    Args:
        home: Where to look; None for the current folder and those above it.
        file: `consortium.toml` or `partner.toml`.

    Raises:
        HomeError: There is none.
    """
    other = PARTNER_FILE if file == HOST_FILE else HOST_FILE
    if home is not None:
        if _is_file(home / file):
            return home
        if _is_file(home / other):
            raise HomeError(
                f"{home} is the home of {_OF[other]}, and this is done by {_OF[file]}",
                hint=f"Name a folder with {file}: --home DIR",
            )
        raise HomeError(f"{home} is not the home of {_OF[file]}", hint=f"Make one: {_MAKE[file]}")
    here = Path.cwd()
    for folder in (here, *here.parents):
        if _is_file(folder / file):
            return folder
    if any(_is_file(folder / other) for folder in (here, *here.parents)):
        raise HomeError(
            f"this is the home of {_OF[other]}, and this is done by {_OF[file]}",
            hint=f"Go to the folder with {file}, or name it: --home DIR",
        )
    raise HomeError(
        f"no home of {_OF[file]} here or above", hint=f"Use --home DIR, or make one: {_MAKE[file]}"
    )


def _is_file(path: Path) -> bool:
    """Whether there is such a file, as far as this user can see."""
    try:
        return path.is_file()
    except OSError:
        return False


@contextmanager
def claim(directory: Path, *, card: str) -> Iterator[list[Path]]:
    """Make a folder for a new home, mode 0700; refuse one that holds a home or part of one.

    Args:
        directory: The folder; other files may be in it.
        card: Name of the public card that the home will have.

    Yields:
        What was made so far, for the block to add to: taken back, newest first, if it raises.

    Raises:
        UsageError: Something of a home is there already, or it is not a folder.
    """
    try:
        made = files.make_private_folder(directory)
        names = {entry.name for entry in os.scandir(directory)}
    except OSError as error:
        raise UsageError(
            f"{directory} cannot be made or read as a folder", hint="Choose another folder."
        ) from error
    if taken := sorted(names & {*_OF, *_PARTS, card}):
        unfinished = not names & {*_OF} and names & {*_PARTS}
        raise UsageError(
            f"{directory} already holds {taken[0]}",
            hint="A home was begun here and not finished: remove what is left of it."
            if unfinished
            else "Nothing is overwritten: choose an empty folder.",
        )
    try:
        yield made
    except BaseException:
        for path in reversed(made):
            with contextlib.suppress(OSError):
                path.rmdir() if path.is_dir() else path.unlink()
        raise


def settings_text(pairs: dict[str, object]) -> str:
    """A flat TOML document; strings are quoted, lists of strings written on one line."""
    lines = []
    for key, value in pairs.items():
        match value:
            case bool() | int():
                lines.append(f"{key} = {str(value).lower()}")
            case str():
                lines.append(f"{key} = {_quoted(value)}")
            case list() | tuple():
                lines.append(f"{key} = [{', '.join(_quoted(str(v)) for v in value)}]")
            case _:
                raise TypeError(key)
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    """A TOML basic string."""
    out = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(c if c >= " " and c != "\x7f" else f"\\u{ord(c):04X}" for c in out) + '"'


def write_file(path: Path, text: str, *, public: bool = False) -> None:
    """Write a new file, whole or not at all; never over an existing one.

    Raises:
        UsageError: There is one, or it cannot be written.
    """
    with _said(path):
        (files.create_public if public else files.create_private)(path, text.encode())


@contextmanager
def prepared(path: Path, text: str) -> Iterator[Callable[[], None]]:
    """A new private file that gets its name when the block calls what it is given.

    Raises:
        UsageError: There is one of that name, or it cannot be written.
    """
    with _said(path), files.prepared(path, text.encode()) as finish:
        yield finish


@contextmanager
def _said(path: Path) -> Iterator[None]:
    try:
        yield
    except FileExistsError as error:
        raise UsageError(
            f"{path.parent} already holds {path.name}", hint="Nothing is overwritten; move it away."
        ) from error
    except OSError as error:
        raise UsageError(
            f"{path.name} cannot be written in {path.parent}", hint="Check its mode and its space."
        ) from error


def read_file(path: Path) -> str:
    """A text file of a home."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadFile(f"{path.name} in the home cannot be read", hint="Restore it.") from error
