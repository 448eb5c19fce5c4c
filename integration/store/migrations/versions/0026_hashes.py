"""Hashes of both sides as they were when they agreed. Links of before get theirs when they are compared."""

import sqlalchemy as sa
from alembic import op

from integration.store.columns import Words

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns."""
    for name in ("source_hash", "target_hash"):
        op.add_column("links", sa.Column(name, Words(), nullable=False, server_default=""))
    op.add_column("staged", sa.Column("source_hash", Words(), nullable=False, server_default=""))
    op.add_column("staged", sa.Column("same", sa.Boolean(), nullable=False, server_default=sa.false()))
