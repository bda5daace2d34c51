"""Checking an export with public keys alone: no home, no database, no secret.

The checks are those of the `verify.py` inside the export, which needs nothing of ours; here they
run with the library's own signatures. Fingerprints must come from outside the export: whoever made
the export could have made its keys as well.
"""

from __future__ import annotations

from pathlib import Path

from consortium.errors import BadFile, UsageError
from consortium.ledger import verify_export
from consortium.ledger.export import Checked
from consortium.ledger.export import verify as verify_folder

__all__ = ["Checked", "verify"]


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
        told = verify_export.read_fingerprints(file.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError) as error:
        raise BadFile(
            f"{file.name} cannot be read", hint="Name the file of fingerprints."
        ) from error
    except ValueError as error:
        raise UsageError(
            f"{file.name}, {error}", hint="Write: nurses 1a2b 3c4d 5e6f 7a8b 9c0d 1e2f 3a4b 5c6d"
        ) from error
    if not told:
        raise UsageError(f"{file.name} holds no fingerprint")
    return told
