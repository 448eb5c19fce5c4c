"""Who was erased, by marks that hold nothing of them."""

import sqlalchemy as sa
from alembic import op

from integration.store.columns import Moment, Words

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "erased",
        sa.Column("mark", Words(), nullable=False),
        sa.Column("person", Words(), nullable=False),
        sa.Column("begun_at", Moment(), nullable=False),
        sa.Column("done_at", Moment()),
        sa.Column("lifted_at", Moment()),
        sa.PrimaryKeyConstraint("mark", name="pk_erased"),
    )
    op.create_index("ix_erased_person", "erased", ["person"])
