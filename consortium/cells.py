"""Cells of the tables we write, which a spreadsheet opens: none of them may run.

A spreadsheet takes a cell that starts with `=`, `+`, `-` or `@`, also as a full-width character,
with a tab or a line break, or with what its old exchange formats start commands with, for a
formula. An apostrophe before it makes text of it again (OWASP, "CSV Injection").
"""

from __future__ import annotations

__all__ = ["inert"]

_RUNS = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%", "＝", "＋", "－", "＠")


def inert(cell: str) -> str:
    """The cell as it is, or with an apostrophe before it where a spreadsheet would run it."""
    return f"'{cell}" if cell.startswith(_RUNS) else cell
