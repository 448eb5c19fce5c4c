"""What documents of trade do to the stock of articles: a sales order reserves, and what is delivered leaves.

No source says which figure follows which document, so it is a convention that can be switched. Nor does a document here
say out of which warehouse it is delivered: it is the first one of the article.
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Final, Protocol

from integration.sandbox.accountview.conventions import Conventions, Value
from integration.sandbox.accountview.tables import Row, Table, normal

QUANTITIES: Final = {"SO_LINE": "ORD_QTY", "K9_INVL": "ART_QTY"}  # of a line, by its table


class Stocked(Protocol):
    """A company that has articles and warehouses."""

    conventions: Conventions

    def table(self, name: str) -> Table:
        """Its table of this name."""


def put(company: Stocked, table: Table, lines: Iterable[Row]) -> None:
    """Moves what new lines of an order reserve, or what those of a trade invoice take."""
    for article, amount in _moved(company, table, lines):
        if table.definition.name == "SO_LINE":
            _reserve(company, article, amount)
        else:
            _move(company, article, dict.fromkeys(("QTY_AVAIL", "QTY_FREE2", "QTY_TECH"), -amount))
            _deliver(company, article, amount)


def processed(company: Stocked, table: Table, lines: Iterable[Row]) -> None:
    """Moves what an order that is invoiced takes; that of a trade invoice is gone already."""
    if table.definition.name != "SO_LINE":
        return
    for article, amount in _moved(company, table, lines):
        _release(company, article, amount)
        _move(company, article, dict.fromkeys(("QTY_AVAIL", "QTY_FREE2", "QTY_TECH"), -amount))
        _deliver(company, article, amount)


def dropped(company: Stocked, table: Table, lines: Iterable[Row]) -> None:
    """Gives back what an order reserved that is taken away."""
    if table.definition.name == "SO_LINE":
        for article, amount in _moved(company, table, lines):
            _release(company, article, amount)


def _moved(company: Stocked, table: Table, lines: Iterable[Row]) -> list[tuple[Row, Decimal]]:
    """The articles of lines with how much of each; nothing where documents move nothing."""
    quantity = QUANTITIES.get(table.definition.name)
    if quantity is None or company.conventions.documents_move == "nothing":
        return []
    articles = company.table("ARTICLE")
    named = ((articles.get(str(table.value(one, "ART_CODE"))), table.value(one, quantity)) for one in lines)
    return [(article, amount) for article, amount in named if article is not None and isinstance(amount, Decimal)]


def _reserve(company: Stocked, article: Row, amount: Decimal) -> None:
    told = ("QTY_FREE2", "QTY_AVAIL") if company.conventions.documents_move == "available" else ("QTY_FREE2",)
    _move(company, article, {"K9_RSRV": amount, **dict.fromkeys(told, -amount)})


def _release(company: Stocked, article: Row, amount: Decimal) -> None:
    """Takes back what was reserved; an order from before the shop was opened may not have reserved it."""
    reserved = _number(company.table("ARTICLE").value(article, "K9_RSRV"))
    _reserve(company, article, -min(amount, reserved) if amount > 0 else -amount)


def _deliver(company: Stocked, article: Row, amount: Decimal) -> None:
    stock = company.table("K9_STOCK")
    for key in stock.keys_with(stock.place("ART_CODE"), [normal(article.key)])[:1]:
        line = stock.rows[key]
        stock.note(line, {"K9_QTY": _number(stock.value(line, "K9_QTY")) - amount})


def _move(company: Stocked, article: Row, changes: Mapping[str, Decimal]) -> None:
    """Changes figures; nothing says that a movement of stock changes the stamp of its article."""
    articles = company.table("ARTICLE")
    values = {name: _number(articles.value(article, name)) + change for name, change in changes.items()}
    articles.note(article, values)


def _number(value: Value) -> Decimal:
    return value if isinstance(value, Decimal) else Decimal(0)
