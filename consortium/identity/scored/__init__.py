"""The scored layer: edges by weight, below every rule and under the same vetoes; off by default."""

from consortium.identity.scored.weights import VERSION, Weights, shipped

__all__ = ["VERSION", "Weights", "shipped"]
