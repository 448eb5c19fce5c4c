"""Log-in gate: redirects browsers without a session to the log-in page, and refuses their other requests.

The log-in form is our own. Its answer sets the key of a session as a cookie that scripts cannot read and that is not
sent from other sites. Rights are checked again at every action.
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
from integration.accounts.sign_on import BEGUN_SECONDS, LoginProxy
from integration.application import bootstrap
from integration.core.errors import IntegrationError, LoggedOutError, NotAllowedError, UnavailableError
from integration.core.people import Actor, Right
from integration.web.forms import LEFT, NO_STORE, invitation_page, log_in_page
from integration.web.guard import (
    ANSWER,
    FILES,
    INVITATION,
    LOG_API_PATH,
    LOG_IN,
    LOG_OUT,
    PROVIDER,
    Refusal,
    cause_response,
    refuse,
)

OPEN = (LOG_IN, INVITATION, PROVIDER, ANSWER, LOG_OUT, "/healthz", "/favicon.ico", "/_stcore/health")
BY_PROGRAMS = "/api"  # there are no pages below it
NUMBERS = "/metrics"  # a monitor reads it with a token, people with their session
OPEN_BELOW = ("/static/", "/app/static/")  # static files, the same for everybody
MAX_FORM_BYTES = 8 * 1024  # bytes of a form
SENDING_SECONDS = 10.0
BEGUN = "sluis-log-in"  # cookie from the redirect to a provider until its callback


class LoginGate:
    """Middleware that admits requests with a session, or all requests if no log-in is configured."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request or a socket on, or redirect it to the log-in page."""
        if scope["type"] not in ("http", "websocket") or _is_open(scope):
            await self._app(scope, receive, send)
            return
        application = await asyncio.to_thread(bootstrap.opened_application)
        login_proxy = application.login_proxy
        if scope["path"] == NUMBERS and _is_monitor(scope, application.settings.metrics_token.get_secret_value()):
            await self._app(scope, receive, send)
        elif scope["path"].startswith(f"{FILES}/") and not await _may_send(scope):
            await refuse(scope, receive, send, (403, "not_offered", {}))
        elif login_proxy is not None:
            await self._admit_by_proxy(login_proxy, scope, receive, send)
        elif await _has_session(scope):
            await self._app(scope, receive, send)
        elif _is_page(scope):
            to = f"{LOG_IN}?next={quote(_path_with_query(scope), safe='')}"
            await RedirectResponse(to, 303, NO_STORE)(scope, receive, send)
        else:
            refused: Refusal = 401, "logged_out", {}
            await refuse(scope, receive, send, refused)

    async def _admit_by_proxy(self, login_proxy: LoginProxy, scope: Scope, receive: Receive, send: Send) -> None:
        """Admit requests that a proxy has authenticated, each in a session of its person.

        Every request must carry the proxy's statement about the person.
        """
        people = await _people()
        try:
            identity = await asyncio.to_thread(login_proxy.identity, _proxy_statements(login_proxy, scope))
            if await _has_session(scope, identity):
                await self._app(scope, receive, send)
                return
            key = await asyncio.to_thread(people.enter, identity) if _is_page(scope) else ""
        except UnavailableError as error:
            await refuse(scope, receive, send, (503, error.code, error.facts))
        except (NotAllowedError, LoggedOutError) as error:
            await refuse(scope, receive, send, (401, error.code, error.facts))
        else:
            if key:
                await session_response(Request(scope), people, key, _path_with_query(scope))(scope, receive, send)
            else:
                await refuse(scope, receive, send, (401, "logged_out", {}))


def _proxy_statements(login_proxy: LoginProxy, scope: Scope) -> list[str]:
    """Return the proxy's statements about the person; none if they must arrive by a Unix socket and do not."""
    server = scope.get("server")
    by_socket = server is not None and server[1] is None and not scope.get("client")
    return Headers(scope=scope).getlist(login_proxy.header) if by_socket or not login_proxy.only_by_socket else []


def _is_page(scope: Scope) -> bool:
    """Return True if a browser opens a page, so that a redirect is possible.

    Old browsers send no Sec-Fetch-Mode, and neither does a monitor, which takes a log-in page for an answer.
    """
    if scope["path"].rstrip("/") in (LOG_API_PATH, BY_PROGRAMS):
        return False
    mode = Headers(scope=scope).get("sec-fetch-mode", "" if scope["path"] == NUMBERS else "navigate")
    return scope["type"] == "http" and mode == "navigate"


def _is_monitor(scope: Scope, token: str) -> bool:
    """Return True if the request has the metrics token of the settings; False if no token is set."""
    sent_token = Headers(scope=scope).get("authorization", "").removeprefix("Bearer ")
    return bool(token) and hmac.compare_digest(sent_token.encode(), token.encode())


def _path_with_query(scope: Scope) -> str:
    query = scope["query_string"].decode("latin-1")
    return f"{scope['path']}?{query}" if query else str(scope["path"])


def _is_open(scope: Scope) -> bool:
    """Return True if a request needs no session. Requests of programs have a token, which is checked later."""
    path = scope["path"]
    is_api_post = path == LOG_API_PATH and scope.get("method") == "POST"
    return is_api_post or path in OPEN or path.startswith(OPEN_BELOW)


async def _has_session(scope: Scope, identity: Identity | None = None) -> bool:
    """Return True if a browser has a valid session; with an identity, only a session of that person counts."""
    actor = await _actor(scope)
    if actor is None or identity is None:
        return actor is not None
    return await asyncio.to_thread((await _people()).is_of, actor, identity)


async def _may_send(scope: Scope) -> bool:
    """Return True if the client may upload a file. Checked before the body is read."""
    actor = await _actor(scope)
    return actor is not None and actor.may(Right.ADMINISTER)


async def _actor(scope: Scope) -> Actor | None:
    """Return the actor of the browser's session, or None if the session is not valid."""
    people = await _people()
    key = cookie_parser(Headers(scope=scope).get("cookie", "")).get(people.cookie, "")
    try:
        return await asyncio.to_thread(people.actor_of_session, key)
    except LoggedOutError:
        return None


async def _people() -> People:
    return (await asyncio.to_thread(bootstrap.opened_application)).people


# ---- the forms


async def log_in(request: Request) -> Response:
    """Show the log-in form, or process it: name and password that match start a session."""
    host = await _provider_host()
    if request.method != "POST":
        return log_in_page(request, _safe_path(request.query_params.get("next", "")), host=host)
    fields = await _form_fields(request) if host is None else None
    if fields is None:
        return cause_response(request.scope, "not_offered", {}, 400)
    target_page = _safe_path(fields.get("next", ""))
    people = await _people()
    try:
        key = await asyncio.to_thread(
            people.log_in, fields.get("name", ""), fields.get("password", ""), _client_address(request)
        )
    except IntegrationError as error:
        return log_in_page(request, target_page, error, 401)
    return session_response(request, people, key, target_page)


async def _provider_host() -> str | None:
    """Return the host of the log-in provider, an empty text for a proxy, or None for accounts of the console."""
    application = await asyncio.to_thread(bootstrap.opened_application)
    if application.provider is not None:
        return application.provider.host
    return "" if application.login_proxy is not None else None


async def accept(request: Request) -> Response:
    """Show an invitation, or accept it: with a chosen password, or with the identity from a proxy."""
    fields = {"key": request.query_params.get("key", "")} if request.method != "POST" else await _form_fields(request)
    if fields is None:
        return cause_response(request.scope, "not_offered", {}, 400)
    people, key, host = await _people(), fields.get("key", ""), await _provider_host()
    person = await asyncio.to_thread(people.invited, key)
    if person is None:
        return cause_response(request.scope, "invitation_spent", {}, 403)
    if request.method != "POST":
        return invitation_page(request, key, person.ref, host=host)
    if host:
        return cause_response(request.scope, "not_offered", {}, 405)
    try:
        if host is None:
            session = await asyncio.to_thread(people.accept, key, fields.get("password", ""), _client_address(request))
        else:
            session = await _accept_of_proxy(request, key)
    except IntegrationError as error:
        return invitation_page(request, key, person.ref, error, 422, host=host)
    return session_response(request, people, session, "/")


async def _accept_of_proxy(request: Request, key: str) -> str:
    application = await asyncio.to_thread(bootstrap.opened_application)
    login_proxy = application.login_proxy
    assert login_proxy is not None  # noqa: S101 - checked by the caller
    identity = await asyncio.to_thread(login_proxy.identity, _proxy_statements(login_proxy, request.scope))
    return await asyncio.to_thread(application.people.enter, identity, key)


async def to_provider(request: Request) -> Response:
    """Redirect a browser to the log-in provider, with a cookie that identifies the browser at the callback."""
    application = await asyncio.to_thread(bootstrap.opened_application)
    if application.provider is None:
        return cause_response(request.scope, "not_offered", {}, 404)
    target_page, invitation = (
        _safe_path(request.query_params.get("next", "")),
        request.query_params.get("invitation", ""),
    )
    back = f"{application.settings.address or str(request.base_url).rstrip('/')}{ANSWER}"
    try:
        address, browser = await asyncio.to_thread(application.provider.begin, back, target_page, invitation)
    except IntegrationError as error:
        return log_in_page(request, target_page, error, 503, host=application.provider.host)
    answer = RedirectResponse(address, 303, NO_STORE)
    return _with_cookie(answer, request, application.people, BEGUN, browser, seconds=BEGUN_SECONDS, path=ANSWER)


async def provider_callback(request: Request) -> Response:
    """Handle the provider's callback: start a session for an invited person with the provider's identity."""
    application = await asyncio.to_thread(bootstrap.opened_application)
    provider, people, parameters = application.provider, application.people, request.query_params
    if provider is None:
        return cause_response(request.scope, "not_offered", {}, 404)
    try:
        login_result = await asyncio.to_thread(
            provider.end, parameters.get("state", ""), request.cookies.get(BEGUN, ""), parameters.get("code", "")
        )
        key = await asyncio.to_thread(people.enter, login_result.identity, login_result.invitation)
    except IntegrationError as error:
        return log_in_page(request, "/", error, 401, host=provider.host)
    provider.store_token(key, login_result.token)
    return session_response(request, people, key, login_result.target_page)


async def end_session(request: Request) -> Response:
    """End the session of a browser, here and at its provider if that supports it. Other sites cannot trigger it."""
    application = await asyncio.to_thread(bootstrap.opened_application)
    provider, people = application.provider, application.people
    if request.headers.get("sec-fetch-site") != "same-origin":
        return RedirectResponse(LOG_IN, 303, NO_STORE)
    key, logout_url = request.cookies.get(people.cookie, ""), ""
    with suppress(LoggedOutError):
        actor = await asyncio.to_thread(people.actor_of_session, key)
        await asyncio.to_thread(people.leave, actor)
    if provider is not None:
        back = f"{application.settings.address or str(request.base_url).rstrip('/')}{LOG_IN}"
        logout_url = await asyncio.to_thread(provider.logout_url, key, back)
    answer = RedirectResponse(logout_url or f"{LOG_IN}?{LEFT}=1", 303, NO_STORE)
    return _with_cookie(answer, request, people, people.cookie, "", seconds=0)


def session_response(request: Request, people: People, key: str, target_page: str) -> Response:
    """Return the response that sets the session cookie and redirects. Every kind of log-in ends with it."""
    answer = RedirectResponse(_safe_path(target_page), 303, NO_STORE)
    return _with_cookie(answer, request, people, people.cookie, key, seconds=SESSION.total_seconds())


def _with_cookie(
    answer: Response, request: Request, people: People, name: str, value: str, *, seconds: float, path: str = "/"
) -> Response:
    """Return the answer with a cookie that scripts cannot read and that is not sent from other sites."""
    safe = people.cookie.startswith("__Host-") or request.url.scheme == "https"
    answer.set_cookie(name, value, max_age=int(seconds), path=path, secure=safe, httponly=True, samesite="lax")
    return answer


async def _form_fields(request: Request) -> Mapping[str, str] | None:
    """Return the fields of a form; None if it is too large, too slow, or not from a page of ours."""
    body = bytearray()
    if not request.headers.get("origin"):  # browsers send it with every form; the guard has compared it
        return None
    try:
        async with asyncio.timeout(SENDING_SECONDS):
            async for part in request.stream():
                body += part
                if len(body) > MAX_FORM_BYTES:
                    return None
    except TimeoutError:
        return None
    form_values = parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=10)
    return {name: values[-1] for name, values in form_values.items()}


def _client_address(request: Request) -> str:
    """Return the client address of a request, as a proxy of this machine reports it."""
    return request.client.host if request.client else ""


def _safe_path(path: str) -> str:
    """Return the path if it belongs to this console, and `/` otherwise."""
    parts = urlsplit(path)
    is_ours = path.startswith("/") and not parts.netloc and not parts.scheme and path.isprintable()
    return path if is_ours and not path.startswith(("//", "/\\")) and "\\" not in path else "/"


ENTRANCES: tuple[BaseRoute, ...] = (
    Route(LOG_IN, log_in, methods=["GET", "POST"]),
    Route(INVITATION, accept, methods=["GET", "POST"]),
    Route(PROVIDER, to_provider, methods=["GET"]),
    Route(ANSWER, provider_callback, methods=["GET"]),
    Route(LOG_OUT, end_session, methods=["GET"]),
)
