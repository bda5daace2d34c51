"""What a partner would be attesting, sending and keeping back: the check before packing.

`check` reads a list to its end and sends nothing; it needs no host and no database. The report
holds counts, headers and words, never a value of a row. `Reading` is what checking and packing
share, so that the one shows exactly what the other does.

Cost: that of `consortium.pack.rows`; the report grows with the number of columns, not rows.
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from datetime import date
from pathlib import Path
from typing import TypeVar

from consortium.documents import nearest
from consortium.errors import BadFile, UsageError
from consortium.model import (
    OLDEST_CONSENT,
    Channel,
    Observer,
    Silent,
)
from consortium.pack.consent import WordAt
from consortium.pack.layout import Layout, Role
from consortium.pack.mapping import MappingDocument, Stated, lay_over
from consortium.pack.mistakes import FIRST_LINES, SightingTally
from consortium.pack.problems import Flaw, ProblemFile, RejectedRow
from consortium.pack.proposals import propose, sounds_like_refusal
from consortium.pack.recognition import is_known, no_contact_column
from consortium.pack.record_ids import RecordIdSealer
from consortium.pack.report import (
    Attested,
    CheckReport,
    Hint,
    SentColumn,
    UnknownWord,
    WorthFixing,
)
from consortium.pack.rows import Batch, Claimed, read_rows
from consortium.pack.settings import Settings
from consortium.pack.source import Source, open_list
from consortium.pack.tags import split_tags
from consortium.tokens import Profile, places

__all__ = ["Reading", "Tally", "check"]

_Counted = TypeVar("_Counted")
_MOST_COUNTED = 10_000


class Reading:
    """A list opened for checking or packing.

    Args:
        path: The list.
        profile: Normalisation rules, from the consortium's card.
        today: No consent and no birth is later.
        mapping: The partner's own word on columns and consent.
        region: Country of numbers and addresses that name none; a mapping's goes before it.
        stated: What the partner states of the whole list; goes before the mapping's.

    Raises:
        BadFile: Not a list; no column of e-mail addresses or phone numbers.
        UsageError: The mapping names a column that the list does not have; the region is no
            country; or a statement dates consent in the future or before 1900.
    """

    source: Source
    layout: Layout
    stated: Stated
    region: str

    def __init__(
        self,
        path: Path,
        *,
        profile: Profile,
        today: date,
        mapping: MappingDocument | None = None,
        region: str = "US",
        stated: Stated | None = None,
    ) -> None:
        named = frozenset(mapping.headers if mapping else ())
        places.check_country((mapping and mapping.region) or region)
        self.stated = (stated or Stated()).over(mapping.stated if mapping else Stated())
        _check_stated(self.stated, today=today)
        self.source = open_list(path, known=lambda h: h.strip() in named or is_known(h))
        self.layout = lay_over(
            self.source.headers, mapping=mapping, name="the mapping", keep=self.stated.keep
        )
        if self.stated.refused:
            self.layout = self.layout.only(self.stated.refused)
        if not {Role.EMAIL, Role.PHONE} & set(self.layout.columns):
            raise no_contact_column(self.source.headers, name=self.source.name)
        self.region = (mapping and mapping.region) or self.layout.region or region
        self._settings = Settings(
            profile=profile,
            today=today,
            region=self.region,
            order=mapping.order if mapping else None,
        )

    def batches(
        self,
        *,
        sealer: RecordIdSealer | None = None,
        packing: bool = True,
        workers: int | None = None,
    ) -> Iterator[Batch]:
        """The rows; see `read_rows`."""
        return read_rows(
            self.source,
            layout=self.layout,
            settings=self._settings,
            stated=self.stated,
            repeats_key=secrets.token_bytes(32),
            sealer=sealer,
            packing=packing,
            workers=workers,
        )


def _check_stated(stated: Stated, *, today: date) -> None:
    for consent in (stated.email, stated.sms):
        day = consent.on if consent else None
        if day is not None and not OLDEST_CONSENT <= day <= today:
            raise UsageError(
                f"consent cannot have been given on {day.isoformat()}",
                hint=f"Give a day up to {today.isoformat()}, or none",
            )


class Tally:
    """Counts batches into a report."""

    def __init__(self) -> None:
        self.rows = self.usable = self.opt_outs = self.rejected = self.repeated = self.partly = 0
        self._attested: Counter[Claimed] = Counter()
        self._refused: Counter[str] = Counter()
        self._faults: Counter[tuple[str, str]] = Counter()
        self._used: Counter[tuple[str, str]] = Counter()
        self._places: dict[tuple[str, str], list[tuple[int, int]]] = {}
        self._members: dict[str, int] = {}
        self._tags: Counter[str] = Counter()
        self._words: Counter[WordAt] = Counter()
        self._seen = SightingTally()

    def add(self, batch: Batch) -> None:
        """Count one batch."""
        self.rows += batch.records
        self.usable += batch.usable
        self.opt_outs += batch.opt_outs
        self.rejected += len(batch.rejected)
        self.repeated += len(batch.repeated)
        self.partly += batch.partly
        self._attested.update(batch.claimed)
        self._refused.update(batch.refused)
        for problems in (batch.rejected, batch.flaws):
            self._count(problems, self._members.setdefault(batch.member, len(self._members)))
        self._used.update((f.code, f.column) for f in batch.flaws if f.row_used)
        self._seen.add(batch.seen, member=batch.member)
        _add(self._tags, batch.tags)
        _add(self._words, batch.words)

    def _count(self, problems: Sequence[RejectedRow] | Sequence[Flaw], member: int) -> None:
        """Count problems of one batch, and keep the first places of each kind."""
        found: dict[tuple[str, str], list[tuple[int, int]]] = {}
        for problem in problems:
            found.setdefault((problem.code, problem.column), []).append((member, problem.line))
        for kind, at in found.items():
            self._faults[kind] += len(at)
            self._places[kind] = sorted((*self._places.get(kind, ()), *at))[:FIRST_LINES]

    def report(self, reading: Reading, *, problems: ProblemFile | None) -> CheckReport:
        """The report of all that was counted."""
        layout, source, stated = reading.layout, reading.source, reading.stated
        spoken = {Channel.EMAIL: stated.email, Channel.SMS: stated.sms}
        faults = sorted(self._faults.items(), key=lambda fault: (-fault[1], fault[0]))
        members = list(self._members)
        tags = self._seen.tags(split_tags)
        return CheckReport(
            file=source.name,
            layout=layout.name,
            layout_title=layout.title,
            confidence=layout.confidence,
            recognition=layout.recognition,
            region=reading.region,
            encoding=source.encoding.title,
            delimiter=source.delimiter_title,
            rows=self.rows,
            usable=self.usable,
            opt_outs=self.opt_outs,
            rejected=self.rejected,
            repeated=self.repeated,
            partly_blocked=self.partly,
            attested=tuple(
                Attested(*key, rows)
                for key, rows in sorted(self._attested.items(), key=lambda a: (-a[1], a[0]))
            ),
            refused=tuple(sorted(self._refused.items(), key=lambda r: (-r[1], r[0]))),
            unspoken=tuple(
                channel
                for channel in Channel
                if spoken[channel] is None
                and not any(channel in s.channels and s.grants for s in layout.statuses)
            ),
            relationship_unstated=stated.relationship is None and layout.relationship is None,
            sent=tuple(
                SentColumn(layout.headers[index], role)
                for role, indexes in layout.columns.items()
                for index in indexes
            ),
            read=layout.read,
            not_sent=layout.not_sent,
            tags=tuple(
                (layout.headers[column], len(different))
                for column, different in tags.items()
                if all(column != each.column for each in layout.kept)
            ),
            shared=tuple(sorted(self._tags.items(), key=lambda tag: (-tag[1], tag[0]))),
            unused=tuple(
                (tag, nearest(tag, sorted(tags.get(each.column, ()))))
                for each in layout.kept
                for tag in sorted(each.words or ())
                if not self._tags[each.label + tag]
            ),
            unknown_words=tuple(
                UnknownWord(layout.headers[column], word, rows)
                for (column, word), rows in sorted(
                    self._words.items(), key=lambda found: (-found[1], found[0])
                )
            ),
            has_record_ids=Role.RECORD_ID in layout.columns,
            worth_fixing=tuple(
                WorthFixing(
                    code,
                    column,
                    count,
                    self._used[code, column],
                    tuple(line for _, line in self._places[code, column]),
                    tuple(members[member] for member, _ in self._places[code, column]),
                )
                for (code, column), count in faults
            ),
            hints=tuple(
                Hint(each.code, layout.headers[each.column], each.count, each.lines, each.members)
                for each in self._seen.sightings()
            ),
            proposals=tuple(
                SentColumn(layout.headers[column], role)
                for column, role in propose(layout, self._seen.looks()).items()
            ),
            unread_refusals=tuple(
                header
                for i in layout.unread
                if sounds_like_refusal(header := layout.headers[i]) and not is_known(header)
            ),
            problem_lines=sum(self._faults.values()),
            problems_file=problems.path if problems and problems.lines else None,
        )


def _add(counts: Counter[_Counted], more: Counter[_Counted]) -> None:
    """Add counts, of the first `_MOST_COUNTED` different things."""
    for what, number in more.items():
        if what in counts or len(counts) < _MOST_COUNTED:
            counts[what] += number


def check(
    path: Path,
    *,
    profile: Profile,
    today: date,
    mapping: MappingDocument | None = None,
    region: str = "US",
    stated: Stated | None = None,
    problems_to: Path | None = None,
    observer: Observer | None = None,
) -> CheckReport:
    """Read a list and say what packing it would do; nothing leaves the machine.

    Args:
        path: The list.
        profile: Normalisation rules, from the consortium's card.
        today: The present day; no consent and no birth is later.
        mapping: The partner's own word on columns and consent.
        region: Country of numbers and addresses that name none.
        stated: What the partner states of the whole list.
        problems_to: Where to write every problem with its line; None: nowhere.
        observer: Told of progress in rows.

    Raises:
        BadFile: Not a list, unreadable, changed meanwhile, or without any usable column.
        UsageError: The mapping does not fit the list.
        StateConflict: Something other than a problems file is at `problems_to`.
    """
    reading = Reading(
        path, profile=profile, today=today, mapping=mapping, region=region, stated=stated
    )
    watcher = observer or Silent()
    tally = Tally()
    watcher.begin(f"reading {reading.source.name}", None)
    try:
        with ProblemFile(problems_to) if problems_to else nullcontext() as problems:
            for batch in reading.batches(packing=False):
                tally.add(batch)
                if problems is not None:
                    problems.write(batch.problems(), member=batch.member)
                watcher.advance(batch.records)
    finally:
        watcher.end()
    return tally.report(reading, problems=problems)


def nothing_to_send(report: CheckReport) -> BadFile:
    """What to say of a list without a single usable row or opt-out."""
    worst = f" ({report.worth_fixing[0].sentence})" if report.worth_fixing else ""
    return BadFile(
        f"{report.file} has no row that could be sent{worst}",
        hint="See every line of it with: consortium upload check",
    )
