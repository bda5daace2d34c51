"""Where a list's bytes come from: a regular file that must stay as it was when it was judged.

A list is read more than once, so a pipe or device is refused: a copy in clear text on disk is what
nobody expects. A file that changes, is replaced or vanishes between or during readings is refused
as well, since what was checked would not be what is packed.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Protocol

from consortium.errors import BadFile

__all__ = ["EXPORT_AGAIN", "Content", "ListFile", "printable", "size_words", "unreadable"]

EXPORT_AGAIN = "Export the list again as CSV (UTF-8), with a header line and one person per row"
_SHOWN_CHARACTERS = 80
_Stamp = tuple[int, int, int, int]


class Content(Protocol):
    """Bytes that can be read again from their start."""

    @property
    def name(self) -> str:
        """What messages call it."""

    def open(self) -> AbstractContextManager[BinaryIO]:
        """A fresh stream at the start; reading raises `BadFile` and nothing else."""

    def check(self) -> None:
        """Raise `BadFile` unless the file is still as it was."""


@dataclass(frozen=True, slots=True)
class ListFile:
    """A regular file on disk; a `Content`.

    Attributes:
        path: Where it is.
        size_bytes: Its size.
    """

    path: Path
    size_bytes: int
    _stamp: _Stamp = field(repr=False)

    @classmethod
    def at(cls, path: Path) -> ListFile:
        """The file at `path`, which is not opened yet.

        Raises:
            BadFile: No such file, or not a regular one.
        """
        try:
            info = path.stat()
        except (OSError, ValueError) as error:
            raise unreadable(path, error) from error
        if stat.S_ISDIR(info.st_mode):
            raise BadFile(
                f"{printable(path.name)} is a directory",
                hint="Give the name of the list file inside it",
            )
        if not stat.S_ISREG(info.st_mode):
            raise BadFile(
                f"{printable(path.name)} is a pipe or device, and a list is read more than once",
                hint="Save it as a file first and give that file",
            )
        return cls(path=path, size_bytes=info.st_size, _stamp=_stamp(info))

    @property
    def name(self) -> str:
        """The file as it is called in messages."""
        return printable(self.path.name)

    @contextmanager
    def open(self) -> Iterator[BinaryIO]:
        """The file from its start.

        Raises:
            BadFile: It changed, vanished or cannot be read.
        """
        try:
            # a pipe that took the file's place must not make us wait
            descriptor = os.open(self.path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            with os.fdopen(descriptor, "rb") as stream:
                if _stamp(os.fstat(descriptor)) != self._stamp:
                    raise self._changed()
                yield stream
            self.check()
        except (OSError, ValueError) as error:
            raise unreadable(self.path, error) from error

    def check(self) -> None:
        """See `Content.check`."""
        try:
            info = self.path.stat()
        except OSError as error:
            raise unreadable(self.path, error) from error
        if _stamp(info) != self._stamp:
            raise self._changed()

    def _changed(self) -> BadFile:
        return BadFile(
            f"{self.name} changed while it was being read",
            hint="Wait until whatever writes it has finished, then try again",
        )


def printable(name: str) -> str:
    """A file's or member's name as it may stand in a message: one line, no controls."""
    shown = "".join(c if c.isprintable() else "?" for c in name[-_SHOWN_CHARACTERS:])
    return shown or "the list"


def size_words(count: int) -> str:
    """A limit in bytes as people say it; `count` is whole MiB."""
    mebibytes = count // 2**20
    return f"{mebibytes:,} MiB" if mebibytes < 2**10 else f"{mebibytes // 2**10:,} GiB"


def _stamp(info: os.stat_result) -> _Stamp:
    return info.st_dev, info.st_ino, info.st_size, info.st_mtime_ns


def unreadable(path: Path, error: Exception) -> BadFile:
    """What to say of a file that could not be opened or read."""
    name = printable(path.name or str(path))
    match error:
        case FileNotFoundError():
            return BadFile(f"there is no file {name}", hint="Check the name and the folder")
        case PermissionError():
            return BadFile(f"{name} may not be read by this user", hint="Change its permissions")
        case OSError():
            return BadFile(
                f"{name} cannot be read: {os.strerror(error.errno or 0)}",
                hint="Copy it to this computer and try again",
            )
        case _:
            return BadFile(f"{name} is not a file name", hint="Check the name")
