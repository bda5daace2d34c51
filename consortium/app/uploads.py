"""Uploads, on the host: packs taken in, listed, withdrawn; and the persons made of them."""

from __future__ import annotations

import builtins
import stat
import tempfile
from datetime import date
from pathlib import Path

from consortium import identity, intake
from consortium.app.context import Context
from consortium.app.desk import ListOptions, PartnerDesk
from consortium.app.keyring import tokeniser
from consortium.errors import BadFile
from consortium.identity import MergeResult
from consortium.pack import PackResult
from consortium.store import uploads
from consortium.store.uploads import UploadRecord

__all__ = ["Uploads"]


class Uploads:
    """The uploads of an open consortium."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def add(self, pack: Path) -> UploadRecord:
        """Take a pack in: all of it or nothing.

        The host keeps no copy. The file can be read by whoever holds the intake key: delete it
        once it is taken in.

        Raises:
            BadFile: It cannot be read, is no pack, is cut short or for another consortium.
            EvidenceError: Altered, or signed by another partner.
            NotFound: Its partner is not admitted.
            StateConflict: The same pack was taken in before.
            KeyFailure, StoreFailure: Keys or database cannot be used.
        """
        context = self._context
        try:
            kind = pack.stat().st_mode
            if stat.S_ISDIR(kind):
                raise BadFile(f"{pack.name} is a folder, not a pack")
            if not stat.S_ISREG(kind):  # opening a pipe would wait for somebody to write to it
                raise BadFile(
                    f"{pack.name} is a pipe or device, and a pack is read twice",
                    hint="Save it as a file first and give that file.",
                )
            stream = pack.open("rb")
        except FileNotFoundError as error:
            raise BadFile(f"there is no file {pack.name}", hint="Check the name.") from error
        except (OSError, ValueError) as error:  # a name with a NUL is no name
            raise BadFile(f"{pack.name} cannot be read", hint="Check who may read it.") from error
        with stream:
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
            )

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
    ) -> tuple[PackResult, UploadRecord]:
        """Pack a list and take the pack in, where one machine has both homes; no pack is left.

        Args:
            path, list_name, obtained_on, expires_on, standing, options: As for `PartnerDesk.pack`.
            desk: The partner, on this machine.

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
            return made, self.add(made.path)

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

    def merge(self, *, full: bool = False) -> MergeResult:
        """Make persons of the source rows: what changed since the last merge, or everything.

        Needs the match key and no vault key.

        Raises:
            StateConflict: Another merge is running.
        """
        context = self._context
        return identity.run(
            context.database,
            match_opener=identity.match_opener(context.keys.open("match")),
            clock=context.clock,
            observer=context.observer,
            full=full,
        )
