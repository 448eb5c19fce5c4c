"""The names of AccountView as a person or a file says them; of two installations, each by the name of its record."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from integration.connectors.accountview.settings import Names
from integration.core.people import Actor
from integration.services.systems.objects import merge_names, read_names
from integration.store.settings import StoredSettings

RECORD = "names"  # of a system of one's own, about which alone a file speaks
GROUPS = frozenset(Names.model_fields)


class ObjectNameSettings:
    """What a person keeps wins over what was proposed, a file over both."""

    def __init__(self, stored: StoredSettings, file: Path | None) -> None:
        """Read the file, where there is one. Raises ConfigurationError, naming the setting, for a wrong one."""
        self._stored = stored
        self._file = read_names(file) if file else {}

    def laid_over(self, access: Mapping[str, Any], record: str) -> dict[str, Any]:
        """Return what is known of a connection with the names that are in force for it."""
        kept = self._stored.get(record)
        named = {group: value for group, value in access.items() if group in GROUPS} if kept is None else kept
        rest = {name: value for name, value in access.items() if name not in GROUPS}
        return rest | merge_names(named, self.spoken(record))

    def spoken(self, record: str) -> Mapping[str, Any]:
        """Return the names of the file, as far as it is about this AccountView."""
        return self._file if record == RECORD else {}

    def is_kept(self, record: str) -> bool:
        """Tell whether a person has set names."""
        return self._stored.get(record) is not None

    def put(self, record: str, names: Mapping[str, Any], by: Actor) -> None:
        """Keep the names that a person set."""
        self._stored.put(record, names, by.ref)
