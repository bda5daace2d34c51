"""Opt-outs as a CRM takes them in: a CSV file in the shape of the owner's own system.

The shapes are data (`shapes.toml`): for each system the columns that carry an e-mail opt-out and
one of text messages. A system that has no column for a channel is not told of it, and the count of
those left out says so. A cell that a spreadsheet would run as a formula is written with an
apostrophe before it; telephone numbers (`+15035550101`) are written as they are.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Literal

from pydantic import model_validator

from consortium import documents
from consortium.cells import inert
from consortium.documents import Document
from consortium.errors import UsageError, quoted
from consortium.feedback.told import OwnOptOut
from consortium.model import Channel

__all__ = ["OptOutTable", "Shape", "as_table", "shape", "shapes"]

_NUMBER = re.compile(r"[+-]?[0-9]+")

Columns = Mapping[str, str]


class Shape(Document):
    """The columns one system takes in.

    Attributes:
        title: What people call the system.
        needs: What a row must have to be of any use to it.
        both: Columns for every channel; or one set for each:
        email, sms: Columns of an e-mail opt-out, of one of text messages.
    """

    title: str
    needs: Literal["record_id", "address", "record_id or address"]
    both: Columns | None = None
    email: Columns | None = None
    sms: Columns | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Shape:
        if (self.both is None) is (self.email is None and self.sms is None):
            raise ValueError("a shape has columns for both channels, or for each")
        return self

    def columns(self, channel: Channel) -> Columns | None:
        """Header and cell of each column; None: the system has none for this channel."""
        return self.both or (self.email if channel is Channel.EMAIL else self.sms)


class _Shapes(Document):
    shapes: Mapping[str, Shape]


@dataclass(frozen=True, slots=True)
class OptOutTable:
    """A CSV file for one system. It holds addresses and record ids in clear: the owner's own.

    Attributes:
        csv: The file's text, lines ended by CR LF (RFC 4180).
        title: The system.
        written: Opt-outs in it.
        left_out: Opt-outs that the system has no place for.
    """

    csv: str = field(repr=False)
    title: str
    written: int
    left_out: int


@cache
def shapes() -> Mapping[str, Shape]:
    """Every shape by its name, `plain` first."""
    text = files("consortium.feedback").joinpath("shapes.toml").read_text("utf-8")
    return documents.parse(text, name="shapes.toml", model=_Shapes).shapes


def shape(name: str) -> Shape:
    """One shape by its name.

    Raises:
        UsageError: There is none.
    """
    found = shapes().get(name)
    if found is None:
        raise UsageError(f"no shape {quoted(name)}", hint=f"One of: {', '.join(shapes())}")
    return found


def as_table(records: Iterable[OwnOptOut], *, shape: Shape) -> OptOutTable:
    """Opt-outs as the owner's system takes them in."""
    columns = _header(shape)
    text = io.StringIO(newline="")
    out = csv.writer(text)
    out.writerow(columns)
    written = left_out = 0
    for record in records:
        cells = _cells(record, shape)
        if cells is None:
            left_out += 1
            continue
        out.writerow([_safe(cells.get(column, "")) for column in columns])
        written += 1
    return OptOutTable(text.getvalue(), shape.title, written, left_out)


def _header(shape: Shape) -> Sequence[str]:
    found: dict[str, None] = {}
    for channel in Channel:
        found |= dict.fromkeys(shape.columns(channel) or ())
    return list(found)


def _cells(record: OwnOptOut, shape: Shape) -> Mapping[str, str] | None:
    columns = shape.columns(record.channel)
    record_id = "" if record.record_id is None else record.record_id.reveal()
    address = "" if record.address is None else record.address.reveal()
    has = {"record_id": record_id, "address": address, "record_id or address": record_id or address}
    if columns is None or not has[shape.needs]:
        return None
    values = {
        "record_id": record_id,
        "address": address,
        "channel": record.channel.value,
        "day": record.on.isoformat(),
        "cause": record.cause.replace("_", " "),
    }
    return {column: cell.format_map(values) for column, cell in columns.items()}


def _safe(cell: str) -> str:
    return cell if _NUMBER.fullmatch(cell) else inert(cell)
