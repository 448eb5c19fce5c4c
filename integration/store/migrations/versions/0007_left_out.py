"""Which changes of a plan that waits a person has left out, so that everybody who looks at it sees the same choice."""

import sqlalchemy as sa
from alembic import op

from integration.store.columns import Moment, Words

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table; in plans of before everything is chosen, for until now a choice was never kept."""
    op.create_table(
        "left_out",
        sa.Column("run", Words(), nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("digest", Words(), nullable=False),
        sa.Column("by", Words(), nullable=False),
        sa.Column("left_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("run", "seq", name="pk_left_out"),
        sa.ForeignKeyConstraint(["run"], ["runs.id"], "fk_left_out_run", ondelete="CASCADE"),
    )
