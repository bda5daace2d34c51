"""The closed set of rule kinds, handed in by whoever composes the program.

The engine knows no rule by name. It refuses a registry that could not keep what it is asked to:
one without any kind, with a name twice, or without a recipient's wish.
"""

from __future__ import annotations

from collections.abc import Iterable

from consortium.errors import UsageError
from consortium.policy.protocol import GrantKind, GuardKind, RuleKind, WishKind

__all__ = ["RuleRegistry"]


class RuleRegistry:
    """Rule kinds by name; immutable."""

    __slots__ = ("_kinds",)

    def __init__(self, kinds: Iterable[RuleKind]) -> None:
        """Take the kinds.

        Raises:
            UsageError: None at all, a name twice, or no recipient's wish among them.
        """
        self._kinds: dict[str, RuleKind] = {}
        for kind in kinds:
            if kind.name in self._kinds:
                raise UsageError(f'two rule kinds are called "{kind.name}"')
            self._kinds[kind.name] = kind
        if not self.wishes:
            raise UsageError("these rule kinds would not keep a recipient's opt-out")

    @property
    def names(self) -> tuple[str, ...]:
        """All names, sorted."""
        return tuple(sorted(self._kinds))

    @property
    def kinds(self) -> tuple[RuleKind, ...]:
        """All kinds, in the order they were given."""
        return tuple(self._kinds.values())

    @property
    def grants(self) -> tuple[GrantKind, ...]:
        """Kinds asked of the owner."""
        return tuple(kind for kind in self._kinds.values() if isinstance(kind, GrantKind))

    @property
    def guards(self) -> tuple[GuardKind, ...]:
        """Kinds asked of every partner with live consent."""
        return tuple(kind for kind in self._kinds.values() if isinstance(kind, GuardKind))

    @property
    def wishes(self) -> tuple[WishKind, ...]:
        """Kinds that come from recipients themselves."""
        return tuple(kind for kind in self._kinds.values() if isinstance(kind, WishKind))
