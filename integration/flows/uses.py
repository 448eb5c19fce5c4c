"""Which fields of AccountView a flow uses as it is set, and where it says so: rules, filters, settings."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from integration.core.flow import Flow
from integration.core.records import Kind
from integration.core.rules import Mapping as RuleMapping
from integration.flows.functions.toolbox import read_by
from integration.flows.settings import FlowSettings
from integration.flows.spec import FlowSpec
from integration.flows.systems import BOOKS


@dataclass(frozen=True, slots=True)
class Use:
    """One field of a kind of record, under the name it has in records, and where it is used.

    `cause` and `facts` say it when there is no such field. One that is not `chosen` is read where it is there: the
    installation may leave it without a column.
    """

    kind: Kind
    field: str
    cause: str
    facts: Mapping[str, str]
    chosen: bool = False


def uses(spec: FlowSpec, settings: FlowSettings, mapping: RuleMapping) -> list[Use]:
    """Return every field of AccountView that a flow reads or writes. Raises ConfigurationError for a wrong formula."""
    flow, computed = spec.with_settings(settings), {one.name for one in spec.computed}
    if flow.target == BOOKS:
        return list(_written(flow, mapping))
    return [*_read(flow, mapping, computed), *_asked(flow, settings)]


def _read(flow: Flow, mapping: RuleMapping, computed: Collection[str]) -> Iterator[Use]:
    kinds = {stage.target: stage.source for stage in flow.stages}
    for rule in mapping.rules:
        kind = kinds.get(Kind(rule.target.partition(".")[0]), flow.counted.source)
        for name in sorted(read_by(rule).difference(computed)):
            yield Use(kind, name, "rule_field_unknown", {"target": rule.target})


def _asked(flow: Flow, settings: FlowSettings) -> Iterator[Use]:
    kind = flow.counted.source
    for number, each in enumerate(settings.filters, start=1):
        yield Use(kind, each.field, "filter_field_unknown", {"number": str(number)}, chosen=True)
    for setting, name, chosen in settings.reads():
        yield Use(kind, name, "setting_field_unknown", {"setting": setting}, chosen)


def _written(flow: Flow, mapping: RuleMapping) -> Iterator[Use]:
    kinds = {stage.target for stage in flow.stages} | {Kind.LINE}
    for rule in mapping.rules:
        kind, _, name = rule.target.partition(".")
        if kind in kinds:
            yield Use(Kind(kind), name, "rule_field_unknown", {"target": rule.target})
