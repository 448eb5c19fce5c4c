"""Stored progress of the set-up, and the flows chosen in it."""

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
    """The set-up record: one for the sandbox, and one for real systems."""

    def __init__(self, flows: Specs, logics: Logics, stored_settings: StoredSettings, access: ConnectorFactory) -> None:
        self._flows = flows
        self._logics = logics
        self._stored_settings = stored_settings
        self._access = access

    def record(self) -> Mapping[str, Any]:
        """Return the stored record, empty before the set-up began."""
        return self._stored_settings.get(self._access.name(RECORD)) or {}

    def keep(self, values: Mapping[str, Any], by: Actor) -> None:
        """Add values to the record."""
        record = self.record()
        if {**record, **values} != record:
            self._stored_settings.put(self._access.name(RECORD), {**record, **values}, by.ref)

    @requires(Right.SEE)
    def chosen_flows(self) -> tuple[str, ...]:
        """Return the flows chosen in the set-up. Once the flows have started, return those that are on."""
        record = self.record()
        if record.get("started") or "chosen" not in record:
            return tuple(flow for flow in self._flows if self._logics.settings(flow).on)
        return tuple(flow for flow in self._flows if flow in record["chosen"])
