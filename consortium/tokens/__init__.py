"""Normalise and tokenise: bring a value to its one spelling, then to its keyed hash.

Everything here is pure and total: any string gives a value or a `Rejected` with a word that says
why, in time linear in its length, and never an exception. Rules of profile 1:
`docs/formats/normalisation.md`.
"""

from consortium.tokens import (
    addresses,
    dates,
    email,
    languages,
    names,
    phone,
    places,
    postcodes,
    typos,
    zones,
)
from consortium.tokens.addresses import Address
from consortium.tokens.composites import (
    compose_name_address,
    compose_name_address_column,
    compose_name_birth,
    compose_name_birth_column,
)
from consortium.tokens.email import Email
from consortium.tokens.names import Name
from consortium.tokens.phone import Phone
from consortium.tokens.profile import PROFILE, REJECTIONS, Profile, Rejected
from consortium.tokens.text import mapped
from consortium.tokens.tokeniser import COMPOSITE_KINDS, CONTACT_KINDS, HmacTokeniser, Tokeniser

__all__ = [
    "COMPOSITE_KINDS",
    "CONTACT_KINDS",
    "PROFILE",
    "REJECTIONS",
    "Address",
    "Email",
    "HmacTokeniser",
    "Name",
    "Phone",
    "Profile",
    "Rejected",
    "Tokeniser",
    "addresses",
    "compose_name_address",
    "compose_name_address_column",
    "compose_name_birth",
    "compose_name_birth_column",
    "dates",
    "email",
    "languages",
    "mapped",
    "names",
    "phone",
    "places",
    "postcodes",
    "typos",
    "zones",
]
