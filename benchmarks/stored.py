"""A consortium's database full of made-up rows, written straight into the tables.

For benchmarks of what comes after intake: no pack, no tokeniser, but rows, contact points and
sealed match blocks as intake leaves them, in lists of two partners. They are of 0.6 as many people,
one in eight of whom shares a telephone with the next; one row in six lacks an e-mail address, one
in three a telephone, and nearly half say something of their own: a nickname, no birth date, a move.
About 25 µs a row.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

import numpy as np

from consortium.model.match_block import MatchBlock
from consortium.store import migrate, state, uploads
from consortium.store.engine import Database, in_chunks
from consortium.store.tables import metadata
from consortium.tokens import names
from consortium.types import PartnerSlug, UploadDigest
from consortium.vault.seal import RowSealer, SealContext

ORIGIN = "consortium.example/benchmark"
MATCH_KEY = bytes(range(32))
START = datetime(2026, 10, 5, 12, tzinfo=UTC)
FIRSTS = [
    ("elizabeth", "beth"),
    ("james", "jim"),
    ("ana", "ana"),
    ("robert", "bob"),
    ("wei", "wei"),
    ("margaret", "peggy"),
    ("john", "jack"),
    ("linda", "linda"),
    ("omar", "omar"),
    ("rosa", "rosa"),
    ("peter", "pete"),
    ("siobhan", "siobhan"),
    ("jose", "pepe"),
    ("emma", "em"),
    ("liam", "liam"),
    ("katherine", "kate"),
    ("william", "bill"),
    ("ivan", "ivan"),
    ("chloe", "chloe"),
]  # fmt: skip - a table of pairs
LASTS = [
    f"{begin}{middle}{end}"
    for begin in ("smi", "ngu", "gar", "oka", "pat", "kim", "bro")
    for middle in ("", "an", "el", "or", "in", "ach", "ul", "er", "os", "ev")
    for end in ("th", "yen", "cia", "for")
]
_BIRTH_DAYS = 24_989  # a prime, as are parts of the numbers of names: few share name and birth
_POINT_COLUMNS = ("id", "kind", "token", "epoch", "profile", "role", "dead")
_ROW_COLUMNS = (
    "id",
    "upload_id",
    "number",
    "content",
    "relationship",
    "country",
    "state",
    "postcode",
    "zones",
    "language",
    "tags",
    "email_basis",
    "sms_basis",
    "name_birth",
    "name_address",
    "match_block",
    "details",
)  # fmt: skip - names only
_DETAILS = bytes(160)


class Stored:
    """A database being filled; people, contact points and rows are numbered from 1."""

    def __init__(self, database: Database, *, people: int, seed: int = 1) -> None:
        """Make the consortium, its partners and the contact points of all people."""
        self.database = database
        self.people = people
        self._random = np.random.default_rng(seed)
        self._uploads = 0
        self._rows = 0
        migrate.create(database)
        with database.write() as tx:
            state.initialise(tx, name="benchmark", origin=ORIGIN, card="", at=START)
            tx.execute(
                metadata.tables["consortium_partner"].insert(), [_partner("p1"), _partner("p2")]
            )
        in_chunks(database, "consortium_contact_point", _POINT_COLUMNS, self._points())

    def _points(self) -> Iterator[tuple[object, ...]]:
        for person in range(1, self.people + 1):
            for at, kind in ((2 * person, "email"), (2 * person + 1, "phone")):
                yield at, kind, at.to_bytes(32, "big"), 1, 1, False, False

    def upload(self, rows: int, *, partner: int = 1) -> int:
        """Take in one list of so many rows; returns the upload's id."""
        self._uploads += 1
        name = UploadDigest(sha256(f"upload {self._uploads}".encode()).digest())
        salt = sha256(f"salt {self._uploads}".encode()).digest()
        context = SealContext(ORIGIN, PartnerSlug(f"p{partner}"), name)
        sealer = RowSealer(MATCH_KEY, label="match", salt=salt, context=context)
        with self.database.write() as tx:
            upload = uploads.stage(
                tx,
                digest=name,
                partner_id=partner,
                list_name=f"list {self._uploads}",
                layout="plain",
                obtained_on=date(2026, 10, 1),
                expires_on=None,
                signature=b"",
                data_salt=salt,
                match_salt=salt,
                epoch=1,
                profile=1,
                rows=rows,
                opt_outs=0,
                rejected=0,
                repeated=0,
                added_at=START,
            )  # fmt: skip - one argument per column
        whom = self._random.integers(1, self.people + 1, rows)
        mess = self._random.random((rows, 3))
        before = self._rows
        self._rows += rows
        people = zip(whom.tolist(), mess.tolist(), strict=True)
        made = [
            _row(number, person, said, sealer)
            for number, (person, said) in enumerate(people, start=1)
        ]
        in_chunks(
            self.database,
            "consortium_source_row",
            _ROW_COLUMNS,
            ((before + row.number, upload, *row.values()) for row in made),
        )
        keys = ((value, before + row.number) for row in made for value in row.composites if value)
        in_chunks(self.database, "consortium_row_key", ("value", "row_id"), sorted(keys))
        points = ((point, before + row.number, 0) for row in made for point in row.points)
        columns = ("point_id", "row_id", "position")
        in_chunks(self.database, "consortium_row_contact", columns, sorted(points))
        with self.database.write() as tx:
            uploads.activate(tx, upload, at=START)
        return upload


def fill(url: str, rows: int, *, lists: int = 10) -> Stored:
    """A new database with `rows` rows in about `lists` lists."""
    stored = Stored(Database.open(url), people=max(10, int(rows * 0.6)))
    for i in range(lists):
        stored.upload(rows * (i + 1) // lists - rows * i // lists, partner=1 + i % 2)
    return stored


def sqlite(folder: Path) -> str:
    """The URL of a database in a folder."""
    return f"sqlite:///{folder / 'consortium.db'}"


def _partner(slug: str) -> dict[str, object]:
    return {
        "slug": slug,
        "name": slug,
        "postal_address": "",
        "from_address": "",
        "sign_key": bytes(32),
        "receive_key": bytes(32),
        "firewall_group": "main",
        "admitted_at": START,
        "entry": 0,
    }  # fmt: skip - one value per column


class _Row(NamedTuple):
    number: int
    content: bytes
    postcode: str
    composites: tuple[bytes | None, bytes]
    sealed: bytes
    points: list[int]

    def values(self) -> tuple[object, ...]:
        """From the number on, in the order of `_ROW_COLUMNS`."""
        said = (self.number, self.content, "supporter", "US", "", self.postcode, "", "en", "")
        return (*said, "none", "none", *self.composites, self.sealed, _DETAILS)


def _row(number: int, person: int, mess: list[float], sealer: RowSealer) -> _Row:
    formal, short = FIRSTS[person % len(FIRSTS)]
    last = LASTS[person // len(FIRSTS) % len(LASTS)]
    born = date.fromordinal(700_000 + person * 7919 % _BIRTH_DAYS).isoformat()
    other, lacking, odd = mess
    first = short if odd < 0.1 else formal
    born = "" if 0.1 < odd < 0.2 else born
    house = str(person * 31 % 9999) if odd < 0.75 else str(person * 17 % 9999)
    postcode = f"{10_000 + person * 13 % 80_000:05d}"
    shares = person - person % 2 if person % 16 < 2 else person
    points = [2 * person] if lacking > 0.16 else []
    if not points or other > 0.33:
        points.append(2 * max(shares, 1) + 1)
    block = MatchBlock(
        first=first,
        first_class=_first_class(first),
        surname_code=_surname_code(last),
        birth_date=born,
        house_number=house,
        postcode=postcode,
    )
    said = block.encode()
    composites = (
        _digest(block.first_class, last, born) if born else None,
        _digest(block.first_class, last, house, postcode),
    )
    content = _digest(said, points, last)
    return _Row(number, content, postcode, composites, sealer.seal(said, number=number), points)


def _digest(*parts: object) -> bytes:
    return sha256(repr(parts).encode()).digest()[:16]


_first_class = {name: names.first_class(name) for pair in FIRSTS for name in pair}.__getitem__
_surname_code = {name: names.surname_code(name) for name in LASTS}.__getitem__
