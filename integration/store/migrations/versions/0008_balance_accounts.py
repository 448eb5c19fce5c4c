"""What is no revenue has its account by turnover group, in a value table; gift cards and deposits are apart.

Until now an account for all of it was a setting, with others for some groups and a list of groups beside it. What was
set is booked where it was: the account for all becomes the row for whatever has none of its own.
"""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from alembic import op

from integration.store.columns import Json, Moment, Words

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

FLOW, TABLE, EVERY = "flow:orders", "balance_accounts", "*"
ACCOUNT, ACCOUNTS, GROUPS = "deposit_account", "deposit_accounts", "deposit_groups"


def upgrade() -> None:
    """Move the accounts from the settings of the flow into the table."""
    settings, tables = _table("settings", "value"), _table("value_tables", "rows")
    connection = op.get_bind()
    found = connection.execute(sa.select(settings).where(settings.c.name == FLOW)).first()
    if found is None or not isinstance(found.value, dict) or not found.value.keys() & {ACCOUNT, ACCOUNTS, GROUPS}:
        return
    kept = {name: value for name, value in found.value.items() if name not in (ACCOUNT, ACCOUNTS, GROUPS)}
    connection.execute(settings.update().where(settings.c.name == FLOW).values(value=kept))
    if rows := _rows(found.value):
        values = {"name": TABLE, "rows": rows, "by": found.by, "changed_at": found.changed_at}
        connection.execute(tables.insert().values(values))


def _table(name: str, holds: str) -> sa.TableClause:
    columns = ("name", Words()), (holds, Json()), ("by", Words()), ("changed_at", Moment())
    return sa.table(name, *(sa.column(one, type_) for one, type_ in columns))


def _rows(settings: Mapping[str, Any]) -> dict[str, str]:
    """Return the rows; a group that was called no revenue and had no account has none still, and parks."""
    every = str(settings.get(ACCOUNT) or "")
    accounts = {str(group): str(account) for group, account in (settings.get(ACCOUNTS) or {}).items() if account}
    rows = {**dict.fromkeys(map(str, settings.get(GROUPS) or ()), every), **accounts}
    return {**rows, EVERY: every} if every else rows
