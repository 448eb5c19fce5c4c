"""Our description of the till: it loads without network, and holds nothing that the vendor's does not."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from integration.sandbox.mplus.contract import WSDL, Contract
from tests.sandbox.soap_client import REFERENCE

XSD = "{http://www.w3.org/2001/XMLSchema}"
SOAP = "{http://schemas.xmlsoap.org/wsdl/soap/}"

needs_reference = pytest.mark.skipif(not REFERENCE.exists(), reason="the vendor's description is not here")


@pytest.fixture(scope="module")
def ours() -> Contract:
    return Contract()


@pytest.fixture(scope="module")
def theirs() -> Contract:
    return Contract(REFERENCE)


def test_it_has_no_byte_order_mark_and_points_nowhere() -> None:
    raw = WSDL.read_bytes()
    tree = etree.fromstring(raw)
    addresses = [element.get("location") for element in tree.iter(f"{SOAP}address")]
    assert raw.startswith(b"<?xml")
    assert addresses == ["http://127.0.0.1/"]
    assert not list(tree.iter(f"{XSD}import"))


def test_every_type_in_it_is_used() -> None:
    tree = etree.parse(WSDL)
    defined = {element.get("name") for tag in ("complexType", "simpleType") for element in tree.iter(f"{XSD}{tag}")}
    elements = [*tree.iter(f"{XSD}element"), *tree.iter(f"{XSD}extension")]
    used = {_local(element.get("type") or element.get("base") or "") for element in elements}
    assert defined - {None} <= used


def test_it_reads_as_text(ours: Contract) -> None:
    lines = ours.wsdl.decode("ascii").splitlines()
    assert max(len(line) for line in lines) <= 140


@needs_reference
def test_every_operation_is_the_vendors(ours: Contract, theirs: Contract) -> None:
    assert len(ours.operations) >= 45
    assert ours.operations.items() <= theirs.operations.items()


@needs_reference
def test_every_field_is_the_vendors_in_name_type_occurrence_and_order(ours: Contract, theirs: Contract) -> None:
    for name, fields in ours.types.items():
        official = theirs.types[name]
        assert list(fields.values()) == [official[field] for field in official if field in fields], name


@needs_reference
def test_every_field_that_the_vendor_requires_is_in_it(ours: Contract, theirs: Contract) -> None:
    for name, fields in ours.types.items():
        assert {field for field, known in theirs.types[name].items() if known.required} <= fields.keys(), name


@needs_reference
def test_every_enumeration_is_the_vendors(ours: Contract, theirs: Contract) -> None:
    assert ours.enums
    for name, values in ours.enums.items():
        assert values == theirs.enums[name], name


@needs_reference
def test_every_message_and_binding_is_the_vendors() -> None:
    assert set(_shapes(WSDL)) <= set(_shapes(REFERENCE))


def _shapes(path: Path) -> Iterator[tuple[Any, ...]]:
    """What a client needs besides the types: names, elements and the way of binding."""
    tree = etree.parse(path)
    wsdl = "{http://schemas.xmlsoap.org/wsdl/}"
    for part in tree.iter(f"{wsdl}part"):
        parent = part.getparent()
        yield (
            "message",
            parent.get("name") if parent is not None else "",
            part.get("name"),
            _local(part.get("element", "")),
        )
    for tag in ("portType", "binding", "service", "port"):
        for element in tree.iter(f"{wsdl}{tag}"):
            yield (tag, element.get("name"), _local(element.get("type") or element.get("binding") or ""))
    for body in tree.iter(f"{SOAP}body", f"{SOAP}operation", f"{SOAP}binding"):
        yield (_local(str(body.tag)), *sorted(body.items()))


def _local(name: str) -> str:
    return name.rpartition(":")[2]
