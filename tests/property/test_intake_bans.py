"""Opt-outs that come in with lists, in any order with everything else that makes or ends things.

A model beside the real thing: an opt-out stands from the moment its list counts and for ever; one
whose list never counted has never stood; and nothing that is on its way keeps another one out.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from sqlalchemy import text

from consortium.errors import KeyFailure
from consortium.model import Channel, PackOptOut, Scope, UploadState
from consortium.store import migrate, suppressions, uploads
from consortium.store.engine import Database
from consortium.store.suppressions import Request
from consortium.testing.clock import FakeClock
from consortium.testing.house import House, row
from consortium.types import UploadDigest
from consortium.vault.wraps import WrapStore

ADDRESSES = [f"p{n}@example.org" for n in range(5)]
some = st.lists(st.sampled_from(ADDRESSES), min_size=1, max_size=3, unique=True)
partner = st.sampled_from(["nurses", "teachers"])


class Crash(BaseException):
    """The process dies just before the upload would count."""


class _Interrupting(WrapStore):
    """Calls back when all of an upload is written and none of it counts."""

    def __init__(self, directory: Path, then: object) -> None:
        super().__init__(directory)
        self._then = then
        self._dead = False

    def put(self, scope: str, *, upload: UploadDigest, wrap: bytes) -> None:
        super().put(scope, upload=upload, wrap=wrap)
        assert callable(self._then)
        self._dead = True
        self._then()

    def drop_upload(self, upload: UploadDigest) -> int:
        """A dead process clears nothing away: what it wrote is left for a sweep."""
        if self._dead:
            raise KeyFailure("nobody is there any more")
        return super().drop_upload(upload)


class Bans(RuleBasedStateMachine):
    """Two partners' lists, recipients' own requests, crashes and withdrawals."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="consortium-bans-"))
        self.database = Database.open(f"sqlite:///{self.folder / 'consortium.db'}")
        migrate.create(self.database)
        self.house = House(self.database, self.folder, clock=FakeClock())
        self.partners = {slug: self.house.admit(slug) for slug in ("nurses", "teachers")}
        self.stands: set[tuple[str, str]] = set()  # (address, partner or "")
        self.uploads: list[tuple[str, str]] = []  # (name, partner) of active ones

    def teardown(self) -> None:
        self.database.close()
        shutil.rmtree(self.folder)

    def _pack(self, slug: str, gone: list[str]) -> object:
        double = self.partners[slug]
        # Rows of nobody who is banned anywhere, so that no person widens a ban.
        rows = [row(n, f"{slug}{n}@example.net") for n in (1, 2)]
        return double.pack([*rows, *(PackOptOut(9 + n, (a,)) for n, a in enumerate(gone))])

    @rule(slug=partner, gone=some, replacing=st.booleans())
    def add(self, slug: str, gone: list[str], replacing: bool) -> None:  # noqa: FBT001 - hypothesis names it
        mine = [name for name, owner in self.uploads if owner == slug]
        replaces = mine[0] if replacing and mine else None
        added = self.house.add(self._pack(slug, gone), replaces=replaces)  # type: ignore[arg-type]  # a stream
        self.uploads = [u for u in self.uploads if u[0] != replaces] + [(added.name, slug)]
        self.stands |= {(address, slug) for address in gone}

    @rule(slug=partner, gone=some, asked=some, crash=st.booleans())
    def add_while_people_ask(
        self,
        slug: str,
        gone: list[str],
        asked: list[str],
        crash: bool,  # noqa: FBT001 - hypothesis names it
    ) -> None:
        def meanwhile() -> None:
            self.check()
            for address in asked:
                self._ask(address, slug)
            self.check()
            if crash:
                raise Crash

        house = House(self.database, self.folder, clock=self.house.clock, keys=self.house.keys)
        house.card = self.house.card
        house.wraps = _Interrupting(self.folder / "wraps", meanwhile)
        try:
            added = house.add(self._pack(slug, gone))  # type: ignore[arg-type]  # a stream
        except Crash:
            return
        self.uploads.append((added.name, slug))
        self.stands |= {(address, slug) for address in gone}

    @rule(slug=st.sampled_from(["", "nurses", "teachers"]), gone=some)
    def ask(self, slug: str, gone: list[str]) -> None:
        for address in gone:
            self._ask(address, slug)

    @rule(data=st.data())
    def withdraw(self, data: st.DataObject) -> None:
        if self.uploads:
            chosen = data.draw(st.sampled_from(self.uploads))
            self.house.withdraw(chosen[0])
            self.uploads.remove(chosen)

    @rule()
    def sweep(self) -> None:
        self.house.sweep()

    def _ask(self, address: str, slug: str) -> None:
        request = Request(
            at=self.house.clock.now(),
            channel=Channel.EMAIL,
            scope=Scope.PARTNER if slug else Scope.CONSORTIUM,
            partner_id=self._partner_id(slug) if slug else None,
            cause="asked",
            author="recipient",
        )
        with self.database.write() as tx:
            suppressions.ban(tx, request, self.house.tokeniser.contact("email", [address]))
        self.stands.add((address, slug))

    def _partner_id(self, slug: str) -> int:
        with self.database.read() as tx:
            statement = text("SELECT id FROM consortium_partner WHERE slug = :slug")
            return int(tx.execute(statement, {"slug": slug}).scalar_one())

    @invariant()
    def check(self) -> None:
        tokens = dict(zip(self.house.tokeniser.contact("email", ADDRESSES), ADDRESSES, strict=True))
        ids = {self._partner_id(slug): slug for slug in ("nurses", "teachers")} | {None: ""}
        with self.database.read() as tx:
            found = {
                (tokens[t], ids[ban.partner_id]) for (_, t), ban in suppressions.all_tokens(tx)
            }
            asked = suppressions.on_tokens(tx, [("email", token) for token in tokens])
            active = uploads.all_of(tx, states=[UploadState.ACTIVE])
        assert found == self.stands
        assert {(tokens[p[1]], ids[ban.partner_id]) for p, ban in asked} == self.stands
        assert {upload.name for upload in active} == {name for name, _ in self.uploads}


Bans.TestCase.settings = settings(
    max_examples=20,
    stateful_step_count=12,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
TestBans = Bans.TestCase
