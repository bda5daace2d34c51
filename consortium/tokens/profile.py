"""The numbered rule set that values are normalised by, and what a refused value says.

A token is a keyed hash of a normalised value, so two rows meet only if both were normalised by
the same rules. The rules of profile 1 are written down in `docs/formats/normalisation.md`; a rule
that would change a value that was accepted before makes profile 2. A refusal is a value and never
an exception: it carries a word from `REJECTIONS` and nothing of the cell it stands for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

__all__ = ["PROFILE", "REJECTIONS", "Profile", "Rejected"]


@dataclass(frozen=True, slots=True)
class Profile:
    """The rules by number, and the one setting that they leave to a consortium.

    Attributes:
        number: Version of the rules; part of what is hashed.
        dot_insensitive_domains: Further mail domains, lower-case ASCII, whose mailboxes ignore
            dots in the local part. gmail.com and googlemail.com always do.
    """

    number: int = 1
    dot_insensitive_domains: frozenset[str] = frozenset()


PROFILE = Profile()
"""Profile 1 with no further dot-insensitive domains."""

REJECTIONS: Mapping[str, str] = MappingProxyType(
    {
        "already_hashed": "a hash instead of the value it was made from",
        "ambiguous_date": "day and month cannot be told apart in this column",
        "bad_date": "not a date",
        "bad_domain": "not a domain that mail can be sent to",
        "bad_postcode": "not a postcode of the country",
        "bad_syntax": "not an e-mail address",
        "control_character": "a character that cannot be seen stands inside",
        "empty": "nothing in the cell",
        "impossible_date": "not a day on which a living person was born",
        "no_area_code": "a local phone number without its area code",
        "no_at": "no @ in the e-mail address",
        "no_domain": "an e-mail address without a domain",
        "no_reply": "a mailbox that nobody reads",
        "not_a_number": "not a phone number",
        "not_in_plan": "no such number in the country's numbering plan",
        "not_supported": "an e-mail address with quotes or other than ASCII before the @",
        "placeholder": "a filler, not a real value",
        "several_at": "more than one @ in the e-mail address",
        "spreadsheet_number": "mangled by a spreadsheet; export the column as text",
        "too_long": "longer than such a value can be",
    }
)
"""Every rejection code with what it means to the person who keeps the list."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """A value that gives no token, and why.

    Attributes:
        code: One of the words in `REJECTIONS`.
    """

    code: str
