from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from consortium.errors import BadFile
from consortium.intake.chunks import ChunkSize
from consortium.intake.convert import Converter
from consortium.intake.normal import RowChecker, email_values, phone_values
from consortium.model import PackOptOut, PackRow
from consortium.model.match_block import MatchBlock
from consortium.testing.house import row
from consortium.tokens import PROFILE, HmacTokeniser, Profile
from consortium.types import PartnerSlug, UploadDigest
from consortium.vault.seal import Details, RowOpener, RowSealer, SealContext

CONTEXT = SealContext("example.org/portland", PartnerSlug("nurses"), UploadDigest(b"u" * 32))
DATA_KEY, MATCH_KEY, SALT = b"d" * 32, b"m" * 32, b"s" * 32
TOKENISER = HmacTokeniser(b"t" * 32, epoch=1)


def converter() -> Converter:
    return Converter(
        tokeniser=TOKENISER,
        profile=PROFILE,
        details=RowSealer(DATA_KEY, label="details", salt=SALT, context=CONTEXT),
        match=RowSealer(MATCH_KEY, label="match", salt=SALT, context=CONTEXT),
        checker=RowChecker(date(2026, 11, 1)),
        upload_id=1,
    )


def details_of(sealed: bytes, number: int) -> Details:
    opener = RowOpener(DATA_KEY, label="details", salt=SALT, context=CONTEXT)
    return Details.decode(opener.open(sealed, number=number))


ANN = replace(row(4, "Ann.Miller+news@example.org", "ann@work.example"), phones=("+15032460100",))


def test_a_stored_row_holds_no_plain_personal_data() -> None:
    (stored,) = converter().rows([ANN])
    shown = repr(stored).lower()
    for personal in ("ann", "miller", "example", "2460100", "1980-02-03", "12a"):
        assert personal not in shown


def test_points_stand_in_the_order_of_the_details() -> None:
    (stored,) = converter().rows([ANN])
    details = details_of(stored.details, 4)
    assert [e.reveal() for e in details.emails] == list(ANN.emails)
    assert [p.reveal() for p in details.phones] == list(ANN.phones)
    (mails,) = email_values([ANN], profile=PROFILE)
    assert stored.points == (
        *(("email", t) for t in TOKENISER.contact("email", [m.canonical for m in mails])),
        *(("phone", t) for t in TOKENISER.contact("phone", ANN.phones)),
    )


def test_spellings_of_one_mailbox_become_one_point_with_the_first_address() -> None:
    twice = row(4, "ann+a@example.org", "ANN+b@example.org", "bob@example.org")
    (stored,) = converter().rows([twice])
    details = details_of(stored.details, 4)
    assert len(stored.points) == len(details.emails) == 2
    assert details.emails[0].reveal() == "ann+a@example.org"
    assert details.emails[1].reveal() == "bob@example.org"


def test_configured_domains_lose_their_dots_in_tokens_only() -> None:
    profile = Profile(1, frozenset({"post.example"}))
    dotted = row(1, "a.b@post.example")
    for rules, canonical in ((profile, "ab@post.example"), (PROFILE, "a.b@post.example")):
        (((found,),)) = email_values([dotted], profile=rules)
        assert found.canonical == canonical


def test_mailboxes_and_lines_of_an_office_are_marked_as_roles() -> None:
    office = replace(
        row(1, "ann@x.example", "info@x.example"), phones=("+18005550199", "+15032460100")
    )
    (stored,) = converter().rows([office])
    assert stored.roles == {stored.points[1], stored.points[2]}
    (person,) = converter().rows([ANN])
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
    first, second, third = converter().rows([ANN, same, other])
    assert first.content == second.content != third.content


def test_composites_need_all_their_parts() -> None:
    rows: list[PackRow] = [
        ANN,
        replace(ANN, number=5, birth_date="1980", house_number=""),
        replace(ANN, number=6, first_name="", last_name=""),
    ]
    whole, parts, nameless = converter().rows(rows)
    assert whole.name_birth is not None
    assert whole.name_address is not None
    assert (parts.name_birth, parts.name_address) == (None, None)
    assert (nameless.name_birth, nameless.name_address) == (None, None)


def test_the_match_block_is_folded_and_coded() -> None:
    (stored,) = converter().rows([replace(ANN, first_name="Élisabeth", suffix="jr")])
    opener = RowOpener(MATCH_KEY, label="match", salt=SALT, context=CONTEXT)
    block = MatchBlock.decode(opener.open(stored.match_block, number=4))
    assert block.first == "elisabeth"
    assert block.surname_code
    assert block.surname_code != "miller"
    assert (block.suffix, block.birth_date, block.house_number) == ("jr", "1980-02-03", "12")


def test_opt_outs_become_tokens_by_channel() -> None:
    (made,) = converter().opt_outs([PackOptOut(3, ("gone@example.org",), ("+15032460100",))])
    assert made.emails == tuple(TOKENISER.contact("email", ["gone@example.org"]))
    assert made.phones == tuple(TOKENISER.contact("phone", ["+15032460100"]))


def test_many_rows_with_one_birth_date_are_not_taken_for_a_filler() -> None:
    rows = [row(n, f"p{n}@example.org") for n in range(1, 500)]
    assert len(converter().rows(rows)) == 499


@pytest.mark.parametrize("number", ["5032460100", "+1 503 246 0100", "+15032460100x5", "+1", ""])
def test_only_whole_e164_numbers_become_tokens(number: str) -> None:
    with pytest.raises(BadFile, match=r"row 3 .* a telephone number"):
        phone_values([PackOptOut(3, (), (number,))])


def test_no_rows_convert_to_no_rows() -> None:
    assert converter().rows([]) == []
    assert converter().opt_outs([]) == []


def test_the_size_of_a_chunk_follows_the_time_it_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = iter([0.0, 0.001, 1.0, 1.5, 2.0, 2.5])
    monkeypatch.setattr("consortium.intake.chunks.time.perf_counter", lambda: next(ticks))
    size = ChunkSize()
    start = size.rows
    with size.timed():
        pass
    assert size.rows == 2 * start
    for _ in range(2):
        before = size.rows
        with size.timed():
            pass
        assert size.rows < before
