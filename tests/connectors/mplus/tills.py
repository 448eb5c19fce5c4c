"""Connections to the till sandbox, and the calls that tests make over them."""

from collections.abc import Callable
from typing import Any

import httpx
from pydantic import SecretStr

from integration.connectors.http import Gateway
from integration.connectors.mplus.client import SOAP, Client
from integration.connectors.mplus.connector import Mplus
from integration.connectors.mplus.settings import MplusSettings
from integration.core.records import CurrentRecord, Record, Value
from integration.sandbox.server import Sandbox
from tests.builders import a_create, an_update_at
from tests.connectors.canned import Canned
from tests.fakes import Links

SECRET = "sandbox-secret"


def settings_of(sandbox: Sandbox, **changes: Any) -> MplusSettings:
    """Return the settings of a connection to the till sandbox."""
    values = {"url": sandbox.mplus_url, "ident": "sandbox", "secret": SecretStr(SECRET), **changes}
    return MplusSettings(per_second=10_000, attempts=3, read_seconds=2, **values)


def a_till(sandbox: Sandbox, **changes: Any) -> Mplus:
    """Return a connection to the sandbox's till."""
    return Mplus(settings_of(sandbox, **changes))


def call_names(sandbox: Sandbox) -> list[str]:
    """Return the calls the till answered since the ledger was cleared."""
    return [call.operation for call in sandbox.ledger.calls("mplus")]


NOWHERE = MplusSettings(
    url="http://127.0.0.1:18083/", ident="i", secret=SecretStr("s"), per_second=10_000, attempts=1
)  # fmt: skip


def answering(answers: Callable[[httpx.Request], str]) -> Client:
    """Return a client whose till answers as a function does: it is given a request and returns an element."""

    def answer(request: httpx.Request) -> httpx.Response:
        body = f'<E:Envelope xmlns:E="{SOAP}"><E:Body>{answers(request)}</E:Body></E:Envelope>'
        return httpx.Response(200, content=body.encode())

    gateway = Gateway(
        system="MplusKASSA", host_shown="", limits=NOWHERE.limits, secrets=("s",), transport=Canned(answer)
    )
    return Client(NOWHERE, gateway)


def create(till: Mplus, desired: Record, links: Links) -> CurrentRecord:
    """Write a new record, store its link, and return it as the till has it."""
    links.references[desired.kind, desired.key] = till.write(a_create(desired), None, links, "t").reference
    return look(till, desired, links)


def look(till: Mplus, desired: Record, links: Links) -> CurrentRecord:
    """Return the record as the till has it now."""
    return till.lookup([desired], links)[desired.key]


def update(till: Mplus, current: CurrentRecord, links: Links, **paths: Value) -> None:
    """Write some values over the record that was looked up."""
    till.write(an_update_at(current.record, paths), current, links, "t")
