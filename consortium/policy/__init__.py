"""Send policies: what each partner allows in its own name, and what protects each person.

`read` takes a policy document, `compile` makes its rules, `decide` answers for one message and
`decide_all` for many. The rule kinds themselves live in `consortium_policies` and are handed in.
"""

from __future__ import annotations

from consortium.policy.decision import Allow, Decision, Defer, Refuse, strictest
from consortium.policy.describe import describe
from consortium.policy.document import CHARTER, Ranges, SendPolicy, digest, read
from consortium.policy.engine import CompiledPolicy, compile, decide, decide_all  # noqa: A004 - see there
from consortium.policy.facts import Ask, PersonFacts, PriorMessage, RowFacts, SuppressionFact
from consortium.policy.preset import Basis, Preset
from consortium.policy.protocol import Grant, GrantKind, Guard, GuardKind, RuleKind, WishKind
from consortium.policy.registry import RuleRegistry
from consortium.policy.words import group, phrase

__all__ = [
    "CHARTER",
    "Allow",
    "Ask",
    "Basis",
    "CompiledPolicy",
    "Decision",
    "Defer",
    "Grant",
    "GrantKind",
    "Guard",
    "GuardKind",
    "PersonFacts",
    "Preset",
    "PriorMessage",
    "Ranges",
    "Refuse",
    "RowFacts",
    "RuleKind",
    "RuleRegistry",
    "SendPolicy",
    "SuppressionFact",
    "WishKind",
    "compile",
    "decide",
    "decide_all",
    "describe",
    "digest",
    "group",
    "phrase",
    "read",
    "strictest",
]
