"""The parts of a workbook's package: which sheets there are, where they lie, how cells are styled.

Parts are found by their relationships, never by their usual names alone. XML is parsed by expat in
a stream, without document types: no list needs them, and they are how XML grows.

Source: ECMA-376 part 2 (packages), part 1 chapter 18 (workbooks).
"""

from __future__ import annotations

import posixpath
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from xml.parsers import expat

from consortium.errors import BadFile
from consortium.pack.files.number_formats import NumberFormat, parse_format
from consortium.pack.files.place import size_words

__all__ = ["Book", "Sheet", "is_workbook", "read_book", "stream_part"]

_PIECE_BYTES = 32 * 1024
_TAG_BYTES = 4 * 2**20
_PART_BYTES = 64 * 2**20  # of a part that is held; styles of real workbooks stay below 10 MiB
_ENCODINGS = frozenset({"UTF-8", "UTF-16", "US-ASCII", "ASCII"})
_MOST = 65_536  # sheets, styles, relationships: what Excel itself can open; names of tags
_SAVE_AS = "Open it, save the sheet as CSV (UTF-8) or .xlsx, then give that file"
_DAMAGE = (
    zipfile.BadZipFile, zlib.error, expat.ExpatError, EOFError, NotImplementedError, RuntimeError,
    ValueError, LookupError, OverflowError,
)  # fmt: skip  # what the standard library raises for bytes that are not as they should be

_Start = Callable[[str, dict[str, str]], None]


@dataclass(frozen=True, slots=True)
class Sheet:
    """A sheet: its name, its part of the package, and whether it is hidden."""

    name: str
    part: str
    hidden: bool


@dataclass(frozen=True, slots=True)
class Book:
    """What must be known of a workbook to read a sheet.

    Attributes:
        sheets: In order.
        strings: The part of shared strings, or None.
        formats: Of each style.
        since_1904: Whether days are counted from 1904 and not 1900.
    """

    sheets: tuple[Sheet, ...] = field(repr=False)
    strings: str | None
    formats: tuple[NumberFormat, ...] = field(repr=False)
    since_1904: bool


def is_workbook(files: list[str], *, name: str) -> bool:
    """Whether a ZIP with these members is a workbook that can be read.

    Raises:
        BadFile: It is a document, but none that can be read.
    """
    kinds = {file.lower() for file in files}
    if "mimetype" in kinds and "content.xml" in kinds:
        raise BadFile(f"{name} is an OpenDocument file", hint=_SAVE_AS)
    if "xl/workbook.bin" in kinds:
        raise BadFile(f"{name} is a binary Excel workbook (.xlsb)", hint=_SAVE_AS)
    if "index/document.iwa" in kinds or "index.zip" in kinds:
        raise BadFile(f"{name} is a Numbers document", hint=_SAVE_AS)
    if "[content_types].xml" not in kinds:
        return False
    if any(file.startswith(("word/", "ppt/")) for file in kinds):
        raise BadFile(f"{name} is a document or presentation, not a workbook", hint=_SAVE_AS)
    return True


def read_book(package: zipfile.ZipFile, *, name: str) -> Book:
    """Find the sheets and styles.

    Raises:
        BadFile: Damaged, or without sheets.
    """
    root = _relations(package, "", name=name)
    part = next((r[1] for r in root.values() if r[0] == "officeDocument"), "xl/workbook.xml")
    relations = _relations(package, part, name=name)
    sheets: list[Sheet] = []
    since_1904 = False

    def start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal since_1904
        if tag == "sheet" and len(sheets) < _MOST:
            kind, target = relations.get(attributes.get("id", ""), ("", ""))
            if kind == "worksheet":
                state = attributes.get("state", "visible")
                sheets.append(Sheet(attributes.get("name", ""), target, state != "visible"))
        elif tag == "workbookPr":
            since_1904 = attributes.get("date1904", "0") in {"1", "true"}

    _parse(package, part, start=start, name=name)
    if not sheets:
        raise BadFile(f"{name} has no sheets", hint=_SAVE_AS)
    by_kind = dict(relations.values())
    styles = by_kind.get("styles")
    return Book(
        sheets=tuple(sheets),
        strings=by_kind.get("sharedStrings"),
        formats=() if styles is None else _formats(package, styles, name=name),
        since_1904=since_1904,
    )


def stream_part(
    package: zipfile.ZipFile,
    part: str,
    *,
    start: _Start,
    end: Callable[[str], None],
    data: Callable[[str], None],
    name: str,
) -> Iterator[None]:
    """Parse a part; yields after each piece of it, when the handlers may have gathered something.

    Names come without their namespaces.

    Raises:
        BadFile: Not there, damaged, or with a document type.
    """
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.buffer_size = _PIECE_BYTES
    parser.CharacterDataHandler = data
    parser.StartDoctypeDeclHandler = _no_document_type
    parser.XmlDeclHandler = _usual_encoding

    def root(tag: str, attributes: dict[str, str]) -> None:
        if ":" in tag:
            parser.StartElementHandler = lambda tag, a: start(tag.rpartition(":")[2], a)
            parser.EndElementHandler = lambda tag: end(tag.rpartition(":")[2])
        else:  # nothing in between: it is called for each cell
            parser.StartElementHandler = start
            parser.EndElementHandler = end
        start(tag.rpartition(":")[2], attributes)

    parser.StartElementHandler = root
    fed = 0
    try:
        with package.open(part) as stream:
            while piece := stream.read(_PIECE_BYTES):
                fed += len(piece)
                parser.Parse(piece, False)  # noqa: FBT003 - expat's own signature
                if len(parser.intern) > _MOST:
                    raise ValueError("more names of tags than the format has")
                if fed - parser.CurrentByteIndex > _TAG_BYTES:
                    raise BadFile(
                        f"{name} has a tag of more than {size_words(_TAG_BYTES)} inside",
                        hint=_SAVE_AS,
                    )
                yield
            parser.Parse(b"", True)  # noqa: FBT003 - expat's own signature
            yield
    except _DAMAGE as error:
        raise _damaged(name) from error


def _parse(package: zipfile.ZipFile, part: str, *, start: _Start, name: str) -> None:
    """Parse a small part for its tags; attributes come without their namespaces, too."""

    def local(tag: str, attributes: dict[str, str]) -> None:
        start(tag, {key.rpartition(":")[2]: value for key, value in attributes.items()})

    try:
        size = package.getinfo(part).file_size
    except KeyError as error:
        raise _damaged(name) from error
    if size > _PART_BYTES:
        raise BadFile(
            f"{name} has more than {size_words(_PART_BYTES)} of styles or sheets", hint=_SAVE_AS
        )
    for _ in stream_part(package, part, start=local, end=_nothing, data=_nothing, name=name):
        pass


def _relations(package: zipfile.ZipFile, part: str, *, name: str) -> dict[str, tuple[str, str]]:
    """Relationships of a part: id → kind and the other part."""
    folder, file = posixpath.split(part)
    place = posixpath.join(folder, "_rels", f"{file}.rels")
    found: dict[str, tuple[str, str]] = {}

    def start(tag: str, attributes: dict[str, str]) -> None:
        if tag == "Relationship" and attributes.get("TargetMode") != "External":
            target = posixpath.join("/", folder, attributes.get("Target", ""))
            kind = attributes.get("Type", "").rpartition("/")[2]
            found[attributes.get("Id", "")] = kind, posixpath.normpath(target).lstrip("/")
            if len(found) > _MOST:
                raise _damaged(name)

    _parse(package, place, start=start, name=name)
    return found


def _formats(package: zipfile.ZipFile, part: str, *, name: str) -> tuple[NumberFormat, ...]:
    codes: dict[int, str] = {}
    used: list[int] = []
    among = ""

    def start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal among
        if tag in {"cellXfs", "cellStyleXfs", "dxfs"}:
            among = tag
        elif tag == "numFmt" and among != "dxfs":
            codes[int(attributes.get("numFmtId", "0"))] = attributes.get("formatCode", "")
        elif tag == "xf" and among == "cellXfs":
            used.append(int(attributes.get("numFmtId", "0")))
        if len(codes) + len(used) > 2 * _MOST:
            raise _damaged(name)

    _parse(package, part, start=start, name=name)
    return tuple(parse_format(number, codes.get(number)) for number in used)


def _no_document_type(*_: object) -> None:
    raise ValueError("a document type")


def _usual_encoding(_version: str, encoding: str | None, _standalone: int) -> None:
    """Python would try any codec it has."""
    if encoding is not None and encoding.upper() not in _ENCODINGS:
        raise ValueError("an encoding that packages do not have")


def _nothing(_: str) -> None:
    """Text and ends of tags say nothing of a small part."""


def _damaged(name: str) -> BadFile:
    return BadFile(f"{name} is damaged: it cannot be read as a workbook", hint=_SAVE_AS)
