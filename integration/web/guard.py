"""Who may ask the console: its own pages, programs of this machine that know its address, and nobody's else's page.

A browser sends what another page asks for with the rights of whoever sits before it. So every request and every socket
has to name the console as its own pages do: by the host it is asked at, and by the page it is asked from.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from integration.accounts.people import INVITED_AT
from integration.core.connections import is_loopback
from integration.words import nearest, say

READING = ("GET", "HEAD")
ASKED_BY_PROGRAMS = "/api/log"  # the one place that takes something sent by a program
LOG_IN, INVITATION = "/login", INVITED_AT  # and those that take a form of ours
PROVIDER, ANSWER = "/login/provider", "/login/answer"  # on the way to a provider of log-ins, and back
LEAVE = "/login/out"  # and out of both
FILES = "/_stcore/upload_file"  # the one place that takes a file, of a page of ours
SENDING_FILES = ("PUT", "DELETE")
CLOSED = (FILES, "/_stcore/agent")
"""What Streamlit would offer beside: to take files anywhere else, and to be driven by programs."""

Refusal = tuple[int, str, Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class RequestAsked:
    """One request or socket, as it names whom it asks and where it comes from."""

    kind: str  # http or websocket
    method: str
    path: str
    hosts: tuple[str, ...]
    origins: tuple[str, ...]
    site: str  # how the page that asks stands to us, as its browser says: Sec-Fetch-Site
    is_navigation: bool  # a page is opened in a tab of its own, not inside another page
    at: tuple[str, int | None] | None  # where it arrived: an address of this machine, and a port

    @classmethod
    def of(cls, scope: Scope) -> "RequestAsked":
        """Return what a scope of ASGI asks."""
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
    """By which addresses the console may be asked: this machine's own at its port, and the one it is published at.

    Unless somebody asks for a log-in before it, only what arrives at this machine's own addresses is answered.
    """

    public: str = ""  # an origin, such as https://console.example.com
    is_guarded: bool = False
    _hosts: frozenset[str] = field(init=False, default=frozenset())

    def __post_init__(self) -> None:
        parts = urlsplit(self.public)
        usual = {"http": 80, "https": 443}.get(parts.scheme)
        named = parts.netloc if parts.port else f"{parts.netloc}:{usual}"  # a proxy may name the usual port too
        object.__setattr__(self, "_hosts", frozenset({parts.netloc, named} if self.public else ()))

    def refusal(self, asked: RequestAsked) -> Refusal | None:
        """Return why something is not answered, as a status of HTTP and a cause with its facts; None where it is."""
        here = asked.at is not None and is_loopback(asked.at[0])
        if not (here or self.is_guarded):
            return 403, "listens_without_log_in", {"host": asked.at[0] if asked.at else ""}
        host = asked.hosts[0].lower() if len(asked.hosts) == 1 else ""
        own = host in self._own(asked.at)
        if not (own or host in self._hosts):
            return 421, "address_unknown", {}
        if not self._is_ours(asked, {f"http://{host}", f"https://{host}"} if own else set()):
            return 403, "page_foreign", {}
        return self._unserved(asked)

    def _own(self, at: tuple[str, int | None] | None) -> set[str]:
        """Return how this machine is named at the port where something arrived."""
        if at is None or at[1] is None:
            return set()
        local = f"[{at[0]}]" if ":" in at[0] else at[0]
        names = ["localhost", "127.0.0.1", "[::1]", *([local] if is_loopback(at[0]) else [])]
        return {f"{name}:{at[1]}" for name in names} | (set(names) if at[1] in (80, 443) else set())

    def _is_ours(self, asked: RequestAsked, asked_at: set[str]) -> bool:
        """Whether the page that asks is the console's: no other page is its origin, or opens it inside itself."""
        if len(asked.origins) > 1 or (asked.kind == "websocket" and not asked.origins):
            return False
        if asked.origins and asked.origins[0] not in asked_at | ({self.public} if self.public else set()):
            return False
        linked = asked.is_navigation and asked.method == "GET"
        return asked.site in ("", "none", "same-origin") or linked

    def _unserved(self, asked: RequestAsked) -> Refusal | None:
        if not asked.path.startswith("/"):  # the address of another server, as a proxy is asked
            return 400, "address_unknown", {}
        if _is_file_of_a_page(asked):
            return None
        if any(f"{one}/" in f"{asked.path}/" for one in CLOSED):
            return 403, "not_offered", {}
        sends = asked.path in (ASKED_BY_PROGRAMS, LOG_IN, INVITATION) and asked.method == "POST"
        if asked.kind == "http" and asked.method not in READING and not sends:
            return 405, "not_offered", {}
        return None


def _is_file_of_a_page(asked: RequestAsked) -> bool:
    """Tell whether a page of ours sends a file, or takes it back: a browser names it then as the origin."""
    here = asked.path.startswith(f"{FILES}/") and asked.kind == "http"
    return here and asked.method in SENDING_FILES and bool(asked.origins)


class Guard:
    """Answers what the policy refuses, before anything of it is read."""

    def __init__(self, app: ASGIApp, policy: HostPolicy) -> None:
        self._app = app
        self._policy = policy

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request or a socket through, or answer why not."""
        refusal = self._policy.refusal(RequestAsked.of(scope)) if scope["type"] in ("http", "websocket") else None
        if refusal is None:
            await self._app(scope, receive, send)
        else:
            await turned_away(scope, receive, send, refusal)


async def turned_away(scope: Scope, receive: Receive, send: Send, refusal: Refusal) -> None:
    """Answer why a request, or a socket before it is one, is not let through."""
    if scope["type"] == "http" or "websocket.http.response" in scope.get("extensions", {}):
        status, code, facts = refusal
        await cause_response(scope, code, facts, status)(scope, receive, send)
    else:
        await send({"type": "websocket.close", "code": 1008})


def language_of(headers: Headers) -> str:
    """Return which of our languages whoever asks wants to read."""
    return nearest(headers.get("accept-language", "").partition(",")[0].partition(";")[0].strip())


def cause_response(scope: Scope, code: str, facts: Mapping[str, str], status: int, **headers: str) -> Response:
    """Return the sentences of a cause, in the language of whoever asks; what else is sent with it stays unread."""
    sentences: Any = say(code, facts, language_of(Headers(scope=scope)))
    text = f"{sentences.what}\n{sentences.data}\n{sentences.do}\n"
    return PlainTextResponse(text, status, {"Connection": "close", "Cache-Control": "no-store", **headers})
