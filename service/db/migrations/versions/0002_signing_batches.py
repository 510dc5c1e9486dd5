"""signing batches for keys on other machines"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "signing_batches",
        sa.Column("batch_id", sa.String(length=26), nullable=False),
        sa.Column("school_code", sa.String(length=20), nullable=False),
        sa.Column("class_name", sa.String(length=20), nullable=True),
        sa.Column("certificate_sha256", sa.String(length=64), nullable=False),
        sa.Column("certificates", sa.Text(), nullable=False),
        sa.Column("algorithm", sa.String(length=20), nullable=False),
        sa.Column("evidence_sha256", sa.String(length=64), nullable=False),
        sa.Column("prepared_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("documents", sa.Integer(), nullable=False),
        sa.Column("digests", sa.Integer(), nullable=False),
        sa.Column("list_sha256", sa.String(length=64), nullable=True),
        sa.PrimaryKeyConstraint("batch_id"),
    )
    with op.batch_alter_table("signing_batches", schema=None) as batch_op:
        batch_op.create_index("ix_signing_batches_expiry", ["expires_at"], unique=False)

    op.create_table(
        "pendings",
        sa.Column("batch_id", sa.String(length=26), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("serial", sa.String(length=26), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("slot_id", sa.String(length=40), nullable=False),
        sa.Column("format", sa.String(length=5), nullable=False),
        sa.Column("class_name", sa.String(length=20), nullable=False),
        sa.Column("pupil_code", sa.String(length=20), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=64), nullable=False),
        sa.Column("pending", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["batch_id"], ["signing_batches.batch_id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("batch_id", "number"),
    )
    with op.batch_alter_table("pendings", schema=None) as batch_op:
        batch_op.create_index("ix_pendings_document", ["serial", "version", "format"], unique=False)


def downgrade() -> None:
    """Take back."""
    with op.batch_alter_table("pendings", schema=None) as batch_op:
        batch_op.drop_index("ix_pendings_document")

    op.drop_table("pendings")
    with op.batch_alter_table("signing_batches", schema=None) as batch_op:
        batch_op.drop_index("ix_signing_batches_expiry")

    op.drop_table("signing_batches")
