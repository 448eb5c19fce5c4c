"""What stays of a posting when the lines of its plan are no longer kept, and since when those of a run are not."""

import sqlalchemy as sa
from alembic import op

from integration.store.columns import Moment, Words

revision = "0020"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table, and the column of runs."""
    texts = ("flow", "kind", "key", "reference", "step", "digest", "by")
    op.create_table(
        "evidence",
        sa.Column("run", Words(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False, autoincrement=False),
        *(sa.Column(name, Words(), nullable=False) for name in texts),
        sa.Column("booked_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("run", "seq", name="pk_evidence"),
    )
    op.create_index("ix_evidence_booked", "evidence", ["kind", "booked_at"])
    op.add_column("runs", sa.Column("pruned_at", Moment()))
