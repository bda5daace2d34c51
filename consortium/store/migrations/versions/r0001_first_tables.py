"""The tables of the first version, and the triggers that keep the ledger append-only.

Frozen: it says what the first revision was, not what the tables are today. The triggers stop
accidents and careless tools; what proves that nothing was rewritten is the ledger's own hashes,
checkpoints and the partners who keep them.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.BigInteger()  # microseconds since 1970 UTC
WORD = sa.String(length=64)
APPEND_ONLY = (
    "consortium_ledger_entry",
    "consortium_ledger_node",
    "consortium_checkpoint",
)
# A batch is staged before it is a fact; its entry makes it one, and from then on it stays.
STAGED = {
    "consortium_ledger_batch": {
        "UPDATE": "OLD.entry IS NOT NULL OR NEW.id <> OLD.id",
        "DELETE": "OLD.entry IS NOT NULL",
    },
    "consortium_ledger_leaf": {
        "UPDATE": "1 = 1",
        "DELETE": "EXISTS (SELECT 1 FROM consortium_ledger_batch"
        " WHERE id = OLD.batch AND entry IS NOT NULL)",
    },
}


def upgrade() -> None:
    _create_tables()
    _guard_ledger()


def _guard_ledger() -> None:
    message = "consortium: the ledger is append-only"
    if op.get_bind().dialect.name == "sqlite":
        for table in APPEND_ONLY:
            for verb in ("UPDATE", "DELETE"):
                op.execute(
                    f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
                    f"BEGIN SELECT RAISE(ABORT, '{message}'); END"
                )
        for table, verbs in STAGED.items():
            for verb, refused in verbs.items():
                op.execute(
                    f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
                    f"WHEN {refused} BEGIN SELECT RAISE(ABORT, '{message}'); END"
                )
        return
    op.execute(
        "CREATE FUNCTION consortium_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{message}'; END $$"
    )
    for table in APPEND_ONLY:
        op.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION consortium_append_only()"
        )
    for table, verbs in STAGED.items():
        op.execute(
            f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION consortium_append_only()"
        )
        for verb, refused in verbs.items():
            name = f"{table}_no_{verb.lower()}"
            passed = "NEW" if verb == "UPDATE" else "OLD"
            op.execute(  # a WHEN clause would not admit a subquery here
                f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS "
                f"$$ BEGIN IF {refused} THEN RAISE EXCEPTION '{message}'; END IF; "
                f"RETURN {passed}; END $$"
            )
            op.execute(
                f"CREATE TRIGGER {name} BEFORE {verb} ON {table} "
                f"FOR EACH ROW EXECUTE FUNCTION {name}()"
            )


def _create_tables() -> None:
    op.create_table(
        "consortium_campaign",
        sa.Column("id", BIG, autoincrement=True, nullable=False),
        sa.Column("name", WORD, nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.Column("state", WORD, nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("channel", WORD, nullable=False),
        sa.Column("starts_at", INSTANT, nullable=False),
        sa.Column("ends_at", INSTANT, nullable=False),
        sa.Column("not_after", INSTANT, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("entry", BIG, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_consortium_campaign"),
        sa.UniqueConstraint("name", name="uq_consortium_campaign_name"),
    )
    op.create_table(
        "consortium_checkpoint",
        sa.Column("size", BIG, autoincrement=False, nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("signed_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("size", name="pk_consortium_checkpoint"),
    )
    op.create_table(
        "consortium_contact_point",
        sa.Column("id", BIG, autoincrement=True, nullable=False),
        sa.Column("kind", WORD, nullable=False),
        sa.Column("token", sa.LargeBinary(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("profile", sa.Integer(), nullable=False),
        sa.Column("role", sa.Boolean(), nullable=False),
        sa.Column("dead", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_consortium_contact_point"),
        sa.UniqueConstraint("token", "kind", name="uq_consortium_contact_point_token_kind"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "consortium_feedback_mail",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("read_at", INSTANT, nullable=False),
        sa.Column("kind", WORD, nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_consortium_feedback_mail"),
    )
    op.create_table(
        "consortium_ledger_entry",
        sa.Column("id", BIG, autoincrement=False, nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_consortium_ledger_entry"),
    )
    op.create_table(
        "consortium_ledger_node",
        sa.Column("level", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("position", BIG, autoincrement=False, nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("level", "position", name="pk_consortium_ledger_node"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "consortium_limit",
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("next_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_consortium_limit"),
    )
    op.create_table(
        "consortium_merge_run",
        sa.Column("generation", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("started_at", INSTANT, nullable=False),
        sa.Column("finished_at", INSTANT, nullable=True),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("persons", sa.Integer(), nullable=False),
        sa.Column("changed_rows", sa.Integer(), nullable=False),
        sa.Column("entry", BIG, nullable=True),
        sa.PrimaryKeyConstraint("generation", name="pk_consortium_merge_run"),
    )
    op.create_table(
        "consortium_partner",
        sa.Column("id", BIG, autoincrement=True, nullable=False),
        sa.Column("slug", WORD, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("postal_address", sa.Text(), nullable=False),
        sa.Column("from_address", sa.Text(), nullable=False),
        sa.Column("sign_key", sa.LargeBinary(), nullable=False),
        sa.Column("receive_key", sa.LargeBinary(), nullable=False),
        sa.Column("firewall_group", WORD, nullable=False),
        sa.Column("admitted_at", INSTANT, nullable=False),
        sa.Column("entry", BIG, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_consortium_partner"),
        sa.UniqueConstraint("slug", name="uq_consortium_partner_slug"),
    )
    op.create_table(
        "consortium_state",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("card", sa.Text(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("merge_generation", sa.Integer(), nullable=False),
        sa.CheckConstraint("id = 1", name="ck_consortium_state_single"),
        sa.PrimaryKeyConstraint("id", name="pk_consortium_state"),
    )
    op.create_table(
        "consortium_approval",
        sa.Column("id", BIG, autoincrement=True, nullable=False),
        sa.Column("campaign_id", BIG, nullable=False),
        sa.Column("partner_id", BIG, nullable=False),
        sa.Column("answer", WORD, nullable=False),
        sa.Column("ceiling", sa.Integer(), nullable=False),
        sa.Column("campaign_digest", sa.LargeBinary(), nullable=False),
        sa.Column("until", INSTANT, nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("entry", BIG, nullable=False),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["consortium_campaign.id"], name="fk_consortium_approval_campaign_id"
        ),
        sa.ForeignKeyConstraint(
            ["partner_id"], ["consortium_partner.id"], name="fk_consortium_approval_partner_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_consortium_approval"),
    )
    op.create_index(
        "ix_consortium_approval_campaign_id",
        "consortium_approval",
        ["campaign_id", "partner_id"],
        unique=False,
    )
    op.create_table(
        "consortium_ledger_batch",
        sa.Column("id", BIG, autoincrement=True, nullable=False),
        sa.Column("entry", BIG, nullable=True),
        sa.ForeignKeyConstraint(
            ["entry"], ["consortium_ledger_entry.id"], name="fk_consortium_ledger_batch_entry"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_consortium_ledger_batch"),
        sa.UniqueConstraint("entry", name="uq_consortium_ledger_batch_entry"),
    )
    op.create_table(
        "consortium_ledger_leaf",
        sa.Column("batch", BIG, nullable=False),
        sa.Column("position", BIG, autoincrement=False, nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["batch"], ["consortium_ledger_batch.id"], name="fk_consortium_ledger_leaf_batch"
        ),
        sa.PrimaryKeyConstraint("batch", "position", name="pk_consortium_ledger_leaf"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "consortium_plan",
        sa.Column("id", BIG, autoincrement=True, nullable=False),
        sa.Column("campaign_id", BIG, nullable=False),
        sa.Column("state", WORD, nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=True),
        sa.Column("merge_generation", sa.Integer(), nullable=False),
        sa.Column("order_key", sa.LargeBinary(), nullable=False),
        sa.Column("flows", sa.Text(), nullable=True),
        sa.Column("planned_at", INSTANT, nullable=False),
        sa.Column("batch", BIG, nullable=False),
        sa.Column("entry", BIG, nullable=True),
        sa.ForeignKeyConstraint(
            ["batch"], ["consortium_ledger_batch.id"], name="fk_consortium_plan_batch"
        ),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["consortium_campaign.id"], name="fk_consortium_plan_campaign_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_consortium_plan"),
    )
    op.create_index(
        "ix_consortium_plan_campaign_id", "consortium_plan", ["campaign_id"], unique=False
    )
    op.create_table(
        "consortium_policy",
        sa.Column("id", BIG, autoincrement=True, nullable=False),
        sa.Column("partner_id", BIG, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.Column("set_at", INSTANT, nullable=False),
        sa.Column("entry", BIG, nullable=False),
        sa.ForeignKeyConstraint(
            ["partner_id"], ["consortium_partner.id"], name="fk_consortium_policy_partner_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_consortium_policy"),
        sa.UniqueConstraint(
            "partner_id", "version", name="uq_consortium_policy_partner_id_version"
        ),
    )
    op.create_table(
        "consortium_upload",
        sa.Column("id", BIG, autoincrement=True, nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("partner_id", BIG, nullable=False),
        sa.Column("list_name", sa.Text(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("obtained_on", sa.Date(), nullable=False),
        sa.Column("expires_on", sa.Date(), nullable=True),
        sa.Column("state", WORD, nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.Column("data_salt", sa.LargeBinary(), nullable=False),
        sa.Column("match_salt", sa.LargeBinary(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("profile", sa.Integer(), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("opt_outs", sa.Integer(), nullable=False),
        sa.Column("rejected", sa.Integer(), nullable=False),
        sa.Column("repeated", sa.Integer(), nullable=False),
        sa.Column("added_at", INSTANT, nullable=False),
        sa.Column("ended_at", INSTANT, nullable=True),
        sa.Column("entry", BIG, nullable=True),
        sa.ForeignKeyConstraint(
            ["partner_id"], ["consortium_partner.id"], name="fk_consortium_upload_partner_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_consortium_upload"),
        sa.UniqueConstraint("digest", name="uq_consortium_upload_digest"),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_consortium_upload_partner_id", "consortium_upload", ["partner_id"], unique=False
    )
    op.create_table(
        "consortium_answer",
        sa.Column("plan_id", BIG, nullable=False),
        sa.Column("number", BIG, autoincrement=False, nullable=False),
        sa.Column("person_id", BIG, nullable=False),
        sa.Column("kind", WORD, nullable=False),
        sa.Column("rule", WORD, nullable=True),
        sa.Column("reason", WORD, nullable=True),
        sa.Column("by_partner_id", BIG, nullable=True),
        sa.Column("until", INSTANT, nullable=True),
        sa.Column("owner_id", BIG, nullable=True),
        sa.Column("row_id", BIG, nullable=True),
        sa.Column("point_id", BIG, nullable=True),
        sa.ForeignKeyConstraint(
            ["plan_id"], ["consortium_plan.id"], name="fk_consortium_answer_plan_id"
        ),
        sa.PrimaryKeyConstraint("plan_id", "number", name="pk_consortium_answer"),
    )
    op.create_table(
        "consortium_message",
        sa.Column("id", BIG, autoincrement=True, nullable=False),
        sa.Column("campaign_id", BIG, nullable=False),
        sa.Column("plan_id", BIG, nullable=False),
        sa.Column("number", BIG, nullable=False),
        sa.Column("owner_id", BIG, nullable=False),
        sa.Column("row_id", BIG, nullable=False),
        sa.Column("point_id", BIG, nullable=False),
        sa.Column("channel", WORD, nullable=False),
        sa.Column("state", WORD, nullable=False),
        sa.Column("rule", WORD, nullable=True),
        sa.Column("reason", WORD, nullable=True),
        sa.Column("not_before", INSTANT, nullable=False),
        sa.Column("opt_out_code", WORD, nullable=False),
        sa.Column("settled_at", INSTANT, nullable=True),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["consortium_campaign.id"], name="fk_consortium_message_campaign_id"
        ),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["consortium_partner.id"], name="fk_consortium_message_owner_id"
        ),
        sa.ForeignKeyConstraint(
            ["plan_id"], ["consortium_plan.id"], name="fk_consortium_message_plan_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_consortium_message"),
        sa.UniqueConstraint(
            "campaign_id", "point_id", name="uq_consortium_message_campaign_id_point_id"
        ),
        sa.UniqueConstraint("opt_out_code", name="uq_consortium_message_opt_out_code"),
    )
    op.create_index(
        "ix_consortium_message_point_id", "consortium_message", ["point_id"], unique=False
    )
    op.create_index(
        "ix_consortium_message_state",
        "consortium_message",
        ["campaign_id", "state", "not_before"],
        unique=False,
    )
    op.create_table(
        "consortium_opt_out",
        sa.Column("id", BIG, autoincrement=True, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("channel", WORD, nullable=False),
        sa.Column("scope", WORD, nullable=False),
        sa.Column("partner_id", BIG, nullable=True),
        sa.Column("cause", WORD, nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("named", sa.LargeBinary(), nullable=True),
        sa.Column("upload_id", BIG, nullable=True),
        sa.Column("message_id", BIG, nullable=True),
        sa.Column("entry", BIG, nullable=True),
        sa.ForeignKeyConstraint(
            ["partner_id"], ["consortium_partner.id"], name="fk_consortium_opt_out_partner_id"
        ),
        sa.ForeignKeyConstraint(
            ["upload_id"], ["consortium_upload.id"], name="fk_consortium_opt_out_upload_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_consortium_opt_out"),
    )
    op.create_index(
        "ix_consortium_opt_out_upload_id", "consortium_opt_out", ["upload_id"], unique=False
    )
    op.create_table(
        "consortium_source_row",
        sa.Column("id", BIG, autoincrement=True, nullable=False),
        sa.Column("upload_id", BIG, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("relationship", WORD, nullable=False),
        sa.Column("country", WORD, nullable=False),
        sa.Column("state", WORD, nullable=False),
        sa.Column("postcode", WORD, nullable=False),
        sa.Column("zones", sa.Text(), nullable=False),
        sa.Column("language", WORD, nullable=False),
        sa.Column("tags", sa.Text(), nullable=False),
        sa.Column("email_basis", WORD, nullable=False),
        sa.Column("email_on", sa.Date(), nullable=True),
        sa.Column("sms_basis", WORD, nullable=False),
        sa.Column("sms_on", sa.Date(), nullable=True),
        sa.Column("name_birth", sa.LargeBinary(), nullable=True),
        sa.Column("name_address", sa.LargeBinary(), nullable=True),
        sa.Column("match_block", sa.LargeBinary(), nullable=False),
        sa.Column("details", sa.LargeBinary(), nullable=False),
        sa.Column("record_id", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(
            ["upload_id"], ["consortium_upload.id"], name="fk_consortium_source_row_upload_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_consortium_source_row"),
        sa.UniqueConstraint(
            "upload_id", "number", name="uq_consortium_source_row_upload_id_number"
        ),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "consortium_row_key",
        sa.Column("value", sa.LargeBinary(), nullable=False),
        sa.Column("row_id", BIG, autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("value", "row_id", name="pk_consortium_row_key"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "consortium_attempt",
        sa.Column("id", BIG, autoincrement=True, nullable=False),
        sa.Column("message_id", BIG, nullable=False),
        sa.Column("intended_at", INSTANT, nullable=False),
        sa.Column("ended_at", INSTANT, nullable=True),
        sa.Column("outcome", WORD, nullable=True),
        sa.Column("code", WORD, nullable=True),
        sa.Column("intent_entry", BIG, nullable=False),
        sa.Column("outcome_entry", BIG, nullable=True),
        sa.ForeignKeyConstraint(
            ["message_id"], ["consortium_message.id"], name="fk_consortium_attempt_message_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_consortium_attempt"),
    )
    op.create_index(
        "ix_consortium_attempt_message_id", "consortium_attempt", ["message_id"], unique=False
    )
    op.create_table(
        "consortium_membership",
        sa.Column("row_id", BIG, nullable=False),
        sa.Column("from_generation", sa.Integer(), nullable=False),
        sa.Column("to_generation", sa.Integer(), nullable=True),
        sa.Column("person_id", BIG, nullable=False),
        sa.ForeignKeyConstraint(
            ["row_id"], ["consortium_source_row.id"], name="fk_consortium_membership_row_id"
        ),
        sa.PrimaryKeyConstraint("row_id", "from_generation", name="pk_consortium_membership"),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_consortium_membership_to_generation",
        "consortium_membership",
        ["to_generation"],
        unique=False,
        sqlite_where=sa.text("to_generation IS NOT NULL"),
        postgresql_where=sa.text("to_generation IS NOT NULL"),
    )
    op.create_table(
        "consortium_person_row",
        sa.Column("person_id", BIG, autoincrement=False, nullable=False),
        sa.Column("row_id", BIG, autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("person_id", "row_id", name="pk_consortium_person_row"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "consortium_row_contact",
        sa.Column("point_id", BIG, nullable=False),
        sa.Column("row_id", BIG, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["point_id"], ["consortium_contact_point.id"], name="fk_consortium_row_contact_point_id"
        ),
        sa.PrimaryKeyConstraint("point_id", "row_id", name="pk_consortium_row_contact"),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_consortium_row_contact_row_id", "consortium_row_contact", ["row_id"], unique=False
    )
    op.create_table(
        "consortium_suppression",
        sa.Column("id", BIG, autoincrement=True, nullable=False),
        sa.Column("token", sa.LargeBinary(), nullable=False),
        sa.Column("kind", WORD, nullable=False),
        sa.Column("channel", WORD, nullable=False),
        sa.Column("scope", WORD, nullable=False),
        sa.Column("partner_id", sa.Integer(), nullable=False),
        sa.Column("upload_id", BIG, nullable=False),
        sa.Column("opt_out_id", BIG, nullable=True),
        sa.Column("at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(
            ["opt_out_id"], ["consortium_opt_out.id"], name="fk_consortium_suppression_opt_out_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_consortium_suppression"),
        sa.UniqueConstraint(
            "token",
            "kind",
            "channel",
            "scope",
            "partner_id",
            "upload_id",
            name="uq_consortium_suppression_token",
        ),
    )
    op.create_index(
        "ix_consortium_suppression_opt_out_id",
        "consortium_suppression",
        ["opt_out_id"],
        unique=False,
    )
