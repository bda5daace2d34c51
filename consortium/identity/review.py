"""The owner's answer, on its own machine: from questions to a sheet, from a sheet to its word.

The sheet is CSV for a spreadsheet: a line for each row asked about, rows of one group below each
other, with the owner's record id where the list has one, else list and row number. In the column
`person` every row has a 1; who is somebody else gets a 2, a third one a 3. What is left as it is
says nothing. `read_sheet` takes what spreadsheets make of it: another delimiter, columns moved or
added, lines sorted.
"""

from __future__ import annotations

import csv
import io
import re
from collections import defaultdict
from collections.abc import Callable
from itertools import combinations
from typing import Final

from consortium.cells import inert
from consortium.errors import BadFile
from consortium.identity.pairs import OwnPairs, OwnRow
from consortium.store.decisions import Source
from consortium.types import Pii, UploadDigest

__all__ = ["COLUMNS", "read_sheet", "sheet"]

COLUMNS: Final = ("group", "person", "record_id", "list", "row", "upload")
_NEEDED: Final = ("group", "person", "row", "upload")
_DIGEST = re.compile("[0-9a-f]{64}")


def sheet(pairs: OwnPairs, *, open_id: Callable[[OwnRow], Pii]) -> str:
    """The sheet to fill in; personal data of the owner's, for its own machine alone.

    Args:
        pairs: What the host asks.
        open_id: Opens a sealed record id.

    Raises:
        EvidenceError: A record id was not sealed for its row.
    """
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for group, rows in enumerate(pairs.groups, start=1):
        for row in rows:
            record_id = "" if row.record_id is None else open_id(row).reveal()
            writer.writerow(
                [group, 1, inert(record_id), inert(row.list_name), row.number, row.upload.hex()]
            )
    return buffer.getvalue()


def read_sheet(text: str) -> list[tuple[Source, Source]]:
    """The pairs that a filled-in sheet says are two people.

    Raises:
        BadFile: A column is missing, or a cell is not what it should be; names the line.
    """
    head = text.lstrip("\ufeff").partition("\n")[0]
    delimiter = max(",;\t", key=head.count)
    reader = csv.reader(io.StringIO(text.lstrip("\ufeff"), newline=""), delimiter=delimiter)
    try:
        columns = [cell.strip().lower() for cell in next(reader, [])]
        places = [columns.index(name) for name in _NEEDED]
        groups: dict[str, dict[str, list[Source]]] = defaultdict(lambda: defaultdict(list))
        for cells in reader:
            if any(cell.strip() for cell in cells):
                group, person, source = _line(cells, places, reader.line_num)
                groups[group][person].append(source)
    except (ValueError, csv.Error) as error:
        raise BadFile(
            "this is not the sheet that was to be filled in",
            hint=f"It needs the columns {', '.join(_NEEDED)}: consortium merge review FILE",
        ) from error
    return [
        (one, other)
        for persons in groups.values()
        for some, others in combinations(persons.values(), 2)
        for one in some
        for other in others
    ]


def _line(cells: list[str], places: list[int], line: int) -> tuple[str, str, Source]:
    group, person, row, upload = (
        cells[place].strip() if place < len(cells) else "" for place in places
    )
    if not (group and person and row.isdecimal() and int(row) and _DIGEST.fullmatch(upload)):
        raise BadFile(
            f"line {line} of the sheet is not as it was made",
            hint='Change the column "person" and nothing else.',
        )
    return group, person, (UploadDigest(bytes.fromhex(upload)), int(row))
