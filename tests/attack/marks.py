"""Looking for marked personal data in bytes: plain, in other encodings, and as unsalted hashes."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import quote, quote_plus

_SHORTEST = 5  # shorter needles turn up by chance
_HASHES = ("sha256", "sha1", "md5")


def spellings(value: str) -> set[str]:
    """A value as written, and as other systems would have normalised it."""
    digits = re.sub(r"[^0-9]", "", value)
    found = {value, value.lower(), value.upper(), value.casefold(), value.title()}
    found |= {v.strip() for v in found}
    if "@" in value:
        local, _, domain = value.lower().rpartition("@")
        plain = local.partition("+")[0]
        found |= {f"{plain}@{domain}", f"{plain.replace('.', '')}@{domain}"}
        found |= {f"{local.replace('.', '')}@{domain}"}
    elif len(digits) >= 7:  # a telephone number or a day
        found |= {digits, digits.removeprefix("1")}
        if len(digits) in (10, 11):
            found |= {f"+1{digits.removeprefix('1')}", f"1{digits.removeprefix('1')}"}
    return {v for v in found if len(v) >= _SHORTEST}


def needles(value: str) -> Iterator[tuple[str, bytes]]:
    """(how, bytes) for every form in which a value must not turn up."""
    for text in spellings(value):
        raw = text.encode()
        for encoding in ("utf-8", "utf-16-le", "utf-16-be", "latin-1"):
            yield encoding, text.encode(encoding, "replace")
        yield "hex", raw.hex().encode()
        yield "hex, capitals", raw.hex().upper().encode()
        yield from (("base64", piece) for piece in _base64(raw))
        yield "URL", quote(text, safe="").encode()
        yield "URL, form", quote_plus(text).encode()
        yield "quoted-printable", raw.replace(b"@", b"=40")
        yield "JSON", text.encode("ascii", "backslashreplace")
        for name in _HASHES:
            for form in {raw, text.encode("utf-16-le")}:
                digest = hashlib.new(name, form, usedforsecurity=False).digest()
                yield name, digest
                yield f"{name} in hex", digest.hex().encode()
                yield f"{name} in hex, capitals", digest.hex().upper().encode()
                yield f"{name} in base64", base64.b64encode(digest).rstrip(b"=")
                yield f"{name} in URL base64", base64.urlsafe_b64encode(digest).rstrip(b"=")


def _base64(raw: bytes) -> Iterator[bytes]:
    """What of the base64 of longer data is the same wherever `raw` begins in it."""
    for before in range(3):
        text = base64.b64encode(bytes(before) + raw)
        start = (before * 8 + 5) // 6
        piece = text[start : (before + len(raw)) * 8 // 6]
        if len(piece) > _SHORTEST:
            yield piece


class Marks:
    """The marked values of a run, ready to be looked for."""

    def __init__(self, values: Iterable[str]) -> None:
        self._needles: dict[bytes, tuple[str, str]] = {}
        for value in values:
            for how, needle in needles(value):
                if len(needle) >= _SHORTEST:
                    self._needles.setdefault(needle, (value, how))

    def found(self, data: bytes) -> list[tuple[str, str]]:
        """(value, how) of every mark in `data`."""
        return sorted({what for needle, what in self._needles.items() if needle in data})

    def below(self, *roots: Path, but: Iterable[Path] = ()) -> list[tuple[Path, str, str]]:
        """Every mark in a file, or its name, below some folders; `but` are left out."""
        spared = set(but)
        found = []
        for root in roots:
            for path in sorted(root.rglob("*")):
                if any(part in spared for part in (path, *path.parents)):
                    continue
                data = str(path.relative_to(root)).encode()
                if path.is_file():
                    data += b"\n" + path.read_bytes()
                found += [(path, *what) for what in self.found(data)]
        return found
