"""How far the set-up was brought, as it is kept, and which flows were chosen in it."""

from collections.abc import Mapping
from typing import Any

from integration.core.authorization import requires
from integration.core.people import Actor, Right
from integration.flows.registry import Specs
from integration.services.mappings.mappings import Logics
from integration.services.systems.connection_settings import ConnectorFactory
from integration.store.settings import StoredSettings

RECORD = "set-up"


class ChosenFlows:
    """The record of the set-up: one for the sandbox, another one for real systems."""

    def __init__(self, flows: Specs, logics: Logics, stored: StoredSettings, access: ConnectorFactory) -> None:
        self._flows = flows
        self._logics = logics
        self._stored = stored
        self._access = access

    def record(self) -> Mapping[str, Any]:
        """Return what is kept; empty before the set-up was begun."""
        return self._stored.get(self._access.name(RECORD)) or {}

    def keep(self, values: Mapping[str, Any], by: Actor) -> None:
        """Keep more of it."""
        known = self.record()
        if {**known, **values} != known:
            self._stored.put(self._access.name(RECORD), {**known, **values}, by.ref)

    @requires(Right.SEE)
    def chosen(self) -> tuple[str, ...]:
        """Return the flows that shall run: as chosen in the set-up, and once they have started, those that are on."""
        record = self.record()
        if record.get("started") or "chosen" not in record:
            return tuple(flow for flow in self._flows if self._logics.settings(flow).on)
        return tuple(flow for flow in self._flows if flow in record["chosen"])
