"""Columns of dates, whose order of day and month is decided for each column as a whole.

So they are read once before (`survey_dates`). Of birth dates the different cells, up to 50,000 of
them and weighed by how often they stand there, are judged together; cells beyond are judged beside
a sample of them. Of days of consent only the order is decided. Cost: 1.3 µs a row, most of it
parsing the file (measured); a list without such columns is not read for it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from math import ceil

from consortium.pack.layout import Layout, Role
from consortium.pack.settings import Settings
from consortium.pack.source import Source
from consortium.tokens import Rejected, dates

__all__ = ["Births", "Dates", "survey_dates"]

_DISTINCT_DATES = 50_000
_WEIGHED_DATES = 100_000
_DATE_CHARACTERS = 64  # a longer cell is no date
_SAMPLE_DATES = 2_000


class Births:
    """Birth dates of one column, judged together.

    Args:
        cells: Different cells of the column, with how often each stands there.
        settings: Today, and the order of dates that do not tell it.
    """

    def __init__(self, cells: Mapping[str, int], *, settings: Settings) -> None:
        self._settings = settings
        every = max(1.0, sum(cells.values()) / _WEIGHED_DATES)
        weighed = [cell for cell, count in cells.items() for _ in range(ceil(count / every))]
        self._known = dict(zip(weighed, self._judge(weighed), strict=True))
        self._sample = list(islice(cells, _SAMPLE_DATES))

    def read(self, cells: Sequence[str]) -> list[str | Rejected]:
        """One result per cell."""
        missing = [cell for cell in dict.fromkeys(cells) if cell not in self._known]
        known: Mapping[str, str | Rejected] = self._known
        if missing:
            judged = self._judge([*self._sample, *missing])[len(self._sample) :]
            known = {**self._known, **dict(zip(missing, judged, strict=True))}
        return [known[cell] for cell in cells]

    def _judge(self, cells: Sequence[str]) -> list[str | Rejected]:
        return dates.normalise(
            cells,
            today=self._settings.today,
            default_order=self._settings.date_order,
            stated_order=self._settings.order,
        )


@dataclass(frozen=True, slots=True, repr=False)
class Dates:
    """What the columns of dates of a list show.

    Attributes:
        births: Column → its birth dates.
        orders: Column with days of consent → order of day and month; None: it cannot be told.
    """

    births: Mapping[int, Births]
    orders: Mapping[int, dates.Order | None]


def survey_dates(source: Source, layout: Layout, *, settings: Settings) -> Dates:
    """Read a list once for its columns of dates."""
    births = layout.columns.get(Role.BIRTH_DATE, ())
    days = {status.day for status in layout.statuses if status.day is not None}
    found: dict[int, Counter[str]] = {column: Counter() for column in {*births, *days}}
    if found:
        for batch in source.batches():
            for column, counts in found.items():
                cells = [row[column] for row in batch.rows if len(row) > column]
                if column not in births:  # the usual form shows no order
                    cells = [cell for cell in cells if cell[4:5] != "-"]
                _count(counts, cells)
    return Dates(
        {column: Births(found[column], settings=settings) for column in births},
        {
            column: dates.order_of(
                found[column].elements(),
                default_order=settings.date_order,
                stated_order=settings.order,
            )
            for column in days
        },
    )


def _count(counts: Counter[str], cells: list[str]) -> None:
    if max(map(len, cells), default=0) > _DATE_CHARACTERS:
        cells = [cell for cell in cells if len(cell) <= _DATE_CHARACTERS]
    if len(counts) >= _DISTINCT_DATES:
        cells = [cell for cell in cells if cell in counts]
    counts.update(cells)
