"""The application as somebody may ask it: the one door by which what a person asks comes to a service.

Pages, terminal and addresses have the application through it alone. It stands for each service and does nothing but
look, at every single question, who asks and whether they may; then the service answers.
"""

import time
from collections.abc import Callable, Iterator
from inspect import getattr_static, signature
from typing import Any, Protocol

from integration.core.errors import NotAllowedError
from integration.core.people import Actor, PersonAction, Right, doing
from integration.core.plan import Approval
from integration.core.run import PreviewRequest
from integration.services.rights import NEEDED, SERVICES

MOMENT_SECONDS = 0.5  # a page asks some hundred questions to draw itself


class Admits(Protocol):
    """Says who somebody is right now."""

    def __call__(self, actor: Actor) -> Actor:
        """Return them as they are known now, with the roles they have now. Raises LoggedOutError."""


Hears = Callable[[PersonAction], None]


class Acting:
    """The services, each as far as one actor may ask it."""

    def __init__(self, application: object, actor: Actor, admit: Admits, hear: Hears) -> None:
        """`hear` keeps of each question, before it is answered, what is to be kept of it."""
        self._application = application
        self._admitted = Admitted(actor, admit)
        self._hear = hear

    def __getattr__(self, name: str) -> Any:
        """Return a service, which answers what its actor may ask."""
        if name not in SERVICES:
            raise AttributeError(f"{name} is offered to nobody")
        return _Service(name, getattr(self._application, name), self._admitted, self._hear)


class Admitted:
    """An actor as they are known right now: looked up for every action, and for mere looking once in a moment."""

    def __init__(self, actor: Actor, admit: Admits) -> None:
        self._actor = actor
        self._admit = admit
        self._now, self._until = actor, 0.0

    def to(self, right: Right) -> Actor:
        """Return the actor, who has a right. Raises LoggedOutError and NotAllowedError."""
        if right is not Right.SEE or time.monotonic() >= self._until:
            self._until = 0.0
            self._now = self._admit(self._actor)
            self._until = time.monotonic() + MOMENT_SECONDS
        now = self._now
        expect_right(now, right)
        return now


class _Service:
    """One service, as far as one actor may ask it."""

    def __init__(self, name: str, service: object, admitted: Admitted, hear: Hears) -> None:
        self._name = name
        self._service = service
        self._admitted = admitted
        self._hear = hear

    def __getattr__(self, name: str) -> Any:
        """Return what asks the service, or what it has; the right to it is looked at when it is asked or taken."""
        whole = f"{self._name}.{name}"
        if whole in SERVICES:
            return _Service(whole, getattr(self._service, name), self._admitted, self._hear)
        if whole not in NEEDED:
            raise AttributeError(f"{whole} is offered to nobody")
        if isinstance(getattr_static(self._service, name), property):
            return self._ask(name, lambda: getattr(self._service, name))
        found = getattr(self._service, name)
        if not callable(found):
            return self._ask(name, lambda: found)
        return lambda *given, **named: self._ask(name, found, *given, **named)

    def _ask(self, name: str, ask: Callable[..., Any], *given: Any, **named: Any) -> Any:
        """Ask the service, for an actor who may, as the action under way."""
        whole = f"{self._name}.{name}"
        right = NEEDED[whole]
        actor = self._admitted.to(right)
        about = signature(ask).bind(*given, **named).arguments
        if not all(_is_signed(one, value, actor) for one, value in about.items()):
            raise NotAllowedError("not_allowed", message="reason_acts_for_another", name=actor.ref)
        action = PersonAction(actor, whole, right, about)
        self._hear(action)
        with doing(action):
            return ask(*given, **named)

    # A service that is a mapping, such as that of flows, is asked as one.

    def __getitem__(self, key: Any) -> Any:
        service: Any = self._service
        return self._ask("get", lambda: service[key])

    def __contains__(self, key: Any) -> bool:
        service: Any = self._service
        return bool(self._ask("get", lambda: key in service))

    def __iter__(self) -> Iterator[Any]:
        service: Any = self._service
        return iter(self._ask("keys", lambda: list(service)))

    def __len__(self) -> int:
        return sum(1 for _ in self)


def expect_right(actor: Actor, right: Right) -> None:
    """Raise NotAllowedError unless somebody has a right."""
    if not actor.may(right):
        raise NotAllowedError("not_allowed", message="_".join(("reason", "right", right)), name=actor.ref)  # noqa: FLY002 - no text is called so


def _is_signed(name: str, value: object, actor: Actor) -> bool:
    """Tell whether what would be recorded as somebody's is the actor's own."""
    if isinstance(value, Actor):
        return value.is_same(actor)
    if isinstance(value, PreviewRequest):
        return value.by.is_same(actor)
    if isinstance(value, Approval):
        return value.by == actor.ref
    return name != "by" or value == actor.ref
