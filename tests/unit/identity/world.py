"""Made-up rows, and a consortium's database that holds them."""

from __future__ import annotations

from dataclasses import astuple, dataclass, replace
from datetime import UTC, date, datetime
from hashlib import sha256

from hypothesis import strategies as st

from consortium.identity import MergeResult, MergeRow, match_opener, run
from consortium.model import UploadState
from consortium.model.match_block import MatchBlock
from consortium.model.progress import Silent
from consortium.store import merges, rows, state, uploads
from consortium.store.engine import Database, Tx
from consortium.store.tables import metadata
from consortium.testing.clock import FakeClock
from consortium.tokens import names
from consortium.types import PartnerSlug, Token, UploadDigest
from consortium.vault.seal import RowSealer, SealContext

ORIGIN = "consortium.example/test"
MATCH_KEY = bytes(range(32))
START = datetime(2026, 10, 5, 12, tzinfo=UTC)
FIRST_ROLE = 900
"""E-mail addresses from this number on name a function, in whatever list they are."""


def digest(*parts: object) -> bytes:
    return sha256(repr(parts).encode()).digest()[:16]


def row(
    first: str = "",
    last: str = "",
    *,
    emails: tuple[int, ...] = (),
    phones: tuple[int, ...] = (),
    born: str = "",
    suffix: str = "",
    house: str = "",
    postcode: str = "",
    salt: object = "",
) -> MergeRow:
    """A row with its composites and content digest; `salt` makes two equal rows distinct."""
    block = MatchBlock(
        first=first,
        first_class=names.first_class(first),
        surname_code=names.surname_code(last),
        suffix=suffix,
        birth_date=born,
        house_number=house,
        postcode=postcode,
    )
    name = (block.first_class, last)
    whole = len(born) == len("YYYY-MM-DD")
    return MergeRow(
        content=digest(emails, phones, last, *astuple(block), salt),
        emails=emails,
        phones=phones,
        name_birth=digest(*name, born) if all(name) and whole else None,
        name_address=digest(*name, house, postcode) if all(name) and house and postcode else None,
        block=block,
    )


FIRSTS = ("", "mary", "marry", "john", "jhon", "jon", "beth", "elizabeth", "j")
LASTS = ("", "smith", "smyth", "jones")
BIRTHS = ("", "1950-03-04", "1950-03-05", "1950-04-03", "1980-03-04", "1980", "--03-04")


def claims(*, points: int = 5) -> st.SearchStrategy[MergeRow]:
    """Rows of few values, so that they meet, contradict and repeat each other often."""
    return _claims(points, FIRSTS, LASTS, BIRTHS, ("", "", "", "jr", "sr", "ii"))


def mild_claims(*, points: int = 6) -> st.SearchStrategy[MergeRow]:
    """Rows that seldom contradict each other, so that persons grow, split and join."""
    return _claims(
        points, ("mary", "mary", "mary", "john", ""), ("smith",), ("", "", "1980"), ("",)
    )


def _claims(
    points: int,
    firsts: tuple[str, ...],
    lasts: tuple[str, ...],
    births: tuple[str, ...],
    suffixes: tuple[str, ...],
) -> st.SearchStrategy[MergeRow]:
    return st.builds(
        row,
        st.sampled_from(firsts),
        st.sampled_from(lasts),
        emails=st.lists(st.integers(1, points), max_size=2, unique=True).map(tuple),
        phones=st.lists(st.integers(101, 100 + points), max_size=1).map(tuple),
        born=st.sampled_from(births),
        suffix=st.sampled_from(suffixes),
        house=st.sampled_from(("", "", "12")),
        postcode=st.sampled_from(("", "27000")),
        salt=st.integers(0, 2),
    )


@dataclass(slots=True)
class World:
    """A consortium; partners `p1` and `p2` share a firewall group, `q1` has its own."""

    database: Database
    clock: FakeClock
    next_upload: int = 1

    @classmethod
    def begin(cls, database: Database) -> World:
        with database.write() as tx:
            state.initialise(tx, name="test", origin=ORIGIN, card="", at=START)
            for slug, group in (("p1", "main"), ("p2", "main"), ("q1", "apart")):
                _admit(tx, slug, group)
        return cls(database, FakeClock())

    def upload(self, claims: list[MergeRow], *, partner: str = "p1") -> int:
        """Take rows in as an active upload; returns its id."""
        number, self.next_upload = self.next_upload, self.next_upload + 1
        name = UploadDigest(sha256(f"upload {number}".encode()).digest())
        salt = sha256(f"salt {number}".encode()).digest()
        sealer = RowSealer(
            MATCH_KEY,
            label="match",
            salt=salt,
            context=SealContext(ORIGIN, PartnerSlug(partner), name),
        )
        with self.database.write() as tx:
            upload = uploads.stage(
                tx,
                digest=name,
                partner_id={"p1": 1, "p2": 2, "q1": 3}[partner],
                list_name="list",
                layout="plain",
                obtained_on=date(2026, 10, 1),
                expires_on=None,
                signature=b"",
                data_salt=salt,
                match_salt=salt,
                epoch=1,
                profile=1,
                rows=len(claims),
                opt_outs=0,
                rejected=0,
                repeated=0,
                added_at=self.clock.now(),
            )
            if claims:
                staged = [_staged(i, c, sealer) for i, c in enumerate(claims, start=1)]
                rows.stage(tx, staged, upload_id=upload, epoch=1, profile=1)
            uploads.activate(tx, upload, at=self.clock.now())
        return upload

    def withdraw(self, upload: int) -> None:
        with self.database.write() as tx:
            uploads.end(tx, upload, state=UploadState.WITHDRAWN, at=self.clock.now())

    def erase(self, upload: int) -> None:
        """Delete the rows of an ended upload."""
        with self.database.write() as tx:
            while rows.delete_some(tx, upload, limit=2):
                pass

    def merge(self, *, full: bool = False) -> MergeResult:
        self.clock.sleep(1)
        return run(
            self.database,
            match_opener=match_opener(MATCH_KEY),
            clock=self.clock,
            observer=Silent(),
            full=full,
        )

    def persons(self) -> set[frozenset[tuple[int, int]]]:
        """The persons in use, each a set of (upload, row number)."""
        table = metadata.tables["consortium_source_row"]
        with self.database.read() as tx:
            generation = state.merge_generation(tx)
            where = {
                r.id: (r.upload_id, r.number)
                for r in tx.execute(table.select().with_only_columns(*table.c[:3]))
            }
            found: dict[int, set[tuple[int, int]]] = {}
            for person, row_id in merges.persons(tx, generation):
                found.setdefault(person, set()).add(where[row_id])
        return {frozenset(members) for members in found.values()}

    def ids(self) -> dict[tuple[int, int], int]:
        """The person id of every (upload, row number)."""
        table = metadata.tables["consortium_source_row"]
        with self.database.read() as tx:
            people = {r: p for p, r in merges.persons(tx, state.merge_generation(tx))}
            return {
                (r.upload_id, r.number): people[r.id]
                for r in tx.execute(table.select().with_only_columns(*table.c[:3]))
                if r.id in people
            }


def _admit(tx: Tx, slug: str, group: str) -> None:
    tx.execute(
        metadata.tables["consortium_partner"].insert(),
        {
            "slug": slug,
            "name": slug,
            "postal_address": "",
            "from_address": "",
            "sign_key": bytes(32),
            "receive_key": bytes(32),
            "firewall_group": group,
            "admitted_at": START,
            "entry": 0,
        },
    )


def _staged(number: int, claim: MergeRow, sealer: RowSealer) -> rows.StagedRow:
    points = [
        (kind, _token(kind, point))
        for kind, held in (("email", claim.emails), ("phone", claim.phones))
        for point in held
    ]
    return rows.StagedRow(
        number=number,
        content=claim.content,
        relationship="supporter",
        country="US",
        state="",
        postcode="",
        zones="",
        language="",
        email_basis="none",
        email_on=None,
        sms_basis="none",
        sms_on=None,
        name_birth=claim.name_birth,
        name_address=claim.name_address,
        match_block=sealer.seal(claim.block.encode(), number=number),
        details=b"",
        record_id=None,
        points=tuple(points),
        roles=frozenset(
            ("email", _token("email", point)) for point in claim.emails if point >= FIRST_ROLE
        ),
    )


def _token(kind: str, point: int) -> Token:
    return Token(sha256(f"{kind} {point}".encode()).digest())


def unlike(claim: MergeRow, **changes: str) -> MergeRow:
    """The same row with another match block."""
    return replace(claim, block=replace(claim.block, **changes))
