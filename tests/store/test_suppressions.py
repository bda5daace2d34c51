from __future__ import annotations

from pathlib import Path

from sqlalchemy import text

from consortium.identity import CROWD_ROWS
from consortium.model import Channel, PackRow, Scope
from consortium.store import rows, suppressions
from consortium.store.suppressions import Ban, Request
from consortium.testing.house import House, PartnerDouble, row
from consortium.types import Token


def request_of(house: House, *, partner_id: int | None = None) -> Request:
    return Request(
        at=house.clock.now(),
        channel=Channel.EMAIL,
        scope=Scope.CONSORTIUM if partner_id is None else Scope.PARTNER,
        partner_id=partner_id,
        cause="unsubscribed",
        author="recipient",
    )


def token(house: House, address: str) -> Token:
    return house.tokeniser.contact("email", [address])[0]


def banned(house: House) -> set[Token]:
    with house.database.read() as tx:
        return {found[1] for found, _ in suppressions.all_tokens(tx)}


def merge(house: House, groups: list[list[int]], *, generation: int = 1) -> None:
    """Make persons of row ids by hand."""
    with house.database.write() as tx:
        tx.execute(text("DELETE FROM consortium_state"))
        tx.execute(
            text(
                "INSERT INTO consortium_state (id, name, origin, card, created_at,"
                " merge_generation) VALUES (1, 'x', 'x', 'x', 0, :g)"
            ),
            {"g": generation},
        )
        tx.bulk(
            "consortium_membership",
            ("row_id", "from_generation", "to_generation", "person_id"),
            [(r, generation, None, n) for n, group in enumerate(groups) for r in group],
        )
        tx.bulk(
            "consortium_person_row",
            ("person_id", "row_id"),
            [(n, r) for n, group in enumerate(groups) for r in group],
        )


def test_an_opt_out_bans_its_token_even_if_nobody_has_it(house: House) -> None:
    wanted = token(house, "nobody@example.org")
    with house.database.write() as tx:
        suppressions.ban(tx, request_of(house), [wanted])
    assert banned(house) == {wanted}
    with house.database.read() as tx:
        assert suppressions.on_tokens(tx, [("email", wanted), ("phone", wanted)]) == [
            (("email", wanted), Ban(Channel.EMAIL, None))
        ]


def test_the_same_opt_out_twice_bans_once_and_is_recorded_twice(house: House) -> None:
    wanted = token(house, "ann@example.org")
    with house.database.write() as tx:
        first = suppressions.ban(tx, request_of(house), [wanted])
        assert suppressions.ban(tx, request_of(house), [wanted]) != first
    with house.database.read() as tx:
        assert len(list(suppressions.all_tokens(tx))) == 1
        assert tx.execute(text("SELECT opt_out_id FROM consortium_suppression")).scalar() == first


def test_a_wider_ban_stands_beside_a_narrower_one(house: House, nurses: PartnerDouble) -> None:
    assert nurses.card.slug == "nurses"
    wanted = token(house, "ann@example.org")
    with house.database.write() as tx:
        suppressions.ban(tx, request_of(house, partner_id=1), [wanted])
        suppressions.ban(tx, request_of(house), [wanted])
    with house.database.read() as tx:
        found = [ban for _, ban in suppressions.all_tokens(tx)]
    assert found == [Ban(Channel.EMAIL, 1), Ban(Channel.EMAIL, None)]


def test_an_opt_out_bans_the_other_addresses_of_the_persons_holding_it(
    house: House, nurses: PartnerDouble
) -> None:
    people: list[PackRow] = [
        row(1, "ann@example.org"),
        row(2, "ann@work.example"),
        row(3, "bob@example.org"),
    ]
    house.add(nurses.pack(people))
    with house.database.read() as tx:
        ids = [r.row_id for part in rows.match_rows(tx) for r in part]
    merge(house, [[ids[0], ids[1]], [ids[2]]])
    with house.database.write() as tx:
        suppressions.ban(tx, request_of(house), [token(house, "ann@example.org")])
    assert banned(house) == {token(house, a) for a in ("ann@example.org", "ann@work.example")}


def test_only_the_visible_generation_and_active_uploads_tell_who_holds_what(
    house: House, nurses: PartnerDouble
) -> None:
    house.add(nurses.pack([row(1, "ann@example.org"), row(2, "old@example.org")]))
    upload = house.add(nurses.pack([row(1, "ann@work.example")]))
    with house.database.read() as tx:
        ids = [r.row_id for part in rows.match_rows(tx) for r in part]
    merge(house, [ids], generation=1)
    with house.database.write() as tx:  # generation 2: the second row is somebody else
        tx.execute(
            text("UPDATE consortium_membership SET to_generation = 2 WHERE row_id = :r"),
            {"r": ids[1]},
        )
        tx.execute(text("UPDATE consortium_state SET merge_generation = 2"))
        tx.execute(
            text("UPDATE consortium_upload SET state = 'withdrawn' WHERE id = :u"),
            {"u": upload.id},
        )
    with house.database.read() as tx:
        held = suppressions.held_with(tx, [token(house, "ann@example.org")], kind="email")
    assert held == set()


def test_a_row_that_no_merge_has_seen_is_a_person_of_its_own(
    house: House, nurses: PartnerDouble
) -> None:
    house.add(nurses.pack([row(1, "ann@example.org", "ann@work.example")]))
    with house.database.write() as tx:
        suppressions.ban(tx, request_of(house), [token(house, "ann@work.example")])
    assert banned(house) == {token(house, a) for a in ("ann@example.org", "ann@work.example")}


def test_a_mailbox_on_more_rows_of_a_list_than_one_human_leads_to_none_of_them(
    house: House, nurses: PartnerDouble
) -> None:
    beside = [
        row(n, "desk@example.org", f"p{n}@example.org")
        for n in range(1, suppressions.MOST_ROWS + 2)
    ]
    house.add(nurses.pack(beside))
    house.add(nurses.pack([row(1, "desk@example.org", "ann@example.org")]))
    with house.database.write() as tx:
        suppressions.ban(tx, request_of(house), [token(house, "desk@example.org")])
    assert banned(house) == {token(house, a) for a in ("desk@example.org", "ann@example.org")}


def test_a_person_of_more_rows_of_a_list_than_one_human_leads_to_none_of_them(
    house: House, nurses: PartnerDouble
) -> None:
    chain = [
        row(n, f"p{n}@example.org", f"p{n + 1}@example.org")
        for n in range(1, suppressions.MOST_ROWS + 2)
    ]
    house.add(nurses.pack(chain))
    house.add(nurses.pack([row(1, "p7@example.org"), row(2, "ann@example.org")]))
    with house.database.read() as tx:
        ids = [r.row_id for part in rows.match_rows(tx) for r in part]
    merge(house, [ids])
    with house.database.write() as tx:
        suppressions.ban(tx, request_of(house), [token(house, "p7@example.org")])
    assert banned(house) == {
        token(house, a)
        for a in ("p6@example.org", "p7@example.org", "p8@example.org", "ann@example.org")
    }


def test_rows_are_too_many_for_an_opt_out_where_they_are_for_a_merge() -> None:
    assert suppressions.MOST_ROWS == CROWD_ROWS


def test_a_ban_is_found_by_contact_point_after_the_row_came_back(
    house: House, nurses: PartnerDouble
) -> None:
    with house.database.write() as tx:
        suppressions.ban(tx, request_of(house), [token(house, "ann@example.org")])
    house.add(nurses.pack([row(1, "ann@example.org"), row(2, "bob@example.org")]))
    with house.database.read() as tx:
        points = [p.point_id for part in rows.points_of_rows(tx) for p in part]
        found = suppressions.on_points(tx, points)
    assert [ban for _, ban in found] == [Ban(Channel.EMAIL, None)]


def test_no_verb_lifts_a_suppression() -> None:
    assert not [name for name in suppressions.__all__ if name.startswith(("lift", "del", "rem"))]
    source = Path(suppressions.__file__).read_text(encoding="utf-8")
    assert "delete(" not in source
    assert "update(" not in source
