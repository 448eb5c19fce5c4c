"""What the last look at each kind of record of a flow came to."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import sqlalchemy as sa

from integration.core.drift import DriftCounts, Drifted, DriftFound, Edit
from integration.core.records import Kind, from_json, to_json
from integration.store.database import Store, upsert
from integration.store.tables import drift


def drifted_to_json(one: Drifted) -> dict[str, object]:
    """Return a record that differs as JSON can carry it."""
    edits = [[edit.path, edit.field, to_json(edit.agreed), to_json(edit.found)] for edit in one.edits]
    return {"key": one.key, "title": one.title, "reference": one.reference, "edits": edits}


def drifted_from_json(shape: Mapping[str, Any]) -> Drifted:
    """Return the record that `drifted_to_json` was given."""
    edits = (Edit(path, name, from_json(agreed), from_json(found)) for path, name, agreed, found in shape["edits"])
    return Drifted(shape["key"], shape["title"], shape["reference"], tuple(edits))


class Drifts(Store):
    """The last look at each kind of each flow."""

    def keep(self, found: DriftFound) -> None:
        """Keep a look in the place of the one before."""
        row = {
            "flow": found.flow, "kind": found.kind, "began_at": found.began_at, "ended_at": found.ended_at,
            "counts": asdict(found.counts), "found": [drifted_to_json(one) for one in found.found],
            "error": found.error, "facts": dict(found.facts),
        }  # fmt: skip
        with self.database.write() as connection:
            upsert(connection, drift, [row])

    def latest(self, flow: str = "") -> list[DriftFound]:
        """Return the last looks of a flow, or of all."""
        here = [drift.c.flow == flow] if flow else []
        return [
            DriftFound(
                row.flow, Kind(row.kind), row.began_at, row.ended_at, DriftCounts(**row.counts),
                tuple(drifted_from_json(one) for one in row.found), row.error, row.facts,
            )
            for row in self.database.rows(sa.select(drift).where(*here).order_by(drift.c.flow, drift.c.kind))
        ]  # fmt: skip
