"""Download tokens: what a page gives its browser to be answered once, within minutes, without a log-in."""

import hashlib
import hmac
import secrets
import threading
import time

from integration.core.people import Actor

SECONDS = 300


class DownloadTokens:
    """The download tokens of one process. What signs them is made at its start and is kept nowhere."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)
        self._open: dict[str, Actor] = {}  # what was given and not shown yet, and to whom
        self._spending = threading.Lock()

    def issue(self, to: Actor) -> str:
        """Return a new download token for somebody."""
        body, now = f"{int(time.time()) + SECONDS}-{secrets.token_hex(16)}", time.time()
        with self._spending:
            self._open = {one: actor for one, actor in self._open.items() if _until(one) >= now}
            self._open[body] = to
        return f"{body}.{self._signed(body)}"

    def spend(self, token: str) -> Actor | None:
        """Return whose a download token is that holds, None for any other; from then on it does not."""
        body, _, signed = token.partition(".")
        if not hmac.compare_digest(signed.encode(), self._signed(body).encode()):
            return None
        with self._spending:
            actor = self._open.pop(body, None)
        return actor if _until(body) >= time.time() else None

    def _signed(self, body: str) -> str:
        return hmac.new(self._key, body.encode(), hashlib.sha256).hexdigest()


def _until(body: str) -> int:
    """Return until when a download token holds, in seconds as a clock counts them."""
    return int(body.partition("-")[0])
