"""A minimal SOAP client of the till, and clients generated from a service description."""

import http.client
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
from lxml import etree
from zeep import Client, Transport

from tests.timeouts import SECONDS

REFERENCE = Path(__file__).parents[3] / "shared" / "reference" / "mplusqapi-subset.wsdl"
QUERY = "?ident=sandbox&secret=sandbox-secret"
NS = {"ns": "urn:mplusqapi", "soap": "http://schemas.xmlsoap.org/soap/envelope/"}


@dataclass(frozen=True)
class Reply:
    """The answer to one call."""

    status: int
    raw: bytes

    @property
    def root(self) -> Any:
        """The envelope."""
        return etree.fromstring(self.raw)

    @property
    def body(self) -> Any:
        """The element inside the body."""
        return self.root.find("soap:Body", NS)[0]

    @property
    def name(self) -> str:
        """The name of that element."""
        return str(etree.QName(self.body).localname)

    def text(self, path: str) -> str:
        """The first text under the path, each step in the namespace of the till."""
        return next(iter(self.texts(path)), "")

    def texts(self, path: str) -> list[str]:
        """Every text under the path."""
        steps = "/".join(f"ns:{step}" for step in path.split("/"))
        return [element.text or "" for element in self.body.iterfind(f".//{steps}", NS)]

    @property
    def fault(self) -> tuple[str, str]:
        """The code and the text of a fault."""
        return self.body.findtext("faultcode"), self.body.findtext("faultstring")


class RawClient:
    """Posts bodies as they are."""

    def __init__(self, url: str, query: str = QUERY) -> None:
        self._parts = urlsplit(url)
        self._query = query

    def post(self, message: str) -> Reply:
        """The reply to a whole message."""
        return self.request("POST", f"/{self._query}", message)

    def call(self, content: str) -> Reply:
        """Send a body in which the prefix `ns` stands for the till, and return the reply."""
        return self.post(wrap_in_envelope(content))

    def ask(self, operation: str, content: str = "") -> Reply:
        """Send an operation with content inside `request`, written without prefixes, and return the reply."""
        return self.call(prefix_tags(f"<{operation}><request>{content}</request></{operation}>"))

    def request(self, method: str, path: str, message: str = "") -> Reply:
        """The reply to any request."""
        line = http.client.HTTPConnection(self._parts.hostname or "", self._parts.port, timeout=SECONDS)
        try:
            headers = {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": "x"}
            line.request(method, path, message.encode() if message else None, headers)
            answer = line.getresponse()
            return Reply(answer.status, answer.read())
        finally:
            line.close()


def wrap_in_envelope(content: str) -> str:
    """The content of a body as a whole message."""
    return (
        f'<SOAP-ENV:Envelope xmlns:SOAP-ENV="{NS["soap"]}" xmlns:ns="{NS["ns"]}">'
        f"<SOAP-ENV:Header/><SOAP-ENV:Body>{content}</SOAP-ENV:Body></SOAP-ENV:Envelope>"
    )


def prefix_tags(content: str) -> str:
    """The content with the prefix `ns` on every tag."""
    return content.replace("</", "\0").replace("<", "<ns:").replace("\0", "</ns:")


def tags(**fields: object) -> str:
    """Fields as elements that need no prefix."""
    return "".join(f"<{name}>{value}</{name}>" for name, value in fields.items())


def zeep_service(url: str, wsdl: str) -> Any:
    """The till as a zeep client of that description sees it."""
    session = requests.Session()
    session.trust_env = False
    make: Any = Client
    transport: Any = Transport
    client = make(wsdl, transport=transport(session=session))
    return client.create_service("{urn:mplusqapi}MplusQapi", f"{url}{QUERY}")
