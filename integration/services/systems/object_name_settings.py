"""Stored object names of the books, set by a person or a file. Each installation has its own record."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from integration.connectors.accountview.settings import Names
from integration.core.people import Actor
from integration.services.systems.objects import merge_names, read_names
from integration.store.settings import StoredSettings

RECORD = "names"  # the record of the real system; the file applies to no other
GROUPS = frozenset(Names.model_fields)


class ObjectNameSettings:
    """Object names by precedence: a file overrides a person's names, which override proposed names."""

    def __init__(self, stored_settings: StoredSettings, file: Path | None) -> None:
        """Read the file, if there is one. Raises ConfigurationError, with the name of the setting, if it is invalid."""
        self._stored_settings = stored_settings
        self._file = read_names(file) if file else {}

    def with_object_names(self, access: Mapping[str, Any], record: str) -> dict[str, Any]:
        """Return access data with the object names in force."""
        stored_names = self._stored_settings.get(record)
        names = (
            {group: value for group, value in access.items() if group in GROUPS}
            if stored_names is None
            else stored_names
        )
        rest = {name: value for name, value in access.items() if name not in GROUPS}
        return rest | merge_names(names, self.names_of_file(record))

    def names_of_file(self, record: str) -> Mapping[str, Any]:
        """Return the names of the file if they apply to this record, or nothing."""
        return self._file if record == RECORD else {}

    def has_names(self, record: str) -> bool:
        """Return True if a person has set names."""
        return self._stored_settings.get(record) is not None

    def put(self, record: str, names: Mapping[str, Any], by: Actor) -> None:
        """Store the names that a person set."""
        self._stored_settings.put(record, names, by.ref)
