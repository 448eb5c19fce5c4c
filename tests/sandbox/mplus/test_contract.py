"""Our description of the till: it loads without network, and holds nothing that the vendor's does not."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from lxml import etree
from zeep.exceptions import Fault as ZeepFault

from integration.sandbox.faults import Fault
from integration.sandbox.mplus.contract import WSDL, Contract
from integration.sandbox.server import Sandbox
from tests.sandbox.mplus.calls import WITH_BARCODE, create, new_group, order
from tests.sandbox.soap_client import REFERENCE, RawClient, prefix_tags, zeep_service

TRADES = True

XSD = "{http://www.w3.org/2001/XMLSchema}"
SOAP = "{http://schemas.xmlsoap.org/wsdl/soap/}"

needs_reference = pytest.mark.skipif(not REFERENCE.exists(), reason="the vendor's description is not here")


@pytest.fixture(scope="module")
def own_contract() -> Contract:
    return Contract()


@pytest.fixture(scope="module")
def reference_contract() -> Contract:
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
    used_types = {_local_name(element.get("type") or element.get("base") or "") for element in elements}
    assert defined - {None} <= used_types


def test_it_reads_as_text(own_contract: Contract) -> None:
    lines = own_contract.wsdl.decode("ascii").splitlines()
    assert max(len(line) for line in lines) <= 140


@needs_reference
def test_every_operation_is_the_vendors(own_contract: Contract, reference_contract: Contract) -> None:
    assert len(own_contract.operations) >= 45
    assert own_contract.operations.items() <= reference_contract.operations.items()


@needs_reference
def test_every_field_is_the_vendors_in_name_type_occurrence_and_order(
    own_contract: Contract, reference_contract: Contract
) -> None:
    for name, fields in own_contract.types.items():
        official = reference_contract.types[name]
        assert list(fields.values()) == [official[field] for field in official if field in fields], name


@needs_reference
def test_every_field_that_the_vendor_requires_is_in_it(own_contract: Contract, reference_contract: Contract) -> None:
    for name, fields in own_contract.types.items():
        assert {
            field for field, definition in reference_contract.types[name].items() if definition.required
        } <= fields.keys(), name


@needs_reference
def test_every_enumeration_is_the_vendors(own_contract: Contract, reference_contract: Contract) -> None:
    assert own_contract.enums
    for name, values in own_contract.enums.items():
        assert values == reference_contract.enums[name], name


@needs_reference
def test_every_message_and_binding_is_the_vendors() -> None:
    assert set(_shapes(WSDL)) <= set(_shapes(REFERENCE))


def _shapes(path: Path) -> Iterator[tuple[Any, ...]]:
    """Yield the parts of a service description other than types: names, elements and the binding."""
    tree = etree.parse(path)
    wsdl = "{http://schemas.xmlsoap.org/wsdl/}"
    for part in tree.iter(f"{wsdl}part"):
        parent = part.getparent()
        yield (
            "message",
            parent.get("name") if parent is not None else "",
            part.get("name"),
            _local_name(part.get("element", "")),
        )
    for tag in ("portType", "binding", "service", "port"):
        for element in tree.iter(f"{wsdl}{tag}"):
            yield (tag, element.get("name"), _local_name(element.get("type") or element.get("binding") or ""))
    for body in tree.iter(f"{SOAP}body", f"{SOAP}operation", f"{SOAP}binding"):
        yield (_local_name(str(body.tag)), *sorted(body.items()))


def _local_name(name: str) -> str:
    return name.rpartition(":")[2]


DESCRIPTIONS = ["served", pytest.param("reference", marks=needs_reference)]


@pytest.fixture(params=DESCRIPTIONS)
def zeep_till(request: pytest.FixtureRequest, sandbox: Sandbox) -> Any:
    wsdl = f"{sandbox.mplus_url}?wsdl" if request.param == "served" else str(REFERENCE)
    return zeep_service(sandbox.mplus_url, wsdl)


class TestAStockClient:
    def test_products_groups_and_stock(self, zeep_till: Any) -> None:
        group = zeep_till.newArticleGroup(request={"parentGroupNumber": 0, "name": "Bellen", "text": ""})
        article = {"articleNumber": 500001, "description": "Bel", "vatCode": 2, "priceExcl": 1000, "stockArticle": True}
        create_reply = zeep_till.createProduct(product={"description": "Bel", "articleList": {"article": [article]}})
        added = zeep_till.addProductsToArticleGroup(
            request={"groupNumber": group.groupNumber, "productNumbers": {"number": [create_reply.productNumber]}}
        )
        changed = {"articleNumber": 500001, "priceExcl": 2000}
        update_reply = zeep_till.updateProduct(
            product={"productNumber": create_reply.productNumber, "articleList": {"article": [changed]}}
        )
        read_reply = zeep_till.getProducts(request={"articleNumbers": [500001], "pluNumbers": {}})
        booked = zeep_till.setStock(
            request={"branchNumber": 1, "articleNumber": 500001, "amount": 25, "decimalPlaces": 1}
        )
        stock = zeep_till.getStock(request={"branchNumber": 1, "articleNumbers": {"articleNumbers": [500001]}})
        assert (create_reply.result, added, update_reply.result) == (
            "CREATE-PRODUCT-RESULT-OK",
            "ADD-PRODUCTS-TO-ARTICLE-GROUP-RESULT-OK",
            "UPDATE-PRODUCT-RESULT-OK",
        )
        assert [item.priceIncl for item in read_reply[0].articleList.article] == [2420]
        assert read_reply[0].groupNumbers == [group.groupNumber]
        assert booked.result == "SET-STOCK-RESULT-OK"
        assert (stock[0].amountFree, stock[0].decimalPlacesFree) == (25, 1)

    def test_orders_and_relations(self, zeep_till: Any) -> None:
        relation = zeep_till.createRelation(relation={"name": "Jan", "email": "jan@jan.example"})
        relation_reply = zeep_till.findRelationV2(
            request={"relation": {"email": "jan@jan.example"}, "exactMatch": True}
        )
        line = {"articleNumber": 9900005, "data": {"quantity": 2, "decimalPlaces": 0}}
        create_reply = zeep_till.createOrderV3(
            request={
                "idempotencyKey": "one",
                "order": {"orderId": "", "relationNumber": relation.relationNumber, "lineList": {"line": [line]}},
            }
        )
        orders = zeep_till.getOrders(
            request={"relationNumbers": [relation.relationNumber], "articlePluNumbers": {}, "articleBarcodes": {}}
        )
        assert relation_reply.relation.name == "Jan"
        assert create_reply.result == "CREATE-ORDER-RESULT-OK"
        assert [(item.totalInclAmount, item.relationName) for item in orders] == [(500, "Jan")]

    def test_a_fault_is_a_fault(self, sandbox: Sandbox, zeep_till: Any) -> None:
        with sandbox.switches.armed(Fault.EXPIRED), pytest.raises(ZeepFault, match="Invalid credentials"):
            zeep_till.getBranches()


@pytest.mark.long
@needs_reference
def test_every_answer_is_valid_by_the_vendors_description(sandbox: Sandbox, till: RawClient) -> None:
    vendor = Contract(REFERENCE)
    create(till, f"{WITH_BARCODE}<priceIncl>1210</priceIncl>")
    new_group(till, "Bellen")
    till.ask("setStock", "<branchNumber>1</branchNumber><articleNumber>500001</articleNumber><amount>5</amount>")
    order_id = till.call(prefix_tags(f"<createOrder>{order()}</createOrder>")).text("info/orderId")
    documents = {kind: sandbox.state(kind, "mplus")[0] for kind in ("receipts", "invoices")}
    ids = {
        "orderId": order_id,
        "receiptId": documents["receipts"]["receiptId"],
        "invoiceId": documents["invoices"]["invoiceId"],
    }
    operations = set()
    for operation in Contract().operations:
        reply = till.call(_minimal_request(operation, Contract(), ids))
        assert reply.status == 200, (operation, reply.raw)
        vendor.check(reply.body)
        operations.add(operation)
    assert len(operations) == len(Contract().operations)


_SAMPLE_VALUES = {"xsd:boolean": "true", "xsd:string": "x", "xsd:date": "2026-11-20", "xsd:base64Binary": "AAAA"}


def _minimal_request(operation: str, contract: Contract, ids: dict[str, str]) -> str:
    """The smallest valid request of an operation."""

    def fill(type_: str, name: str) -> str:
        if type_ in contract.types:
            return "".join(
                f"<{field.name}>{fill(field.type, field.name)}</{field.name}>"
                for field in contract.types[type_].values()
                if field.required or field.name in {"lineList", "line"}
            )
        if type_ in contract.enums:
            return contract.enums[type_][0]
        return ids.get(name) or _SAMPLE_VALUES.get(type_, "1")

    return prefix_tags(f"<{operation}>{fill(operation, '')}</{operation}>")
