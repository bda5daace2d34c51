"""Keys in memory: for tests, demonstrations and callers that keep secrets elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Self

from consortium.errors import KeyFailure
from consortium.vault.keys import HOST_KEYS, PARTNER_KEYS, fresh_secret

__all__ = ["MemoryKeys"]


class MemoryKeys:
    """A key provider over secrets that the caller holds; nothing is slow and nothing on disk.

    Args:
        secrets: Secrets by key name, each of the kind that `consortium.vault.keys` names.
    """

    def __init__(self, secrets: Mapping[str, bytes]) -> None:
        self._secrets = dict(secrets)
        self.opened: list[str] = []
        """Names in the order they were asked for, so that a test sees what work needs."""

    @classmethod
    def host(cls) -> Self:
        """Fresh keys of a host."""
        return cls.fresh(HOST_KEYS)

    @classmethod
    def partner(cls) -> Self:
        """Fresh keys of a partner."""
        return cls.fresh(PARTNER_KEYS)

    @classmethod
    def fresh(cls, names: Iterable[str]) -> Self:
        """Fresh keys of these names."""
        return cls({name: fresh_secret(name) for name in names})

    def open(self, name: str) -> bytes:
        """The secret called `name`.

        Raises:
            KeyFailure: There is no such key.
        """
        self.opened.append(name)
        try:
            return self._secrets[name]
        except KeyError as error:
            raise KeyFailure(f"there is no key called {name}") from error

    def __repr__(self) -> str:
        return f"MemoryKeys({', '.join(sorted(self._secrets))})"
