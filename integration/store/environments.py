"""Sets the stored data of one environment aside while another one is connected.

Links, cursors and open issues are about the records of two particular systems. Those of the built-in sandbox must not
be used with the real systems, and neither set may be lost when the other one is connected.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa

from integration.core.errors import RunActiveError
from integration.core.people import Right
from integration.core.states import ACTIVE, RunState
from integration.store.database import Clock, Database, upsert
from integration.store.events import Event
from integration.store.outbox import append_events
from integration.store.tables import (
    causes,
    change_requests,
    corrections,
    cursors,
    customer_merges,
    dismissals,
    dismissed_customer_pairs,
    distinctions,
    issues,
    links,
    reservations,
    runs,
    settings,
    stock_movements,
)

INACTIVE_PATTERN = "%:%"  # LIKE pattern of the flow of a row that was set aside: environment, colon, flow
ENVIRONMENT_TABLES = (
    links, distinctions, customer_merges, dismissed_customer_pairs, cursors, issues, causes, dismissals, corrections,
    stock_movements, reservations,
)  # fmt: skip


def switch_environment(
    database: Database,
    clock: Clock,
    *,
    leaving: str,
    entering: str,
    by: str,
    remembered: Mapping[str, Mapping[str, Any]] = MappingProxyType({}),
) -> None:
    """Set the data of the environment `leaving` aside and restore that of `entering`.

    The settings in `remembered` are stored in the same transaction.

    Waiting plans are discarded, because they belong to the systems that are left, and so do requests to change settings
    of flows. Raises RunActiveError while a run is active.
    """
    with database.write() as connection:
        busy = connection.execute(sa.select(runs).where(runs.c.state.in_(ACTIVE)).limit(1)).first()
        if busy is not None:
            raise RunActiveError("run_active", flow=busy.flow, run=busy.id, by=busy.by)
        waiting = runs.c.state.in_((RunState.READY, RunState.INTERRUPTED))
        connection.execute(runs.update().where(waiting).values(state=RunState.DISCARDED, ended_at=clock()))
        connection.execute(change_requests.delete().where(change_requests.c.right == Right.ARRANGE))
        for table in ENVIRONMENT_TABLES:
            aside, back = f"{leaving}:", f"{entering}:"
            condition = table.c.flow.not_like(INACTIVE_PATTERN)
            connection.execute(table.update().where(condition).values(flow=aside + table.c.flow))
            restored_flow = sa.func.substr(table.c.flow, len(back) + 1)
            connection.execute(table.update().where(table.c.flow.like(f"{back}%")).values(flow=restored_flow))
        rows = [{"name": name, "value": value, "by": "", "changed_at": clock()} for name, value in remembered.items()]
        if rows:
            upsert(connection, settings, rows)
        append_events(
            connection, clock(), [Event(event="place_changed", facts={"from": leaving, "to": entering, "by": by})]
        )
