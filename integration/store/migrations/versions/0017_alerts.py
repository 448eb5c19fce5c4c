"""Episodes of trouble, what is to be sent of them and what was, and processes that stopped without a word."""

import sqlalchemy as sa
from alembic import op

from integration.store.columns import Json, Moment, Words

revision = "0017"
down_revision = "0013"
branch_labels = None
depends_on = None

COUNTED = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "episodes",
        sa.Column("id", COUNTED, autoincrement=True, nullable=False),
        sa.Column("active", Words()),
        sa.Column("sort", Words(), nullable=False),
        sa.Column("cause", Words(), nullable=False),
        sa.Column("flow", Words(), nullable=False),
        sa.Column("of", Words(), nullable=False),
        sa.Column("facts", Json(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("cents", sa.BigInteger()),
        sa.Column("begun_at", Moment(), nullable=False),
        sa.Column("seen_at", Moment(), nullable=False),
        sa.Column("over_at", Moment()),
        sa.PrimaryKeyConstraint("id", name="pk_episodes"),
        sa.UniqueConstraint("active", name="uq_episodes_active"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_episodes_begun_at", "episodes", ["begun_at"])
    op.create_table(
        "deliveries",
        sa.Column("id", COUNTED, autoincrement=True, nullable=False),
        sa.Column("channel", Words(), nullable=False),
        sa.Column("key", Words(), nullable=False),
        sa.Column("what", Words(), nullable=False),
        sa.Column("episode", sa.BigInteger()),
        sa.Column("facts", Json(), nullable=False),
        sa.Column("held", Words(), nullable=False),
        sa.Column("made_at", Moment(), nullable=False),
        sa.Column("due_at", Moment(), nullable=False),
        sa.Column("claimed_until", Moment()),
        sa.Column("attempts", sa.BigInteger(), nullable=False),
        sa.Column("sent_at", Moment()),
        sa.Column("error", Words(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_deliveries"),
        sa.UniqueConstraint("channel", "key", name="uq_deliveries_channel_key"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_deliveries_due", "deliveries", ["sent_at", "due_at"])
    op.create_table(
        "stopped",
        sa.Column("executor", Words(), nullable=False),
        sa.Column("beaten_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("executor", name="pk_stopped"),
    )
