"""What tells one trouble of a cause from another, who has it, and what a record was like when it was set aside."""

import sqlalchemy as sa
from alembic import op

from integration.core.causes import telling
from integration.store.columns import Json, Moment, Words

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column and the tables, and fill the column for the issues that are there."""
    op.add_column("issues", sa.Column("detail", Words(), nullable=False, server_default=""))
    op.create_table(
        "set_aside",
        sa.Column("flow", Words(), nullable=False),
        sa.Column("key", Words(), nullable=False),
        sa.Column("issue", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("mark", Words(), nullable=False),
        sa.PrimaryKeyConstraint("flow", "key", "issue", name=op.f("pk_set_aside")),
    )
    op.create_index("ix_set_aside_issue", "set_aside", ["issue"], unique=False)
    op.create_table(
        "causes",
        sa.Column("flow", Words(), nullable=False),
        sa.Column("cause", Words(), nullable=False),
        sa.Column("field", Words(), nullable=False),
        sa.Column("detail", Words(), nullable=False),
        sa.Column("assigned", Words(), nullable=False),
        sa.Column("note", Words(), nullable=False),
        sa.Column("by", Words(), nullable=False),
        sa.Column("changed_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("flow", "cause", "field", "detail", name=op.f("pk_causes")),
    )
    _fill()


def _fill() -> None:
    issues = sa.table(
        "issues", sa.column("id"), sa.column("cause"), sa.column("facts", Json()), sa.column("detail", Words())
    )
    connection = op.get_bind()
    for row in connection.execute(sa.select(issues.c.id, issues.c.cause, issues.c.facts)).all():
        if detail := telling(row.cause, row.facts):
            connection.execute(issues.update().where(issues.c.id == row.id).values(detail=detail))
