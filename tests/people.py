"""People at the console, as tests need them."""

from integration.core.people import APART, Actor, Role


def somebody(ref: str = "operator", *roles: Role) -> Actor:
    """Return somebody who may do everything, or what roles allow, in no session."""
    return Actor(ref, roles=frozenset(roles or {Role.ADMINISTRATOR}), extra_rights=frozenset() if roles else APART)
