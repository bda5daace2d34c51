"""What is wrong with rows and values of a list, and the file that says so to its partner alone.

Every code has a sentence and, where there is one, a repair. A problem names record, line and
column, never a value: the partner has the list and can look. The problems file is CSV with every
cell quoted and none that a spreadsheet would run, mode 0600, beside the list, replaced only if it
is a problems file.

Format: docs/formats/rejected-rows.md.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import NamedTuple, Self, TextIO

from consortium.cells import inert
from consortium.errors import BadFile, StateConflict
from consortium.pack.beside import create_beside
from consortium.tokens import REJECTIONS

__all__ = [
    "CODES",
    "REPAIRS",
    "Flaw",
    "ProblemFile",
    "RejectedRow",
    "default_path",
    "safe_cell",
    "write_problems",
]

CODES: Mapping[str, str] = MappingProxyType(
    {
        **REJECTIONS,
        "empty_row": "nothing in any cell that is read",
        "footer": "a line below the list, not a person",
        "header_again": "the header line stands here once more",
        "no_contact": "neither e-mail address nor phone number",
        "no_one_to_block": "refuses one channel, consents to no other, and has no address to block",
        "no_such_day": "a day of consent that is still to come, or long past",
        "open_quote": "a quote is opened and not closed, so lines below were swallowed",
        "shifted": "cells are shifted: a delimiter stands in a cell without quotes",
        "short_row": "cells are missing at the end of the row",
        "suspicious": "a formula, link or markup where a name or id belongs; not sent",
        "too_many": "more tags than a row may share; the first of them are sent",
        "unheard": "a refusal at an address or number that cannot be read; it stops nothing",
        "unknown_word": "a word about consent that is not known; read as no consent",
        "without_consent": "no consent for this one, only for another of the same row",
    }
)
"""Every code of a rejected row or flawed value with its sentence."""

REPAIRS: Mapping[str, str] = MappingProxyType(
    {
        "already_hashed": "export the addresses themselves; hashes cannot be used",
        "ambiguous_date": "say the order with date_order in a mapping (--map)",
        "header_again": "two exports were pasted together; nothing to do",
        "open_quote": "export again with quotes doubled inside cells",
        "shifted": "export again with quotes around cells",
        "short_row": "export again; the file may be cut",
        "spreadsheet_number": "export that column as text",
        "unheard": "correct it here, or tell the host by hand: consortium optout add",
        "unknown_word": "say what it means in a mapping (--map)",
    }
)
"""What to do, for codes where the partner can do something about all such rows at once."""

_HEADER = ("record", "line", "column", "code", "what", "row", "file")
_HEADERS = (_HEADER, _HEADER[:-1])  # ours, and of files that were written before archives had lines


class RejectedRow(NamedTuple):
    """A row that is not sent.

    Attributes:
        number: 1-based record number as a CSV parser counts.
        line: Physical line on which it starts; the header is usually line 1.
        column: Header of the column at fault; empty: the row as a whole.
        code: A word from `CODES`.
    """

    number: int
    line: int
    column: str
    code: str

    @property
    def sentence(self) -> str:
        """What the code means."""
        return CODES[self.code]


class Flaw(NamedTuple):
    """A value that is not sent, of a row that may be.

    Attributes:
        number, line, column, code: As in `RejectedRow`.
        row_used: Whether the row is sent without it.
    """

    number: int
    line: int
    column: str
    code: str
    row_used: bool

    @property
    def sentence(self) -> str:
        """What the code means."""
        return CODES[self.code]


def default_path(path: Path) -> Path:
    """Where the problems of a list go: `members.csv` gives `members.problems.csv` beside it."""
    path = path if path.name else path.resolve() / "list"  # a folder, which the reader refuses
    return path.with_name(f"{path.stem or path.name}.problems.csv")


def safe_cell(text: str) -> str:
    """Text that no spreadsheet runs: one line, with a quote before what could start a formula."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return f"'{line}" if inert(text) != text else inert(line)


def write_problems(problems: Iterable[RejectedRow | Flaw], path: Path) -> int:
    """Write the problems file in one go; returns its lines, 0 if there was none to write.

    Raises:
        StateConflict: Another kind of file is at `path`.
        BadFile: The folder cannot be written.
    """
    with ProblemFile(path) as file:
        file.write(problems)
    return file.lines


class ProblemFile:
    """Problems written as they are found; the file appears whole at the end, or not at all.

    Args:
        path: Where it goes; a problems file there is replaced (or removed if there are none now).

    Raises:
        StateConflict: Another kind of file is at `path`.
        BadFile: The folder cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lines = 0
        self._beside: Path | None = None
        self._file: TextIO | None = None
        self._columns: dict[str, str] = {}  # the only words in it that are not ours, made safe
        self._check_place()

    def write(self, problems: Iterable[RejectedRow | Flaw], *, member: str = "") -> None:
        """Add lines; `member` is the file of an archive that they are about."""
        file = safe_cell(member)
        for problem in problems:
            if self._file is None:
                self._open()
            used = isinstance(problem, Flaw) and problem.row_used
            if problem.column not in self._columns:
                self._columns[problem.column] = safe_cell(problem.column)
            self._row(
                (
                    problem.number,
                    problem.line,
                    self._columns[problem.column],
                    problem.code,
                    problem.sentence,
                    "sent without it" if used else "not sent",
                    file,
                )
            )
            self.lines += 1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if kind is None:
                self._check_place()
                if self._file is not None and self._beside is not None:
                    self._file.flush()
                    self._beside.replace(self.path)
                else:
                    self.path.unlink(missing_ok=True)
        except OSError as failure:
            raise self._unwritable(failure) from failure
        finally:
            if self._file is not None and self._beside is not None:
                self._beside.unlink(missing_ok=True)
                with suppress(OSError):  # what could not be written was said, and is gone
                    self._file.close()

    def _open(self) -> None:
        try:
            self._beside, descriptor = create_beside(self.path)
        except OSError as error:
            raise self._unwritable(error) from error
        self._file = os.fdopen(descriptor, "w", encoding="utf-8-sig", newline="")
        self._row(_HEADER)

    def _row(self, cells: Iterable[str | int]) -> None:
        assert self._file is not None  # opened by the caller
        try:
            csv.writer(self._file, quoting=csv.QUOTE_ALL).writerow(cells)
        except OSError as error:
            raise self._unwritable(error) from error

    def _check_place(self) -> None:
        try:
            with self.path.open("r", encoding="utf-8-sig", errors="replace", newline="") as file:
                first = file.readline(200).strip()
            ours = any(first == ",".join(f'"{word}"' for word in each) for each in _HEADERS)
        except FileNotFoundError:
            return
        except OSError:
            ours = False
        if not ours:
            raise StateConflict(
                f"{self.path.name} exists and is not a file of problems",
                hint="Move it away, or give another name",
            )

    def _unwritable(self, error: OSError) -> BadFile:
        return BadFile(
            f"{self.path.name} cannot be written: {os.strerror(error.errno or 0)}",
            hint="Give another place for it",
        )
