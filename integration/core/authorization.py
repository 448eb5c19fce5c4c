"""Declares on each method which right its callers need."""

from collections.abc import Callable
from typing import Any, TypeVar

from integration.core.errors import NotAllowedError
from integration.core.people import Actor, Right

Method = TypeVar("Method", bound=Callable[..., Any])

_ATTRIBUTE = "__right__"


def requires(right: Right) -> Callable[[Method], Method]:
    """Declare the right that people need to call a method. People cannot reach a method without such a declaration.

    The decorator does not change the method: `AuthorizedApplication` reads the right and checks the actor at each
    call. Must stand below `@property`.
    """

    def mark(method: Method) -> Method:
        setattr(method, _ATTRIBUTE, right)
        return method

    return mark


def right_of(member: object) -> Right | None:
    """Return the right that a method or property requires, or None if people may not reach it."""
    right = getattr(member.fget if isinstance(member, property) else member, _ATTRIBUTE, None)
    return right if isinstance(right, Right) else None


def require_right(actor: Actor, right: Right) -> None:
    """Raise NotAllowedError unless the actor has the right."""
    if not actor.may(right):
        raise NotAllowedError("not_allowed", message="_".join(("reason", "right", right)), name=actor.ref)  # noqa: FLY002 - no text is called so
