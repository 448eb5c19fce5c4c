"""HTTP connections to one system, kept open between calls, with TLS, certificates and a proxy.

httpx parses addresses, certificates and proxies. Calls go directly to its core, httpcore: what httpx adds to each call
(redirects, cookies, authentication, request and response models) takes as long as the call itself and is not used.
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
from integration.connectors.write_guard import guarded_body

IDLE_SECONDS = 2.0  # shorter than servers keep idle connections, so that no write meets one that is being closed
FORM = b"application/x-www-form-urlencoded"
WITH_BODY = ("POST", "PUT", "PATCH")  # methods that send a Content-Length of 0 without a body (RFC 9110, 8.6)

_ALWAYS = (
    (b"Accept", b"*/*"),
    (b"Accept-Encoding", ENCODINGS.encode()),
    (b"Connection", b"keep-alive"),
    (b"User-Agent", f"python-httpx/{httpx.__version__}".encode()),
)

# Errors of the libraries for a call that brought no complete answer.
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
class HttpCall:
    """One call to make. `repeatable` is True for reads."""

    method: str
    url: str
    operation: str
    repeatable: bool
    params: Mapping[str, str] | None = None
    headers: Mapping[str, str] | None = None
    content: bytes | None = None
    data: Mapping[str, str] | None = None

    def __repr__(self) -> str:
        """Return the method and operation only: addresses, headers and bodies contain secrets."""
        return f"Call({self.method} {self.operation})"


class ConnectionPool(Protocol):
    """Sends requests to a system and returns its answers; safe to share between threads."""

    def handle_request(self, request: httpcore.Request) -> httpcore.Response:
        """Return the answer, its body still unread. Raises one of `LIBRARY_ERRORS`."""

    def close(self) -> None:
        """Close all connections."""


def open_pool(limits: RateLimits, route: NetworkRoute) -> ConnectionPool:
    """Return a pool that keeps idle connections open, with at most `limits.in_flight` connections."""
    trusted = _certificates(route.certificates)
    if not route.proxy:
        return httpcore.ConnectionPool(
            ssl_context=trusted,
            max_connections=limits.in_flight,
            max_keepalive_connections=limits.in_flight,
            keepalive_expiry=IDLE_SECONDS,
            network_backend=Backend(),
        )
    proxy = httpx.Proxy(route.proxy)  # separates user and password from the address
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
    """Return the TLS context, cached because it is the same for every system and takes 75 ms to load.

    `more` is a file of certificate authorities to trust beside the default ones.
    """
    trusted = httpx.create_ssl_context(trust_env=False)
    if more is not None:
        trusted.load_verify_locations(cafile=more)
    return trusted


@dataclass(frozen=True, slots=True)
class _Address:
    """A parsed address for httpcore, and the value of the Host header."""

    url: httpcore.URL
    host: bytes

    def asking(self, params: Mapping[str, str]) -> httpcore.URL:
        """Return the address with a query, encoded in one step because it may have a hundred conditions."""
        target = self.url.target.partition(b"?")[0] + b"?" + urlencode(params).encode("ascii")
        return httpcore.URL(scheme=self.url.scheme, host=self.url.host, port=self.url.port, target=target)


@lru_cache(maxsize=64)
def _address(url: str) -> _Address:
    """Return the parsed address, cached because a system has few addresses and each is called thousands of times."""
    parsed = httpx.URL(url)
    core = httpcore.URL(scheme=parsed.raw_scheme, host=parsed.raw_host, port=parsed.port, target=parsed.raw_path)
    return _Address(core, parsed.netloc)


def request_of(call: HttpCall, limits: RateLimits) -> httpcore.Request:
    """Return the request for a call. The body of a write calls the write guard right before it is sent.

    Raises httpx.InvalidURL for an invalid address and UnicodeError for a header with characters that are not allowed.
    """
    address = _address(call.url)
    call_headers = [(name.encode("ascii"), value.encode("ascii")) for name, value in (call.headers or {}).items()]
    header_names = {name.lower() for name, _ in call_headers}
    headers = [
        (b"Host", address.host),
        *(header for header in _ALWAYS if header[0].lower() not in header_names),
        *call_headers,
    ]
    body = call.content
    if call.data is not None:
        body = urlencode(call.data).encode("ascii")
        headers.append((b"Content-Type", FORM))
    if body or call.method in WITH_BODY:
        headers.append((b"Content-Length", b"%d" % len(body or b"")))
    content: bytes | Iterable[bytes] = (body or b"") if call.repeatable else guarded_body(body or b"")
    return httpcore.Request(
        call.method.encode("ascii"),
        address.asking(call.params) if call.params else address.url,
        headers=headers,
        content=content,
        extensions={"timeout": _timeouts(limits)},
    )


@lru_cache(maxsize=16)
def _timeouts(limits: RateLimits) -> dict[str, float]:
    """Return the timeouts of a call for httpcore; the dict is cached and must not be changed."""
    return {
        "connect": limits.connect_seconds,
        "read": limits.read_seconds,
        "write": limits.read_seconds,
        "pool": limits.connect_seconds,
    }


def header_values(response: httpcore.Response) -> dict[str, str]:
    """Return the headers of an answer by lower-case name; values of a repeated header are joined with commas."""
    headers: dict[str, str] = {}
    for raw, value in response.headers:
        name, text = raw.decode("latin-1").lower(), value.decode("latin-1")
        headers[name] = f"{headers[name]}, {text}" if name in headers else text
    return headers
