"""Packing: a list becomes one signed, encrypted file on the partner's own machine.

The list is read as for a check, under the same rules, and streamed into the container of
`consortium.vault.pack_file` under a fresh data key. Record ids are sealed for the owner itself.
The file appears whole, with mode 0600, or not at all: it is written beside its place and moved
there at the end. An existing pack is never replaced unless that is asked for. A process that is
killed leaves at most a part of a pack beside it, encrypted and named `.NAME.….new`, which no reader
accepts and the next pack of that name removes.

Cost: that of `consortium.pack.rows`, and 1 µs a row for the file; memory as for reading.
"""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import BinaryIO

from consortium.errors import BadFile, StateConflict, UsageError
from consortium.model import ConsortiumCard, Observer, Silent
from consortium.pack.beside import create_beside
from consortium.pack.check import Reading, Tally, nothing_to_send
from consortium.pack.mapping import MappingDocument, Stated
from consortium.pack.problems import ProblemFile
from consortium.pack.record_ids import RecordIdSealer
from consortium.pack.report import CheckReport
from consortium.tokens import Profile
from consortium.types import PartnerSlug, UploadDigest
from consortium.vault.pack_file import Counts, PackHeader, write_lines

__all__ = ["PackResult", "pack"]

_EARLIEST_ZONE = timedelta(hours=14)  # a day begins in Kiribati 14 hours before it does in UTC
_NONCE_BYTES = 16
_DATA_KEY_BYTES = 32


@dataclass(frozen=True, slots=True)
class PackResult:
    """A pack that was written.

    Attributes:
        path: Where it is.
        digest: Names the upload for ever.
        counts: As the pack itself says them; opt-outs include partly blocked rows.
        size_bytes: The file's size.
        report: What was in the list.
    """

    path: Path
    digest: UploadDigest
    counts: Counts
    size_bytes: int
    report: CheckReport


def pack(
    path: Path,
    *,
    list_name: str,
    obtained_on: date,
    card: ConsortiumCard,
    partner: PartnerSlug,
    sign_key: bytes,
    receive_key: bytes,
    out: Path,
    now: datetime,
    expires_on: date | None = None,
    mapping: MappingDocument | None = None,
    region: str = "US",
    stated: Stated | None = None,
    standing: bool = False,
    problems_to: Path | None = None,
    replace: bool = False,
    observer: Observer | None = None,
) -> PackResult:
    """Pack a list for a consortium.

    Args:
        path: The list.
        list_name: The partner's name for it, one line.
        obtained_on: The day the list was as it is.
        card: The consortium it is for.
        partner: Whose list it is.
        sign_key: The partner's private `sign` key, 32 raw bytes.
        receive_key: The public `receive` key of the partner's card, 32 raw bytes.
        out: Where the pack goes; its folder must exist.
        now: The present instant.
        expires_on: Nothing of the list is used after this day; None: no end.
        mapping: The partner's own word on columns and consent.
        region: Country of numbers and addresses that name none.
        stated: What the partner states of the whole list.
        standing: Whether its rows open for every campaign that the policy allows, without an
            approval of each; then the data key is wrapped to the consortium's vault.
        problems_to: Where to write every problem with its line; None: nowhere.
        replace: Whether a file at `out` is replaced.
        observer: Told of progress in rows.

    Raises:
        BadFile: Not a list, nothing usable in it, or `out` cannot be written.
        UsageError: A date, the list's name or the mapping does not fit.
        StateConflict: There is a file at `out`, or a foreign one at `problems_to`.
        KeyFailure: A key is not usable.
    """
    _check_dates(obtained_on, expires_on, now=now)
    if out == path:
        raise UsageError(
            f"{path.name} would be written over by its own pack",
            hint="Give the list itself, and no pack; or another name with --out",
        )
    _check_place(out, replace=replace)
    reading = Reading(
        path,
        profile=Profile(dot_insensitive_domains=frozenset(card.dot_insensitive_domains)),
        today=now.astimezone(UTC).date(),
        mapping=mapping,
        region=region,
        stated=stated,
    )
    sealer = RecordIdSealer(to=receive_key, origin=card.origin, owner=partner)
    header = PackHeader(
        origin=card.origin,
        partner=partner,
        list_name=list_name,
        obtained_on=obtained_on,
        expires_on=expires_on,
        layout=reading.layout.name,
        profile=Profile().number,
        nonce=secrets.token_bytes(_NONCE_BYTES),
        data_key=secrets.token_bytes(_DATA_KEY_BYTES),
        created_at=now,
    )
    watcher = observer or Silent()
    tally = Tally()

    def lines() -> Iterator[bytes]:
        for batch in reading.batches(sealer=sealer):
            tally.add(batch)
            if problems is not None:
                problems.write(batch.problems(), member=batch.member)
            watcher.advance(batch.records)
            yield batch.packed
        if not tally.usable and not tally.opt_outs:
            raise nothing_to_send(tally.report(reading, problems=None))

    watcher.begin(f"packing {reading.source.name}", None)
    try:
        with (
            _Beside(out, replace=replace) as stream,
            ProblemFile(problems_to) if problems_to else nullcontext() as problems,
        ):
            trailer = write_lines(
                stream,
                header=header,
                lines=lines(),
                sign_key=sign_key,
                recipient=card.intake_recipient,
                rejected=lambda: tally.rejected,
                repeated=lambda: tally.repeated,
                standing_to=card.vault_key if standing else None,
                owner_key=receive_key,
            )
    finally:
        watcher.end()
    return PackResult(
        path=out,
        digest=trailer.digest,
        counts=trailer.counts,
        size_bytes=out.stat().st_size,
        report=tally.report(reading, problems=problems),
    )


def _check_dates(obtained_on: date, expires_on: date | None, *, now: datetime) -> None:
    if obtained_on > (now.astimezone(UTC) + _EARLIEST_ZONE).date():
        raise UsageError(
            f"the list cannot have been obtained on {obtained_on}: that day is still to come",
            hint="Give the day of the export, such as --obtained "
            f"{now.astimezone(UTC).date().isoformat()}",
        )
    if expires_on is not None and expires_on < obtained_on:
        raise UsageError(
            f"the list would expire on {expires_on}, before it was obtained on {obtained_on}",
            hint="Give a later day for the expiry, or none",
        )
    if expires_on is not None and expires_on < now.astimezone(UTC).date():
        raise UsageError(
            f"the list would have expired on {expires_on}, and no host would take it in",
            hint="Give a day still to come for the expiry, or none",
        )


def _check_place(out: Path, *, replace: bool) -> None:
    try:
        info = out.stat()
    except FileNotFoundError:
        return
    except (OSError, ValueError) as error:
        raise _unwritable(out, error) from error
    if stat.S_ISDIR(info.st_mode) or not replace:
        raise _in_the_way(out)


class _Beside:
    """A file written under another name in its folder, moved to its own when all went well."""

    def __init__(self, path: Path, *, replace: bool) -> None:
        self._path, self._replace = path, replace
        self._stream: BinaryIO | None = None

    def __enter__(self) -> BinaryIO:
        try:
            self._beside, descriptor = create_beside(self._path)
        except OSError as error:
            raise _unwritable(self._path, error) from error
        self._stream = os.fdopen(descriptor, "wb")
        return self._stream

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: object) -> None:
        assert self._stream is not None  # __enter__ opened it
        try:
            if kind is None:
                self._stream.flush()
                os.fsync(self._stream.fileno())
                self._place()
        except OSError as failure:
            raise _unwritable(self._path, failure) from failure
        finally:
            self._beside.unlink(missing_ok=True)
            with suppress(OSError):  # what could not be written was said, and is gone
                self._stream.close()
        if isinstance(error, OSError):
            raise _unwritable(self._path, error) from error

    def _place(self) -> None:
        if self._replace:
            self._beside.replace(self._path)
        else:
            try:
                os.link(self._beside, self._path)
            except FileExistsError as error:
                raise _in_the_way(self._path) from error
        folder = os.open(self._path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _unwritable(path: Path, error: OSError | ValueError) -> BadFile:
    why = os.strerror(error.errno or 0) if isinstance(error, OSError) else "not a file name"
    return BadFile(
        f"{path.name} cannot be written: {why}",
        hint="Give another place for it, with room on the disk",
    )


def _in_the_way(out: Path) -> StateConflict:
    return StateConflict(
        f"there is already something called {out.name}",
        hint="Write over it with --replace, or give another name with --out",
    )
