"""Connections to the till in a box, and what tests do over them."""

from typing import Any

from pydantic import SecretStr

from integration.connectors.mplus.connector import Mplus
from integration.connectors.mplus.settings import MplusSettings
from integration.core.records import Held, Record, Value
from integration.sandbox.server import Sandbox
from tests.builders import a_create, an_update_at
from tests.fakes import Links

SECRET = "sandbox-secret"


def settings_of(sandbox: Sandbox, **changes: Any) -> MplusSettings:
    """Return what connects to the sandbox's till."""
    given = {"url": sandbox.mplus_url, "ident": "sandbox", "secret": SecretStr(SECRET), **changes}
    return MplusSettings(per_second=10_000, attempts=3, read_seconds=2, **given)


def a_till(sandbox: Sandbox, **changes: Any) -> Mplus:
    """Return a connection to the sandbox's till."""
    return Mplus(settings_of(sandbox, **changes))


def create(till: Mplus, wanted: Record, links: Links) -> Held:
    """Write a new record, keep its link and return what the till holds now."""
    links.known[wanted.kind, wanted.key] = till.write(a_create(wanted), None, links, "t").reference
    return look(till, wanted, links)


def look(till: Mplus, wanted: Record, links: Links) -> Held:
    """Return what the till holds now."""
    return till.lookup([wanted], links)[wanted.key]


def update(till: Mplus, held: Held, links: Links, **paths: Value) -> None:
    """Write some values over what was looked up."""
    till.write(an_update_at(held.record, paths), held, links, "t")
