"""A proxy that writes down every request on its way, and a bare loop that sends the same requests again."""

import re
import threading
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

KEPT_HEADERS = ("authorization", "content-type", "x-company", "accept", "soapaction")


@dataclass(frozen=True, slots=True)
class Sent:
    """One request as it was sent."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes

    @property
    def operation(self) -> str:
        """What is asked: the SOAP operation, or the path."""
        found = re.search(rb"Body>\s*<(?:\w+:)?(\w+)", self.body)
        return found[1].decode() if found else self.path.rpartition("/")[2]


@contextmanager
def recorded(target: str) -> Iterator[tuple[str, list[Sent]]]:
    """Stand before a system for the block; give the address to use instead, and what went through."""
    base = httpx.URL(target)
    origin = f"{base.scheme}://{base.netloc.decode()}"
    log: list[Sent] = []
    client = httpx.AsyncClient(trust_env=False, timeout=60)

    async def pass_on(request: Request) -> Response:
        body = await request.body()
        kept = {name: value for name, value in request.headers.items() if name in KEPT_HEADERS}
        log.append(Sent(request.method, request.url.path, request.url.query, kept, body))
        headers = {name: value for name, value in request.headers.items() if name != "host"}
        url = f"{origin}{request.url.path}?{request.url.query}"
        answer = await client.request(request.method, url, headers=headers, content=body)
        return Response(answer.content, answer.status_code, media_type=answer.headers.get("content-type"))

    @asynccontextmanager
    async def at_work(_: Starlette) -> AsyncIterator[None]:
        async with client:
            yield

    app = Starlette(routes=[Route("/{path:path}", pass_on, methods=["GET", "POST", "PUT"])], lifespan=at_work)
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="warning", lifespan="on"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}{base.path}", log
    finally:
        server.should_exit = True
        thread.join()


@dataclass(frozen=True, slots=True)
class Spent:
    """What something took: seconds by the clock, and seconds of a processor in this process."""

    seconds: float
    processor: float

    def __add__(self, other: "Spent") -> "Spent":
        return Spent(self.seconds + other.seconds, self.processor + other.processor)


def replay(target: str, sent: Sequence[Sent], *, in_flight: int, headers: dict[str, str]) -> Spent:
    """Send the same requests with the same number in flight, and nothing else; return what it took."""
    base = httpx.URL(target)
    origin = f"{base.scheme}://{base.netloc.decode()}"
    limits = httpx.Limits(max_connections=in_flight, max_keepalive_connections=in_flight)
    with httpx.Client(trust_env=False, timeout=60, limits=limits) as client:

        def send(one: Sent) -> None:
            url = f"{origin}{one.path}?{one.query}"
            answer = client.request(one.method, url, headers=one.headers | headers, content=one.body)
            if one.method != "GET" or answer.is_server_error:  # a question may be meant to be refused
                answer.raise_for_status()

        begun, worked = time.monotonic(), time.process_time()
        with ThreadPoolExecutor(in_flight) as pool:
            list(pool.map(send, sent))
        return Spent(time.monotonic() - begun, time.process_time() - worked)
