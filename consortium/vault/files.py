"""Small private files that must be whole or absent: key files and wraps.

Written beside their place under another name, forced to the disk, then linked or renamed there, and
the folder forced to the disk as well: after a power cut the file is there with all its bytes or
not at all. Mode 0600, folders 0700.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from pathlib import Path

__all__ = ["create_private", "replace_private", "shred", "sync_directory"]


def create_private(path: Path, data: bytes) -> None:
    """Write a new file; raises FileExistsError if there is one, OSError if it cannot be done."""
    _write(path, data, os.link)


def replace_private(path: Path, data: bytes) -> None:
    """Write a file, in place of one of that name if there is one; raises OSError."""
    _write(path, data, os.replace)


def shred(path: Path) -> bool:
    """Overwrite a file's bytes, then remove it; returns whether there was one.

    Overwriting is a courtesy of the file system: SSDs, snapshots and backups may keep the old
    bytes. Raises OSError.
    """
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_NOFOLLOW)
    except FileNotFoundError:
        return False
    try:
        os.write(descriptor, bytes(os.fstat(descriptor).st_size))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    path.unlink(missing_ok=True)
    return True


def sync_directory(path: Path) -> None:
    """Force a folder's names to the disk; raises OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _make_private(folder: Path) -> None:
    """Make a folder and those above it that are missing, each with mode 0700."""
    if not folder.is_dir():
        if folder.exists():
            raise NotADirectoryError(folder)
        _make_private(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)


def _write(path: Path, data: bytes, place: Callable[[Path, Path], None]) -> None:
    _make_private(path.parent)
    beside = path.parent / f".{path.name}.{secrets.token_hex(8)}.new"
    descriptor = os.open(beside, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(descriptor)
        place(beside, path)
    finally:
        beside.unlink(missing_ok=True)
    sync_directory(path.parent)
