"""What the flows need of the books beyond the connection: rights to objects, and fields that rules and settings use."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from integration.connectors.accountview.settings import SYSTEM
from integration.connectors.protocol import Configurable, Connector
from integration.core.connections import Finding
from integration.core.errors import IntegrationError
from integration.core.flow import Flow
from integration.core.records import Kind
from integration.core.rules import Mapping as RuleMapping
from integration.flows.functions.toolbox import read_by
from integration.flows.settings import BOOKS, FlowSettings
from integration.flows.spec import FlowSpec


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


@dataclass(frozen=True, slots=True)
class Chosen:
    """One flow that shall run, with its settings and the mapping in force."""

    spec: FlowSpec
    settings: FlowSettings
    mapping: RuleMapping


def needs(connector: Connector, chosen: Collection[Chosen]) -> list[Finding]:
    """Return what each flow needs more than the check looks at: a line for all it lacks, else one in all."""
    if not isinstance(connector, Configurable):
        return []
    found = []
    for one in chosen:
        flow, wanted = one.spec.name, one.spec.needs(one.settings)
        manner = {"written": one.spec.flow.target == BOOKS, "as_invoices": wanted.as_invoices}
        looked = [each for kind in wanted.kinds for each in connector.needs(kind, **manner)]
        lacking = [*(one for one in looked if not one.ok), *_unknown(connector, one)]
        wrong = [replace(each, name=f"flow_{flow}", facts={**each.facts, "flow": flow}) for each in lacking]
        found += wrong
        if looked and not wrong:
            about = ", ".join(dict.fromkeys(one.about for one in looked if one.about))
            found.append(Finding(f"flow_{flow}", ok=True, about=about))
    return found


def with_flows(findings: Sequence[Finding], flows: Collection[Flow]) -> list[Finding]:
    """Return findings of a check, each with the first flow that has the kind of record it is about."""
    first = {
        str(kind): flow.name
        for flow in reversed(list(flows))
        for stage in flow.stages
        for kind in (stage.source, stage.target)
    }
    return [
        replace(one, facts={**one.facts, "flow": first[one.facts["kind"]]}) if one.facts.get("kind") in first else one
        for one in findings
    ]


def _unknown(connector: Configurable, chosen: Chosen) -> Iterator[Finding]:
    """Yield a finding for each field that a flow uses and records do not have, as far as it was found out."""
    by_kind: dict[Kind, list[Use]] = {}
    try:
        for use in uses(chosen.spec, chosen.settings, chosen.mapping):
            by_kind.setdefault(use.kind, []).append(use)
        if chosen.spec.needs(chosen.settings).as_invoices:  # kept in a place whose fields the connector alone knows
            by_kind = {kind: found for kind, found in by_kind.items() if kind not in (Kind.SALES_ORDER, Kind.LINE)}
        for kind, found in by_kind.items():
            unknown = connector.unknown(kind, {use.field for use in found})
            for use in found:
                column = unknown.get(use.field)
                if column or (column is not None and use.chosen):
                    facts = {"system": SYSTEM, "field": column or use.field}
                    yield Finding("", ok=False, cause=use.cause, facts={**facts, **use.facts})
    except IntegrationError as error:
        yield Finding("", ok=False, cause=error.code, facts=dict(error.facts))
