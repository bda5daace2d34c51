"""Numbers of a pack's items ascend, rows and opt-outs each for themselves.

A row's number is the nonce under which its details are sealed, so it must not come twice. This is
seen from the beginnings of the lines, without decoding them, at half a microsecond a line.
"""

from __future__ import annotations

import re
from itertools import pairwise

from consortium.errors import BadFile
from consortium.vault.pack_rows import decode_lines

__all__ = ["Order"]

_START = re.compile(rb'^\["([or])",([1-9][0-9]{0,15}),', re.MULTILINE)


class Order:
    """Counts items and sees that their numbers ascend.

    Attributes:
        rows, opt_outs: How many of each were taken.
    """

    def __init__(self) -> None:
        self.rows = self.opt_outs = 0
        self._last_row = self._last_opt_out = 0

    @property
    def items(self) -> int:
        """How many were taken."""
        return self.rows + self.opt_outs

    def take(self, data: bytes) -> None:
        """Take some whole lines.

        Raises:
            BadFile: One does not begin like an item, or is out of order.
        """
        found = _START.findall(data)
        if len(found) != data.count(b"\n"):
            decode_lines(data, first=self.items + 1)  # says which, and what is wrong with it
            raise BadFile("an item of the pack does not begin as it must")
        rows = [int(number) for kind, number in found if kind == b"r"]
        opt_outs = [int(number) for kind, number in found if kind == b"o"]
        self._last_row = _ascending(self._last_row, rows)
        self._last_opt_out = _ascending(self._last_opt_out, opt_outs)
        self.rows += len(rows)
        self.opt_outs += len(opt_outs)


def _ascending(last: int, numbers: list[int]) -> int:
    for before, number in pairwise((last, *numbers)):
        if number <= before:
            raise BadFile(f"rows of the pack are not in ascending order (at row {number})")
    return numbers[-1] if numbers else last
