"""What the documents of the till come to, one by one, as its journals, reports and counts add them up.

What the interface leaves open is as the worked-out day of a till has it: a payment counts on its own day and comes with
the kind of document it pays for. A down payment on an order counts where it was taken at a workplace, and nothing is
sold by it: what a webshop was paid by its own provider is in no drawer.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from integration.sandbox.mplus.contract import WireFields, day_of
from integration.sandbox.mplus.desk import Desk
from integration.sandbox.mplus.documents import HouseDocument, Shelf
from integration.sandbox.mplus.sums import rounded

CASH: Final = "CASH"


@dataclass(frozen=True, slots=True)
class PaidTakings:
    """One payment: when, where, by which method, and how much."""

    day: date
    branch: int
    workplace: int
    method: str
    amount: int
    fields: WireFields


@dataclass(frozen=True, slots=True)
class BookedTakings:
    """One document as the journals count it; amounts in cents."""

    source: str
    day: date
    branch: int
    workplace: int
    lines: tuple[tuple[int, int, int, int], ...]  # turnover group, VAT code, with and without VAT
    vat: tuple[tuple[int, int, int], ...]  # VAT code, base and VAT
    costs: tuple[tuple[int, int, int], ...]  # turnover group, VAT code and purchase price, of lines that have one
    paid: tuple[PaidTakings, ...]
    fields: WireFields


class Takings:
    """Everything that was taken in, document by document; each is read once for every time it changes."""

    def __init__(self, desk: Desk, shelves: Mapping[str, Shelf]) -> None:
        self._desk = desk
        self._shelves = shelves
        self._known: dict[tuple[str, str], tuple[bytes, list[BookedTakings]]] = {}

    def documents(self, *sources: str) -> Iterator[BookedTakings]:
        """The documents of some sources, of all when none is named."""
        for source in sources or self._shelves:
            shelf = self._shelves.get(source)
            for document in shelf.documents.values() if shelf else ():
                if shelf and document.seen and not document.rehearsed:
                    yield from self._booked(source, shelf, document)

    def _booked(self, source: str, shelf: Shelf, document: HouseDocument) -> list[BookedTakings]:
        known = self._known.get((source, document.id))
        if known is None or known[0] is not document.seen:
            fields = self._desk.contract.reread(document.seen, shelf.kind.type)
            fresh = _prepaid(fields) if source == "ORDER" else [_whole(source, fields)]
            known = self._known[source, document.id] = (document.seen, fresh)
        return known[1]


def _prepaid(order: WireFields) -> list[BookedTakings]:
    """What was paid on an order at a counter; it counts, and the order does not."""
    day, branch, workplace = _day(order), order.number("financialBranchNumber"), order.number("workplaceNumber")
    taken = tuple(one for one in _payments(order) if one.fields.number("workplaceNumber"))
    return [BookedTakings("ORDER", day, branch, workplace, (), (), (), taken, order)] if taken else []


def _whole(source: str, fields: WireFields) -> BookedTakings:
    data = [line.child("data") for line in fields.child("lineList").children("line")]
    lines = (
        (
            each.number("turnoverGroup"),
            each.number("vatCode"),
            each.number("totalInclAmount"),
            each.number("totalExclAmount"),
        )
        for each in data
    )
    vat = (
        (each.number("vatCode"), each.number("exclAmount"), each.number("vatAmount"))
        for each in fields.child("vatGroupList").children("vatGroup")
    )
    return BookedTakings(
        source,
        _day(fields),
        fields.number("financialBranchNumber"),
        fields.number("workplaceNumber"),
        tuple(lines),
        tuple(vat),
        tuple((each.number("turnoverGroup"), each.number("vatCode"), _cost(each)) for each in data if _cost(each)),
        tuple(_payments(fields)),
        fields,
    )


def _cost(line: WireFields) -> int:
    """What the till paid for the goods of a line, in cents; 0 where it does not know."""
    return rounded(line.scaled("quantity", "decimalPlaces") * line.number("purchasePrice"))


def _payments(document: WireFields) -> Iterator[PaidTakings]:
    for each in document.child("paymentList").children("payment"):
        yield PaidTakings(
            day_of(each.child("financialDate")) or _day(document),
            each.number("branchNumber") or document.number("financialBranchNumber"),
            each.number("workplaceNumber") or document.number("workplaceNumber"),
            each.text("method"),
            each.number("amount"),
            each,
        )


def _day(document: WireFields) -> date:
    day = day_of(document.child("financialDate"))
    if day is None:
        raise LookupError("a document without a financial date")
    return day


def within(day: date, first: date | None, last: date | None) -> bool:
    """Whether a day lies in a period, which may be open at either end."""
    return (first is None or first <= day) and (last is None or day <= last)
