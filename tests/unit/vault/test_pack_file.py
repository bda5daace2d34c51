"""The pack's file: comes back as written, tells wrong files apart, leaks nothing."""

import io
import json
import tracemalloc
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from consortium.errors import BadFile, ConsortiumError, EvidenceError, KeyFailure, UsageError
from consortium.vault import age
from consortium.vault.keys import public_half
from consortium.vault.pack_file import PackItem, PackReader, write_pack
from consortium.vault.pack_head import Counts, encode_header
from consortium.vault.pack_rows import (
    decode_item,
    encode_item,
)
from consortium.vault.wrap import STANDING, open_vault_wrap
from tests.unit.vault.packing import (
    HEADER,
    IDENTITY,
    ITEMS,
    OPT_OUT,
    ORIGIN,
    PUBLIC,
    RECIPIENT,
    ROW,
    SIGN_KEY,
    pack,
    padded,
    plaintext,
    read,
)

VECTOR = json.loads((Path(__file__).parents[2] / "vectors/pack.json").read_text(encoding="utf-8"))


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
