"""Logic of the flow `payments`: invoices paid in the books are paid at the till, each once and in full.

An item is paid if the amount received through cash and bank equals the amount its sale posted. A partly paid item
waits, and an item with inconsistent rows is a question.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from integration.core.compiled import compile  # noqa: A004 - of a mapping
from integration.core.errors import ConfigurationError
from integration.core.flow import Ownership, Stage
from integration.core.issues import Issue, Skip
from integration.core.plan import Policy
from integration.core.records import CurrentRecord, Kind, Record, Unreadable, Value
from integration.core.rules import as_text, field_owners, rules_from
from integration.core.staged_records import StagedRecord
from integration.core.traces import Trace, explained_trace
from integration.flows.booked_payments import METHOD
from integration.flows.functions.toolbox import Tools
from integration.flows.payments.items import (
    NOTHING,
    DueItem,
    OpenItems,
    PaymentQueries,
    invoice_of,
    is_same_invoice,
    shown_booked,
    shown_invoice,
)
from integration.flows.payments.settings import FLOW, PaymentSettings
from integration.flows.settings import BOOKS, TILL, RecordRejected, excluded_by_filter
from integration.flows.spec import FlowLogic, KeyPage

AMOUNT = "amount"
OUTSTANDING = "outstanding"  # state of an invoice without payments
FIELD = f"{Kind.SETTLEMENT}.{AMOUNT}"


class PaymentsLogic(FlowLogic):
    """The logic of the flow `payments`, for one version of its settings and mapping."""

    def __init__(
        self,
        settings: PaymentSettings,
        mapping_body: Mapping[str, Any],
        version: int,
        tables: Mapping[str, Mapping[str, str]],
        asks: PaymentQueries,
    ) -> None:
        """Prepare everything that does not depend on an item. Raises ConfigurationError for an unusable mapping."""
        rules = rules_from(mapping_body)
        self.flow = FLOW
        self.settings = settings
        self.resends = settings.resends
        self.mapping_version = version
        self.policy: Policy = dict.fromkeys(field_owners(rules), Ownership.ON_CREATE)
        self.policy |= {f"{Kind.SETTLEMENT}.{name}": Ownership.ON_CREATE for name in (METHOD, AMOUNT)}
        self._rules = compile(rules, Tools(tables), {Kind.SETTLEMENT})
        self._queries = asks
        self._open_items = OpenItems(asks)

    def read_key_page(self, stage: Stage, after: str | None) -> KeyPage:
        """Return a page of keys of booked items that this flow has not paid at the till yet, or has paid lately.

        Raises ConfigurationError while no payment method is chosen.
        """
        self._method()
        return self._open_items.page(after or "")

    def _method(self) -> str:
        if not self.settings.method:
            raise ConfigurationError(
                "flow_setting_invalid", flow=FLOW.name, setting=METHOD, expected="expected_payment_method"
            )
        return self.settings.method

    def stage(self, stage: Stage, records: Sequence[Record]) -> list[StagedRecord]:
        """Return the payment of each item, or the reason that it has none; see `FlowLogic`."""
        keys = [invoice_of(record.key) for record in records]
        dues, settled = self._open_items.due_items(keys), self._open_items.settled_items(keys)
        results = [
            self._stage_item(record, dues.get(key), settled.get(key)) for record, key in zip(records, keys, strict=True)
        ]
        return self._with_paid_at_the_till(records, results, dues)

    def _with_paid_at_the_till(
        self, records: Sequence[Record], results: Sequence[StagedRecord], dues: Mapping[str, DueItem]
    ) -> list[StagedRecord]:
        """Return the results, with the booked amount as payment for each unclear item that is paid at the till.

        The payment is not sent, because nothing is open there. The question about the item is answered by it.
        """
        unclear = {
            result.parent: result
            for result in results
            if result.issue is not None and result.issue.cause == "item_unclear"
        }
        invoices = {invoice.key: invoice for invoice in self._queries.invoices(sorted(unclear))} if unclear else {}
        paid = {
            key for key, invoice in invoices.items() if _is_paid(invoice) and is_same_invoice(dues[key].booked, invoice)
        }
        return [
            replace(result, record=self._payment(item, dues[result.parent], dues[result.parent].amount), issue=None)
            if result.parent in paid and result.parent in unclear
            else result
            for item, result in zip(records, results, strict=True)
        ]

    def _stage_item(self, item: Record, due: DueItem | None, settled: DueItem | None) -> StagedRecord:
        invoice = invoice_of(item.key)
        title = due_item.number if (due_item := due or settled) else invoice
        try:
            result = self._payment_or_skip(item, due) if settled is None else self._skip_settled(item, settled)
        except RecordRejected as rejected:
            return StagedRecord(item.key, invoice, title, issue=rejected.issue(item.key))
        if isinstance(result, Skip):
            return StagedRecord(item.key, invoice, title, skip=result)
        return StagedRecord(item.key, invoice, title, record=result)

    def _payment_or_skip(self, item: Record, due: DueItem | None) -> Record | Skip:
        if due is None:
            return Skip("item_not_due", item.key, {"key": invoice_of(item.key)})
        if skip := excluded_by_filter(item, self.settings.filters):
            return Skip(skip.reason, skip.key, {**skip.facts, "key": due.number})
        return self._skip_if_open(item, due) or self._payment(item, due, _number(item, "paid"))

    def _payment(self, item: Record, due: DueItem, amount: Decimal) -> Record:
        """Return the payment of an item. Raises RecordRejected if the mapping cannot be applied."""
        mapped = self._rules.apply(replace(item, values={**item.values, "paid": amount}))
        if mapped.issues:
            raise RecordRejected(mapped.issues[0].cause, mapped.issues[0].field, **mapped.issues[0].facts)
        values = {target.partition(".")[2]: value for target, value in mapped.values.items()}
        display_values: dict[str, Value] = {
            "number": due.number,
            "item": due.item,
            "paid_on": item.values.get("paid_on"),
        }
        display_values["planned_on"] = self._queries.today()
        optional_values = {"debtor_number": due.debtor, "customer": due.customer, "branch": due.branch}
        display_values |= {name: value for name, value in optional_values.items() if value}
        return Record(
            Kind.SETTLEMENT, due.invoice, {**values, METHOD: self._method(), **display_values}, source=item.key
        )

    def _skip_settled(self, item: Record, settled: DueItem) -> Skip:
        """Return a skip for an item whose payment is at the till. Raises RecordRejected if it is open in the books."""
        sold, paid, other = (_number(item, name) for name in ("sold", "paid", "other"))
        facts = {"key": settled.number, "document": settled.number, "reference": settled.item}
        if (open_amount := sold + other - paid) > NOTHING:
            raise RecordRejected("item_open_again", FIELD, **facts, paid=str(paid), open=str(open_amount))
        return Skip("already_in_target", item.key, {**facts, "system": TILL.system})

    def _skip_if_open(self, item: Record, due: DueItem) -> Skip | None:
        """Return a skip while an item is not paid in full; None once it is.

        Raises RecordRejected for an item whose rows are inconsistent.
        """
        sold, paid, other, besides = (_number(item, name) for name in ("sold", "paid", "other", "besides"))
        facts = {"key": due.number, "document": due.number, "reference": due.item}
        sums = {"ledger": str(sold), "paid": str(paid), "other": str(other), "booked": str(due.amount)}
        if not (sold or paid or besides):
            return Skip("item_not_posted", item.key, facts)
        if not paid and sold + other > NOTHING:
            return Skip("item_open", item.key, {**facts, "paid": "0", "open": str(sold + other)})
        debtor = as_text(item.values.get("debtor"))
        is_ours = not due.debtor or debtor.casefold() == due.debtor.casefold()
        if besides or sold != due.amount or not NOTHING < paid <= sold or not is_ours:
            raise RecordRejected("item_unclear", FIELD, **facts, **sums, debtor=debtor)
        open_amount = sold - paid
        return (
            Skip("item_open", item.key, {**facts, "paid": str(paid), "open": str(open_amount)}) if open_amount else None
        )

    # ---- existing payments at the till

    def _difference_issue(self, desired: Record, open_amount: Decimal) -> Issue:
        facts = {"key": _title(desired), "document": _title(desired), "paid": str(_number(desired, AMOUNT))}
        return Issue("payment_differs", desired.source, FIELD, {**facts, "open": str(open_amount)})

    def writable_part(self, stage: Stage, desired: Record, current: CurrentRecord | None) -> Record | Skip:
        """Return the payment, or a skip if the invoice already has it."""
        if current is None:
            return desired
        facts = {"key": _title(desired), "reference": as_text(desired.values.get("item")), "system": TILL.system}
        return Skip("already_in_target", desired.source, facts)

    def conflicts_between(
        self, stage: Stage, desired: Sequence[Record], *, sending: bool = False
    ) -> Mapping[str, Issue | Skip]:
        """Return the payments that are not made: the invoice is gone, paid, not due, or open by another amount.

        When sending, the items are read again: a payment may have been reversed since the plan was made.
        """
        keys = [payment.key for payment in desired]
        dues = self._open_items.due_items(keys)
        invoices = {payment.key: payment for payment in self._queries.invoices(keys)}
        conflicts = {
            payment.key: self._conflict(payment, dues.get(payment.key), invoices.get(payment.key))
            for payment in desired
        }
        paid = [payment for payment in desired if conflicts[payment.key] is None] if sending else []
        items = {item.key: item for item in self._queries.items([payment.source for payment in paid])} if paid else {}
        conflicts |= {
            payment.key: self._not_paid(payment, dues[payment.key], items.get(payment.source)) for payment in paid
        }
        return {key: conflict for key, conflict in conflicts.items() if conflict is not None}

    def _not_paid(self, desired: Record, due: DueItem, item: Record | None) -> Issue | Skip | None:
        """Return why the item of a planned payment is not paid in full in the books any more; None if it is."""
        if item is None:
            facts = {"key": due.number, "document": due.number, "reference": due.item}
            return Skip("item_not_posted", desired.source, facts)
        if isinstance(item, Unreadable):
            return self._unreadable(desired, item, BOOKS.system)
        try:
            return self._skip_if_open(item, due)
        except RecordRejected as rejected:
            return rejected.issue(desired.source)

    def _conflict(self, desired: Record, due: DueItem | None, invoice: Record | None) -> Issue | Skip | None:
        facts = {"key": _title(desired), "document": _title(desired)}
        if due is None or due.item != desired.values.get("item"):
            return Skip("item_not_due", desired.source, facts)
        if invoice is None:
            return Skip("invoice_not_at_the_till", desired.source, facts)
        if isinstance(invoice, Unreadable):
            return self._unreadable(desired, invoice, TILL.system)
        if not is_same_invoice(due.booked, invoice):
            facts |= {"was": shown_booked(due), "now": shown_invoice(invoice)}
            return Issue("invoice_of_another", desired.source, FIELD, facts)
        total, paid = invoice.values.get("total_incl"), _paid_of(invoice)
        if not isinstance(total, Decimal) or paid is None:
            facts |= {"field": "paid_amount" if isinstance(total, Decimal) else "total_incl", "system": TILL.system}
            return Issue("record_unreadable", desired.source, FIELD, {**facts, "value": "", "raw": ""})
        if total == paid:
            return Skip("invoice_paid_at_the_till", desired.source, facts)
        return None if total - paid == _number(desired, AMOUNT) else self._difference_issue(desired, total - paid)

    def _unreadable(self, desired: Record, record: Unreadable, system: str) -> Issue:
        facts = {"key": _title(desired), "document": _title(desired), "field": record.field, "value": record.raw_value}
        return Issue("record_unreadable", desired.source, FIELD, {**facts, "raw": record.raw, "system": system})

    # ---- why

    def trace(self, stage: Stage, record: Record) -> list[Trace]:
        """Return the traces of the fields of the payment."""
        method = f"{Kind.SETTLEMENT}.{METHOD}"
        return [*self._rules.trace(record), explained_trace(method, self.settings.method, "setting", setting=METHOD)]


def _title(desired: Record) -> str:
    return as_text(desired.values.get("number")) or desired.key


def _paid_of(invoice: Record) -> Decimal | None:
    """Return the paid amount of an invoice; None if the till gives neither the amount nor the state outstanding."""
    paid = invoice.values.get("paid_amount")
    if isinstance(paid, Decimal):
        return paid
    return NOTHING if invoice.values.get("state") == OUTSTANDING else None


def _is_paid(invoice: Record) -> bool:
    """Return True if an invoice has nothing open at the till."""
    total = None if isinstance(invoice, Unreadable) else invoice.values.get("total_incl")
    return isinstance(total, Decimal) and total == _paid_of(invoice)


def _number(record: Record, name: str) -> Decimal:
    value = record.values.get(name)
    return value if isinstance(value, Decimal) else NOTHING
