"""What a person does where the console asks: look again, look into the systems, say what is there, go on."""

from collections.abc import Iterable, Mapping
from typing import Final

from integration.core.issues import OpenIssue
from integration.core.records import Kind
from integration.flows.registry import FLOWS
from integration.sandbox.server import Sandbox
from integration.store.issues import Issues
from integration.store.ledger import Ledger
from integration.store.links import Links

DOUBTS: Final = ("read_back_missing", "never_answered")
CHANGED: Final = "document_changed_after_booking"
AGAIN: Final = "again"  # take back and book again
CHANGES: Final = 3  # documents of each kind that change at the till once they are booked
MOST: Final = 1_000
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
"""Where a person looks for a record of a kind: system, table, and the column of its number."""


def open_questions(issues: Issues, flow: str) -> list[OpenIssue]:
    """Return what the console asks about: what was sent, and nobody can tell whether it is there."""
    return [one for cause in DOUBTS for one in issues.list(flow, cause, limit=MOST)]


def rename_goods(sandbox: Sandbox, links: Links, flow: str) -> bool:
    """Call the goods of some orders and trade invoices something else, and tell whether any of those is booked."""
    options = FLOWS[flow].repair_of(CHANGED).options
    booked = links.newest(flow, Kind.SALES_ORDER, MOST) if AGAIN in options else []
    keys = sorted(link.key for link in booked)
    renamed = [_renamed(sandbox, table, id_, keys) for table, id_ in _CHANGEABLE]
    return any(renamed)


def _renamed(sandbox: Sandbox, table: str, id_: str, keys: Iterable[str]) -> bool:
    rows = {str(row[id_]): row for row in sandbox.state(table, "mplus")}
    chosen = [key for key in keys if key in rows][:CHANGES]
    for key in chosen:
        lines = [{**line, "text": f"{line.get('text', '')} *"} for line in rows[key]["lineList"]["line"]]
        sandbox.till.edit(table, key, {"lineList": lines})
    return bool(chosen)


def undecided_documents(issues: Issues, flow: str) -> list[OpenIssue]:
    """Return the documents of which a person has to say what becomes of them."""
    return issues.list(flow, CHANGED, limit=MOST)


def number_in_target(sandbox: Sandbox, ledger: Ledger, flow: str, one: OpenIssue) -> str | None:
    """Return under which number the target has what an issue of a flow is about, or None where it is not there."""
    reference = one.issue.facts.get("reference", "")
    doubts = ledger.in_doubt("", flow, None, [one.issue.key])
    return next(filter(None, (number_by_reference(sandbox, doubt.kind, reference) for doubt in doubts)), None)


def number_by_reference(sandbox: Sandbox, kind: Kind, reference: str) -> str | None:
    """Return under which number a system has a record of this kind with our reference, or None.

    A record of another kind may have the same reference: a quotation may have the number of an order.
    """
    for system, table, number in WHERE.get(kind, ()):
        for row in sandbox.state(table, system):
            if reference and reference in _values(row):
                return str(row[number])
    return None


def _values(told: object) -> set[str]:
    """Return every value of a row, also of what is inside it."""
    if isinstance(told, Mapping):
        return {value for one in told.values() for value in _values(one)}
    if isinstance(told, list | tuple):
        return {value for one in told for value in _values(one)}
    return {str(told)}
