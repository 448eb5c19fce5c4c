"""The parts of a mapping, a kind of record each: what their rules can read, and which fields they can fill."""

from collections.abc import Sequence
from dataclasses import replace

from integration.core.flow import Flow
from integration.core.records import Field, Kind
from integration.flows.spec import FlowSpec

DOCUMENTS = frozenset({Kind.ORDER, Kind.INVOICE, Kind.RECEIPT})
WITHOUT_OWNER = frozenset({Kind.ADDRESS, Kind.SALES_ORDER, Kind.POSTING, Kind.LINE})
"""Kinds that are written once, so that nobody decides about their fields afterwards."""


def kind_of(target: str) -> Kind:
    """Return the kind of record that a rule's target is a field of."""
    return Kind(target.partition(".")[0])


def read_kind(flow: Flow, part: Kind) -> Kind:
    """Return the kind of record that has to be read to try the rules of a part on."""
    direct = next((stage.source for stage in flow.stages if stage.target is part and not stage.derived), None)
    return direct or flow.counted.source


def readable(spec: FlowSpec, kind: Kind, known: Sequence[Field]) -> list[Field]:
    """Return what rules can read of a kind: the fields of its source, and what the flow works out."""
    names, of = {one.name for one in known}, Kind.ORDER if kind in DOCUMENTS else kind
    return [*known, *(one for one in spec.computed if one.kind is of and one.name not in names)]


def writable(spec: FlowSpec, part: Kind, known: Sequence[Field]) -> dict[str, Field]:
    """Return the fields a rule can fill, by the name it has for them; what a setting sends goes by one name."""
    named = {f"{part}.{one.name}": one for one in known if one.kind is part}
    found = {name: one for name, one in named.items() if spec.writable is None or name in spec.writable}
    for target, several in spec.sent_as.items():
        sent = [found.pop(name) for name in several if name in found]
        if sent:
            found[target] = replace(sent[0], name=target.partition(".")[2], length=None, wire="")
    return found
