"""People at the console, for tests."""

from integration.core.people import APART, Actor, Role


def make_actor(ref: str = "operator", *roles: Role) -> Actor:
    """Return a person with all rights, or with the rights of roles, without a session."""
    return Actor(ref, roles=frozenset(roles or {Role.ADMINISTRATOR}), extra_rights=frozenset() if roles else APART)
