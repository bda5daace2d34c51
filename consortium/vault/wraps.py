"""The key file of wrapped data keys: a folder of its own, outside the database.

It is kept apart so that it can have a short backup retention of its own: dropping a wrap makes the
rows it opened unreadable once the backups of this folder have expired, whatever happens to backups
of the database. One file per wrap, `SCOPE/UPLOAD.wrap`, mode 0600, written whole or not at all and
forced to the disk before `put` returns.

Scopes: `owner` (to the owner's key), `standing` (to the vault, until withdrawn) and
`campaign-NAME` (to the vault, dropped when the campaign ends).

What lies here is useless without a private key; that a file belongs to its place is checked by
HPKE's context when it is opened (`consortium.vault.wrap`).
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import re
from pathlib import Path
from typing import Final

from consortium.errors import EvidenceError, KeyFailure, UsageError
from consortium.types import CampaignName, UploadDigest
from consortium.vault import files
from consortium.vault.wrap import WRAP_BYTES

__all__ = ["OWNER", "STANDING", "WrapStore", "campaign_scope"]

OWNER: Final = "owner"
STANDING: Final = "standing"

_SCOPE = re.compile(r"owner|standing|campaign-[a-z][a-z0-9-]{1,31}")
_FILE = re.compile(r"([0-9a-f]{64})\.wrap")


def campaign_scope(name: CampaignName) -> str:
    """The scope of the wraps given for one campaign."""
    return f"campaign-{name}"


class WrapStore:
    """Wraps on disk, by scope and upload.

    Args:
        directory: Made with mode 0700 when the first wrap is put.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def put(self, scope: str, *, upload: UploadDigest, wrap: bytes) -> None:
        """Keep a wrap, in place of an earlier one of the same scope and upload.

        Raises:
            KeyFailure: It cannot be written; an earlier one is still there.
        """
        if len(wrap) != WRAP_BYTES:
            raise KeyFailure("a wrap to be kept is not of a wrap's length")
        try:
            files.replace_private(self._path(scope, upload), base64.b64encode(wrap) + b"\n")
        except OSError as error:
            raise KeyFailure(
                "a wrap cannot be written",
                hint=f"Check space, owner and mode of {self._directory}",
            ) from error

    def get(self, scope: str, *, upload: UploadDigest) -> bytes | None:
        """The wrap, or None if there is none.

        Raises:
            KeyFailure: It cannot be read.
            EvidenceError: It is damaged.
        """
        try:
            with self._path(scope, upload).open("rb") as file:
                data = file.read(4096)
            wrap = base64.b64decode(data.removesuffix(b"\n"), validate=True)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise KeyFailure(
                "a wrap cannot be read", hint=f"Check owner and mode of {self._directory}"
            ) from error
        except binascii.Error as error:
            raise _damaged() from error
        if len(wrap) != WRAP_BYTES:
            raise _damaged()
        return wrap

    def drop(self, scope: str, *, upload: UploadDigest) -> bool:
        """Remove one wrap; returns whether there was one.

        Raises:
            KeyFailure: It cannot be removed.
        """
        return self._remove([self._path(scope, upload)]) == 1

    def drop_scope(self, scope: str) -> int:
        """Remove all wraps of a scope; returns how many there were. Raises KeyFailure."""
        folder = self._folder(scope)
        removed = self._remove([folder / name for name in self._names(folder)])
        with contextlib.suppress(OSError):  # another process may have put one meanwhile
            folder.rmdir()
        return removed

    def drop_upload(self, upload: UploadDigest) -> int:
        """Remove an upload's wraps of every scope; returns how many. Raises KeyFailure."""
        return self._remove([self._path(scope, upload) for scope in self.scopes()])

    def scopes(self) -> list[str]:
        """Scopes that have a wrap, sorted."""
        try:
            names = sorted(p.name for p in self._directory.iterdir() if _SCOPE.fullmatch(p.name))
        except FileNotFoundError:
            return []
        except OSError as error:
            raise self._unreadable() from error
        return [name for name in names if self._names(self._directory / name)]

    def uploads(self, scope: str | None = None) -> list[UploadDigest]:
        """Uploads with a wrap in the scope, or in any scope, sorted by digest."""
        scopes = self.scopes() if scope is None else [scope]
        found = {name[:64] for s in scopes for name in self._names(self._folder(s))}
        return [UploadDigest(bytes.fromhex(name)) for name in sorted(found)]

    def _folder(self, scope: str) -> Path:
        if not _SCOPE.fullmatch(scope):
            raise UsageError(f'"{scope}" is not a scope of wraps')
        return self._directory / scope

    def _path(self, scope: str, upload: UploadDigest) -> Path:
        if len(upload) != 32:  # noqa: PLR2004 - SHA-256
            raise UsageError("an upload's digest is 32 bytes")
        return self._folder(scope) / f"{upload.hex()}.wrap"

    def _names(self, folder: Path) -> list[str]:
        try:
            return [p.name for p in folder.iterdir() if _FILE.fullmatch(p.name)]
        except FileNotFoundError:
            return []
        except OSError as error:
            raise self._unreadable() from error

    def _remove(self, paths: list[Path]) -> int:
        removed = 0
        try:
            for path in paths:
                removed += files.shred(path)
            for folder in {p.parent for p in paths}:
                with contextlib.suppress(FileNotFoundError):
                    files.sync_directory(folder)
        except OSError as error:
            raise KeyFailure(
                "a wrap cannot be removed", hint=f"Check owner and mode of {self._directory}"
            ) from error
        return removed

    def _unreadable(self) -> KeyFailure:
        return KeyFailure(
            "the wraps cannot be listed", hint=f"Check owner and mode of {self._directory}"
        )


def _damaged() -> EvidenceError:
    return EvidenceError(
        "a wrap's file is damaged", hint="Restore the wraps from a backup, or ask for a new one."
    )
