"""Stock per branch and article: read, set, changed and corrected. Every booking has the next stockId."""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from functools import partial

from integration.sandbox.mplus.catalogue import Catalogue, moment_of
from integration.sandbox.mplus.context import Handler, Reference, TillContext
from integration.sandbox.mplus.contract import WireFields
from integration.sandbox.mplus.documents import DocumentKind

Place = tuple[int, int]
ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Booking:
    """One change of the stock of an article in a branch."""

    number: int
    at: datetime
    branch: int
    article: int
    changed: Decimal
    before: Decimal
    type: str
    reference: tuple[tuple[str, object], ...] = ()

    @property
    def new_stock(self) -> Decimal:
        """Stock after the booking."""
        return self.before + self.changed


class Stock:
    """Stock of all branches."""

    def __init__(
        self,
        context: TillContext,
        reference: Reference,
        catalogue: Catalogue,
        reserved: Callable[[], dict[Place, Decimal]],
    ) -> None:
        self._context = context
        self._reference = reference
        self._catalogue = catalogue
        self._reserved = reserved
        self.bookings: list[Booking] = []
        self._latest_bookings: dict[Place, Booking] = {}
        self._hidden_bookings: dict[Place, tuple[float, Booking | None]] = {}

    def operations(self) -> dict[str, Handler]:
        return {
            "getStock": self._get,
            "getStockHistory": lambda request: self._history(request.child("request")),
            "getStockHistoryV2": lambda request: self._history(request.child("request")),
            "setStock": lambda request: self._set(request.child("request")),
            "updateStock": lambda request: self._update(request.child("request")),
            "saveStockCorrections": lambda request: self._correct(request.child("request")),
        }

    @property
    def last_stock_id(self) -> int:
        """Highest stockId."""
        return self.bookings[-1].number if self.bookings else 0

    def free(self, branch: int, article: int) -> Decimal:
        """Return the quantity that can be sold now."""
        return self._physical(branch, article) - self._reserved().get((branch, article), ZERO)

    def set_level(self, branch: int, article: int, amount: Decimal, type_: str = "STOCK-HISTORY-TYPE-API") -> Booking:
        """Book the difference that makes the stock this amount."""
        reserved = (
            self._reserved().get((branch, article), ZERO) if self._context.conventions.set_stock == "free" else ZERO
        )
        return self.book(branch, article, amount + reserved - self._physical(branch, article), type_)

    def book(
        self, branch: int, article: int, changed: Decimal, type_: str, reference: tuple[tuple[str, object], ...] = ()
    ) -> Booking:
        place = (branch, article)
        before = self._physical(branch, article)
        booking = Booking(self.last_stock_id + 1, self._context.now, branch, article, changed, before, type_, reference)
        self.bookings.append(booking)
        if self._context.late:
            self._hidden_bookings[place] = (time.monotonic() + self._context.late, self._visible_booking(place))
        self._latest_bookings[place] = booking
        return booking

    def sell(self, kind: DocumentKind, document: WireFields) -> None:
        """Book the quantities of a new receipt or invoice out of the stock of its branch; returns are booked in."""
        details: list[tuple[str, object]] = [
            (kind.id, document.text(kind.id)),
            (kind.number, document.child(kind.number)),
        ]
        details += [("orderId", order) for order in document.child("orderIds").texts("id")[:1]]
        branch = document.number("financialBranchNumber")
        for line in document.child("lineList").children("line"):
            article, quantity = line.number("articleNumber"), line.child("data").scaled("quantity", "decimalPlaces")
            if self.is_kept_for(article) and quantity:
                self.book(branch, article, -quantity, "STOCK-HISTORY-TYPE-SALES", tuple(details))

    def is_kept_for(self, article: int) -> bool:
        stored_article = self._catalogue.article(article)
        return stored_article is not None and stored_article.stock

    def state(self) -> list[dict[str, object]]:
        """Return the stock of every article in every branch."""
        return [
            {
                "branchNumber": branch,
                "articleNumber": article,
                "stockId": booking.number,
                "amountFree": str(self.free(branch, article)),
                "physical": str(booking.new_stock),
            }
            for (branch, article), booking in self._latest_bookings.items()
        ]

    def _get(self, request: WireFields) -> WireFields:
        ask = request.child("request")
        branches = ask.child("branchNumbers").numbers("branchNumber") or [ask.number("branchNumber")]
        marker = ask.number("stockId")
        if ask.has_name("stockId") and self._context.conventions.stock_id_bound == "exclusive":
            marker += 1
        if self._context.conventions.stock_rows == "booked":
            marker = max(marker, 1)
        rows = [
            self._row(branch, article)
            for branch in branches
            if branch in self._reference.branches
            for article in self._requested_articles(ask)
            if self._booking_number(branch, article) >= marker
        ]
        return self._context.build("GetStockResponse", {"articleStocks": rows})

    def _requested_articles(self, ask: WireFields) -> Iterator[int]:
        numbers: Iterable[int] = ask.child("articleNumbers").numbers("articleNumbers") or self._catalogue.articles
        return (number for number in numbers if self.is_kept_for(number))

    def _physical(self, branch: int, article: int) -> Decimal:
        last = self._latest_bookings.get((branch, article))
        return last.new_stock if last else ZERO

    def _visible_booking(self, place: Place) -> Booking | None:
        """Return the latest booking that readers see."""
        until, before = self._hidden_bookings.get(place, (0.0, None))
        return before if time.monotonic() < until else self._latest_bookings.get(place)

    def _booking_number(self, branch: int, article: int) -> int:
        last = self._visible_booking((branch, article))
        return last.number if last else 0

    def _row(self, branch: int, article: int) -> dict[str, object]:
        reserved = self._reserved().get((branch, article), ZERO)
        last = self._visible_booking((branch, article))
        free = (last.new_stock if last else ZERO) - reserved
        return {
            "branchNumber": branch,
            "articleNumber": article,
            "changeTimestamp": last.at if last else None,
            "stockId": last.number if last else 0,
            **self._scaled("amountFree", "decimalPlacesFree", free),
            **self._scaled("amountReserved", "decimalPlacesReserved", reserved),
            **self._scaled("amountIncoming", "decimalPlacesIncoming", ZERO),
            "isDayStockArticle": False,
        }

    def _scaled(self, amount: str, places: str, value: Decimal) -> dict[str, object]:
        digits = decimals(value)
        return {amount: int(value.scaleb(digits)), places: self._context.conventions.places(digits)}

    def _history(self, ask: WireFields) -> WireFields:
        branches = ask.numbers("branchNumbers") or ask.numbers("branchNumber")
        articles = set(ask.child("articleNumbers").numbers("articleNumbers"))
        since, until = moment_of(ask.child("fromFinancialDateTime")), moment_of(ask.child("throughFinancialDateTime"))
        marker, limit = ask.number("sinceStockId"), ask.number("sinceStockIdLimit")
        bookings = [
            booking
            for booking in self.bookings[max(marker - 1, 0) :]
            if (not branches or booking.branch in branches)
            and (not articles or booking.article in articles)
            and (since is None or booking.at >= since)
            and (until is None or booking.at <= until)
        ]
        limit = min(filter(None, (limit, self._context.conventions.most_at_once)), default=0)
        rows = [self._booking_values(booking) for booking in bookings[: limit or None]]
        return self._context.build("GetStockHistoryResponse", {"articleStockHistory": rows})

    def _booking_values(self, booking: Booking) -> dict[str, object]:
        return {
            "stockId": booking.number,
            "timestamp": booking.at,
            "branchNumber": booking.branch,
            "articleNumber": booking.article,
            **self._scaled("amountChanged", "decimalPlaces", booking.changed),
            "type": booking.type,
            **dict(booking.reference),
        }

    def _refusal(self, branch: int, article: int) -> str:
        if branch not in self._reference.branches:
            return "BRANCH-NOT-FOUND"
        if article not in self._catalogue.articles:
            return "ARTICLE-NOT-FOUND"
        return "" if self._catalogue.articles[article].stock else "NO-STOCK-ARTICLE"

    def _set(self, ask: WireFields) -> WireFields:
        return self._write("Set", ask, "amount", self.set_level)

    def _update(self, ask: WireFields) -> WireFields:
        return self._write("Update", ask, "amountChanged", partial(self.book, type_="STOCK-HISTORY-TYPE-API"))

    def _write(
        self, verb: str, ask: WireFields, field: str, book: Callable[[int, int, Decimal], Booking]
    ) -> WireFields:
        """Book the amount in a field of a request, and return the answer."""
        branch, article = ask.number("branchNumber"), ask.number("articleNumber")
        answer, result = f"{verb}StockResponse", f"{verb.upper()}-STOCK-RESULT"
        if refusal := self._refusal(branch, article):
            return self._context.build(answer, {"result": f"{result}-{refusal}"})
        booking = book(branch, article, ask.scaled(field, "decimalPlaces") + (1 if self._context.wrong else 0))
        return self._context.build(answer, {"result": f"{result}-OK", "stockId": booking.number})

    def _correct(self, ask: WireFields) -> WireFields:
        branch = ask.number("branchNumber")
        rows = ask.child("stockCorrectionList").children("correction")
        refusal, article = self._refused_correction(branch, rows)
        if refusal and self._context.conventions.corrections == "all or nothing":
            return self._correction_answer(refusal, article)
        booked: Booking | None = None
        absolute = ask.text("correctionMode") != "STOCK-CORRECTION-MODE-RELATIVE"
        number = (
            ("correctionNumber", {"year": self._context.today.year, "number": self._context.count("correction")}),
        )
        for row in rows:
            if self._refusal(branch, row.number("articleNumber")):
                break
            booked = self._book_correction(branch, row, absolute=absolute, reference=number)
        if refusal or booked is None:
            return self._correction_answer(refusal, article)
        return self._context.build(
            "SaveStockCorrectionsResponse", {"result": "SAVE-STOCK-CORRECTIONS-RESULT-OK", "stockId": booked.number}
        )

    def _book_correction(
        self, branch: int, row: WireFields, *, absolute: bool, reference: tuple[tuple[str, object], ...]
    ) -> Booking:
        article, amount = row.number("articleNumber"), row.scaled("amount", "decimalPlaces")
        if not absolute:
            return self.book(branch, article, amount, "STOCK-HISTORY-TYPE-CORRECTION", reference)
        booking = self.set_level(branch, article, amount, "STOCK-HISTORY-TYPE-CORRECTION")
        self.bookings[-1] = self._latest_bookings[branch, article] = replace(booking, reference=reference)
        return booking

    def _refused_correction(self, branch: int, rows: list[WireFields]) -> tuple[str, int]:
        numbers = [row.number("articleNumber") for row in rows]
        if branch not in self._reference.branches:
            return "BRANCH-NOT-FOUND", 0
        if not numbers:
            return "NO-CORRECTIONS", 0
        occurrences = Counter(numbers)
        for number in numbers:
            if occurrences[number] > 1:
                return "DUPLICATE-ARTICLE", number
            if refusal := self._refusal(branch, number):
                return refusal, number
        return "", 0

    def _correction_answer(self, refusal: str, article: int) -> WireFields:
        result = f"SAVE-STOCK-CORRECTIONS-RESULT-{refusal}"
        return self._context.build(
            "SaveStockCorrectionsResponse", {"result": result, "failedArticleNumber": article or None}
        )


def decimals(value: Decimal) -> int:
    """Return the number of decimal places that the value needs."""
    exponent = value.normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0
