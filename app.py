"""The console. Imported, it is the server with the engine in its life span; run for a browser, it is the frame."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import streamlit as st

if __name__ != "__main__":
    from starlette.background import BackgroundTask
    from starlette.requests import Request
    from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, Response
    from starlette.routing import Route
    from streamlit.runtime.pages_manager import PagesManager

    from integration import bootstrap
    from integration.core.errors import IntegrationError
    from integration.core.foreign import visible
    from integration.services.health import told
    from integration.words import say

    HEALTH_SECONDS = 10.0  # a monitor waits no longer for an answer
    STOPPED = 5  # as the terminal ends where a setting or a connection stops it

    os.umask(bootstrap.OTHERS)  # what the server keeps is its owner's alone

    # An address such as /runs opened first on a fresh server would run that page without this frame.
    PagesManager.uses_pages_directory = False

    @asynccontextmanager
    async def lifespan(_app: st.App) -> AsyncIterator[dict[str, Any] | None]:
        """Start the engine with the server, whether anybody opens a page or not."""
        try:
            application = await asyncio.to_thread(bootstrap.application)
        except IntegrationError as error:
            sentences = say(error.code, error.facts)
            sys.stderr.writelines(f"{visible(said)}\n" for said in (sentences.what, sentences.data, sentences.do))
            sys.stderr.flush()
            os._exit(STOPPED)  # nothing runs yet; the server would bury the sentences under a trace
        if st.get_option("server.address") in (None, "", "0.0.0.0", "127.0.0.1", "localhost"):  # noqa: S104 - asked, not bound
            application.log_access.announce(f"http://127.0.0.1:{st.get_option('server.port')}")
        try:
            yield None
        finally:
            await asyncio.to_thread(bootstrap.shut_down)

    async def healthz(_request: Request) -> Response:
        """Answer whether the console itself works: its engine beats, its database answers, its disk has room."""
        try:
            looking = asyncio.to_thread(lambda: bootstrap.application().health.look())  # noqa: PLW0108 - the first call starts it
            health = await asyncio.wait_for(looking, HEALTH_SECONDS)
        except IntegrationError as error:
            return JSONResponse({"status": "unwell", "causes": [error.code]}, status_code=503)
        except TimeoutError:
            return JSONResponse({"status": "unwell", "causes": ["database_locked"]}, status_code=503)
        return JSONResponse(told(health), status_code=503 if health.troubles else 200)

    async def metrics(_request: Request) -> Response:
        """Answer the numbers a monitor watches, as Prometheus reads them."""
        try:
            numbers = await asyncio.to_thread(lambda: bootstrap.application().flows.metrics())  # noqa: PLW0108 - the first call starts it
        except IntegrationError as error:
            return PlainTextResponse(f"# {error.code}\n", status_code=503)
        return PlainTextResponse(numbers, media_type="text/plain; version=0.0.4")

    async def api_log(request: Request) -> Response:
        """Answer the terminal's question to the log, which this process owns; only with the token of this start."""
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        body = await request.body()
        status, answer = await asyncio.to_thread(lambda: bootstrap.application().log_access.answer(body, token))
        return Response(answer, status_code=status, media_type="application/json")

    async def api_export(request: Request) -> Response:
        """Answer with the whole log as a file, for whoever has a ticket of the page that offers it."""
        name, ticket = request.path_params["name"], request.query_params.get("ticket", "")
        try:
            file = await asyncio.to_thread(lambda: bootstrap.application().log_access.exported(name, ticket))
        except IntegrationError as error:
            return PlainTextResponse(say(error.code, error.facts).what, status_code=503)
        if file is None:
            return PlainTextResponse("", status_code=403)
        return FileResponse(file, filename=name, background=BackgroundTask(file.unlink))

    app = st.App(
        __file__,
        lifespan=lifespan,
        routes=[
            Route("/healthz", healthz),
            Route("/metrics", metrics),
            Route("/api/log", api_log, methods=["POST"]),
            Route("/api/log/{name}", api_export),
        ],
    )
else:
    st.set_page_config(page_title="Integration", page_icon="static/icon.svg", layout="wide", initial_sidebar_state=236)
    st.html(Path("static/console.css"))

    from pages.components.shared.application import failed, navigation

    try:
        navigation().run()
    except Exception as error:  # noqa: BLE001 - a bug of a page: kept with its trace under a number, and said in words
        failed(error)
