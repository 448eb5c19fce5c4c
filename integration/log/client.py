"""Queries the log from outside the console: through the local server if it runs, otherwise with a log process."""

import http.client
import json
import socket
import urllib.error
import urllib.request
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from integration.core.connections import LOOPBACK
from integration.core.errors import IntegrationError
from integration.log.logbook import Logbook

SERVER_FILE = "server.json"  # file in the data folder with the address and token of the running server

SECONDS = 600.0  # an export of a long log is slow
UNANSWERABLE = 422


def ask(data: Path, sql: str, rows: int = 10_000) -> dict[str, Any]:
    """Return the result of one SELECT over the log: `columns`, `rows`, and `cut` if there are more rows.

    Raises QueryError, or another IntegrationError with a code.
    """
    answer = ask_server(data, {"sql": sql, "rows": rows})
    if answer is not None:
        return answer
    logbook = Logbook(data / "log.duckdb")
    try:
        return logbook.ask_plain(sql, rows=rows)
    finally:
        logbook.close()


def ask_server(data: Path, query: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the server's response to a request, or None if no server runs for the data folder.

    Raises IntegrationError with the code of a request that failed, and OSError for a file that cannot be written.
    """
    try:
        server = json.loads((data / SERVER_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    line = server.get("socket", "")
    if not line and urlsplit(server["address"]).hostname not in LOOPBACK:
        return None
    request = urllib.request.Request(  # noqa: S310 - a loopback address, as checked, or a socket of this machine
        f"{server['address']}/api/log",
        data=json.dumps(query).encode(),
        headers={"Authorization": f"Bearer {server['token']}", "Content-Type": "application/json"},
    )
    ways = [urllib.request.ProxyHandler({}), *([_UnixSocketHandler(line)] if line else [])]
    straight = urllib.request.build_opener(*ways)
    try:
        with straight.open(request, timeout=SECONDS) as answer:
            return dict(json.load(answer))
    except urllib.error.HTTPError as refusal:
        refusal_facts = json.loads(refusal.read() or b"{}") if refusal.code == UNANSWERABLE else {}
        if refusal_facts.get("error") == "file":
            raise OSError(0, refusal_facts["facts"]["reason"]) from None
        if refusal_facts:
            raise IntegrationError(refusal_facts["error"], **refusal_facts["facts"]) from None
        return None
    except (OSError, ValueError):
        return None


class _UnixSocketHandler(urllib.request.HTTPHandler):
    """Opens HTTP requests through a Unix socket."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self._path = path

    def http_open(self, request: urllib.request.Request) -> Any:
        return self.do_open(partial(_UnixSocketConnection, path=self._path), request)


class _UnixSocketConnection(http.client.HTTPConnection):
    def __init__(self, host: str, *, path: str, **how: Any) -> None:
        super().__init__(host, **how)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)
