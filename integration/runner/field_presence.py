"""Checks that fields which every source record had before are still present: a missing field is not an empty value."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace

from integration.connectors.protocol import ReportsFields
from integration.core.basis import NAMES
from integration.core.cleared_fields import EMPTIED
from integration.core.errors import ConfigurationError
from integration.core.flow import Stage
from integration.core.prices import TERM_COUNTS
from integration.core.records import DEFAULTED, FieldPresence, Record
from integration.core.run import Mode, Run
from integration.flows.spec import FlowLogic
from integration.runner.dependencies import FILLED, Dependencies

FEW = 3  # records whose values may all be cleared at once without a question


def check_field_presence(
    deps: Dependencies, run: Run, logic: FlowLogic, stage: Stage, fields: FieldPresence, *, first: bool, last: bool
) -> None:
    """Store which fields every record of a kind has, and check them against earlier pages and runs.

    `first` and `last` mark the first and last page of a run. Raises ConfigurationError for a field that has a fixed
    meaning or that the flow reads, if all records had it before and no record of this page has it, or if it was never
    null before and is null in all records of this page. At the end of a run that parses every record, it also raises
    the error for a field with a default in which several records had a value before and none has one now. Renaming
    fields or publishing a mapping resets what is known, because a field may then be missing on purpose.
    """
    is_whole, known_presence = run.parses_everything, _stored_presence(deps, run, stage)
    _check_presence(known_presence, run, logic, fields)
    now = known_presence
    if fields != FieldPresence():
        begins = known_presence is None or (first and is_whole)
        now = (
            _StoredPresence.from_first_page(fields)
            if begins or known_presence is None
            else known_presence.narrowed(fields)
        )
        now = replace(now, expected_fields=known_presence.expected_fields if known_presence else frozenset[str]())
    if now is not None and is_whole and last:
        if lost := sorted(now.expected_fields - now.fields_with_value):
            raise _vanished_error(run, logic, lost)
        now = replace(now, expected_fields=now.fields_often_with_value)
    if now is not None and now != known_presence:
        deps.cursors.put(run.flow, _cursor_name(stage), json.dumps(now.to_json(_mark(run))))


def lost_values(deps: Dependencies, run: Run, logic: FlowLogic) -> dict[str, int]:
    """Return how many values the source lost since the last run that parsed every record and was written, by field.

    A field counts if the flow reads it and no record has a value any more, although more than FEW had one: one cleared
    value is a decision, all values at once are probably an error. Price terms count by list. A field with a default
    counts if it lost more than half of several values, because the default would be used in their place. Figures that
    change every day do not count.

    A run of changes knows only the records that changed, and so does a run that recognizes unchanged records by their
    hashes. There a field counts if the plan clears more than FEW values and at least half of all records had one.
    """
    is_whole = run.parses_everything
    cleared = run.position.watched.get(EMPTIED.name, 0)
    if not is_whole and (run.mode not in (Mode.CHANGES, Mode.COMPLETE) or cleared <= FEW):
        return {}
    before: Mapping[str, int] = json.loads(deps.cursors.get(run.flow, FILLED) or "{}")
    kinds = {str(stage.source) for stage in logic.flow.stages if not stage.volatile}
    records = {kind: max(before[name] for name in before if name.partition(".")[0] == kind) for kind in _kinds(before)}
    now = {**dict.fromkeys(_lists_read(run.position.filled, before), 0), **run.position.filled}
    lost: dict[str, int] = {}
    for name, count in now.items():
        kind, _, field = name.partition(".")
        earlier, is_list = before.get(name, 0), _is_list(field)
        is_usual = is_whole or is_list or earlier * 2 >= records.get(kind, 0)
        is_lost = count == 0 and earlier > FEW and kind in kinds and (is_list or field in logic.reads) and is_usual
        if is_lost or (is_whole and field in DEFAULTED and earlier > 1 and (earlier - count) * 2 > earlier):
            lost[name] = earlier - count
    return lost


def _kinds(counts: Mapping[str, int]) -> set[str]:
    return {name.partition(".")[0] for name in counts}


def _is_list(field: str) -> bool:
    return field.startswith(f"{TERM_COUNTS}:")


def _lists_read(now: Mapping[str, int], before: Mapping[str, int]) -> list[str]:
    """Return the price lists that had terms before, of the kinds whose terms this run read."""
    names = [name.partition(".") for name in before]
    return [f"{kind}.{field}" for kind, _, field in names if _is_list(field) and f"{kind}.{TERM_COUNTS}" in now]


def fetched(deps: Dependencies, run: Run, logic: FlowLogic, stage: Stage, keys: Collection[str]) -> Sequence[Record]:
    """Return the source records of a stage with these keys, without storing which fields they have.

    Raises ConfigurationError as `check_field_presence` does.
    """
    source = deps.connectors[logic.flow.source]
    if not isinstance(source, ReportsFields):
        return source.fetch(stage.source, keys)
    batch = source.fetched(stage.source, keys)
    _check_presence(_stored_presence(deps, run, stage), run, logic, batch.fields)
    return batch.records


@dataclass(frozen=True, slots=True)
class _StoredPresence:
    """Presence of the fields of one source, as stored between runs.

    The last three are about fields with a default: `fields_with_value` have a value in at least one record of the
    current run, `fields_often_with_value` in several, and `expected_fields` had one in several records of the last
    complete run.
    """

    fields: frozenset[str]  # present in every record
    filled: frozenset[str]  # null in no record
    blanks: bool  # True if an empty text arrived as blanks
    fields_with_value: frozenset[str]
    fields_often_with_value: frozenset[str]
    expected_fields: frozenset[str] = frozenset()

    @classmethod
    def from_first_page(cls, fields: FieldPresence) -> "_StoredPresence":
        """Return the presence of fields on the first page of a run."""
        return cls(
            fields.always, fields.filled, fields.blanks, fields.fields_with_value, fields.fields_often_with_value
        )

    @property
    def never_null(self) -> bool:
        """Return True if the source sends empty values as blanks and never as null."""
        return self.blanks and self.fields == self.filled

    def narrowed(self, fields: FieldPresence) -> "_StoredPresence":
        """Return the presence of fields after one more page."""
        return replace(
            self,
            fields=self.fields & fields.always,
            filled=self.filled & fields.filled,
            blanks=self.blanks or fields.blanks,
            fields_with_value=self.fields_with_value | fields.fields_with_value,
            fields_often_with_value=self.fields_often_with_value | fields.fields_often_with_value,
        )

    def to_json(self, mark: str) -> dict[str, object]:
        """Return the JSON form, with the mark of the mapping and field names it is valid for."""
        values = {
            name: sorted(value) if isinstance(value, frozenset) else value for name, value in asdict(self).items()
        }
        return {"as": mark, **values}


def _check_presence(known_presence: _StoredPresence | None, run: Run, logic: FlowLogic, fields: FieldPresence) -> None:
    if known_presence is None:
        return
    emptied = fields.newly_null(known_presence.filled, logic.reads, never_null=known_presence.never_null)
    if missing_fields := [*fields.vanished(known_presence.fields, logic.reads), *emptied]:
        raise _vanished_error(run, logic, missing_fields)


def _vanished_error(run: Run, logic: FlowLogic, missing_fields: Collection[str]) -> ConfigurationError:
    return ConfigurationError(
        "field_vanished", flow=run.flow, system=logic.flow.source, field=", ".join(missing_fields)
    )


def _stored_presence(deps: Dependencies, run: Run, stage: Stage) -> _StoredPresence | None:
    """Return the stored presence of fields of a stage's source, or None if there is none for the current names."""
    text = deps.cursors.get(run.flow, _cursor_name(stage))
    values = json.loads(text) if text else {}
    if values.pop("as", None) != _mark(run):
        return None
    return _StoredPresence(blanks=values.pop("blanks"), **{name: frozenset(value) for name, value in values.items()})


def _cursor_name(stage: Stage) -> str:
    return f"fields:{stage.source}"


def _mark(run: Run) -> str:
    return f"{run.basis.get(NAMES)} {run.mapping_version}"
