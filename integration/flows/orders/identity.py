"""Checks whether a record in the books is the document with the same reference: a number alone proves nothing.

Two tills, or one till that restarts its numbering, can give the same number to two sales. Total, day, branch and
articles distinguish them, as far as both sides have these values. A link to another till document distinguishes them
too, and so does the till's own id if the books have a column for it.
"""

from collections.abc import Collection, Mapping
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from integration.core.flow import Stage
from integration.core.grouping import sum_by_key
from integration.core.issues import Issue
from integration.core.money import HUNDRED
from integration.core.records import CurrentRecord, Kind, Record, Value
from integration.core.rules import as_text
from integration.flows.deciding import DecisionSubject, decision_mark, stored_decision
from integration.flows.orders.latest_booking import document_of
from integration.flows.orders.references import OrderReferences
from integration.flows.settings import BOOKS, RecordRejected

# The target kinds of a sale under any settings.
BOOKED_AS = (Kind.SALES_ORDER, Kind.POSTING)
# The fields that identify a booking of any kind.
KNOWN_BY = frozenset(
    {
        "number", "date", "customer", "digest", "cancelled", "sold_incl", "sold_excl", "orders", "invoices", "sold_on",
        "till_id", DecisionSubject.SAME,
    }
)  # fmt: skip

SAME = "same"  # a person confirmed that it is this document
CONFIRMATIONS = (SAME,)
MAX_NAMED_ARTICLES = 10  # maximum number of articles that an issue names


def another_sale(stage: Stage, desired: Record, current: CurrentRecord) -> Issue | None:
    """Return an issue with the values of both sides if the books may have another sale; None if it is this document."""
    is_ours = not current.owner and not _differs(desired, current.record)
    of = decision_mark(desired, current.reference.replace(" ", "_"))
    if is_ours or stored_decision(desired, DecisionSubject.SAME, of, CONFIRMATIONS).option == SAME:
        return None
    key, number = document_of(desired.key), as_text(desired.values.get("number")) or desired.key
    facts = {
        "key": key,
        "document": number,
        "system": BOOKS.system,
        "reference": as_text(desired.values.get("reference")),
        "sold": as_text(desired.values.get("sold_incl")),
        "number": current.reference,
        "other": current.owner,
        "source": str(stage.source),
        "mark": of,
        "date": as_text(desired.values.get("date")),
        "amount": _amount(_total(desired, current.record)),
        "customer": _customer_text(desired),
        "found_date": as_text(current.record.values.get("date")),
        "found_amount": _amount(_total(current.record, current.record)),
        "found_customer": _customer_text(current.record),
        "branch": as_text(desired.values.get("cost_centre")),
        "found_branch": as_text(current.record.values.get("cost_centre")),
        "till_id": as_text(desired.values.get("till_id")),
        "found_till_id": as_text(current.record.values.get("till_id")),
        "articles": _articles_text(_sold(desired)),
        "found_articles": _articles_text(_sold(current.record)),
    }
    return Issue(
        "reference_of_another", key, DecisionSubject.SAME, {name: fact for name, fact in facts.items() if fact}
    )


def alternative_bookings(stage: Stage, booking: Record, prefix: str) -> tuple[Record, ...]:
    """Return the other kinds of booking under which the books may have the sale, e.g. from earlier settings.

    There are none for linked documents, for later bookings of a document, and for documents that are no sale.
    """
    is_linked = booking.values.get("booked_as") or booking.key != document_of(booking.key)
    if is_linked or stage.target not in BOOKED_AS or stage.unverifiable:
        return ()
    values = {name: value for name, value in booking.values.items() if name in KNOWN_BY}
    parts = tuple(part for part in booking.parts if part.kind is not Kind.LINE)
    bookings = []
    for kind in BOOKED_AS:
        if kind is not stage.target:
            try:
                reference = OrderReferences(kind, prefix).reference_of(Record(stage.source, booking.key, values))
            except RecordRejected:  # such a booking would have no reference
                continue
            bookings.append(Record(kind, booking.key, {**values, "reference": reference}, parts))
    return tuple(bookings)


def operator_answer(document: Record) -> dict[str, Value]:
    """Return the stored answer of a person about whether the books have a document; empty without an answer."""
    answer = document.values.get(DecisionSubject.SAME)
    return {DecisionSubject.SAME: answer} if answer else {}


def till_id(document: Record) -> str:
    """Return the till's id of a document without hyphens, so that a UUID fits into 32 characters."""
    return document_of(document.key).replace("-", "")


def _differs(desired: Record, existing: Record) -> bool:
    """Return True if two documents are different sales. A missing total counts as different."""
    ids = [as_text(document.values.get("till_id")).casefold() for document in (desired, existing)]
    if all(ids) and ids[0] != ids[1]:
        return True
    if "date" in existing.values and existing.values["date"] not in _days(desired):
        return True
    branches = [as_text(document.values.get("cost_centre")).casefold() for document in (desired, existing)]
    if all(branches) and branches[0] != branches[1]:
        return True
    ours, theirs = _sold(desired), _sold(existing)
    if ours and theirs and ours != theirs:
        return True
    existing_total = _total(existing, existing)
    return existing_total is None or existing_total not in _totals(desired, existing)


def _days(document: Record) -> Collection[Value]:
    """Return the possible dates of a document: that of its booking and that of the sale."""
    day, _, _ = as_text(document.values.get("sold_on")).partition("/")
    return (document.values.get("date"), *((date.fromisoformat(day),) if day else ()))


def _totals(desired: Record, existing: Record) -> Collection[Decimal | None]:
    """Return the possible totals of a document in the books; a cancelled document has no lines to add up."""
    total = _total(desired, existing)
    if total is not None:
        return (total,)
    return [_decimal(desired.values.get(name)) for name in ("sold_incl", "sold_excl")]


def _total(document: Record, other: Record) -> Decimal | None:
    """Return the total of the lines, with only the values that the other system reports too; None without lines.

    A posting is totalled with VAT. The order history of the books reports neither discounts nor shipping costs.
    """
    lines = [part.values for part in document.parts if part.kind is Kind.LINE]
    names = {name for part in other.parts for name in part.values}
    if not lines:
        return None
    sums = []
    for line in lines:
        amount, vat, quantity, price = (_decimal(line.get(name)) for name in ("amount", "vat", "quantity", "price"))
        if amount is not None:
            sums.append(amount if document.values.get("gross") is True else amount + (vat or Decimal(0)))
        elif quantity is not None and price is not None:
            discount = _decimal(line.get("discount_percent")) if "discount_percent" in names else None
            sums.append(_cents(quantity * price * (HUNDRED - (discount or Decimal(0))) / HUNDRED))
        else:
            return None
    shipping = _decimal(document.values.get("shipping_cost")) if "shipping_cost" in other.values else None
    return sum(sums, shipping or Decimal(0))


def _sold(document: Record) -> dict[str, Decimal]:
    """Return the quantity sold per article, as far as the lines give it; a posting has no articles."""
    lines = (part.values for part in document.parts if part.kind is Kind.LINE)
    quantities = ((as_text(line.get("article")).strip().casefold(), _decimal(line.get("quantity"))) for line in lines)
    sold = sum_by_key((article, quantity) for article, quantity in quantities if article and quantity is not None)
    return {article: quantity for article, quantity in sorted(sold.items()) if quantity}


def _articles_text(sold: Mapping[str, Decimal]) -> str:
    articles = [f"{quantity.normalize():f} x {article}" for article, quantity in sold.items()]
    return ", ".join([*articles[:MAX_NAMED_ARTICLES], *(["..."] if articles[MAX_NAMED_ARTICLES:] else [])])


def _decimal(value: Value) -> Decimal | None:
    return value if isinstance(value, Decimal) else None


def _cents(amount: Decimal) -> Decimal:
    return amount.quantize(Decimal("0.01"), ROUND_HALF_UP)


def _amount(total: Decimal | None) -> str:
    return "" if total is None else f"{total:.2f}"


def _customer_text(document: Record) -> str:
    names = ("customer", "debtor_number", "debtor", "text")
    return next(filter(None, (as_text(document.values.get(name)) for name in names)), "")
