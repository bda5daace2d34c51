"""Tags that an owner chose to share: which columns, which words, and how they are written.

Nothing is shared unless it is named: `tags` shares every tag of the column `tags`,
`tags=volunteer,donor` only these two. In a column of tags each word stands for itself; in any other
column the header goes before it (`will vote?: yes`), because a bare `yes` says nothing. A tag is
folded (lower case, one space between words, nothing invisible), at most 64 characters; a row has at
most 32. A tag with an address, a number like a phone's, a link or a formula in it is left out and
noted: tags are not sealed as contact points are.

Cost: nothing where none are kept; else one look per different cell of a batch.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Collection, Iterable, Sequence
from functools import lru_cache

from consortium.documents import nearest, shown
from consortium.errors import UsageError
from consortium.model import MAX_TAG_CHARACTERS, MAX_TAGS
from consortium.pack.layout import KeptTags, fold_header
from consortium.tokens import text

__all__ = ["fold_tag", "keep", "read_tags", "split_tags"]

_BETWEEN = re.compile(r"[;|\n\r]|:::|\s/\s")
_BAD = re.compile(r"@|://|\bwww\.|[<>{}\\=]|\d{7}|\d[\d\s().-]{7,}\d|^[+@|-]")
_SYSTEM_LABEL = "* "  # of Google's own groups
_MAX_CELL = 4_000
_MANY = "too_many"


def keep(
    words: Iterable[str],
    headers: Sequence[str],
    *,
    tags: Sequence[int],
    sealed: Collection[int] = (),
) -> tuple[KeptTags, ...]:
    """The columns named by `--keep` or by `keep` in a mapping.

    Args:
        words: `COLUMN` or `COLUMN=TAG,TAG`.
        headers: The file's headers.
        tags: Indexes of the columns that hold tags.
        sealed: Indexes of columns that say who somebody is, which travel sealed or as keys only.

    Raises:
        UsageError: The file has no such column, or it says who somebody is.
    """
    found: dict[int, KeptTags] = {}
    for word in words:
        name, chosen = _divided(word, headers)
        indexes = [i for i, h in enumerate(headers) if h == name] or [
            i for i, h in enumerate(headers) if fold_header(h) == fold_header(name) and h.strip()
        ]
        if not indexes and fold_header(name) == "tags":
            indexes = list(tags)
        if not indexes:
            raise UsageError(
                f"there is no column {shown(name)} to keep",
                hint=nearest(name, [h for h in headers if h.strip() and "@" not in h])
                or "Name a column as the list's header line has it",
            )
        if not set(sealed).isdisjoint(indexes):
            raise UsageError(
                f"the column {shown(name)} says who somebody is, and tags can be read on the host",
                hint="Keep columns of tags and answers only",
            )
        for index in indexes:
            label = "" if index in tags else f"{fold_tag(headers[index])}: "
            found[index] = KeptTags(index, label, chosen)
    return tuple(found.values())


def fold_tag(tag: str) -> str:
    """A tag as it is compared: `  Climate  ACTION ` gives `climate action`."""
    return text.line(tag).casefold().removeprefix(_SYSTEM_LABEL).strip(" \"'[]").strip()


def split_tags(cell: str) -> list[str]:
    """The tags of a cell, folded, in order; as Mailchimp, Google and others write several."""
    return [folded for part in _parts(cell[:_MAX_CELL]) if (folded := fold_tag(part))]


def read_tags(
    cells: Sequence[Sequence[str]], *, rows: int, kept: Sequence[KeptTags]
) -> tuple[list[tuple[str, ...]], list[tuple[int, int, str]]]:
    """The tags of a batch.

    Args:
        cells: By column, then row.
        rows: How many rows.
        kept: What is shared.

    Returns:
        Per row its tags, sorted, none twice; and what was left out: row, column, code.
    """
    found: list[tuple[str, ...]] = [()] * rows
    notes: list[tuple[int, int, str]] = []
    for each in kept:
        known: dict[str, tuple[tuple[str, ...], str]] = {}
        for row, cell in enumerate(cells[each.column]):
            if not cell:
                continue
            if cell not in known:
                known[cell] = _kept(cell, each)
            tags, code = known[cell]
            if code:
                notes.append((row, each.column, code))
            if tags:
                together = tags if not found[row] else tuple(sorted({*found[row], *tags}))
                if len(together) > MAX_TAGS:
                    notes.append((row, each.column, _MANY))
                found[row] = together[:MAX_TAGS]
    return found, notes


def _kept(cell: str, each: KeptTags) -> tuple[tuple[str, ...], str]:
    code = "too_long" if len(cell) > _MAX_CELL else ""
    tags: set[str] = set()
    for tag in split_tags(cell):
        if each.words is not None and tag not in each.words:
            continue
        if _BAD.search(tag) or text.is_hash(tag):
            code = "suspicious"
        elif len(each.label) + len(tag) > MAX_TAG_CHARACTERS:
            code = "too_long"
        else:
            tags.add(each.label + tag)
    if len(tags) > MAX_TAGS:
        code = _MANY
    return tuple(sorted(tags)[:MAX_TAGS]), code


@lru_cache(1024)
def _parts(cell: str) -> tuple[str, ...]:
    if '"' in cell:
        try:
            quoted = next(csv.reader([cell.strip().strip("[]")], skipinitialspace=True), [])
        except csv.Error:
            quoted = [cell]
        if len(quoted) > 1:
            return tuple(quoted)
    return tuple(part for piece in _BETWEEN.split(cell) for part in piece.split(","))


def _divided(word: str, headers: Sequence[str]) -> tuple[str, frozenset[str] | None]:
    """Column and tags; a header with an equals sign of its own is taken whole."""
    name, equals, chosen = word.partition("=")
    if not equals or word in headers:
        return word, None
    return name, frozenset(split_tags(chosen))
