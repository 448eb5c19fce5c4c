"""Tickets: what a page gives its browser to be answered once, within minutes, without anything to log in with."""

import hashlib
import hmac
import secrets
import threading
import time

SECONDS = 300


class Tickets:
    """The tickets of one process. What signs them is made at its start and is kept nowhere."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)
        self._spent: dict[str, int] = {}  # what was shown, until when it would have held
        self._spending = threading.Lock()

    def issue(self) -> str:
        """Return a new ticket."""
        body = f"{int(time.time()) + SECONDS}-{secrets.token_hex(16)}"
        return f"{body}.{self._signed(body)}"

    def spend(self, ticket: str) -> bool:
        """Return whether a ticket holds; from then on it does not."""
        body, _, signed = ticket.partition(".")
        if not hmac.compare_digest(signed.encode(), self._signed(body).encode()):
            return False
        until, now = int(body.partition("-")[0]), time.time()
        with self._spending:
            self._spent = {one: end for one, end in self._spent.items() if end >= now}
            holds = until >= now and body not in self._spent
            self._spent[body] = until
        return holds

    def _signed(self, body: str) -> str:
        return hmac.new(self._key, body.encode(), hashlib.sha256).hexdigest()
