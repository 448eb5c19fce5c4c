"""Filters of lists that people keep under a name."""

import sqlalchemy as sa
from alembic import op

from integration.store.columns import Json, Moment, Words

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "saved_filters",
        sa.Column("person", Words(), nullable=False),
        sa.Column("page", Words(), nullable=False),
        sa.Column("name", Words(), nullable=False),
        sa.Column("asked", Json(), nullable=False),
        sa.Column("changed_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("person", "page", "name", name="pk_saved_filters"),
    )
