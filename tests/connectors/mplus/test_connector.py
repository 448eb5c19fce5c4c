"""The till as a target, against the till sandbox: the contract, and the requirements of this system."""

import traceback
from collections.abc import Iterator
from typing import Any

import pytest

from integration.connectors.mplus.connector import Mplus
from integration.core.errors import (
    AccessDeniedError,
    ConnectorError,
    InDoubtError,
    IntegrationError,
    RejectedError,
    UnavailableError,
)
from integration.core.records import Kind, Record, Unreadable
from integration.sandbox.faults import ErrorAnswer, Fault
from integration.sandbox.server import Sandbox, running
from tests.builders import a_create, a_part, a_product, a_relation, a_stock
from tests.connectors.contract import TargetContract
from tests.connectors.mplus.tills import SECRET, a_till, create, look
from tests.fakes import Links


class TestContract(TargetContract):
    """The contract of every target."""

    @pytest.fixture
    def sandbox(self) -> Iterator[Sandbox]:
        """Systems of its own for each test, since the contract wants an empty target."""
        with running(articles=50, trades=False) as sandbox:
            yield sandbox

    def test_the_same_token_does_not_write_twice(self, connector: Any, product: Record, links: Links) -> None:
        """Article numbers are the key here: a second attempt is refused with any token."""
        first = connector.write(a_create(product), None, links, "t1")
        with pytest.raises(RejectedError, match="article_number_taken"):
            connector.write(a_create(product), None, links, "t1")
        assert connector.lookup([product], links)[product.key].reference == first.reference


class TestContractWithGroupsInTheProduct(TestContract):
    """The same, on a till where memberships are written inside the product."""

    @pytest.fixture
    def connector(self, sandbox: Sandbox) -> Iterator[Mplus]:
        """A connection that writes memberships inside the product."""
        till = a_till(sandbox, membership="product", retire_with="discontinued", leading_price="excl")
        yield till
        till.close()


READ_FAULTS: dict[str, type[ConnectorError] | None] = {
    "cut_before": None, "cut_after": None, "too_many": None, "unavailable": None, "garbage": None, "half": None,
    "html": None, "fault": None, "expired": AccessDeniedError,
}  # fmt: skip


@pytest.mark.parametrize("fault", READ_FAULTS)
def test_a_read_that_fails_once_is_asked_again(
    sandbox: Sandbox, connector: Mplus, links: Links, fault: str, jacket: Record
) -> None:
    current = create(connector, jacket, links)
    kind = READ_FAULTS[fault]
    with sandbox.switches.armed(fault, operation="getProducts"):
        if kind is None:
            assert look(connector, jacket, links) == current
        else:
            with pytest.raises(kind):
                look(connector, jacket, links)


@pytest.mark.parametrize("fault", ["cut_before", "cut_after", "too_many", "unavailable", "half", "fault"])
def test_a_read_that_keeps_failing_says_the_till_is_unavailable(
    sandbox: Sandbox, connector: Mplus, links: Links, fault: str, jacket: Record
) -> None:
    with sandbox.switches.armed(fault, operation="getProducts", times=None), pytest.raises(UnavailableError):
        connector.lookup([jacket], links)


WRITE_FAULTS: dict[str, tuple[type[ConnectorError], bool]] = {
    "cut_before": (InDoubtError, False),
    "cut_after": (InDoubtError, True),
    "unavailable": (InDoubtError, False),
    "too_many": (InDoubtError, False),
    "garbage": (InDoubtError, True),
    "half": (InDoubtError, True),
    "html": (InDoubtError, False),
    "fault": (InDoubtError, False),
    "expired": (AccessDeniedError, False),
}


@pytest.mark.parametrize("fault", WRITE_FAULTS)
def test_a_write_is_sent_once_and_what_is_not_known_is_in_doubt(
    sandbox: Sandbox, connector: Mplus, links: Links, fault: str, jacket: Record
) -> None:
    kind, took_effect = WRITE_FAULTS[fault]
    with sandbox.switches.armed(fault, operation="createProduct", times=None), pytest.raises(kind) as caught:
        connector.write(a_create(jacket), None, links, "t")
    assert caught.value.facts["key"] == jacket.key
    assert len(sandbox.ledger.writes()) == 1
    assert (jacket.key in connector.lookup([jacket], links)) is took_effect


@pytest.mark.parametrize("answer", ErrorAnswer)
@pytest.mark.parametrize("fault", [Fault.ERROR_BEFORE, Fault.ERROR_AFTER])
def test_an_error_answer_to_a_write_leaves_its_outcome_unknown(
    sandbox: Sandbox, connector: Mplus, links: Links, jacket: Record, fault: Fault, answer: ErrorAnswer
) -> None:
    with sandbox.switches.armed(fault, operation="createProduct", answer=answer), pytest.raises(InDoubtError):
        connector.write(a_create(jacket), None, links, "t")
    (call,) = sandbox.ledger.writes()
    assert call.note == f"{fault} {answer}"
    assert (jacket.key in connector.lookup([jacket], links)) is call.accepted is fault.accepts


@pytest.mark.parametrize("fault", WRITE_FAULTS)
def test_no_error_tells_the_secret(
    sandbox: Sandbox, connector: Mplus, links: Links, fault: str, jacket: Record
) -> None:
    text = ""
    acts = (lambda: connector.lookup([jacket], links), lambda: connector.write(a_create(jacket), None, links, "t"))
    with sandbox.switches.armed(fault, times=None):
        for act in acts:
            try:
                act()
            except IntegrationError as error:
                text += "".join(traceback.format_exception(error)) + repr(error.facts)
    assert text
    assert SECRET not in text


# ---- what a list leaves out


def test_what_is_linked_and_missing_in_a_list_is_asked_for_alone(
    sandbox: Sandbox, connector: Mplus, links: Links, serial: int
) -> None:
    """Of each kind the first two records come alone, the third with others, and the fourth was deleted."""
    products = [a_product(f"{serial}{place}", (a_part(f"{serial}{place}", vat_code="1"),)) for place in range(4)]
    customers = [a_relation(f"K{serial}{place}") for place in range(4)]
    stock = [a_stock(record.key, b1="0") for record in products]
    for record in (*products[:3], *customers[:3]):
        create(connector, record, links)
    for number, record in enumerate([products[3], customers[3], *stock], 9_000_000):
        links.references[record.kind, record.key] = record.key if record.kind is Kind.STOCK else str(number)
    hidden = [int(record.key) for record in products[:2]]
    hidden += [int(links.references[record.kind, record.key]) for record in customers[:2]]
    sandbox.till.edit("conventions", "only_alone", {"value": hidden})
    try:
        for records in (products, customers, stock):
            assert connector.lookup(records, links).keys() == {record.key for record in records[:3]}
        links.references.clear()  # of what we do not know that it was there a list is believed
        assert connector.lookup(products, links).keys() == {products[2].key}
    finally:
        sandbox.till.edit("conventions", "only_alone", {"value": []})


def test_a_linked_product_that_is_larger_than_an_answer_is_there_and_cannot_be_read(
    sandbox: Sandbox, connector: Mplus, links: Links, serial: int
) -> None:
    parts = tuple(a_part(f"{serial}{place}", vat_code="1") for place in range(3))
    desired, missing = a_product(f"GROOT-{serial}", parts), a_product(f"WEG-{serial}", (a_part(f"{serial}9"),))
    existing = create(connector, desired, links)
    links.references[Kind.PRODUCT, missing.key] = "9000000"
    sandbox.till.edit("conventions", "most_articles", {"value": 2})
    try:
        current = connector.lookup([desired, missing], links)
    finally:
        sandbox.till.edit("conventions", "most_articles", {"value": None})
    assert current.keys() == {desired.key}
    assert isinstance(current[desired.key].record, Unreadable)
    assert current[desired.key].reference == existing.reference
