"""Never-merge pairs can be taken back, with what was carried over from them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    decision = "consortium_never_decision"
    op.add_column(decision, sa.Column("follows", BIG, nullable=True))
    op.add_column(decision, sa.Column("takes_back", BIG, nullable=True))
    op.create_index(f"ix_{decision}_takes_back", decision, ["takes_back"], unique=True)
