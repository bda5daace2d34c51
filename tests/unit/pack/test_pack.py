"""Packing a list on the partner's own machine."""

from __future__ import annotations

import stat
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from consortium.errors import BadFile, EvidenceError, KeyFailure, StateConflict, UsageError
from consortium.model import Consent, ConsentBasis, PackOptOut, PackRow
from consortium.pack import Stated, open_record_id
from consortium.types import PartnerSlug
from consortium.vault.pack_file import PackReader
from consortium.vault.wrap import STANDING, open_vault_wrap
from tests.unit.pack.conftest import Desk

LIST = (
    "email,first_name,can2_phone,can2_subscription_status,can2_user_tags,uuid\n"
    "a@mail.example.org,Ana,503-555-0101,subscribed,vip,900-A\n"
    "d@mail.example.org,Di,,unsubscribed,vip,900-D\n"
    "broken,Flo,,subscribed,vip,900-F\n"
    "b@mail.example.org,Bo,503-555-0102,subscribed,vip,\n"
    "A@mail.example.org,Ana,503-555-0101,subscribed,vip,900-Z\n"
)


def left(desk: Desk) -> set[str]:
    return {p.name for p in desk.folder.iterdir()}


def test_a_pack_opens_at_the_host_and_says_what_was_in_the_list(desk: Desk) -> None:
    result = desk.pack(desk.write(LIST), expires_on=date(2027, 1, 1))
    header, items, trailer = desk.unpack(result.path)
    assert (header.origin, header.partner) == (desk.card.origin, "nurses")
    assert (header.list_name, header.layout, header.profile) == ("members", "action-network", 1)
    assert (header.obtained_on, header.expires_on) == (date(2026, 8, 30), date(2027, 1, 1))
    assert [type(i) for i in items] == [PackRow, PackOptOut, PackRow]
    assert [i.number for i in items] == [1, 2, 4]
    assert (trailer.counts.rows, trailer.counts.opt_outs) == (2, 1)
    assert (trailer.counts.rejected, trailer.counts.repeated) == (1, 1)
    assert trailer.counts == result.counts
    assert trailer.digest == result.digest
    assert trailer.standing_wrap is None
    assert result.report.rows == 5


def test_the_file_is_private_and_holds_nothing_in_clear(desk: Desk) -> None:
    result = desk.pack(desk.write(LIST))
    assert stat.S_IMODE(result.path.stat().st_mode) == 0o600
    assert result.size_bytes == result.path.stat().st_size
    data = result.path.read_bytes()
    for clear in (b"mail.example.org", b"900-A", b'"Ana"', b"nurses", b"5550101"):
        assert clear not in data


def test_only_the_owner_opens_its_record_ids(desk: Desk) -> None:
    result = desk.pack(desk.write(LIST))
    _, items, _ = desk.unpack(result.path)
    ana, _, bo = items
    assert isinstance(ana, PackRow)
    assert isinstance(bo, PackRow)
    assert b"900-A" not in ana.sealed_record_id
    assert bo.sealed_record_id == b""
    opened = open_record_id(
        ana.sealed_record_id,
        number=1,
        key=desk.receive.private_bytes_raw(),
        origin=desk.card.origin,
        owner=PartnerSlug("nurses"),
    )
    assert opened.reveal() == "900-A"
    for other in (desk.vault.private_bytes_raw(), bytes(range(32))):
        with pytest.raises(EvidenceError):
            open_record_id(
                ana.sealed_record_id,
                number=1,
                key=other,
                origin=desk.card.origin,
                owner=PartnerSlug("nurses"),
            )


def test_a_standing_approval_travels_as_a_wrap_to_the_vault(desk: Desk) -> None:
    result = desk.pack(desk.write(LIST), standing=True)
    header, _, trailer = desk.unpack(result.path)
    assert trailer.standing_wrap is not None
    data_key = open_vault_wrap(
        trailer.standing_wrap,
        key=desk.vault.private_bytes_raw(),
        origin=desk.card.origin,
        owner=PartnerSlug("nurses"),
        upload=trailer.digest,
        purpose=STANDING,
    )
    assert data_key == header.data_key


def test_two_packs_of_one_list_are_two_uploads_under_two_keys(desk: Desk) -> None:
    path = desk.write(LIST)
    one = desk.pack(path, out=desk.folder / "one.pack")
    two = desk.pack(path, out=desk.folder / "two.pack")
    assert one.digest != two.digest
    assert desk.unpack(one.path)[0].data_key != desk.unpack(two.path)[0].data_key


def test_statements_travel_with_the_rows(desk: Desk) -> None:
    path = desk.write("email\nana@mail.example.org\n")
    consent = Consent(ConsentBasis.MEMBERSHIP, date(2020, 1, 31))
    result = desk.pack(path, stated=Stated(email=consent))
    (row,) = desk.unpack(result.path)[1]
    assert isinstance(row, PackRow)
    assert row.email_consent == consent


def test_the_consortiums_profile_is_used(desk: Desk) -> None:
    text = "email\na.b@gmail.example.com\nab@gmail.example.com\n"
    assert desk.pack(desk.write(text)).counts.repeated == 1
    card = replace(desk.card, dot_insensitive_domains=())
    result = desk.pack(desk.write(text), card=card, out=desk.folder / "other.pack")
    assert result.counts.repeated == 0


def test_a_day_still_to_come_is_refused(desk: Desk) -> None:
    with pytest.raises(UsageError, match="2026-09-03: that day is still to come"):
        desk.pack(desk.write(LIST), obtained_on=date(2026, 9, 3))
    assert left(desk) == {"members.csv"}


def test_today_in_the_pacific_is_not_still_to_come(desk: Desk) -> None:
    evening = datetime(2026, 8, 31, 20, 0, tzinfo=UTC)
    desk.pack(desk.write(LIST), obtained_on=date(2026, 9, 1), now=evening)


def test_an_end_before_the_beginning_is_refused(desk: Desk) -> None:
    with pytest.raises(UsageError, match="before it was obtained"):
        desk.pack(desk.write(LIST), expires_on=date(2026, 8, 29))
    assert left(desk) == {"members.csv"}


def test_an_end_that_has_passed_is_refused(desk: Desk) -> None:
    with pytest.raises(UsageError, match="2026-08-31"):
        desk.pack(desk.write(LIST), expires_on=date(2026, 8, 31))
    desk.pack(desk.write(LIST), expires_on=date(2026, 9, 1))


@pytest.mark.parametrize("name", ["", "two\nlines", "x" * 201, "caf\udce9", "\x9b31m", "a\u202eb"])
def test_a_name_that_is_no_line_is_refused_and_leaves_nothing(desk: Desk, name: str) -> None:
    path = desk.write(LIST)
    with pytest.raises(UsageError, match="list_name"):
        desk.pack(path, list_name=name)
    assert list(desk.folder.iterdir()) == [path]


def test_a_list_with_nothing_usable_makes_no_pack(desk: Desk) -> None:
    with pytest.raises(BadFile, match="no row that could be sent"):
        desk.pack(desk.write("email\nbroken\nbroken too\n"))
    assert left(desk) == {"members.csv"}


def test_an_existing_file_is_never_replaced_unasked(desk: Desk) -> None:
    path, out = desk.write(LIST), desk.write("mine", "members.pack")
    with pytest.raises(StateConflict, match=r"already something called members\.pack"):
        desk.pack(path)
    assert out.read_text() == "mine"
    desk.pack(path, replace=True)
    assert desk.unpack(out)[2].counts.rows == 2


def test_a_directory_is_not_replaced_even_if_asked(desk: Desk) -> None:
    with pytest.raises(StateConflict):
        desk.pack(desk.write(LIST), out=desk.folder, replace=True)


def test_a_folder_that_is_not_there_is_said_to_be_the_trouble(desk: Desk) -> None:
    with pytest.raises(BadFile, match=r"members\.pack cannot be written"):
        desk.pack(desk.write(LIST), out=desk.folder / "gone" / "members.pack")


def test_nothing_is_left_when_the_list_changes_halfway(desk: Desk) -> None:
    many = "".join(f"p{i}@mail.example.org,P,,subscribed,,\n" for i in range(9000))
    path = desk.write(LIST + many)

    class Changer:
        def begin(self, label: str, total: int | None) -> None:
            pass

        def advance(self, steps: int, **facts: float | str) -> None:
            with path.open("a") as file:
                file.write("late@mail.example.org,L,,subscribed,,\n")

        def end(self) -> None:
            pass

    with pytest.raises(BadFile, match="changed while it was being read"):
        desk.pack(path, observer=Changer(), problems_to=desk.folder / "members.problems.csv")
    assert left(desk) == {"members.csv"}


def test_nothing_is_left_when_it_is_interrupted(desk: Desk) -> None:
    class Impatient:
        def begin(self, label: str, total: int | None) -> None:
            pass

        def advance(self, steps: int, **facts: float | str) -> None:
            raise KeyboardInterrupt

        def end(self) -> None:
            pass

    with pytest.raises(KeyboardInterrupt):
        desk.pack(desk.write(LIST), observer=Impatient())
    assert left(desk) == {"members.csv"}


@pytest.mark.parametrize("key", ["sign_key", "receive_key"])
def test_a_key_that_is_none_is_refused_and_leaves_nothing(desk: Desk, key: str) -> None:
    with pytest.raises(KeyFailure):
        desk.pack(desk.write(LIST), **{key: b"short"})
    assert left(desk) == {"members.csv"}


def test_another_signer_is_found_out_at_the_host(desk: Desk) -> None:
    stranger = Ed25519PrivateKey.generate()
    result = desk.pack(desk.write(LIST), sign_key=stranger.private_bytes_raw())
    with (
        result.path.open("rb") as stream,
        PackReader.open(
            stream, identity=desk.intake, origin=desk.card.origin, name="members.pack"
        ) as reader,
        pytest.raises(EvidenceError),
    ):
        reader.finish(desk.sign.public_key().public_bytes_raw())


FULL = """
import resource, signal, sys
from datetime import date, datetime, timezone
from pathlib import Path
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from consortium.errors import BadFile
from consortium.model import ConsortiumCard
from consortium.pack import pack
from consortium.vault import age
folder = Path(sys.argv[1])
receive = X25519PrivateKey.generate().public_key().public_bytes_raw()
card = ConsortiumCard("n", "o.example/c", age.recipient_of(age.new_identity()), receive, b"", b"")
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    pack(folder / "members.csv", list_name="l", obtained_on=date(2026, 1, 1), card=card,
         partner="nurses", sign_key=Ed25519PrivateKey.generate().private_bytes_raw(),
         receive_key=receive, out=folder / "members.pack",
         now=datetime(2026, 9, 1, tzinfo=timezone.utc))
except BadFile as error:
    print(error.message)
"""


def test_a_full_disk_is_said_and_leaves_nothing(desk: Desk) -> None:
    many = "".join(f"p{i}@mail.example.org\n" for i in range(20_000))
    desk.write("email\n" + many)
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(desk.folder)],
        capture_output=True, text=True, check=True, cwd=Path(__file__).parents[3],
    )  # fmt: skip
    assert "members.pack cannot be written" in done.stdout
    assert left(desk) == {"members.csv"}
