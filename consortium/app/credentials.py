"""Who may open what: the three credentials, each with its own passphrase.

The operator's opens every host key but the coordinator's; the coordinator's opens only its own
signing key, so that who plans campaigns opens no token, match block or row. A partner's opens its
own two keys, on its own machine.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from consortium.errors import UsageError
from consortium.vault.keys import KeyProvider, PassphraseKeys, fresh_secret
from consortium.vault.keys import create as create_key

__all__ = ["Passphrase", "by_key_name", "make_keys", "no_passphrase", "role_of"]

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


def no_passphrase(role: str) -> str:
    """In place of a passphrase, where none was handed in.

    Raises:
        UsageError: Always.
    """
    raise UsageError(f"no passphrase for the {role}'s keys", hint="Hand in passphrase=… or keys=…")


def make_keys(
    home: Path, names: tuple[str, ...], *, passphrase: Passphrase, made: list[Path]
) -> KeyProvider:
    """Make fresh keys in a home, under the passphrases of their roles.

    Args:
        home: The folder of the home.
        names: Which keys.
        passphrase: Asked for every role before anything is made.
        made: What was made so far; each key file is added to it.
    """
    given = by_key_name(passphrase)
    secrets: dict[str, str] = {role_of(name): given(name) for name in names}
    made.append(home / "keys")
    for name in names:
        path = create_key(
            home / "keys", name=name, secret=fresh_secret(name), passphrase=secrets[role_of(name)]
        )
        made.append(path)
    return PassphraseKeys(home / "keys", given)
