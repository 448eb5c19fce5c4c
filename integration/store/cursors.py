"""Where the next run of a flow starts reading."""

from collections.abc import Mapping
from datetime import datetime

import sqlalchemy as sa

from integration.store.database import Store, upsert
from integration.store.tables import cursors


def keep(connection: sa.Connection, at: datetime, flow: str, values: Mapping[str, str]) -> None:
    """Keep cursors of a flow, as part of the transaction under way."""
    rows = [{"flow": flow, "side": side, "value": value, "changed_at": at} for side, value in values.items()]
    upsert(connection, cursors, rows)


class Cursors(Store):
    """The cursors of all flows, by side: `source:article`, `target:product`."""

    def get(self, flow: str, side: str) -> str | None:
        """Return the cursor, or None before the first run."""
        found: str | None = self.database.scalar(sa.select(cursors.c.value).filter_by(flow=flow, side=side))
        return found

    def put(self, flow: str, side: str, value: str) -> None:
        """Keep a cursor."""
        with self.database.write() as connection:
            keep(connection, self.clock(), flow, {side: value})

    def forget(self, flow: str) -> None:
        """Drop the cursors of a flow, so that its next run reads everything."""
        with self.database.write() as connection:
            connection.execute(cursors.delete().where(cursors.c.flow == flow))
