"""What looks at the target by night came to: drift of what both systems agreed on, and the check of each day."""

import sqlalchemy as sa
from alembic import op

from integration.store.columns import Json, Moment, Words

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make both tables; nothing was looked at before."""
    op.create_table(
        "drift",
        sa.Column("flow", Words(), nullable=False),
        sa.Column("kind", Words(), nullable=False),
        sa.Column("began_at", Moment(), nullable=False),
        sa.Column("ended_at", Moment(), nullable=False),
        sa.Column("counts", Json(), nullable=False),
        sa.Column("found", Json(), nullable=False),
        sa.Column("error", Words(), nullable=False),
        sa.Column("facts", Json(), nullable=False),
        sa.PrimaryKeyConstraint("flow", "kind", name="pk_drift"),
    )
    op.create_table(
        "day_checks",
        sa.Column("date", sa.Date(), nullable=False),
        sa.Column("branch", Words(), nullable=False),
        sa.Column("state", Words(), nullable=False),
        sa.Column("checked_at", Moment(), nullable=False),
        sa.Column("result", Json(), nullable=False),
        sa.PrimaryKeyConstraint("date", "branch", name="pk_day_checks"),
    )
