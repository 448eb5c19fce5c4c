"""What is particular to each flow right now: its settings, its mapping and its value tables made into a logic."""

from collections.abc import Callable, Collection, Mapping, Sequence
from decimal import Decimal
from typing import Any

from integration.connectors.protocol import Connector
from integration.core.corrections import corrected
from integration.core.errors import ConfigurationError
from integration.core.flow import Flow
from integration.core.mapping import rules_to
from integration.core.records import Kind, Record
from integration.core.rules import Mapping as RuleMapping
from integration.flows.registry import RATED, flow_of, logic_of, settings_of
from integration.flows.settings import FlowSettings
from integration.flows.spec import FlowLogic
from integration.store.corrections import Corrections
from integration.store.links import Links
from integration.store.rules import Rules
from integration.store.settings import StoredSettings


class Logics:
    """The logic of every flow, as a run uses it and as a trial would."""

    def __init__(
        self,
        rules: Rules,
        stored: StoredSettings,
        links: Links,
        corrections: Corrections,
        *,
        connector: Callable[[str], Connector],
        rates: Callable[[str], Mapping[str, Decimal]],
    ) -> None:
        """`rates` tells the VAT percentages of a system by code."""
        self._rules = rules
        self._stored = stored
        self._links = links
        self._corrections = corrections
        self._connector = connector
        self._rates = rates
        self._made: dict[str, tuple[object, FlowLogic]] = {}

    def flow(self, flow: str) -> Flow:
        """Return a flow with the kinds of record that its settings choose."""
        return flow_of(flow, self.settings(flow))

    def settings(self, flow: str) -> FlowSettings:
        """Return the settings of a flow."""
        return settings_of(flow, self._stored.get(f"flow:{flow}") or {})

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
        state = (version, tables, stored, *(self._rates(system) for system in RATED.get(flow, ())))
        known = self._made.get(flow)
        if known is not None and known[0] == state:
            return known[1]
        logic = logic_of(flow, settings_of(flow, stored), body, version, tables, self._asked())
        self._made[flow] = (state, logic)
        return logic

    def earlier(self, flow: str, version: int) -> FlowLogic:
        """Return what is particular to a flow with a mapping that was in force before; all else is as it is now."""
        body = self._rules.body(flow, version)
        return logic_of(flow, self.settings(flow), body, version, self._rules.tables(), self._asked())

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
        asked = self._asked(allots=False, afresh=frozenset(afresh))
        return logic_of(flow, settings or self.settings(flow), body, version, self._rules.tables(), asked)

    def _asked(self, *, allots: bool = True, afresh: frozenset[str] = frozenset()) -> "_Asked":
        return _Asked(self._links, self._connector, self._rates, allots=allots, afresh=afresh)


class _Asked:
    """What the logics of the flows ask; a trial allots no number, and takes documents `afresh`, booked or not."""

    def __init__(
        self,
        links: Links,
        connector: Callable[[str], Connector],
        rates: Callable[[str], Mapping[str, Decimal]],
        *,
        allots: bool,
        afresh: frozenset[str],
    ) -> None:
        self.rates = rates
        self._links = links
        self._connector = connector
        self._allots = allots
        self._afresh = afresh

    def allot(self, code: str) -> str:
        return self._links.allot("products", "article", code) if self._allots else "1"

    def known(self, codes: Collection[str]) -> set[str]:
        return {record.key for record in self._connector("accountview").fetch(Kind.ARTICLE, codes)}

    def booked(self, becomes: str, ids: Collection[str]) -> Mapping[str, str]:
        kind = Kind.POSTING if becomes == "posting" else Kind.SALES_ORDER
        asked = [key for key in ids if key not in self._afresh]
        return {key: link.reference for key, link in self._links.get("orders", kind, asked).items()}

    def numbers(self, codes: Collection[str]) -> Mapping[str, str]:
        found = self._links.get("products", Kind.ARTICLE, codes)
        return {code: link.reference for code, link in found.items()}
