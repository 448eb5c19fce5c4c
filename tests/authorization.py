"""Finds every member of an application that needs a right, on the classes of its services."""

from collections.abc import Iterator

from integration.application.application import Application
from integration.application.authorization import has_rights
from integration.core.authorization import right_of
from integration.core.people import Right


def rights_of(application: Application) -> dict[str, Right]:
    """Return the right of each method by its name, such as `runs.commit`."""
    return {f"{service}.{name}": right for service, value in services_of(application) for name, right in members(value)}


def services_of(application: object, path: str = "") -> Iterator[tuple[str, object]]:
    """Yield every service with the path by which it is reached."""
    for name, value in attributes_of(application).items():
        if not name.startswith("_") and has_rights(type(value)):
            yield f"{path}{name}", value
            yield from services_of(value, f"{path}{name}.")


def attributes_of(service: object) -> dict[str, object]:
    """Return the attributes of an object. An object with slots holds no service or method."""
    return dict(getattr(service, "__dict__", {}))


def members(service: object) -> Iterator[tuple[str, Right]]:
    """Yield every member of a service that needs a right, also members that come from a store."""
    for name in {*dir(type(service)), *attributes_of(service)}:
        member = attributes_of(service).get(name, getattr(type(service), name, None))
        if (right := right_of(member)) is not None and not name.startswith("_"):
            yield name, right
