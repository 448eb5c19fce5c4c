"""One service as another one sees it: the members that a test needs, and none of its own wiring."""

from types import SimpleNamespace
from typing import Any, TypeVar, cast

Service = TypeVar("Service")


def part(_of: type[Service], **members: Any) -> Service:
    """Return something that answers as a service does where it is asked for these members."""
    return cast("Service", SimpleNamespace(**members))
