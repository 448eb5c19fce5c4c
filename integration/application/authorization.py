"""The application as one actor may use it. Pages, terminal and routes reach the services through this proxy only.

The proxy checks at every call who the actor is and whether they have the right that the method requires. A member
without a right (see `integration.core.authorization`) cannot be reached.
"""

import time
from collections.abc import Callable, Iterator
from functools import partial
from inspect import getattr_static, signature
from typing import Any

from integration.accounts.people import People
from integration.core.authorization import require_right, requires, right_of
from integration.core.errors import NotAllowedError
from integration.core.people import Actor, PersonAction, Right, acting_as
from integration.core.plan import Approval
from integration.core.run import PreviewRequest
from integration.services.audit import Audit

MOMENT_SECONDS = 0.5  # a page makes about a hundred calls to draw itself
OF_A_MAPPING = {"get": "__getitem__", "keys": "__iter__", "values": "__iter__", "items": "__iter__"}

_SERVICES: dict[type, bool] = {}  # whether a class has a member that people may use


class AuthorizedApplication:
    """A proxy of the application that offers each service within the rights of one actor."""

    def __init__(self, application: object, actor: Actor, people: People, audit: Audit) -> None:
        """Wrap the application. `people` returns the actor's current roles; `audit` is notified before each call."""
        self._application = application
        self._authenticated_actor = AuthenticatedActor(actor, people)
        self._audit = audit

    def __getattr__(self, name: str) -> Any:
        """Return the proxy of a service. Raises AttributeError for anything that people may not use."""
        service = None if name.startswith("_") else getattr(self._application, name, None)
        if not has_rights(type(service)):
            raise AttributeError(f"{name} is not reachable")
        return AuthorizedService(name, service, self._authenticated_actor, self._audit)


class AuthenticatedActor:
    """An actor with their current roles: read again for every action, but for `Right.SEE` at most twice a second."""

    def __init__(self, actor: Actor, people: People) -> None:
        self._actor = actor
        self._people = people
        self._current_actor, self._valid_until = actor, 0.0

    def require(self, right: Right) -> Actor:
        """Return the actor, after a check that they have the right. Raises LoggedOutError and NotAllowedError."""
        if right is not Right.SEE or time.monotonic() >= self._valid_until:
            self._valid_until = 0.0
            self._current_actor = self._people.refresh_actor(self._actor)
            self._valid_until = time.monotonic() + MOMENT_SECONDS
        now = self._current_actor
        require_right(now, right)
        return now


class AuthorizedService:
    """A proxy of one service, within the rights of one actor."""

    def __init__(self, name: str, service: Any, authenticated: AuthenticatedActor, audit: Audit) -> None:
        self._name = name
        self._service = service
        self._authenticated_actor = authenticated
        self._audit = audit

    def __getattr__(self, name: str) -> Any:
        """Return a method that checks its right at each call, a property's value, or the proxy of a nested service."""
        member = getattr_static(self._service, name, None)
        if isinstance(member, property):
            return self._call(name, right_of(member), lambda: getattr(self._service, name))
        if not name.startswith("_") and has_rights(type(member)):
            return AuthorizedService(f"{self._name}.{name}", member, self._authenticated_actor, self._audit)
        right = right_of(getattr_static(type(self._service), OF_A_MAPPING.get(name, ""), None) or member)
        if right is None:
            raise AttributeError(f"{self._name}.{name} is not reachable")
        return requires(right)(partial(self._call, name, right, getattr(self._service, name)))

    def _call(self, name: str, right: Right | None, method: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Call a method as the current action of an actor who has the right."""
        if right is None:
            raise AttributeError(f"{self._name}.{name} is not reachable")
        actor = self._authenticated_actor.require(right)
        arguments = signature(method).bind(*args, **kwargs).arguments
        if not all(_is_signed(parameter, value, actor) for parameter, value in arguments.items()):
            raise NotAllowedError("not_allowed", message="reason_acts_for_another", name=actor.ref)
        action = PersonAction(actor, f"{self._name}.{name}", right, arguments)
        self._audit.record_action(action)
        with acting_as(action):
            return method(*args, **kwargs)

    # Some services are mappings, for example the one of flows.

    def __getitem__(self, key: Any) -> Any:
        return self._of_mapping("__getitem__", lambda: self._service[key])()

    def __contains__(self, key: Any) -> bool:
        return bool(self._of_mapping("__getitem__", lambda: key in self._service)())

    def __iter__(self) -> Iterator[Any]:
        return iter(self._of_mapping("__iter__", lambda: list(self._service))())

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def _of_mapping(self, name: str, method: Callable[..., Any]) -> Callable[..., Any]:
        return partial(self._call, name, right_of(getattr_static(type(self._service), name, None)), method)


def has_rights(service: type) -> bool:
    """Return True if a class has a member that people may use."""
    if service not in _SERVICES:
        _SERVICES[service] = any(right_of(member) for kind in service.__mro__ for member in vars(kind).values())
    return _SERVICES[service]


def _is_signed(name: str, value: object, actor: Actor) -> bool:
    """Return False if a call would be recorded in the name of somebody else than the actor."""
    if isinstance(value, Actor):
        return value.is_same(actor)
    if isinstance(value, PreviewRequest):
        return value.by.is_same(actor)
    if isinstance(value, Approval):
        return value.by == actor.ref
    return name != "by" or value == actor.ref
