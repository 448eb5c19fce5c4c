"""What moved at the till and may not be in the books yet, and which of it is."""

import sqlalchemy as sa
from alembic import op

from integration.store.columns import Json, Moment, Words

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table; nothing was counted before."""
    op.create_table(
        "moves",
        sa.Column("flow", Words(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("branch", Words(), nullable=False),
        sa.Column("article", Words(), nullable=False),
        sa.Column("amount", Words(), nullable=False),
        sa.Column("sort", Words(), nullable=False),
        sa.Column("happened_at", Moment(), nullable=False),
        sa.Column("documents", Json(), nullable=False),
        sa.Column("title", Words(), nullable=False),
        sa.Column("delivered", sa.Boolean(), nullable=False),
        sa.Column("booked", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("flow", "number", name="pk_moves"),
    )
    op.create_index("ix_moves_article", "moves", ["flow", "booked", "article"])
    op.create_table(
        "promises",
        sa.Column("flow", Words(), nullable=False),
        sa.Column("document", Words(), nullable=False),
        sa.Column("branch", Words(), nullable=False),
        sa.Column("article", Words(), nullable=False),
        sa.Column("amount", Words(), nullable=False),
        sa.Column("title", Words(), nullable=False),
        sa.Column("booked", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("flow", "document", "branch", "article", name="pk_promises"),
    )
    op.create_index("ix_promises_article", "promises", ["flow", "article"])
