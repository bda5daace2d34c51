"""Which characters a file is written in, decided by looking at all of its bytes.

A byte order mark decides. Without one, NULs at every other byte mean UTF-16; bytes that are UTF-8
throughout are UTF-8; anything else is a single-byte file of the Windows and Latin-1 family. Two
exports pasted together may be both: then UTF-8 is read as UTF-8 and each stray byte as
Windows-1252. Binary files are told from text and refused.

Cost: one pass, 1 ms per MiB of ASCII, 4 of UTF-8 with many accents (measured); a few MiB of memory.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from typing import BinaryIO

from consortium.errors import BadFile

__all__ = ["FALLBACK", "MAX_LINE_BYTES", "Encoding", "beginning", "survey"]

MAX_LINE_BYTES = 4 * 1024 * 1024
"""A longer line is not a list that a CRM exported; reading it would fill the memory."""

_CHUNK_BYTES = 1024 * 1024
_HEAD_BYTES = 64 * 1024
_ENOUGH_BYTES = 8 * 1024 * 1024
_BINARY_SHARE = 0.05  # of control characters; text exports with stray NULs stay far below
_UTF16_SHARE = 0.4  # of NULs in one of the two byte positions

FALLBACK = "consortium-windows-1252"
"""Error handler that reads bytes which are not UTF-8 as Windows-1252."""
_HIGH = bytes(range(0x80, 0x100))
_C1 = bytes(range(0x80, 0xA0))
_CONTROLS = bytes(c for c in range(0x20) if c not in b"\t\n\r\f\x1a")
_VALID_UTF8 = re.compile(
    rb"[\xc2-\xdf][\x80-\xbf]"
    rb"|\xe0[\xa0-\xbf][\x80-\xbf]|[\xe1-\xec\xee\xef][\x80-\xbf]{2}|\xed[\x80-\x9f][\x80-\xbf]"
    rb"|\xf0[\x90-\xbf][\x80-\xbf]{2}|[\xf1-\xf3][\x80-\xbf]{3}|\xf4[\x80-\x8f][\x80-\xbf]{2}"
)
_CUT_OFF = re.compile(rb"(?:[\xc2-\xf4]|[\xe0-\xf4][\x80-\xbf]|[\xf0-\xf4][\x80-\xbf]{2})\Z")
_SIGNATURES = (
    (b"PK\x03\x04", "a ZIP archive or workbook inside another archive"),
    (b"\x1f\x8b", "a gzip archive inside another"),
    (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ\x00", "an xz archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (b"PAR1", "a Parquet file inside an archive"),
    (b"PARE", "an encrypted Parquet file"),
    (b"%PDF", "a PDF document"),
    (b"SQLite format 3\x00", "a database"),
    (b"\x89PNG", "an image"),
    (b"\xff\xd8\xff", "an image"),
)
_AGE = b"age-encryption.org/"


@dataclass(frozen=True, slots=True)
class Encoding:
    """How to decode a file.

    Attributes:
        codec: Name for Python's codecs.
        errors: Error handler to decode with; never raises.
        title: What people call it.
        has_nul: Whether NUL characters are in the text and must be taken out.
    """

    codec: str
    errors: str
    title: str
    has_nul: bool = False


def _stray_byte(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    stray = error.object[error.start : error.end]
    return stray.decode("cp1252", errors="replace"), error.end


codecs.register_error(FALLBACK, _stray_byte)


@dataclass(slots=True)
class _Tally:
    """What one pass over the bytes counts."""

    size: int = 0
    controls: int = 0
    nuls: int = 0
    high: int = 0
    valid_bytes: int = 0
    valid: int = 0
    c1: int = 0
    line: int = 0


def beginning(head: bytes) -> str:
    """The first bytes of a file as text, as far as that can be told from them alone."""
    wide = _wide(head)
    return head.decode(wide.codec if wide else "utf-8-sig", errors="replace")


def survey(stream: BinaryIO, *, name: str, max_line_bytes: int | None = MAX_LINE_BYTES) -> Encoding:
    """Read a file once and say how to decode it.

    Args:
        stream: Binary, at its start; left at its end.
        name: The file as it is called in messages.
        max_line_bytes: No line is longer, in UTF-8 if it is wide; None: lines do not matter.

    Raises:
        BadFile: Empty, binary, or with a line beyond `max_line_bytes`.
    """
    head = stream.read(_HEAD_BYTES)
    if not head.strip(b"\xef\xbb\xbf\xff\xfe\x00 \t\r\n"):
        rest_is_blank = len(head) < _HEAD_BYTES
        raise BadFile(
            f"{name} is empty" if rest_is_blank else f"{name} begins with nothing but blanks",
            hint="Export the list again, with a header line and the rows below it",
        )
    if head.startswith(_AGE):
        raise BadFile(
            f"{name} is encrypted, as a pack is",
            hint="Give the list itself; a pack is taken in with: consortium upload add",
        )
    for signature, what in _SIGNATURES:
        if head.startswith(signature):
            raise BadFile(
                f"{name} is {what}, not a text file",
                hint="Open it and save the list as CSV (UTF-8), then give that file",
            )
    wide = _wide(head)
    tally = _tally(stream, head, name=name, wide=wide, max_line=max_line_bytes)
    if wide is not None:
        return wide
    if tally.controls > _BINARY_SHARE * tally.size:
        raise _binary(name)
    return _narrow(head, tally)


def _wide(head: bytes) -> Encoding | None:
    """UTF-32 and UTF-16, by mark or by the NULs that ASCII characters leave."""
    for mark, codec, title in (
        (codecs.BOM_UTF32_LE, "utf-32", "UTF-32"),
        (codecs.BOM_UTF32_BE, "utf-32", "UTF-32"),
        (codecs.BOM_UTF16_LE, "utf-16", "UTF-16"),
        (codecs.BOM_UTF16_BE, "utf-16", "UTF-16"),
    ):
        if head.startswith(mark):
            return Encoding(codec, "replace", title, has_nul=True)
    even, odd = head[0::2], head[1::2]
    if not odd:
        return None
    even_share, odd_share = even.count(0) / len(even), odd.count(0) / len(odd)
    if odd_share > _UTF16_SHARE and even_share < _BINARY_SHARE:
        return Encoding("utf-16-le", "replace", "UTF-16 without mark", has_nul=True)
    if even_share > _UTF16_SHARE and odd_share < _BINARY_SHARE:
        return Encoding("utf-16-be", "replace", "UTF-16 without mark", has_nul=True)
    return None


def _narrow(head: bytes, tally: _Tally) -> Encoding:
    has_nul = tally.nuls > 0
    marked = head.startswith(codecs.BOM_UTF8)
    codec = "utf-8-sig" if marked else "utf-8"
    title = "UTF-8 with mark" if marked else "UTF-8"
    invalid = tally.high - tally.valid_bytes
    if invalid == 0:
        return Encoding(codec, FALLBACK, title, has_nul=has_nul)
    if marked or tally.valid >= invalid:
        return Encoding(codec, FALLBACK, f"{title}, Windows-1252 in places", has_nul=has_nul)
    if tally.c1:
        return Encoding("cp1252", "replace", "Windows-1252", has_nul=has_nul)
    return Encoding("latin-1", "strict", "Latin-1", has_nul=has_nul)


def _tally(
    stream: BinaryIO, head: bytes, *, name: str, wide: Encoding | None, max_line: int | None
) -> _Tally:
    tally = _Tally()
    chunk, kept = head, b""
    decode = codecs.getincrementaldecoder(wide.codec)(wide.errors).decode if wide else None
    while chunk:
        tally.size += len(chunk)
        if max_line is not None:  # half of a wide character may have the bytes of a line's end
            text = decode(chunk).encode() if decode else chunk
            _measure_line(tally, text, name=name, max_line=max_line)
        if not wide:
            kept = _count(tally, kept + chunk)
            if tally.size > _ENOUGH_BYTES and tally.controls > tally.size // 2:
                raise _binary(name)  # whatever follows
        chunk = stream.read(_CHUNK_BYTES)
    tally.high += len(kept)  # a character cut off by the end of the file
    return tally


def _binary(name: str) -> BadFile:
    return BadFile(
        f"{name} is not a text file", hint="Export the list as CSV (UTF-8), then give that file"
    )


def _measure_line(tally: _Tally, chunk: bytes, *, name: str, max_line: int) -> None:
    last = max(chunk.rfind(b"\n"), chunk.rfind(b"\r"))
    tally.line = len(chunk) - last - 1 if last >= 0 else tally.line + len(chunk)
    if tally.line > max_line:
        raise BadFile(
            f"{name} has a line of more than {max_line // 1024 // 1024} MiB",
            hint="That is not a list with one person per line; export it again as CSV",
        )


def _count(tally: _Tally, chunk: bytes) -> bytes:
    """Count in `chunk`; returns a cut-off character at its end, to be put before the next one."""
    tally.controls += len(chunk) - len(chunk.translate(None, _CONTROLS))
    tally.nuls += chunk.count(0)
    if chunk.isascii():
        return b""
    kept = b""
    if cut := _CUT_OFF.search(chunk[-3:]):
        kept = cut[0]
        chunk = chunk[: -len(kept)]
    tally.high += len(chunk) - len(chunk.translate(None, _HIGH))
    tally.c1 += len(chunk) - len(chunk.translate(None, _C1))
    try:
        text = chunk.decode()
    except UnicodeDecodeError:
        found = _VALID_UTF8.findall(chunk)
        tally.valid += len(found)
        tally.valid_bytes += sum(map(len, found))
    else:
        high = len(chunk) - len(chunk.translate(None, _HIGH))
        tally.valid += len(text) - (len(chunk) - high)
        tally.valid_bytes += high
    return kept
