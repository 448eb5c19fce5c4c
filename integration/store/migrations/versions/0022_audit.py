"""The audit: entries that are only ever added, and the head of their chain."""

import sqlalchemy as sa
from alembic import op

from integration.store.columns import Moment, Words

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

START = "0" * 64
KEPT = "entries of the audit are never changed"


def upgrade() -> None:
    """Make both tables, and let the database itself refuse to change an entry."""
    texts = ("who", "action", "flow", "subject", "line")
    op.create_table(
        "audit",
        sa.Column("seq", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("at", Moment(), nullable=False),
        *(sa.Column(name, Words(), nullable=False) for name in texts),
        sa.PrimaryKeyConstraint("seq", name="pk_audit"),
    )
    op.create_index("ix_audit_action", "audit", ["action", "seq"])
    op.create_index("ix_audit_who", "audit", ["who", "seq"])
    head = op.create_table(
        "audit_head",
        sa.Column("id", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        *(sa.Column(name, Words(), nullable=False) for name in ("hash", "key", "seal")),
        sa.PrimaryKeyConstraint("id", name="pk_audit_head"),
    )
    op.bulk_insert(head, [{"id": 1, "seq": 0, "hash": START, "key": "", "seal": ""}])
    for statement in _guards(op.get_bind().dialect.name):
        op.execute(statement)


def _guards(dialect: str) -> list[str]:
    if dialect == "postgresql":
        return [
            (
                "CREATE OR REPLACE FUNCTION audit_kept() RETURNS trigger LANGUAGE plpgsql "
                f"AS $$BEGIN RAISE EXCEPTION '{KEPT}'; END$$"
            ),
            "CREATE TRIGGER audit_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON audit EXECUTE FUNCTION audit_kept()",
        ]
    return [
        f"CREATE TRIGGER audit_no_{verb.lower()} BEFORE {verb} ON audit BEGIN SELECT RAISE(ABORT, '{KEPT}'); END"
        for verb in ("UPDATE", "DELETE")
    ]
