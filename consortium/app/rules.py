"""Policy documents and the rules they may hold: read, checked, said in plain words.

The rule kinds and presets are known here, and every room below is handed compiled policies. Needs
no home and no database.
"""

from __future__ import annotations

from datetime import datetime

import consortium_policies
from consortium import policy
from consortium.errors import UsageError
from consortium.policy import CompiledPolicy, GrantKind, GuardKind, RuleKind, SendPolicy, WishKind

__all__ = ["check_policy", "compile_policy", "list_rules", "read_policy", "refuse_expired"]


def compile_policy(text: str, *, name: str) -> CompiledPolicy:
    """A policy document, ready to be asked.

    Raises:
        DocumentError: It is malformed or says something it may not; with line.
    """
    return policy.compile(
        read_policy(text, name=name),
        registry=consortium_policies.rules(),
        presets=consortium_policies.presets(),
    )


def read_policy(text: str, *, name: str) -> SendPolicy:
    """A policy document, read and checked against the presets there are.

    Raises:
        DocumentError: It is malformed or says something it may not; with line.
    """
    return policy.read(text, name=name, presets=consortium_policies.presets())


def refuse_expired(document: SendPolicy, *, name: str, now: datetime) -> None:
    """Refuse a policy whose last day has passed: it would allow nothing.

    Raises:
        UsageError: It has.
    """
    if now.astimezone(policy.zones.zone(document.zone)).date() > document.expires:
        raise UsageError(
            f"{name} has expired: its last day was {document.expires}",
            hint="Nothing could go out under it. Write a later day for `expires`.",
        )


def check_policy(text: str, *, name: str) -> tuple[str, ...]:
    """What a policy document says, in plain words.

    Raises:
        DocumentError: It is malformed or says something it may not; with line.
    """
    return tuple(policy.describe(compile_policy(text, name=name)))


def list_rules() -> tuple[tuple[str, str, str], ...]:
    """Every rule kind: name, of whom it is asked, what it does."""
    return tuple(
        (kind.name, _asked_of(kind), kind.summary) for kind in consortium_policies.rules().kinds
    )


def _asked_of(kind: RuleKind) -> str:
    match kind:
        case GrantKind():
            return "the partner who would speak"
        case GuardKind():
            return "every partner of the person"
        case WishKind():
            return "the recipient"
