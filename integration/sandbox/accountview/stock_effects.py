"""Effects of trade documents on stock: a sales order reserves articles, and a delivery removes them.

No source says which stock figure changes with which document, so that is a convention that can be switched. A document
does not name its warehouse here: the first warehouse of the article is used.
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Final, Protocol

from integration.sandbox.accountview.conventions import Conventions, Value
from integration.sandbox.accountview.tables import Row, Table, normal

QUANTITIES: Final = {"SO_LINE": "ORD_QTY", "K9_INVL": "ART_QTY"}  # quantity field of a line, by table


class Stocked(Protocol):
    """A company with articles and warehouses."""

    conventions: Conventions

    def table(self, name: str) -> Table:
        """Return the table of this name."""


def put(company: Stocked, table: Table, lines: Iterable[Row]) -> None:
    """Reserve the articles of new order lines, or remove those of trade invoice lines from stock."""
    for article, amount in _moved_quantities(company, table, lines):
        if table.definition.name == "SO_LINE":
            _reserve(company, article, amount)
        else:
            _move(company, article, dict.fromkeys(("QTY_AVAIL", "QTY_FREE2", "QTY_TECH"), -amount))
            _deliver(company, article, amount)


def processed(company: Stocked, table: Table, lines: Iterable[Row]) -> None:
    """Remove the articles of an invoiced order from stock; those of a trade invoice were removed before."""
    if table.definition.name != "SO_LINE":
        return
    for article, amount in _moved_quantities(company, table, lines):
        _release(company, article, amount)
        _move(company, article, dict.fromkeys(("QTY_AVAIL", "QTY_FREE2", "QTY_TECH"), -amount))
        _deliver(company, article, amount)


def dropped(company: Stocked, table: Table, lines: Iterable[Row]) -> None:
    """Release the reservations of a removed order."""
    if table.definition.name == "SO_LINE":
        for article, amount in _moved_quantities(company, table, lines):
            _release(company, article, amount)


def _moved_quantities(company: Stocked, table: Table, lines: Iterable[Row]) -> list[tuple[Row, Decimal]]:
    """Return the articles of lines with their quantities; nothing if documents do not change stock."""
    quantity = QUANTITIES.get(table.definition.name)
    if quantity is None or company.conventions.documents_move == "nothing":
        return []
    articles = company.table("ARTICLE")
    pairs = ((articles.get(str(table.value(line, "ART_CODE"))), table.value(line, quantity)) for line in lines)
    return [(article, amount) for article, amount in pairs if article is not None and isinstance(amount, Decimal)]


def _reserve(company: Stocked, article: Row, amount: Decimal) -> None:
    fields = ("QTY_FREE2", "QTY_AVAIL") if company.conventions.documents_move == "available" else ("QTY_FREE2",)
    _move(company, article, {"K9_RSRV": amount, **dict.fromkeys(fields, -amount)})


def _release(company: Stocked, article: Row, amount: Decimal) -> None:
    """Release a reservation. An order from before the shop was opened may have none."""
    reserved = _number(company.table("ARTICLE").value(article, "K9_RSRV"))
    _reserve(company, article, -min(amount, reserved) if amount > 0 else -amount)


def _deliver(company: Stocked, article: Row, amount: Decimal) -> None:
    stock = company.table("K9_STOCK")
    for key in stock.keys_with(stock.place("ART_CODE"), [normal(article.key)])[:1]:
        line = stock.rows[key]
        stock.note(line, {"K9_QTY": _number(stock.value(line, "K9_QTY")) - amount})


def _move(company: Stocked, article: Row, changes: Mapping[str, Decimal]) -> None:
    """Change stock figures without the article's change stamp: no source says that a stock movement changes it."""
    articles = company.table("ARTICLE")
    values = {name: _number(articles.value(article, name)) + change for name, change in changes.items()}
    articles.note(article, values)


def _number(value: Value) -> Decimal:
    return value if isinstance(value, Decimal) else Decimal(0)
