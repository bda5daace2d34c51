"""Intake: packs become rows that count, and withdrawn ones are undone."""

from consortium.intake.add import add
from consortium.intake.sweep import Swept, sweep
from consortium.intake.withdraw import expire, withdraw

__all__ = ["Swept", "add", "expire", "sweep", "withdraw"]
