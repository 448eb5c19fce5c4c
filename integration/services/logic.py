"""What is particular to each flow right now: its settings, its mapping and its value tables made into a logic."""

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from integration.connectors.protocol import Connector
from integration.core.corrections import corrected
from integration.core.errors import ConfigurationError
from integration.core.flow import Flow
from integration.core.mapping import rules_to
from integration.core.records import Kind, Record
from integration.core.rules import Mapping as RuleMapping
from integration.flows.registry import Specs
from integration.flows.settings import FlowSettings
from integration.flows.spec import FlowLogic
from integration.store.stores import Stores


class Logics:
    """The logic of every flow, as a run uses it and as a trial would."""

    def __init__(
        self,
        flows: Specs,
        stores: Stores,
        *,
        connector: Callable[[str], Connector],
        rates: Callable[[str], Mapping[str, Decimal]],
    ) -> None:
        """`rates` tells the VAT percentages of a system by code."""
        self._flows = flows
        self.links = stores.links
        self.connector = connector
        self.rates = rates
        self._rules = stores.rules
        self._stored = stores.settings
        self._corrections = stores.corrections
        self._made: dict[str, tuple[object, FlowLogic]] = {}

    def flow(self, flow: str) -> Flow:
        """Return a flow with the kinds of record that its settings choose."""
        return self._flows[flow].with_settings(self.settings(flow))

    def settings(self, flow: str) -> FlowSettings:
        """Return the settings of a flow; where some cannot be used, the others, and the flow is off."""
        return self._flows[flow].settings(**self.usable(flow))

    def usable(self, flow: str) -> dict[str, Any]:
        """Return what is kept of the settings of a flow, as far as it can be used."""
        stored = self._stored.get(f"flow:{flow}") or {}
        if self.fault(flow) is None:
            return stored
        kept: dict[str, Any] = {}
        for name, value in stored.items():
            with suppress(ConfigurationError):
                self._flows[flow].settings(**{**kept, name: value})
                kept[name] = value
        return {**kept, "on": False}

    def fault(self, flow: str) -> ConfigurationError | None:
        """Return why the settings of a flow cannot be used as they are kept, or None: no run begins with such."""
        try:
            self._strict(flow)
        except ConfigurationError as error:
            return error
        return None

    def _strict(self, flow: str) -> FlowSettings:
        return self._flows[flow].settings(**(self._stored.get(f"flow:{flow}") or {}))

    def corrected(self, flow: str, records: Sequence[Record]) -> list[Record]:
        """Return records of a flow's source with the values that persons said they should have."""
        return corrected(records, self._corrections.of(flow, [record.key for record in records]))

    def now(self, flow: str) -> FlowLogic:
        """Return what is particular to a flow, with its settings, mapping and value tables as they are now."""
        published = self._rules.published(flow)
        if published is None:
            raise ConfigurationError("mapping_missing", flow=flow)
        version, body = published
        tables, stored = self._rules.tables(), self._stored.get(f"flow:{flow}") or {}
        spec = self._flows[flow]
        state = (version, tables, stored, *(self.rates(system) for system in spec.rated))
        known = self._made.get(flow)
        if known is not None and known[0] == state:
            return known[1]
        logic = spec.make(spec.settings(**stored), body, version, tables, self._asked(flow))
        self._made[flow] = (state, logic)
        return logic

    def earlier(self, flow: str, version: int) -> FlowLogic:
        """Return what is particular to a flow with a mapping that was in force before; all else is as it is now."""
        body = self._rules.body(flow, version)
        return self._flows[flow].make(self._strict(flow), body, version, self._rules.tables(), self._asked(flow))

    def trial(
        self,
        flow: str,
        mapping: RuleMapping | None = None,
        afresh: Collection[str] = (),
        settings: FlowSettings | None = None,
    ) -> FlowLogic:
        """Return the logic of a flow as it would be; nothing of it is kept, and no number is allotted.

        Documents under the keys `afresh` count as not booked yet.
        """
        version, published = self._rules.published(flow) or (0, {})
        body: Mapping[str, Any] = published if mapping is None else rules_to(mapping)
        asked = self._asked(flow, allots=False, afresh=frozenset(afresh))
        return self._flows[flow].make(settings or self.settings(flow), body, version, self._rules.tables(), asked)

    def _asked(self, flow: str, *, allots: bool = True, afresh: frozenset[str] = frozenset()) -> "_Asked":
        return _Asked(flow, self, allots, afresh)


@dataclass(frozen=True, slots=True)
class _Asked:
    """What the logic of a flow asks; a trial allots no number, and takes documents `afresh`, booked or not."""

    flow: str
    logics: Logics
    allots: bool
    afresh: frozenset[str]

    def rates(self, system: str) -> Mapping[str, Decimal]:
        return self.logics.rates(system)

    def allot(self, flow: str, kind: Kind, key: str) -> str:
        return self.logics.links.allot(flow, kind, key) if self.allots else "1"

    def present(self, system: str, kind: Kind, keys: Collection[str]) -> set[str]:
        return {record.key for record in self.logics.connector(system).fetch(kind, keys)}

    def linked(self, flow: str, kind: Kind, keys: Collection[str]) -> Mapping[str, str]:
        asked = [key for key in keys if flow != self.flow or key not in self.afresh]
        return {key: link.reference for key, link in self.logics.links.get(flow, kind, asked).items()}
