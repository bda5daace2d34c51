"""Opening the file of a pack."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import BinaryIO

from consortium.errors import BadFile

__all__ = ["open_pack"]


def open_pack(path: Path) -> BinaryIO:
    """A pack's bytes, to be closed by the caller.

    Raises:
        BadFile: There is no such file, it is no regular one, or it cannot be read.
    """
    try:
        kind = path.stat().st_mode
        if stat.S_ISDIR(kind):
            raise BadFile(f"{path.name} is a folder, not a pack")
        if not stat.S_ISREG(kind):  # opening a pipe would wait for somebody to write to it
            raise BadFile(
                f"{path.name} is a pipe or device, and a pack is read twice",
                hint="Save it as a file first and give that file.",
            )
        return path.open("rb")
    except FileNotFoundError as error:
        raise BadFile(f"there is no file {path.name}", hint="Check the name.") from error
    except (OSError, ValueError) as error:  # a name with a NUL is no name
        raise BadFile(f"{path.name} cannot be read", hint="Check who may read it.") from error
