"""Runs both sandboxes on loopback, with a control address that real systems do not have.

Every port also answers under `/_sandbox/`: `calls`, `counts`, `switches`, `state`, `edit`, `add`, `remove`, `invoice`,
`late_receipt`, `book`, `post` and `day`. Requests to the control address do not count as calls.
"""

import asyncio
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, Protocol
from urllib.parse import parse_qsl

import uvicorn

from integration.sandbox.accountview.app import AccountViewServer
from integration.sandbox.accountview.conventions import Conventions
from integration.sandbox.accountview.query import Refusal
from integration.sandbox.accountview.seed.bank import CardTaking
from integration.sandbox.faults import App, CallLedger, Cuttable, FaultAnswer, Receive, Scope, Send, Switches, deliver
from integration.sandbox.journal import Journal
from integration.sandbox.mplus.app import Till
from integration.sandbox.mplus.context import LENIENT
from integration.sandbox.mplus.contract import ZONE
from integration.sandbox.mplus.seed.till import card_takings
from integration.sandbox.shop.shop import TODAY, Shop, make_shop

CONTROL: Final = "/_sandbox/"
START_SECONDS: Final = 30
STOP_SECONDS: Final = 10
DAYS_TO_COME: Final = 3


class SandboxSystem(Protocol):
    """Methods of a sandbox that the control address uses. All are thread-safe."""

    async def app(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one call."""

    def state(self, table: str) -> list[dict[str, Any]]:
        """Return all rows of a table, including those that readers do not see yet. LookupError for an unknown table."""

    def advance_day(self) -> None:
        """Advance the shop by one day."""


@dataclass
class Sandbox:
    """Both running systems and their shop."""

    shop: Shop
    switches: Switches
    ledger: CallLedger
    accountview: AccountViewServer
    till: Till
    accountview_url: str = ""
    mplus_url: str = ""
    control_url: str = ""
    _servers: list["_Server"] = field(default_factory=list)
    _journal: Journal = field(default_factory=Journal)

    def state(self, table: str, system: str = "accountview") -> list[dict[str, Any]]:
        """Return all rows of a table of one system."""
        return self.find_system(system).state(table)

    def find_system(self, system: str) -> SandboxSystem:
        """Return a system by its name. LookupError for another name."""
        systems: dict[str, SandboxSystem] = {"accountview": self.accountview, "mplus": self.till}
        return systems[system]

    def advance_day(self) -> None:
        """Advance both systems by one day."""
        self.accountview.advance_day()
        self.till.advance_day()

    def stop(self) -> None:
        """Close both ports; the journal file stays."""
        for server in self._servers:
            server.begin_to_stop()
        for server in self._servers:
            server.stop()
        self._servers.clear()
        self._journal.close()


def opening_day(now: datetime) -> date:
    """Return the day of a shop that is started for the first time now.

    It is some days in the past, so that a user can advance the shop by several days.
    """
    return now.astimezone(ZONE).date() - timedelta(days=DAYS_TO_COME)


@contextmanager
def running(
    *,
    articles: int = 400,
    seed: int = 2026,
    today: date = TODAY,
    orders: int = 60,
    trades: bool = True,
    accountview_port: int = 0,
    mplus_port: int = 0,
    journal: Path | None = None,
    renamed: Mapping[str, str] | None = None,
    token_seconds: int = 3600,
    conventions: Conventions | None = None,
    switches: Switches | None = None,
    lenient: bool = False,
) -> Iterator[Sandbox]:
    """Run both systems within the block. Port 0 takes a free port; own `switches` may inject faults.

    The shop has sold up to the day before `today`; with a journal, up to the day before its first start.

    With `trades` off, the tills hold no documents. A `lenient` till accepts fields in any order, and requires no empty
    wrappers.
    """
    write_journal = Journal(journal)
    sandbox = start(
        shop=make_shop(articles, seed, write_journal.first_day(today), orders=orders, trades=trades),
        ports=(accountview_port, mplus_port),
        journal=write_journal,
        conventions=conventions or Conventions(renamed=renamed or {}),
        token_seconds=token_seconds,
        switches=switches,
        lenient=lenient,
    )
    try:
        yield sandbox
    finally:
        sandbox.stop()


def start(
    *,
    shop: Shop,
    ports: tuple[int, int],
    journal: Journal,
    conventions: Conventions,
    token_seconds: int,
    switches: Switches | None = None,
    lenient: bool = False,
) -> Sandbox:
    """Start both systems, which run until `stop`."""
    switches, ledger = switches or Switches(), CallLedger()
    accountview = AccountViewServer(
        shop,
        switches,
        ledger,
        conventions=conventions,
        token_seconds=token_seconds,
        journal=journal,
        takings=[
            CardTaking(day, branch, Decimal(cents).scaleb(-2)) for (day, branch), cents in card_takings(shop).items()
        ],
    )
    till = Till(shop, switches, ledger, journal=journal, conventions=LENIENT if lenient else None)
    sandbox = Sandbox(shop, switches, ledger, accountview, till, _journal=journal)
    office, branches = (
        _Server(_with_control(server.app, system, sandbox), port)
        for server, system, port in ((accountview, "accountview", ports[0]), (till, "mplus", ports[1]))
    )
    sandbox._servers = [office, branches]  # noqa: SLF001  # made here and nowhere else
    sandbox.accountview_url = f"{office.url}/api/v3"
    sandbox.mplus_url = f"{branches.url}/"
    sandbox.control_url = f"{office.url}{CONTROL}"
    return sandbox


class _Server:
    """One application on one port, in a separate thread."""

    def __init__(self, app: App, port: int) -> None:
        # asyncio disables Nagle's algorithm only if the protocol is given; otherwise every answer takes 40 ms longer.
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind(("127.0.0.1", port))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        config = uvicorn.Config(
            app,
            http=Cuttable,
            loop="asyncio",
            lifespan="off",
            access_log=False,
            log_config=None,
            timeout_graceful_shutdown=1,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._run, name="sandbox", daemon=True)
        self._thread.start()
        self._wait()

    def begin_to_stop(self) -> None:
        """Accept no more connections. Takes effect within a tenth of a second."""
        self._server.should_exit = True

    def stop(self) -> None:
        """Close the port and end the thread."""
        self.begin_to_stop()
        self._thread.join(STOP_SECONDS)
        self._socket.close()

    def _run(self) -> None:
        asyncio.run(self._server.serve(sockets=[self._socket]))

    def _wait(self) -> None:
        end = time.monotonic() + START_SECONDS
        while not self._server.started:
            if time.monotonic() > end or not self._thread.is_alive():
                raise RuntimeError("the sandbox does not start")
            time.sleep(0.005)


def _with_control(app: App, system: str, sandbox: Sandbox) -> App:
    async def serve_request(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        if not scope["path"].startswith(CONTROL):
            await app(scope, receive, send)
            return
        body = await _body(receive)
        query = dict(parse_qsl(scope["query_string"].decode()))
        action = (scope["method"], scope["path"].removeprefix(CONTROL).strip("/"))
        await deliver(_control_answer(sandbox, action, {"here": system, **query}, body), None, scope, receive, send)

    return serve_request


async def _body(receive: Receive) -> bytes:
    parts = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)


def _control_answer(sandbox: Sandbox, action: tuple[str, str], query: Mapping[str, str], body: bytes) -> FaultAnswer:
    if action not in _ACTIONS:
        return _json({"error": "there is no such action"}, 404)
    try:
        arguments = json.loads(body) if body else {}
        answer = _ACTIONS[action](sandbox, query, arguments)
    except LookupError as error:
        return _json({"error": str(error)}, 404)
    except (ValueError, TypeError, AttributeError) as error:
        return _json({"error": str(error)}, 400)
    except Refusal as no:
        return _json({"error": no.message}, 400)
    return _json({} if answer is None else answer)


def _calls(sandbox: Sandbox, query: Mapping[str, str], _: Mapping[str, Any]) -> object:
    system = query.get("system")
    write = {"true": True, "false": False}.get(query.get("write", ""))
    return [call.as_json() for call in sandbox.ledger.calls(system, write, int(query.get("since", "0")))]


def _arm(sandbox: Sandbox, _query: Mapping[str, str], arguments: Mapping[str, Any]) -> object:
    options = {
        name: arguments[name]
        for name in ("system", "operation", "key", "times", "seconds", "answer")
        if name in arguments
    }
    return {"id": sandbox.switches.arm(arguments["fault"], **options)}


def _manual_action(name: str) -> Callable[[Sandbox, Mapping[str, str], Mapping[str, Any]], object]:
    def act(sandbox: Sandbox, query: Mapping[str, str], arguments: Mapping[str, Any]) -> object:
        method = getattr(sandbox.find_system(arguments.get("system", query["here"])), name, None)
        if method is None:
            raise LookupError(f"this system has no {name} by hand")
        method(**{key: value for key, value in arguments.items() if key != "system"})
        return None

    return act


_ACTIONS: Final[Mapping[tuple[str, str], Callable[[Sandbox, Mapping[str, str], Mapping[str, Any]], object]]] = {
    ("GET", "calls"): _calls,
    ("DELETE", "calls"): lambda sandbox, _query, _arguments: sandbox.ledger.clear(),
    ("GET", "counts"): lambda sandbox, _query, _arguments: sandbox.ledger.counts(),
    ("GET", "switches"): lambda sandbox, _query, _arguments: [
        asdict(switch) for switch in sandbox.switches.active_switches()
    ],
    ("POST", "switches"): _arm,
    ("DELETE", "switches"): lambda sandbox, query, _arguments: sandbox.switches.disarm(query.get("id")),
    ("GET", "state"): lambda sandbox, query, _arguments: sandbox.state(
        query["table"], query.get("system", query["here"])
    ),
    ("POST", "edit"): _manual_action("edit"),
    ("POST", "add"): _manual_action("add"),
    ("POST", "remove"): _manual_action("remove"),
    ("POST", "invoice"): _manual_action("invoice"),
    ("POST", "late_receipt"): _manual_action("late_receipt"),
    ("POST", "book"): _manual_action("book"),
    ("POST", "post"): _manual_action("post"),
    ("POST", "day"): lambda sandbox, _query, _arguments: sandbox.advance_day(),
}


def _json(content: object, status: int = 200) -> FaultAnswer:
    return FaultAnswer(status, json.dumps(content, ensure_ascii=False, default=str).encode())
