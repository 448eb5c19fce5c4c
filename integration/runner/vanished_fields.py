"""Fields of a source that came with every record before, and come with none now: what is absent is no value."""

import json

from integration.core.basis import NAMES
from integration.core.errors import ConfigurationError
from integration.core.flow import Stage
from integration.core.records import Fields
from integration.core.run import Run
from integration.flows.spec import FlowLogic
from integration.runner.dependencies import Dependencies


def expect_fields(deps: Dependencies, run: Run, logic: FlowLogic, stage: Stage, fields: Fields, *, first: bool) -> None:
    """Keep which fields every record of a kind has; `first` says that this is the first page of a run.

    Raises ConfigurationError where a page has one in no record that all had before, and it has a meaning of ours or
    the flow reads it. Whoever gives the fields other
    names, or publishes a mapping, begins anew: then a field may be gone on purpose.
    """
    if not (fields.always or fields.absent):
        return
    flow, side, mark = run.flow, f"fields:{stage.source}", f"{run.basis.get(NAMES)} {run.mapping_version}"
    stored = deps.cursors.get(flow, side)
    kept = json.loads(stored) if stored else {}
    known = frozenset(kept["fields"]) if kept.get("as") == mark else None
    if known and (gone := fields.vanished(known, logic.reads)):
        raise ConfigurationError("field_vanished", flow=flow, system=logic.flow.source, field=", ".join(gone))
    now = fields.always if first or known is None else known & fields.always
    if now != known:
        deps.cursors.put(flow, side, json.dumps({"as": mark, "fields": sorted(now)}))
