"""Fields of a source that came with every record before, and come with none now: what is absent is no value."""

import json
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, replace

from integration.connectors.protocol import ReportsFields
from integration.core.basis import NAMES
from integration.core.errors import ConfigurationError
from integration.core.flow import Stage
from integration.core.records import Fields, Record
from integration.core.run import Mode, Run
from integration.flows.spec import FlowLogic
from integration.runner.dependencies import Dependencies


def check_field_presence(
    deps: Dependencies, run: Run, logic: FlowLogic, stage: Stage, fields: Fields, *, first: bool, last: bool
) -> None:
    """Keep which fields every record of a kind has; `first` and `last` are the pages of a run.

    Raises ConfigurationError where a page has one in no record that all had before, or has it null in all where it was
    null in none, and it has a meaning of ours or the flow reads it; and at the end of all records where none holds a
    field that several held before and for which a usual value would be taken. Whoever gives the fields other names, or
    publishes a mapping, begins anew: then a field may be gone on purpose.
    """
    is_whole, known = run.mode is Mode.COMPLETE, _known(deps, run, stage)
    _expect(known, run, logic, fields)
    now = known
    if fields != Fields():
        begins = known is None or (first and is_whole)
        now = _Known.of(fields) if begins or known is None else known.narrowed(fields)
        now = replace(now, held=known.held if known else frozenset[str]())
    if now is not None and is_whole and last:
        if lost := sorted(now.held - now.seen):
            raise _vanished(run, logic, lost)
        now = replace(now, held=now.seen_often)
    if now is not None and now != known:
        deps.cursors.put(run.flow, _side(stage), json.dumps(now.to_json(_mark(run))))


def fetched(deps: Dependencies, run: Run, logic: FlowLogic, stage: Stage, keys: Collection[str]) -> Sequence[Record]:
    """Return the records of a stage's source under these keys; nothing is kept of which fields they have.

    Raises ConfigurationError as `expect_fields` does.
    """
    source = deps.connectors[logic.flow.source]
    if not isinstance(source, ReportsFields):
        return source.fetch(stage.source, keys)
    batch = source.fetched(stage.source, keys)
    _expect(_known(deps, run, stage), run, logic, batch.fields)
    return batch.records


@dataclass(frozen=True, slots=True)
class _Known:
    """What is known of the fields of a source.

    `held` are fields for which a usual value would be taken, and that several records held in the last run of all
    records; `seen` and `seen_often` are those that one record or several held in the run that is under way.
    """

    fields: frozenset[str]  # that every record had
    filled: frozenset[str]  # that were null in none
    blanks: bool  # whether a text that says nothing came as blanks
    seen: frozenset[str]
    seen_often: frozenset[str]
    held: frozenset[str] = frozenset()

    @classmethod
    def of(cls, fields: Fields) -> "_Known":
        """Return what the first page of a run tells."""
        return cls(fields.always, fields.filled, fields.blanks, fields.held, fields.often_held)

    @property
    def never_null(self) -> bool:
        """Whether the source tells what is empty as blanks, and nothing as null."""
        return self.blanks and self.fields == self.filled

    def narrowed(self, fields: Fields) -> "_Known":
        """Return what is known once a further page was read."""
        return replace(
            self,
            fields=self.fields & fields.always,
            filled=self.filled & fields.filled,
            blanks=self.blanks or fields.blanks,
            seen=self.seen | fields.held,
            seen_often=self.seen_often | fields.often_held,
        )

    def to_json(self, mark: str) -> dict[str, object]:
        """Return it as it is kept, beside what it is known of."""
        kept = {name: sorted(value) if isinstance(value, frozenset) else value for name, value in asdict(self).items()}
        return {"as": mark, **kept}


def _expect(known: _Known | None, run: Run, logic: FlowLogic, fields: Fields) -> None:
    if known is None:
        return
    emptied = fields.emptied(known.filled, logic.reads, never_null=known.never_null)
    if gone := [*fields.vanished(known.fields, logic.reads), *emptied]:
        raise _vanished(run, logic, gone)


def _vanished(run: Run, logic: FlowLogic, gone: Collection[str]) -> ConfigurationError:
    return ConfigurationError("field_vanished", flow=run.flow, system=logic.flow.source, field=", ".join(gone))


def _known(deps: Dependencies, run: Run, stage: Stage) -> _Known | None:
    """Return what is known of the fields of a stage's source; None where nothing is under the names of now."""
    stored = deps.cursors.get(run.flow, _side(stage))
    kept = json.loads(stored) if stored else {}
    if kept.pop("as", None) != _mark(run):
        return None
    return _Known(blanks=kept.pop("blanks"), **{name: frozenset(value) for name, value in kept.items()})


def _side(stage: Stage) -> str:
    return f"fields:{stage.source}"


def _mark(run: Run) -> str:
    return f"{run.basis.get(NAMES)} {run.mapping_version}"
