"""By what each merge generation was judged: which rules, and which decisions by then.

The next merge compares: under other rules it judges everybody anew, and after further decisions
those whom they are about.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import insert, select, update

from consortium.store.engine import Tx
from consortium.store.tables import metadata

__all__ = ["Basis", "basis", "set_basis"]

_basis = metadata.tables["consortium_merge_basis"]


@dataclass(frozen=True, slots=True)
class Basis:
    """What a generation was judged by: the rules' name, and the last decision it holds to."""

    rules: str
    decisions: int = 0


def basis(tx: Tx, generation: int) -> Basis | None:
    """What a generation was judged by; None before the first."""
    found = tx.execute(select(_basis).where(_basis.c.generation == generation)).first()
    return None if found is None else Basis(found.rules, found.decisions)


def set_basis(tx: Tx, generation: int, found: Basis) -> None:
    """Note what a generation was judged by, instead of what was noted of it before."""
    values = {"rules": found.rules, "decisions": found.decisions}
    there = update(_basis).where(_basis.c.generation == generation).values(values)
    if tx.execute(there).rowcount != 1:
        tx.execute(insert(_basis).values(generation=generation, **values))
