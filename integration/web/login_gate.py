"""The entrance: who has no session is shown to the log-in, and gets nothing else of the console.

A log-in is a form of our own that a browser sends back here; its answer carries the key of a session as a cookie that
no script can read and no other site sends along. What may be done in a session is asked again at every action.
"""

import asyncio
import hmac
from collections.abc import Mapping
from contextlib import suppress
from urllib.parse import parse_qs, quote, urlsplit

from starlette.datastructures import Headers
from starlette.requests import Request, cookie_parser
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from integration.accounts.people import SESSION, Identity, People
from integration.accounts.sign_on import BEGUN_SECONDS, ProxyBefore
from integration.application import bootstrap
from integration.core.errors import IntegrationError, LoggedOutError, NotAllowedError, UnavailableError
from integration.core.people import Actor, Right
from integration.web.forms import LEFT, NO_STORE, invitation_page, log_in_page
from integration.web.guard import (
    ANSWER,
    ASKED_BY_PROGRAMS,
    FILES,
    INVITATION,
    LEAVE,
    LOG_IN,
    PROVIDER,
    Refusal,
    cause_response,
    turned_away,
)

OPEN = (LOG_IN, INVITATION, PROVIDER, ANSWER, LEAVE, "/healthz", "/favicon.ico", "/_stcore/health")
BY_PROGRAMS = "/api"  # below which there is no page
NUMBERS = "/metrics"  # which a monitor reads with a token of its own, and people as they read pages
OPEN_BELOW = ("/static/", "/app/static/")  # how pages look: the same for everybody
MOST_SENT = 8 * 1024  # bytes of a form
SENDING_SECONDS = 10.0
BEGUN = "sluis-log-in"  # what a browser keeps between going to a provider and coming back


class Entrance:
    """Lets in who has a session, or everybody where nobody logs in."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request or a socket through, or show it to the log-in."""
        if scope["type"] not in ("http", "websocket") or _is_open(scope):
            await self._app(scope, receive, send)
            return
        application = await asyncio.to_thread(bootstrap.running_application)
        in_front = application.proxy
        if scope["path"] == NUMBERS and _is_monitor(scope, application.settings.metrics_token.get_secret_value()):
            await self._app(scope, receive, send)
        elif scope["path"].startswith(f"{FILES}/") and not await _may_send(scope):
            await turned_away(scope, receive, send, (403, "not_offered", {}))
        elif in_front is not None:
            await self._by_proxy(in_front, scope, receive, send)
        elif await _is_in(scope):
            await self._app(scope, receive, send)
        elif _is_page(scope):
            to = f"{LOG_IN}?next={quote(_whole(scope), safe='')}"
            await RedirectResponse(to, 303, NO_STORE)(scope, receive, send)
        else:
            refused: Refusal = 401, "logged_out", {}
            await turned_away(scope, receive, send, refused)

    async def _by_proxy(self, in_front: ProxyBefore, scope: Scope, receive: Receive, send: Send) -> None:
        """Let through whom a proxy asks for, in a session of their own; each request has to say for whom."""
        people = await _people()
        try:
            identity = await asyncio.to_thread(in_front.identity, _said(in_front, scope))
            if await _is_in(scope, identity):
                await self._app(scope, receive, send)
                return
            key = await asyncio.to_thread(people.enter, identity) if _is_page(scope) else ""
        except UnavailableError as error:
            await turned_away(scope, receive, send, (503, error.code, error.facts))
        except (NotAllowedError, LoggedOutError) as error:
            await turned_away(scope, receive, send, (401, error.code, error.facts))
        else:
            if key:
                await entered(Request(scope), people, key, _whole(scope))(scope, receive, send)
            else:
                await turned_away(scope, receive, send, (401, "logged_out", {}))


def _said(in_front: ProxyBefore, scope: Scope) -> list[str]:
    """Return what a proxy says of whom it asks for; nothing where it would have to come by the socket and does not."""
    server = scope.get("server")
    by_socket = server is not None and server[1] is None and not scope.get("client")
    return Headers(scope=scope).getlist(in_front.header) if by_socket or not in_front.only_by_socket else []


def _is_page(scope: Scope) -> bool:
    """Tell whether a browser opens a page, which can be shown elsewhere."""
    if scope["path"].rstrip("/") in (ASKED_BY_PROGRAMS, BY_PROGRAMS):
        return False
    return scope["type"] == "http" and Headers(scope=scope).get("sec-fetch-mode", "navigate") == "navigate"


def _is_monitor(scope: Scope, token: str) -> bool:
    """Tell whether whoever asks has the token of the settings; where none is set, nobody has."""
    given = Headers(scope=scope).get("authorization", "").removeprefix("Bearer ")
    return bool(token) and hmac.compare_digest(given.encode(), token.encode())


def _whole(scope: Scope) -> str:
    query = scope["query_string"].decode("latin-1")
    return f"{scope['path']}?{query}" if query else str(scope["path"])


def _is_open(scope: Scope) -> bool:
    """Tell whether a request needs no session. What a program sends has a token of its own, looked at later."""
    path = scope["path"]
    sent = path == ASKED_BY_PROGRAMS and scope.get("method") == "POST"
    return sent or path in OPEN or path.startswith(OPEN_BELOW)


async def _is_in(scope: Scope, identity: Identity | None = None) -> bool:
    """Tell whether a browser has a session that holds: that of the person who has this identity, where one is named."""
    actor = await _actor(scope)
    if actor is None or identity is None:
        return actor is not None
    return await asyncio.to_thread((await _people()).is_of, actor, identity)


async def _may_send(scope: Scope) -> bool:
    """Tell whether whoever asks may bring a file in, before any of it is read."""
    actor = await _actor(scope)
    return actor is not None and actor.may(Right.ADMINISTER)


async def _actor(scope: Scope) -> Actor | None:
    """Return in whose session a browser asks, None in one that does not hold."""
    people = await _people()
    key = cookie_parser(Headers(scope=scope).get("cookie", "")).get(people.cookie, "")
    try:
        return await asyncio.to_thread(people.who, key)
    except LoggedOutError:
        return None


async def _people() -> People:
    return (await asyncio.to_thread(bootstrap.running_application)).people


# ---- the forms


async def log_in(request: Request) -> Response:
    """Show the form, or take what it sends: a session for name and password that belong together."""
    host = await _elsewhere()
    if request.method != "POST":
        return log_in_page(request, _inside(request.query_params.get("next", "")), host=host)
    given = await _given(request) if host is None else None
    if given is None:
        return cause_response(request.scope, "not_offered", {}, 400)
    onward = _inside(given.get("next", ""))
    people = await _people()
    try:
        key = await asyncio.to_thread(people.log_in, given.get("name", ""), given.get("password", ""), _from(request))
    except IntegrationError as error:
        return log_in_page(request, onward, error, 401)
    return entered(request, people, key, onward)


async def _elsewhere() -> str | None:
    """Return where people prove who they are, None where that is an account here."""
    application = await asyncio.to_thread(bootstrap.running_application)
    if application.provider is not None:
        return application.provider.host
    return "" if application.proxy is not None else None


async def accept(request: Request) -> Response:
    """Show who is invited, or take what makes them known: a password they chose, or who a proxy says they are."""
    given = {"key": request.query_params.get("key", "")} if request.method != "POST" else await _given(request)
    if given is None:
        return cause_response(request.scope, "not_offered", {}, 400)
    people, key, host = await _people(), given.get("key", ""), await _elsewhere()
    person = await asyncio.to_thread(people.invited, key)
    if person is None:
        return cause_response(request.scope, "invitation_spent", {}, 403)
    if request.method != "POST":
        return invitation_page(request, key, person.ref, host=host)
    if host:
        return cause_response(request.scope, "not_offered", {}, 405)
    try:
        if host is None:
            session = await asyncio.to_thread(people.accept, key, given.get("password", ""), _from(request))
        else:
            session = await _accept_of_proxy(request, key)
    except IntegrationError as error:
        return invitation_page(request, key, person.ref, error, 422, host=host)
    return entered(request, people, session, "/")


async def _accept_of_proxy(request: Request, key: str) -> str:
    application = await asyncio.to_thread(bootstrap.running_application)
    in_front = application.proxy
    assert in_front is not None  # noqa: S101 - as whoever calls it has looked
    identity = await asyncio.to_thread(in_front.identity, _said(in_front, request.scope))
    return await asyncio.to_thread(application.people.enter, identity, key)


async def to_provider(request: Request) -> Response:
    """Show a browser to the provider of log-ins, with a mark by which it is known when it comes back."""
    application = await asyncio.to_thread(bootstrap.running_application)
    if application.provider is None:
        return cause_response(request.scope, "not_offered", {}, 404)
    onward, invitation = _inside(request.query_params.get("next", "")), request.query_params.get("invitation", "")
    back = f"{application.settings.address or str(request.base_url).rstrip('/')}{ANSWER}"
    try:
        address, browser = await asyncio.to_thread(application.provider.begin, back, onward, invitation)
    except IntegrationError as error:
        return log_in_page(request, onward, error, 503, host=application.provider.host)
    answer = RedirectResponse(address, 303, NO_STORE)
    return _keeping(answer, request, application.people, BEGUN, browser, seconds=BEGUN_SECONDS, path=ANSWER)


async def provider_callback(request: Request) -> Response:
    """Take what a browser comes back with: a session for who the provider says it is, where they were invited."""
    application = await asyncio.to_thread(bootstrap.running_application)
    provider, people, asked = application.provider, application.people, request.query_params
    if provider is None:
        return cause_response(request.scope, "not_offered", {}, 404)
    try:
        came = await asyncio.to_thread(
            provider.end, asked.get("state", ""), request.cookies.get(BEGUN, ""), asked.get("code", "")
        )
        key = await asyncio.to_thread(people.enter, came.identity, came.invitation)
    except IntegrationError as error:
        return log_in_page(request, "/", error, 401, host=provider.host)
    provider.remember(key, came.token)
    return entered(request, people, key, came.onward)


async def left(request: Request) -> Response:
    """End the session of a browser, here and at its provider, as far as that says how; no other site's page does."""
    application = await asyncio.to_thread(bootstrap.running_application)
    provider, people = application.provider, application.people
    if request.headers.get("sec-fetch-site") != "same-origin":
        return RedirectResponse(LOG_IN, 303, NO_STORE)
    key, there = request.cookies.get(people.cookie, ""), ""
    with suppress(LoggedOutError):
        actor = await asyncio.to_thread(people.who, key)
        await asyncio.to_thread(people.leave, actor)
    if provider is not None:
        back = f"{application.settings.address or str(request.base_url).rstrip('/')}{LOG_IN}"
        there = await asyncio.to_thread(provider.way_out, key, back)
    answer = RedirectResponse(there or f"{LOG_IN}?{LEFT}=1", 303, NO_STORE)
    return _keeping(answer, request, people, people.cookie, "", seconds=0)


def entered(request: Request, people: People, key: str, onward: str) -> Response:
    """Return the answer that gives a browser the key of a session, and shows it on: what every way in ends with."""
    answer = RedirectResponse(_inside(onward), 303, NO_STORE)
    return _keeping(answer, request, people, people.cookie, key, seconds=SESSION.total_seconds())


def _keeping(
    answer: Response, request: Request, people: People, name: str, value: str, *, seconds: float, path: str = "/"
) -> Response:
    """Return an answer that has a browser keep something no script can read and no other site sends along."""
    safe = people.cookie.startswith("__Host-") or request.url.scheme == "https"
    answer.set_cookie(name, value, max_age=int(seconds), path=path, secure=safe, httponly=True, samesite="lax")
    return answer


async def _given(request: Request) -> Mapping[str, str] | None:
    """Return what a form sends, None where it is too much, too slow, or does not come from a page of ours."""
    body = bytearray()
    if not request.headers.get("origin"):  # a browser names it whenever it sends a form; the guard has compared it
        return None
    try:
        async with asyncio.timeout(SENDING_SECONDS):
            async for part in request.stream():
                body += part
                if len(body) > MOST_SENT:
                    return None
    except TimeoutError:
        return None
    found = parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=10)
    return {name: values[-1] for name, values in found.items()}


def _from(request: Request) -> str:
    """Return the address a request comes from, as a proxy of this machine tells it."""
    return request.client.host if request.client else ""


def _inside(path: str) -> str:
    """Return a path of this console, the first page for anything else."""
    parts = urlsplit(path)
    is_ours = path.startswith("/") and not parts.netloc and not parts.scheme and path.isprintable()
    return path if is_ours and not path.startswith(("//", "/\\")) and "\\" not in path else "/"


ENTRANCES: tuple[BaseRoute, ...] = (
    Route(LOG_IN, log_in, methods=["GET", "POST"]),
    Route(INVITATION, accept, methods=["GET", "POST"]),
    Route(PROVIDER, to_provider, methods=["GET"]),
    Route(ANSWER, provider_callback, methods=["GET"]),
    Route(LEAVE, left, methods=["GET"]),
)
