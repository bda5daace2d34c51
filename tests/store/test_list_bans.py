"""Opt-outs of a list: written early, in force late, and never in another one's way."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import event, text

from consortium.model import Channel, PackOptOut, Scope
from consortium.store import suppressions
from consortium.store.engine import Database
from consortium.store.suppressions import Ban, Request
from consortium.testing.house import House, PartnerDouble, row
from consortium.types import Token, UploadDigest
from consortium.vault.wraps import WrapStore


class Meanwhile(WrapStore):
    """Calls back when all of an upload is written and none of it counts."""

    def __init__(self, directory: Path, then: Callable[[], object]) -> None:
        super().__init__(directory)
        self._then = then

    def put(self, scope: str, *, upload: UploadDigest, wrap: bytes) -> None:
        super().put(scope, upload=upload, wrap=wrap)
        self._then()


def interrupted(house: House, then: Callable[[], object]) -> House:
    other = House(house.database, house.directory, clock=house.clock, keys=house.keys)
    other.card = house.card
    other.wraps = Meanwhile(house.directory / "wraps", then)
    return other


def token(house: House, address: str) -> Token:
    return house.tokeniser.contact("email", [address])[0]


def standing(house: House) -> dict[Token, list[Ban]]:
    found: dict[Token, list[Ban]] = {}
    with house.database.read() as tx:
        for (_, one), ban in suppressions.all_tokens(tx):
            found.setdefault(one, []).append(ban)
    return found


def written(house: House) -> int:
    with house.database.read() as tx:
        return int(tx.execute(text("SELECT count(*) FROM consortium_suppression")).scalar_one())


def ask(house: House, address: str, *, partner_id: int | None = None) -> None:
    request = Request(
        at=house.clock.now(),
        channel=Channel.EMAIL,
        scope=Scope.CONSORTIUM if partner_id is None else Scope.PARTNER,
        partner_id=partner_id,
        cause="asked",
        author="recipient",
    )
    with house.database.write() as tx:
        suppressions.ban(tx, request, [token(house, address)])


def test_a_lists_bans_are_written_before_it_counts_and_stand_from_then_on(
    house: House, nurses: PartnerDouble
) -> None:
    gone = [PackOptOut(n, (f"gone{n}@example.org",)) for n in range(1, 301)]
    seen: list[tuple[int, int]] = []
    busy = interrupted(house, lambda: seen.append((written(house), len(standing(house)))))
    upload = busy.add(nurses.pack(gone))
    assert seen == [(300, 0)]
    assert standing(house) == {
        token(house, f"gone{n}@example.org"): [Ban(Channel.EMAIL, upload.partner_id)]
        for n in range(1, 301)
    }


def test_mail_that_came_back_bans_the_address_and_an_opt_out_the_person(
    house: House, nurses: PartnerDouble
) -> None:
    both = [
        row(1, "ann@example.org", "ann@work.example.org"),
        row(2, "bo@example.org", "bo@work.example.org"),
    ]
    house.add(nurses.pack(both))
    house.add(
        nurses.pack(
            [
                PackOptOut(1, ("ann@example.org",), cause="bounced"),
                PackOptOut(2, ("bo@example.org",), cause="unsubscribed"),
            ]
        )
    )
    assert set(standing(house)) == {
        token(house, name) for name in ("ann@example.org", "bo@example.org", "bo@work.example.org")
    }


def test_an_opt_out_recorded_meanwhile_stands_whatever_becomes_of_the_list(
    house: House, nurses: PartnerDouble
) -> None:
    partner_id = house.add(nurses.pack([row(1, "ann@example.org")])).partner_id

    def then() -> None:
        ask(house, "gone@example.org", partner_id=partner_id)
        assert standing(house) == {
            token(house, "gone@example.org"): [Ban(Channel.EMAIL, partner_id)]
        }
        raise RuntimeError("and then it breaks")

    with pytest.raises(RuntimeError):
        interrupted(house, then).add(nurses.pack([PackOptOut(1, ("gone@example.org",))]))
    assert standing(house) == {token(house, "gone@example.org"): [Ban(Channel.EMAIL, partner_id)]}
    assert written(house) == 1


def test_a_list_that_fails_takes_back_every_ban_it_wrote(
    house: House, nurses: PartnerDouble
) -> None:
    def then() -> None:
        raise RuntimeError("it breaks")

    items = [PackOptOut(n, (f"gone{n}@example.org",)) for n in range(1, 900)]
    with pytest.raises(RuntimeError):
        interrupted(house, then).add(nurses.pack(items))
    assert written(house) == 0
    with house.database.read() as tx:
        assert tx.execute(text("SELECT count(*) FROM consortium_opt_out")).scalar() == 0


def test_a_ban_that_stands_is_not_written_again_by_every_nights_list(
    house: House, nurses: PartnerDouble
) -> None:
    for _ in range(3):
        house.add(nurses.pack([row(1, "ann@example.org"), PackOptOut(2, ("gone@example.org",))]))
    assert written(house) == 1
    house.withdraw("u-0001")
    assert len(standing(house)) == 1


def test_two_partners_lists_with_the_same_opt_outs_at_once_ban_for_both(
    house: House, nurses: PartnerDouble
) -> None:
    teachers = house.admit("teachers")
    items = [PackOptOut(n, (f"gone{n}@example.org",)) for n in range(1, 200)]
    packs = [double.pack(items) for double in (nurses, teachers)]
    failures: list[BaseException] = []
    start = threading.Barrier(2)

    def work(pack: object) -> None:
        try:
            start.wait()
            house.add(pack)  # type: ignore[arg-type]  # a stream
        except BaseException as error:  # noqa: BLE001 - told to the test's own thread
            failures.append(error)

    threads = [threading.Thread(target=work, args=(pack,)) for pack in packs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert {len(bans) for bans in standing(house).values()} == {2}
    assert len(standing(house)) == 199


def test_other_addresses_of_a_row_are_banned_with_it_across_the_list_and_before(
    house: House, nurses: PartnerDouble
) -> None:
    house.add(nurses.pack([row(1, "gone@example.org", "before@example.org")]))
    house.add(
        nurses.pack(
            [row(1, "gone@example.org", "now@example.org"), PackOptOut(2, ("gone@example.org",))]
        )
    )
    assert set(standing(house)) == {
        token(house, f"{name}@example.org") for name in ("gone", "before", "now")
    }


@contextmanager
def statements(database: Database) -> Iterator[list[str]]:
    seen: list[str] = []

    def note(_c: object, _k: object, statement: str, *_: object) -> None:
        seen.append(statement)

    event.listen(database.engine, "before_cursor_execute", note)
    yield seen
    event.remove(database.engine, "before_cursor_execute", note)


def test_making_a_list_count_takes_as_many_statements_with_many_opt_outs_as_with_one(
    house: House, nurses: PartnerDouble
) -> None:
    counts = []
    for many in (1, 400):
        items = [PackOptOut(n, (f"x{many}-{n}@example.org",)) for n in range(1, many + 1)]
        marks: list[int] = []
        with statements(house.database) as seen:
            busy = interrupted(house, lambda marks=marks, seen=seen: marks.append(len(seen)))
            busy.add(nurses.pack(items))
            counts.append(len(seen) - marks[-1])
    assert counts[1] <= counts[0] + 1  # the ledger's tree has grown by a level
