"""Registry of the systems, by name. To add a system, add its registration here; no other module names it."""

from collections.abc import Mapping
from types import MappingProxyType

from integration.connectors.accountview.registration import ACCOUNTVIEW
from integration.connectors.mplus.registration import MPLUS
from integration.connectors.registration import System
from integration.core.system_roles import SystemRole, assign_roles

_SYSTEMS: dict[str, System] = {system.name: system for system in (ACCOUNTVIEW, MPLUS)}

SYSTEMS: Mapping[str, System] = MappingProxyType(_SYSTEMS)


def systems_for(role: SystemRole) -> tuple[System, ...]:
    """Return the systems that can have a role. The first has it until a person chooses another."""
    return tuple(system for system in SYSTEMS.values() if system.role is role)


def default_systems() -> dict[SystemRole, str]:
    """Return the name of the system that has each role until a person chooses another."""
    return {role: systems_for(role)[0].name for role in SystemRole}


assign_roles(default_systems())
