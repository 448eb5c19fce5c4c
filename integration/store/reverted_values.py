"""Stores values that an undo reverted. All functions work in the current transaction."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

import sqlalchemy as sa

from integration.core.plan import Change
from integration.core.records import Kind, from_json, to_json
from integration.core.reverted_values import RevertedValue
from integration.core.run import Mode
from integration.store.database import PreparedKeyQuery, upsert
from integration.store.prepared_statements import PreparedStatement
from integration.store.tables import reverted_values, runs

_RUN = PreparedStatement(
    sa.select(runs.c.mode, runs.c.undo_of, runs.c.approval, runs.c.by).where(runs.c.id == sa.bindparam("run"))
)
_REVERTED = PreparedKeyQuery(
    sa.select(reverted_values).where(
        reverted_values.c.flow == sa.bindparam("flow"), reverted_values.c.kind == sa.bindparam("kind")
    ),
    reverted_values.c.key,
)

Taken = Mapping[str, Mapping[str, RevertedValue]]  # by record key and path of the value


def read_reverted_values(
    connection: sa.Connection, flow: str, kind: Kind, keys: Collection[str]
) -> dict[str, dict[str, RevertedValue]]:
    """Return the reverted values of these records, by key and path. Records without any are left out."""
    by_key: dict[str, dict[str, RevertedValue]] = {}
    for row in _REVERTED.rows(connection, {"flow": flow, "kind": kind}, keys):
        by_key.setdefault(row.key, {})[row.path] = RevertedValue(
            from_json(row.value), row.run, row.by, row.reverted_at, row.inputs
        )
    return by_key


def update_reverted_values(
    connection: sa.Connection, at: datetime, run: str, flow: str, changes: Sequence[Change]
) -> None:
    """Update reverted values after writes of a run. An undo adds the values it overwrote; any other write removes them.

    The undo of an undo adds nothing, because it writes the values of the source.
    """
    for kind in dict.fromkeys(change.kind for change in changes):
        kind_changes = [change for change in changes if change.kind is kind]
        by_key = read_reverted_values(connection, flow, kind, [change.key for change in kind_changes])
        for change in kind_changes:
            if change.key in by_key:
                paths = change.desired.flat().keys() & by_key[change.key].keys()
                delete_reverted_values(connection, flow, kind, {change.key: paths})
    row = _RUN.first(connection, {"run": run})
    if row.mode != Mode.UNDO or _RUN.first(connection, {"run": row.undo_of}).mode == Mode.UNDO:
        return
    by = (row.approval or {}).get("by", row.by)
    rows = {
        (change.kind, change.key, path): {
            "flow": flow, "kind": change.kind, "key": change.key, "path": path, "value": to_json(value),
            "inputs": change.inputs.get(path, ""), "run": run, "by": by, "reverted_at": at,
        }
        for change in changes
        if change.before is not None
        for path, value in change.before.flat().items()
    }  # fmt: skip
    upsert(connection, reverted_values, list(rows.values()))


def delete_reverted_values(
    connection: sa.Connection, flow: str, kind: Kind, paths: Mapping[str, Collection[str]]
) -> None:
    """Delete reverted values, given as paths by record key."""
    for key, record_paths in paths.items():
        if record_paths:
            conditions = (reverted_values.c.flow == flow, reverted_values.c.kind == kind, reverted_values.c.key == key)
            connection.execute(
                reverted_values.delete().where(*conditions, reverted_values.c.path.in_(sorted(record_paths)))
            )
