"""What somebody who knows has said: these rows are not the same people.

A *never-merge pair* names two source rows that no person may hold both of. It is a decision and not
evidence: no rule, key or bridge of further rows outweighs it, in the next merge and in every later
one. An owner says it of its own rows, in a document that it signs; the operator says it of any two
rows (`say_never`), or of some rows of a person and all the others of that person (`split`). Saying
it again changes nothing; it holds until whoever said it takes it back (`taking_back`).

What it holds on to. The two rows themselves, by upload digest and row number; and, for each of
them, every row of the same owner that says exactly the same (`SourceRow.content`, a keyed digest).
So it outlives a withdrawal, and holds for the next export of the list as far as these rows have
not changed. Where an upload takes the place of another, it also follows rows that have changed
(`store.carry_over`). Otherwise a row that says something new is a new row: nothing was said of it.

Each decision is an entry of the ledger, in the transaction that makes it hold; its leaves commit to
both rows of each pair, under salts.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import combinations, product
from typing import Annotated, Final, Literal

from pydantic import AwareDatetime, Field, StringConstraints

from consortium.clock import Clock
from consortium.errors import NotFound, StateConflict, UsageError, quoted
from consortium.identity.evaluate import NeverPair
from consortium.identity.words import OPERATORS, Word, WordDocument, open_word
from consortium.ledger import entries
from consortium.model import ConsortiumCard
from consortium.store import decisions, history, merges, state, uploads
from consortium.store.decisions import DecisionRecord, NamedRow, NeverRecord, Source
from consortium.store.engine import Database, Tx
from consortium.types import EntryIndex, PartnerSlug, PersonId, SourceRowId, UploadDigest
from consortium.vault import signed

__all__ = [
    "KIND",
    "MOST_PAIRS",
    "Decided",
    "Never",
    "NeverMergeDocument",
    "all_decisions",
    "person_of",
    "record",
    "row_of",
    "say_never",
    "sign_never",
    "split",
]

KIND: Final = "never-merge"
"""What an owner's signed document is called."""

_MESSAGE = re.compile(r"m-[0-9]{1,18}")
_ROW = re.compile(r"(u-[0-9]{1,15}):([1-9][0-9]{0,14})")

_Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
_Number = Annotated[int, Field(ge=1, le=2**53 - 1)]

MOST_PAIRS: Final = 2_000
"""In one document, so that nobody's word keeps the host busy for long."""


class NeverMergeDocument(WordDocument):
    """An owner's word that rows are two people (docs/formats/never-merge.md).

    Attributes:
        never_merge: Version of the document format.
        at: When it was signed, so that no two words are the same document.
        pairs: Upload digest and row number of one row, and of the other.
    """

    never_merge: Literal[1]
    at: AwareDatetime
    pairs: Annotated[
        tuple[tuple[_Digest, _Number, _Digest, _Number], ...],
        Field(min_length=1, max_length=MOST_PAIRS),
    ]


@dataclass(frozen=True, slots=True)
class Decided:
    """What became of a decision.

    Attributes:
        pairs: How many pairs are recorded with it.
        known: How many of its pairs had been recorded before.
        entry: The ledger entry; None if every pair had been.
    """

    pairs: int
    known: int
    entry: EntryIndex | None


def sign_never(
    pairs: Iterable[tuple[Source, Source]],
    *,
    partner: PartnerSlug,
    origin: str,
    sign_key: bytes,
    at: datetime,
) -> str:
    """An owner's signed word that each of these pairs is two people.

    Args:
        pairs: Of the owner's own rows.
        partner, origin: The owner, and the consortium it is for.
        sign_key: The owner's private `sign` key.
        at: Now.

    Raises:
        UsageError: There is no pair, or more than `MOST_PAIRS`.
    """
    lines = sorted(
        f'  ["{one[0].hex()}", {one[1]}, "{other[0].hex()}", {other[1]}],'
        for one, other in map(sorted, pairs)
    )
    if not lines:
        raise UsageError("nothing is said to be two people", hint="Mark some rows first.")
    if len(set(lines)) > MOST_PAIRS:
        raise UsageError(
            f"more than {MOST_PAIRS:,} pairs are said to be two people",
            hint="Answer in parts: a sheet with some of the groups, then one with the others.",
        )
    head = ["never_merge = 1", f'partner = "{partner}"', f"at = {at.astimezone(UTC).isoformat()}"]
    text = "\n".join([*head, "pairs = [", *dict.fromkeys(lines), "]", ""])
    signer = signed.partner_signer(partner, sign_key=sign_key)
    return signed.sign_document(KIND, text, origin=origin, signer=signer)


def record(
    database: Database, answer: str, *, card: ConsortiumCard, clock: Clock, name: str
) -> Decided:
    """Record an owner's signed word.

    What it returns and refuses depends on the owner's own rows alone.

    Args:
        database: The store.
        answer: The signed note.
        card: The consortium's card.
        clock: What time it is.
        name: What messages call the document.

    Raises:
        EvidenceError: Not signed by the partner it names, or altered.
        DocumentError: It is malformed.
        NotFound: No such partner; or one of the rows is not there, or not that partner's.
        StateConflict: The partner has taken this very document back.
    """
    with database.write() as tx:
        document, word = open_word(
            tx, answer, kind=KIND, model=NeverMergeDocument, card=card, name=name
        )
        said = next((d for d in decisions.all_of(tx) if d.digest == word.digest), None)
        if said is not None:
            _refuse_taken_back(said, name)
            return Decided(0, len(document.pairs), None)
        wanted = [
            ((_digest(one), number), (_digest(other), other_number))
            for one, number, other, other_number in document.pairs
        ]
        found = decisions.named(tx, {source for pair in wanted for source in pair})
        if any(s not in found or found[s].owner != word.partner for pair in wanted for s in pair):
            raise NotFound(
                f"{name} names a row that is not in a list of {word.partner} that counts",
                hint=f"Make the questions anew: consortium merge pairs {word.partner}",
            )
        rows = [(found[one], found[other]) for one, other in wanted]
        return _decide(tx, rows, word=word, clock=clock)


def say_never(database: Database, one: str, other: str, *, clock: Clock) -> Decided:
    """Record the operator's word that two rows are two people.

    Args:
        database: The store.
        one, other: The rows, as `row_of` reads them.
        clock: What time it is.

    Raises:
        UsageError: Not two rows, or rows that could never meet.
        NotFound: One of them is not there.
    """
    with database.write() as tx:
        return _decide(tx, [(row_of(tx, one), row_of(tx, other))], word=OPERATORS, clock=clock)


def split(database: Database, rows: Sequence[str], *, clock: Clock) -> Decided:
    """Record the operator's word that these rows of a person are not the person of the others.

    Args:
        database: The store.
        rows: Rows of one person of the generation in use, as `row_of` reads them.
        clock: What time it is.

    Raises:
        UsageError: They are not of one person.
        NotFound: One of them is not there, or not merged.
        StateConflict: The person has no other rows.
    """
    with database.write() as tx:
        generation = state.merge_generation(tx)
        chosen = [row_of(tx, name) for name in dict.fromkeys(rows)]
        persons = {merges.person_of_row(tx, row.id, generation=generation) for row in chosen}
        if len(persons) != 1:
            raise UsageError(
                "these rows are not of one person",
                hint="See who is with whom: consortium merge show ROW",
            )
        everyone = _rows_of(tx, persons.pop(), generation)
        others = [row for row in everyone if row.source not in {r.source for r in chosen}]
        if not others:
            raise StateConflict("the person has no rows but these, so there is nothing to split")
        return _decide(tx, list(product(chosen, others)), word=OPERATORS, clock=clock)


def person_of(database: Database, name: str) -> list[NamedRow]:
    """Every row of the person whom a row belongs to, in the generation in use.

    Args:
        database: The store.
        name: The row, as `row_of` reads it; or a message, `m-1182`, for the row it rests on.

    Raises:
        UsageError: It names neither.
        NotFound: The row is not there, or not merged.
    """
    with database.read() as tx:
        generation = state.merge_generation(tx)
        if _MESSAGE.fullmatch(name):
            row = SourceRowId(history.message(tx, name).row_id)
        else:
            row = row_of(tx, name).id
        person = merges.person_of_row(tx, row, generation=generation)
        return _rows_of(tx, person, generation)


def all_decisions(database: Database) -> list[DecisionRecord]:
    """Every decision, oldest first."""
    with database.read() as tx:
        return decisions.all_of(tx)


def row_of(tx: Tx, name: str) -> NamedRow:
    """The row that people call `u-0042:17`: row 17 of upload u-0042.

    Raises:
        UsageError: That is no name of a row.
        NotFound: There is no such row in a list that counts.
    """
    found = _ROW.fullmatch(name)
    if found is None:
        raise UsageError(
            f"{quoted(name)} does not name a row", hint="Write it as u-0042:17, upload and row."
        )
    source = (uploads.get(tx, found[1]).digest, int(found[2]))
    row = decisions.named(tx, [source]).get(source)
    if row is None:
        raise NotFound(
            f"{found[1]} has no row {int(found[2])}, or counts no more",
            hint="See: consortium upload list",
        )
    return row


def _rows_of(tx: Tx, person: int, generation: int) -> list[NamedRow]:
    rows = merges.rows_of_person(tx, PersonId(person), generation=generation)
    return decisions.sources_of(tx, rows)


def _decide(
    tx: Tx, rows: Iterable[tuple[NamedRow, NamedRow]], *, word: Word, clock: Clock
) -> Decided:
    wanted = {(a.source, b.source): (a, b) for a, b in (_in_order(*pair) for pair in rows)}
    said = (pair for pair in decisions.pairs(tx) if pair.word_of == word.partner_id)
    known = {pair.sources for pair in said}.intersection(wanted)  # another's word spares nobody's
    new = [wanted[pair] for pair in sorted(wanted.keys() - known)]
    if not new:
        return Decided(0, len(known), None)
    now = clock.now()
    index = decisions.record(
        tx,
        new,
        said_by=word.by,
        partner_id=word.partner_id,
        digest=word.digest,
        entry=entries.never_merge_added(
            by=word.by,
            partner=word.partner,
            digest=word.digest,
            signature=word.signature,
            at=now,
        ),
        at=now,
    )
    return Decided(len(new), len(known), index)


def _in_order(a: NamedRow, b: NamedRow) -> tuple[NamedRow, NamedRow]:
    if a.source == b.source:
        raise UsageError("a row is not two people", hint="Name two rows.")
    if a.group != b.group:
        raise UsageError(
            f"rows of {a.owner} and {b.owner} never meet: they are of two firewall groups"
        )
    return (a, b) if a.source < b.source else (b, a)


def _refuse_taken_back(said: DecisionRecord, name: str) -> None:
    """No old word comes to life again because somebody has kept the file."""
    if said.taken_back is not None:
        raise StateConflict(
            f"{name} was taken back by {said.partner}, in ledger entry {said.taken_back}",
            hint="To say it anew, the partner signs the sheet again: consortium merge answer",
        )


def _digest(text: str) -> UploadDigest:
    return UploadDigest(bytes.fromhex(text))


class Never:
    """The never-merge pairs as a merge asks for them, component by component. Picklable.

    Args:
        found: Every pair that was said.
    """

    def __init__(self, found: Iterable[NeverRecord]) -> None:
        self._contents: set[bytes] = set()
        self._sources: dict[Source, set[Source]] = defaultdict(set)
        self._alike: dict[tuple[PartnerSlug, bytes], set[tuple[PartnerSlug, bytes]]] = defaultdict(
            set
        )
        for pair in found:
            self._contents.update(pair.contents)
            one, other = pair.sources
            self._sources[one].add(other)
            self._sources[other].add(one)
            a, b = zip(pair.owners, pair.contents, strict=True)
            if a != b:  # two rows that say the same are told apart by themselves alone
                self._alike[a].add(b)
                self._alike[b].add(a)

    def __bool__(self) -> bool:
        return bool(self._contents)

    def concerns(self, contents: Iterable[bytes]) -> bool:
        """Whether any row that says one of these (`MergeRow.content`) may be in a pair."""
        return not self._contents.isdisjoint(contents)

    def among(
        self, contents: Sequence[bytes], sources: Sequence[Source], owners: Sequence[PartnerSlug]
    ) -> list[NeverPair]:
        """The pairs of one component; what `evaluate` takes as `never`.

        Args:
            contents: What the component's rows say.
            sources, owners: What each is known as, and whose it is, in the same order.
        """
        named = [i for i, content in enumerate(contents) if content in self._contents]
        return [
            (sources[i], sources[j])
            for i, j in combinations(named, 2)
            if sources[j] in self._sources.get(sources[i], ())
            or (owners[j], contents[j]) in self._alike.get((owners[i], contents[i]), ())
        ]
