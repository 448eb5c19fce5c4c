"""Each kind of documents of the till has a setting of its own that says what it becomes.

Before, one kind was read and became one thing. What was read goes on as it did, and of the others nothing is read.
The value table of payment terms has a name of its own: what it was called says nothing of terms.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

from integration.store.columns import Json, Words

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

SETTINGS = sa.table("settings", sa.column("name", Words()), sa.column("value", Json()))
TABLES = sa.table("value_tables", sa.column("name", Words()))
MAPPINGS = sa.table(
    "mappings", sa.column("flow", Words()), sa.column("version", sa.Integer()), sa.column("body", Json())
)
FLOW = "orders"
NAME = f"flow:{FLOW}"
TERMS, TERMS_BEFORE = "payment_terms", "payment_methods"
NAMES = {"order": "orders", "invoice": "invoices", "receipt": "receipts"}


def upgrade() -> None:
    """Say of each kind what the one setting of before said."""
    connection = op.get_bind()
    for row in connection.execute(sa.select(SETTINGS).where(SETTINGS.c.name == NAME)):
        value = dict(row.value) if isinstance(row.value, dict) else {}
        read, becomes = value.pop("documents", "order"), value.pop("becomes", "order")
        if (read, becomes) == ("order", "order"):
            value.pop("orders", None)
        else:
            value |= {"orders": "nothing", NAMES.get(str(read), "orders"): str(becomes)}
        connection.execute(SETTINGS.update().where(SETTINGS.c.name == NAME).values(value=value))
    _rename_terms(connection)


def _rename_terms(connection: sa.Connection) -> None:
    """Let rows and rules name the table of payment terms as it is called now, unless there are such rows already."""
    if connection.execute(sa.select(TABLES.c.name).where(TABLES.c.name == TERMS)).first() is None:
        connection.execute(TABLES.update().where(TABLES.c.name == TERMS_BEFORE).values(name=TERMS))
    for row in connection.execute(sa.select(MAPPINGS).where(MAPPINGS.c.flow == FLOW)).all():
        if isinstance(row.body, dict) and isinstance(rules := row.body.get("rules"), list):
            body = {**row.body, "rules": [_renamed(rule) for rule in rules]}
            this = (MAPPINGS.c.flow == FLOW) & (MAPPINGS.c.version == row.version)
            connection.execute(MAPPINGS.update().where(this).values(body=body))


def _renamed(rule: Any) -> Any:
    is_of_terms = isinstance(rule, dict) and rule.get("table") == TERMS_BEFORE
    return {**rule, "table": TERMS} if is_of_terms else rule
