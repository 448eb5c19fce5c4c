"""What people write on a plan, and why they discarded it."""

import sqlalchemy as sa
from alembic import op

from integration.store.columns import COUNTED, Moment, Words

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "plan_notes",
        sa.Column("id", COUNTED, primary_key=True, autoincrement=True),
        sa.Column("run", Words(), nullable=False),
        sa.Column("text", Words(), nullable=False),
        sa.Column("discards", sa.Boolean(), nullable=False),
        sa.Column("by", Words(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(["run"], ["runs.id"], "fk_plan_notes_run", ondelete="CASCADE"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_plan_notes_run", "plan_notes", ["run", "id"])
