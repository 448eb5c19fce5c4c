"""Prevents double bookings of one sale that runs through several documents: order, invoice and receipt.

A document, its origins and the documents made from it are the same sale. Two part invoices of one order are not.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from itertools import chain as joined

from integration.core.booking_state import AskMade, AskStandings, BookingStage, BookingState
from integration.core.days.corrections import correction_lines, page_lines
from integration.core.issues import Issue, Skip
from integration.core.links import Link
from integration.core.records import Kind, Record, Value
from integration.core.rules import as_text
from integration.core.totals.categories import LineCategory, category_of
from integration.flows.deciding import KEEP, DecisionSubject, decision_mark, stored_decision
from integration.flows.orders.credits import CREDIT
from integration.flows.orders.latest_booking import document_of, newest_bookings
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
    """Return whether a document sells something; `groups` are the till's types of its turnover groups."""
    lines = [part.values for part in document.parts if part.kind is Kind.LINE]
    names = ("price_type", "turnover_type", "turnover_group")
    words = [tuple(as_text(line.get(name)) for name in names) for line in lines]
    return not lines or any(
        category_of(price, line, groups.get(group, "")) not in NO_SALE for price, line, group in words
    )


def ids(document: Record, name: str) -> tuple[str, ...]:
    """Return the documents that a document names under `orders` or `invoices`, without duplicates."""
    return _listed_in(document.values, name)


def _listed_in(values: Mapping[str, Value], name: str) -> tuple[str, ...]:
    found = values.get(name)
    return tuple(dict.fromkeys(filter(None, found))) if isinstance(found, tuple) else ()


def related(document: Record, groups: Mapping[str, str]) -> dict[str, Value]:
    """Return the stored facts of a booked document: related documents of the same sale, and where it was sold."""
    told: dict[str, Value] = _told(document) if is_sale(document, groups) else {}
    told["sold_on"] = _sold_on(document)
    told[BESIDE] = _beside_which(document)
    return {name: found for name, found in told.items() if found}


def _told(document: Record) -> dict[str, Value]:
    """Return the origins of a document and the documents made from it; invoices are origins of a receipt too."""
    orders, invoices = (_listed_in(document.values, name) for name in ("orders", "invoices"))
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
    if waits := next((one for one in every if one.where is BookingStage.DOUBTFUL), None):
        return _waits(document, waits)
    there = [one for one in every if one.where is BookingStage.BOOKED]
    if not sending:
        there += [one for one in chain.before if one.where is BookingStage.PLANNED]
    there = [one for one in there if not _is_opposite(document, one)]
    if there and _covers(document, there, limit):
        return _is_there(document, there)
    if not sending:
        held_up = [one for one in chain.before if one.where is BookingStage.WAITING]
        held_up += [one for one in chain.before if one.where is BookingStage.PARKED and one.key in taking_part]
        if held_up:
            return _waits(document, held_up[0])
    return _partly(document, there) if there else None


def _is_opposite(document: Record, other: BookingState) -> bool:
    """Return whether one of the two reverses the other; then they are not the same sale."""
    total = _total(document)
    return total is not None and other.sold is not None and total * other.sold < 0


def _total(document: Record) -> Decimal | None:
    """Return the total of a till document, or of a booking made from one."""
    told = (document.values.get(name) for name in ("total_incl", "sold_incl"))
    return next((one for one in told if isinstance(one, Decimal)), None)


def _covers(document: Record, there: Sequence[BookingState], limit: Decimal) -> bool:
    """Return whether the booked total is at least that of a document; an unknown total counts as covering it."""
    total, sums = _total(document), [one.sold for one in there]
    if total is None or None in sums:
        return True
    return abs(sum((one for one in sums if one is not None), Decimal(0))) + limit >= abs(total)


def waits_for(document: Record, other: str) -> Issue:
    """Return the issue that a document waits for another one of the same sale."""
    return Issue("sale_waits", document.key, "", _facts(document, other))


def _facts(document: Record, other: str) -> dict[str, str]:
    title = as_text(document.values.get("number")).strip() or document.key
    return {"key": title, "document": title, "other": other, "system": BOOKS.system}


def _waits(document: Record, other: BookingState) -> Issue:
    return waits_for(document, _name(other))


def _is_there(document: Record, there: Sequence[BookingState]) -> Skip:
    booked = next((one for one in there if one.where is BookingStage.BOOKED), None)
    if booked is None:
        return Skip("sale_planned", document.key, _facts(document, _name(there[0])))
    facts = {**_facts(document, _name(booked)), "reference": booked.reference}
    return Skip("sale_booked", document.key, facts)


def _partly(document: Record, there: Sequence[BookingState]) -> Issue:
    return Issue("sale_partly_booked", document.key, "", _amounts(document, there))


def _amounts(document: Record, there: Sequence[BookingState]) -> dict[str, str]:
    booked = sum((one.sold or Decimal(0) for one in there), Decimal(0))
    amounts = {"booked": f"{booked:f}", "amount": as_text(_total(document))}
    return _facts(document, ", ".join(map(_name, there))) | amounts


def _name(one: BookingState) -> str:
    return one.title or one.key


# ---- an invoice and a receipt of one order


def _beside_which(document: Record) -> str:
    """Return the other documents in addition to which a person decided to book the current state of a document."""
    if BESIDE in document.values:
        return as_text(document.values[BESIDE])
    option, _, mark = as_text(document.values.get(DecisionSubject.BESIDE)).partition(" ")
    digest, _, others = mark.partition(".")
    return others if option == BESIDE and digest == decision_mark(document) else ""


def _is_receipt(number: str) -> bool:
    """Return whether a number is that of a receipt: only receipt numbers include branch and workplace."""
    read = DocumentNumber.read(Kind.RECEIPT, number)
    return read is not None and bool(read.branch or read.workplace)


def _number(document: Record) -> str:
    return as_text(document.values.get("number")).strip()


def of_other_sort(document: Record, siblings: Sequence[BookingState]) -> bool:
    """Return whether one of the siblings is an invoice and this is a receipt, or the other way round."""
    mine = _is_receipt(_number(document))
    return any(one.may_be_there and _is_receipt(one.title) is not mine for one in siblings)


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
    if waits := next((one for one in siblings if one.where is BookingStage.DOUBTFUL), None):
        return _waits(document, waits)
    sums = [one.sold for one in siblings]
    booked = sum((one for one in sums if one is not None), Decimal(0))
    if ordered is not None and None not in sums and booked + total <= ordered + limit:
        return None
    others = "+".join(sorted(one.key.replace(" ", "") for one in siblings))
    if _beside_which(document) == others:
        return None
    if document.kind not in (Kind.INVOICE, Kind.RECEIPT):  # a booking; the next plan asks about its document
        return _waits(document, siblings[0])
    mark = decision_mark(document, others)
    if stored_decision(document, DecisionSubject.BESIDE, mark, WAYS).option == KEEP:
        return _is_there(document, siblings)
    facts = _amounts(document, siblings) | {"source": str(document.kind), "mark": mark}
    return Issue("sale_beyond_order", document.key, DecisionSubject.BESIDE, facts)


# ---- the pages of days


def _sold_on(document: Record) -> str:
    """Return the day and branch of a sale, in the form of a day page key; empty for an order."""
    if told := as_text(document.values.get("sold_on")):
        return told
    day, branch = document.values.get("date"), as_text(document.values.get("branch"))
    is_sale = document.kind in (Kind.INVOICE, Kind.RECEIPT) and isinstance(day, date) and branch
    return f"{day}/{branch}" if is_sale else ""


def in_day(document: Record, pages: Sequence[Record]) -> Skip | None:
    """Return why a document is not booked separately: it is in a page of its day. None if it is in no page.

    A day that was reversed completely contains no documents.
    """
    if not _hold_something(pages):
        return None
    number = as_text(document.values.get("number")).strip() or document.key
    for page in pages:
        if document.key in _inside(page) or number in _numbers(page):
            facts = {
                "key": number,
                "document": number,
                "system": BOOKS.system,
                "day": as_text(page.values.get("number")),
            }
            return Skip("sale_in_day", document.key, facts | {"reference": as_text(page.values.get("reference"))})
    return None


def day_share(document: Record) -> str:
    """Return what a page stores about a document in it: key, number, total, and the orders it was made from."""
    total = _total(document)
    return "|".join((document.key, _number(document), "" if total is None else f"{total:f}", *ids(document, "orders")))


def documents_in_page(page: Record) -> list[Record]:
    """Return the documents in a page for which the page stores a share: invoices, and documents made from orders."""
    found: list[Record] = []
    for key, number, total, *orders in (told.split("|") for told in _listed_in(page.values, "shares")):
        sold: dict[str, Value] = {"total_incl": Decimal(total)} if total else {}
        kind = Kind.RECEIPT if _is_receipt(number) else Kind.INVOICE
        found.append(Record(kind, key, {"number": number, "orders": tuple(orders), **sold}))
    return found


def _shares(pages: Sequence[Record], key: str) -> dict[str, BookingState]:
    """Return the documents made from a document, and itself, that are in the pages, unless these were reversed."""
    found: dict[str, BookingState] = {}
    for page in pages if _hold_something(pages) else ():
        for one in documents_in_page(page):
            if key == one.key or key in ids(one, "orders"):
                reference = as_text(page.values.get("reference"))
                told = (_number(one), reference, _total(one), page.kind, one.values)
                found[one.key] = BookingState(one.key, BookingStage.BOOKED, *told)
    return found


def _with_pages(document: Record, chain: Chain, days: Mapping[str, Sequence[Record]], before: Sequence[str]) -> Chain:
    """Return a chain extended with the origins and derived documents that are in day pages."""
    known = {document.key, *(one.key for one in (*chain.before, *chain.after))}
    there = [_shares(days.get(key, ()), key).get(key) for key in before if key not in known]
    made = _shares(days.get(document.key, ()), document.key)
    after = (one for key, one in made.items() if key not in known)
    return Chain((*chain.before, *filter(None, there)), (*chain.after, *after))


def _agreed(pages: Sequence[Link]) -> list[Record]:
    return [page.agreed for page in pages if page.agreed]


def _hold_something(pages: Sequence[Record]) -> bool:
    return bool(correction_lines((), [line for page in pages for line in page_lines(page)]))


def _inside(page: Record) -> tuple[str, ...]:
    return (*_listed_in(page.values, "sold"), *_listed_in(page.values, "orders"))


def _numbers(page: Record) -> set[str]:
    """Return the document numbers in a page of an older version, which stored no document keys."""
    if "sold" in page.values:
        return set()
    return {number for part in page.parts for number in _listed_in(part.values, "documents")}


# ---- queries


def active_bookings(ask: AskStandings, keys: Collection[str], *, surely: bool = False) -> dict[str, BookingState]:
    """Return the booking state of each document by its latest booking; credited documents are left out.

    With `surely`, documents whose credit is in doubt are left out as well.
    """
    takes_back = (BookingStage.BOOKED, BookingStage.DOUBTFUL) if surely else (BookingStage.BOOKED,)
    found = newest_bookings(keys, ask, lambda one: one.where in takes_back)
    return {key: replace(one.latest, key=key) for key, one in found.items() if not one.is_taken_back}


@dataclass(frozen=True, slots=True)
class ChainQueries:
    """Queries of the chains: booking states, documents made from an order, and booked day pages.

    `days` returns the pages of these days and branches, and the pages with sales of these orders. `orders` returns
    these orders as the till has them now.
    """

    standings: AskStandings = field(default=lambda _: {})
    made_of: AskMade = field(default=lambda _: {})
    days: Callable[[Collection[str]], Mapping[str, Sequence[Link]]] = field(default=lambda _: {})
    orders: Callable[[Collection[str]], Sequence[Record]] = field(default=lambda _: ())


NOBODY_ASKED = ChainQueries()


class Chains:
    """Determines whether the sales of documents are booked through other documents, with batched queries."""

    def __init__(self, asks: ChainQueries, kinds: Collection[Kind], groups: Mapping[str, str], limit: Decimal) -> None:
        """Take the queries and settings.

        `kinds` are the till kinds that take part, `groups` the till's types of its turnover groups. `limit` is the
        amount by which a document may exceed what is booked of it.
        """
        self._asks = asks
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
        sales = [one for one in documents if one.kind not in NO_SALES_OF and CREDIT not in one.key]
        if not sales:
            return {}
        documents_ = {one.key: document_of(one.key) for one in sales}  # later bookings have their own keys
        told = {one.key: self.related(one) for one in sales}
        before = {key: _listed_in(told[key], "orders") for key in told}
        asked = self._asks.made_of(sorted({*documents_.values(), *joined(*before.values())}))
        made = {order: {document_of(key) for key in keys} for order, keys in asked.items()}
        after = {  # without duplicates: order and invoice may name each other
            key: tuple(dict.fromkeys((*_listed_in(told[key], "invoices"), *sorted(made.get(documents_[key], ())))))
            for key in told
        }
        siblings = {
            key: set().union(*(made.get(order, ()) for order in before[key])) - {documents_[key], *after[key]}
            for key in told
        }
        named = {key for some in (before, after, siblings) for keys in some.values() for key in keys} | set(
            documents_.values() if sending else ()
        )
        where = active_bookings(self._asks.standings, sorted(named)) if named else {}
        asked_days = {key for one in sales for key in (one.key, _sold_on(one), *before[one.key]) if key}
        days = self._asks.days(sorted(asked_days))
        agreed = {key: _agreed(there) for key, there in days.items()}
        taking_part = where.keys() if Kind.ORDER in self._kinds else ()
        found: dict[str, Verdict] = {}
        for one in sales:
            chain = Chain(*(tuple(where[key] for key in some[one.key] if key in where) for some in (before, after)))
            chain = _with_pages(one, chain, agreed, before[one.key])
            own = where.get(documents_[one.key]) if sending else None
            if own is not None and own.where is BookingStage.BOOKED and own.kind is not one.kind:
                chain = Chain((own,))
            pages = [page for key in (one.key, _sold_on(one)) for page in days.get(key, ())]
            said = not_booked_because(one, chain, taking_part, self._limit, sending=sending)
            of_orders = [page for order in before[one.key] for page in days.get(order, ())]
            if said is None and (
                doubtful := next((page for page in (*pages, *of_orders) if page.agreed is None), None)
            ):
                said = waits_for(one, doubtful.key)
            if not isinstance(said, Issue):
                said = in_day(one, _agreed(pages)) or said
            if said is not None:
                found[one.key] = said
        rest = {one.key: [where[key] for key in sorted(siblings[one.key]) if key in where] for one in sales}
        for one in sales:
            for order in before[one.key]:
                found_in = _shares(agreed.get(order, ()), order)
                known = {documents_[one.key], *before[one.key], *after[one.key], *(each.key for each in rest[one.key])}
                rest[one.key] += [found_in[key] for key in sorted(found_in.keys() - known)]
        left = [one for one in sales if one.key not in found and of_other_sort(one, rest[one.key])]
        return found | self._beyond_orders({one.key: (one, rest[one.key]) for one in left})

    def _beyond_orders(self, documents: Mapping[str, tuple[Record, Sequence[BookingState]]]) -> dict[str, Verdict]:
        """Return the documents that, with documents of the other type, exceed the total of their orders."""
        if not documents:
            return {}
        orders = {
            key: {*ids(one, "orders"), *joined(*(_listed_in(each.values, "orders") for each in siblings))}
            for key, (one, siblings) in documents.items()
        }
        totals = {one.key: _total(one) for one in self._asks.orders(sorted(set().union(*orders.values())))}
        found: dict[str, Verdict] = {}
        for key, (one, siblings) in documents.items():
            sums = [totals.get(order) for order in orders[key]]
            known = [each for each in sums if each is not None]
            ordered = sum(known, Decimal(0)) if len(known) == len(sums) else None
            if said := more_than_ordered(one, siblings, ordered, self._limit):
                found[key] = said
        return found

    def beyond_orders(self, page: Record) -> list[Issue]:
        """Return the sales in a day page that exceed their order, together with separately booked documents."""
        found = self.verdicts_of(documents_in_page(page)).values()
        return [one for one in found if isinstance(one, Issue) and one.cause == "sale_beyond_order"]

    def booked_or_planned(self, sales: Collection[str]) -> set[str]:
        """Return which of these sales are booked or planned earlier, as any document or in a day."""
        made = self._asks.made_of(list(sales)) if sales else {}
        documents = {sale: {sale, *map(document_of, made.get(sale, ()))} for sale in sales}
        where = active_bookings(self._asks.standings, sorted(set().union(*documents.values()))) if sales else {}
        there = {key for key, one in where.items() if one.where in (BookingStage.BOOKED, BookingStage.PLANNED)}
        days = [_agreed(found) for found in self._asks.days(list(sales)).values()]
        in_days = {key for pages in days if _hold_something(pages) for page in pages for key in _inside(page)}
        return {sale for sale, keys in documents.items() if sale in in_days or not there.isdisjoint(keys)}

    def excluded_bookings(self, bookings: Sequence[Record], *, sending: bool) -> dict[str, Verdict]:
        """Return which of these bookings are not made, with the reason; see `of`.

        A placeholder booking whose sale is not in the plan as another document has to wait.
        """
        waiting = {
            one.key: waits_for(one, as_text(one.values[SAME_SALE])) for one in bookings if SAME_SALE in one.values
        }
        return waiting | self.verdicts_of(bookings, sending=sending)
