"""Taking packs in, on both databases: all or nothing, whatever happens on the way."""

from __future__ import annotations

import contextlib
import io
import json
import resource
import signal
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, event, text

from consortium import intake
from consortium.errors import (
    BadFile,
    ConsortiumError,
    EvidenceError,
    KeyFailure,
    NotFound,
    StateConflict,
    StoreFailure,
)
from consortium.model import Channel, PackOptOut, PackRow, UploadState
from consortium.model.match_block import MatchBlock
from consortium.store import ledger, rows, suppressions, uploads
from consortium.store.engine import Database
from consortium.testing.clock import FakeClock
from consortium.testing.house import House, PartnerDouble, row
from consortium.tokens import email
from consortium.types import SourceRowId
from consortium.vault.keys import public_half
from consortium.vault.seal import Details, RowOpener, SealContext
from consortium.vault.wrap import STANDING, open_owner_wrap, open_vault_wrap
from tests.harness.intaking import contents, counted, people, visible, wraps_of


@pytest.fixture
def house(database: Database, tmp_path: Path, clock: FakeClock) -> House:
    return House(database, tmp_path, clock=clock)


@pytest.fixture
def nurses(house: House) -> PartnerDouble:
    return house.admit("nurses")


def test_an_added_pack_counts_with_its_rows_opt_outs_wrap_and_entry(
    house: House, nurses: PartnerDouble
) -> None:
    pack = nurses.pack([*people(3), PackOptOut(9, ("gone@example.org",))])
    upload = house.add(pack)
    assert upload.name == "u-0001"
    assert upload.state is UploadState.ACTIVE
    assert (upload.rows, upload.opt_outs) == (3, 1)
    assert visible(house.database) == (1, 3, 1)
    assert wraps_of(house) == [f"{upload.digest.hex()}.wrap"]
    with house.database.read() as tx:
        entries = list(ledger.entries(tx, 0, ledger.size(tx)))
        entry = json.loads(entries[-1])
        assert upload.entry == len(entries) - 1
    assert entry["kind"] == "upload_added"
    assert entry["upload"] == upload.digest.hex()
    assert entry["rows"] == "1-49"


def test_of_a_withdrawn_upload_no_sealed_byte_or_token_is_left_in_the_files(
    house: House, nurses: PartnerDouble
) -> None:
    upload = house.add(nurses.pack(people(300)))
    kept = house.add(nurses.pack([row(1, "kept@example.org")]))
    with house.database.read() as tx:
        columns = "details, match_block, content"
        found = tx.execute(text(f"SELECT upload_id, {columns} FROM consortium_source_row")).all()
        tokens = tx.execute(text("SELECT token FROM consortium_contact_point")).scalars().all()
    gone = [bytes(v) for upload_id, *values in found if upload_id == upload.id for v in values]
    gone += [bytes(token) for token in tokens]
    intake.withdraw(house.database, upload.name, wraps=house.wraps, clock=house.clock)
    with house.database.read() as tx:
        left = {
            bytes(t)
            for t in tx.execute(text("SELECT token FROM consortium_contact_point")).scalars()
        }
    assert len(left) == 1
    assert wraps_of(house) == [f"{kept.digest.hex()}.wrap"]
    if house.database.file is not None:
        written = b"".join(
            p.read_bytes() for p in house.database.file.parent.glob("consortium.db*")
        )
        assert [g for g in gone if g in written and g not in left] == []


def test_role_addresses_are_known_to_merging_whoever_brings_them(
    house: House, nurses: PartnerDouble
) -> None:
    house.add(nurses.pack([row(1, "ann@union.example", "info@union.example")]))
    house.add(house.admit("tenants").pack([row(1, "INFO@union.example"), row(2, "bo@x.example")]))
    with house.database.read() as tx:
        (role,) = rows.role_points(tx)
        named = [p.row_id for part in rows.points_of_rows(tx) for p in part if p.point_id == role]
    assert len(named) == 2


def test_the_owner_opens_its_wrap_and_with_it_every_row(
    house: House, nurses: PartnerDouble
) -> None:
    upload = house.add(nurses.pack([row(4, "Ann@example.org", "ann@work.example", last="Müller")]))
    wrap = house.wraps.get("owner", upload=upload.digest)
    assert wrap is not None
    data_key = open_owner_wrap(
        wrap,
        key=nurses.keys.open("receive"),
        origin=house.card.origin,
        owner=upload.partner,
        upload=upload.digest,
    )
    with house.database.read() as tx:
        ((found,),) = list(rows.match_rows(tx))
        sealed = rows.details(tx, found.row_id)
        ((first, second),) = list(rows.points_of_rows(tx))
    opener = RowOpener(
        data_key,
        label="details",
        salt=sealed.data_salt,
        context=SealContext(house.card.origin, upload.partner, sealed.upload),
    )
    details = Details.decode(opener.open(sealed.details, number=sealed.number))
    assert [e.reveal() for e in details.emails] == ["Ann@example.org", "ann@work.example"]
    assert details.last_name.reveal() == "Müller"
    # A point's position is its address's place in the details.
    with house.database.read() as tx:
        tokens = rows.tokens_of_points(tx, [first.point_id, second.point_id])
    for point in (first, second):
        address = email.normalise(details.emails[point.position].reveal())
        assert isinstance(address, email.Email)
        (token,) = house.tokeniser.contact("email", [address.canonical])
        assert tokens[point.point_id] == ("email", token)


def test_match_blocks_open_with_the_match_key_and_hold_no_contact(
    house: House, nurses: PartnerDouble
) -> None:
    upload = house.add(nurses.pack([row(4, "ann@example.org", first="Beth")]))
    with house.database.read() as tx:
        ((found,),) = list(rows.match_rows(tx))
    opener = RowOpener(
        house.keys.open("match"),
        label="match",
        salt=upload.match_salt,
        context=SealContext(house.card.origin, upload.partner, upload.digest),
    )
    plain = opener.open(found.match_block, number=found.number)
    block = MatchBlock.decode(plain)
    assert (block.first, block.birth_date, block.postcode) == ("beth", "1980-02-03", "97214")
    assert b"example" not in plain
    assert found.name_birth is not None
    assert found.name_address is not None
    assert len(found.content) == len(found.name_birth) == 16


def test_one_mailbox_in_two_spellings_is_one_contact_point(
    house: House, nurses: PartnerDouble
) -> None:
    house.add(nurses.pack([row(1, "a.b+news@gmail.com", "ab@googlemail.com", "ab@gmail.com")]))
    with house.database.read() as tx:
        (points,) = list(rows.points_of_rows(tx))
    by_token = {p.point_id for p in points}
    canonical = set()
    for address in ("a.b+news@gmail.com", "ab@googlemail.com", "ab@gmail.com"):
        found = email.normalise(address)
        assert isinstance(found, email.Email)
        canonical.add(found.canonical)
    assert len(points) == len(by_token) == len(canonical)
    assert [p.position for p in points] == list(range(len(points)))


def test_a_standing_wrap_is_kept_and_opens_for_this_upload_only(
    house: House, nurses: PartnerDouble
) -> None:
    header = nurses.header()
    upload = house.add(nurses.pack(people(1), header=header, standing=True))
    wrap = house.wraps.get("standing", upload=upload.digest)
    assert wrap is not None
    place = {
        "key": house.keys.open("vault"),
        "origin": house.card.origin,
        "owner": upload.partner,
        "purpose": STANDING,
    }
    assert open_vault_wrap(wrap, upload=upload.digest, **place) == header.data_key  # type: ignore[arg-type] # as typed above
    other = house.add(nurses.pack(people(1), standing=True))
    with pytest.raises(EvidenceError):
        open_vault_wrap(wrap, upload=other.digest, **place)  # type: ignore[arg-type] # the same


def test_without_a_standing_approval_the_host_keeps_no_wrap_it_can_open(
    house: House, nurses: PartnerDouble
) -> None:
    upload = house.add(nurses.pack(people(2)))
    assert house.wraps.scopes() == ["owner"]
    wrap = house.wraps.get("owner", upload=upload.digest)
    assert wrap is not None
    for name in ("vault", "match", "token-1"):
        with pytest.raises(EvidenceError):
            open_owner_wrap(
                wrap,
                key=house.keys.open(name),
                origin=house.card.origin,
                owner=upload.partner,
                upload=upload.digest,
            )


def test_the_vault_key_is_not_asked_for_at_intake(house: House, nurses: PartnerDouble) -> None:
    pack = nurses.pack(people(2))
    house.keys.opened.clear()
    house.add(pack)
    assert set(house.keys.opened) == {"intake", "match", "token-1"}


# Transplants


def test_sealed_details_moved_to_another_row_or_upload_do_not_open(
    house: House, nurses: PartnerDouble
) -> None:
    headers = [nurses.header(), nurses.header()]
    first, second = (house.add(nurses.pack(people(2), header=h)) for h in headers)
    table = "consortium_source_row"
    with house.database.read() as tx:
        ids = [r.row_id for part in rows.match_rows(tx) for r in part]
    with house.database.write() as tx:
        for target, source in ((ids[0], ids[1]), (ids[2], ids[3])):
            tx.execute(
                text(
                    f"UPDATE {table} SET details = (SELECT details FROM {table} WHERE id = :s),"
                    f" match_block = (SELECT match_block FROM {table} WHERE id = :s) WHERE id = :t"
                ),
                {"s": source, "t": target},
            )
    for upload, header, row_id in ((first, headers[0], ids[0]), (second, headers[1], ids[2])):
        with house.database.read() as tx:
            sealed = rows.details(tx, SourceRowId(row_id))
            block = next(
                r for part in rows.match_rows(tx) for r in part if r.row_id == row_id
            ).match_block
        context = SealContext(house.card.origin, upload.partner, upload.digest)
        details = RowOpener(
            header.data_key, label="details", salt=upload.data_salt, context=context
        )
        match = RowOpener(
            house.keys.open("match"), label="match", salt=upload.match_salt, context=context
        )
        with pytest.raises(EvidenceError):
            details.open(sealed.details, number=sealed.number)
        with pytest.raises(EvidenceError):
            match.open(block, number=sealed.number)


def test_wraps_swapped_between_uploads_do_not_open(house: House, nurses: PartnerDouble) -> None:
    one, two = (house.add(nurses.pack(people(1))) for _ in range(2))
    wraps = {u.digest: house.wraps.get("owner", upload=u.digest) for u in (one, two)}
    for upload, other in ((one, two), (two, one)):
        wrap = wraps[other.digest]
        assert wrap is not None
        house.wraps.put("owner", upload=upload.digest, wrap=wrap)
        kept = house.wraps.get("owner", upload=upload.digest)
        assert kept is not None
        with pytest.raises(EvidenceError):
            open_owner_wrap(
                kept,
                key=nurses.keys.open("receive"),
                origin=house.card.origin,
                owner=upload.partner,
                upload=upload.digest,
            )


# Refusals leave nothing


def refused(house: House, pack: io.BytesIO, kind: type[ConsortiumError], match: str) -> None:
    before = contents(house.database), wraps_of(house)
    with pytest.raises(kind, match=match) as caught:
        house.add(pack, name="nurses.pack")
    assert (contents(house.database), wraps_of(house)) == before
    assert "@" not in f"{caught.value.message}{caught.value.hint}"


def test_the_same_pack_again_is_refused_and_named(house: House, nurses: PartnerDouble) -> None:
    pack = nurses.pack(people(2))
    house.add(pack)
    refused(house, pack, StateConflict, r"added on 2026-10-05: it is upload u-0001")
    house.withdraw("u-0001")
    refused(house, pack, StateConflict, r"u-0001, which is withdrawn now")


def test_the_same_list_packed_again_is_another_upload(house: House, nurses: PartnerDouble) -> None:
    assert house.add(nurses.pack(people(2))).digest != house.add(nurses.pack(people(2))).digest


def test_wrong_packs_are_refused_by_cause(
    house: House, nurses: PartnerDouble, tmp_path: Path
) -> None:
    good = nurses.pack(people(2)).getvalue()
    teachers = house.admit("teachers")
    stranger = house.partner("strangers")
    elsewhere = House(house.database, tmp_path / "x", clock=house.clock)
    theirs = replace(nurses, consortium=elsewhere.card)
    now = house.clock.now()
    cases = [
        (b"", BadFile, "nurses.pack is not a pack"),
        (good[:-9], BadFile, "cut short"),
        (good[:-9] + bytes(9), EvidenceError, "altered"),
        (theirs.pack(people(1)).getvalue(), BadFile, "another consortium"),
        (stranger.pack(people(1)).getvalue(), NotFound, '"strangers", which is not a partner'),
        (
            nurses.pack(people(1), sign_key=teachers.keys.open("sign")).getvalue(),
            EvidenceError,
            "names nurses and is signed by somebody else",
        ),
        (
            nurses.pack(people(1), header=nurses.header(profile=2)).getvalue(),
            BadFile,
            "rules this program does not know",
        ),
        (
            nurses.pack(
                people(1), header=nurses.header(obtained_on=now.date() + timedelta(days=3))
            ).getvalue(),
            BadFile,
            "has not come yet",
        ),
        (
            nurses.pack(
                people(1), header=nurses.header(created_at=now + timedelta(days=3))
            ).getvalue(),
            BadFile,
            "has not come yet",
        ),
        (
            nurses.pack(
                people(1), header=nurses.header(expires_on=now.date() - timedelta(days=1))
            ).getvalue(),
            BadFile,
            "expired on 2026-10-04",
        ),
    ]
    for data, kind, match in cases:
        refused(house, io.BytesIO(data), kind, match)
    assert house.add(io.BytesIO(good)).rows == 2


@pytest.mark.parametrize(
    ("bad", "what"),
    [
        (row(701, "ANN@EXAMPLE.ORG"), "an e-mail address"),
        (row(701, " ann@example.org"), "an e-mail address"),
        (row(701, "5d41402abc4b2a76b9719d911017c5925d41402abc4b2a76b9719d911017c592"), "e-mail"),
        (row(701, "ann@example.org\u200b"), "an e-mail address"),
        (replace(row(701), phones=("5035550100",)), "a telephone number"),
        (replace(row(701), phones=("+1 503 555 0100",)), "a telephone number"),
        (replace(row(701), phones=("+4402079460000",)), "a telephone number"),
        (row(701, "a@b.example", first=" Ann"), "a name"),
        (row(701, "a@b.example", first="0cc175b9c0f1b6a831c399e269772661"), "a name"),
        (replace(row(701, "a@b.example"), suffix="phd"), "the suffix"),
        (replace(row(701, "a@b.example"), house_number="12|97214"), "the house number"),
        (replace(row(701, "a@b.example"), birth_date="2031-01-01"), "the birth date"),
        (replace(row(701, "a@b.example"), birth_date="0300-01-01"), "the birth date"),
        (replace(row(701, "a@b.example"), language="English"), "the language"),
        (
            replace(
                row(701, "a@b.example"),
                email_consent=replace(row(1).email_consent, on=date(2026, 12, 1)),
            ),
            "the day of consent",
        ),
        (PackOptOut(701, ("GONE@EXAMPLE.ORG",)), "an e-mail address"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_value_that_is_not_normalised_refuses_the_whole_pack(
    house: House, nurses: PartnerDouble, bad: PackRow | PackOptOut, what: str
) -> None:
    pack = nurses.pack([*people(600), bad])
    refused(house, pack, BadFile, f"row 701 .*: .*{what}")
    assert visible(house.database) == (0, 0, 0)


def test_a_pipe_is_refused(house: House) -> None:
    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

    with pytest.raises(BadFile, match="is a pipe"):
        house.add(Pipe(b"x"))


def test_a_pack_that_changes_while_it_is_read_is_refused(
    house: House, nurses: PartnerDouble
) -> None:
    class Changing(io.BytesIO):
        turns = 0

        def seek(self, offset: int, whence: int = 0, /) -> int:
            self.turns += 1
            if self.turns == 2:
                super().seek(0)
                self.truncate()
                self.write(second)
            return super().seek(offset, whence)

    first, second = (nurses.pack(people(3)).getvalue() for _ in range(2))
    refused(house, Changing(first), BadFile, "changed while it was being read")


# Opt-outs


def test_a_lists_opt_outs_block_for_its_owner_by_channel(
    house: House, nurses: PartnerDouble
) -> None:
    upload = house.add(
        nurses.pack(
            [
                row(1, "gone@example.org", "still@example.org"),
                PackOptOut(2, ("gone@example.org",), ("+15032460100",), "spam_report"),
            ]
        )
    )
    gone, held = house.tokeniser.contact("email", ["gone@example.org", "still@example.org"])
    (number,) = house.tokeniser.contact("phone", ["+15032460100"])
    with house.database.read() as tx:
        found = dict(suppressions.all_tokens(tx))
        ((first, second),) = list(rows.points_of_rows(tx))
        on_points = suppressions.on_points(tx, [first.point_id, second.point_id])
        causes = tx.execute(text("SELECT cause, author, upload_id FROM consortium_opt_out")).all()
    own = suppressions.Ban(Channel.EMAIL, upload.partner_id)
    assert found == {
        ("email", gone): own,
        ("email", held): own,  # another address of the same row
        ("phone", number): suppressions.Ban(Channel.SMS, upload.partner_id),
    }
    assert {ban for _, ban in on_points} == {own}
    assert set(causes) == {("spam_report", "partner", upload.id)}


def test_suppressions_survive_withdrawal_and_the_same_opt_outs_again(
    house: House, nurses: PartnerDouble
) -> None:
    items = [*people(2), PackOptOut(9, ("gone@example.org",))]
    house.add(nurses.pack(items))
    house.add(nurses.pack(items))
    house.withdraw("u-0001")
    house.withdraw("u-0002")
    assert visible(house.database) == (2, 0, 1)


# Withdrawal


def test_a_withdrawn_uploads_rows_tokens_and_wraps_are_gone(
    house: House, nurses: PartnerDouble
) -> None:
    kept = house.add(nurses.pack(people(3)))
    before = counted(house.database)
    gone = house.add(
        nurses.pack([*people(3), *(replace(r, number=r.number + 10) for r in people(3, start=50))])
    )
    ended = house.withdraw(gone.name)
    assert ended.state is UploadState.WITHDRAWN
    assert ended.erased
    assert ended.ended_at == house.clock.now()
    after = counted(house.database)
    for table in ("source_row", "row_contact", "contact_point"):
        assert after[f"consortium_{table}"] == before[f"consortium_{table}"]
    assert wraps_of(house) == [f"{kept.digest.hex()}.wrap"]
    assert gone.data_salt.hex() not in repr(contents(house.database))
    with house.database.read() as tx:
        kinds = [json.loads(e)["kind"] for e in ledger.entries(tx, 0, ledger.size(tx))]
    assert kinds[-2:] == ["upload_withdrawn", "upload_erased"]


def test_withdrawing_again_changes_nothing(house: House, nurses: PartnerDouble) -> None:
    house.add(nurses.pack(people(3)))
    first = house.withdraw("u-0001")
    before = contents(house.database)
    assert house.withdraw("u-0001") == first
    assert contents(house.database) == before


def test_withdrawal_goes_on_after_it_was_cut_off(house: House, nurses: PartnerDouble) -> None:
    upload = house.add(nurses.pack(people(700)))
    with house.database.write() as tx:
        uploads.end(tx, upload.id, state=UploadState.WITHDRAWN, at=house.clock.now())
    with house.database.write() as tx:
        assert rows.delete_some(tx, upload.id, limit=300) == 300
    assert house.sweep() == intake.Swept(erased=1)
    assert "consortium_source_row" not in counted(house.database)
    assert wraps_of(house) == []
    assert house.sweep() == intake.Swept()


def test_rows_of_an_upload_that_counts_are_never_deleted(
    house: House, nurses: PartnerDouble
) -> None:
    upload = house.add(nurses.pack(people(3)))
    with house.database.write() as tx:
        assert rows.delete_some(tx, upload.id, limit=100) == 0
        assert not uploads.mark_erased(tx, upload.id)
        assert not uploads.forget(tx, upload.id)
    assert visible(house.database) == (1, 3, 0)


def test_an_unknown_upload_is_not_found(house: House) -> None:
    for name in ("u-0007", "7", "u-", "u-abc", "", "u-9999999999999999999"):
        with pytest.raises(NotFound):
            house.withdraw(name)


def test_an_upload_expires_after_its_last_day(
    house: House, nurses: PartnerDouble, clock: FakeClock
) -> None:
    day = clock.now().date() + timedelta(days=2)
    upload = house.add(nurses.pack(people(3), header=nurses.header(expires_on=day)))
    house.add(nurses.pack(people(1)))
    clock.sleep(2 * 86400)
    assert intake.expire(house.database, wraps=house.wraps, clock=clock) == []
    clock.sleep(86400)
    (ended,) = intake.expire(house.database, wraps=house.wraps, clock=clock)
    assert (ended.id, ended.state, ended.erased) == (upload.id, UploadState.EXPIRED, True)
    assert visible(house.database) == (2, 1, 0)


# Accidents


class Accident(Exception):
    """Stands for whatever may happen in the middle."""


class Failing:
    """A tokeniser that works for a while."""

    epoch = 1

    def __init__(self, house: House, calls: int, error: BaseException) -> None:
        self._tokeniser, self._left, self._error = house.tokeniser, calls, error

    def contact(self, kind: str, values: Any) -> Any:  # noqa: ANN401 - a test's own
        self._left -= 1
        if self._left < 0:
            raise self._error
        return self._tokeniser.contact(kind, values)

    def composite(self, kind: str, values: Any) -> Any:  # noqa: ANN401 - a test's own
        return self._tokeniser.composite(kind, values)


@pytest.mark.parametrize("error", [Accident(), KeyboardInterrupt()], ids=["error", "ctrl-c"])
def test_an_error_in_the_middle_leaves_nothing(
    house: House, nurses: PartnerDouble, error: BaseException
) -> None:
    house.add(nurses.pack(people(3)))
    before = contents(house.database), wraps_of(house)
    pack = nurses.pack([*people(4500), PackOptOut(9000, ("gone@example.org",))])
    with pytest.raises(type(error)):
        intake.add(
            house.database,
            pack,
            identity=house.keys.open("intake"),
            consortium=house.card,
            tokeniser=Failing(house, 5, error),
            match_key=house.keys.open("match"),
            wraps=house.wraps,
            clock=house.clock,
        )
    assert (contents(house.database), wraps_of(house)) == before
    assert house.add(pack).rows == 4500


def test_wraps_that_cannot_be_written_leave_nothing(house: House, nurses: PartnerDouble) -> None:
    (house.directory / "wraps").write_text("a file where the folder should be")
    with pytest.raises(KeyFailure):
        house.add(nurses.pack(people(3)))
    assert visible(house.database) == (0, 0, 0)
    (house.directory / "wraps").unlink()
    house.sweep()
    assert "consortium_upload" not in counted(house.database)


def with_pragma(house: House, pragma: str) -> House:
    """The same house over connections of its own."""
    engine = create_engine(house.database.engine.url, connect_args={"timeout": 0.2})
    database = Database(engine)
    event.listen(engine, "connect", lambda c, _: c.execute(f"PRAGMA {pragma}").close())
    other = House(database, house.directory, clock=house.clock, keys=house.keys)
    other.card = house.card
    return other


@pytest.mark.parametrize(
    "case", [("query_only=0", True, "busy"), ("query_only=1", False, "read-only")]
)
def test_a_busy_or_read_only_database_gives_our_error_and_leaves_nothing(
    tmp_path: Path,
    sqlite_database: Database,
    clock: FakeClock,
    case: tuple[str, bool, str],
) -> None:
    pragma, held, match = case
    house = House(sqlite_database, tmp_path, clock=clock)
    pack = house.admit("nurses").pack(people(3))
    other = with_pragma(house, pragma)
    with (
        sqlite_database.write() if held else contextlib.nullcontext(),
        pytest.raises(StoreFailure, match=match),
    ):
        other.add(pack)
    other.database.close()
    assert visible(sqlite_database) == (0, 0, 0)
    assert house.add(pack).rows == 3


def test_a_full_database_gives_our_error_and_leaves_nothing(
    tmp_path: Path, sqlite_database: Database, clock: FakeClock
) -> None:
    house = House(sqlite_database, tmp_path, clock=clock)
    nurses = house.admit("nurses")
    house.add(nurses.pack(people(2)))
    pack = nurses.pack(people(3000, start=100))
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = visible(sqlite_database)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (600_000, limit[1]))
        with pytest.raises(StoreFailure):
            house.add(pack)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
        signal.signal(signal.SIGXFSZ, handler)
    assert visible(sqlite_database) == before
    house.sweep()
    assert counted(sqlite_database)["consortium_source_row"] == 2
    assert house.add(pack).rows == 3000


# What is written and shown


def test_no_personal_data_reaches_the_disk_or_a_text(
    tmp_path: Path, sqlite_database: Database, clock: FakeClock
) -> None:
    house = House(sqlite_database, tmp_path, clock=clock)
    nurses = house.admit("nurses")
    canary = replace(
        row(1, "canaryaddress@example.org", first="Canaryfirst", last="Canarylast"),
        phones=("+15032460199",),
        house_number="777777c",
    )
    pack = nurses.pack([canary, PackOptOut(2, ("canarygone@example.org",))])
    upload = house.add(pack)
    house.withdraw(house.add(nurses.pack([canary])).name)
    written = b"".join(p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()).lower()
    for mark in (
        b"canary",
        b"5032460199",
        b"777777c",
        nurses.header().origin[:0].encode() or b"canarygone",
    ):
        assert mark not in written
    assert "canary" not in f"{upload!r}".lower()


def test_the_result_is_the_same_for_known_and_unknown_contacts(
    house: House, nurses: PartnerDouble
) -> None:
    house.add(nurses.pack(people(50)))
    teachers = house.admit("teachers")
    known, unknown = (house.add(teachers.pack(people(50, start=start))) for start in (1, 5000))
    for field in ("state", "rows", "opt_outs", "rejected", "repeated", "list_name", "layout"):
        assert getattr(known, field) == getattr(unknown, field)
    assert public_half("receive", teachers.keys.open("receive")) == teachers.card.receive_key
