"""Answers of the server other than pages: health for monitors, and the log for programs and for its page."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from integration.alerts.health import health_report as told_health
from integration.application import bootstrap
from integration.core.errors import IntegrationError, LoggedOutError, NotAllowedError
from integration.core.people import OWNER
from integration.services.log.log_access import LogAccess
from integration.web.guard import LOG_API_PATH, cause_response
from integration.web.login_gate import ENTRANCES

HEALTH_SECONDS = 10.0  # a monitor waits no longer for an answer
MAX_QUERY_BYTES = 64 * 1024  # bytes of a query of the log
ASKING_SECONDS = 10.0  # time limit for a query to arrive
PIECE = 256 * 1024  # bytes of a file sent at once
TAKING_SECONDS = 60.0  # time limit for a client to receive one piece
UNSTORED = {"Cache-Control": "no-store", "Connection": "close"}


async def healthz(_request: Request) -> Response:
    """Return the health of the console: engine, database and disk space. Status 503 if there is a problem."""
    try:
        looking = asyncio.to_thread(lambda: bootstrap.running_application().health.read())  # noqa: PLW0108 - the first call starts it
        health = await asyncio.wait_for(looking, HEALTH_SECONDS)
    except IntegrationError as error:
        return JSONResponse({"status": "unwell", "causes": [error.code]}, status_code=503)
    except TimeoutError:
        return JSONResponse({"status": "unwell", "causes": ["database_locked"]}, status_code=503)
    return JSONResponse(told_health(health), status_code=503 if health.problems else 200)


async def metrics(_request: Request) -> Response:
    """Return the metrics in the Prometheus text format."""
    try:
        numbers = await asyncio.to_thread(lambda: bootstrap.running_application().metrics.text())  # noqa: PLW0108 - the first call starts it
    except IntegrationError as error:
        return PlainTextResponse(f"# {error.code}\n", status_code=503)
    return PlainTextResponse(numbers, media_type="text/plain; version=0.0.4")


async def api_log(request: Request) -> Response:
    """Answer a query of the terminal to the log, which this process owns. Requires the token of this start.

    The token is checked before the body is read. Returns 403 without it, 413 if the query is too long, 408 if it
    arrives too slowly, 405 for another method; otherwise the status of `LogAccess.answer`.
    """
    if request.method != "POST":
        return cause_response(request.scope, "not_offered", {}, 405)
    token = request.headers.get("authorization", "").removeprefix("Bearer ")
    if not (await _log_access()).knows(token):
        return _error_response(403, "token")
    try:
        async with asyncio.timeout(ASKING_SECONDS):
            body = await _bounded_body(request)
    except TimeoutError:
        return _error_response(408, "time")
    except ClientDisconnect:
        return Response(status_code=400)
    if body is None:
        return _error_response(413, "size")
    application = await asyncio.to_thread(bootstrap.running_application)
    log_access = application.authorized_for(OWNER).log_access
    status, answer = await asyncio.to_thread(log_access.answer, body, token)
    return Response(answer, status, {"Cache-Control": "no-store"}, "application/json")


async def _log_access() -> LogAccess:
    return (await asyncio.to_thread(bootstrap.running_application)).log_access


def _error_response(status: int, why: str) -> Response:
    return Response(json.dumps({"error": why}), status, UNSTORED, "application/json")


async def _bounded_body(request: Request) -> bytes | None:
    """Return the request body, or None as soon as it is too large, for any Content-Length."""
    length_text = request.headers.get("content-length", "0")
    if not length_text.isdecimal() or int(length_text) > MAX_QUERY_BYTES:
        return None
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > MAX_QUERY_BYTES:
            return None
    return bytes(body)


async def api_export(request: Request) -> Response:
    """Return the complete log as a file, for a download token of the log page. A token is valid once."""
    if request.method != "GET":
        return cause_response(request.scope, "not_offered", {}, 405)
    name, download_token = request.path_params["name"], request.query_params.get("ticket", "")
    application = await asyncio.to_thread(bootstrap.running_application)
    actor = application.log_access.redeem(name, download_token)
    if actor is None:
        return cause_response(request.scope, "ticket_spent", {}, 403)
    try:
        file = await asyncio.to_thread(lambda: application.authorized_for(actor).log_access.exported(name))
    except (NotAllowedError, LoggedOutError) as error:
        return cause_response(request.scope, error.code, error.facts, 403)
    except IntegrationError as error:
        return cause_response(request.scope, error.code, error.facts, 503)
    return OneTimeFileResponse(file, name)


class OneTimeFileResponse(Response):
    """Response that sends a file and deletes it afterwards, even if sending fails."""

    media_type = "application/octet-stream"

    def __init__(self, path: Path, name: str) -> None:
        self._path = path
        super().__init__(headers={**UNSTORED, "Content-Disposition": f'attachment; filename="{name}"'})
        del self.headers["content-length"]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - as ASGI calls it
        """Send the file. Where the system allows it, the file is unlinked before its first byte is sent."""
        file = self._path.open("rb")
        try:
            with suppress(PermissionError):  # Windows cannot delete an open file
                self._path.unlink()
            self.headers["Content-Length"] = str(file.seek(0, 2))
            file.seek(0)
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            async for piece in _file_pieces(file):
                async with asyncio.timeout(TAKING_SECONDS):
                    await send({"type": "http.response.body", "body": piece, "more_body": True})
            await send({"type": "http.response.body", "body": b""})
        finally:
            file.close()
            self._path.unlink(missing_ok=True)


async def _file_pieces(file: BinaryIO) -> AsyncIterator[bytes]:
    while piece := await asyncio.to_thread(file.read, PIECE):
        yield piece


ROUTES: tuple[BaseRoute, ...] = (
    Route("/healthz", healthz),
    Route("/metrics", metrics),
    Route(LOG_API_PATH, api_log, methods=["GET", "POST"]),
    Route(f"{LOG_API_PATH}/{{name}}", api_export),
    *ENTRANCES,
)
