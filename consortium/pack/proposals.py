"""What an unknown column looks like: by words in its header, and by some of its cells.

A proposal is shown, or written into a draft of a mapping; no column is ever read because of one.
Separately, an unread column whose header sounds like a refusal is pointed out, because a no that is
not read is written to.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Mapping, Sequence
from itertools import islice
from types import MappingProxyType

from consortium.pack.layout import Layout, Role

__all__ = ["by_content", "by_name", "propose", "sounds_like_refusal"]

_LOOKED_AT = 500
_SAMPLE = 50
_ENOUGH = 0.8
_LEAST = 3
_WORDS: Mapping[str, Role] = MappingProxyType(
    {
        **dict.fromkeys(("email", "mail", "correo", "courriel"), Role.EMAIL),
        **dict.fromkeys(
            ("phone", "mobile", "cell", "tel", "telephone", "handy", "telefon", "telefono", "movil",
             "portable", "sms"), Role.PHONE,
        ),
        **dict.fromkeys(("vorname", "prenom", "nombre", "forename", "given"), Role.FIRST_NAME),
        **dict.fromkeys(
            ("nachname", "familienname", "apellido", "apellidos", "surname"), Role.LAST_NAME
        ),
        **dict.fromkeys(("plz", "zip", "zipcode", "postcode", "postal", "postleitzahl"),
            Role.POSTCODE,
        ),
        **dict.fromkeys(("geburtsdatum", "birth", "birthdate", "dob", "nacimiento", "naissance"),
            Role.BIRTH_DATE,
        ),
        **dict.fromkeys(("strasse", "street", "rue", "calle"), Role.STREET),
        **dict.fromkeys(("sprache", "language", "idioma", "langue"), Role.LANGUAGE),
        **dict.fromkeys(("tag", "tags", "schlagworte", "etiquetas"), Role.TAGS),
    }
)  # fmt: skip
_OF_CONTACTS = frozenset({Role.EMAIL, Role.PHONE})
_SPLIT = re.compile(r"(?<=[a-z])(?=[A-Z])|[\W_\d]+")
_EMAIL = re.compile(r"\s*<?[^\s@]+@[^\s@]+\.[^\s@]{2,}>?\s*")
_PHONE = re.compile(r"\s*[+(]?\d[\d\s().+/-]{7,18}\d\s*")
_ZIP = re.compile(r"\s*\d{5}(?:-\d{4})?\s*|\s*[A-Z]{1,2}\d[A-Z\d]?\s*\d[A-Z]{2}\s*", re.IGNORECASE)
_NOT_OURS = re.compile(
    r"(?:do\W*not|don\W?t)\W*mail\b|"
    r"(?:do\W*not|don\W?t|no)\W*(?:post|postal|direct\W*mail|letters?|walk|knock|trade|visit)\b",
    re.IGNORECASE,
)
_DIGITS = range(10, 16)
_REFUSAL = re.compile(
    r"opt\W*(?:ed)?\W*out|unsub|do\W*not|\bdnc\b|bounc|suppress|blacklist|blocklist|blocked|\bstop\b|"
    r"deceased|\bdied\b|\bno\W*(?:e\W?mail|sms|texts?|contact|calls?)\b|complain|ab(?:ge)?meld|desuscri|"
    r"gone\W*away|\bspam\b",
    re.IGNORECASE,
)


def by_name(header: str) -> Role | None:
    """The role that a word of the header speaks of."""
    plain = unicodedata.normalize("NFKD", header[:200])
    plain = "".join(c for c in plain if not unicodedata.combining(c)).replace("ß", "ss")
    plain = re.sub(r"\be[-_ ]mail", "email", plain, flags=re.IGNORECASE)
    words = [word.casefold() for word in _SPLIT.split(plain) if word]
    return next((_WORDS[word] for word in words if word in _WORDS), None)


def by_content(cells: Sequence[str]) -> Role | None:
    """The role that most of the first cells with something in them fit."""
    filled = (cell[:80] for cell in islice(cells, _LOOKED_AT) if cell.strip())
    sample = list(islice(filled, _SAMPLE))
    if len(sample) < _LEAST:
        return None
    least = _ENOUGH * len(sample)
    if sum(_EMAIL.fullmatch(cell) is not None for cell in sample) >= least:
        return Role.EMAIL
    if sum(map(_is_phone, sample)) >= least:
        return Role.PHONE
    if sum(_ZIP.fullmatch(cell) is not None for cell in sample) >= least:
        return Role.POSTCODE
    return None


def sounds_like_refusal(header: str) -> bool:
    """Whether a column of that name may say who must not be written to by e-mail or text."""
    name = header[:200].replace("_", " ")
    return _REFUSAL.search(name) is not None and _NOT_OURS.search(name) is None


def propose(layout: Layout, content: Mapping[int, Role]) -> dict[int, Role]:
    """Column → role that it looks like, for columns that nothing reads.

    Args:
        layout: What is known.
        content: Column → what its cells look like.
    """
    found: dict[int, Role] = {}
    taken: Collection[Role] = {*layout.columns, *((Role.TAGS,) if layout.tags else ())}
    for column in layout.unread:
        header = layout.headers[column]
        if sounds_like_refusal(header):
            continue
        name, cells = by_name(header), content.get(column)
        role = cells if cells in _OF_CONTACTS or cells is name else name
        if role in _OF_CONTACTS and cells is not role:
            continue  # a name alone may be of anything about addresses
        if role is not None and (role not in taken or role in _OF_CONTACTS):
            found[column] = role
    return found


def _is_phone(cell: str) -> bool:
    return _PHONE.fullmatch(cell) is not None and sum(map(str.isdigit, cell)) in _DIGITS
