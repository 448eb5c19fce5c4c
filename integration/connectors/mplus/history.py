"""The till's own history of its stock: every movement, under a rising number."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from functools import partial

from integration.connectors.mplus import codec
from integration.connectors.mplus.client import Client, Element, qualified
from integration.connectors.mplus.documents import TillDocuments
from integration.connectors.mplus.lists import PartialLists, till_out_of_order, unique_elements
from integration.connectors.mplus.settings import MplusSettings
from integration.connectors.mplus.target import in_pages, translated_parse_errors
from integration.connectors.protocol import ReservationPage
from integration.core.movements import Movement, StockReservation
from integration.core.records import Kind, Value
from integration.core.rules import as_text

PAGE = 1000  # movements in one answer
_OPERATION = "getStockHistoryV2"


class TillHistory:
    """Reads stock movements. It does not matter whether the till includes the bound itself in an answer."""

    def __init__(self, settings: MplusSettings, client: Client, page: int = PAGE) -> None:
        """`page` is the number of movements requested at once."""
        self._settings = settings
        self._client = client
        self._page = page
        self._partial_lists = PartialLists()

    def present(self) -> int:
        """Return the number of the newest movement of the installation, 0 before the first."""
        request = {"includeStockId": True}
        answer = self._client.read("getCurrentSyncMarkersV2", request=request)
        with translated_parse_errors():
            return int(answer.findtext(qualified("stockId")) or 0)

    def page(self, after: int, begin: datetime) -> list[Movement]:
        """Return the next movements after a number, oldest first; empty after the last movement.

        A movement without a readable number comes first. When `after` is 0, the movements start at `begin`.
        """
        bound = {"sinceStockId": str(after)} if after else {"fromFinancialDateTime": codec.encode_moment(begin)}
        movements = self._read_lowest(self._page, **bound)
        return sorted(
            (movement for movement in movements if _is_later(movement, after)), key=lambda movement: movement.number
        )

    def movements_since(self, number: int, branches: Sequence[str], articles: Sequence[str]) -> list[Movement]:
        """Return the movements of articles after a number in these branches.

        Few movements follow a recent number, so all articles are tried in one call first; otherwise each portion of
        articles is read.
        """
        first = self._read_lowest(self._page, branchNumbers=branches, sinceStockId=str(number))
        if len(first) < self._page:
            return self._read_all(number, first, branchNumbers=branches)

        def ask(portion: Sequence[str]) -> list[Movement]:
            return self._read_all(number, None, branchNumbers=branches, articleNumbers={"articleNumbers": portion})

        return in_pages(ask, articles, self._settings.page_articles, self._settings.in_flight)

    def _read_all(self, number: int, movements: list[Movement] | None, **request: object) -> list[Movement]:
        """Return every movement after a number; `movements` is the first answer, which the till may have shortened.

        The list ends with an answer without a higher number.
        """
        all_movements: list[Movement] = []
        while movements is None or movements:
            if movements is None:
                movements = self._read_lowest(PAGE, **request, sinceStockId=str(number))
            later = [
                movement for movement in movements if _is_later(movement, number) and movement not in all_movements
            ]
            highest = max((movement.number for movement in later), default=0)
            all_movements += later
            if highest <= number:
                break
            number, movements = highest, None
        return all_movements

    def _read_lowest(self, limit: int, **request: object) -> list[Movement]:
        """Return the movements with the lowest numbers among the requested ones, in any order."""

        def ask(limit: int) -> list[Movement]:
            answer = self._client.read(_OPERATION, request={**request, "sinceStockIdLimit": str(limit)})
            with translated_parse_errors():
                elements = unique_elements(answer.iterfind(qualified("articleStockHistory")), _stock_id)
                return [codec.decode_movement(element) for element in elements]

        def numbers(movements: Sequence[Movement]) -> list[int]:
            return [movement.number for movement in movements if movement.number]

        movements = ask(limit)
        before = [number for number in numbers(movements) if number < int(str(request.get("sinceStockId", 0)))]
        if before:  # the till ignores the bound, so later movements would never be read
            raise till_out_of_order(_OPERATION, str(before[0]))
        self._partial_lists.require_lowest(_OPERATION, numbers(movements), lambda fewer: numbers(ask(fewer)))
        return movements


def _stock_id(element: Element) -> str | None:
    number = codec.if_readable(codec.stock_id, element)
    return str(number) if number else None


def _is_later(movement: Movement, number: int) -> bool:
    """Return True if a movement came after a number; one without a readable number counts as later."""
    return movement.number > number or not movement.number


# ---- reservations of orders


def reservation_page(documents: TillDocuments, since: str | None, after: str | None) -> ReservationPage:
    """Return the current reservations of the orders on a page of `TillDocuments.page`, with the ids of these orders.

    Lines are read only of orders that may reserve stock; customers and articles are not read. An unreadable order is
    left out, so that its known reservations stay.
    """
    page = documents.page(Kind.ORDER, since, after, lines=False)
    keys = [codec.if_readable(_order_key, order) or "" for order in page.elements]
    waiting = [key for key, order in zip(keys, page.elements, strict=True) if key and not _is_finished(order)]
    optional_reservations: dict[str, list[StockReservation] | None] = {
        key: [] for key in keys if key and key not in waiting
    }
    for order_page in documents.with_ids(Kind.ORDER, waiting) if waiting else ():
        optional_reservations |= {key: codec.if_readable(order_reservations, order) for key, order in order_page}
    reservations_by_order = {
        key: reservations for key, reservations in optional_reservations.items() if reservations is not None
    }
    every = tuple(reservation for reservations in reservations_by_order.values() for reservation in reservations)
    return ReservationPage(tuple(reservations_by_order), every, page.after, page.stamp)


_order_key = partial(codec.document_key, kind=Kind.ORDER)


def _is_finished(order: Element) -> bool:
    """Return True if an order is completely delivered or completely cancelled."""
    states = (order.findtext(qualified(name)) or "" for name in ("deliveryState", "cancelState"))
    return any(state.endswith("-COMPLETE") for state in states)


def order_reservations(element: Element) -> list[StockReservation]:
    """Return the reservations of an order: quantities neither delivered nor cancelled. Raises WrongValueError.

    If a quantity already excludes cancelled pieces, the till's own reserved quantity prevents that too little is
    reserved.
    """
    order = codec.decode_document(Kind.ORDER, element, None, {})
    if "complete" in (order.values.get("delivery_state"), order.values.get("cancel_state")):
        return []
    sums: dict[str, Decimal] = {}
    for line in (part.values for part in order.parts if part.kind is Kind.LINE):
        article = as_text(line.get("article"))
        rest = _quantity(line, "quantity") - _quantity(line, "deliveredQuantity") - _quantity(line, "cancelledQuantity")
        if article and rest > 0:
            sums[article] = sums.get(article, Decimal(0)) + rest
    place = as_text(order.values.get("branch")), as_text(order.values.get("number"))
    return [StockReservation(order.key, place[0], article, amount, place[1]) for article, amount in sums.items()]


def _quantity(line: Mapping[str, Value], name: str) -> Decimal:
    """Return a quantity of a line, 0 where the line has none."""
    value = line.get(name)
    return value if isinstance(value, Decimal) else Decimal(0)
