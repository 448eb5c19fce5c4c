"""Both sandboxes up and running on loopback, with the control address that real systems do not have.

Every port also answers under `/_sandbox/`: `calls`, `counts`, `switches`, `state`, `edit`, `add`, `remove`, `invoice` and
`day`. Nothing asked there counts as a call.
"""

import json
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final, Protocol
from urllib.parse import parse_qsl

import uvicorn

from integration.sandbox.accountview import AccountView
from integration.sandbox.conventions import Conventions
from integration.sandbox.faults import Answer, App, Cuttable, Ledger, Receive, Scope, Send, Switches, deliver
from integration.sandbox.journal import Journal
from integration.sandbox.mplus import Till
from integration.sandbox.shop import Shop, make_shop

CONTROL: Final = "/_sandbox/"
START_SECONDS: Final = 30
STOP_SECONDS: Final = 5


class Held(Protocol):
    """What the control address asks of a sandbox. All of it is safe from any thread."""

    async def app(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one call."""

    def state(self, table: str) -> list[dict[str, Any]]:
        """Everything one table holds, whatever the readers may see yet. LookupError for an unknown table."""

    def advance_day(self) -> None:
        """A day passes in the shop."""
