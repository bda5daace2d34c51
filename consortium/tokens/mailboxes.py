"""Local parts that name no person: roles, mailboxes nobody reads, and what people type as filler.

A role mailbox is read by whoever is on duty, so it can be written to and is never the sole reason
to take two rows for one human. The words are in `data/fillers.toml`.
"""

from __future__ import annotations

from consortium.tokens import tables

__all__ = ["is_no_reply", "is_placeholder", "is_role"]

_WORDS = tables.word_sets("fillers.toml")
_SEPARATORS = str.maketrans("", "", "._-")


def is_role(local: str) -> bool:
    """Whether a canonical local part names a function and not a person."""
    return local in _WORDS["role"] or local.translate(_SEPARATORS) in _WORDS["role"]


def is_no_reply(local: str) -> bool:
    """Whether a canonical local part is that of a machine that only sends."""
    return local.translate(_SEPARATORS) in _WORDS["no_reply"]


def is_placeholder(local: str, domain: str) -> bool:
    """Whether a canonical address was typed to get past a form.

    Three grounds: the local part says so (`noemail@…`); the domain says so (`…@none.com`); or a
    word typed at random stands at a domain that everybody has, or at itself (`test@gmail.com`,
    `asdf@asdf.com`). `test@` at any other domain may be somebody's.
    """
    word = local.translate(_SEPARATORS)
    if word in _WORDS["local"] or domain in _WORDS["domain"]:
        return True
    at_random = word in _WORDS["at_random"] or (len(word) > 1 and len(set(word)) == 1)
    return at_random and (domain in _WORDS["public_domain"] or domain.partition(".")[0] == word)
