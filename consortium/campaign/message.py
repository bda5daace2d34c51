"""The message: text with declared fields, parsed once, filled per recipient.

The grammar is small on purpose, so that a text can be judged by reading it:

```
text    = *( literal / "{{" / "}}" / "{" field [ "|" fallback ] "}" )
field   = one of FIELDS below; nothing else is ever looked up
fallback= any text on the same line without braces or bars
```

`{{` and `}}` stand for braces. A field that can be empty (a first name) must have a fallback; an
unknown field, a brace left open or a line break in a subject is an error when the campaign is
created, with the line of the text. There are no conditions, loops or function calls.

Parsing gives a `Form`: literal pieces with slots between them. Filling one is a join. A value that
holds a line break, NUL, another control character or a direction override is not used at all, the
fallback stands in for it: so a list cannot write a header, a second paragraph or a reversed word
into a message. A value of the owner's own (name, address) that holds one is an error instead.

Every body ends with who wrote, their postal address and how to stop it. Where the text does not
say these itself by `{owner.name}`, `{owner.address}` and `{opt_out}`, they are added below it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from consortium.errors import DocumentError, quoted

__all__ = ["FIELDS", "MAY_BE_EMPTY", "Form", "MessageForm", "choose", "is_usable", "parse"]

FIELDS: Final = {
    "first_name": "the recipient's first name, as the owner's list has it",
    "last_name": "the recipient's last name, as the owner's list has it",
    "owner.name": "the partner in whose name the message goes",
    "owner.address": "that partner's postal address",
    "opt_out": "one sentence: how to get no more of these",
}
"""Every field a text may use, and what it holds."""

MAY_BE_EMPTY: Final = frozenset({"first_name", "last_name"})
"""Fields that a list may lack: they need a fallback."""

_SLOT = re.compile(r"\{\{|\}\}|\{([^{}\n]*)\}|[{}]")
_MAX_VALUE = 200  # characters; a longer name is a mistake in a list, not a name
_MAX_SUBJECT = 200  # characters, unfilled; RFC 5322 2.1.1 allows 998 octets to a line
_UNUSABLE = frozenset({"Cc", "Cs", "Zl", "Zp"})
_DIRECTION = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


@dataclass(frozen=True, slots=True)
class _Slot:
    """A place to fill: which field, and what stands there when its value is empty."""

    field: str
    fallback: str


@dataclass(frozen=True, slots=True)
class Form:
    """A text, parsed: pieces of literal text and slots, in order."""

    pieces: tuple[str | _Slot, ...]

    @property
    def fields(self) -> frozenset[str]:
        """The fields it asks for."""
        return frozenset(piece.field for piece in self.pieces if isinstance(piece, _Slot))

    def fill(self, values: Mapping[str, str]) -> str:
        """The text for one recipient.

        Args:
            values: By field name, plain text. What is missing, empty or unusable (`is_usable`)
                gives way to the fallback.

        Raises:
            DocumentError: A field that must not be empty is missing or unusable.
        """
        return "".join(
            piece if isinstance(piece, str) else _value(piece, values) for piece in self.pieces
        )


@dataclass(frozen=True, slots=True)
class MessageForm:
    """One `[[message]]` of a campaign, ready to be filled.

    Attributes:
        language: BCP 47 primary tag, e.g. `en`.
        subject: One line.
        body: The text with its footer; ends with a line break.
    """

    language: str
    subject: Form
    body: Form


def is_usable(value: str) -> bool:
    """Whether a merge value may stand in a message: printable, on one line, of sane length."""
    return len(value) <= _MAX_VALUE and not any(
        unicodedata.category(c) in _UNUSABLE or c in _DIRECTION for c in value
    )


def parse(language: str, *, subject: str, text: str) -> MessageForm:
    """Parse one message.

    Args:
        language: BCP 47 primary tag.
        subject: Without line breaks.
        text: The body as written; the footer is added here.

    Raises:
        DocumentError: Says which part, which line of it, and what is wrong.
    """
    if len(subject) > _MAX_SUBJECT or not is_usable(subject):
        raise DocumentError(
            f"the subject is longer than {_MAX_SUBJECT} characters or not one line of plain text",
            hint="Shorten it, and remove line breaks and control characters.",
        )
    if not subject.strip() or not text.strip():
        raise DocumentError("a message needs a subject and a text")
    if bad := next((c for c in text if _forbidden_in_text(c)), None):
        line = text[: text.index(bad)].count("\n") + 1
        raise DocumentError(
            f"text, line {line}: character U+{ord(bad):04X} cannot be sent",
            hint="Remove it; it is invisible in most editors.",
        )
    body = text.strip("\n") + "\n"
    form = _form(body, "text", multiline=True)
    return MessageForm(
        language=language,
        subject=_form(subject, "subject", multiline=False),
        body=Form(form.pieces + _form(_footer(form.fields), "footer", multiline=True).pieces),
    )


def choose(messages: Sequence[MessageForm], *, language: str) -> MessageForm:
    """The message in the recipient's language, else the first one."""
    primary = language.partition("-")[0].lower()
    return next((m for m in messages if m.language == primary), messages[0])


def _form(text: str, part: str, *, multiline: bool) -> Form:
    pieces: list[str | _Slot] = []
    literal: list[str] = []
    end = 0
    for found in _SLOT.finditer(text):
        literal.append(text[end : found.start()])
        end = found.end()
        if found[0] in {"{{", "}}"}:
            literal.append(found[0][0])
            continue
        where = f"{part}, line {text.count(chr(10), 0, found.start()) + 1}" if multiline else part
        if found[1] is None:
            raise DocumentError(
                f"{where}: a brace without its partner",
                hint="Fields look like {first_name|neighbor}; write {{ and }} for braces.",
            )
        if any(literal):
            pieces.append("".join(literal))
        literal = []
        pieces.append(_slot(found[1], where))
    literal.append(text[end:])
    if any(literal):
        pieces.append("".join(literal))
    return Form(tuple(pieces))


def _slot(inside: str, where: str) -> _Slot:
    name, bar, fallback = inside.partition("|")
    name = name.strip()
    if name not in FIELDS:
        raise DocumentError(
            f"{where}: unknown field {quoted(name)}", hint=f"Fields: {', '.join(FIELDS)}."
        )
    if "|" in fallback:
        raise DocumentError(f"{where}: more than one | in the field {name}")
    if name in MAY_BE_EMPTY and not fallback.strip():
        raise DocumentError(
            f"{where}: {name} can be empty and has no fallback",
            hint=f"Write what to say instead, e.g. {{{name}|neighbor}}.",
        )
    if bar and name not in MAY_BE_EMPTY:
        raise DocumentError(
            f"{where}: {name} is never empty, so it takes no fallback", hint=f"Write {{{name}}}."
        )
    return _Slot(field=name, fallback=fallback.strip())


def _value(slot: _Slot, values: Mapping[str, str]) -> str:
    value = str.__str__(values.get(slot.field, "")).strip()
    if value and is_usable(value):
        return value
    if slot.fallback:
        return slot.fallback
    raise DocumentError(
        f"{slot.field} is empty, longer than {_MAX_VALUE} characters or not one line of plain text",
        hint="It comes from the partner's card; admit a corrected card.",
    )


def _footer(said: frozenset[str]) -> str:
    lines = []
    who = [f"{{{name}}}" for name in ("owner.name", "owner.address") if name not in said]
    if who:
        lines.append(", ".join(who))
    if "opt_out" not in said:
        lines.append("{opt_out}")
    return "" if not lines else "\n-- \n" + "\n".join(lines) + "\n"


def _forbidden_in_text(character: str) -> bool:
    return character not in "\n\t" and (
        unicodedata.category(character) in _UNUSABLE or character in _DIRECTION
    )
