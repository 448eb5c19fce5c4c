"""Acts as the operator of the console: looks into both systems and answers the questions of the console."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Final, NamedTuple

from integration.core.issues import OpenIssue
from integration.core.records import Kind
from integration.flows.registry import FLOWS
from integration.sandbox.server import Sandbox
from integration.store.issues import Issues
from integration.store.ledger import Ledger
from integration.store.links import Links

DOUBTS: Final = ("read_back_missing", "never_answered")
CHANGED: Final = "document_changed_after_booking"
AGAIN: Final = "again"  # reverse the booking and book again
CHANGES: Final = 3  # documents of each kind that are changed in the till after they were booked
MAX_LISTED: Final = 1_000
BANK: Final = "200"  # daybook of the sample shop
PAID: Final = "INVOICE-STATE-PAID"
_CHANGEABLE: Final = (("orders", "orderId"), ("invoices", "invoiceId"))
WHERE: Final[Mapping[Kind, tuple[tuple[str, str, str], ...]]] = {
    Kind.SALES_ORDER: (("accountview", "SO_HDR", "ORD_NR"), ("accountview", "K9_INV", "REC_ID")),
    Kind.POSTING: (("accountview", "DJ_PAGE", "PAGE_NR"),),
    Kind.QUOTATION: (("accountview", "K9_QUO", "QT_NR"),),
    Kind.DAY_PAGE: (("accountview", "DJ_PAGE", "PAGE_NR"),),
    Kind.DEBTOR: (("accountview", "CONTACT", "SUB_NR"),),
    Kind.ADDRESS: (("accountview", "DEL_ADDR", "REC_ID"),),
    Kind.PRODUCT: (("mplus", "products", "productNumber"),),
    Kind.GROUP: (("mplus", "groups", "groupNumber"),),
    Kind.RELATION: (("mplus", "relations", "relationNumber"),),
}
"""Where a person finds a record of each kind: system, table, and the column of its number."""


class TillDocument(NamedTuple):
    """Document of the till, by its table, the column of its identifier, and that identifier."""

    table: str
    id_column: str
    key: str


def open_questions(issues: Issues, flow: str) -> list[OpenIssue]:
    """Return the issues about changes in doubt, which ask whether the target has the record."""
    return [issue for cause in DOUBTS for issue in issues.list(flow, cause, limit=MAX_LISTED)]


def documents_to_change(sandbox: Sandbox, links: Links, flow: str) -> tuple[TillDocument, ...]:
    """Return the booked orders and trade invoices that the till changes; none if the flow cannot correct them."""
    options = FLOWS[flow].repair_of(CHANGED).options
    booked = links.newest_links(flow, Kind.SALES_ORDER, MAX_LISTED) if AGAIN in options else []
    keys = sorted(link.key for link in booked)
    documents: list[TillDocument] = []
    for table, id_ in _CHANGEABLE:
        existing = {str(row[id_]) for row in sandbox.state(table, "mplus")}
        documents += [TillDocument(table, id_, key) for key in keys if key in existing][:CHANGES]
    return tuple(documents)


def rename_goods(sandbox: Sandbox, documents: Iterable[TillDocument]) -> None:
    for document in documents:
        rows = sandbox.state(document.table, "mplus")
        content = next(row for row in rows if str(row[document.id_column]) == document.key)
        lines = [{**line, "text": f"{line.get('text', '')} *"} for line in content["lineList"]["line"]]
        sandbox.till.edit(document.table, document.key, {"lineList": lines})


def book_receipts(sandbox: Sandbox) -> None:
    """Book the payment of each open item in the books, as a person does from a bank statement."""
    open_amounts: dict[tuple[str, str, str], Decimal] = {}
    for row in sandbox.state("TRANSACT"):
        if row.get("SUB_NR") and row.get("INV_NR"):
            item = str(row["ACCT_NR"]), str(row["SUB_NR"]), str(row["INV_NR"])
            open_amounts[item] = open_amounts.get(item, Decimal(0)) + Decimal(row["AMOUNT"])
    lines = [
        {"ACCT_NR": account, "SUB_NR": debtor, "INV_NR": number, "AMOUNT": str(amount)}
        for (account, debtor, number), amount in open_amounts.items()
        if amount > 0
    ]
    sandbox.accountview.book({"DJ_CODE": BANK, "HDR_DESC": "Receipts"}, lines)


def undecided_documents(issues: Issues, flow: str) -> list[OpenIssue]:
    """Return the issues of documents that changed after they were booked, which a person has to decide."""
    return issues.list(flow, CHANGED, limit=MAX_LISTED)


def number_in_target(sandbox: Sandbox, ledger: Ledger, flow: str, open_issue: OpenIssue) -> str | None:
    """Return the number of the record of an issue in the target, or None if the target does not have it."""
    reference = open_issue.issue.facts.get("reference", "")
    doubts = ledger.in_doubt("", flow, None, [open_issue.issue.key])
    numbers = (
        paid_invoice(sandbox, doubt.key)
        if doubt.kind is Kind.SETTLEMENT
        else number_by_reference(sandbox, doubt.kind, reference)
        for doubt in doubts
    )
    return next(filter(None, numbers), None)


def paid_invoice(sandbox: Sandbox, key: str) -> str | None:
    """Return the id of an invoice of the till if it is paid, otherwise None."""
    invoices = sandbox.state("invoices", "mplus")
    is_paid = any(row["invoiceId"] == key and row["state"] == PAID for row in invoices)
    return key if is_paid else None


def number_by_reference(sandbox: Sandbox, kind: Kind, reference: str) -> str | None:
    """Return the number of a record of this kind with our reference, or None if there is none.

    A record of another kind may have the same reference: a quotation may have the number of an order.
    """
    for system, table, number in WHERE.get(kind, ()):
        for row in sandbox.state(table, system):
            if reference and reference in _values(row):
                return str(row[number])
    return None


def _values(content: object) -> set[str]:
    """Return all values of a row, including nested ones."""
    if isinstance(content, Mapping):
        return {value for item in content.values() for value in _values(item)}
    if isinstance(content, list | tuple):
        return {value for item in content for value in _values(item)}
    return {str(content)}
