"""A file written beside its place under another name, until it is whole.

Whoever writes one holds a lock on it, which ends with its process, however that ends. So what a
killed process left of a file is known by its name and by having no lock, and the next one of that
name removes it. Where a file system has no locks, nothing is removed.
"""

from __future__ import annotations

import fcntl
import os
import re
import secrets
import stat
from pathlib import Path

__all__ = ["create_beside"]

_NAME_CHARACTERS = 200
_RANDOM_BYTES = 8


def create_beside(path: Path) -> tuple[Path, int]:
    """Make the file that is to become `path`; removes what dead processes left of such files.

    Args:
        path: Its place.

    Returns:
        The file, mode 0600 and empty, and its descriptor. It must be moved or removed before the
        descriptor is closed.

    Raises:
        OSError: It cannot be made.
    """
    start = f".{path.name[:_NAME_CHARACTERS]}."
    _remove_dead(path.parent, start)
    while True:
        beside = path.with_name(f"{start}{secrets.token_hex(_RANDOM_BYTES)}.new")
        descriptor = os.open(beside, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        os.fchmod(descriptor, 0o600)  # a umask may have taken away even our own bits
        if _lock(descriptor):
            return beside, descriptor
        os.close(descriptor)  # taken for a dead one in the moment before it was locked


def _remove_dead(folder: Path, start: str) -> None:
    left = re.compile(rf"{re.escape(start)}[0-9a-f]{{{2 * _RANDOM_BYTES}}}\.new", re.DOTALL)
    try:
        found = [path for path in folder.iterdir() if left.fullmatch(path.name)]
    except OSError:
        return
    for path in found:
        _remove_if_dead(path)


def _remove_if_dead(path: Path) -> None:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return
    try:
        if stat.S_ISREG(os.fstat(descriptor).st_mode):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink(missing_ok=True)
    except OSError:
        return  # somebody is writing it, or there are no locks here
    finally:
        os.close(descriptor)


def _lock(descriptor: int) -> bool:
    """Whether a new file is still there, now that nobody can take it for a dead one."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True  # without locks nobody removes it
    return os.fstat(descriptor).st_nlink > 0
