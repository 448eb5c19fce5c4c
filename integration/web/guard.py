"""Admits requests only from the console's own pages, and from programs of this machine that know its address.

A browser sends the requests of a foreign page with the rights of the person who uses it. Therefore every request and
every socket must name the console's own host, and its origin must be a page of the console.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from integration.accounts.people import INVITED_AT
from integration.core.connections import is_loopback
from integration.words import nearest, say

READING = ("GET", "HEAD")
LOG_API_PATH = "/api/log"  # the only path that accepts data from a program
LOG_IN, INVITATION = "/login", INVITED_AT  # the paths that accept our forms
PROVIDER, ANSWER = "/login/provider", "/login/answer"  # redirect to a log-in provider, and its callback
LOG_OUT = "/login/out"  # log-out from both
FILES = "/_stcore/upload_file"  # the only path that accepts a file, from our pages
SENDING_FILES = ("PUT", "DELETE")
CLOSED = (FILES, "/_stcore/agent")
"""Paths of Streamlit that stay closed: file uploads at other paths, and control by programs."""

Refusal = tuple[int, str, Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class RequestOrigin:
    """A request or socket, with the host that it names and the page that it comes from."""

    kind: str  # http or websocket
    method: str
    path: str
    hosts: tuple[str, ...]
    origins: tuple[str, ...]
    site: str  # relation of the requesting page to the console: Sec-Fetch-Site
    is_navigation: bool  # True if a page is opened in a tab, not inside another page
    at: tuple[str, int | None] | None  # address and port of this machine at which it arrived

    @classmethod
    def from_scope(cls, scope: Scope) -> "RequestOrigin":
        """Return the request of an ASGI scope."""
        headers = Headers(scope=scope)
        mode, kind = headers.get("sec-fetch-mode", ""), headers.get("sec-fetch-dest", "")
        return cls(
            scope["type"],
            scope.get("method", "GET"),
            scope["path"],
            tuple(headers.getlist("host")),
            tuple(headers.getlist("origin")),
            headers.get("sec-fetch-site", ""),
            (mode, kind) == ("navigate", "document"),
            scope.get("server"),
        )


@dataclass(frozen=True, slots=True)
class HostPolicy:
    """Addresses at which the console answers: those of this machine at its port, and its public address.

    Without authentication in front of the console, it answers only requests that arrive at a loopback address.
    """

    public: str = ""  # an origin, such as https://console.example.com
    is_guarded: bool = False
    _hosts: frozenset[str] = field(init=False, default=frozenset())

    def __post_init__(self) -> None:
        parts = urlsplit(self.public)
        usual = {"http": 80, "https": 443}.get(parts.scheme)
        with_port = parts.netloc if parts.port else f"{parts.netloc}:{usual}"  # a proxy may name the usual port too
        object.__setattr__(self, "_hosts", frozenset({parts.netloc, with_port} if self.public else ()))

    def refusal(self, request: RequestOrigin) -> Refusal | None:
        """Return the HTTP status, cause and facts of a refusal, or None if the request is admitted."""
        is_local = request.at is not None and is_loopback(request.at[0])
        if not (is_local or self.is_guarded):
            return 403, "listens_without_log_in", {"host": request.at[0] if request.at else ""}
        host = request.hosts[0].lower() if len(request.hosts) == 1 else ""
        own = host in self._own_hosts(request.at)
        if not (own or host in self._hosts):
            return 421, "address_unknown", {}
        if not self._is_own_page(request, {f"http://{host}", f"https://{host}"} if own else set()):
            return 403, "page_foreign", {}
        return self._unserved_refusal(request)

    def _own_hosts(self, at: tuple[str, int | None] | None) -> set[str]:
        """Return the names of this machine, each with the port at which the request arrived."""
        if at is None or at[1] is None:
            return set()
        local = f"[{at[0]}]" if ":" in at[0] else at[0]
        names = ["localhost", "127.0.0.1", "[::1]", *([local] if is_loopback(at[0]) else [])]
        return {f"{name}:{at[1]}" for name in names} | (set(names) if at[1] in (80, 443) else set())

    def _is_own_page(self, request: RequestOrigin, asked_at: set[str]) -> bool:
        """Return True if the request comes from a page of the console, which no other page embeds."""
        if len(request.origins) > 1 or (request.kind == "websocket" and not request.origins):
            return False
        if request.origins and request.origins[0] not in asked_at | ({self.public} if self.public else set()):
            return False
        linked = request.is_navigation and request.method == "GET"
        return request.site in ("", "none", "same-origin") or linked

    def _unserved_refusal(self, request: RequestOrigin) -> Refusal | None:
        if not request.path.startswith("/"):  # the URL of another server, as in a request to a proxy
            return 400, "address_unknown", {}
        if _is_file_of_a_page(request):
            return None
        if any(f"{folder}/" in f"{request.path}/" for folder in CLOSED):
            return 403, "not_offered", {}
        sends = request.path in (LOG_API_PATH, LOG_IN, INVITATION) and request.method == "POST"
        if request.kind == "http" and request.method not in READING and not sends:
            return 405, "not_offered", {}
        return None


def _is_file_of_a_page(request: RequestOrigin) -> bool:
    """Return True if a page of ours uploads or removes a file; a browser then sends an Origin header."""
    is_page_file = request.path.startswith(f"{FILES}/") and request.kind == "http"
    return is_page_file and request.method in SENDING_FILES and bool(request.origins)


class Guard:
    """Middleware that refuses requests against the policy before it reads their body."""

    def __init__(self, app: ASGIApp, policy: HostPolicy) -> None:
        self._app = app
        self._policy = policy

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request or a socket on, or answer with the reason of the refusal."""
        refusal = (
            self._policy.refusal(RequestOrigin.from_scope(scope)) if scope["type"] in ("http", "websocket") else None
        )
        if refusal is None:
            await self._app(scope, receive, send)
        else:
            await refuse(scope, receive, send, refusal)


async def refuse(scope: Scope, receive: Receive, send: Send, refusal: Refusal) -> None:
    """Answer a refused request, or a refused socket, with the reason."""
    if scope["type"] == "http" or "websocket.http.response" in scope.get("extensions", {}):
        status, code, facts = refusal
        await cause_response(scope, code, facts, status)(scope, receive, send)
    else:
        await send({"type": "websocket.close", "code": 1008})


def language_of(headers: Headers) -> str:
    """Return the supported language that the client prefers."""
    return nearest(headers.get("accept-language", "").partition(",")[0].partition(";")[0].strip())


def cause_response(scope: Scope, code: str, facts: Mapping[str, str], status: int, **headers: str) -> Response:
    """Return a response with the sentences of a cause in the client's language. The request body stays unread."""
    sentences = say(code, facts, language_of(Headers(scope=scope)))
    text = f"{sentences.problem}\n{sentences.data}\n{sentences.do}\n"
    return PlainTextResponse(text, status, {"Connection": "close", "Cache-Control": "no-store", **headers})
