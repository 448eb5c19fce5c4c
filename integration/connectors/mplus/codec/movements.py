"""Reads stock movements from the till's history."""

from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from typing import Any

from integration.connectors.mplus.client import Element, qualified, require_shape
from integration.connectors.mplus.codec.values import child_number, if_readable, moment_in, scaled_number, wire_moment
from integration.core.movements import NO_MOMENT, Movement, MovementType
from integration.core.records import WrongValueError

_DOCUMENTS = ("receiptId", "invoiceId", "orderId", "packingSlipId")
_NUMBER = ("branchNumber", "workplaceNumber", "year", "number")
_TYPES = {
    "STOCK-HISTORY-TYPE-SALES": MovementType.SALES,
    "STOCK-HISTORY-TYPE-DELIVERY": MovementType.DELIVERY,
    "STOCK-HISTORY-TYPE-INTERNAL-DELIVERY": MovementType.INTERNAL,
    "STOCK-HISTORY-TYPE-INTERNAL-SHIPMENT": MovementType.INTERNAL,
    "STOCK-HISTORY-TYPE-API": MovementType.OTHER,
    "STOCK-HISTORY-TYPE-CORRECTION": MovementType.OTHER,
    "STOCK-HISTORY-TYPE-MANUAL": MovementType.OTHER,
    "STOCK-HISTORY-TYPE-UNKNOWN": MovementType.OTHER,
}
# It is not documented whether goods delivered by an order are reported as sales; these types may be such sales.
_SOLD_BY_DOCUMENT = frozenset({"STOCK-HISTORY-TYPE-DELIVERY", "STOCK-HISTORY-TYPE-UNKNOWN"})
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


def decode_movement(element: Element) -> Movement:
    """Return a movement; an unreadable one has the type UNREADABLE and as many of its values as can be read."""
    try:
        return _decode(element)
    except WrongValueError as error:
        names = ("stockId", "branchNumber", "articleNumber")
        number, branch, article = (if_readable(partial(_only_number, wire=name), element) or 0 for name in names)
        at = if_readable(lambda move_element: moment_in(move_element, "timestamp"), element) or NO_MOMENT
        title = if_readable(_title, element) or ""
        return Movement(
            number,
            _positive_text(branch),
            _positive_text(article),
            Decimal(0),
            MovementType.UNREADABLE,
            at,
            _documents(element),
            title,
            unread=error.field,
        )


def _only_number(element: Element, wire: str) -> int:
    """Return the number in a child, 0 if there are several different ones. Raises WrongValueError."""
    texts = {child.text for child in element.iterchildren(qualified(wire))}
    return child_number(element, wire) if len(texts) == 1 else 0


def _positive_text(number: int) -> str:
    """Return a number as text, empty if it is not positive."""
    return str(number) if number > 0 else ""


def _decode(element: Element) -> Movement:
    require_shape(element, "ArticleStockHistory")
    amount = scaled_number(element, "amountChanged", "decimalPlaces")
    return Movement(
        _positive_number(element, "stockId"),
        str(_positive_number(element, "branchNumber")),
        str(_positive_number(element, "articleNumber")),
        amount,
        _movement_type(element, amount),
        _moment(element),
        _documents(element),
        _title(element),
        is_delivered=bool(element.findtext(qualified("orderId"))),
    )


def _movement_type(element: Element, amount: Decimal) -> MovementType:
    """Return the type of a movement: goods that left with a sales document were sold. Raises WrongValueError."""
    word = (element.findtext(qualified("type")) or "").strip()
    if word not in _TYPES:
        raise WrongValueError("type", word)
    return MovementType.SALES if word in _SOLD_BY_DOCUMENT and amount < 0 and _documents(element) else _TYPES[word]


def _documents(element: Element) -> tuple[str, ...]:
    return tuple(filter(None, (element.findtext(qualified(name)) for name in _DOCUMENTS)))


def _positive_number(element: Element, name: str) -> int:
    """Return a positive number. Raises WrongValueError for any other."""
    if (number := child_number(element, name)) <= 0:
        raise WrongValueError(name, element.findtext(qualified(name)) or "")
    return number


def _moment(element: Element) -> datetime:
    """Return the time of a movement, 1970 if the till does not give it. Raises WrongValueError."""
    timestamp, moment = element.find(qualified("timestamp")), moment_in(element, "timestamp")
    if moment is None and timestamp is not None:
        raise WrongValueError("timestamp", " ".join(part.text or "" for part in timestamp))
    return moment or _LONG_AGO


def _title(element: Element) -> str:
    """Return the number of the receipt or invoice in the form that people know."""
    numbers = (element.find(qualified(name)) for name in ("receiptNumber", "invoiceNumber"))
    for number in (optional_number for optional_number in numbers if optional_number is not None):
        return ".".join(str(child_number(number, name)) for name in _NUMBER if number.findtext(qualified(name)))
    return ""


def encode_moment(moment: datetime) -> dict[str, Any]:
    """Return a timestamp as request content."""
    return wire_moment(moment)
