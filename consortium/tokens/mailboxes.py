"""Local parts that name no person: roles, mailboxes nobody reads, and what people type as filler.

A role mailbox is read by whoever is on duty, so it can be written to and is never the sole reason
to take two rows for one human. The words are in `data/fillers.toml`.
"""

from __future__ import annotations

from enum import Flag, auto
from typing import Final

from consortium.tokens import tables

__all__ = ["NOTHING", "Word", "is_filler_domain", "is_made_up", "words_of"]


class Word(Flag):
    """What a local part says of itself."""

    ROLE = auto()
    """It names a function and not a person."""
    NO_REPLY = auto()
    """It is that of a machine that only sends."""
    FILLER = auto()
    """It says that there is no address."""
    AT_RANDOM = auto()
    """People type it to get past a form; at most domains it may be somebody's all the same."""


NOTHING: Final = Word(0)

_LISTS = tables.word_sets("fillers.toml")
_WORDS: dict[str, Word] = {}
for _name, _word in {
    "role": Word.ROLE,
    "no_reply": Word.NO_REPLY,
    "local": Word.FILLER,
    "at_random": Word.AT_RANDOM,
}.items():
    for _spelling in _LISTS[_name]:
        _WORDS[_spelling] = _WORDS.get(_spelling, NOTHING) | _word


def words_of(local: str) -> Word:
    """What a canonical local part says of itself; dots, hyphens and underscores do not count."""
    word = local.replace(".", "").replace("_", "").replace("-", "")
    found = _WORDS.get(word, NOTHING)
    if word[:1] == word[1:2] and len(word) > 1 and word == word[0] * len(word):
        return found | Word.AT_RANDOM
    return found


def is_made_up(local: str, domain: str) -> bool:
    """Whether a word typed at random stands at a domain that everybody has, or at itself.

    So `asdf@gmail.com` and `asdf@asdf.com` are fillers; `test@` at any other domain may be
    somebody's.
    """
    word = local.replace(".", "").replace("_", "").replace("-", "")
    return domain in _LISTS["public_domain"] or domain.partition(".")[0] == word


def is_filler_domain(domain: str) -> bool:
    """Whether a domain says that there is no address (`none.com`)."""
    return domain in _LISTS["domain"]
