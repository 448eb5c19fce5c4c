"""An invoice is paid at the till once, found again by its method, and a payment that is too high is refused."""

from decimal import Decimal

import httpx
import pytest

from integration.connectors.mplus.client import NAMESPACE, interface_contract
from integration.connectors.mplus.connector import Mplus
from integration.connectors.mplus.settlements import Settlements
from integration.core.errors import RejectedError
from integration.core.records import Kind, Record, Unreadable
from integration.sandbox.server import Sandbox
from tests.builders import a_create
from tests.connectors.mplus.tills import NOWHERE, answering
from tests.fakes import Links

BELL = {"articleNumber": 0, "text": "Bel", "data": {"quantity": 1, "price": 12100, "turnoverGroup": 40, "vatCode": 2}}
LINKS = Links()


@pytest.fixture
def invoice(sandbox: Sandbox) -> str:
    sandbox.till.add("invoices", {"relationNumber": 1003, "lineList": {"line": [BELL]}})
    newest: str = sandbox.state("invoices", "mplus")[-1]["invoiceId"]
    return newest


def payment(invoice: str, amount: str = "121.00", method: str = "IDEAL") -> Record:
    return Record(Kind.SETTLEMENT, invoice, {"method": method, "amount": Decimal(amount)})


def test_a_payment_is_made_and_found_by_its_method(sandbox: Sandbox, till: Mplus, invoice: str) -> None:
    desired = payment(invoice)
    change = a_create(desired)
    assert till.lookup([desired], LINKS) == {}
    result = till.write(change, None, LINKS, "once")
    (current,) = till.lookup([desired], LINKS).values()

    assert (till.calls(change), result.reference, current.reference) == (1, invoice, invoice)
    assert current.record == desired
    assert till.lookup([payment(invoice, method="PIN"), payment("nowhere"), payment("a\nb")], LINKS) == {}
    assert till.read_changes(Kind.SETTLEMENT, "").records == ()
    invoice_row = next(row for row in sandbox.state("invoices", "mplus") if row["invoiceId"] == invoice)
    assert invoice_row["state"] == "INVOICE-STATE-PAID"


@pytest.mark.parametrize(
    ("amount", "method", "code"), [("121.01", "IDEAL", "payment_too_high"), ("1.00", "NOPE", "mplus_rejected")]
)
def test_what_the_till_refuses_is_reported_with_its_words(
    till: Mplus, invoice: str, amount: str, method: str, code: str
) -> None:
    with pytest.raises(RejectedError, match=code) as refused:
        till.write(a_create(payment(invoice, amount, method)), None, LINKS, "once")

    assert refused.value.facts["message"]
    assert till.lookup([payment(invoice, amount, method)], LINKS) == {}


@pytest.mark.parametrize("deposit", ["60.50", "21.00"])
def test_an_earlier_payment_by_the_same_method_is_another_payment(till: Mplus, invoice: str, deposit: str) -> None:
    rest = payment(invoice, str(Decimal("121.00") - Decimal(deposit)))
    till.write(a_create(payment(invoice, deposit)), None, LINKS, "first")
    assert till.lookup([rest], LINKS) == {}
    till.write(a_create(rest), None, LINKS, "second")

    (current,) = till.lookup([rest], LINKS).values()
    assert current.record == rest
    assert till.lookup([payment(invoice, "10.00")], LINKS) == {}


@pytest.mark.parametrize("counter", [[("IDEAL", "60.50"), ("PIN", "60.50")], [("IDEAL", "60.50"), ("IDEAL", "60.50")]])
def test_payments_of_a_cashier_are_not_taken_for_ours(
    till: Mplus, invoice: str, counter: list[tuple[str, str]]
) -> None:
    for place, (method, amount) in enumerate(counter):
        till.write(a_create(payment(invoice, amount, method)), None, LINKS, str(place))
    assert till.lookup([payment(invoice)], LINKS) == {}
    first = payment(invoice, counter[0][1], counter[0][0])
    assert bool(till.lookup([first], LINKS)) == (counter[0] == counter[-1])


@pytest.mark.parametrize("id_", ["", "<invoiceId/>", "<invoiceId><x/></invoiceId>"])
def test_an_invoice_without_a_readable_id_parks_its_payment_alone(id_: str) -> None:
    paid = "<paymentList><payment><method>IDEAL</method><amount>12100</amount></payment></paymentList>"
    amounts = f"<totalInclAmount>12100</totalInclAmount><paidAmount>12100</paidAmount>{paid}"
    invoices = {"a": f"<invoiceId>a</invoiceId>{amounts}", "b": f"{id_}{amounts}"}

    def answer(request: httpx.Request) -> str:
        elements = "".join(
            f"<invoice>{inside}</invoice>" for key, inside in invoices.items() if f">{key}<" in request.content.decode()
        )
        name = interface_contract().answer_name("getInvoices").partition("}")[2]
        return f'<{name} xmlns="{NAMESPACE}"><invoiceList>{elements}</invoiceList></{name}>'

    current = Settlements(NOWHERE, answering(answer)).lookup([payment("a"), payment("b")], LINKS)
    assert {key: isinstance(current_record.record, Unreadable) for key, current_record in current.items()} == {
        "a": False,
        "b": True,
    }
