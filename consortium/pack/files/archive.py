"""Lists in gzip or ZIP: unpacked in a stream, never to disk, and never beyond what a list is.

gzip may hold any kind of list. A ZIP holds lists of text or JSON, read one after the other as one
list whose columns are all of theirs, by name. Where members are named for a status, as Mailchimp's
`subscribed_…`, `unsubscribed_…` and `cleaned_…` are, a column of that status stands before the
others. Refused are: more than `MAX_MEMBERS`, a ratio beyond `MAX_RATIO`, an archive in an archive,
passwords, links, names that would leave the folder, and members that are no list, because one left
out could be the one with the opt-outs.
"""

from __future__ import annotations

import gzip
import io
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, BinaryIO

from consortium.errors import BadFile
from consortium.pack.files.place import Content, printable, size_words
from consortium.pack.files.ratio import UNPACK, bomb, is_bomb

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

__all__ = [
    "MAX_MEMBERS",
    "MAX_UNPACKED_BYTES",
    "MAX_WHOLE_BYTES",
    "Gunzipped",
    "Member",
    "Whole",
    "directory",
    "members",
]

MAX_UNPACKED_BYTES = 32 * 2**30
MAX_MEMBERS = 100
MAX_WHOLE_BYTES = 64 * 2**20
"""Of a workbook or Parquet file in gzip, which must be unpacked into memory."""

_DIRECTORY_BYTES = 4 * 2**20
_BUFFER_BYTES = 256 * 1024
_ENCRYPTED = 1  # flag bit
_LISTS = frozenset({".csv", ".tsv", ".tab", ".txt", ".json", ".jsonl", ".ndjson"})
_LITTER = frozenset({".ds_store", "thumbs.db", "desktop.ini"})


@dataclass(frozen=True, slots=True)
class Gunzipped:
    """What a gzip file holds; a `Content`."""

    packed: Content

    @property
    def name(self) -> str:
        """The gzip file's name."""
        return self.packed.name

    @contextmanager
    def open(self) -> Iterator[BinaryIO]:
        """See `Content.open`."""
        with self.packed.open() as stream:
            counted = _Counted(stream)
            with (
                gzip.GzipFile(fileobj=counted) as unpacked,
                io.BufferedReader(
                    _Guarded(unpacked, counted, name=self.name), _BUFFER_BYTES
                ) as reader,
            ):
                yield reader

    def check(self) -> None:
        """See `Content.check`."""
        self.packed.check()


@dataclass(frozen=True, slots=True)
class Member:
    """One file of a ZIP; a `Content`.

    Attributes:
        archive: The ZIP.
        file: The member's name in it, as its directory has it.
    """

    archive: Content
    file: str

    @property
    def name(self) -> str:
        """The member and the archive."""
        return f"{printable(PurePosixPath(self.file).name)} in {self.archive.name}"

    @contextmanager
    def open(self) -> Iterator[BinaryIO]:
        """See `Content.open`."""
        with self.archive.open() as stream, directory(stream, name=self.archive.name) as opened:
            try:
                member = opened.open(self.file)
            except _DAMAGE as error:
                raise _damaged(self.name) from error
            with (
                member,
                io.BufferedReader(_Guarded(member, None, name=self.name), _BUFFER_BYTES) as reader,
            ):
                yield reader

    def check(self) -> None:
        """See `Content.check`."""
        self.archive.check()


@dataclass(frozen=True, slots=True)
class Whole:
    """Contents taken into memory, for a kind of file that is read from its end; a `Content`."""

    packed: Content

    @property
    def name(self) -> str:
        """The packed file's name."""
        return self.packed.name

    @contextmanager
    def open(self) -> Iterator[BinaryIO]:
        """See `Content.open`."""
        with self.packed.open() as stream:
            data = stream.read(MAX_WHOLE_BYTES + 1)
        if len(data) > MAX_WHOLE_BYTES:
            raise BadFile(
                f"{self.name} holds a workbook or Parquet file of more than "
                f"{size_words(MAX_WHOLE_BYTES)}",
                hint="Unpack it first, and give the file that was in it",
            )
        yield io.BytesIO(data)

    def check(self) -> None:
        """See `Content.check`."""
        self.packed.check()


@contextmanager
def directory(stream: BinaryIO, *, name: str) -> Iterator[zipfile.ZipFile]:
    """A ZIP's directory, judged as far as it is no bomb by its own account.

    Raises:
        BadFile: Damaged, or its directory or a member is beyond the limits.
    """
    try:
        opened = zipfile.ZipFile(_ShortReads(stream))
    except _DAMAGE as error:
        raise _damaged(name) from error
    with opened:
        total = sum(member.file_size for member in opened.infolist())
        if total > MAX_UNPACKED_BYTES:
            raise _too_much(name)
        for member in opened.infolist():
            if is_bomb(unpacked=member.file_size, packed=member.compress_size):
                raise bomb(name)
            if member.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
                raise BadFile(f"{name} is packed in a way that is not usual", hint=UNPACK)
        yield opened


def members(archive: Content) -> list[Member]:
    """The lists in a ZIP, in its order.

    Raises:
        BadFile: Damaged, or something in it that no export has.
    """
    name = archive.name
    with archive.open() as stream, directory(stream, name=name) as opened:
        found = opened.infolist()
    if len(found) > MAX_MEMBERS:
        raise BadFile(f"{name} holds more than {MAX_MEMBERS} files", hint=UNPACK)
    if len({member.filename for member in found}) < len(found):
        raise BadFile(f"{name} holds two files of the same name", hint=UNPACK)
    kept = []
    for member in found:
        _check_member(member, name=name)
        path = PurePosixPath(member.filename)
        litter = path.parts[:1] == ("__MACOSX",) or path.name.lower() in _LITTER
        if member.filename.endswith("/") or litter or not member.file_size:
            continue
        if path.suffix.lower() not in _LISTS:
            raise BadFile(
                f"{name} holds {printable(path.name)}, which is not a CSV, text or JSON file",
                hint="Make a ZIP of the lists alone, or give each by itself",
            )
        kept.append(Member(archive, member.filename))
    if not kept:
        raise BadFile(f"{name} holds no list", hint="Give the CSV file itself")
    return kept


def _check_member(member: zipfile.ZipInfo, *, name: str) -> None:
    raw = member.orig_filename.replace("\\", "/")
    if raw.startswith("/") or raw[1:2] == ":" or ".." in raw.split("/"):
        raise BadFile(f"{name} holds a file whose name leads out of its folder", hint=UNPACK)
    if stat.S_IFMT(member.external_attr >> 16) not in {0, stat.S_IFREG, stat.S_IFDIR}:
        raise BadFile(f"{name} holds a link or something else that is no file", hint=UNPACK)
    if member.flag_bits & _ENCRYPTED:
        raise BadFile(
            f"{name} is protected with a password", hint="Unpack it first, and give the list"
        )


_DAMAGE = (
    zipfile.BadZipFile, gzip.BadGzipFile, zlib.error, struct.error, EOFError, NotImplementedError,
    RuntimeError, ValueError, LookupError, OverflowError, MemoryError,
)  # fmt: skip  # what the standard library raises for bytes that are not as they should be


class _Wrapped:
    """A packed stream as the standard library's readers use it."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def read(self, size: int = -1, /) -> bytes:
        return self._stream.read(size)

    def seek(self, offset: int, whence: int = 0, /) -> int:
        return self._stream.seek(offset, whence)

    def tell(self) -> int:
        return self._stream.tell()

    def seekable(self) -> bool:
        return True


class _Counted(_Wrapped):
    """Counts what is read of it."""

    def __init__(self, stream: BinaryIO) -> None:
        super().__init__(stream)
        self.count = 0

    def read(self, size: int = -1, /) -> bytes:
        data = super().read(size)
        self.count += len(data)
        return data


class _ShortReads(_Wrapped):
    """Lets nobody read more than a directory at once."""

    def read(self, size: int = -1, /) -> bytes:
        most = _DIRECTORY_BYTES
        data = super().read(min(size, most) if size >= 0 else most)
        if len(data) == most and size != most:
            raise zipfile.BadZipFile("directory too long")
        return data


class _Guarded(io.RawIOBase):
    """An unpacking stream whose every failure is a `BadFile`, and which ends at the limits."""

    def __init__(self, unpacked: BinaryIO | object, packed: _Counted | None, *, name: str) -> None:
        super().__init__()
        self._unpacked, self._packed, self._name = unpacked, packed, name
        self._bytes = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer).cast("B")
        try:
            data = self._unpacked.read(len(view))  # type: ignore[union-attr]  # GzipFile, ZipExtFile
        except BadFile:
            raise
        except _DAMAGE as error:
            raise _damaged(self._name) from error
        self._bytes += len(data)
        if self._bytes > MAX_UNPACKED_BYTES:
            raise _too_much(self._name)
        if self._packed and is_bomb(unpacked=self._bytes, packed=self._packed.count):
            raise bomb(self._name)
        view[: len(data)] = data
        return len(data)


def _too_much(name: str) -> BadFile:
    return BadFile(
        f"{name} would unpack to more than {size_words(MAX_UNPACKED_BYTES)}",
        hint="Divide the list into several",
    )


def _damaged(name: str) -> BadFile:
    return BadFile(
        f"{name} is damaged: it cannot be unpacked",
        hint="Download or copy it again; if that does not help, export the list again",
    )
