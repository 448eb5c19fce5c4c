"""Proposals of the till as records, and the references between documents of the till."""

from collections.abc import Iterator
from typing import Any

import pytest
from lxml import etree

from integration.connectors.mplus import codec
from integration.connectors.mplus.client import Client
from integration.connectors.mplus.connector import Mplus
from integration.core.errors import RejectedError
from integration.core.records import Kind, Record
from integration.sandbox.server import Sandbox
from tests.connectors.mplus.tills import a_till

BELL = {"articleNumber": 0, "text": "Bel", "data": {"quantity": 2, "price": 1815, "turnoverGroup": 40, "vatCode": 2}}
LIGHT = {"articleNumber": 0, "text": "Licht", "data": {"quantity": 1, "price": 2420, "turnoverGroup": 40, "vatCode": 2}}


@pytest.fixture
def till(own_sandbox: Sandbox) -> Iterator[Mplus]:
    connector = a_till(own_sandbox)
    yield connector
    connector.close()


def enter_document(sandbox: Sandbox, table: str, **values: Any) -> str:
    """Enter a document at the counter and return its id."""
    sandbox.till.add(table, values)
    newest: str = sandbox.state(table, "mplus")[-1][f"{table[:-1]}Id"]
    return newest


def read(till: Mplus, kind: Kind, key: str) -> Record:
    (record,) = till.fetch(kind, [key])
    return record


def enter_proposal(sandbox: Sandbox) -> str:
    return enter_document(sandbox, "proposals", relationNumber=1003, lineList={"line": [BELL, LIGHT]})


def test_a_proposal_says_what_became_of_it(own_sandbox: Sandbox, till: Mplus) -> None:
    key = enter_proposal(own_sandbox)
    fresh = read(till, Kind.PROPOSAL, key)
    order = enter_document(own_sandbox, "orders", proposalId=key)
    ordered = read(till, Kind.PROPOSAL, key)

    assert (fresh.values["state"], fresh.values["cancelled"]) == ("outstanding", False)
    assert "orders" not in fresh.values
    assert (ordered.values["state"], ordered.values["orders"]) == ("order", (order,))
    assert read(till, Kind.ORDER, order).values["proposals"] == (key,)
    assert ordered.values["digest"] == fresh.values["digest"]


def test_a_proposal_that_was_turned_down_is_cancelled(own_sandbox: Sandbox, till: Mplus) -> None:
    key = enter_proposal(own_sandbox)
    own_sandbox.till.edit("proposals", key, {"state": "PROPOSAL-STATE-CANCELLED"})
    assert read(till, Kind.PROPOSAL, key).values["cancelled"] is True


def test_whether_a_proposal_of_an_unknown_state_is_cancelled_nobody_knows(own_sandbox: Sandbox, till: Mplus) -> None:
    key = enter_proposal(own_sandbox)
    own_sandbox.till.edit("proposals", key, {"state": "PROPOSAL-STATE-SIGNED"})
    values = read(till, Kind.PROPOSAL, key).values
    assert values["state"] == "signed"
    assert "cancelled" not in values


def test_a_proposal_with_other_lines_has_another_digest(own_sandbox: Sandbox, till: Mplus) -> None:
    key = enter_proposal(own_sandbox)
    before = read(till, Kind.PROPOSAL, key)
    client = Client(till.settings)
    client.write("saveProposal", proposal={"proposalId": key, "lineList": {"line": [LIGHT]}})
    client.close()
    assert read(till, Kind.PROPOSAL, key).values["digest"] != before.values["digest"]


def test_an_order_stays_what_it_was_for_the_books_when_it_is_invoiced(own_sandbox: Sandbox, till: Mplus) -> None:
    order = enter_document(own_sandbox, "orders", relationNumber=1003, lineList={"line": [BELL, LIGHT]})
    before = read(till, Kind.ORDER, order)
    first = enter_document(own_sandbox, "invoices", orderIds=[order], lineList={"line": [BELL]})
    second = enter_document(own_sandbox, "invoices", orderIds=[order], lineList={"line": [LIGHT]})
    after = read(till, Kind.ORDER, order)

    assert "invoices" not in before.values
    assert after.values["invoices"] == (first, second)
    assert after.values["delivery_state"] == "complete"
    assert after.values["digest"] == before.values["digest"]
    assert [read(till, Kind.INVOICE, invoice).values["orders"] for invoice in (first, second)] == [(order,)] * 2


def test_an_invoice_for_a_proposal_and_a_receipt_of_an_order_say_so(own_sandbox: Sandbox, till: Mplus) -> None:
    proposal, order = enter_proposal(own_sandbox), enter_document(own_sandbox, "orders", lineList={"line": [BELL]})
    invoice = enter_document(own_sandbox, "invoices", proposalIds=[proposal])
    paid = {"payment": [{"method": "PIN", "amount": 3630}]}
    receipt = enter_document(own_sandbox, "receipts", orderIds=[order], paymentList=paid)

    assert read(till, Kind.INVOICE, invoice).values["proposals"] == (proposal,)
    assert read(till, Kind.PROPOSAL, proposal).values["invoices"] == (invoice,)
    assert read(till, Kind.RECEIPT, receipt).values["orders"] == (order,)


def test_an_id_that_is_reported_twice_counts_once_and_one_that_is_empty_not_at_all() -> None:
    content = "<proposalId>p</proposalId><orderId></orderId><invoiceId>i</invoiceId>"
    content += "<invoiceIds><id>i</id><id>j</id><id/></invoiceIds>"
    element = etree.fromstring(f'<proposal xmlns="urn:mplusqapi">{content}</proposal>')
    values = codec.decode_document(Kind.PROPOSAL, element, None, {}).values
    assert (values["orders"], values["invoices"]) == ((), ("i", "j"))


def test_a_till_without_proposals_says_that_it_does_not_know_the_question(own_sandbox: Sandbox, till: Mplus) -> None:
    own_sandbox.till.edit("conventions", "unknown_operations", {"value": ["getProposals"]})
    with pytest.raises(RejectedError, match="operation_unknown") as caught:
        till.extract(Kind.PROPOSAL)
    assert caught.value.facts["operation"] == "getProposals"


def test_changed_proposals_are_read_from_the_last_marker_on(own_sandbox: Sandbox, till: Mplus) -> None:
    stamp = till.extract(Kind.PROPOSAL).stamp
    key = enter_proposal(own_sandbox)
    batch = till.extract(Kind.PROPOSAL, stamp)
    assert batch.after is None  # the till told its present marker
    assert key in {record.key for record in batch.records}
