"""What tests of every kind of list file do: open it, read it, see it refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from consortium.errors import BadFile
from consortium.pack.recognition import is_known
from consortium.pack.source import Source, open_list


def opened(path: Path) -> Source:
    """The list, judged."""
    return open_list(path, known=is_known)


def records(path: Path, *, size: int = 2) -> list[tuple[int, list[str]]]:
    """Its records with their lines."""
    return [
        (line, row)
        for batch in opened(path).batches(size=size)
        for line, row in zip(batch.lines, batch.rows, strict=True)
    ]


def cells(path: Path, *, size: int = 2) -> list[list[str]]:
    """Its records."""
    return [row for _, row in records(path, size=size)]


def refused(path: Path) -> BadFile:
    """What is said of a list that cannot be read: one line, and what to do."""
    with pytest.raises(BadFile) as caught:
        list(opened(path).batches())
    assert "\n" not in caught.value.message
    assert caught.value.hint
    return caught.value
