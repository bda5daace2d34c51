"""Uploads, on the host: packs taken in, listed, withdrawn."""

from __future__ import annotations

import builtins
import tempfile
from datetime import date
from pathlib import Path

from consortium import intake
from consortium.app.context import Context
from consortium.app.desk import PartnerDesk
from consortium.app.lists import ListOptions
from consortium.app.packs import take_in
from consortium.pack import PackResult
from consortium.store import uploads
from consortium.store.uploads import UploadRecord

__all__ = ["Uploads"]


class Uploads:
    """The uploads of an open consortium."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def add(self, pack: Path, *, replaces: str | None = None) -> UploadRecord:
        """Take a pack in: all of it or nothing.

        The host keeps no copy. The file can be read by whoever holds the intake key: delete it
        once it is taken in.

        Args:
            pack: The pack's file.
            replaces: An earlier upload of the same list, `u-0042`, withdrawn in the moment in which
                this one begins to count. What it banned stays banned.

        Raises:
            BadFile: It cannot be read, is no pack, is cut short or for another consortium.
            EvidenceError: Altered, or signed by another partner.
            NotFound: Its partner is not admitted, or there is no upload to replace.
            UsageError: The upload to replace is of another list.
            StateConflict: The same pack was taken in before, or the upload to replace has ended.
            KeyFailure, StoreFailure: Keys or database cannot be used.
        """
        return take_in(self._context, pack, replaces=replaces)

    def add_list(
        self,
        path: Path,
        *,
        desk: PartnerDesk,
        list_name: str,
        obtained_on: date,
        expires_on: date | None = None,
        standing: bool = False,
        options: ListOptions | None = None,
        replaces: str | None = None,
    ) -> tuple[PackResult, UploadRecord]:
        """Pack a list and take the pack in, where one machine has both homes; no pack is left.

        Args:
            path, list_name, obtained_on, expires_on, standing, options: As for `PartnerDesk.pack`.
            desk: The partner, on this machine.
            replaces: As for `add`.

        Raises:
            ConsortiumError: As for `PartnerDesk.pack` and `add`; then nothing was taken in.
        """
        with tempfile.TemporaryDirectory(prefix="consortium-") as folder:
            made = desk.pack(
                path,
                list_name=list_name,
                obtained_on=obtained_on,
                out=Path(folder) / f"{path.stem or 'list'}.pack",
                expires_on=expires_on,
                standing=standing,
                options=options or ListOptions(),
            )
            return made, self.add(made.path, replaces=replaces)

    def list(self) -> builtins.list[UploadRecord]:
        """Every upload, oldest first; staged ones are not shown."""
        with self._context.database.read() as tx:
            return uploads.all_of(tx)

    def show(self, name: str) -> UploadRecord:
        """One upload by its name, `u-0042`.

        Raises:
            NotFound: There is none.
        """
        with self._context.database.read() as tx:
            return uploads.get(tx, name)

    def withdraw(self, name: str) -> UploadRecord:
        """Make an upload's rows count no more, at once, and delete them; opt-outs stay.

        Raises:
            NotFound: There is none of that name.
        """
        context = self._context
        return intake.withdraw(context.database, name, wraps=context.wraps, clock=context.clock)

    def due(self) -> builtins.list[UploadRecord]:
        """Uploads whose last day is over and that `expire` would end."""
        with self._context.database.read() as tx:
            return uploads.expired_by(tx, self._context.clock.now().date())

    def expire(self) -> builtins.list[UploadRecord]:
        """The same for every upload whose day has passed."""
        context = self._context
        return intake.expire(context.database, wraps=context.wraps, clock=context.clock)
