"""Every error a caller can meet, and the exit code it ends a command with.

```
ConsortiumError            1  something could not be done
├── UsageError             2  a value, option, document or setting is wrong
│   ├── DocumentError      2  a TOML document, with file, line and column
│   └── HomeError          2  no home here, or one this version cannot use
├── NotFound               1  a named partner, upload, campaign or message is not known
├── StateConflict          1  the thing exists, and its state does not allow this
├── BadFile                1  an input file cannot be read, or is not what it should be
├── KeyFailure             1  wrong passphrase, damaged or missing key
├── StoreFailure           1  the database is locked, full, read-only or of another revision
├── EvidenceError          3  a signature, digest or proof does not verify
└── PolicyRefused          4  a partner's policy or missing approval forbids it
```

A message says what, which one and what to do, in at most two lines, and never holds personal data:
no address, no name, no cell of a list. `hint` is the second line. What somebody typed where a short
name belongs is repeated by `quoted` alone, because it may be an address.
"""

from __future__ import annotations

import re
from typing import Final

__all__ = [
    "BadFile",
    "ConsortiumError",
    "DocumentError",
    "EvidenceError",
    "HomeError",
    "KeyFailure",
    "NotFound",
    "PolicyRefused",
    "StateConflict",
    "StoreFailure",
    "UsageError",
    "quoted",
]

_LONGEST: Final = 40
_PERSONAL = re.compile(r"@|\d(?:[^\w]*\d){9}")


class ConsortiumError(Exception):
    """Base of all errors raised on purpose.

    Args:
        message: What is wrong and with which thing, one line, no full stop, no personal data.
        hint: What to do about it, one line; may be empty.
    """

    exit_code: int = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(ConsortiumError):
    """A value, option or setting is wrong; nothing was changed."""

    exit_code = 2


class DocumentError(UsageError):
    """A TOML document is malformed or says something it may not; names file, line and column."""


class HomeError(UsageError):
    """There is no home here, or it belongs to a version this one cannot use."""


class NotFound(ConsortiumError):
    """A partner, upload, campaign or message of that name is not known."""


class StateConflict(ConsortiumError):
    """The thing exists and its state does not allow what was asked."""


class BadFile(ConsortiumError):
    """An input file cannot be read, or is not the kind of file it should be."""


class KeyFailure(ConsortiumError):
    """A passphrase is wrong, or a key file is damaged or missing."""


class StoreFailure(ConsortiumError):
    """The database is locked, full, read-only or of an unknown revision."""


class EvidenceError(ConsortiumError):
    """A signature, digest or proof does not verify."""

    exit_code = 3


class PolicyRefused(ConsortiumError):
    """A partner's policy, or its missing approval, forbids what was asked."""

    exit_code = 4


def quoted(text: object) -> str:
    """What somebody wrote, for a message: in quotes, printable, short.

    Anything that could be an e-mail address or a telephone number is not repeated: `‹…›`.
    """
    words = str(text)
    if _PERSONAL.search(words):
        return "‹…›"
    printable = "".join(c if c.isprintable() else "�" for c in words)
    return f'"{printable}"' if len(printable) <= _LONGEST else f'"{printable[: _LONGEST - 1]}…"'
