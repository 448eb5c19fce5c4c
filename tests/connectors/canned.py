"""A system whose answers a test makes up, in place of connections to one."""

from collections.abc import Callable, Iterable

import httpcore
import httpx


class Canned:
    """Takes requests as connections do, and answers them as a function does."""

    def __init__(self, answering: Callable[[httpx.Request], httpx.Response]) -> None:
        self._respond = answering

    def handle_request(self, request: httpcore.Request) -> httpcore.Response:
        """Return the answer of the function, with its body compressed as given."""
        body = request.stream
        assert isinstance(body, Iterable)
        http_request = httpx.Request(
            request.method.decode(), bytes(request.url).decode(), headers=request.headers, content=b"".join(body)
        )
        answer = self._respond(http_request)
        stream = answer.stream
        assert isinstance(stream, Iterable)
        return httpcore.Response(answer.status_code, headers=answer.headers.raw, content=b"".join(stream))

    def close(self) -> None:
        """Close no connection, because none exists."""
