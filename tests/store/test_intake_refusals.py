"""A pack that is refused leaves nothing, and the message says which and why."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from consortium.errors import BadFile, ConsortiumError, EvidenceError, NotFound, StateConflict
from consortium.model import PackOptOut, PackRow
from consortium.testing.house import House, PartnerDouble, row
from tests.harness.intaking import contents, people, visible, wraps_of


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
