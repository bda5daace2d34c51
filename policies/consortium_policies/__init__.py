"""The rule kinds, one module each, and the presets: a closed set, tested as a whole.

A new kind is a module with a `KIND`, a field of `Terms`, words for its reasons, and a line in
docs/reference/rules.md, which `reference` writes.
"""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files

from consortium.documents import parse
from consortium.policy.preset import Preset
from consortium.policy.registry import RuleRegistry
from consortium_policies import (
    approval,
    channel,
    consent,
    content,
    dates,
    frequency,
    place,
    purpose,
    quiet_hours,
    relationship,
    suppression,
    volume,
)
from consortium_policies.reference import write_reference

__all__ = ["presets", "reference", "rules"]


@lru_cache(maxsize=1)
def rules() -> RuleRegistry:
    """All rule kinds there are."""
    return RuleRegistry(
        (
            suppression.KIND,
            channel.KIND,
            purpose.KIND,
            content.KIND,
            relationship.KIND,
            place.KIND,
            consent.KIND,
            dates.KIND,
            approval.KIND,
            volume.KIND,
            frequency.KIND,
            quiet_hours.KIND,
        )
    )


@lru_cache(maxsize=1)
def _shipped() -> tuple[Preset, ...]:
    documents = (files("consortium_policies") / "presets").iterdir()
    found = (
        parse(document.read_text(encoding="utf-8"), name=document.name, model=Preset)
        for document in documents
        if document.name.endswith(".toml")
    )
    return tuple(sorted(found, key=lambda preset: preset.name))


def presets() -> dict[str, Preset]:
    """All presets that ship with us, by name, sorted."""
    return {preset.name: preset for preset in _shipped()}


def reference() -> str:
    """The text of docs/reference/rules.md."""
    return write_reference(rules(), tuple(presets().values()))
