"""The right that a method asks for, written on the method."""

from collections.abc import Callable
from typing import Any, TypeVar

from integration.core.errors import NotAllowedError
from integration.core.people import Actor, Right

Method = TypeVar("Method", bound=Callable[..., Any])

_ATTRIBUTE = "__right__"


def requires(right: Right) -> Callable[[Method], Method]:
    """Let people call a method who have a right. A method without a right is not reachable for them.

    The method itself stays as it is: `AuthorizedApplication` reads the right and checks the actor at each call. Stands
    below `@property`.
    """

    def mark(method: Method) -> Method:
        setattr(method, _ATTRIBUTE, right)
        return method

    return mark


def right_of(member: object) -> Right | None:
    """Return the right that a method or property asks for, None where people may not reach it."""
    found = getattr(member.fget if isinstance(member, property) else member, _ATTRIBUTE, None)
    return found if isinstance(found, Right) else None


def require_right(actor: Actor, right: Right) -> None:
    """Raise NotAllowedError unless an actor has a right."""
    if not actor.may(right):
        raise NotAllowedError("not_allowed", message="_".join(("reason", "right", right)), name=actor.ref)  # noqa: FLY002 - no text is called so
