"""Who may open what: the three credentials, each with its own passphrase.

The operator's opens every host key but the coordinator's; the coordinator's opens only its own
signing key, so that who plans campaigns opens no token, match block or row. A partner's opens its
own two keys, on its own machine.
"""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["Passphrase", "by_key_name", "role_of"]

Passphrase = Callable[[str], str]
"""Gives the passphrase of a role: `operator`, `coordinator` or `partner`."""

_ROLES = {"coordinator": "coordinator", "sign": "partner", "receive": "partner"}


def role_of(key_name: str) -> str:
    """Whose passphrase protects a key."""
    return _ROLES.get(key_name, "operator")


def by_key_name(passphrase: Passphrase) -> Callable[[str], str]:
    """The same source, asked by key name, and at most once for each role."""
    known: dict[str, str] = {}

    def of_key(key_name: str) -> str:
        role = role_of(key_name)
        if role not in known:
            known[role] = passphrase(role)
        return known[role]

    return of_key
