"""The lab's operator: its answers when the console asks whether something exists."""

from integration.core.records import Kind
from integration.flows.registry import FLOWS
from integration.lab.console_operator import WHERE, number_by_reference, paid_invoice
from integration.sandbox.server import running
from tests.flows.days.example import sales_line
from tests.sandbox.soap_client import RawClient, tags


def test_a_quotation_of_the_same_number_is_not_taken_for_the_order_that_was_asked_about() -> None:
    with running(articles=20, trades=False) as sandbox:
        sandbox.accountview.add("K9_QUO", {"QT_NR": "7", "K9_REF": "MP-2026.2"})
        assert number_by_reference(sandbox, Kind.SALES_ORDER, "MP-2026.2") is None
        assert number_by_reference(sandbox, Kind.QUOTATION, "MP-2026.2") == "7"


def test_a_payment_is_at_the_till_once_its_invoice_is_paid() -> None:
    with running(articles=20, trades=False) as sandbox:
        sandbox.till.add("invoices", {"lineList": {"line": [sales_line("Bicycle", 10, 2, 12100)]}})
        (invoice,) = sandbox.state("invoices", "mplus")
        assert paid_invoice(sandbox, invoice["invoiceId"]) is None
        payment = tags(payment=tags(method="IDEAL", amount=12100))
        RawClient(sandbox.mplus_url).ask("payInvoice", tags(invoiceId=invoice["invoiceId"], paymentList=payment))
        assert paid_invoice(sandbox, invoice["invoiceId"]) == invoice["invoiceId"]


def test_the_operator_finds_each_kind_of_record_that_must_not_be_sent_twice() -> None:
    kinds = {
        stage.target for spec in FLOWS.values() for stage in spec.flow.stages if not stage.is_repeatable(is_new=True)
    }
    assert kinds - WHERE.keys() == {Kind.SETTLEMENT}  # a payment has no number: `paid_invoice`
