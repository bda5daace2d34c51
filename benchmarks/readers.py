"""What reading a list costs, by kind of file, and the text reader beside Polars.

    python benchmarks/readers.py [ROWS]

Prints processor time per row (best of three) and the growth of memory, each in a process of its
own. Polars, calamine and pyarrow are compared where they are installed.
"""

from __future__ import annotations

import csv
import gzip
import json
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from consortium.pack.recognition import is_known
from consortium.pack.source import open_list

HEADER = ["email", "phone", "first_name", "last_name", "street", "city", "state", "zip"]
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"


def row(i: int) -> list[str]:
    """One made-up person."""
    phone = f"503555{i % 10_000:04}"
    street = f"{i} Oak Street"
    return [
        f"p{i}@mail.example.org",
        phone,
        "Ana",
        "Lopez-Smith",
        street,
        "Portland",
        "OR",
        "97214",
    ]


def write_files(folder: Path, rows: int) -> list[Path]:
    """The same list in every kind of file."""
    text = folder / "list.csv"
    with text.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([HEADER, *map(row, range(rows))])
    lines = folder / "list.jsonl"
    with lines.open("w", encoding="utf-8") as file:
        file.writelines(
            json.dumps(dict(zip(HEADER, row(i), strict=True))) + "\n" for i in range(rows)
        )
    packed = folder / "list.csv.gz"
    packed.write_bytes(gzip.compress(text.read_bytes(), 3))
    archive = folder / "list.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as package:
        package.write(text, "subscribed_members_export_1.csv")
    files = [text, lines, packed, archive, write_workbook(folder / "list.xlsx", rows)]
    if find_spec("pyarrow"):
        from pyarrow import csv as pyarrow_csv  # noqa: PLC0415 - an extra
        from pyarrow import parquet  # noqa: PLC0415 - an extra

        parquet.write_table(pyarrow_csv.read_csv(text), folder / "list.parquet")
        files.append(folder / "list.parquet")
    return files


def write_workbook(path: Path, rows: int) -> Path:
    """A workbook as Excel writes it, its texts shared."""
    strings: dict[str, int] = {}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as package:
        for name, content in {
            "[Content_Types].xml": f'<Types xmlns="{PACKAGE}/content-types">'
            '<Default Extension="rels" '
            'ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default '
            'Extension="xml" ContentType="application/xml"/><Override PartName="/xl/workbook.xml" '
            'ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"'
            "/></Types>",
            "_rels/.rels": f'<Relationships xmlns="{PACKAGE}/relationships"><Relationship Id="r" '
            f'Type="{OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
            "xl/workbook.xml": f'<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}"><sheets>'
            '<sheet name="List" sheetId="1" r:id="r1"/></sheets></workbook>',
            "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{PACKAGE}/relationships">'
            f'<Relationship Id="r1" Type="{OFFICE}/worksheet" Target="worksheets/sheet1.xml"/>'
            f'<Relationship Id="r2" Type="{OFFICE}/sharedStrings" Target="sharedStrings.xml"/>'
            "</Relationships>",
        }.items():
            package.writestr(name, content)
        with package.open("xl/worksheets/sheet1.xml", "w") as sheet:
            sheet.write(f'<worksheet xmlns="{MAIN}"><sheetData>'.encode())
            for number in range(rows + 1):
                cells = HEADER if number == 0 else row(number)
                written = "".join(
                    f'<c r="{chr(65 + c)}{number + 1}"><v>{cell}</v></c>'
                    if cell.isdecimal()
                    else f'<c r="{chr(65 + c)}{number + 1}" t="s">'
                    f"<v>{strings.setdefault(cell, len(strings))}</v></c>"
                    for c, cell in enumerate(cells)
                )
                sheet.write(f'<row r="{number + 1}">{written}</row>'.encode())
            sheet.write(b"</sheetData></worksheet>")
        with package.open("xl/sharedStrings.xml", "w") as shared:
            shared.write(f'<sst xmlns="{MAIN}">'.encode())
            for text in strings:
                shared.write(f"<si><t>{escape(text)}</t></si>".encode())
            shared.write(b"</sst>")
    return path


def ours(path: Path) -> int:
    """Read as packing reads."""
    return sum(len(batch.rows) for batch in open_list(path, known=is_known).batches())


def csv_rows(path: Path) -> int:
    """The csv module alone."""
    with path.open(encoding="utf-8", newline="") as file:
        return sum(1 for _ in csv.reader(file)) - 1


def csv_columns(path: Path) -> int:
    """The csv module, and its rows turned into columns."""
    rows = 0
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.reader(file)
        while part := list(islice(reader, 4096)):
            columns = list(zip(*part, strict=True))
            rows += len(columns[0])
    return rows - 1


def polars_frame(path: Path) -> int:
    """Polars, and nothing taken out of it."""
    import polars as pl  # noqa: PLC0415 - an extra

    return int(pl.read_csv(path, infer_schema=False).height)


def polars_columns(path: Path) -> int:
    """Polars, and columns of Python's texts."""
    import polars as pl  # noqa: PLC0415 - an extra

    frame, rows = pl.read_csv(path, infer_schema=False), 0
    for part in frame.iter_slices(4096):
        columns = [column.to_list() for column in part.get_columns()]
        rows += len(columns[0])
    return rows


def calamine(path: Path) -> int:
    """Another reader of workbooks, which holds the sheet and gives no formats."""
    from python_calamine import load_workbook  # noqa: PLC0415 - not everywhere

    return sum(1 for _ in load_workbook(path).get_sheet_by_index(0).iter_rows()) - 1


READERS: dict[str, Callable[[Path], int]] = {
    f.__name__: f for f in (ours, csv_rows, csv_columns, polars_frame, polars_columns, calamine)
}


def measure(reader: str, path: Path) -> dict[str, Any]:
    """Best of three in this process."""
    read, best, rows = READERS[reader], float("inf"), 0
    for _ in range(3):
        started = time.process_time()
        rows = read(path)
        best = min(best, time.process_time() - started)
    return {"rows": rows, "us": best / rows * 1e6, "mib": peak_mebibytes()}


def peak_mebibytes() -> int:
    """Of this process since it began; `getrusage` would count what it was forked from."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) // 1024


def main() -> None:
    """Measure all, each in its own process."""
    if len(sys.argv) == 4:
        print(json.dumps(measure(sys.argv[2], Path(sys.argv[3]))))
        return
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    with tempfile.TemporaryDirectory() as folder:
        files = write_files(Path(folder), rows)
        asked = [("ours", file) for file in files]
        asked += [(name, files[0]) for name in ("csv_rows", "csv_columns")]
        if find_spec("polars"):
            asked += [(name, files[0]) for name in ("polars_frame", "polars_columns")]
        if find_spec("python_calamine"):
            asked.append(("calamine", files[4]))
        for reader, file in asked:
            done = subprocess.run(
                [sys.executable, __file__, "one", reader, str(file)],
                capture_output=True, text=True, check=True,
            )  # fmt: skip
            found = json.loads(done.stdout)
            print(
                f"{reader:15} {file.suffix:9} {found['rows']:>9,} rows  {found['us']:6.2f} µs a row"
                f"  {found['mib']:5} MiB in all"
            )


if __name__ == "__main__":
    main()
