"""Taking packs in: the file opened, the keys of this host handed over."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import BinaryIO

from consortium import intake
from consortium.app.context import Context
from consortium.app.keyring import tokeniser
from consortium.errors import BadFile
from consortium.store.uploads import UploadRecord

__all__ = ["take_in"]


def take_in(
    context: Context, pack: Path, *, replaces: str | None = None, only_opt_outs: bool = False
) -> UploadRecord:
    """Take a pack in with this host's keys; arguments and errors are those of `intake.add`."""
    with _opened(pack) as stream:
        return intake.add(
            context.database,
            stream,
            identity=context.keys.open("intake"),
            consortium=context.card,
            tokeniser=tokeniser(context),
            match_key=context.keys.open("match"),
            wraps=context.wraps,
            clock=context.clock,
            observer=context.observer,
            name=pack.name,
            replaces=replaces,
            only_opt_outs=only_opt_outs,
        )


def _opened(path: Path) -> BinaryIO:
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
