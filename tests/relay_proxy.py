"""A proxy for a sandbox system that answers some calls itself, with refusals of any text."""

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from html import escape
from http.server import BaseHTTPRequestHandler
from itertools import count
from urllib.parse import urlsplit

from integration.connectors.mplus.client import NAMESPACE, SOAP, interface_contract
from tests.recording_server import listening
from tests.timeouts import SECONDS

MANNERS = ("refusal", "failure", "text", "page")


class RelayProxy:
    """Address and planned answers of the proxy. Without planned answers it relays every call."""

    def __init__(self, url: str, port: int) -> None:
        self.target = url
        self.url = urlsplit(url)._replace(netloc=f"127.0.0.1:{port}").geturl()
        self.says: list[str] = []  # texts, used in turn
        self._call_numbers = count()
        self.manner = MANNERS[0]
        self.to = ""  # only calls that contain this text, such as the name of an operation

    def answer(self, path: str, body: bytes) -> tuple[int, str, bytes] | None:
        """Return its own answer to a call, or None to relay it."""
        if not self.says or self.to not in path + body.decode("utf-8", "replace"):
            return None
        text = self.says[next(self._call_numbers) % len(self.says)]
        if self.manner == "text":
            return 500, "text/plain; charset=utf-8", text.encode()
        if self.manner == "page":
            return 500, "text/html; charset=utf-8", f"<html><body>{text}</body></html>".encode()
        status = 400 if self.manner == "refusal" else 500
        if path.endswith("/token"):
            return status, "application/json", json.dumps({"error": "x", "error_description": text}).encode()
        if "accountview" in path or "companies" in path:
            refusal = {"ErrorType": "AccountViewError", "ErrorMessage": text}
            return status, "application/json", json.dumps(refusal).encode()
        return 200, "text/xml; charset=utf-8", self._soap(body, escape(text))

    def _soap(self, body: bytes, text: str) -> bytes:
        if b"createProduct" in body and self.manner == "refusal":
            name = interface_contract().answer_name("createProduct").rpartition("}")[2]
            inside = (
                f'<ns:{name} xmlns:ns="{NAMESPACE}"><ns:result>CREATE-PRODUCT-RESULT-{text}</ns:result>'
                f"<ns:errorMessage>{text}</ns:errorMessage></ns:{name}>"
            )
        else:
            code = "Client" if self.manner == "refusal" else "Server"
            inside = f"<s:Fault><faultcode>s:{code}</faultcode><faultstring>{text}</faultstring></s:Fault>"
        return f'<s:Envelope xmlns:s="{SOAP}"><s:Body>{inside}</s:Body></s:Envelope>'.encode()


@contextmanager
def relay_proxy(url: str) -> Iterator[RelayProxy]:
    """Run a proxy for a system during the block."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def relay(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            answer = proxy.answer(self.path, body)
            if answer is None:
                answer = _relay_request(proxy.target, self, body)
            status, kind, content = answer
            self.send_response(status)
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PUT = relay  # noqa: N815 - names that the library looks for

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    with listening(Handler) as port:
        proxy = RelayProxy(url, port)
        yield proxy


def _relay_request(target: str, handler: BaseHTTPRequestHandler, body: bytes) -> tuple[int, str, bytes]:
    place = urlsplit(target)
    names = ("authorization", "content-type", "soapaction", "x-company", "accept")
    headers = {name: handler.headers[name] for name in names if name in handler.headers}
    request = urllib.request.Request(  # noqa: S310 - loopback
        f"{place.scheme}://{place.netloc}{handler.path}", data=body or None, headers=headers, method=handler.command
    )
    try:
        with urllib.request.urlopen(request, timeout=SECONDS) as answer:  # noqa: S310 - loopback
            return answer.status, answer.headers["content-type"] or "", answer.read()
    except urllib.error.HTTPError as refusal:
        return refusal.code, refusal.headers["content-type"] or "", refusal.read()
