"""Values that hold in the place of those of the source, and what the documents behind an issue come to."""

import sqlalchemy as sa
from alembic import op

from integration.store.columns import Json, Moment, Words

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table and the column; an issue of before comes to no amount until a run meets it again."""
    op.add_column("issues", sa.Column("cents", sa.BigInteger(), nullable=True))
    op.create_table(
        "corrections",
        sa.Column("flow", Words(), nullable=False),
        sa.Column("kind", Words(), nullable=False),
        sa.Column("key", Words(), nullable=False),
        sa.Column("field", Words(), nullable=False),
        sa.Column("title", Words(), nullable=False),
        sa.Column("was", Json(), nullable=False),
        sa.Column("becomes", Json(), nullable=False),
        sa.Column("by", Words(), nullable=False),
        sa.Column("changed_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("flow", "kind", "key", "field", name=op.f("pk_corrections")),
    )
