"""Stores the result of the last drift check of each flow and kind."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from integration.core.drift import DriftCheckResult, DriftCounts, DriftedRecord, Edit
from integration.core.records import Kind, from_json, to_json
from integration.store.database import Store, upsert
from integration.store.erasure_register import SoFar, require_no_erasure_since
from integration.store.tables import drift_checks, drift_samples

MAX_RECORDS = 100  # differing records stored for a check; all of them are exceptions


class DriftStore(Store):
    """Stores the last drift check of each flow and kind, and the differences found by a running one."""

    def differ(self, flow: str, kind: Kind, began: datetime, records: Sequence[DriftedRecord], so_far: SoFar) -> None:
        """Store differing records that the check begun at `began` found. Storing a record twice replaces it.

        Raises ErasedSinceReadError if a person was erased since `so_far`, when the records were read.
        """
        rows = [
            {
                "flow": flow, "kind": kind, "started_at": began, "key": record.key, "title": record.title,
                "reference": record.reference, "edits": [_edit_to_json(edit) for edit in record.edits],
            }
            for record in records[:MAX_RECORDS]
        ]  # fmt: skip
        with self.database.write() as connection:
            require_no_erasure_since(connection, so_far)
            upsert(connection, drift_samples, rows)

    def keep(self, result: DriftCheckResult) -> None:
        """Store the result of a completed check, and delete differences of former checks. `differ` stored its own."""
        row = {
            "flow": result.flow, "kind": result.kind, "started_at": result.started_at, "ended_at": result.ended_at,
            "counts": asdict(result.counts), "error": result.error, "facts": dict(result.facts),
        }  # fmt: skip
        before = (
            drift_samples.c.flow == result.flow,
            drift_samples.c.kind == result.kind,
            drift_samples.c.started_at < result.started_at,
        )
        with self.database.write() as connection:
            upsert(connection, drift_checks, [row])
            connection.execute(drift_samples.delete().where(*before))

    def latest(self, flow: str = "") -> list[DriftCheckResult]:
        """Return the last checks of a flow, or of all flows."""
        conditions = [drift_checks.c.flow == flow] if flow else []
        with self.database.read() as connection:
            looks = connection.execute(
                sa.select(drift_checks).where(*conditions).order_by(drift_checks.c.flow, drift_checks.c.kind)
            ).all()
            return [
                DriftCheckResult(
                    row.flow, Kind.stored(row.kind), row.started_at, row.ended_at, DriftCounts(**row.counts),
                    _drifted_records(connection, row), row.error, row.facts,
                )
                for row in looks
            ]  # fmt: skip


def _drifted_records(connection: sa.Connection, look: sa.Row[Any]) -> tuple[DriftedRecord, ...]:
    of_look = {"flow": look.flow, "kind": look.kind, "started_at": look.started_at}
    rows = connection.execute(
        sa.select(drift_samples).filter_by(**of_look).order_by(drift_samples.c.key).limit(MAX_RECORDS)
    )
    return tuple(
        DriftedRecord(row.key, row.title, row.reference, tuple(map(_edit_from_json, row.edits))) for row in rows
    )


def _edit_to_json(edit: Edit) -> list[object]:
    return [edit.path, edit.field, to_json(edit.agreed), to_json(edit.current)]


def _edit_from_json(shape: Sequence[Any]) -> Edit:
    path, name, agreed, current = shape
    return Edit(path, name, from_json(agreed), from_json(current))
