"""Long runs of a coverage-guided fuzzer over what reads a stranger's bytes.

    python tests/fuzz/fuzz.py lists [FOLDER] [-max_total_time=3600 …]
    python tests/fuzz/fuzz.py values [FOLDER] [-max_total_time=3600 …]
    python tests/fuzz/fuzz.py lists --replay FILE…

`lists`: the bytes of any list give records of clean text, or one `BadFile` of a line with a hint.
`values`: any text is normalised or rejected, what was normalised once stays as it is, and short
cuts say what the rules say.
Needs atheris (`pip install atheris`), which is no dependency; without it a file that failed can be
replayed. FOLDER keeps what was found to reach new code; it is begun with a small list of each kind.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from contextlib import nullcontext
from datetime import date
from importlib import import_module
from pathlib import Path

try:
    atheris = import_module("atheris")
except ImportError:
    atheris = None

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

FOLLOWED = ["consortium.pack", "consortium.tokens", "zipfile", "gzip", "json", "idna"]
with atheris.instrument_imports(include=FOLLOWED) if atheris else nullcontext():
    from consortium.errors import BadFile
    from consortium.pack.recognition import is_known
    from consortium.pack.source import open_list
    from consortium.tokens import Email, Phone, addresses, dates, email, names, phone, postcodes

TODAY = date(2026, 9, 1)
REGIONS = ("US", "GB", "CA", "DE")


def lists(data: bytes) -> None:
    """Read a list of these bytes."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(data)
        file.flush()
        said = None
        try:
            for batch in open_list(Path(file.name), known=is_known).batches():
                assert len(batch.lines) == len(batch.rows) > 0
                for row in batch.rows:
                    text = "".join(row)
                    assert "\0" not in text
                    text.encode()
        except BadFile as error:
            said = error
        if said is not None:
            assert "\n" not in said.message
            assert said.hint


def values(data: bytes) -> None:
    """Normalise these bytes as everything a cell may be."""
    text = data[1:].decode("utf-8", "surrogateescape")
    region = REGIONS[data[0] % len(REGIONS)] if data else "US"
    for one in email.normalise_all(text):
        if isinstance(one, Email):
            again = email.normalise(one.deliverable)
            assert isinstance(again, Email)
            assert again.canonical == one.canonical
    for number in phone.normalise_all(text, region):
        if isinstance(number, Phone):
            again = phone.normalise(number.e164, region)
            assert isinstance(again, Phone)
            assert again.e164 == number.e164
    assert email.normalise(text) == email.read(text)
    assert phone.normalise(text, region) == phone.read(text, region)
    assert addresses.house_number(text) == addresses.read(text)
    assert names.fold(names.fold(text)) in {names.fold(text), ""}
    assert names.written(names.written(text)) == names.written(text)
    names.split_full(text)
    names.parts(first=text[: len(text) // 2], last=text[len(text) // 2 :])
    dates.normalise(text.split("\n"), today=TODAY)
    code = postcodes.normalise(text, region)
    assert code == postcodes.read(text, region)
    assert not isinstance(code, str) or postcodes.normalise(code, region) == code


TARGETS: dict[str, Callable[[bytes], None]] = {f.__name__: f for f in (lists, values)}


def begin(folder: Path) -> None:
    """Put a small list of each kind into the folder, so that the search need not invent them."""
    valid = import_module("tests.property.test_readers").valid
    for kind, content in valid().items():
        (folder / kind.replace(" ", "-")).write_bytes(content)


def main() -> None:
    """Replay files, or fuzz."""
    if len(sys.argv) < 2 or sys.argv[1] not in TARGETS:
        sys.exit(__doc__)
    name, *rest = sys.argv[1:]
    if rest[:1] == ["--replay"]:
        for file in rest[1:]:
            TARGETS[name](Path(file).read_bytes())
            print(f"{file}: as promised")
        return
    if atheris is None:
        sys.exit("atheris is not installed here: pip install atheris")
    if rest and not rest[0].startswith("-"):
        Path(rest[0]).mkdir(parents=True, exist_ok=True)
        if name == "lists":
            begin(Path(rest[0]))
    atheris.Setup([sys.argv[0], *rest], TARGETS[name])
    atheris.Fuzz()


if __name__ == "__main__":
    main()
