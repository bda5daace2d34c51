"""E-mail addresses: from a cell of an export to what mail is sent to and what a token is made of.

In this order: what wraps the address is taken off (`mailto:`, angle brackets, quotes, a display
name), the rest is brought to NFKC, split at its one `@`, the domain turned into the ASCII form of
DNS, and fillers refused. `deliverable` keeps the local part as given, because only the receiving
host knows whether its case matters. `canonical` is the same mailbox for matching: lower case,
without `+tag`, without dots where the provider ignores them. Nothing is ever guessed: a
misspelt domain stays as it is. RFC 5321 sections 4.1.2 and 4.5.3; dot-atoms in ASCII only, so
SMTPUTF8 local parts, address literals and comments are refused.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from typing import Final, NamedTuple
from urllib.parse import unquote

from consortium.tokens import domains, mailboxes, text
from consortium.tokens.mailboxes import NOTHING, Word
from consortium.tokens.profile import PROFILE, Profile, Rejected

__all__ = ["Email", "normalise", "normalise_all", "normalise_column", "read"]

_MAX_LOCAL: Final = 64
_MAX_ADDRESS: Final = 254
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_DOT_ATOM = re.compile(rf"{_ATOM}(?:\.{_ATOM})*")
# Nine addresses in ten need nothing but lower case; the rest goes the long way round.
_PLAIN_LOCAL = re.compile(rf"(?!['`]){_ATOM}(?:\.{_ATOM})*")
_PLAIN_DOMAIN = re.compile(r"(?:(?=[^.]{1,63}\.)[A-Za-z0-9]+(?:-[A-Za-z0-9]+)*\.)+[A-Za-z]{2,63}")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"@(.*)')
_ESCAPED = re.compile(r"\\(.)")
_BRACKETED = re.compile(r"[^<>]*<\s*([^<>]*?)\s*>[\s,;.]*")
_ASIDE = re.compile(r"^\([^()<>@\\]*\w[^()<>@\\]*\)\s*|\s*\([^()<>@\\]*\w[^()<>@\\]*\)$")
_QUOTES = {'"': '"', "'": "'", "`": "`", "\u201c": "\u201d", "\u2018": "\u2019", "[": "]", "(": ")"}
_SEPARATORS = ("\n", ":::", ";", "|", ",", " / ", " or ", " and ", " & ", " ", "/")
_DOTLESS = frozenset({"gmail.com", "googlemail.com"})
_EMPTY = Rejected("empty")
_PLACEHOLDER = Rejected("placeholder")


class Email(NamedTuple):
    """One address.

    Attributes:
        deliverable: What mail is sent to: local part as given, domain in lower-case ASCII.
        canonical: The mailbox it reaches, the value that a token is made of.
        role: It names a function (`info@`), so it is never the sole reason to merge two rows.
    """

    deliverable: str
    canonical: str
    role: bool = False

    def __repr__(self) -> str:
        return "Email(‹personal›)"


class _Domain(NamedTuple):
    """What an address's domain decides: itself, that of the canonical address, what it does."""

    name: str
    home: str
    ignores_dots: bool
    refusal: Rejected | None


def normalise(raw: str, profile: Profile = PROFILE) -> Email | Rejected:
    """The first usable address of a cell, or why there is none.

    Costs 1.2 µs for an address without ornament, 10 to 20 for others.

    Args:
        raw: Any string.
        profile: The rules, with the consortium's dot-insensitive domains.

    Returns:
        The address, or the first thing that was wrong: `empty`, `placeholder`, `no_reply`,
        `already_hashed`, `too_long`, `control_character`, `no_at`, `several_at`, `no_domain`,
        `bad_domain`, `bad_syntax` or `not_supported`.
    """
    if not raw:
        return _EMPTY
    if len(raw) <= _MAX_ADDRESS:
        local, _, written = raw.strip().partition("@")
        if _PLAIN_LOCAL.fullmatch(local) and (domain := _plain_domain(written)):
            return _judge(local, domain, profile)
    return read(raw, profile)


def read(raw: str, profile: Profile = PROFILE) -> Email | Rejected:
    """`normalise` by the rules alone, without its short cut: the definition of both."""
    found = normalise_all(raw, profile)
    return next((one for one in found if isinstance(one, Email)), found[0])


def normalise_all(raw: str, profile: Profile = PROFILE) -> list[Email | Rejected]:
    """Every address of a cell, in order, at least one result.

    A cell is taken for several addresses only if each of its pieces has an `@`: `a@b.org; c@d.org`
    are two, `a b@c.org` is one bad one.
    """
    cell = text.bare(raw)
    if not cell:
        return [Rejected("empty")]
    if len(cell) > text.MAX_CHARS:
        return [Rejected("too_long")]
    if text.unseen(cell):
        return [Rejected("control_character")]
    if text.is_digest(cell):
        return [Rejected("already_hashed")]
    return [_address(piece, profile) for piece in _pieces(cell.replace("\r", "\n"))]


def normalise_column(values: Sequence[str], profile: Profile = PROFILE) -> list[Email | Rejected]:
    """`normalise` for each cell of a column, in order. Addresses hardly repeat: none is kept."""
    return [normalise(value, profile) for value in values]


def _pieces(cell: str) -> list[str]:
    for separator in _SEPARATORS:
        if separator in cell:
            pieces = [piece.strip() for piece in cell.split(separator)]
            pieces = [piece for piece in pieces if piece]
            if len(pieces) > 1 and all(map(_looks_whole, pieces)):
                return [part for piece in pieces for part in _pieces(piece)]
    return [cell]


def _looks_whole(piece: str) -> bool:
    """Whether something stands on both sides of an @, so that a cut there cuts nothing apart."""
    before, at, after = text.line(piece).rpartition("@")
    return bool(before and at and after)


def _address(  # noqa: PLR0911 - one refusal after the other
    piece: str, profile: Profile
) -> Email | Rejected:
    if any(map(_hides_punctuation, piece)):
        return Rejected("bad_syntax")
    address = _unwrapped(text.line(piece))
    if not address or text.is_filler(address):
        return Rejected("placeholder" if address else "empty")
    if "@" not in address:
        return Rejected("no_at")
    if quoted := _QUOTED.fullmatch(address):
        local, domain = _ESCAPED.sub(r"\1", quoted[1]), quoted[2]
        if not _DOT_ATOM.fullmatch(local):
            return Rejected("not_supported")
    else:
        local, _, domain = address.partition("@")
    if not local or "@" in domain:
        return Rejected("several_at" if local else "bad_syntax")
    if "." not in domain and "\u3002" not in domain and domain[:1] != "[":
        return Rejected("no_domain")
    if not _DOT_ATOM.fullmatch(local):
        return Rejected("bad_syntax" if local.isascii() else "not_supported")
    name = domains.to_ascii(domain)
    if name is None:
        return Rejected("bad_domain")
    return _judge(local, _domain(name), profile)


def _hides_punctuation(char: str) -> bool:
    """Whether NFKC makes several characters of one, with a dot or an @ among them."""
    if char.isascii():
        return False
    seen = unicodedata.normalize("NFKC", char)
    return len(seen) > 1 and not {".", "@"}.isdisjoint(seen)


def _unwrapped(address: str) -> str:
    address = _ASIDE.sub("", address)
    if bracketed := _BRACKETED.fullmatch(address):
        address = bracketed[1]
    address = address.rstrip(",; ")
    while len(address) > 1 and _QUOTES.get(address[0]) == address[-1]:
        address = address[1:-1].strip()
    if address[:7].lower() == "mailto:":
        return text.line(unquote(address[7:].partition("?")[0]))
    return address


@lru_cache(maxsize=16_384)
def _plain_domain(written: str) -> _Domain | None:
    """The domain of an address without ornament; None: read it the long way."""
    return _domain(written.lower()) if _PLAIN_DOMAIN.fullmatch(written) else None


@lru_cache(maxsize=16_384)
def _domain(name: str) -> _Domain:
    """What a domain in the form of DNS decides."""
    refusal = None
    if domains.is_special_use(name):
        refusal = Rejected("bad_domain")
    elif mailboxes.is_filler_domain(name):
        refusal = _PLACEHOLDER
    gmail = name in _DOTLESS
    return _Domain(name, "gmail.com" if gmail else name, gmail, refusal)


def _judge(local: str, domain: _Domain, profile: Profile) -> Email | Rejected:
    """An address of good form: its lengths, whether it is anybody's, its canonical form."""
    name, home, ignores_dots, refusal = domain
    if len(local) > _MAX_LOCAL or len(local) + 1 + len(name) > _MAX_ADDRESS:
        return Rejected("too_long")
    mailbox = local.lower()
    tag = mailbox.find("+", 1)
    if tag > 0:
        mailbox = mailbox[:tag].rstrip(".")
    if "." in mailbox and (ignores_dots or name in profile.dot_insensitive_domains):
        mailbox = mailbox.replace(".", "")
    word = mailboxes.words_of(mailbox)
    if (word is not NOTHING or refusal) and (fault := _fault(mailbox, home, word, refusal)):
        return fault
    # Half the time of Email(…).
    return tuple.__new__(
        Email, (f"{local}@{name}", f"{mailbox}@{home}", word is not NOTHING and Word.ROLE in word)
    )


def _fault(mailbox: str, home: str, word: Word, refusal: Rejected | None) -> Rejected | None:
    """Why mail to an address would reach nobody."""
    if refusal is not None and refusal.code == "bad_domain":
        return refusal
    if Word.NO_REPLY in word:
        return Rejected("no_reply")
    if refusal is not None or Word.FILLER in word:
        return _PLACEHOLDER
    at_random = Word.AT_RANDOM in word and mailboxes.is_made_up(mailbox, home)
    return _PLACEHOLDER if at_random else None
