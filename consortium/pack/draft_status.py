"""In a draft of a mapping: the status columns with words that are not known.

A rule of a mapping stands in the place of the layout's for its column. So the whole rule is
written, with what the layout says of other words, and each unknown word as no consent, to be
corrected. Nothing is written of a word that could be about one person.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from consortium.pack.consent import is_word, meaning_of
from consortium.pack.layout import NO, YES, Layout, Meaning, StatusColumn

__all__ = ["status_rules"]

_MOST_WORDS = 50
_CHOICES = "express, none, unsaid, unsubscribed …"


def status_rules(
    layout: Layout, rows: Sequence[Sequence[str]], *, quoted: Callable[[str], str]
) -> Iterator[str]:
    """Lines of TOML, a rule for each such column.

    Args:
        layout: What was recognised.
        rows: Some rows of the list.
        quoted: Makes a string of TOML.
    """
    for status in layout.statuses:
        header = layout.headers[status.column]
        alone = layout.headers.count(header) == 1 and not any(
            other.column == status.column for other in layout.statuses if other is not status
        )
        words = _unknown(status, rows)
        if words and alone:
            yield from _rule(layout, status, words, quoted)


def _unknown(status: StatusColumn, rows: Sequence[Sequence[str]]) -> list[str]:
    cells = dict.fromkeys(row[status.column].strip() for row in rows if len(row) > status.column)
    unknown = [cell for cell in cells if meaning_of(status, cell) is None and is_word(cell)]
    return unknown[:_MOST_WORDS]


def _rule(
    layout: Layout, status: StatusColumn, unknown: Sequence[str], quoted: Callable[[str], str]
) -> Iterator[str]:
    yield "\n# Some words in this column are not known. Say what they mean."
    yield f"[[status]]\nheaders = [{quoted(layout.headers[status.column])}]"
    owner = layout.owner(status)
    if owner is not None:
        yield f"of = [{quoted(layout.headers[owner])}]"
    both = len(status.channels) > 1
    yield f"channel = {quoted('both' if both else status.channels[0].value)}"
    yield f"filled = {quoted(status.filled)}\nempty = {quoted(status.empty)}"
    if status.day is not None:
        yield f"day = [{quoted(layout.headers[status.day])}]"
    words = dict(status.words)
    for key, several in (("yes", YES), ("no", NO)):
        meanings = {words.get(word) for word in several}
        meaning = meanings.pop()
        if meaning is not None and not meanings:
            yield f"{key} = {quoted(meaning)}"
            words = {word: said for word, said in words.items() if word not in several}
    yield "[status.values]"
    yield from (f"{quoted(word)} = {quoted(meaning)}" for word, meaning in words.items())
    none = quoted(Meaning.NONE)
    yield from (f"{quoted(word)} = {none}  # not known: {_CHOICES}" for word in unknown)
