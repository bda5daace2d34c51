"""Several tables of one archive as one list.

Columns are those of all members by name, the first member's first; the second column of a name
meets the second of that name. A record of its member's width gets empty cells where the member has
no such column. A record that is short ends where its first missing cell would stand, and one that
is long keeps what is over at its end, so that both are judged as in a file by itself.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from consortium.pack.encoding import Encoding
from consortium.pack.files.table import RawBatch, Table, check_width

__all__ = ["STATUS_HEADER", "SeveralTables", "combine", "status_words"]

STATUS_HEADER = "Status by name of file"
"""Header of the column that says what a member's name says; layouts know it."""

_STATUS = re.compile(
    r"(?P<word>subscribed|unsubscribed|nonsubscribed|cleaned)"
    r"(?P<rest>$|[ _-](.*[ _-])?(export|members|audience|contacts)([ _-].*)?$)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class _Member:
    file: str
    table: Table
    status: str
    places: tuple[int, ...]  # of its columns among all


@dataclass(frozen=True, slots=True)
class SeveralTables:
    """An archive's tables, one after the other; a `Table`.

    Attributes:
        headers: Columns of all of them; `STATUS_HEADER` first if names tell a status.
        encoding: The first one's, and the others' if they differ.
        delimiter: The first one's.
        form: The first one's, and how many there are.
    """

    headers: tuple[str, ...] = field(repr=False)
    encoding: Encoding
    delimiter: str
    form: str
    _members: tuple[_Member, ...] = field(repr=False)
    _has_status: bool

    def batches(self, *, size: int) -> Iterator[RawBatch]:
        """See `Table.batches`."""
        first = 1
        for member in self._members:
            for batch in member.table.batches(size=size):
                rows = [self._place(row, member) for row in batch.rows]
                yield RawBatch(first, batch.lines, rows, member.file)
                first += len(rows)

    def _place(self, row: list[str], member: _Member) -> list[str]:
        places, width = member.places, len(self.headers)
        if len(row) < len(places):
            width = min(places[len(row) :])
        placed = [""] * width
        for place, cell in zip(places, row, strict=False):
            if place < width:
                placed[place] = cell
        if self._has_status:
            placed[0] = member.status
        return placed + row[len(places) :]


def combine(tables: Mapping[str, Table], *, name: str) -> Table:
    """One table of an archive's, by member name.

    Raises:
        BadFile: Too many columns in all.
    """
    statuses = status_words(list(tables))
    has_status = any(statuses)
    if len(tables) == 1 and not has_status:
        return next(iter(tables.values()))
    columns: dict[tuple[str, int], int] = {(STATUS_HEADER, 0): 0} if has_status else {}
    placed = []
    for (file, table), status in zip(tables.items(), statuses, strict=True):
        seen = Counter[str]({STATUS_HEADER: 1}) if has_status else Counter[str]()
        places = []
        for header in table.headers:
            places.append(columns.setdefault((header, seen[header]), len(columns)))
            seen[header] += 1
        placed.append(_Member(PurePosixPath(file).name, table, status, tuple(places)))
    headers = tuple(header for header, _ in columns)
    check_width(headers, name=name)
    first = placed[0].table
    titles = list(dict.fromkeys(member.table.encoding.title for member in placed))
    number = f" in {len(placed)} files" if len(placed) > 1 else ""
    return SeveralTables(
        headers=headers,
        encoding=Encoding("", "strict", " and ".join(titles)),
        delimiter=first.delimiter,
        form=f"{first.form}{number} of a ZIP",
        _members=tuple(placed),
        _has_status=has_status,
    )


def status_words(files: Sequence[str]) -> list[str]:
    """Per member, the status that its name tells, or nothing.

    `cleaned` and `subscribed` are believed beside one of another status, or in a name of the
    system's own making (`…_export_…`): a list that somebody cleaned by hand is called so, too.
    """
    found = [_STATUS.fullmatch(PurePosixPath(file).stem) for file in files]
    words = [match["word"].lower() if match else "" for match in found]
    kinds = set(words) - {""}
    return [
        word
        if match and (word == "unsubscribed" or len(kinds) > 1 or "export" in match["rest"].lower())
        else ""
        for word, match in zip(words, found, strict=True)
    ]
