"""A row of a list, normalised: what travels in a pack from the partner's machine to the host."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from consortium.model.kinds import ConsentBasis, Relationship

__all__ = [
    "MAX_TAGS",
    "MAX_TAG_CHARACTERS",
    "OLDEST_CONSENT",
    "Consent",
    "PackOptOut",
    "PackRow",
    "Places",
]

MAX_TAGS = 32
"""Most tags of one row."""
MAX_TAG_CHARACTERS = 64

OLDEST_CONSENT = date(1900, 1, 1)
"""Earlier days are what systems write for no day at all (0001-01-01, 1753-01-01, 1899-12-30)."""


@dataclass(frozen=True, slots=True)
class Consent:
    """The owner's claim that it may write on one channel; `on` is the day consent was given."""

    basis: ConsentBasis = ConsentBasis.NONE
    on: date | None = None


@dataclass(frozen=True, slots=True)
class Places:
    """Where a person lives, as far as the list says: ISO country, state or province, postcode."""

    country: str = ""
    state: str = ""
    postcode: str = ""


@dataclass(frozen=True, slots=True)
class PackRow:
    """One usable row. All values are normalised by the profile that the pack's header names.

    Attributes:
        number: 1-based data record number in the partner's file, as a CSV parser counts.
        emails: Deliverable addresses, best first (domain in lower case ASCII; local part as given).
        phones: E.164, best first.
        first_name, last_name: As written by the person, trimmed; for the message.
        suffix: `jr`, `sr`, `ii`, `iii`, `iv` or empty.
        birth_date: ISO `YYYY-MM-DD`, or only what is known: `YYYY`, `--MM-DD`; else empty.
        house_number: Digits and letters only, lower case; else empty.
        places: Country, state, postcode.
        language: BCP 47 primary tag or empty.
        relationship: What the person is to the owner.
        email_consent, sms_consent: The owner's claim per channel.
        sealed_record_id: The owner's own id, sealed by the owner for itself; opaque to the host.
        tags: What the owner chose to share of its own tags: folded words, none twice, in order of
            the alphabet; at most `MAX_TAGS` of `MAX_TAG_CHARACTERS`.
    """

    number: int
    emails: tuple[str, ...] = ()
    phones: tuple[str, ...] = ()
    first_name: str = ""
    last_name: str = ""
    suffix: str = ""
    birth_date: str = ""
    house_number: str = ""
    places: Places = Places()
    language: str = ""
    relationship: Relationship = Relationship.SUPPORTER
    email_consent: Consent = Consent()
    sms_consent: Consent = Consent()
    sealed_record_id: bytes = b""
    tags: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"PackRow(number={self.number}, ‹personal›)"


@dataclass(frozen=True, slots=True)
class PackOptOut:
    """A row that its owner's system marks as not to be contacted: kept only to block.

    Attributes:
        number: 1-based data record number.
        emails, phones: The contact points to block for this owner.
        cause: `unsubscribed`, `bounced`, `spam_report`, `do_not_contact`.
    """

    number: int
    emails: tuple[str, ...] = ()
    phones: tuple[str, ...] = ()
    cause: str = "unsubscribed"

    def __repr__(self) -> str:
        return f"PackOptOut(number={self.number}, ‹personal›)"
