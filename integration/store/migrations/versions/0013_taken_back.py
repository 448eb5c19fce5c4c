"""What an undo took back, so that no later plan writes it by itself. Of what was undone before, nothing is kept."""

import sqlalchemy as sa
from alembic import op

from integration.store.columns import Json, Moment, Words

revision = "0013"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "taken_back",
        sa.Column("flow", Words(), nullable=False),
        sa.Column("kind", Words(), nullable=False),
        sa.Column("key", Words(), nullable=False),
        sa.Column("path", Words(), nullable=False),
        sa.Column("value", Json()),
        sa.Column("run", Words(), nullable=False),
        sa.Column("by", Words(), nullable=False),
        sa.Column("taken_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("flow", "kind", "key", "path", name="pk_taken_back"),
    )
