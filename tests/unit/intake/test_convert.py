from __future__ import annotations

import pickle
from collections.abc import Sequence
from dataclasses import replace
from datetime import date

import pytest

from consortium import workers
from consortium.errors import BadFile
from consortium.intake import convert
from consortium.intake.convert import Converted, Converter, Setup
from consortium.intake.normal import email_values, phone_values
from consortium.model import Channel, PackOptOut, PackRow
from consortium.model.match_block import MatchBlock
from consortium.store.staging import COMPOSITE_BYTES, TOKEN_BYTES, Point, StagedRow
from consortium.testing.house import row
from consortium.tokens import PROFILE, HmacTokeniser, Profile
from consortium.types import PartnerSlug, Token, UploadDigest
from consortium.vault.pack_file import LineBatch
from consortium.vault.pack_rows import encode_item, line_of
from consortium.vault.seal import Details, RowOpener, SealContext

CONTEXT = SealContext("example.org/portland", PartnerSlug("nurses"), UploadDigest(b"u" * 32))
DATA_KEY, MATCH_KEY, SALT = b"d" * 32, b"m" * 32, b"s" * 32
TOKENISER = HmacTokeniser(b"t" * 32, epoch=1)
SETUP = Setup(
    tokeniser=TOKENISER,
    profile=PROFILE,
    data_key=DATA_KEY,
    data_salt=SALT,
    match_key=MATCH_KEY,
    match_salt=SALT,
    context=CONTEXT,
    packed_on=date(2026, 11, 1),
)


def converted(items: Sequence[PackRow | PackOptOut]) -> Converted:
    return Converter(SETUP).convert([line_of(item) for item in items])


def stored_rows(items: Sequence[PackRow]) -> list[StagedRow]:
    """The rows with what they name."""
    made = converted(items)
    points: dict[int, list[tuple[int, Point, bool]]] = {n: [] for n in range(len(items))}
    tokens, phone, role, of, position = made.mentions
    for at, index in enumerate(of.tolist()):
        token = Token(tokens[at * TOKEN_BYTES : (at + 1) * TOKEN_BYTES])
        kind = "phone" if phone[at] else "email"
        points[index].append((int(position[at]), (kind, token), bool(role[at])))
    found = []
    for index, (tags, *columns) in enumerate(made.rows):
        named = sorted(points[index], key=lambda point: (point[1][0], point[0]))
        found.append(
            StagedRow(
                *columns,  # type: ignore[arg-type]  # as stored
                points=tuple(point for _, point, _ in named),
                roles=frozenset(point for _, point, role in named if role),
                tags=str(tags),
            )
        )
    return found


def details_of(sealed: bytes, number: int) -> Details:
    opener = RowOpener(DATA_KEY, label="details", salt=SALT, context=CONTEXT)
    return Details.decode(opener.open(sealed, number=number))


ANN = replace(row(4, "Ann.Miller+news@example.org", "ann@work.example"), phones=("+15032460100",))


def test_a_stored_row_holds_no_plain_personal_data() -> None:
    (stored,) = stored_rows([ANN])
    shown = repr(stored).lower()
    for personal in ("ann", "miller", "example", "2460100", "1980-02-03", "12a"):
        assert personal not in shown


def test_points_stand_in_the_order_of_the_details() -> None:
    (stored,) = stored_rows([ANN])
    details = details_of(stored.details, 4)
    assert [e.reveal() for e in details.emails] == list(ANN.emails)
    assert [p.reveal() for p in details.phones] == list(ANN.phones)
    mails = email_values([line_of(ANN)], profile=PROFILE)
    assert stored.points == (
        *(("email", t) for t in TOKENISER.contact("email", [m.canonical for m in mails])),
        *(("phone", t) for t in TOKENISER.contact("phone", ANN.phones)),
    )


def test_spellings_of_one_mailbox_become_one_point_with_the_first_address() -> None:
    twice = row(4, "ann+a@example.org", "ANN+b@example.org", "bob@example.org")
    (stored,) = stored_rows([twice])
    details = details_of(stored.details, 4)
    assert len(stored.points) == len(details.emails) == 2
    assert details.emails[0].reveal() == "ann+a@example.org"
    assert details.emails[1].reveal() == "bob@example.org"


def test_configured_domains_lose_their_dots_in_tokens_only() -> None:
    profile = Profile(1, frozenset({"post.example"}))
    dotted = row(1, "a.b@post.example")
    for rules, canonical in ((profile, "ab@post.example"), (PROFILE, "a.b@post.example")):
        (found,) = email_values([line_of(dotted)], profile=rules)
        assert found.canonical == canonical


def test_mailboxes_and_lines_of_an_office_are_marked_as_roles() -> None:
    office = replace(
        row(1, "ann@x.example", "info@x.example"), phones=("+18005550199", "+15032460100")
    )
    (stored,) = stored_rows([office])
    assert stored.roles == {stored.points[1], stored.points[2]}
    (person,) = stored_rows([ANN])
    assert person.roles == frozenset()


def test_the_content_digest_depends_on_the_person_and_not_on_number_or_consent() -> None:
    same = replace(
        ANN,
        number=9,
        emails=ANN.emails[::-1],
        sealed_record_id=b"",
        email_consent=row(1).sms_consent,
    )
    other = replace(ANN, number=10, birth_date="1980-02-04")
    first, second, third = stored_rows([ANN, same, other])
    assert first.content == second.content != third.content


def test_composites_need_all_their_parts() -> None:
    rows: list[PackRow] = [
        ANN,
        replace(ANN, number=5, birth_date="1980", house_number=""),
        replace(ANN, number=6, first_name="", last_name=""),
    ]
    whole, parts, nameless = stored_rows(rows)
    assert whole.name_birth is not None
    assert whole.name_address is not None
    assert (parts.name_birth, parts.name_address) == (None, None)
    assert (nameless.name_birth, nameless.name_address) == (None, None)


def test_the_match_block_is_folded_and_coded() -> None:
    (stored,) = stored_rows([replace(ANN, first_name="Élisabeth", suffix="jr")])
    opener = RowOpener(MATCH_KEY, label="match", salt=SALT, context=CONTEXT)
    block = MatchBlock.decode(opener.open(stored.match_block, number=4))
    assert block.first == "elisabeth"
    assert block.surname_code
    assert block.surname_code != "miller"
    assert (block.suffix, block.birth_date, block.house_number) == ("jr", "1980-02-03", "12")


def test_opt_outs_become_tokens_by_channel_and_cause() -> None:
    made = converted(
        [
            PackOptOut(3, ("gone@example.org",), ("+15032460100",)),
            PackOptOut(4, ("dead@example.org", "gone@example.org"), (), "bounced"),
        ]
    )
    mail = TOKENISER.contact("email", ["gone@example.org", "dead@example.org"])
    assert made.banned == [
        (Channel.EMAIL, "bounced", mail[1] + mail[0]),
        (Channel.EMAIL, "unsubscribed", mail[0]),
        (Channel.SMS, "unsubscribed", TOKENISER.contact("phone", ["+15032460100"])[0]),
    ]
    assert (made.rows, made.items) == ([], 2)


def test_tags_are_kept_apart_from_each_other() -> None:
    (stored,) = stored_rows([replace(ANN, tags=("door to door", "steward"))])
    assert stored.tags.split("\n") == ["door to door", "steward"]


def test_composites_are_indexed_under_the_rows_that_hold_them() -> None:
    rows = [replace(ANN, number=5, birth_date="1980", house_number=""), replace(ANN, number=6)]
    made, stored = converted(rows), stored_rows(rows)
    size = COMPOSITE_BYTES
    values = [made.keys.values[i : i + size] for i in range(0, len(made.keys.values), size)]
    assert sorted(zip(made.keys.row.tolist(), values, strict=True)) == sorted(
        (1, value) for value in (stored[1].name_birth, stored[1].name_address) if value
    )


def test_any_number_of_processes_gives_the_same_rows() -> None:
    batches = [
        LineBatch(n, b"".join(encode_item(one) + b"\n" for one in some))
        for n, some in enumerate(
            [[row(1, "a@example.org")], [row(2, "b@example.org"), PackOptOut(3, ("c@x.example",))]]
        )
    ]
    here, there = (
        list(workers.map_batches("consortium.intake.convert:make", SETUP, batches, workers=count))
        for count in (0, 2)
    )
    assert repr(here) == repr(there)
    assert [batch.items for batch in here] == [1, 2]


def test_a_row_becomes_the_same_whatever_stands_beside_it() -> None:
    single = [row(n, f"p{n}@example.org") for n in (1, 2)]
    alone = stored_rows(single)
    beside = stored_rows([*single, replace(ANN, number=3), row(4, "a+x@b.example", "a@b.example")])
    for one, other in zip(alone, beside, strict=False):
        assert one == other
    assert [len(stored.points) for stored in beside] == [1, 1, 3, 1]


def test_what_goes_to_a_process_never_shows_its_keys() -> None:
    shown = repr(SETUP) + repr(SETUP.tokeniser)
    assert "ttt" not in shown
    assert "ddd" not in shown
    assert "mmm" not in shown


def test_a_tokeniser_makes_the_same_tokens_in_another_process() -> None:
    again = pickle.loads(pickle.dumps(TOKENISER))
    assert again.contact("email", ["a@b.example"]) == TOKENISER.contact("email", ["a@b.example"])
    assert (again.epoch, again.profile) == (1, PROFILE)


def test_many_rows_with_one_birth_date_are_not_taken_for_a_filler() -> None:
    rows = [row(n, f"p{n}@example.org") for n in range(1, 500)]
    assert len(stored_rows(rows)) == 499


@pytest.mark.parametrize("number", ["5032460100", "+1 503 246 0100", "+15032460100x5", "+1", ""])
def test_only_whole_e164_numbers_become_tokens(number: str) -> None:
    with pytest.raises(BadFile, match=r"row 3 .* a telephone number"):
        phone_values([line_of(PackOptOut(3, (), (number,)))])


def test_no_rows_convert_to_no_rows() -> None:
    nothing = converted([])
    assert (nothing.rows, nothing.banned, nothing.items) == ([], [], 0)
    assert len(nothing.mentions.row) == len(nothing.keys.row) == 0


def test_a_setup_converts_batches_of_lines() -> None:
    (made,) = map(convert.make(SETUP), [LineBatch(1, encode_item(ANN) + b"\n")])
    assert made.rows[0][1] == ANN.number
