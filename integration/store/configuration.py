"""Stores an imported configuration: settings, mappings, value tables and corrections, in one transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from integration.core.records import Correction
from integration.store.corrections import keep_in
from integration.store.database import Store
from integration.store.rules import change_table_in, publish_in
from integration.store.settings import put_in


@dataclass(frozen=True, slots=True)
class Configuration:
    """An imported configuration: settings by name, mappings and corrections by flow, value tables by name."""

    settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    mappings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    tables: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    corrections: Mapping[str, Sequence[Correction]] = field(default_factory=dict)


class ConfigurationStore(Store):
    """Stores imported configurations."""

    def keep(self, configuration: Configuration, by: str, note: str) -> None:
        """Store everything in one transaction. A mapping becomes the next version of its flow."""
        now = self.clock()
        with self.database.write() as connection:
            for name, value in configuration.settings.items():
                put_in(connection, now, name, value, by)
            for name, rows in configuration.tables.items():
                change_table_in(connection, now, name, lambda _, rows=rows: rows, by)  # type: ignore[misc]
            for flow, flow_corrections in configuration.corrections.items():
                keep_in(connection, now, flow, flow_corrections, by)
            for flow, body in configuration.mappings.items():
                publish_in(connection, now, flow, body, by, note)
