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
from consortium.identity.merge import LOCK, MergeResult, match_opener, run, sweep
from consortium.identity.reading import MatchOpener

__all__ = [
    "CROWD_ROWS",
    "LOCK",
    "MOST_ROWS",
    "MatchOpener",
    "MergeResult",
    "MergeRow",
    "NeverPair",
    "Rule",
    "Scorer",
    "Source",
    "evaluate",
    "match_opener",
    "run",
    "sweep",
]
