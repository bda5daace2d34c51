"""From lines of a pack to rows at rest: tokens, composites, sealed match block, sealed details.

What comes out is all that the host keeps of a row. Pure, so that it runs in processes beside the
one that writes (`consortium.workers`): what a batch becomes depends on nothing but the batch and
the `Setup`. Costs about 25 µs per row with an address and a number.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import accumulate
from typing import NamedTuple, TypeVar

import msgspec
import numpy as np

from consortium.intake import normal
from consortium.intake.normal import RowChecker
from consortium.model import Channel, Places
from consortium.model.match_block import MatchBlock
from consortium.store.staging import Keys, Mentions
from consortium.tokens import (
    Profile,
    Tokeniser,
    compose_name_address_column,
    compose_name_birth_column,
    names,
    zones,
)
from consortium.types import Token
from consortium.vault.pack_file import LineBatch
from consortium.vault.pack_rows import Line, OptOutLine, RowLine, decode_lines
from consortium.vault.seal import RowSealer, SealContext, encode_details

__all__ = ["Banned", "Converted", "Converter", "Setup", "make"]

_K = TypeVar("_K")
_V = TypeVar("_V")
_KNOWN = 100_000
_ENCODE = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Setup:
    """What converting takes; goes to workers through a pipe, keys among it.

    Attributes:
        tokeniser: Makes tokens of the current epoch and of `profile`.
        profile: The normalisation rules that the pack's header names.
        data_key, data_salt: Details are sealed under them.
        match_key, match_salt: Match blocks are.
        context: Where sealed values belong.
        packed_on: The day of packing, in UTC.
    """

    tokeniser: Tokeniser = field(repr=False)
    profile: Profile
    data_key: bytes = field(repr=False)
    data_salt: bytes
    match_key: bytes = field(repr=False)
    match_salt: bytes
    context: SealContext
    packed_on: date


class Banned(NamedTuple):
    """Opt-outs of one channel and cause: `tokens` of 32 bytes, one after the other."""

    channel: Channel
    cause: str
    tokens: bytes


class Converted(NamedTuple):
    """What a batch of lines became.

    Attributes:
        rows: As `store.staging.write_rows` takes them, in the order of the list.
        mentions, keys: What they name; rows by their index in `rows`.
        banned: The batch's opt-outs.
        items: How many lines there were.
    """

    rows: list[tuple[object, ...]]
    mentions: Mentions
    keys: Keys
    banned: list[Banned]
    items: int


def make(setup: Setup) -> Callable[[LineBatch], Converted]:
    """For `workers.map_batches`."""
    converter = Converter(setup)

    def convert(batch: LineBatch) -> Converted:
        return converter.convert(decode_lines(batch.data, first=batch.first))

    return convert


class Converter:
    """Converts the lines of one pack.

    Remembers names and places, since lists repeat them; about 30 MB at most.
    """

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._details = RowSealer(
            setup.data_key, label="details", salt=setup.data_salt, context=setup.context
        )
        self._match = RowSealer(
            setup.match_key, label="match", salt=setup.match_salt, context=setup.context
        )
        self._checker = RowChecker(setup.packed_on)
        self._firsts: dict[str, tuple[str, str]] = {}
        self._lasts: dict[str, tuple[str, str]] = {}
        self._zones: dict[tuple[str, ...], str] = {}

    def convert(self, lines: Sequence[Line]) -> Converted:
        """Rows and opt-outs as they are stored.

        Raises:
            BadFile: A value is not normalised; names row and field.
        """
        rows = [line for line in lines if isinstance(line, RowLine)]
        opt_outs = [line for line in lines if isinstance(line, OptOutLine)]
        self._checker.check(rows)
        emails, phones = self._points("email", rows), self._points("phone", rows)
        stored, keys = self._rows(rows, emails, phones)
        mentions = [points.mentions(phone=points is phones) for points in (emails, phones)]
        return Converted(
            rows=stored,
            mentions=Mentions.joined(mentions),
            keys=keys,
            banned=list(self._banned(opt_outs)),
            items=len(lines),
        )

    def _points(self, kind: str, lines: Sequence[Line]) -> _Points:
        if kind == "email":
            mails = normal.email_values(lines, profile=self._setup.profile)
            spelt = [one.canonical for one in mails]
            roles = [one.role for one in mails]
            sizes = [len(line.emails) for line in lines]
        else:
            numbers = normal.phone_values(lines)
            spelt = [one.e164 for one in numbers]
            roles = [one.service for one in numbers]
            sizes = [len(line.phones) for line in lines]
        return _Points(spelt, self._setup.tokeniser.contact(kind, spelt), roles, sizes)

    def _banned(self, lines: Sequence[OptOutLine]) -> Iterator[Banned]:
        for cause in sorted({line.cause for line in lines}):
            some = [line for line in lines if line.cause == cause]
            for channel, kind in ((Channel.EMAIL, "email"), (Channel.SMS, "phone")):
                if tokens := b"".join(self._points(kind, some).tokens):
                    yield Banned(channel, cause, tokens)

    def _rows(
        self, rows: Sequence[RowLine], emails: _Points, phones: _Points
    ) -> tuple[list[tuple[object, ...]], Keys]:
        firsts = [self._first(row.first_name) for row in rows]
        lasts = [self._last(row.last_name) for row in rows]
        contents = [
            _content(row, first[0], last[0], mails, numbers)
            for row, first, last, mails, numbers in zip(
                rows, firsts, lasts, emails.groups(), phones.groups(), strict=True
            )
        ]
        given, family = [row.first_name for row in rows], [row.last_name for row in rows]
        births = self._composites(
            "name-birth",
            compose_name_birth_column(given, family, [row.birth_date for row in rows]),
        )
        addresses = self._composites(
            "name-address",
            compose_name_address_column(
                given,
                family,
                [row.house_number for row in rows],
                [row.postcode for row in rows],
            ),
        )
        digests = self._setup.tokeniser.composite("content", contents)
        mails, numbers = emails.written(rows, "emails"), phones.written(rows, "phones")
        stored: list[tuple[object, ...]] = [
            (
                "\n".join(row.tags),
                row.number,
                digest,
                row.relationship.value,
                row.country,
                row.state,
                row.postcode,
                self._zones_of(row),
                row.language,
                row.email_basis.value,
                row.email_on or None,
                row.sms_basis.value,
                row.sms_on or None,
                birth,
                address,
                self._match.seal(_block(row, first, last), number=row.number),
                self._details.seal(
                    encode_details(mail, phone, row.first_name, row.last_name, row.language),
                    number=row.number,
                ),
                row.sealed_record_id or None,
            )
            for row, digest, birth, address, first, last, mail, phone in zip(
                rows, digests, births, addresses, firsts, lasts, mails, numbers, strict=True
            )
        ]
        return stored, _keys(births, addresses)

    def _composites(self, kind: str, values: Sequence[str | None]) -> list[Token | None]:
        tokens = iter(self._setup.tokeniser.composite(kind, [v for v in values if v is not None]))
        return [None if value is None else next(tokens) for value in values]

    def _first(self, written: str) -> tuple[str, str]:
        """Folded given name and its nickname class."""
        if (found := self._firsts.get(written)) is None:
            found = names.given(written), names.first_class(written)
            _remember(self._firsts, written, found)
        return found

    def _last(self, written: str) -> tuple[str, str]:
        """Folded surname and its phonetic code."""
        if (found := self._lasts.get(written)) is None:
            found = names.fold(written), names.surname_code(written)
            _remember(self._lasts, written, found)
        return found

    def _zones_of(self, row: RowLine) -> str:
        """IANA zones by state and area codes, which the first five characters tell."""
        key = (row.country, row.state, *[number[:5] for number in row.phones])
        if (found := self._zones.get(key)) is None:
            found = " ".join(zones.zones(Places(row.country, row.state), row.phones))
            _remember(self._zones, key, found)
        return found


@dataclass(slots=True)
class _Points:
    """The contact points of one kind of some rows, one after the other.

    Two spellings of one mailbox in a row are one contact point: the first stays, so that a point's
    position is its address's place in the details.

    Attributes:
        spelt: What tokens are made of.
        tokens: Theirs.
        roles: Whether they name a function.
        sizes: How many each row has.
    """

    spelt: list[str]
    tokens: Sequence[Token]
    roles: Sequence[bool]
    sizes: Sequence[int]

    def groups(self) -> Iterator[list[str]]:
        """`spelt` by row."""
        for size, end in zip(self.sizes, accumulate(self.sizes), strict=True):
            yield self.spelt[end - size : end]

    def kept(self) -> Iterator[list[int]]:
        """By row, the indices of the first spelling of each point."""
        for size, end in zip(self.sizes, accumulate(self.sizes), strict=True):
            span = range(end - size, end)
            if size > 1:
                yield sorted({self.tokens[at]: at for at in reversed(span)}.values())
            else:
                yield list(span)

    def written(self, rows: Sequence[RowLine], kind: str) -> Iterator[Sequence[str]]:
        """By row, the addresses or numbers that the details keep."""
        if max(self.sizes, default=0) <= 1:
            yield from (
                [row.emails for row in rows] if kind == "emails" else [r.phones for r in rows]
            )
            return
        starts = [end - size for size, end in zip(self.sizes, accumulate(self.sizes), strict=True)]
        for row, kept, start in zip(rows, self.kept(), starts, strict=True):
            values: tuple[str, ...] = row.emails if kind == "emails" else row.phones
            yield values if len(kept) == len(values) else [values[at - start] for at in kept]

    def mentions(self, *, phone: bool) -> Mentions:
        """Which row names which."""
        if max(self.sizes, default=0) <= 1:
            return Mentions(
                b"".join(self.tokens),
                np.full(len(self.tokens), phone),
                np.array(self.roles, dtype=bool),
                np.flatnonzero(np.array(self.sizes, dtype=np.int64)),
                np.zeros(len(self.tokens), dtype=np.uint8),
            )
        groups = list(self.kept())
        flat = [at for group in groups for at in group]
        sizes = [len(group) for group in groups]
        return Mentions(
            b"".join([self.tokens[at] for at in flat]),
            np.full(len(flat), phone),
            np.array([self.roles[at] for at in flat], dtype=bool),
            np.repeat(np.arange(len(groups), dtype=np.int64), sizes),
            np.array([place for size in sizes for place in range(size)], dtype=np.uint8),
        )


def _keys(births: Sequence[Token | None], addresses: Sequence[Token | None]) -> Keys:
    held = [(v, i) for column in (births, addresses) for i, v in enumerate(column) if v is not None]
    return Keys(b"".join([v for v, _ in held]), np.array([i for _, i in held], dtype=np.int64))


def _remember(known: dict[_K, _V], key: _K, value: _V) -> None:
    if len(known) >= _KNOWN:  # a pack of a million names must not fill the memory
        known.clear()
    known[key] = value


def _block(row: RowLine, first: tuple[str, str], last: tuple[str, str]) -> bytes:
    return MatchBlock(
        first=first[0],
        first_class=first[1],
        surname_code=last[1],
        suffix=row.suffix,
        birth_date=row.birth_date,
        house_number=row.house_number,
        postcode=row.postcode,
    ).encode()


def _content(
    row: RowLine, first: str, surname: str, emails: Sequence[str], phones: Sequence[str]
) -> str:
    """What a row says of its person, in one string: orders rows for merging, never by id."""
    fields = [
        first,
        surname,
        row.suffix,
        row.birth_date,
        row.house_number,
        row.country,
        row.state,
        row.postcode,
        sorted(emails),
        sorted(phones),
    ]
    return _ENCODE(fields).decode()
