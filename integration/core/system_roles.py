"""The roles of systems, and the system that has each role in this installation."""

from collections.abc import Mapping
from enum import Enum


class SystemRole(Enum):
    """A role that a system has in a flow. Each role belongs to exactly one system of an installation.

    A role is not a string, so that type checks distinguish it from the name of a system.
    """

    BOOKS = "books"
    TILL = "till"

    def __str__(self) -> str:
        """Return the word of the role, for keys of texts."""
        return self.value

    @property
    def system(self) -> str:
        """The name of the system that has this role in this installation, as flows and stored data refer to it."""
        return _ASSIGNED[self]


_ASSIGNED: dict[SystemRole, str] = {}  # one installation per process, so the assignment is one value of the process


def assign_roles(systems: Mapping[SystemRole, str]) -> None:
    """Give roles to systems of these names. Other roles keep their system."""
    _ASSIGNED.update(systems)


def assigned_systems() -> tuple[str, ...]:
    """Return the names of the systems in use: the books, then the till."""
    return tuple(role.system for role in SystemRole)
