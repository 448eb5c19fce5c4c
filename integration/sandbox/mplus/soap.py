"""SOAP 1.1 as the till speaks it: envelopes out, the body element in, faults."""

from typing import Final

from lxml import etree

from integration.sandbox.faults import Answer
from integration.sandbox.mplus.contract import RefusedError
from integration.sandbox.mplus.fields import NAMESPACE, Fields, element, written

CONTENT_TYPE: Final = "text/xml; charset=utf-8"
CLIENT: Final = "SOAP-ENV:Client"
SERVER: Final = "SOAP-ENV:Server"
AUTHENTICATION: Final = "SOAP-ENV:Client.Authentication"

_ENVELOPE: Final = "http://schemas.xmlsoap.org/soap/envelope/"
_OPEN: Final = (
    f'<?xml version="1.0" encoding="UTF-8"?>\n<SOAP-ENV:Envelope xmlns:SOAP-ENV="{_ENVELOPE}" '
    f'xmlns:ns="{NAMESPACE}"><SOAP-ENV:Body>'
).encode()
_CLOSE: Final = b"</SOAP-ENV:Body></SOAP-ENV:Envelope>\n"


def body_of(message: bytes) -> etree._Element:
    """The element inside the body of a request."""
    root = _root(message)
    if root.tag != f"{{{_ENVELOPE}}}Envelope":
        raise RefusedError("The request is not a SOAP 1.1 envelope")
    body = root.find(f"{{{_ENVELOPE}}}Body")
    if body is None or len(body) != 1:
        raise RefusedError("The envelope does not hold exactly one body element")
    return body[0]


def answer(name: str, fields: Fields) -> Answer:
    """The answer with that root element."""
    return Answer(200, _OPEN + element(name, fields) + _CLOSE, CONTENT_TYPE)


def fault(code: str, text: str) -> Answer:
    """A fault; its own fields are in no namespace."""
    plain = (
        written(Fields([("faultcode", code), ("faultstring", text)])).replace(b"<ns:", b"<").replace(b"</ns:", b"</")
    )
    return Answer(500, _OPEN + b"<SOAP-ENV:Fault>" + plain + b"</SOAP-ENV:Fault>" + _CLOSE, CONTENT_TYPE)


def _root(message: bytes) -> etree._Element:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, remove_comments=True, remove_pis=True)
    try:
        root = etree.fromstring(message, parser)
    except etree.XMLSyntaxError as error:
        raise RefusedError(f"The request is not well-formed XML: {error.msg}") from None
    if root.getroottree().docinfo.doctype:  # type: ignore[union-attr]  # the stubs are one type short
        raise RefusedError("A document type is not allowed in a request")
    return root
