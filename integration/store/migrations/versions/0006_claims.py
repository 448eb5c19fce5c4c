"""Who is at a run, how often it was approved, what the target said yes to, and what nobody could read back."""

import sqlalchemy as sa
from alembic import op

from integration.store.columns import Words

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns; of a change sent before nobody knows whether it was answered, nor how often a yes was said."""
    op.add_column("runs", sa.Column("owner", Words(), nullable=False, server_default=""))
    op.add_column("runs", sa.Column("claims", sa.BigInteger(), nullable=False, server_default="0"))
    op.add_column("runs", sa.Column("approvals", sa.BigInteger(), nullable=False, server_default="0"))
    runs = sa.table("runs", sa.column("approval"), sa.column("approvals"))
    op.execute(runs.update().where(runs.c.approval.isnot(None)).values(approvals=1))
    op.add_column("plan_lines", sa.Column("accepted", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("links", sa.Column("unproven", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_index("ix_links_changed", "links", ["flow", "kind", "changed_at"])
