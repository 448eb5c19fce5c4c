"""One service as another one sees it: the members that a test needs, and none of its own wiring."""

import inspect
from types import SimpleNamespace
from typing import Any, TypeVar, cast

from integration.services.prices import Prices
from integration.services.write_holds.system_identity import SystemIdentities
from integration.services.write_holds.write_holds import WriteHolds
from integration.store.erasure_register import ErasureRegister

Service = TypeVar("Service")


def part(of: type[Service], **members: Any) -> Service:
    """Return an object with these members of a service. Raises AttributeError for a member that the service lacks."""
    for name in members:
        if not (hasattr(of, name) or name in {*inspect.signature(of).parameters, *inspect.get_annotations(of)}):
            raise AttributeError(f"{of.__name__} has no member {name}")
    return cast("Service", SimpleNamespace(**members))


UNHELD: dict[str, Any] = {
    "erased": part(ErasureRegister, excluded_numbers=lambda _: set()),
    "holds": part(WriteHolds, held=lambda _: None),
    "identities": part(SystemIdentities, check=lambda: None, suspect=lambda *_: None),
    "commit_listener": part(Prices, written=lambda _: None),
}
"""Dependencies of a runner that nothing holds and nobody listens to."""
