"""A partner that holds its own key and forges a pack."""

import io
import json
from dataclasses import replace

import pytest

from consortium.errors import BadFile, EvidenceError
from consortium.vault import age
from consortium.vault.keys import public_half
from consortium.vault.pack_file import PackItem, PackReader
from consortium.vault.pack_head import Counts, encode_header
from consortium.vault.pack_rows import (
    MAX_LINE_BYTES,
    decode_lines,
    encode_item,
    encode_lines,
    item_of,
    line_of,
)
from tests.unit.vault.packing import (
    HEADER,
    IDENTITY,
    OPT_OUT,
    PUBLIC,
    ROW,
    encrypted,
    pack,
    padded,
    plaintext,
    read,
    signed_trailer,
)

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
