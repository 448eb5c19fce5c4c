"""Previews the effect of alternative settings on three sample records. Stores nothing."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from integration.connectors.protocol import Configurable
from integration.core.authorization import requires
from integration.core.people import Right
from integration.core.records import Record, Unreadable, Value
from integration.services.mappings.mappings import Logics
from integration.services.mappings.trials import source_title
from integration.services.systems.connection_settings import ConnectorFactory

RECORDS = 3


@dataclass(frozen=True, slots=True)
class ComparedRecord:
    """One record with its value in the compared field, and its result per alternative; None for no result."""

    title: str
    amount: Value
    results: Mapping[str, Value]


class SettingsComparison:
    """Compares alternative settings of a flow on the records with the highest values in a field."""

    def __init__(self, logics: Logics, access: ConnectorFactory) -> None:
        self._logics = logics
        self._access = access

    @requires(Right.SEE)
    def compared(self, flow: str, field: str, ways: Mapping[str, Mapping[str, Any]]) -> list[ComparedRecord]:
        """Return the source records with the highest values in a field, each with its result per alternative.

        The list is empty if no record has a value in the field, or if the source cannot find such records.
        """
        source = self._access.connector(self._logics.flow(flow).source)
        if not isinstance(source, Configurable):
            return []
        records = [record for record in source.highest_records(field, RECORDS) if not isinstance(record, Unreadable)]
        results = {
            record.key: {way: self._first_value(flow, record, settings) for way, settings in ways.items()}
            for record in records
        }
        return [
            ComparedRecord(source_title(record), record.values[field], results[record.key])
            for record in records
            if record.values.get(field)
        ]

    def _first_value(self, flow: str, record: Record, settings: Mapping[str, Any]) -> Value:
        """Return the first value that the flow computes for a record with these settings."""
        current_settings = self._logics.settings(flow)
        logic = self._logics.trial(
            flow, settings=type(current_settings)(**{**current_settings.model_dump(), **settings})
        )
        stages = (stage for stage in logic.flow.counted_stages if stage.source is record.kind)
        return next((trace.value for stage in stages for trace in logic.trace(stage, record)), None)
