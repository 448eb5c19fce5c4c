"""Payments of invoices as a target: an invoice that was paid elsewhere gets one payment by one method.

The payment is identified by its invoice, method and amount, as the last payment of an invoice with nothing open. An
earlier payment by the same method is another one, even for the same amount. The till has no call that reverses a
payment.
"""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from functools import partial

from integration.connectors.mplus import codec
from integration.connectors.mplus.client import Client, Element, qualified, require_shape
from integration.connectors.mplus.lists import ByNumbers, by_own_number, unique_elements
from integration.connectors.mplus.settings import MplusSettings
from integration.connectors.mplus.target import TillTarget, in_pages, translated_parse_errors
from integration.connectors.protocol import References
from integration.core.invoice_payments import Paid, is_closing_payment
from integration.core.money import from_cents, to_cents
from integration.core.plan import Change
from integration.core.records import CurrentRecord, Kind, Record, Value, WriteResult, WrongValueError, unreadable
from integration.core.rules import as_text


class Settlements(TillTarget):
    """The payments of invoices of one installation."""

    def __init__(self, settings: MplusSettings, client: Client) -> None:
        self._settings = settings
        self._client = client
        self._completer: ByNumbers[tuple[str, Element]] = ByNumbers()

    def lookup(self, records: Sequence[Record], references: References) -> dict[str, CurrentRecord]:  # noqa: ARG002
        """Return the existing payments: the last one of an invoice with nothing open, by this method and amount."""
        ids = [key for key in dict.fromkeys(record.key for record in records) if key and key.isprintable()]
        with translated_parse_errors():
            with_ids = by_own_number(self._invoices, partial(codec.if_readable, _invoice_key))
            asking = self._completer.ask_all(with_ids, lambda invoice: invoice[:1])
            invoices = dict(in_pages(asking, ids, self._settings.document_page, self._settings.in_flight))
            return {
                record.key: current
                for record in records
                if (current := _current_payment(record, invoices.get(record.key))) is not None
            }

    def _invoices(self, ids: Sequence[str]) -> list[Element]:
        document = codec.DOCUMENTS[Kind.INVOICE]
        required_fields = {"articlePluNumbers": {}, "articleBarcodes": {}, "includeLineList": True}
        answer = self._client.read(
            document.operation, request={document.keys: ids, **document.options, **required_fields}
        )
        return unique_elements(answer.iterfind(document.path), partial(codec.if_readable, _invoice_key))

    def write(self, change: Change, current: CurrentRecord | None, references: References, token: str) -> WriteResult:  # noqa: ARG002
        """Pay an invoice and return its id, because the answer has no id of the payment."""
        values = change.desired.values
        payment = {"method": as_text(values.get("method")), "amount": to_cents(_amount(change.desired))}
        request = {"invoiceId": change.desired.key, "paymentList": {"payment": [payment]}}
        self._client.write("payInvoice", request=request)
        return WriteResult(change.desired.key)


_invoice_key = partial(codec.document_key, kind=Kind.INVOICE)


def _current_payment(desired: Record, invoice: Element | None) -> CurrentRecord | None:
    if invoice is None:
        return None
    payment = as_text(desired.values.get("method")), _amount(desired)
    try:
        require_shape(invoice, codec.DOCUMENTS[Kind.INVOICE].type)
        _invoice_key(invoice)
        payments = list(_payments(invoice))
        is_there = bool(payments) and is_closing_payment(payment, payments, _open_amount(invoice))
    except WrongValueError as error:
        return CurrentRecord(unreadable(Kind.SETTLEMENT, desired.key, error, codec.raw_elements(invoice)), desired.key)
    if not is_there:
        return None
    values: dict[str, Value] = {"method": payment[0], "amount": payment[1]}
    return CurrentRecord(Record(Kind.SETTLEMENT, desired.key, values), desired.key)


def _open_amount(invoice: Element) -> Decimal:
    """Return the open amount of an invoice, from its total and its paid amount."""
    total, paid = (codec.required_integer(invoice, name) for name in ("totalInclAmount", "paidAmount"))
    return from_cents(total - paid)


def _payments(invoice: Element) -> Iterator[Paid]:
    for payment in invoice.iterfind(f"{qualified('paymentList')}/{qualified('payment')}"):
        amount = from_cents(codec.required_integer(payment, "amount"))
        yield (payment.findtext(qualified("method")) or "").strip(), amount


def _amount(desired: Record) -> Decimal:
    amount = desired.values.get("amount")
    if not isinstance(amount, Decimal):
        raise TypeError("a payment without an amount")
    return amount
