"""No kind of list fills the memory: each reading of 50 MB and more runs in a process of its own."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

import pytest

from tests.unit.pack.workbooks import write_workbook

MEBIBYTE = 2**20
LARGE_BYTES = 50 * MEBIBYTE
ROW_GROUP = 20_000
MAY_GROW_BYTES = 24 * MEBIBYTE  # a batch, its copy while it is made, and what a run varies by

READ = """
import sys
from pathlib import Path
from consortium.errors import BadFile
from consortium.pack.recognition import is_known
from consortium.pack.source import open_list
if sys.argv[2] == "parquet":
    import pyarrow.parquet
def high():
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024
before = high()
try:
    rows = sum(len(b.rows) for b in open_list(Path(sys.argv[1]), known=is_known).batches())
except BadFile as error:
    rows = error.message
print(high() - before, rows)
"""

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/status").exists(), reason="memory is measured by /proc/self/status"
)


def grown(path: Path, kind: str = "") -> tuple[int, str]:
    """Bytes that reading it added, and the rows or what was said."""
    done = subprocess.run(
        [sys.executable, "-c", READ, str(path), kind],
        capture_output=True, text=True, check=True, cwd=Path(__file__).parents[3],
        env=os.environ | {"ARROW_DEFAULT_MEMORY_POOL": "system"},  # the others keep what is freed
    )  # fmt: skip
    size, _, rows = done.stdout.strip().partition(" ")
    return int(size), rows


def people() -> Iterator[dict[str, str]]:
    i = 0
    while True:
        name = f"{i * 7919 % 1_000_003:x}" * 12
        yield {"email": f"p{i}@mail.example.org", "phone": f"503555{i % 10_000:04}", "note": name}
        i += 1


def some(rows: int) -> Iterator[dict[str, str]]:
    return islice(people(), rows)


def lines(rows: int) -> Iterator[bytes]:
    yield b"email,phone,note\n"
    for person in some(rows):
        yield (",".join(person.values()) + "\n").encode()


def text(path: Path, rows: int) -> None:
    with path.open("wb") as file:
        file.writelines(lines(rows))


def wide_text(path: Path, rows: int) -> None:
    with path.open("wb") as file:
        file.writelines(line.decode().encode("utf-16-le") for line in lines(rows // 2))


def packed(path: Path, rows: int) -> None:
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.writelines(lines(rows))


def archive(path: Path, rows: int) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as opened:
        for name in ("subscribed.csv", "unsubscribed.csv"):
            with opened.open(name, "w") as member:
                member.writelines(lines(rows // 2))


def json_lines(path: Path, rows: int) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(person) + "\n" for person in some(rows))


def osdi_page(path: Path, rows: int) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.write('{"page": 1, "_embedded": {"osdi:people": [')
        for number, person in enumerate(some(rows // 3)):
            file.write("," * (number > 0))
            file.write(
                json.dumps({"email_addresses": [{"address": person["email"] * 3}], **person})
            )
        file.write('], "x": []}}')


def workbook(path: Path, rows: int) -> None:
    """Its texts in their cells; shared ones are held, up to a limit."""
    header = "".join(
        f'<c r="{c}1" t="inlineStr"><is><t>{h}</t></is></c>'
        for c, h in zip("ABC", ("email", "phone", "note"), strict=True)
    )
    body = "".join(
        f'<row r="{number}"><c r="A{number}" t="inlineStr"><is><t>{p["email"]}</t></is></c>'
        f'<c r="B{number}"><v>{p["phone"]}</v></c>'
        f'<c r="C{number}" t="inlineStr"><is><t>{p["note"]}</t></is></c></row>'
        for number, p in enumerate(some(rows // 3), 2)
    )
    write_workbook(
        path,
        [["email"]],
        parts={
            "xl/worksheets/sheet1.xml": "<worksheet><sheetData>"
            f'<row r="1">{header}</row>{body}</sheetData></worksheet>'
        },
    )


def parquet(path: Path, rows: int) -> None:
    import pyarrow as pa  # noqa: PLC0415 - an extra
    from pyarrow import parquet as pq  # noqa: PLC0415 - an extra

    schema = pa.schema([(name, pa.string()) for name in ("email", "phone", "note")])
    with pq.ParquetWriter(path, schema) as writer:
        for _ in range(rows // ROW_GROUP):
            writer.write_table(pa.Table.from_pylist(list(some(ROW_GROUP)), schema=schema))


KINDS: dict[str, Callable[[Path, int], None]] = {
    f.__name__: f
    for f in (text, wide_text, packed, archive, json_lines, osdi_page, workbook, parquet)
}


@pytest.mark.parametrize("kind", KINDS)
def test_reading_takes_the_same_memory_however_long_the_list(tmp_path: Path, kind: str) -> None:
    if kind == "parquet":
        pytest.importorskip("pyarrow", reason="the extra `parquet` is not installed")
    few, many = 20_000, 600_000
    small, large = tmp_path / "small", tmp_path / "large"
    KINDS[kind](small, few)
    KINDS[kind](large, many)
    unpacked = sum(map(len, lines(many)))
    assert unpacked > LARGE_BYTES
    (less, _), (more, rows) = grown(small, kind), grown(large, kind)
    assert int(rows) >= many // 3
    assert more - less < MAY_GROW_BYTES


def sparse(path: Path, head: bytes, size: int) -> Path:
    with path.open("wb") as file:
        file.write(head)
        file.seek(size)
        file.write(b"x")
    return path


@pytest.mark.parametrize(
    ("head", "what"),
    [
        (b"email,phone\n", "a line of more than 4 MiB"),
        (b'{"email": "', "not a text file"),
        (b"", "begins with nothing but blanks"),
        (b"\xff\xfee\0m\0a\0i\0l\0\n\0", "a line of more than 4 MiB"),
    ],
    ids=["text", "json", "nothing", "utf-16"],
)
def test_a_line_of_2_gigabytes_is_refused_in_little_memory(
    tmp_path: Path, head: bytes, what: str
) -> None:
    size, said = grown(sparse(tmp_path / "long", head, 2**31))
    assert what in said
    assert size < 3 * MAY_GROW_BYTES


def commas(path: Path) -> Path:
    path.write_bytes(b"email,phone\n" + (b"," * (4 * MEBIBYTE - 2) + b"\n") * 20)
    return path


def endless_records(path: Path) -> Path:
    path.write_bytes(b"email,phone\n" + b'"a\n","b\n",' * (6 * MEBIBYTE))
    return path


def wide_header(path: Path) -> Path:
    path.write_bytes(b"email," * 1_000_000 + b"\n" + b"a@b.example," * 1_000_000)
    return path


@pytest.mark.parametrize(
    ("make", "what"),
    [
        (commas, "records of more than 16 million characters"),
        (endless_records, "records of more than 16 million characters"),
        (wide_header, "more than 4 MiB"),
    ],
)
def test_a_million_columns_are_refused_in_bounded_memory(
    tmp_path: Path, make: Callable[[Path], Path], what: str
) -> None:
    size, said = grown(make(tmp_path / "wide"))
    assert what in said
    assert size < 400 * MEBIBYTE
