"""Test objects in place of a service, with only the members that the test needs."""

import inspect
from types import SimpleNamespace
from typing import Any, TypeVar, cast

from integration.services.write_holds.system_identity import SystemIdentities
from integration.services.write_holds.write_holds import WriteHolds
from integration.store.customer_merges import CustomerMergeStore
from integration.store.erasure_register import ErasureRegister

Service = TypeVar("Service")


def part(service: type[Service], /, **members: Any) -> Service:
    """Return an object with these members of a service. Raises AttributeError for a member that the service lacks."""
    known_names = {*dir(service), *inspect.get_annotations(service), *service.__init__.__code__.co_names}
    for name in members:
        if name not in known_names:
            raise AttributeError(f"{service.__name__} has no member {name}")
    return cast("Service", SimpleNamespace(**members))


UNHELD: dict[str, Any] = {
    "customer_merges": part(CustomerMergeStore, merged_debtors=lambda *_: {}),
    "erased": part(ErasureRegister, excluded_numbers=lambda _: set()),
    "holds": part(WriteHolds, hold_reason=lambda _: None),
    "identities": part(SystemIdentities, check=lambda: None, suspect=lambda *_: None),
}
"""Dependencies of a runner that nothing holds and nobody listens to."""
