"""Receivers of alerts: a real mail server and a real web server on this machine that store each message."""

import email
import email.policy
import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from aiosmtpd.controller import Controller


@dataclass
class Mailbox:
    """The mails that a mail server received, as subject and text."""

    port: int = 0
    mails: list[tuple[str, str]] = field(default_factory=list)

    @property
    def address(self) -> str:
        """The address of a channel that leads here."""
        return f"mailto://127.0.0.1:{self.port}/?from=console@shop.example&to=anneke@shop.example"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 - as aiosmtpd calls it
        """Store a mail."""
        mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
        assert isinstance(mail, EmailMessage)
        body = mail.get_body(("plain", "html"))
        self.mails.append((str(mail["subject"]), body.get_content() if body else ""))
        return "250 OK"


@contextmanager
def mail_server() -> Iterator[Mailbox]:
    """Run a mail server."""
    box = Mailbox()
    with socket.create_server(("127.0.0.1", 0)) as free:
        box.port = free.getsockname()[1]
    controller = Controller(box, hostname="127.0.0.1", port=box.port)
    controller.start()
    try:
        yield box
    finally:
        controller.stop()


@dataclass
class Hook:
    """The requests that a web server received, by path. It refuses all while `down`, and can answer slowly."""

    port: int = 0
    down: bool = False
    slow: float = 0.0
    redirects: dict[str, tuple[int, str]] = field(default_factory=dict)  # by path: the status and where it leads
    over: threading.Event = field(default_factory=threading.Event)  # nobody waits for an answer any more
    request_count: int = 0
    took: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    moments: list[float] = field(default_factory=list)  # of what it took, on the clock of this machine

    @property
    def address(self) -> str:
        """The address of a channel that leads here, with a token in it."""
        return f"json://operator:tokenofthehook@127.0.0.1:{self.port}/alerts/pathofthehook"

    def address_of(self, path: str) -> str:
        """The address of a path at this server, without redirection."""
        return f"http://127.0.0.1:{self.port}{path}"

    @property
    def titles(self) -> list[str]:
        """The titles of all messages."""
        return [message["title"] for _, message in self.took]

    @property
    def paths(self) -> list[str]:
        """Paths of the requests received."""
        return [path for path, _ in self.took]


@contextmanager
def web_server(port: int = 0) -> Iterator[Hook]:
    """Run a web server."""
    hook = Hook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            hook.request_count += 1
            hook.over.wait(hook.slow)
            if not hook.down:
                hook.moments.append(time.monotonic())
                hook.took.append((self.path, json.loads(body) if body.startswith(b"{") else {"body": body.decode()}))
            status, to = hook.redirects.get(self.path, (503 if hook.down else 200, ""))
            self.send_response(status)
            if to:
                self.send_header("location", to)
            self.send_header("content-length", "0")
            self.end_headers()

        def do_GET(self) -> None:
            hook.took.append((self.path, {}))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    with ThreadingHTTPServer(("127.0.0.1", port), Handler) as server:
        hook.port = server.server_port
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield hook
        finally:
            hook.over.set()
            server.shutdown()
            thread.join()
