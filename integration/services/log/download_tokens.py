"""Download tokens: they allow one download within minutes, without a log-in."""

import hashlib
import hmac
import secrets
import threading
import time

from integration.core.people import Actor

SECONDS = 300


class DownloadTokens:
    """The download tokens of one process. Their signing key is made at the start and is never stored."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)
        self._unused: dict[str, Actor] = {}  # issued and unused tokens, with their actors
        self._lock = threading.Lock()

    def issue(self, to: Actor) -> str:
        """Return a new download token for an actor."""
        body, now = f"{int(time.time()) + SECONDS}-{secrets.token_hex(16)}", time.time()
        with self._lock:
            self._unused = {token: actor for token, actor in self._unused.items() if _expiry(token) >= now}
            self._unused[body] = to
        return f"{body}.{self._signature(body)}"

    def redeem(self, token: str) -> Actor | None:
        """Return the actor of a valid download token, or None. A token is valid once."""
        body, _, signed = token.partition(".")
        if not hmac.compare_digest(signed.encode(), self._signature(body).encode()):
            return None
        with self._lock:
            actor = self._unused.pop(body, None)
        return actor if _expiry(body) >= time.time() else None

    def _signature(self, body: str) -> str:
        return hmac.new(self._key, body.encode(), hashlib.sha256).hexdigest()


def _expiry(body: str) -> int:
    """Return when a download token expires, in seconds since the epoch."""
    return int(body.partition("-")[0])
