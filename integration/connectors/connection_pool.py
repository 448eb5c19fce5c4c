"""The connections to one system: kept open between calls, with TLS, certificates and a proxy; the least of each call.

httpx knows addresses, certificates and proxies. A call goes straight to its core, httpcore: what httpx adds to each
(redirects, cookies, log-ins, a model of request and answer) takes as long as the call itself, and none of it is used.
"""

import ssl
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Protocol
from urllib.parse import urlencode

import httpcore
import httpx

from integration.connectors.answer import ENCODINGS
from integration.connectors.deadline import Backend
from integration.connectors.limits import NetworkRoute, RateLimits
from integration.connectors.write_guard import asked_before

IDLE_SECONDS = 2.0  # shorter than servers keep idle connections, so that no write meets one that is being closed
FORM = b"application/x-www-form-urlencoded"
WITH_BODY = ("POST", "PUT", "PATCH")  # which say that they have none (RFC 9110, 8.6)

_ALWAYS = (
    (b"Accept", b"*/*"),
    (b"Accept-Encoding", ENCODINGS.encode()),
    (b"Connection", b"keep-alive"),
    (b"User-Agent", f"python-httpx/{httpx.__version__}".encode()),
)

# What a call may end in that never became one of ours.
LIBRARY_ERRORS = (
    httpcore.TimeoutException,
    httpcore.NetworkError,
    httpcore.ProtocolError,
    httpcore.ProxyError,
    httpcore.UnsupportedProtocol,
    httpx.InvalidURL,
    UnicodeError,
)


@dataclass(frozen=True, slots=True)
class LineCall:
    """One call as it is asked for; a `repeatable` one is a read."""

    method: str
    url: str
    operation: str
    repeatable: bool
    params: Mapping[str, str] | None = None
    headers: Mapping[str, str] | None = None
    content: bytes | None = None
    data: Mapping[str, str] | None = None

    def __repr__(self) -> str:
        """Show what it is for: addresses, headers and bodies have secrets in them."""
        return f"Call({self.method} {self.operation})"


class ConnectionPool(Protocol):
    """What takes requests to a system and brings its answers; safe to share between threads."""

    def handle_request(self, request: httpcore.Request) -> httpcore.Response:
        """Return the answer, its body still to be read. Raises one of `LIBRARY_ERRORS`."""

    def close(self) -> None:
        """Close all connections."""


def kept_connections(limits: RateLimits, route: NetworkRoute) -> ConnectionPool:
    """Return connections that are kept open for a while, as many as calls may be under way."""
    trusted = _certificates(route.certificates)
    if not route.proxy:
        return httpcore.ConnectionPool(
            ssl_context=trusted,
            max_connections=limits.in_flight,
            max_keepalive_connections=limits.in_flight,
            keepalive_expiry=IDLE_SECONDS,
            network_backend=Backend(),
        )
    proxy = httpx.Proxy(route.proxy)  # takes user and password out of the address
    return httpcore.HTTPProxy(
        proxy_url=_address(str(proxy.url)).url,
        proxy_auth=proxy.raw_auth,
        ssl_context=trusted,
        proxy_ssl_context=trusted if proxy.url.scheme == "https" else None,
        max_connections=limits.in_flight,
        max_keepalive_connections=limits.in_flight,
        keepalive_expiry=IDLE_SECONDS,
        network_backend=Backend(),
    )


@cache
def _certificates(more: Path | None) -> ssl.SSLContext:
    """Return what tells a good certificate, read once: it is the same for every system, and takes 75 ms to read.

    `more` is a file of authorities beside those that everybody trusts.
    """
    trusted = httpx.create_ssl_context(trust_env=False)
    if more is not None:
        trusted.load_verify_locations(cafile=more)
    return trusted


@dataclass(frozen=True, slots=True)
class _Address:
    """An address as httpcore takes it, and the host as a request names it."""

    url: httpcore.URL
    host: bytes

    def asking(self, params: Mapping[str, str]) -> httpcore.URL:
        """Return the address with a question: put together once, as it may carry a hundred conditions."""
        target = self.url.target.partition(b"?")[0] + b"?" + urlencode(params).encode("ascii")
        return httpcore.URL(scheme=self.url.scheme, host=self.url.host, port=self.url.port, target=target)


@lru_cache(maxsize=64)
def _address(url: str) -> _Address:
    """Return an address ready for use: the few that a system has are each called thousands of times."""
    parsed = httpx.URL(url)
    core = httpcore.URL(scheme=parsed.raw_scheme, host=parsed.raw_host, port=parsed.port, target=parsed.raw_path)
    return _Address(core, parsed.netloc)


def request_of(call: LineCall, limits: RateLimits) -> httpcore.Request:
    """Return a call as it goes out; right before the body of a write it is asked whether it may.

    Raises httpx.InvalidURL for an address that is none, UnicodeError for a header that no header can hold.
    """
    address = _address(call.url)
    given = [(name.encode("ascii"), value.encode("ascii")) for name, value in (call.headers or {}).items()]
    named = {name.lower() for name, _ in given}
    headers = [(b"Host", address.host), *(one for one in _ALWAYS if one[0].lower() not in named), *given]
    body = call.content
    if call.data is not None:
        body = urlencode(call.data).encode("ascii")
        headers.append((b"Content-Type", FORM))
    if body or call.method in WITH_BODY:
        headers.append((b"Content-Length", b"%d" % len(body or b"")))
    content: bytes | Iterable[bytes] = (body or b"") if call.repeatable else asked_before(body or b"")
    return httpcore.Request(
        call.method.encode("ascii"),
        address.asking(call.params) if call.params else address.url,
        headers=headers,
        content=content,
        extensions={"timeout": _timeouts(limits)},
    )


@lru_cache(maxsize=16)
def _timeouts(limits: RateLimits) -> dict[str, float]:
    """Return how long each part of a call may take; nobody changes it."""
    return {
        "connect": limits.connect_seconds,
        "read": limits.read_seconds,
        "write": limits.read_seconds,
        "pool": limits.connect_seconds,
    }


def header_values(response: httpcore.Response) -> dict[str, str]:
    """Return the headers of an answer by their names in lower case; one that comes twice is one list."""
    found: dict[str, str] = {}
    for raw, value in response.headers:
        name, text = raw.decode("latin-1").lower(), value.decode("latin-1")
        found[name] = f"{found[name]}, {text}" if name in found else text
    return found
