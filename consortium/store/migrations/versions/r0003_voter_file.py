"""Voter files and registers: whom they name, in which places, under which licence."""

from __future__ import annotations

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Nothing yet."""
