"""docs/reference/rules.md, written from the rule kinds and presets themselves."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from consortium.policy.preset import Preset, PresetRule
from consortium.policy.protocol import GrantKind, GuardKind, RuleKind, WishKind
from consortium.policy.registry import RuleRegistry
from consortium.policy.words import phrase

__all__ = ["write_reference"]

_HEAD = """# Rules

Every rule kind this version knows, with the reasons it gives and what screens say for them.
How a policy is written: [the policy format](../formats/policy.md). This page is generated
(`consortium_policies.reference()`) and a test compares it.
"""
_SIDES = (
    (
        WishKind,
        "The recipient's own wish",
        "Comes before everything else; no document can lift it.",
    ),
    (
        GrantKind,
        "When we speak: grants",
        "Asked only of the partner in whose name a message would go.",
    ),
    (
        GuardKind,
        "Whoever speaks: guards",
        "Asked of every partner with live consent for the person; the strictest wins.",
    ),
)


def write_reference(registry: RuleRegistry, presets: Sequence[Preset]) -> str:
    """The page, ending in a line end."""
    return "\n".join([_HEAD, *_rules(registry), *_presets(presets)]) + "\n"


def _rules(registry: RuleRegistry) -> Iterator[str]:
    for side, title, sentence in _SIDES:
        yield f"## {title}\n\n{sentence}\n"
        for kind in registry.kinds:
            if isinstance(kind, side):
                yield from _kind(kind)


def _kind(kind: RuleKind) -> Iterator[str]:
    yield f"### {kind.name}\n\n{kind.summary}\n"
    if kind.example:
        yield f"```toml\n{kind.example}\n```\n"
    yield "| reason | on screens |\n|---|---|"
    yield "\n".join(f"| `{reason}` | {phrase(kind.name, reason)} |" for reason in kind.reasons)
    yield ""


def _presets(presets: Sequence[Preset]) -> Iterator[str]:
    yield (
        "## Presets\n\nData, not advice: each rule says on what it rests and when its source was\n"
        "read; *to be confirmed* marks what was not read at the source.\n"
    )
    for preset in presets:
        yield f"### {preset.name}\n\n{preset.title}, version {preset.version}.\n"
        yield "| rule | for | basis | source | note |\n|---|---|---|---|---|"
        yield "\n".join(_row(rule) for rule in preset.rules)
        yield ""


def _row(rule: PresetRule) -> str:
    scope = ", ".join(
        [*(rule.channels or ("all channels",)), *(rule.purposes or ("all purposes",))]
    )
    source = rule.source if rule.confirmed else f"{rule.source}, *to be confirmed*"
    return f"| {_what(rule)} | {scope} | {rule.basis} | {source}, {rule.read_on} | {rule.note} |"


def _what(rule: PresetRule) -> str:
    if rule.quiet_hours is not None:
        return f"quiet {rule.quiet_hours.from_:%H:%M}–{rule.quiet_hours.to:%H:%M}"
    if rule.frequency is not None:
        return f"at most {rule.frequency.max} in {rule.frequency.per_days} days"
    assert rule.consent is not None, "a preset's rule has one of three"
    named = ((channel, bases) for channel, bases in rule.consent.bases().items() if bases)
    return "consent " + "; ".join(f"{channel}: {', '.join(sorted(b))}" for channel, b in named)
