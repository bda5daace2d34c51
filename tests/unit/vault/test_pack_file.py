from __future__ import annotations

import io
import json
import tracemalloc
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from consortium.errors import BadFile, ConsortiumError, EvidenceError, KeyFailure, UsageError
from consortium.model import Consent, ConsentBasis, PackOptOut, PackRow, Places, Relationship
from consortium.types import PartnerSlug
from consortium.vault import age
from consortium.vault.keys import public_half
from consortium.vault.pack_file import PackHeader, PackItem, PackReader, Trailer, write_pack
from consortium.vault.pack_head import Counts, encode_header, encode_trailer, signed_bytes
from consortium.vault.pack_rows import (
    MAX_LINE_BYTES,
    decode_item,
    decode_lines,
    encode_item,
    encode_lines,
    item_of,
    line_of,
)
from consortium.vault.wrap import STANDING, open_vault_wrap

VECTOR = json.loads((Path(__file__).parents[2] / "vectors/pack.json").read_text(encoding="utf-8"))
IDENTITY = age.new_identity()
RECIPIENT = age.recipient_of(IDENTITY)
SIGN_KEY = bytes(range(32))
PUBLIC = public_half("sign", SIGN_KEY)
ORIGIN = "example.org/portland"
HEADER = PackHeader(
    origin=ORIGIN,
    partner=PartnerSlug("nurses"),
    list_name="members, “all”",
    obtained_on=date(2026, 10, 30),
    expires_on=date(2026, 11, 4),
    layout="action-network",
    profile=1,
    nonce=bytes(range(16)),
    data_key=bytes(range(32, 64)),
    created_at=datetime(2026, 11, 1, 18, 30, 5, tzinfo=UTC),
)
ROW = PackRow(
    number=3,
    emails=("Ann.Miller+news@example.org", "ann@work.example"),
    phones=("+15035550100",),
    first_name='Ann "Annie"',
    last_name="Müller\u2011Łukasz",
    suffix="jr",
    birth_date="1980-02-29",
    house_number="12a",
    places=Places("US", "OR", "97214"),
    language="en",
    relationship=Relationship.MEMBER,
    email_consent=Consent(ConsentBasis.EXPRESS, date(2025, 1, 31)),
    sms_consent=Consent(ConsentBasis.NONE),
    sealed_record_id=b"\x00\xffsealed",
    tags=("canvasser", "steward"),
)
OPT_OUT = PackOptOut(number=4, emails=("gone@example.org",), cause="spam_report")
ITEMS: list[PackItem] = [ROW, OPT_OUT, replace(ROW, number=9)]


def pack(items: Iterable[PackItem] = ITEMS, **changes: object) -> bytes:
    stream = io.BytesIO()
    arguments: dict[str, Any] = {  # a test changes any of them
        "header": HEADER,
        "items": items,
        "sign_key": SIGN_KEY,
        "recipient": RECIPIENT,
        "rejected": 5,
        "repeated": 2,
    }
    write_pack(stream, **{**arguments, **changes})
    return stream.getvalue()


def read(
    data: bytes, *, public: bytes = PUBLIC, identity: bytes = IDENTITY, origin: str | None = ORIGIN
) -> tuple[PackHeader, list[PackItem], Trailer]:
    stream = io.BytesIO(data)
    with PackReader.open(stream, identity=identity, origin=origin) as reader:
        items = list(reader)
        return reader.header, items, reader.finish(public)


def plaintext(data: bytes) -> bytes:
    return b"".join(age.decrypt(io.BytesIO(data), identity=IDENTITY))


def encrypted(plain: bytes) -> bytes:
    stream = io.BytesIO()
    age.encrypt([plain], stream, recipients=[RECIPIENT])
    return stream.getvalue()


def padded(*lines: bytes) -> bytes:
    plain = b"".join(line + b"\n" for line in lines)
    return encrypted(plain + b"\n" * (-len(plain) % age.CHUNK))


def signed_trailer(*lines: bytes, counts: Counts) -> bytes:
    from hashlib import sha256  # noqa: PLC0415 - for this forger alone

    from consortium.types import UploadDigest  # noqa: PLC0415 - for this forger alone

    digest = UploadDigest(sha256(b"".join(line + b"\n" for line in lines)).digest())
    signature = Ed25519PrivateKey.from_private_bytes(SIGN_KEY).sign(
        signed_bytes(digest, counts, None)
    )
    return encode_trailer(Trailer(digest, counts, None, signature))


def test_a_pack_comes_back_as_it_was_written() -> None:
    header, items, trailer = read(pack())
    assert header == HEADER
    assert items == ITEMS
    assert trailer.counts == Counts(rows=2, opt_outs=1, rejected=5, repeated=2)
    assert trailer.standing_wrap is None


def test_finish_alone_verifies_without_decoding_rows() -> None:
    with PackReader.open(io.BytesIO(pack()), identity=IDENTITY) as reader:
        quick = reader.finish(PUBLIC)
    assert quick == read(pack())[2]


def test_an_empty_list_makes_a_pack() -> None:
    _, items, trailer = read(pack([]))
    assert items == []
    assert trailer.counts.rows == 0


def test_counts_may_be_known_only_after_the_last_row() -> None:
    seen: list[int] = []

    def items() -> Iterator[PackItem]:
        for item in ITEMS:
            seen.append(item.number)
            yield item

    data = pack(items(), rejected=lambda: len(seen), repeated=lambda: 0)
    assert read(data)[2].counts.rejected == 3


def test_a_standing_wrap_opens_with_the_vault_key_for_this_upload() -> None:
    vault = bytes(range(7, 39))
    _, _, trailer = read(pack(standing_to=public_half("vault", vault)))
    assert trailer.standing_wrap is not None
    data_key = open_vault_wrap(
        trailer.standing_wrap,
        key=vault,
        origin=ORIGIN,
        owner=HEADER.partner,
        upload=trailer.digest,
        purpose=STANDING,
    )
    assert data_key == HEADER.data_key


def test_the_length_of_a_pack_does_not_tell_how_many_rows_it_has() -> None:
    few, more = pack([ROW]), pack([replace(ROW, number=n) for n in range(1, 100)])
    assert abs(len(few) - len(more)) < 200  # age's own random grease line
    assert len(plaintext(few)) == age.CHUNK


def test_the_recorded_pack_is_what_version_1_means() -> None:
    lines = [line.encode() for line in VECTOR["lines"]]
    header, items, trailer = read(padded(*lines), public=bytes.fromhex(VECTOR["sign_public"]))
    assert header == HEADER
    assert items == ITEMS
    assert trailer.digest.hex() == VECTOR["digest"]
    assert [encode_header(HEADER), *map(encode_item, ITEMS)] == lines[:-1]
    assert plaintext(pack()).rstrip(b"\n").split(b"\n") == lines


# Wrong files, told apart


@pytest.mark.parametrize(
    "data", [b"", b"email,name\n", b"\x00" * 5000, b"age-encryption.org/v2\n", b"{" * 100_000]
)
def test_other_files_are_not_packs(data: bytes) -> None:
    with pytest.raises(BadFile, match="is not a pack"):
        read(data)


@pytest.mark.parametrize("keep", [3, 50, 230, 1000, 40_000, -66, -1])
def test_a_pack_cut_short_says_so(keep: int) -> None:
    with pytest.raises(BadFile, match="cut short"):
        read(pack()[:keep])


def test_a_pack_cut_between_chunks_says_so() -> None:
    data = pack([replace(ROW, number=n) for n in range(1, 1000)])
    chunk = age.CHUNK + 16
    assert len(data) > 3 * chunk
    with pytest.raises(BadFile, match="cut short"):
        read(data[: len(data) - chunk])


def test_an_altered_pack_says_so() -> None:
    data = pack()
    for at in (len(data) - 1, len(data) // 2, len(data) - 65_000):
        changed = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
        with pytest.raises(EvidenceError, match="altered"):
            read(changed)


def test_a_pack_for_another_consortiums_key_says_so() -> None:
    with pytest.raises(BadFile, match="another consortium"):
        read(pack(), identity=age.new_identity())


def test_a_pack_that_names_another_consortium_says_so() -> None:
    with pytest.raises(BadFile, match="another consortium"):
        read(pack(header=replace(HEADER, origin="example.org/salem")))


def test_a_pack_signed_by_somebody_else_says_so() -> None:
    with pytest.raises(EvidenceError, match="names nurses and is signed by somebody else"):
        read(pack(sign_key=bytes(32)))


def test_a_pack_of_a_newer_version_says_so() -> None:
    first, *rest = plaintext(pack()).rstrip(b"\n").split(b"\n")
    newer = first.replace(b'"consortium_pack":1', b'"consortium_pack":2')
    with pytest.raises(BadFile, match="version this program does not know"):
        read(padded(newer, *rest))


def test_an_intake_key_of_the_wrong_kind_is_a_key_failure() -> None:
    with pytest.raises(KeyFailure):
        read(pack(), identity=b"not an identity")


def test_a_recipient_or_signing_key_of_the_wrong_kind_is_a_key_failure() -> None:
    with pytest.raises(KeyFailure):
        pack(recipient="age1nonsense")
    with pytest.raises(KeyFailure):
        pack(sign_key=b"short")


# A partner that holds its own key and forges


def forged(*lines: bytes, rows: int = 0, opt_outs: int = 0) -> bytes:
    body = (encode_header(HEADER), *lines)
    return padded(*body, signed_trailer(*body, counts=Counts(rows, opt_outs, 0, 0)))


def test_the_forger_of_these_tests_can_write_a_good_pack() -> None:
    assert read(forged(encode_item(ROW), rows=1))[1] == [ROW]


LINE = encode_item(ROW)


@pytest.mark.parametrize(
    "line",
    [
        LINE.replace(b'["r",3,', b'["r", 3,'),
        LINE.replace(b'["r",3,', b'["r",3.0,'),
        LINE.replace(b'["r",3,', b'["r",03,'),
        LINE.replace(b'["r",3,', b'["r",0,'),
        LINE.replace(b'["r",3,', b'["r",-3,'),
        LINE.replace(b'["r",3,', b'["r",true,'),
        LINE.replace(b'["r",3,', b'["r",9007199254740992,'),
        LINE.replace(b'["r",3,', b'["r",' + b"9" * 5000 + b","),
        LINE.replace(b'["r",3,', b'["x",3,'),
        LINE.replace("ü".encode(), b"\\u00fc"),
        LINE.replace(b"Ann ", b"Ann\\n"),
        LINE.replace(b"Ann ", b"Ann\\u0000"),
        LINE.replace(b"Ann ", "Ann\u2028".encode()),
        LINE.replace(b"Ann ", b"Ann\\ud800"),
        LINE.replace(b"Ann ", b"Ann\xff"),
        LINE.replace(b"1980-02-29", b"1981-02-29"),
        LINE.replace(b"1980-02-29", b"29/02/1980"),
        LINE.replace(b'"2025-01-31"', b'"2025-02-31"'),
        LINE.replace(b'"2025-01-31"', b'"20250131"'),
        LINE.replace(b'"2025-01-31"', b"[]"),
        LINE.replace(b'"express"', b'"because"'),
        LINE.replace(b'"member"', b'"friend"'),
        LINE.replace(b'"ann@work.example"', b'"Ann.Miller+news@example.org"'),
        LINE.replace(b'"ann@work.example"', b'""'),
        LINE.replace(b'"ann@work.example"', b"17"),
        LINE.replace(b'"ann@work.example"', b",".join(b'"a%d@b.example"' % n for n in range(20))),
        LINE.replace(b'"+15035550100"', b"").replace(
            b'["Ann.Miller+news@example.org","ann@work.example"]', b"[]"
        ),
        LINE[:-1] + b',""]',
        LINE.replace(b'["canvasser","steward"]', b'["steward","canvasser"]'),
        LINE.replace(b'["canvasser","steward"]', b'["steward","steward"]'),
        LINE.replace(b'["canvasser","steward"]', b'[""]'),
        LINE.replace(b'["canvasser","steward"]', b'["' + b"x" * 65 + b'"]'),
        LINE.replace(b'["canvasser","steward"]', b'"steward"'),
        LINE.replace(b"AP9zZWFsZWQ=", b"AP9zZWFsZWR="),
        LINE.replace(b"Ann ", b"Ann\\/"),
        LINE.replace(b"Ann ", b"Ann\x7f"),
        LINE.replace(b"Ann ", b"Ann\xc2\x85"),
        LINE.replace(b"Ann ", b"Ann\\\\\\u000b"),
        LINE.replace(b'"1980-02-29"', b'"2025-1-31"'),
        LINE.replace(b'"2025-01-31"', b'"2025"'),
        LINE[:-1],
        LINE + b"\t",
        b"[]",
        b"null",
        b"[" * 3000 + b"]" * 3000,
        b'["o",3,[],[],"unsubscribed"]',
        b'["o",3,["a@b.example"],[],"bored"]',
        b'["o",3,["a@b.example"],[]]',
        b'["r",3,["' + b"a" * 600 + b'@b.example"],[]' + LINE.partition(b'"+15035550100"]')[2],
    ],
)
def test_a_line_in_any_other_spelling_is_refused_without_quoting_it(line: bytes) -> None:
    with pytest.raises(BadFile) as caught:
        read(forged(line, rows=1, opt_outs=0))
    text = f"{caught.value.message} {caught.value.hint}"
    assert "item 1" in text
    for personal in ("Ann", "ann", "Miller", "example.org", "5550100"):
        assert personal not in text
    assert caught.value.__cause__ is None


def test_a_line_longer_than_any_row_is_refused_before_it_is_read_whole() -> None:
    for length in (MAX_LINE_BYTES + 1, 5_000_000):
        with pytest.raises(BadFile, match="too long"):
            read(padded(encode_header(HEADER), b"x" * length))


def test_a_backslash_and_a_quote_in_a_name_are_no_other_spelling() -> None:
    row = replace(ROW, first_name='Ann \\ "n" \\', last_name='\\\\"')
    assert read(pack([row]))[1] == [row]


def test_line_batches_are_the_lines_of_the_pack_in_order() -> None:
    items: list[PackItem] = [
        replace(OPT_OUT, number=n) if n % 7 == 0 else replace(ROW, number=n) for n in range(1, 3000)
    ]
    with PackReader.open(io.BytesIO(pack(items)), identity=IDENTITY) as reader:
        batches = list(reader.line_batches(500))
        trailer = reader.finish(PUBLIC)
    assert len(batches) > 2
    assert all(batch.data.count(b"\n") >= 500 for batch in batches[:-1])
    read_back = [
        item_of(line) for batch in batches for line in decode_lines(batch.data, first=batch.first)
    ]
    assert read_back == items
    assert (trailer.counts.rows, trailer.counts.opt_outs) == (2999 - 428, 428)
    assert "Ann" not in repr(batches[0])


def test_a_bad_line_is_named_by_its_place_in_the_pack_whoever_decodes_it() -> None:
    good = [encode_item(replace(ROW, number=n)) for n in range(1, 1201)]
    bad = encode_item(replace(ROW, number=1201)).replace(b'"member"', b'"friend"')
    data = forged(*good, bad, rows=1201)
    with PackReader.open(io.BytesIO(data), identity=IDENTITY) as reader:
        *before, last = reader.line_batches(100)
    assert sum(len(decode_lines(b.data, first=b.first)) for b in before) == last.first - 1
    with pytest.raises(BadFile, match="item 1201 of the pack"):
        decode_lines(last.data, first=last.first)


def test_lines_are_refused_before_they_are_written_by_the_rule_they_are_read_by() -> None:
    good = line_of(ROW)
    assert decode_lines(encode_lines([good])[0] + b"\n", first=1) == [good]
    for wrong in (
        replace(ROW, number=8, emails=("a@b.example",) * 2),
        replace(ROW, number=8, tags=("b", "a")),
        replace(ROW, number=8, birth_date="1981-02-29"),
        replace(ROW, number=8, last_name="\ud800"),
        replace(ROW, number=8, sealed_record_id=bytes(4097)),
        replace(ROW, number=8, emails=(), phones=()),
        replace(ROW, number=8, emails=("",)),
        replace(ROW, number=8, phones=tuple(f"+1503555{n:04d}" for n in range(17))),
        replace(ROW, number=8, tags=tuple(f"{n:02d}" for n in range(33))),
        replace(ROW, number=8, tags=("x" * 65,)),
        replace(ROW, number=8, tags=("",)),
        replace(ROW, number=8, first_name="x" * 513),
        replace(ROW, number=8, first_name="a\nb"),
    ):
        with pytest.raises(BadFile, match="row 8 cannot be packed"):
            encode_lines([good, line_of(wrong)])


def test_a_row_number_that_comes_twice_is_refused() -> None:
    with pytest.raises(BadFile, match="ascending"):
        read(forged(LINE, LINE, rows=2))
    with pytest.raises(BadFile, match="ascending"):
        pack([replace(ROW, number=4), ROW])


def test_a_row_and_an_opt_out_may_have_one_number() -> None:
    both: list[PackItem] = [ROW, replace(OPT_OUT, number=3)]
    assert read(pack(both))[1] == both


@pytest.mark.parametrize(
    "lines",
    [
        [b"{}"],
        [b"[]"],
        [b""],
        [encode_header(HEADER)],
        [encode_header(HEADER), LINE],
        [encode_header(HEADER), LINE, b"{}"],
        [encode_header(HEADER).replace(b",", b", ", 1)],
        [encode_header(HEADER).replace(b'"nurses"', b'"Nurses!"')],
        [encode_header(HEADER).replace(b'"2026-11-01T18:30:05Z"', b'"2026-13-01T18:30:05Z"')],
        [encode_header(HEADER).replace(b'"profile":1', b'"profile":1,"profile":1')],
        [encode_header(HEADER).replace(b'"profile":1', b'"profile":true')],
    ],
)
def test_a_pack_without_a_proper_frame_is_refused(lines: list[bytes]) -> None:
    with pytest.raises(BadFile):
        read(padded(*lines))


def test_counts_that_are_not_those_of_the_rows_are_refused() -> None:
    with pytest.raises(EvidenceError):
        read(forged(LINE, rows=2))
    with pytest.raises(EvidenceError):
        read(forged(LINE, rows=0, opt_outs=1))


def test_a_trailer_over_other_rows_is_refused() -> None:
    header = encode_header(HEADER)
    trailer = signed_trailer(header, LINE, counts=Counts(1, 0, 0, 0))
    other = encode_item(replace(ROW, first_name="Eve"))
    with pytest.raises(EvidenceError, match="altered"):
        read(padded(header, other, trailer))


def test_changed_counts_or_a_moved_standing_wrap_break_the_signature() -> None:
    vault = public_half("vault", bytes(range(7, 39)))
    lines = plaintext(pack(standing_to=vault)).rstrip(b"\n").split(b"\n")
    fewer = lines[-1].replace(b'"rejected":5', b'"rejected":4')
    fields = json.loads(lines[-1])
    fields["standing_wrap"] = None
    without = json.dumps(fields, separators=(",", ":")).encode()
    for trailer in (fewer, without):
        with pytest.raises(EvidenceError, match="signed by somebody else"):
            read(padded(*lines[:-1], trailer))


def test_nothing_may_follow_the_trailer() -> None:
    lines = plaintext(pack()).rstrip(b"\n").split(b"\n")
    with pytest.raises(BadFile, match="goes on after"):
        read(padded(*lines, LINE))
    plain = b"".join(line + b"\n" for line in lines)
    with pytest.raises(BadFile, match="padded"):
        read(encrypted(plain + b"\n" * 16))
    with pytest.raises(BadFile):
        read(encrypted(plain + b"\n" * (-len(plain) % age.CHUNK) + b"\n" * age.CHUNK))


def test_a_row_that_breaks_the_rules_is_not_packed_and_not_quoted() -> None:
    with pytest.raises(BadFile, match="row 3 cannot be packed") as caught:
        pack([replace(ROW, first_name="Ann\nBcc: eve@example.org")])
    assert "eve" not in f"{caught.value.message}{caught.value.hint}"
    with pytest.raises(UsageError, match="list_name"):
        pack(header=replace(HEADER, list_name="a\nb"))


def test_what_the_callers_rows_raise_is_passed_on() -> None:
    def items() -> Iterator[PackItem]:
        yield ROW
        raise EvidenceError("from the caller")

    with pytest.raises(EvidenceError, match="from the caller"):
        pack(items())


def test_a_stream_that_cannot_be_read_or_written_is_told_apart(tmp_path: Path) -> None:
    class Broken(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            raise OSError(5, "gone")

    with pytest.raises(BadFile, match="cannot be read"):
        PackReader.open(Broken(), identity=IDENTITY)
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("needs /dev/full")
    with pytest.raises(OSError), full.open("wb", buffering=0) as stream:  # noqa: PT011 - the cause is the system's
        write_pack(stream, header=HEADER, items=ITEMS, sign_key=SIGN_KEY, recipient=RECIPIENT)


def test_no_header_shows_its_data_key() -> None:
    shown = repr(HEADER)
    assert repr(HEADER.data_key) not in shown
    assert HEADER.data_key.hex() not in shown
    assert "data_key" not in shown


def test_a_reader_that_is_left_early_ends_its_thread() -> None:
    import threading  # noqa: PLC0415 - for this test alone

    data = pack([replace(ROW, number=n) for n in range(1, 3000)])
    with PackReader.open(io.BytesIO(data), identity=IDENTITY) as reader:
        assert next(iter(reader)).number == 1
    assert not [t for t in threading.enumerate() if t.name == "age-decrypt"]


def test_memory_does_not_grow_with_the_pack() -> None:
    data = pack(replace(ROW, number=n) for n in range(1, 20_001))
    assert len(data) > 4_000_000
    tracemalloc.start()
    try:
        with PackReader.open(io.BytesIO(data), identity=IDENTITY) as reader:
            tracemalloc.reset_peak()
            before, _ = tracemalloc.get_traced_memory()
            assert sum(1 for _ in reader) == 20_000
            reader.finish(PUBLIC)
            _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak - before < 3_000_000


def test_any_damage_to_the_file_is_one_of_our_errors() -> None:
    data = pack()
    for at in range(0, len(data), 997):
        changed = data[:at] + bytes([data[at] ^ 0x55]) + data[at + 1 :]
        with pytest.raises(ConsortiumError):
            read(changed)


def test_two_lines_are_not_one_item() -> None:
    with pytest.raises(BadFile, match="item 4 of the pack"):
        decode_item(encode_item(OPT_OUT) + b"\n" + encode_item(ROW), position=4)


def test_decoding_inverts_encoding_for_opt_outs() -> None:
    assert decode_item(encode_item(OPT_OUT), position=1) == OPT_OUT
