"""What a check says of a list: counts, headers and words, never a value of a row."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from consortium.model import Channel, ConsentBasis, Relationship
from consortium.pack.layout import Confidence, Recognition, Role
from consortium.pack.mistakes import HINTS
from consortium.pack.problems import CODES, REPAIRS

__all__ = ["Attested", "CheckReport", "Hint", "SentColumn", "UnknownWord", "WorthFixing"]


@dataclass(frozen=True, slots=True)
class Attested:
    """Rows with a contact point on a channel, by what the partner would claim for them."""

    channel: Channel
    basis: ConsentBasis
    relationship: Relationship
    rows: int


@dataclass(frozen=True, slots=True)
class SentColumn:
    """A column that is sent, normalised, or might be, and what it is taken for."""

    header: str
    role: Role


@dataclass(frozen=True, slots=True)
class WorthFixing:
    """One kind of problem in one column.

    Attributes:
        code: A word of `CODES`.
        column: Header of the column; empty: the row as a whole.
        count: How many there are.
        rows_used: How many of these rows are sent anyway.
        lines: Lines of the first few, ascending in each file.
        members: Of each of these lines the file of an archive that it is in, or empty.
    """

    code: str
    column: str
    count: int
    rows_used: int
    lines: tuple[int, ...] = ()
    members: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        """What is wrong."""
        return CODES[self.code]

    @property
    def repair(self) -> str:
        """What to do about all of them at once; empty: look at each."""
        return REPAIRS.get(self.code, "")


@dataclass(frozen=True, slots=True)
class Hint:
    """A likely mistake of a whole column, for which nothing is changed.

    Attributes:
        code: A word of `consortium.pack.sightings.HINTS`.
        column: Header of the column.
        count: How many cells.
        lines, members: As in `WorthFixing`.
    """

    code: str
    column: str
    count: int
    lines: tuple[int, ...]
    members: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        """What is the matter."""
        return HINTS[self.code][0]

    @property
    def repair(self) -> str:
        """What to do."""
        return HINTS[self.code][1]


@dataclass(frozen=True, slots=True)
class UnknownWord:
    """A word about consent that is not known, read as no permission, and how many rows have it."""

    column: str
    word: str
    rows: int


@dataclass(frozen=True, slots=True)
class CheckReport:
    """What is in a list.

    Attributes:
        file: The list's file name.
        layout, layout_title: Short name of the layout, and what people call it.
        confidence: How sure the layout is.
        recognition: What it was recognised by.
        region: Country of phone numbers, postcodes and order of dates that do not tell.
        encoding, delimiter: As people call them.
        rows: Records in the file; always usable + opt_outs + rejected + repeated.
        usable, opt_outs, rejected, repeated: Fates of the rows (`consortium.pack.rows`).
        partly_blocked: How many of the usable are blocked in part: on one channel, or at one
            address.
        attested: What would be claimed, most rows first; basis `none` is never contacted.
        refused: Cause → rows read as opt-outs, partly blocked ones included.
        unspoken: Channels of which neither a column nor the partner says anything.
        relationship_unstated: Nobody says what the people are; taken for `public`.
        sent: Columns whose values go into the pack.
        read: Columns read for consent or relationship, not sent themselves.
        not_sent: Columns that nothing reads.
        tags: Columns of tags that are not shared → how many different ones.
        shared: Tags that are shared, and how many usable rows have each, most rows first.
        unused: Tags that were to be shared and that no usable row has, with the nearest one that
            is in the list, as a question, or empty.
        unknown_words: Words about consent that are not known, most rows first; of cells that could
            be about one person none.
        has_record_ids: Whether the owner's own ids travel, sealed to the owner.
        worth_fixing: Kinds of problems, most frequent first.
        hints: Likely mistakes of whole columns, most cells first.
        proposals: Columns that nothing reads, and what they look like.
        unread_refusals: Columns that nothing reads and whose name sounds like a refusal.
        problem_lines: Lines of the problems file.
        problems_file: Where it was written, or None.
    """

    file: str
    layout: str
    layout_title: str
    confidence: Confidence
    recognition: Recognition
    region: str
    encoding: str
    delimiter: str
    rows: int
    usable: int
    opt_outs: int
    rejected: int
    repeated: int
    partly_blocked: int
    attested: tuple[Attested, ...]
    refused: tuple[tuple[str, int], ...]
    unspoken: tuple[Channel, ...]
    relationship_unstated: bool
    sent: tuple[SentColumn, ...]
    read: tuple[str, ...]
    not_sent: tuple[str, ...]
    tags: tuple[tuple[str, int], ...]
    shared: tuple[tuple[str, int], ...]
    unused: tuple[tuple[str, str], ...]
    unknown_words: tuple[UnknownWord, ...]
    has_record_ids: bool
    worth_fixing: tuple[WorthFixing, ...]
    hints: tuple[Hint, ...]
    proposals: tuple[SentColumn, ...]
    unread_refusals: tuple[str, ...]
    problem_lines: int
    problems_file: Path | None

    def reachable(self, channel: Channel) -> int:
        """Rows that the partner would claim may be written to on the channel."""
        return sum(
            a.rows
            for a in self.attested
            if a.channel is channel and a.basis is not ConsentBasis.NONE
        )
