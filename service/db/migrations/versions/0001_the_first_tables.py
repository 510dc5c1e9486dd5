"""the first tables"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "audit_events",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(length=64), nullable=False),
        sa.Column("action", sa.String(length=40), nullable=False),
        sa.Column("subject", sa.String(length=80), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "documents",
        sa.Column("serial", sa.String(length=26), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("transcript_id", sa.String(length=36), nullable=False),
        sa.Column("school_code", sa.String(length=20), nullable=False),
        sa.Column("school_year", sa.String(length=9), nullable=False),
        sa.Column("class_name", sa.String(length=20), nullable=False),
        sa.Column("pupil_code", sa.String(length=20), nullable=False),
        sa.Column("event", sa.String(length=6), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("locked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("xml_sha256", sa.String(length=64), nullable=False),
        sa.Column("pdf_sha256", sa.String(length=64), nullable=False),
        sa.Column("json_sha256", sa.String(length=64), nullable=True),
        sa.Column("view_secret_sha256", sa.LargeBinary(length=32), nullable=True),
        sa.PrimaryKeyConstraint("serial", "version"),
    )
    with op.batch_alter_table("documents", schema=None) as batch_op:
        batch_op.create_index("ix_documents_pupil", ["pupil_code", "school_year"], unique=False)
        batch_op.create_index(
            "ix_documents_school", ["school_code", "school_year", "class_name", "state"], unique=False
        )

    op.create_table(
        "events",
        sa.Column("serial", sa.String(length=26), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("school_code", sa.String(length=20), nullable=False),
        sa.Column("school_year", sa.String(length=9), nullable=False),
        sa.Column("document_sha256", sa.String(length=64), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("serial", "version"),
    )
    with op.batch_alter_table("events", schema=None) as batch_op:
        batch_op.create_index("ix_events_school", ["school_code", "school_year"], unique=False)

    op.create_table(
        "evidence",
        sa.Column("serial", sa.String(length=26), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("slot_id", sa.String(length=40), nullable=False),
        sa.Column("format", sa.String(length=5), nullable=False),
        sa.Column("certificate_sha256", sa.String(length=64), nullable=False),
        sa.Column("evidence_sha256", sa.String(length=64), nullable=False),
        sa.Column("signed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("serial", "version", "slot_id", "format"),
    )
    op.create_table(
        "recalls",
        sa.Column("serial", sa.String(length=26), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("school_code", sa.String(length=20), nullable=False),
        sa.Column("target_version", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=9), nullable=False),
        sa.Column("xml_sha256", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("serial", "version"),
    )
    op.create_table(
        "school_years",
        sa.Column("school_code", sa.String(length=20), nullable=False),
        sa.Column("school_year", sa.String(length=9), nullable=False),
        sa.Column("import_digest", sa.String(length=64), nullable=False),
        sa.Column("imported_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("records", sa.JSON(), nullable=False),
        sa.Column("problems", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("school_code", "school_year"),
    )
    op.create_table(
        "transcripts",
        sa.Column("transcript_id", sa.String(length=36), nullable=False),
        sa.Column("pupil_code", sa.String(length=20), nullable=False),
        sa.Column("level", sa.String(length=4), nullable=False),
        sa.PrimaryKeyConstraint("transcript_id"),
        sa.UniqueConstraint("pupil_code", "level"),
    )
    op.create_table(
        "pupils",
        sa.Column("school_code", sa.String(length=20), nullable=False),
        sa.Column("school_year", sa.String(length=9), nullable=False),
        sa.Column("pupil_code", sa.String(length=64), nullable=False),
        sa.Column("class_name", sa.String(length=20), nullable=False),
        sa.Column("held_back", sa.Boolean(), nullable=False),
        sa.Column("record", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["school_code", "school_year"],
            ["school_years.school_code", "school_years.school_year"],
        ),
        sa.PrimaryKeyConstraint("school_code", "school_year", "pupil_code"),
    )
    op.create_table(
        "slots",
        sa.Column("serial", sa.String(length=26), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("slot_id", sa.String(length=40), nullable=False),
        sa.Column("role", sa.String(length=14), nullable=False),
        sa.Column("order", sa.Integer(), nullable=False),
        sa.Column("staff_code", sa.String(length=20), nullable=True),
        sa.Column("xades", sa.Boolean(), nullable=False),
        sa.Column("pades", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["serial", "version"],
            ["documents.serial", "documents.version"],
        ),
        sa.PrimaryKeyConstraint("serial", "version", "slot_id"),
    )
    with op.batch_alter_table("slots", schema=None) as batch_op:
        batch_op.create_index("ix_slots_open", ["staff_code", "xades", "pades"], unique=False)


def downgrade() -> None:
    """Take back."""
    with op.batch_alter_table("slots", schema=None) as batch_op:
        batch_op.drop_index("ix_slots_open")

    op.drop_table("slots")
    op.drop_table("pupils")
    op.drop_table("transcripts")
    op.drop_table("school_years")
    op.drop_table("recalls")
    op.drop_table("evidence")
    with op.batch_alter_table("events", schema=None) as batch_op:
        batch_op.drop_index("ix_events_school")

    op.drop_table("events")
    with op.batch_alter_table("documents", schema=None) as batch_op:
        batch_op.drop_index("ix_documents_school")
        batch_op.drop_index("ix_documents_pupil")

    op.drop_table("documents")
    op.drop_table("audit_events")
