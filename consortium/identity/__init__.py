"""Which source rows are one human, decided by rules and written as merge generations."""

from consortium.identity.components import CROWD_ROWS
from consortium.identity.evaluate import (
    MOST_ROWS,
    MergeRow,
    NeverPair,
    Rule,
    Scorer,
    Source,
    evaluate,
)
from consortium.identity.households import Households, households
from consortium.identity.judging import MatchOpener, match_opener
from consortium.identity.merge import LOCK, MergeResult, run, sweep

__all__ = [
    "CROWD_ROWS",
    "LOCK",
    "MOST_ROWS",
    "Households",
    "MatchOpener",
    "MergeResult",
    "MergeRow",
    "NeverPair",
    "Rule",
    "Scorer",
    "Source",
    "evaluate",
    "households",
    "match_opener",
    "run",
    "sweep",
]
