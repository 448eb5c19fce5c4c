"""Stores the cursors of flows: the positions where the next extract of changes begins."""

from collections.abc import Mapping
from datetime import datetime

import sqlalchemy as sa

from integration.core.markers import ChangeRanges, change_ranges, parse_change_ranges
from integration.core.records import Kind
from integration.store.database import Store, upsert
from integration.store.prepared_statements import PreparedStatement
from integration.store.tables import cursors, links

TARGET, OURS = "target", "ours"  # last change of the target read, and later changes that are our own
ROWS = 10_000  # links in memory at once
_VALUE = PreparedStatement(sa.select(cursors.c.value).filter_by(flow=sa.bindparam("flow"), side=sa.bindparam("side")))


def keep_cursors(connection: sa.Connection, at: datetime, flow: str, values: Mapping[str, str]) -> None:
    """Store cursors of a flow, in the current transaction."""
    rows = [{"flow": flow, "side": side, "value": value, "changed_at": at} for side, value in values.items()]
    upsert(connection, cursors, rows)


def skip_own_writes(connection: sa.Connection, at: datetime, flow: str, since: datetime) -> None:
    """Advance the target cursors of a flow over our own proven writes `since` a time, in the current transaction.

    The marker of a link belongs to a state of the record in which both sides agreed. The cursor moves to before the
    first marker that is not ours. Later markers of ours are stored separately.
    """
    query = sa.select(cursors).where(cursors.c.flow == flow, cursors.c.side.startswith(f"{TARGET}:"))
    for row in connection.execute(query).all():
        kind = Kind.stored(row.side.partition(":")[2])
        ours = _own_ranges(connection, flow, kind).joined(_proven_ranges(connection, flow, kind, since))
        now = ours.last_contiguous(row.value)
        keep_cursors(connection, at, flow, {row.side: now, f"{OURS}:{kind}": str(ours.after_marker(now))})


def _own_ranges(connection: sa.Connection, flow: str, kind: Kind) -> ChangeRanges:
    text = connection.execute(sa.select(cursors.c.value).filter_by(flow=flow, side=f"{OURS}:{kind}")).scalar()
    return parse_change_ranges(text or "")


def _proven_ranges(connection: sa.Connection, flow: str, kind: Kind, since: datetime) -> ChangeRanges:
    of_kind = (links.c.flow == flow, links.c.kind == kind, links.c.changed_at >= since, links.c.marker != "")
    rising = sa.select(links.c.marker).where(*of_kind).order_by(sa.func.length(links.c.marker), links.c.marker)
    rows = connection.execute(rising.execution_options(yield_per=ROWS)).scalars()
    return change_ranges(int(marker) for marker in rows if marker.isdecimal())


class Cursors(Store):
    """Stores the cursors of all flows, by side: `source:article`, `target:product`."""

    def get(self, flow: str, side: str) -> str | None:
        """Return the cursor, or None before the first run."""
        return next((row.value for row in self.database.prepared_rows(_VALUE, {"flow": flow, "side": side})), None)

    def forget_all(self) -> None:
        """Delete all cursors of the current environment, so that the next runs read everything."""
        with self.database.write() as connection:
            connection.execute(cursors.delete().where(cursors.c.flow.not_like("%:%")))

    def own_markers(self, flow: str, kind: Kind) -> ChangeRanges:
        """Return the markers after the target cursor that belong to our own proven writes."""
        with self.database.read() as connection:
            return _own_ranges(connection, flow, kind)

    def put(self, flow: str, side: str, value: str) -> None:
        """Store a cursor."""
        with self.database.write() as connection:
            keep_cursors(connection, self.clock(), flow, {side: value})

    def forget(self, flow: str) -> None:
        """Delete the cursors of a flow, so that its next run reads everything."""
        with self.database.write() as connection:
            connection.execute(cursors.delete().where(cursors.c.flow == flow))
