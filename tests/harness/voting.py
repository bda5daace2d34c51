"""A consortium with persons and a voter file, made of real packs and merges.

Everybody is made up: person 7 is Carla Q7smith, born in 1957, of 107 in 97214. `nc_file` writes
them in North Carolina's layout, `ballot_file` as members of a union.
"""

from __future__ import annotations

import csv
import hashlib
import io
import os
import signal
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from consortium import identity, voters
from consortium.clock import SystemClock
from consortium.identity import MergeResult
from consortium.model import Consent, ConsentBasis, PackRow, Places, Purpose, Silent
from consortium.store import state
from consortium.store.engine import Database
from consortium.testing.clock import FakeClock
from consortium.testing.house import House, PartnerDouble
from consortium.tokens import HmacTokeniser, Profile
from consortium.types import PartnerSlug
from consortium.vault import cards
from consortium.voters import LoadResult, MatchResult, RawVoters, ReturnedResult, VoterFile

UNTIL = date(2026, 12, 31)
FIRSTS = ("Carla", "Deborah", "Nancy", "Ruth", "Gloria", "Walter", "Harold", "Arthur", "Bruce")
NC = [
    "county_desc",
    "voter_reg_num",
    "ncid",
    "last_name",
    "first_name",
    "name_suffix_lbl",
    "status_cd",
    "res_street_address",
    "zip_code",
    "full_phone_number",
    "birth_year",
    "precinct_abbrv",
    "precinct_desc",
    "municipality_desc",
    "cong_dist_abbrv",
]
BALLOT = [
    "Membership Number",
    "Forename",
    "Surname",
    "Date of Birth",
    "Address Line 1",
    "Postcode",
    "Mobile",
    "Personal Email",
    "Employer",
    "Workplace",
    "Grade",
    "Branch",
    "In Ballot",
]


def letters(number: int) -> str:
    """A surname of its own for each number: the sounds differ, not only the letters."""
    sounds = ("b", "k", "d", "l", "m", "r")
    found = "V"
    while True:
        found += "a" + sounds[number % 6]
        number //= 6
        if not number:
            return found.title()


def someone(number: int, *, email: str | None = None, **changes: object) -> PackRow:
    """A row of person `number`."""
    fields: dict[str, object] = {
        "number": number,
        "emails": (email or f"p{number}@example.org",),
        "first_name": FIRSTS[number % len(FIRSTS)],
        "last_name": letters(number),
        "birth_date": f"{1950 + number % 40}-03-{1 + number % 28:02d}",
        "house_number": str(100 + number),
        "places": Places("US", "NC", "27012"),
        "email_consent": Consent(ConsentBasis.EXPRESS, date(2026, 1, 5)),
    }
    return PackRow(**{**fields, **changes})  # type: ignore[arg-type] # a test's own fields


def nc_row(number: int, **changes: str) -> list[str]:
    """Person `number` in North Carolina's file; odd ones in precinct 01-01, even ones in 02."""
    fields = {
        "county_desc": "WAKE" if number % 10 else "DURHAM",
        "voter_reg_num": f"{number:012d}",
        "ncid": f"AA{number}",
        "last_name": letters(number).upper(),
        "first_name": FIRSTS[number % len(FIRSTS)].upper(),
        "status_cd": "A",
        "res_street_address": f"{100 + number} OAK ST",
        "zip_code": "27012",
        "birth_year": str(1950 + number % 40),
        "precinct_abbrv": "01-01" if number % 2 else "02",
        "precinct_desc": "PRECINCT 01-01" if number % 2 else "PRECINCT 02",
        "municipality_desc": "RALEIGH",
        "cong_dist_abbrv": "4",
        **changes,
    }
    return [fields.get(header, "") for header in NC]


def ballot_row(number: int, **changes: str) -> list[str]:
    """Person `number` as a member of a union, at one of three workplaces."""
    fields = {
        "Membership Number": f"{1_000_000 + number}",
        "Forename": FIRSTS[number % len(FIRSTS)],
        "Surname": letters(number),
        "Date of Birth": f"{1 + number % 28:02d}/03/{1950 + number % 40}",
        "Address Line 1": f"{100 + number} High Street",
        "Employer": "Northmoor Hospitals Trust",
        "Workplace": f"Site {number % 3 + 1}",
        "Grade": "Band 5",
        "Branch": "Branch 1/3",
        "In Ballot": "Y",
        **changes,
    }
    return [fields.get(header, "") for header in BALLOT]


def voter_file(
    headers: Sequence[str], rows: Iterable[Sequence[str]], *, name: str = "voters.txt"
) -> VoterFile:
    """A file in memory."""
    held = [list(row) for row in rows]
    buffer = io.StringIO()
    csv.writer(buffer).writerows([list(headers), *held])

    def batches() -> Iterator[RawVoters]:
        for start in range(0, len(held), 100):
            part = held[start : start + 100]
            yield RawVoters(range(start + 2, start + 2 + len(part)), part)

    return VoterFile(
        name=name,
        digest=hashlib.sha256(buffer.getvalue().encode()).digest(),
        headers=tuple(headers),
        batches=batches,
        size_bytes=len(buffer.getvalue()),
    )


def nc_file(numbers: Iterable[int]) -> VoterFile:
    return voter_file(NC, [nc_row(number) for number in numbers])


def ballot_file(numbers: Iterable[int]) -> VoterFile:
    return voter_file(BALLOT, [ballot_row(number) for number in numbers])


@dataclass
class Polls:
    """A house with partners, whose lists can be merged and matched."""

    house: House
    clock: FakeClock
    desks: dict[str, PartnerDouble] = field(default_factory=dict)

    @classmethod
    def open(cls, database: Database, folder: Path, clock: FakeClock, *slugs: str) -> Polls:
        house = House(database, folder, clock=clock)
        with database.write() as tx:
            state.initialise(
                tx,
                name="Portland together",
                origin=house.card.origin,
                card=cards.encode_consortium(house.card, ledger_key=house.keys.open("ledger")),
                at=clock.now(),
            )
        return cls(house, clock, {slug: house.admit(slug) for slug in slugs})

    @property
    def database(self) -> Database:
        return self.house.database

    def list_of(self, slug: str, rows: Iterable[PackRow]) -> str:
        """Take a list in; returns the upload's name."""
        desk = self.desks[slug]
        header = desk.header()
        return self.house.add(desk.pack(rows, header=header, standing=True)).name

    def merge(self) -> MergeResult:
        return identity.run(
            self.database,
            match_opener=identity.match_opener(self.house.keys.open("match")),
            clock=self.clock,
            observer=Silent(),
        )

    def load(
        self,
        file: VoterFile,
        *licensed: str,
        purposes: Sequence[Purpose] = (Purpose.GOTV,),
        until: date = UNTIL,
        layout: str | None = None,
        register: str | None = None,
        history: VoterFile | None = None,
    ) -> LoadResult:
        return voters.load(
            self.database,
            file,
            licensed=[PartnerSlug(slug) for slug in licensed or ("nurses",)],
            purposes=purposes,
            until=until,
            consortium=self.house.card,
            tokeniser=self.house.tokeniser,
            profile=Profile(),
            match_key=self.house.keys.open("match"),
            clock=self.clock,
            layout=layout,
            register=register,
            history=history,
        )

    def match(self, *, full: bool = False) -> list[MatchResult]:
        return voters.match(
            self.database,
            match_key=self.house.keys.open("match"),
            clock=self.clock,
            full=full,
        )

    def returned(
        self,
        ids: Sequence[str],
        *,
        header: str = "ncid",
        register: str | None = None,
        column: str | None = None,
        hours: int = 0,
    ) -> ReturnedResult:
        return voters.read_returned(
            self.database,
            voter_file([header], [[one] for one in ids], name="returned.csv"),
            match_key=self.house.keys.open("match"),
            as_of=self.clock.now() - timedelta(hours=hours),
            clock=self.clock,
            register=register,
            column=column,
        )


def at(hour: int) -> datetime:
    """An hour of election day, UTC."""
    return datetime(2026, 11, 3, hour, tzinfo=UTC)


def die_loading(url: str, match_key: str, token_key: str, card: str, batches: str) -> None:
    """Load three thousand voters and be killed after so many hundreds, as `kill -9` does it."""
    file = nc_file(range(1, 3001))

    def cut() -> Iterator[RawVoters]:
        for number, batch in enumerate(file.batches()):
            if number == int(batches):
                os.kill(os.getpid(), signal.SIGKILL)
            yield batch
        os.kill(os.getpid(), signal.SIGKILL)

    sys.modules["consortium.voters.staging"]._RUN = 500  # so that some of it is written by then
    voters.load(
        Database.open(url),
        replace(file, batches=cut),
        licensed=[PartnerSlug("nurses")],
        purposes=[Purpose.GOTV],
        until=UNTIL,
        consortium=cards.decode_consortium(Path(card).read_text(encoding="utf-8")),
        tokeniser=HmacTokeniser(bytes.fromhex(token_key), epoch=1),
        profile=Profile(),
        match_key=bytes.fromhex(match_key),
        clock=SystemClock(),
    )


if __name__ == "__main__":
    die_loading(*sys.argv[1:])
