"""Requests equal those of a SOAP library for the same interface description, byte for byte."""

from datetime import UTC, datetime
from decimal import Decimal
from io import BytesIO
from typing import Any, cast

import pytest
import zeep
from lxml import etree
from zeep.transports import Transport
from zeep.xsd import Boolean, ComplexType, DateTime, Integer
from zeep.xsd import Decimal as XsdDecimal

from integration.connectors.mplus.client import BINDING, description, interface_contract

STUB = (
    b'<schema xmlns="http://www.w3.org/2001/XMLSchema" targetNamespace="http://schemas.xmlsoap.org/soap/encoding/">'
    b'<simpleType name="base64"><restriction base="base64Binary"/></simpleType></schema>'
)
DEEP = 4  # types that hold themselves are followed so far


class Shelf(Transport):
    """Answers the one schema that the description imports."""

    def load(self, url: str) -> bytes:  # noqa: ARG002
        return STUB


@pytest.fixture(scope="module")
def library() -> Any:
    """A SOAP library that has read our description."""
    return cast("Any", zeep).Client(BytesIO(description()), transport=cast("Any", Shelf)())


def library_request(library: Any, operation: str, content: dict[str, Any]) -> bytes:
    """Return the request as the library makes it."""
    service = library.create_service(BINDING, "http://127.0.0.1/")
    return etree.tostring(library.create_message(service, operation, **content), encoding="utf-8", xml_declaration=True)


def content_of(kind: Any, *, everything: bool, deep: int = 0) -> dict[str, Any]:
    """Return content for a type: all elements, with repeated ones twice, or only the required elements."""
    content = {}
    for name, element in kind.elements:
        if element.is_optional and (not everything or deep > DEEP):
            continue
        item = (
            content_of(element.type, everything=everything, deep=deep + 1)
            if isinstance(element.type, ComplexType)
            else value_of(element.type)
        )
        content[name] = [item, item] if element.accepts_multiple else item
    return dict(reversed(content.items()))  # the order is the interface's, not ours


def value_of(kind: Any) -> object:
    """Return a value that an element of a simple type can hold."""
    match kind:
        case Boolean():
            return False
        case Integer():
            return -12
        case XsdDecimal():
            return Decimal("12.50")
        case DateTime():
            return datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
        case _:
            return 'à <b> & "c"\n'


@pytest.mark.parametrize("everything", [True, False])
def test_every_request_is_what_a_soap_library_makes_of_the_description(library: Any, everything: bool) -> None:
    operations = library.wsdl.bindings[BINDING]._operations
    assert len(operations) > 40
    for name, operation in operations.items():
        content = content_of(operation.input.body.type, everything=everything)
        assert interface_contract().message(name, content) == library_request(library, name, content), name


@pytest.mark.parametrize(
    "text", ["", " ", "\t", "a\r\nb\r", "]]>", "<&>\"'", "été €", "\u2028\x85\xa0", "\U0001f600 \ufffd", "0012"]
)
def test_every_text_is_written_as_a_soap_library_writes_it(library: Any, text: str) -> None:
    content = {"product": {"description": text, "articleList": {"article": [{"articleNumber": "1", "active": True}]}}}
    assert interface_contract().message("createProduct", content) == library_request(library, "createProduct", content)


@pytest.mark.parametrize(
    "content",
    [
        {"request": {}},
        {"request": {"pluNumbers": {}, "pluNumber": {}}},
        {"request": {"pluNumbers": {}}, "more": ""},
        {},
    ],
)
def test_our_check_and_the_library_refuse_the_same_content(library: Any, content: dict[str, Any]) -> None:
    with pytest.raises((TypeError, zeep.exceptions.ValidationError)):
        library_request(library, "getProducts", content)
    with pytest.raises(TypeError, match="getProducts"):
        interface_contract().message("getProducts", content)


@pytest.mark.parametrize("sign", ["\x00", "\x07", "\x1f", "\ud800", "\ufffe", "\uffff"])
def test_nothing_that_no_xml_can_hold_is_sent(sign: str) -> None:
    content = {"product": {"description": f"bell {sign}", "articleList": {"article": []}}}
    with pytest.raises(ValueError, match="XML"):
        interface_contract().message("createProduct", content)
