"""levels reached by stored files"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "levels",
        sa.Column("serial", sa.String(length=26), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("format", sa.String(length=5), nullable=False),
        sa.Column("file_sha256", sa.String(length=64), nullable=False),
        sa.Column("level", sa.String(length=5), nullable=False),
        sa.Column("renew_by", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("serial", "version", "format"),
    )
    with op.batch_alter_table("levels", schema=None) as batch_op:
        batch_op.create_index("ix_levels_renewal", ["level", "renew_by"], unique=False)


def downgrade() -> None:
    """Take back."""
    with op.batch_alter_table("levels", schema=None) as batch_op:
        batch_op.drop_index("ix_levels_renewal")

    op.drop_table("levels")
