"""Prevents double bookings of one sale that runs through several documents: order, invoice and receipt.

A document, its origins and the documents made from it are the same sale. Two part invoices of one order are not.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from itertools import chain as joined

from integration.core.booking_state import BookingStage, BookingState, BookingStateQuery, DerivedDocumentsQuery
from integration.core.days.corrections import correction_lines, page_lines
from integration.core.issues import Issue, Skip
from integration.core.links import Link
from integration.core.records import Kind, Record, Value
from integration.core.rules import as_text
from integration.core.totals.categories import LineCategory, category_of
from integration.flows.deciding import KEEP, DecisionSubject, decision_mark, stored_decision
from integration.flows.orders.credits import CREDIT
from integration.flows.orders.latest_booking import document_of, newest_bookings
from integration.flows.orders.outcomes import document_title
from integration.flows.orders.references import DocumentNumber
from integration.flows.settings import BOOKS

Verdict = Issue | Skip
# Line categories of receipts that sell nothing: they pay for an earlier sale, or only move money.
NO_SALE = frozenset({LineCategory.PAYMENT, LineCategory.DOWN_PAYMENT, LineCategory.CASH_IN, LineCategory.CASH_OUT})
BESIDE = "beside"  # book a document as a separate sale, in addition to other documents of its orders
WAYS = (KEEP, BESIDE)
SAME_SALE = "same_sale"  # field of a placeholder booking: the document that has its sale
NO_SALES_OF = (Kind.PROPOSAL, Kind.QUOTATION)


def is_sale(document: Record, groups: Mapping[str, str]) -> bool:
    """Return True if a document sells something; `groups` are the till's types of its turnover groups."""
    lines = [part.values for part in document.parts if part.kind is Kind.LINE]
    names = ("price_type", "turnover_type", "turnover_group")
    words = [tuple(as_text(line.get(name)) for name in names) for line in lines]
    return not lines or any(
        category_of(price, line, groups.get(group, "")) not in NO_SALE for price, line, group in words
    )


def ids(document: Record, name: str) -> tuple[str, ...]:
    """Return the documents that a document names under `orders` or `invoices`, without duplicates."""
    return _keys_in(document.values, name)


def _keys_in(values: Mapping[str, Value], name: str) -> tuple[str, ...]:
    keys = values.get(name)
    return tuple(dict.fromkeys(filter(None, keys))) if isinstance(keys, tuple) else ()


def related(document: Record, groups: Mapping[str, str]) -> dict[str, Value]:
    """Return the stored facts of a booked document: related documents of the same sale, and where it was sold."""
    facts: dict[str, Value] = _related_documents(document) if is_sale(document, groups) else {}
    facts["sold_on"] = _day_and_branch(document)
    facts[BESIDE] = _confirmed_documents(document)
    return {name: value for name, value in facts.items() if value}


def _related_documents(document: Record) -> dict[str, Value]:
    """Return the origins of a document and the documents made from it; invoices are origins of a receipt too."""
    orders, invoices = (_keys_in(document.values, name) for name in ("orders", "invoices"))
    return (
        {"orders": (*orders, *invoices)} if document.kind is Kind.RECEIPT else {"orders": orders, "invoices": invoices}
    )


@dataclass(frozen=True, slots=True)
class Chain:
    """The documents that are the same sale as one document: its origins, and the documents made from it."""

    before: tuple[BookingState, ...] = ()
    after: tuple[BookingState, ...] = ()


def not_booked_because(
    document: Record, chain: Chain, taking_part: Collection[str], limit: Decimal = Decimal(0), *, sending: bool = False
) -> Verdict | None:
    """Return why an unbooked document is not booked separately, or None if it may be.

    `taking_part` are the origins that take part under the current settings; a document does not wait for others. A
    booked document covers this one if its total is at least as high, within `limit`. With `sending`, only documents
    that are or may be in the books count.
    """
    every = (*chain.before, *chain.after)
    if waits := next((booking for booking in every if booking.stage is BookingStage.DOUBTFUL), None):
        return _waiting_issue(document, waits)
    booked = [booking for booking in every if booking.stage is BookingStage.BOOKED]
    if not sending:
        booked += [booking for booking in chain.before if booking.stage is BookingStage.PLANNED]
    booked = [booking for booking in booked if not _is_opposite(document, booking)]
    if booked and _covers(document, booked, limit):
        return _booked_skip(document, booked)
    if not sending:
        held_up = [booking for booking in chain.before if booking.stage is BookingStage.WAITING]
        held_up += [
            booking for booking in chain.before if booking.stage is BookingStage.PARKED and booking.key in taking_part
        ]
        if held_up:
            return _waiting_issue(document, held_up[0])
    return Issue("sale_partly_booked", document.key, "", _amounts(document, booked)) if booked else None


def _is_opposite(document: Record, other: BookingState) -> bool:
    """Return True if one of the two reverses the other; then they are not the same sale."""
    total = _total(document)
    return total is not None and other.sold is not None and total * other.sold < 0


def _total(document: Record) -> Decimal | None:
    """Return the total of a till document, or of a booking made from one."""
    totals = (document.values.get(name) for name in ("total_incl", "sold_incl"))
    return next((total for total in totals if isinstance(total, Decimal)), None)


def _covers(document: Record, bookings: Sequence[BookingState], limit: Decimal) -> bool:
    """Return True if the booked total is at least that of a document; an unknown total counts as covering it."""
    total, sums = _total(document), [booking.sold for booking in bookings]
    if total is None or None in sums:
        return True
    return abs(sum((amount for amount in sums if amount is not None), Decimal(0))) + limit >= abs(total)


def waits_for(document: Record, other: str) -> Issue:
    """Return the issue that a document waits for another one of the same sale."""
    return Issue("sale_waits", document.key, "", _facts(document, other))


def _facts(document: Record, other: str) -> dict[str, str]:
    title = document_title(document)
    return {"key": title, "document": title, "other": other, "system": BOOKS.system}


def _waiting_issue(document: Record, other: BookingState) -> Issue:
    return waits_for(document, _name(other))


def _booked_skip(document: Record, bookings: Sequence[BookingState]) -> Skip:
    booked = next((booking for booking in bookings if booking.stage is BookingStage.BOOKED), None)
    if booked is None:
        return Skip("sale_planned", document.key, _facts(document, _name(bookings[0])))
    facts = {**_facts(document, _name(booked)), "reference": booked.reference}
    return Skip("sale_booked", document.key, facts)


def _amounts(document: Record, bookings: Sequence[BookingState]) -> dict[str, str]:
    booked = sum((booking.sold or Decimal(0) for booking in bookings), Decimal(0))
    amounts = {"booked": f"{booked:f}", "amount": as_text(_total(document))}
    return _facts(document, ", ".join(map(_name, bookings))) | amounts


def _name(booking: BookingState) -> str:
    return booking.title or booking.key


# ---- an invoice and a receipt of one order


def _confirmed_documents(document: Record) -> str:
    """Return the keys of the other documents beside which a person decided to book this document."""
    if BESIDE in document.values:
        return as_text(document.values[BESIDE])
    option, _, mark = as_text(document.values.get(DecisionSubject.BESIDE)).partition(" ")
    digest, _, others = mark.partition(".")
    return others if option == BESIDE and digest == decision_mark(document) else ""


def _is_receipt(number: str) -> bool:
    """Return True if a number is that of a receipt: only receipt numbers include branch and workplace."""
    parsed = DocumentNumber.read(Kind.RECEIPT, number)
    return parsed is not None and bool(parsed.branch or parsed.workplace)


def _number(document: Record) -> str:
    return as_text(document.values.get("number")).strip()


def is_of_other_document_type(document: Record, siblings: Sequence[BookingState]) -> bool:
    """Return True if one of the siblings is an invoice and this is a receipt, or the other way round."""
    is_receipt = _is_receipt(_number(document))
    return any(sibling.may_be_there and _is_receipt(sibling.title) is not is_receipt for sibling in siblings)


def more_than_ordered(
    document: Record, siblings: Sequence[BookingState], ordered: Decimal | None, limit: Decimal
) -> Verdict | None:
    """Return why a document waits if its total and those of other documents of its orders exceed the `ordered` total.

    Part deliveries are separate sales. Whether one delivery was both invoiced and rung up cannot be determined, so a
    person decides for this state of the document and these other documents.
    """
    total = _total(document)
    if total is None or total <= 0:
        return None
    if waits := next((sibling for sibling in siblings if sibling.stage is BookingStage.DOUBTFUL), None):
        return _waiting_issue(document, waits)
    sums = [sibling.sold for sibling in siblings]
    booked = sum((amount for amount in sums if amount is not None), Decimal(0))
    if ordered is not None and None not in sums and booked + total <= ordered + limit:
        return None
    others = "+".join(sorted(sibling.key.replace(" ", "") for sibling in siblings))
    if _confirmed_documents(document) == others:
        return None
    if document.kind not in (Kind.INVOICE, Kind.RECEIPT):  # a booking; the next plan asks about its document
        return _waiting_issue(document, siblings[0])
    mark = decision_mark(document, others)
    if stored_decision(document, DecisionSubject.BESIDE, mark, WAYS).option == KEEP:
        return _booked_skip(document, siblings)
    facts = _amounts(document, siblings) | {"source": str(document.kind), "mark": mark}
    return Issue("sale_beyond_order", document.key, DecisionSubject.BESIDE, facts)


# ---- the pages of days


def _day_and_branch(document: Record) -> str:
    """Return the day and branch of a sale, in the form of a day page key; empty for an order."""
    if value := as_text(document.values.get("sold_on")):
        return value
    day, branch = document.values.get("date"), as_text(document.values.get("branch"))
    is_sale = document.kind in (Kind.INVOICE, Kind.RECEIPT) and isinstance(day, date) and branch
    return f"{day}/{branch}" if is_sale else ""


def in_day(document: Record, pages: Sequence[Record]) -> Skip | None:
    """Return why a document is not booked separately: it is in a page of its day. None if it is in no page.

    A day that was reversed completely contains no documents.
    """
    if not _have_postings(pages):
        return None
    number = document_title(document)
    for page in pages:
        if document.key in _document_keys(page):
            facts = {
                "key": number,
                "document": number,
                "system": BOOKS.system,
                "day": as_text(page.values.get("number")),
            }
            return Skip("sale_in_day", document.key, facts | {"reference": as_text(page.values.get("reference"))})
    return None


def day_share(document: Record) -> str:
    """Return the data that a page stores about a document in it: key, number, total, and its source orders."""
    total = _total(document)
    return "|".join((document.key, _number(document), "" if total is None else f"{total:f}", *ids(document, "orders")))


def documents_in_page(page: Record) -> list[Record]:
    """Return the documents in a page for which the page stores a share: invoices, and documents made from orders."""
    documents: list[Record] = []
    for key, number, total, *orders in (share.split("|") for share in _keys_in(page.values, "shares")):
        sold: dict[str, Value] = {"total_incl": Decimal(total)} if total else {}
        kind = Kind.RECEIPT if _is_receipt(number) else Kind.INVOICE
        documents.append(Record(kind, key, {"number": number, "orders": tuple(orders), **sold}))
    return documents


def _shares(pages: Sequence[Record], key: str) -> dict[str, BookingState]:
    """Return the documents made from a document, and itself, that are in the pages, unless these were reversed."""
    bookings: dict[str, BookingState] = {}
    for page in pages if _have_postings(pages) else ():
        for document in documents_in_page(page):
            if key == document.key or key in ids(document, "orders"):
                reference = as_text(page.values.get("reference"))
                details = (_number(document), reference, _total(document), page.kind, document.values)
                bookings[document.key] = BookingState(document.key, BookingStage.BOOKED, *details)
    return bookings


def _with_day_pages(
    document: Record, chain: Chain, days: Mapping[str, Sequence[Record]], before: Sequence[str]
) -> Chain:
    """Return a chain extended with the origins and derived documents that are in day pages."""
    known_keys = {document.key, *(booking.key for booking in (*chain.before, *chain.after))}
    origins = [_shares(days.get(key, ()), key).get(key) for key in before if key not in known_keys]
    derived = _shares(days.get(document.key, ()), document.key)
    after = (booking for key, booking in derived.items() if key not in known_keys)
    return Chain((*chain.before, *filter(None, origins)), (*chain.after, *after))


def _agreed_pages(pages: Sequence[Link]) -> list[Record]:
    return [page.agreed for page in pages if page.agreed]


def _have_postings(pages: Sequence[Record]) -> bool:
    return bool(correction_lines((), [line for page in pages for line in page_lines(page)]))


def _document_keys(page: Record) -> tuple[str, ...]:
    return (*_keys_in(page.values, "sold"), *_keys_in(page.values, "orders"))


# ---- queries


def active_bookings(ask: BookingStateQuery, keys: Collection[str]) -> dict[str, BookingState]:
    """Return the booking state of each document by its latest booking; credited documents are left out."""
    latest_bookings = newest_bookings(keys, ask, lambda booking: booking.stage is BookingStage.BOOKED)
    return {
        key: replace(booking.latest, key=key) for key, booking in latest_bookings.items() if not booking.is_reversed
    }


@dataclass(frozen=True, slots=True)
class ChainQueries:
    """Queries of the chains: booking states, documents made from an order, and booked day pages.

    `days` returns the pages of these days and branches, and the pages with sales of these orders. `orders` returns
    these orders as the till has them now.
    """

    booking_states: BookingStateQuery = field(default=lambda _: {})
    derived_documents: DerivedDocumentsQuery = field(default=lambda _: {})
    days: Callable[[Collection[str]], Mapping[str, Sequence[Link]]] = field(default=lambda _: {})
    orders: Callable[[Collection[str]], Sequence[Record]] = field(default=lambda _: ())


NO_CHAIN_QUERIES = ChainQueries()


class Chains:
    """Determines whether the sales of documents are booked through other documents, with batched queries."""

    def __init__(self, asks: ChainQueries, kinds: Collection[Kind], groups: Mapping[str, str], limit: Decimal) -> None:
        """Take the queries and settings.

        `kinds` are the till kinds that take part, `groups` the till's types of its turnover groups. `limit` is the
        amount by which a document may exceed what is booked of it.
        """
        self._queries = asks
        self._kinds = kinds
        self._groups = groups
        self._limit = limit

    def related(self, document: Record) -> dict[str, Value]:
        """Return the stored facts of a booked document; see `related`."""
        return related(document, self._groups)

    def verdicts_of(self, documents: Sequence[Record], *, sending: bool = False) -> dict[str, Verdict]:
        """Return which of these documents are not booked separately, with the reason.

        They are till documents, or bookings made from them. Proposals and credits are left out. With `sending`, the
        document itself is looked up too, because it may be booked as another kind.
        """
        sales = [document for document in documents if document.kind not in NO_SALES_OF and CREDIT not in document.key]
        if not sales:
            return {}
        documents_ = {
            document.key: document_of(document.key) for document in sales
        }  # later bookings have their own keys
        facts = {document.key: self.related(document) for document in sales}
        before = {key: _keys_in(facts[key], "orders") for key in facts}
        derived_bookings = self._queries.derived_documents(sorted({*documents_.values(), *joined(*before.values())}))
        derived = {order: {document_of(key) for key in keys} for order, keys in derived_bookings.items()}
        after = {  # without duplicates: order and invoice may name each other
            key: tuple(dict.fromkeys((*_keys_in(facts[key], "invoices"), *sorted(derived.get(documents_[key], ())))))
            for key in facts
        }
        siblings = {
            key: set().union(*(derived.get(order, ()) for order in before[key])) - {documents_[key], *after[key]}
            for key in facts
        }
        related_keys = {key for by_key in (before, after, siblings) for keys in by_key.values() for key in keys} | set(
            documents_.values() if sending else ()
        )
        bookings = active_bookings(self._queries.booking_states, sorted(related_keys)) if related_keys else {}
        asked_days = {
            key for document in sales for key in (document.key, _day_and_branch(document), *before[document.key]) if key
        }
        days = self._queries.days(sorted(asked_days))
        agreed = {key: _agreed_pages(pages) for key, pages in days.items()}
        taking_part = bookings.keys() if Kind.ORDER in self._kinds else ()
        verdicts: dict[str, Verdict] = {}
        for document in sales:
            chain = Chain(
                *(tuple(bookings[key] for key in by_key[document.key] if key in bookings) for by_key in (before, after))
            )
            chain = _with_day_pages(document, chain, agreed, before[document.key])
            own = bookings.get(documents_[document.key]) if sending else None
            if own is not None and own.stage is BookingStage.BOOKED and own.kind is not document.kind:
                chain = Chain((own,))
            pages = [page for key in (document.key, _day_and_branch(document)) for page in days.get(key, ())]
            verdict = not_booked_because(document, chain, taking_part, self._limit, sending=sending)
            of_orders = [page for order in before[document.key] for page in days.get(order, ())]
            if verdict is None and (
                doubtful := next((page for page in (*pages, *of_orders) if page.agreed is None), None)
            ):
                verdict = waits_for(document, doubtful.key)
            if not isinstance(verdict, Issue):
                verdict = in_day(document, _agreed_pages(pages)) or verdict
            if verdict is not None:
                verdicts[document.key] = verdict
        rest = {
            document.key: [bookings[key] for key in sorted(siblings[document.key]) if key in bookings]
            for document in sales
        }
        for document in sales:
            for order in before[document.key]:
                found_in = _shares(agreed.get(order, ()), order)
                known_keys = {
                    documents_[document.key],
                    *before[document.key],
                    *after[document.key],
                    *(booking.key for booking in rest[document.key]),
                }
                rest[document.key] += [found_in[key] for key in sorted(found_in.keys() - known_keys)]
        undecided = [
            document
            for document in sales
            if document.key not in verdicts and is_of_other_document_type(document, rest[document.key])
        ]
        return verdicts | self._beyond_orders({document.key: (document, rest[document.key]) for document in undecided})

    def _beyond_orders(self, documents: Mapping[str, tuple[Record, Sequence[BookingState]]]) -> dict[str, Verdict]:
        """Return the documents that, with documents of the other type, exceed the total of their orders."""
        if not documents:
            return {}
        orders = {
            key: {*ids(document, "orders"), *joined(*(_keys_in(booking.values, "orders") for booking in siblings))}
            for key, (document, siblings) in documents.items()
        }
        totals = {order.key: _total(order) for order in self._queries.orders(sorted(set().union(*orders.values())))}
        verdicts: dict[str, Verdict] = {}
        for key, (document, siblings) in documents.items():
            sums = [totals.get(order) for order in orders[key]]
            known_totals = [total for total in sums if total is not None]
            ordered = sum(known_totals, Decimal(0)) if len(known_totals) == len(sums) else None
            if verdict := more_than_ordered(document, siblings, ordered, self._limit):
                verdicts[key] = verdict
        return verdicts

    def beyond_orders(self, page: Record) -> list[Issue]:
        """Return the sales in a day page that exceed their order, together with separately booked documents."""
        verdicts = self.verdicts_of(documents_in_page(page)).values()
        return [verdict for verdict in verdicts if isinstance(verdict, Issue) and verdict.cause == "sale_beyond_order"]

    def booked_or_planned(self, sales: Collection[str]) -> set[str]:
        """Return which of these sales are booked or planned earlier, as any document or in a day."""
        derived = self._queries.derived_documents(list(sales)) if sales else {}
        documents = {sale: {sale, *map(document_of, derived.get(sale, ()))} for sale in sales}
        bookings = (
            active_bookings(self._queries.booking_states, sorted(set().union(*documents.values()))) if sales else {}
        )
        booked = {
            key for key, booking in bookings.items() if booking.stage in (BookingStage.BOOKED, BookingStage.PLANNED)
        }
        days = [_agreed_pages(pages) for pages in self._queries.days(list(sales)).values()]
        in_days = {key for pages in days if _have_postings(pages) for page in pages for key in _document_keys(page)}
        return {sale for sale, keys in documents.items() if sale in in_days or not booked.isdisjoint(keys)}

    def excluded_bookings(self, bookings: Sequence[Record], *, sending: bool) -> dict[str, Verdict]:
        """Return which of these bookings are not made, with the reason; see `verdicts_of`.

        A placeholder booking whose sale is not in the plan as another document has to wait.
        """
        waiting = {
            booking.key: waits_for(booking, as_text(booking.values[SAME_SALE]))
            for booking in bookings
            if SAME_SALE in booking.values
        }
        return waiting | self.verdicts_of(bookings, sending=sending)
