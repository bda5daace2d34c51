"""Reading the canonical JSON inside a signed request or answer, field by field.

Every reader returns the one type it names or raises `EvidenceError`, whatever the field holds; an
unknown field refuses the whole, because a later version may mean something by it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Self, TypeVar

from consortium.errors import EvidenceError
from consortium.ledger import canonical, grammar
from consortium.ledger.strict import from_base64

__all__ = ["Form"]

_T = TypeVar("_T")
_MAX_TEXT = 1 << 20


class Form:
    """A JSON object being read; `close` after the last field.

    Args:
        fields: The object.
        what: What errors call it.
    """

    def __init__(self, fields: Mapping[str, Any], *, what: str) -> None:
        self._fields = fields
        self._what = what

    @classmethod
    def read(cls, text: str, *, what: str, version: int, fields: frozenset[str]) -> Self:
        """The object in `text`, whose field `what` must be `version`.

        Args:
            text: Canonical JSON and a line end.
            what: `request` or `answer`.
            version: The only one known.
            fields: Every field there may be, and must be.

        Raises:
            EvidenceError: Not canonical, of another version, or with other fields.
        """
        value = canonical.decode(text.removesuffix("\n").encode())
        if not isinstance(value, dict) or value.get("format") != version:
            raise EvidenceError(
                f"the {what} is of a version this program does not know", hint="Update consortium."
            )
        form = cls(value, what=what)
        form.expect(fields | {"format"})
        return form

    def expect(self, fields: frozenset[str]) -> None:
        """Refuse missing and unknown fields. Raises EvidenceError."""
        if self._fields.keys() != fields:
            raise EvidenceError(f"the {self._what} has not the fields it should have")

    def text(self, name: str) -> str:
        """A text. Raises EvidenceError."""
        value = self._fields.get(name)
        if not isinstance(value, str) or len(value) > _MAX_TEXT:
            raise self._wrong(name)
        return value

    def word(self, name: str, *words: str) -> str:
        """One of some words. Raises EvidenceError."""
        value = self.text(name)
        if value not in words:
            raise self._wrong(name)
        return value

    def slug(self, name: str) -> str:
        """A short name. Raises EvidenceError."""
        return self._as(name, "slug", str)

    def slugs(self, name: str) -> tuple[str, ...]:
        """A list of short names. Raises EvidenceError."""
        value = self._fields.get(name)
        if not isinstance(value, list) or not all(grammar.is_a("slug", s) for s in value):
            raise self._wrong(name)
        return tuple(value)

    def digest(self, name: str) -> bytes:
        """A SHA-256 in hex. Raises EvidenceError."""
        return self._as(name, "hash", bytes.fromhex)

    def moment(self, name: str) -> datetime:
        """An instant in whole seconds. Raises EvidenceError."""
        return self._as(name, "moment", _instant)

    def instant(self, name: str) -> datetime:
        """An instant in microseconds. Raises EvidenceError."""
        return self._as(name, "instant", _instant)

    def count(self, name: str) -> int:
        """A whole number, not negative. Raises EvidenceError."""
        return self._as(name, "index", int)

    def data(self, name: str) -> bytes:
        """Bytes in base64. Raises EvidenceError."""
        return from_base64(self.text(name))

    def parts(self, name: str, *, fields: frozenset[str]) -> tuple[Form, ...]:
        """A list of objects with these fields. Raises EvidenceError."""
        value = self._fields.get(name)
        if not isinstance(value, list) or not all(isinstance(part, dict) for part in value):
            raise self._wrong(name)
        found = tuple(Form(part, what=self._what) for part in value)
        for part in found:
            part.expect(fields)
        return found

    def _as(self, name: str, kind: str, make: Callable[[Any], _T]) -> _T:
        value = self._fields.get(name)
        if not grammar.is_a(kind, value):
            raise self._wrong(name)
        return make(value)

    def _wrong(self, name: str) -> EvidenceError:
        return EvidenceError(f'the {self._what} has a malformed "{name}"')


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
