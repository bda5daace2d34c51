"""Checking an export with public keys alone: no home, no database, no secret.

The checks are those of the `verify.py` inside the export, which needs nothing of ours; here they
run with the library's own signatures. Fingerprints must come from outside the export: whoever made
the export could have made its keys as well.
"""

from __future__ import annotations

import re
from pathlib import Path

from consortium.errors import BadFile, UsageError
from consortium.ledger.export import Checked
from consortium.ledger.export import verify as verify_folder

__all__ = ["Checked", "verify"]

_LINE = re.compile(r"(\S+)\s+([0-9a-f ]{16,79})\s*")


def verify(directory: Path, *, fingerprints: Path | None = None) -> Checked:
    """Check an export.

    Args:
        directory: The export.
        fingerprints: File with what each party told the auditor itself, a line each: name, then
            fingerprint. None: keys are listed in the result and compared with nothing.

    Raises:
        EvidenceError: Something does not hold; the message says what and where.
        BadFile: It is no export, or a file cannot be read.
        UsageError: A line of `fingerprints` is not a name and a fingerprint.
    """
    told = None if fingerprints is None else _read(fingerprints)
    return verify_folder(directory, fingerprints=told)


def _read(file: Path) -> dict[str, str]:
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise BadFile(
            f"{file.name} cannot be read", hint="Name the file of fingerprints."
        ) from error
    told = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.startswith("#"):
            continue
        found = _LINE.fullmatch(line.strip())
        if found is None:
            raise UsageError(
                f"{file.name}, line {number}: not a name and a fingerprint",
                hint="Write: nurses 1a2b 3c4d 5e6f 7a8b 9c0d 1e2f 3a4b 5c6d",
            )
        told[found[1]] = found[2].strip()
    if not told:
        raise UsageError(f"{file.name} holds no fingerprint")
    return told
