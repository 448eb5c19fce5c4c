"""One service as another one sees it: the members that a test needs, and none of its own wiring."""

from types import SimpleNamespace
from typing import Any, TypeVar, cast

from integration.services.prices import Prices
from integration.services.write_holds.system_identity import SystemIdentities
from integration.services.write_holds.write_holds import WriteHolds
from integration.store.erasure_register import ErasureRegister

Service = TypeVar("Service")


def part(_of: type[Service], **members: Any) -> Service:
    """Return something that answers as a service does where it is asked for these members."""
    return cast("Service", SimpleNamespace(**members))


UNHELD: dict[str, Any] = {
    "erased": part(ErasureRegister, excluded_numbers=lambda _: set()),
    "holds": part(WriteHolds, hold_reason=lambda _: None),
    "identities": part(SystemIdentities, check=lambda: None, suspect=lambda *_: None),
    "commit_listener": part(Prices, written=lambda _: None),
}
"""Dependencies of a runner that nothing holds and nobody listens to."""
