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

import os
from pathlib import Path

from consortium.config import HOST_FILE, PARTNER_FILE
from consortium.errors import BadFile, HomeError, UsageError

__all__ = ["claim", "find", "read_file", "settings_text", "write_file"]

_OF = {HOST_FILE: "a consortium", PARTNER_FILE: "a partner"}
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
    if home is not None:
        if (home / file).is_file():
            return home
        other = PARTNER_FILE if file == HOST_FILE else HOST_FILE
        if (home / other).is_file():
            raise HomeError(
                f"{home} is the home of {_OF[other]}, and this is done by {_OF[file]}",
                hint=f"Name a folder with {file}: --home DIR",
            )
        raise HomeError(f"{home} is not the home of {_OF[file]}", hint=f"Make one: {_MAKE[file]}")
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / file).is_file():
            return folder
    raise HomeError(
        f"no home of {_OF[file]} here or above", hint=f"Use --home DIR, or make one: {_MAKE[file]}"
    )


def claim(directory: Path) -> list[Path]:
    """Make a folder for a new home, mode 0700; refuse one that holds a home or part of one.

    Returns:
        The folder, if it was made here and is to be taken back should the rest fail.

    Raises:
        UsageError: Something of a home is there already, or it is not a folder.
    """
    there = directory.exists()
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        names = {entry.name for entry in os.scandir(directory)}
    except OSError as error:
        raise UsageError(
            f"{directory} cannot be made or read as a folder", hint="Choose another folder."
        ) from error
    taken = sorted(names & {HOST_FILE, PARTNER_FILE, "keys", "wraps", "consortium.db"})
    if taken:
        raise UsageError(
            f"{directory} already holds {taken[0]}",
            hint="Nothing is overwritten: choose an empty folder.",
        )
    return [] if there else [directory]


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


def write_file(path: Path, text: str, *, mode: int = 0o600) -> None:
    """Write a new file whole; never over an existing one."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise UsageError(f"{path.name} cannot be written in {path.parent}") from error


def read_file(path: Path) -> str:
    """A text file of a home."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadFile(f"{path.name} in the home cannot be read", hint="Restore it.") from error
