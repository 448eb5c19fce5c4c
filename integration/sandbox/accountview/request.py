"""One HTTP request, read completely up to a size limit."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl

from integration.sandbox.faults import Receive, Scope

PREFIX: Final = "/api/v3/"
BODY_LIMIT: Final = 32 * 1024 * 1024


@dataclass(frozen=True)
class Request:
    """One request. Its path, and the names of parameters and headers, are in lower case."""

    method: str
    path: str
    parameters: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    @property
    def endpoint(self) -> str:
        """Path after the version of the API."""
        return self.path.removeprefix(PREFIX).strip("/")

    @property
    def form(self) -> Mapping[str, str]:
        """Fields of a form in the body."""
        return dict(parse_qsl(self.body.decode("utf-8", "replace"), keep_blank_values=True))


async def received(scope: Scope, receive: Receive) -> Request | None:
    """Return the request with its body, or None if the body is too large."""
    body = bytearray()
    while True:
        message = await receive()
        body += message.get("body", b"")
        if len(body) > BODY_LIMIT:
            return None
        if not message.get("more_body"):
            break
    query = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
    return Request(
        method=scope["method"].upper(),
        path=scope["path"].lower(),
        parameters={name.lower(): value for name, value in query},
        headers={name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]},
        body=bytes(body),
    )
