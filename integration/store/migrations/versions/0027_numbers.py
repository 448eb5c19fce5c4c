"""Runs have a number in the order they began; those of before get theirs by when they did."""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

_NUMBER = """
UPDATE runs SET number = ordered.number
FROM (SELECT id, row_number() OVER (ORDER BY started_at, id) AS number FROM runs) AS ordered
WHERE ordered.id = runs.id
"""


def upgrade() -> None:
    """Add the column, and let the indexes go by it."""
    op.add_column("runs", sa.Column("number", sa.BigInteger(), nullable=False, server_default="0"))
    op.execute(_NUMBER)
    op.drop_index("ix_runs_flow_state", table_name="runs")
    op.create_index("ix_runs_flow_state", "runs", ["flow", "state", "number"])
    op.create_index("ix_runs_number", "runs", ["number"])
