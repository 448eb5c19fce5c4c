"""Stores the system that a person chose for each role."""

from integration.connectors.systems import default_systems, systems_for
from integration.core.people import Actor
from integration.core.system_roles import SystemRole
from integration.store.settings import StoredSettings

SETTING = "systems"


class SystemChoice:
    """The stored choice of a system for each role. Without a choice the first registered system has the role."""

    def __init__(self, stored_settings: StoredSettings) -> None:
        self._stored_settings = stored_settings

    def chosen_systems(self) -> dict[SystemRole, str]:
        """Return the name of the chosen system by role. A system that is no longer registered is not returned."""
        names = self._stored_settings.get(SETTING) or {}
        return {
            role: names[role.value] if names.get(role.value) in {system.name for system in systems_for(role)} else usual
            for role, usual in default_systems().items()
        }

    def choose(self, role: SystemRole, system: str, by: Actor) -> None:
        """Store the system of a role."""
        self._stored_settings.put(SETTING, {**(self._stored_settings.get(SETTING) or {}), role.value: system}, by.ref)
