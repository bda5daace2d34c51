"""Weights as they are shipped, and the weight of a pair by them.

Fellegi and Sunter (1969): the weight of a pair is the sum, over comparisons, of log2(m/u) of the
level that the pair is at, m and u being the shares of pairs of one human and of pairs of two at
that level; a comparison in which one row does not say adds nothing. What is added here to that sum
is nothing, not even the share of matches among all pairs: `threshold` is a number in the same bits.

The weights were learnt once, by Splink, from made-up worlds, and lie beside this module with how
they were made (`benchmarks/train_scored.py`). They are data with a version: a generation's rules
name it, so that every later merge judges by the same. A test holds the sum to Splink's own, pair by
pair; it is added up here because a merge asks about single pairs inside one component, wherever
that is judged, and needs no second database engine for it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources
from typing import Final, Self

from consortium.identity.evaluate import MergeRow
from consortium.identity.scored.attributes import LEVELS, Attributes, attributes, compare

__all__ = ["VERSION", "Weights", "shipped"]

VERSION: Final = 1
"""Version of the weights that are shipped."""


@dataclass(frozen=True, slots=True)
class Weights:
    """A scorer for `evaluate`: the weight of a pair of rows, if it is high enough.

    Attributes:
        version: Of the data.
        bits: Comparison → level → log2(m/u).
        threshold: The least weight of an edge, in bits.
        text: The data they were read from.
    """

    version: int
    bits: Mapping[str, Mapping[str, float]]
    threshold: float
    text: str = field(default="", repr=False, compare=False)

    @classmethod
    def read(cls, text: str) -> Self:
        """From the JSON that training writes."""
        data = json.loads(text)
        bits = {
            name: {
                level: math.log2(data["m"][name][level] / data["u"][name][level])
                for level in levels
            }
            for name, levels in LEVELS.items()
        }
        return cls(data["version"], bits, data["threshold"], text)

    @property
    def name(self) -> str:
        """What a generation's rules call it."""
        return f"scored-{self.version}"

    def weight(self, a: Attributes, b: Attributes) -> float:
        """The weight of a pair, in bits."""
        return sum(
            self.bits[name][level]
            for name, level in zip(LEVELS, compare(a, b), strict=True)
            if level is not None
        )

    def __call__(self, a: MergeRow, b: MergeRow) -> float | None:
        """What `evaluate` asks: the weight, or None if it is below the threshold; some 7 µs."""
        weight = self.weight(attributes(a), attributes(b))
        return weight if weight >= self.threshold else None


def shipped() -> Weights:
    """The weights of this version."""
    file = resources.files(__package__).joinpath(f"weights-{VERSION}.json")
    return Weights.read(file.read_text(encoding="utf-8"))
