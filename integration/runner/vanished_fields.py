"""Fields of a source that came with every record before, and come with none now: what is absent is no value."""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from integration.connectors.protocol import Telling
from integration.core.basis import NAMES
from integration.core.errors import ConfigurationError
from integration.core.flow import Stage
from integration.core.records import Fields, Record
from integration.core.run import Run
from integration.flows.spec import FlowLogic
from integration.runner.dependencies import Dependencies


def expect_fields(deps: Dependencies, run: Run, logic: FlowLogic, stage: Stage, fields: Fields, *, first: bool) -> None:
    """Keep which fields every record of a kind has; `first` says that this is the first page of a run.

    Raises ConfigurationError where a page has one in no record that all had before, or has it null in all of several
    where it was null in none, and it has a meaning of ours or the flow reads it. Whoever gives the fields other names,
    or publishes a mapping, begins anew: then a field may be gone on purpose.
    """
    if not (fields.always or fields.absent):
        return
    known = _known(deps, run, stage)
    _expect(known, run, logic, fields)
    now = _Known(fields.always, fields.filled)
    if not first and known is not None:
        now = _Known(known.fields & fields.always, known.filled & fields.filled)
    if now != known:
        kept = {"as": _mark(run), "fields": sorted(now.fields), "filled": sorted(now.filled)}
        deps.cursors.put(run.flow, _side(stage), json.dumps(kept))


def fetched(deps: Dependencies, run: Run, logic: FlowLogic, stage: Stage, keys: Collection[str]) -> Sequence[Record]:
    """Return the records of a stage's source under these keys; nothing is kept of which fields they have.

    Raises ConfigurationError as `expect_fields` does.
    """
    source = deps.connectors[logic.flow.source]
    if not isinstance(source, Telling):
        return source.fetch(stage.source, keys)
    batch = source.fetched(stage.source, keys)
    _expect(_known(deps, run, stage), run, logic, batch.fields)
    return batch.records


@dataclass(frozen=True, slots=True)
class _Known:
    """Which fields every record had, and which were null in none."""

    fields: frozenset[str]
    filled: frozenset[str]


def _expect(known: _Known | None, run: Run, logic: FlowLogic, fields: Fields) -> None:
    if known is None:
        return
    if gone := [*fields.vanished(known.fields, logic.reads), *fields.emptied(known.filled, logic.reads)]:
        raise ConfigurationError("field_vanished", flow=run.flow, system=logic.flow.source, field=", ".join(gone))


def _known(deps: Dependencies, run: Run, stage: Stage) -> _Known | None:
    """Return what is known of the fields of a stage's source; None where nothing is under the names of now."""
    stored = deps.cursors.get(run.flow, _side(stage))
    kept = json.loads(stored) if stored else {}
    if kept.get("as") != _mark(run):
        return None
    return _Known(frozenset(kept["fields"]), frozenset(kept["filled"]))


def _side(stage: Stage) -> str:
    return f"fields:{stage.source}"


def _mark(run: Run) -> str:
    return f"{run.basis.get(NAMES)} {run.mapping_version}"
