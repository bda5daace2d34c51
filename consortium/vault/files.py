"""Small private files that must be whole or absent: key files and wraps.

Written beside their place under another name, forced to the disk, then linked or renamed there, and
the folder forced to the disk as well: after a power cut the file is there with all its bytes or
not at all. Mode 0600, folders 0700.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = [
    "create_private",
    "create_public",
    "make_private_folder",
    "prepared",
    "replace_private",
    "shred",
    "sync_directory",
]

_PRIVATE, _PUBLIC = 0o600, 0o644


def create_private(path: Path, data: bytes) -> None:
    """Write a new file; raises FileExistsError if there is one, OSError if it cannot be done."""
    with prepared(path, data) as finish:
        finish()


def create_public(path: Path, data: bytes) -> None:
    """The same for what others may read, as far as the umask lets them."""
    with prepared(path, data, mode=_PUBLIC) as finish:
        finish()


def replace_private(path: Path, data: bytes) -> None:
    """Write a file, in place of one of that name if there is one; raises OSError."""
    with prepared(path, data, place=os.replace) as finish:
        finish()


@contextmanager
def prepared(
    path: Path,
    data: bytes,
    *,
    mode: int = _PRIVATE,
    place: Callable[[Path, Path], None] = os.link,
) -> Iterator[Callable[[], None]]:
    """A file written beside its place, for the block to put there when all else is done.

    Args:
        path: Its place.
        data: Its bytes.
        mode: Whoever writes it can read it, whatever the umask; others as mode and umask say.
        place: What moves it there; linking never replaces another file.

    Yields:
        What puts it in its place; not called, nothing is left. Raises as `create_private`.
    """
    make_private_folder(path.parent)
    beside = path.parent / f".{path.name[:200]}.{secrets.token_hex(8)}.new"
    descriptor = os.open(beside, os.O_CREAT | os.O_EXCL | os.O_WRONLY, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(descriptor, os.fstat(descriptor).st_mode & 0o777 | _PRIVATE)
            file.write(data)
            file.flush()
            os.fsync(descriptor)

        def finish() -> None:
            place(beside, path)
            sync_directory(path.parent)

        yield finish
    finally:
        beside.unlink(missing_ok=True)


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


def make_private_folder(folder: Path) -> list[Path]:
    """Make a folder and those above it that are missing, each with mode 0700; raises OSError.

    Returns:
        The folders that were made, outermost first.
    """
    if folder.is_dir():
        return []
    if folder.exists():
        raise NotADirectoryError(folder)
    made = make_private_folder(folder.parent)
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:  # another process was faster
        return made
    folder.chmod(0o700)  # a umask may have taken away even our own bits
    return [*made, folder]
