"""Writes workbooks by hand, so that tests say exactly what stands in a cell."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
FIRST_OWN_FORMAT = 164


@dataclass(frozen=True)
class Raw:
    """A cell as its XML: its `t`, the format of its style, and what stands inside."""

    kind: str
    inside: str
    format: int | str | None = None


@dataclass(frozen=True)
class Number:
    """A number with the format it is shown in: built in by its id, or by its code."""

    text: str
    format: int | str | None = None


Cell = str | int | float | bool | Raw | Number | None


@dataclass(frozen=True)
class SheetOf:
    """A sheet: its rows, or its XML."""

    rows: Sequence[Sequence[Cell]] = ()
    name: str = "Sheet1"
    state: str = "visible"
    xml: str = ""
    gaps: frozenset[int] = frozenset()  # rows whose numbers are left out of the sheet


@dataclass
class _Styles:
    formats: list[int | str] = field(default_factory=list)

    def number(self, form: int | str | None) -> int:
        if form is None:
            return 0
        if form not in self.formats:
            self.formats.append(form)
        return 1 + self.formats.index(form)

    def xml(self) -> str:
        codes = [f for f in self.formats if isinstance(f, str)]
        own = {code: FIRST_OWN_FORMAT + i for i, code in enumerate(codes)}
        numbers = "".join(
            f"<numFmt numFmtId='{i}' formatCode={quoteattr(c)}/>" for c, i in own.items()
        )
        used = [0, *(own[f] if isinstance(f, str) else f for f in self.formats)]
        cells = "".join(f"<xf numFmtId='{i}'/>" for i in used)
        return (
            f"{HEAD}<styleSheet xmlns='{MAIN}'><numFmts>{numbers}</numFmts>"
            f"<cellStyleXfs><xf numFmtId='14'/></cellStyleXfs><cellXfs>{cells}</cellXfs>"
            "</styleSheet>"
        )


def letters(column: int) -> str:
    """`A` for 0, `AA` for 26."""
    found = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        found = chr(65 + rest) + found
    return found


def write_workbook(
    path: Path,
    sheets: Iterable[SheetOf] | Sequence[Sequence[Cell]],
    *,
    since_1904: bool = False,
    shared: bool = True,
    parts: dict[str, str | bytes] | None = None,
) -> Path:
    """Write a workbook; texts are shared or in their cells; `parts` replace or add to its own."""
    tables = [s if isinstance(s, SheetOf) else None for s in sheets]
    made = (
        [t for t in tables if t is not None] if all(tables) else [SheetOf(list(sheets))]  # type: ignore[arg-type]  # rows of one sheet
    )
    styles, texts = _Styles(), dict[str, int]()
    files: dict[str, str | bytes] = {}
    for index, sheet in enumerate(made, 1):
        rows = sheet.xml or "".join(
            f'<row r="{number}">'
            + "".join(
                _cell(cell, f"{letters(c)}{number}", styles, texts, shared=shared)
                for c, cell in enumerate(row)
                if cell is not None
            )
            + "</row>"
            for number, row in enumerate(sheet.rows, 1)
        )
        files[f"xl/worksheets/sheet{index}.xml"] = (
            f'{HEAD}<worksheet xmlns="{MAIN}"><sheetData>{rows}</sheetData></worksheet>'
        )
    files |= _around(made, styles, texts, since_1904=since_1904) | (parts or {})
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as package:
        for name, content in files.items():
            package.writestr(name, content)
    return path


def _cell(cell: Cell, at: str, styles: _Styles, texts: dict[str, int], *, shared: bool) -> str:
    match cell:
        case Raw(kind, inside, form):
            return f'<c r="{at}" t="{kind}" s="{styles.number(form)}">{inside}</c>'
        case Number(text, form):
            return f'<c r="{at}" s="{styles.number(form)}"><v>{text}</v></c>'
        case bool():
            return f'<c r="{at}" t="b"><v>{int(cell)}</v></c>'
        case int() | float():
            return f'<c r="{at}"><v>{cell!r}</v></c>'
        case str() if shared:
            return f'<c r="{at}" t="s"><v>{texts.setdefault(cell, len(texts))}</v></c>'
        case _:
            text = escape(str(cell))
            return f'<c r="{at}" t="inlineStr"><is><t xml:space="preserve">{text}</t></is></c>'


def _around(
    sheets: Sequence[SheetOf], styles: _Styles, texts: dict[str, int], *, since_1904: bool
) -> dict[str, str | bytes]:
    listed = "".join(
        f'<sheet name={quoteattr(s.name)} sheetId="{i}" state="{s.state}" r:id="rId{i}"/>'
        for i, s in enumerate(sheets, 1)
    )
    relations = "".join(
        f'<Relationship Id="rId{i}" Type="{OFFICE}/worksheet" Target="worksheets/sheet{i}.xml"/>'
        for i in range(1, len(sheets) + 1)
    )
    strings = "".join(f'<si><t xml:space="preserve">{escape(t)}</t></si>' for t in texts)
    return {
        "[Content_Types].xml": f'{HEAD}<Types xmlns="{PACKAGE}/content-types">'
        '<Default Extension="rels"'
        ' ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Default Extension="xml" ContentType="application/xml"/>'
        '<Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-'
        'officedocument.spreadsheetml.sheet.main+xml"/></Types>',
        "_rels/.rels": f'{HEAD}<Relationships xmlns="{PACKAGE}/relationships">'
        f'<Relationship Id="rId1" Type="{OFFICE}/officeDocument" Target="xl/workbook.xml"/>'
        "</Relationships>",
        "xl/workbook.xml": f'{HEAD}<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}">'
        f'<workbookPr date1904="{int(since_1904)}"/><sheets>{listed}</sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'{HEAD}<Relationships xmlns="{PACKAGE}/relationships">'
        f'{relations}<Relationship Id="rS" Type="{OFFICE}/styles" Target="styles.xml"/>'
        f'<Relationship Id="rT" Type="{OFFICE}/sharedStrings" Target="/xl/sharedStrings.xml"/>'
        "</Relationships>",
        "xl/styles.xml": styles.xml(),
        "xl/sharedStrings.xml": f'{HEAD}<sst xmlns="{MAIN}">{strings}</sst>',
    }
