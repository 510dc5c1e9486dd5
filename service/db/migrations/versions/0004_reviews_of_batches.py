"""what a review showed of a signing batch"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply.  Batches that were prepared before have no review: they are given up, and prepared anew."""
    op.execute("DELETE FROM pendings")
    op.execute("DELETE FROM signing_batches")
    with op.batch_alter_table("signing_batches", schema=None) as batch_op:
        batch_op.add_column(sa.Column("review", sa.Text(), nullable=False))


def downgrade() -> None:
    """Take back."""
    with op.batch_alter_table("signing_batches", schema=None) as batch_op:
        batch_op.drop_column("review")
