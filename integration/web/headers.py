"""Security headers of every answer: pages load only from the console, and no other page may embed them."""

import base64
import hashlib
import re
from collections.abc import Mapping

import structlog
from starlette.datastructures import MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from integration.web.guard import ANSWER, INVITATION, LOG_IN, PROVIDER

log = structlog.get_logger(__name__)

FORMS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src 'self'; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'"
}
"""Headers of the log-in forms, which have no script."""
OWN = "/app/static/"  # our own files, whose names stay while their contents change
WEEK, REVALIDATE = "public, max-age=604800", "no-cache"  # how long a browser caches fonts, and other files
INLINE = re.compile(r"<script(?P<named>[^>]*)>(?P<text>.*?)</script>", re.DOTALL | re.IGNORECASE)
POWERS = (
    "accelerometer", "bluetooth", "camera", "clipboard-read", "display-capture", "geolocation", "gyroscope", "hid",
    "magnetometer", "microphone", "midi", "payment", "publickey-credentials-get", "serial", "usb",
    "xr-spatial-tracking",
)  # fmt: skip


def content_security_policy(index: str) -> str:
    """Return the Content-Security-Policy of pages with this frame: it allows the scripts of the frame.

    Streamlit writes styles into the page, and WebAssembly parses its messages.
    """
    inline = (script["text"] for script in INLINE.finditer(index) if "src=" not in script["named"])
    hashes = " ".join(f"'sha256-{_hash(text)}'" for text in inline)
    return "; ".join((
        "default-src 'none'",
        f"script-src 'self' 'wasm-unsafe-eval' {hashes}".rstrip(),
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data:",
        "font-src 'self' data:",
        "connect-src 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
        "form-action 'none'",
        "object-src 'none'",
    ))  # fmt: skip


def _hash(script: str) -> str:
    """Return the hash of a script as a browser computes it, with every line ending as a line feed."""
    text = script.replace("\r\n", "\n").replace("\r", "\n")
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def headers_of(index: str) -> Mapping[str, str]:
    """Return the headers of every answer."""
    return {
        "Content-Security-Policy": content_security_policy(index),
        "X-Frame-Options": "DENY",
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "same-origin",  # with `no-referrer`, a browser would not send the origin of our own pages
        "Permissions-Policy": ", ".join(f"{power}=()" for power in POWERS),
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
    }


class Headers:
    """Middleware that sets these headers on every answer, including errors, and removes CORS headers."""

    def __init__(self, app: ASGIApp, headers: Mapping[str, str]) -> None:
        self._app = app
        self._headers = headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with the headers."""
        begun = False

        async def send_with_headers(message: Message) -> None:
            nonlocal begun
            begun = True
            if message["type"] in ("http.response.start", "websocket.http.response.start"):
                policy_here = FORMS if scope["path"] in (LOG_IN, INVITATION, PROVIDER, ANSWER) else {}
                headers = MutableHeaders(scope=message)
                for name in [name for name in headers if name.startswith("access-control-")]:
                    del headers[name]
                headers.update({**self._headers, **policy_here})
                if scope["path"].startswith(OWN):
                    headers["cache-control"] = WEEK if scope["path"].endswith(".woff2") else REVALIDATE
            await send(message)

        try:
            await self._app(scope, receive, send_with_headers)
        except Exception:
            if scope["type"] != "http" or begun:
                raise
            log.exception("request failed", path=scope["path"])
            await PlainTextResponse("", 500)(scope, receive, send_with_headers)
