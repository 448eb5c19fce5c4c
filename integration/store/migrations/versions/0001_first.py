"""Creates the tables of the operational database as `store/tables.py` declares them.

Until the first release this is the only migration: a change of `store/tables.py` needs no second file. From then on the
tables are written out here, and each change is a file of its own.
"""

from alembic import op

from integration.store.tables import audit_head, metadata

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

START = "0" * 64  # the hash before the first entry of the audit log
KEPT = "entries of the audit are never changed"


def upgrade() -> None:
    """Create the tables, and triggers that prevent changes of audit entries."""
    metadata.create_all(op.get_bind(), checkfirst=False)
    op.bulk_insert(audit_head, [{"id": 1, "seq": 0, "hash": START, "key": "", "seal": ""}])
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
    triggers = {
        "update": "UPDATE ON audit",
        "delete": "DELETE ON audit",
        # INSERT OR REPLACE deletes the entry without firing a DELETE trigger
        "replace": "INSERT ON audit WHEN EXISTS (SELECT 1 FROM audit WHERE seq = NEW.seq OR rowid = NEW.rowid)",
    }
    return [
        f"CREATE TRIGGER audit_no_{name} BEFORE {event} BEGIN SELECT RAISE(ABORT, '{KEPT}'); END"
        for name, event in triggers.items()
    ]
