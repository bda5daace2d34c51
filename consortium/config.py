"""The two settings files: `consortium.toml` on the host, `partner.toml` on a partner's machine.

Settings say where things are and how mail leaves; they hold no secret. Passphrases and the SMTP
password come from a prompt, the environment or a file. Format: docs/reference/settings.md.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

__all__ = [
    "HOST_FILE",
    "PARTNER_FILE",
    "HostSettings",
    "PartnerSettings",
    "Slug",
    "SmtpSettings",
    "slug_of",
]

HOST_FILE = "consortium.toml"
PARTNER_FILE = "partner.toml"

Slug = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{1,31}$")]
"""A short name: 2 to 32 lower-case letters, digits and hyphens, starting with a letter."""
_UNSEEN = r"\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff"
_Line = Annotated[
    str,
    StringConstraints(
        min_length=1, max_length=200, pattern=rf"^[^{_UNSEEN}]*[^\s{_UNSEEN}][^{_UNSEEN}]*$"
    ),
]
"""One line as others will see it on a terminal: nothing invisible, nothing that turns it round."""
_Url = Annotated[str, StringConstraints(min_length=1, max_length=2000, pattern=r"^[^\x00-\x1f]+$")]
_Origin = Annotated[str, StringConstraints(pattern=r"^[!-*,-~]{0,64}[./][!-*,-~]{0,63}$")]
"""A dot or slash keeps an origin apart from every partner's slug."""
_Domain = Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]+(\.[a-z0-9-]+)+$")]
_Address = Annotated[
    str, StringConstraints(max_length=254, pattern=r"^[A-Za-z0-9._-]+@[a-z0-9-]+(\.[a-z0-9-]+)+$")
]
_Region = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]


class _Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class SmtpSettings(_Settings):
    """How mail leaves the host.

    Attributes:
        host, port: The submission server.
        security: `tls` from the first byte, `starttls`, or `none` (loopback hosts only).
        user: Login name; empty for none.
        password_file: File holding the password; `CONSORTIUM_SMTP_PASSWORD` goes before it.
        timeout_seconds: Longest wait for one reply.
    """

    host: _Line = "localhost"
    port: int = Field(default=587, ge=1, le=65535)
    security: Literal["none", "starttls", "tls"] = "starttls"
    user: str = ""
    password_file: Path | None = None
    timeout_seconds: int = Field(default=60, ge=1, le=600)


class HostSettings(_Settings):
    """`consortium.toml`.

    Attributes:
        consortium: Version of the document format.
        name: Name as partners know it.
        origin: Identity of the ledger; never changes.
        database: URL; a relative SQLite path is taken from the home.
        region: Country assumed for telephone numbers without a country code.
        dot_insensitive_domains: E-mail domains where dots do not count, beside Gmail's.
        smtp: How mail leaves.
    """

    consortium: Literal[1]
    name: _Line
    origin: _Origin
    database: _Url = "sqlite:///consortium.db"
    region: _Region = "US"
    dot_insensitive_domains: tuple[_Domain, ...] = ()
    smtp: SmtpSettings = SmtpSettings()

    def database_url(self, home: Path) -> str:
        """The database's URL with a relative SQLite path made absolute."""
        scheme, slashes, path = self.database.partition(":///")
        if scheme.partition("+")[0] == "sqlite" and slashes and not path.startswith("/"):
            return f"{scheme}{slashes}{home.resolve() / path}"
        return self.database


class PartnerSettings(_Settings):
    """`partner.toml`.

    Attributes:
        partner: Version of the document format.
        slug, name, postal_address, from_address, firewall_group: As on the public card.
        region: Country assumed for telephone numbers and postcodes without one.
    """

    partner: Literal[1]
    slug: Slug
    name: _Line
    postal_address: _Line
    from_address: _Address
    firewall_group: Slug = "all"
    region: _Region = "US"


def slug_of(name: str) -> str:
    """A short name made of a long one; `consortium` if nothing usable is left."""
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:24].strip("-")
    return slug if re.match(r"^[a-z]", slug) else "consortium"
