"""What somebody who knows has said: these two are not the same."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
WORD = sa.String(length=64)


def upgrade() -> None:
    decision, pair = "consortium_never_decision", "consortium_never_pair"
    op.create_table(
        decision,
        sa.Column("id", BIG, autoincrement=True, nullable=False),
        sa.Column("said_by", WORD, nullable=False),
        sa.Column("partner_id", BIG, nullable=True),
        sa.Column("digest", sa.LargeBinary(), nullable=True),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),  # microseconds since 1970 UTC
        sa.Column("entry", BIG, nullable=False),
        sa.PrimaryKeyConstraint("id", name=f"pk_{decision}"),
        sa.ForeignKeyConstraint(
            ["partner_id"], ["consortium_partner.id"], name=f"fk_{decision}_partner_id"
        ),
        sa.UniqueConstraint("digest", name=f"uq_{decision}_digest"),
    )
    op.create_table(
        pair,
        sa.Column("decision_id", BIG, nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("one_upload", sa.LargeBinary(), nullable=False),
        sa.Column("one_number", sa.Integer(), nullable=False),
        sa.Column("one_content", sa.LargeBinary(), nullable=False),
        sa.Column("other_upload", sa.LargeBinary(), nullable=False),
        sa.Column("other_number", sa.Integer(), nullable=False),
        sa.Column("other_content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("decision_id", "number", name=f"pk_{pair}"),
        sa.ForeignKeyConstraint(["decision_id"], [f"{decision}.id"], name=f"fk_{pair}_decision_id"),
    )
    op.create_table(
        "consortium_merge_basis",
        sa.Column("generation", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("rules", WORD, nullable=False),
        sa.Column("decisions", BIG, nullable=False),
        sa.PrimaryKeyConstraint("generation", name="pk_consortium_merge_basis"),
    )
