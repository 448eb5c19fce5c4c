"""A proxy that records every request, and a loop that sends the recorded requests again."""

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

RECORDED_HEADERS = ("authorization", "content-type", "x-company", "accept", "soapaction")


@dataclass(frozen=True, slots=True)
class RecordedRequest:
    """One recorded request."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes

    @property
    def operation(self) -> str:
        """The SOAP operation, or the last part of the path."""
        operation = re.search(rb"Body>\s*<(?:\w+:)?(\w+)", self.body)
        return operation[1].decode() if operation else self.path.rpartition("/")[2]


@contextmanager
def record_requests(target: str) -> Iterator[tuple[str, list[RecordedRequest]]]:
    """Run a proxy for a system during the block; yield its address and the list of recorded requests."""
    base = httpx.URL(target)
    origin = f"{base.scheme}://{base.netloc.decode()}"
    log: list[RecordedRequest] = []
    client = httpx.AsyncClient(trust_env=False, timeout=60)

    async def pass_on(request: Request) -> Response:
        body = await request.body()
        headers_to_record = {name: value for name, value in request.headers.items() if name in RECORDED_HEADERS}
        log.append(RecordedRequest(request.method, request.url.path, request.url.query, headers_to_record, body))
        headers = {name: value for name, value in request.headers.items() if name != "host"}
        url = f"{origin}{request.url.path}?{request.url.query}"
        answer = await client.request(request.method, url, headers=headers, content=body)
        return Response(answer.content, answer.status_code, media_type=answer.headers.get("content-type"))

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with client:
            yield

    app = Starlette(routes=[Route("/{path:path}", pass_on, methods=["GET", "POST", "PUT"])], lifespan=lifespan)
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
class Cost:
    """Elapsed seconds, and seconds of processor time of this process."""

    seconds: float
    processor: float

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(self.seconds + other.seconds, self.processor + other.processor)


def replay(target: str, requests: Sequence[RecordedRequest], *, in_flight: int, headers: dict[str, str]) -> Cost:
    """Send the recorded requests with the same number in flight; return their cost."""
    base = httpx.URL(target)
    origin = f"{base.scheme}://{base.netloc.decode()}"
    limits = httpx.Limits(max_connections=in_flight, max_keepalive_connections=in_flight)
    with httpx.Client(trust_env=False, timeout=60, limits=limits) as client:

        def send(request: RecordedRequest) -> None:
            url = f"{origin}{request.path}?{request.query}"
            answer = client.request(request.method, url, headers=request.headers | headers, content=request.body)
            if request.method != "GET" or answer.is_server_error:  # a refused read may be intended
                answer.raise_for_status()

        start, processor_start = time.monotonic(), time.process_time()
        with ThreadPoolExecutor(in_flight) as pool:
            list(pool.map(send, requests))
        return Cost(time.monotonic() - start, time.process_time() - processor_start)
