"""One company of AccountView: its tables and numbers, rows that are not visible yet, and changes by hand."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import date, datetime
from decimal import Decimal
from random import Random
from typing import Any, Final

from integration.sandbox.accountview import posting, stock_effects
from integration.sandbox.accountview.conventions import Conventions, Value
from integration.sandbox.accountview.dictionary import Definition
from integration.sandbox.accountview.seed import bank, books
from integration.sandbox.accountview.tables import Row, Table, normal
from integration.sandbox.journal import JournalEntry
from integration.sandbox.shop.records import ShopArticle
from integration.sandbox.shop.shop import Shop

NOUNS: Final = {
    "ARTICLE": "Artikel",
    "ART_GRP": "Artikelgroep",
    "CONTACT": "Debiteur",
    "COST": "Kostenplaats",
    "DAILY": "Dagboek",
    "DEL_ADDR": "Afleveradres",
    "LEDGER": "Rekening",
    "VAT": "BTW-code",
}


# Tables that are separate for each fiscal year, with the date field that decides the year.
_DATED: Final = {
    "ADM_PER": "START_DATE",
    "DJ_PAGE": "TRN_DATE",
    "TRANSACT": "TRN_DATE",
    "SO_HDR": "ORD_DATE",
    "K9_INV": "INV_DATE",
    "K9_QUO": "QT_DATE",
}


@dataclass
class Late:
    """Accepted rows that become visible later."""

    until: datetime
    added: list[tuple[Table, Row]] = field(default_factory=list)
    changed: list[tuple[Table, Row, Mapping[str, Value], datetime]] = field(default_factory=list)


class Company:
    """The tables of one company. The caller holds the lock of the server."""

    def __init__(self, definitions: Mapping[str, Definition], conventions: Conventions, shop: Shop) -> None:
        self.conventions = conventions
        self.shop = shop
        self.late: list[Late] = []
        self._has_stock = True
        self._tables = {
            name: Table(definition, int(hashlib.sha256(name.encode()).hexdigest()[:4], 16))
            for name, definition in definitions.items()
        }

    def open_shop(self, takings: Sequence[bank.CardTaking] = ()) -> None:
        """Fill the tables with the complete shop, and with the bank's payouts of its card takings."""
        books.fill_tables(self._tables, self.shop)
        bank.load_bank(self._tables, takings, self.shop.today)
        self._tables["ADM_PER"].load(books.periods(self.shop, self.conventions))
        self._has_stock = False

    def open_empty(self) -> None:
        """Fill only the tables that every administration needs."""
        books.settle_tables(self._tables, self.shop)
        self._tables["ADM_PER"].load(books.periods(self.shop, self.conventions))

    def administration(self, table: Table, book_date: str) -> Callable[[Row], bool] | None:
        """Return a filter for rows in the fiscal year of a book date; None if all rows qualify."""
        name = table.definition.name
        column = _DATED.get(name)
        if column is None or (self.conventions.years == "together" and name != "ADM_PER"):
            return None
        year_of, place = self.conventions.year_of, table.place(column)
        year = year_of(date.fromisoformat(book_date[:10]) if book_date else self.shop.today)
        return lambda row: year_of(date.fromisoformat(str(row.values[place])[:10])) == year

    def period_of(self, day: date) -> int:
        """Return the number of the period of a day."""
        periods = self.conventions.periods_of(self.conventions.year_of(day))
        return next(number for number, (start, end) in enumerate(periods, start=1) if start <= day <= end)

    def settle(self, question: str, choice: object) -> None:
        """Change a convention. LookupError for an unknown one."""
        if question not in {convention.name for convention in fields(Conventions)}:
            raise LookupError(f"there is no convention {question}")
        self.conventions = replace(self.conventions, **{question: choice})  # type: ignore[arg-type]

    def table(self, name: str) -> Table:
        """Return a table. LookupError for an unknown name.

        The stock per branch is large, so it is generated on first use.
        """
        table = self._tables[name.upper()]
        if table.definition.name == "K9_STOCK" and not self._has_stock:
            self._has_stock = True
            table.load(books.stock_by_branch(self.shop))
        return table

    def is_key_used(self, table: Table, key: str) -> bool:
        """Return True if a key is in use, visible or not."""
        return table.get(key) is not None or any(
            row.key == normal(key) for late in self.late for late_table, row in late.added if late_table is table
        )

    def number(self, table: Table, at: datetime) -> str:
        """Return the next free key of a table."""
        while True:
            table.serial += 1
            key = _format_key(table.definition.name, table.serial, at)
            if not self.is_key_used(table, key):
                return key

    def put(self, table: Table, values: Mapping[str, Value], at: datetime) -> None:
        """Add a row by hand."""
        row = table.row(values)
        table.stamp(row, at, created=True)
        table.add(row)

    def ripen(self, now: datetime) -> None:
        """Show accepted rows whose time has come."""
        for due in [late for late in self.late if late.until <= now]:
            self.late.remove(due)
            for table, row in due.added:
                table.add(row)
            for table, row, values, moment in due.changed:
                table.change(row, values, moment)

    def plain(self, name: str) -> list[dict[str, object]]:
        """Return all rows of a table, including those not visible yet."""
        table = self.table(name)
        late = [row for late_rows in self.late for late_table, row in late_rows.added if late_table is table]
        return [table.plain(row) for row in (*table.rows.values(), *late)]


def _format_key(table: str, serial: int, at: datetime) -> str:
    match table:
        case "SO_HDR":
            return books.order_number(at.date(), serial)
        case "DJ_PAGE":
            return books.page_number(at.date(), serial)
        case "CONTACT":
            return str(20000 + serial)
        case "DEL_ADDR":
            return f"A{serial:07}"
        case _:
            return f"{serial:08}"


# ---- changes by hand: edited rows, invoiced orders, a new day; each is checked first and returned as a function,
# so that the journal contains no change that cannot be carried out


Act = Callable[[JournalEntry], None]

_PRICES: Final = 6
_STOCKS: Final = 7
_STOCK_FIELDS: Final = ("QTY_AVAIL", "QTY_FREE2", "QTY_TECH")
_FIRST_NEW_CODE: Final = 8000
# Documents that processing moves to the history: their table, line table, and quantity field.
_PLACES: Final = {"SO_HDR": ("SO_HDR", "SO_LINE", "ORD_QTY"), "K9_INV": ("K9_INV", "K9_INVL", "ART_QTY")}


def by_hand(company: Company, operation: str, arguments: Mapping[str, Any], day: int) -> Act:
    """Return a change by hand as a function. LookupError if the table, row or field is missing, or a key exists."""
    match operation:
        case "edit":
            return _edit(company, arguments)
        case "add":
            return _add(company, arguments)
        case "remove":
            table = company.table(arguments["table"])
            row = must(table, arguments["key"])
            return lambda _: _remove(company, table, row)
        case "invoice":
            place = _PLACES[arguments.get("table", "SO_HDR")]
            document = must(company.table(place[0]), arguments["key"])
            return lambda entry: _invoice(company, place, document, entry)
        case "day":
            return lambda entry: _pass_day(company, day, entry)
        case _:
            raise LookupError(f"nobody does {operation} by hand")


def _edit(company: Company, arguments: Mapping[str, Any]) -> Act:
    if arguments["table"] == "conventions":
        company.settle(arguments["key"], arguments["values"]["value"])
        return lambda _: None
    table = company.table(arguments["table"])
    row, values = must(table, arguments["key"]), typed(table, arguments["values"])
    if table.definition.key in values:
        raise LookupError("a key cannot be edited")
    return lambda entry: table.change(row, values, entry.at)


def _add(company: Company, arguments: Mapping[str, Any]) -> Act:
    table = company.table(arguments["table"])
    values = typed(table, arguments["values"])
    key = values.get(table.definition.key)
    if not key or company.is_key_used(table, str(key)):
        raise LookupError(f"{table.definition.name} needs a key that is free")
    return lambda entry: company.put(table, values, entry.at)


def _remove(company: Company, table: Table, row: Row) -> None:
    if table.definition.name == "SO_HDR":
        lines = company.table("SO_LINE")
        stock_effects.dropped(company, lines, lines.children.get(row.key, ()))
    table.remove(row)


def _invoice(company: Company, place: tuple[str, str, str], document: Row, entry: JournalEntry) -> None:
    """Move an order or a trade invoice with its lines to the history."""
    documents, lines, history = (company.table(name) for name in (*place[:2], "HST_AL"))
    contacts = company.table("CONTACT")
    debtor = contacts.rows[normal(str(documents.value(document, "RPL_INV")))]
    shared: dict[str, Value] = {
        f"HST_AH_{name}": documents.value(document, name)
        for name in ("RPL_INV", "DEL_DATE", "SHIP_MTH", "COMMENT1", "COMMENT2")
    }
    if place[0] == "SO_HDR":
        shared["HST_AH_ORD_NR"] = documents.value(document, "ORD_NR")
    shared |= {
        "HST_AH_HDR_TYPE": Decimal(1),
        "HST_AH_DC_NAME": contacts.value(debtor, "ACCT_NAME"),
        "HST_AH_INV_DATE": entry.at.strftime("%Y-%m-%dT00:00:00"),
    }
    stock_effects.processed(company, lines, lines.children.get(document.key, ()))
    for line in list(lines.children.get(document.key, ())):
        moved: dict[str, Value] = {
            "REC_ID": company.number(history, entry.at),
            "ART_CODE": lines.value(line, "ART_CODE"),
            "ART_DESC1": lines.value(line, "ART_DESC1"),
            "ART_QTY": lines.value(line, place[2]),
            "UNIT_PX": lines.value(line, "ART_PX"),
        }
        company.put(history, moved | shared, entry.at)
        lines.remove(line)
    documents.remove(document)


def _pass_day(company: Company, day: int, entry: JournalEntry) -> None:
    """Change some prices and stocks, rename an article, and add one; the same for the same day and shop."""
    shop = company.shop
    random = Random(f"{shop.seed} {day}")
    regular = [article for article in shop.articles if not article.fault and article.number and article.price_excl]
    chosen = random.sample(regular, min(_PRICES + _STOCKS + 1, len(regular)))
    for article in chosen[:_PRICES]:
        price = (article.price_excl * Decimal(random.randint(101, 109)) / 100).quantize(Decimal("0.0001"))
        _change_if_there(company, article, {"PX_SELL": price}, entry)
    for article in chosen[_PRICES : _PRICES + _STOCKS]:
        _restock(company, article, random.randint(1, 9), entry)
    for article in chosen[_PRICES + _STOCKS :]:
        _change_if_there(company, article, {"ART_DESC1": f"{article.name[:32]} (nieuw)"}, entry)
    _launch(company, random.choice(regular), str(_FIRST_NEW_CODE + day), entry)


def _restock(company: Company, article: ShopArticle, quantity: int, entry: JournalEntry) -> None:
    articles, stock = company.table("ARTICLE"), company.table("K9_STOCK")
    row = articles.get(article.code)
    if row is None:
        return
    articles.change(row, {name: _increased(articles.value(row, name), quantity) for name in _STOCK_FIELDS}, entry.at)
    for key in stock.keys_with(stock.place("ART_CODE"), [article.code])[:1]:
        line = stock.rows[key]
        stock.change(line, {"K9_QTY": _increased(stock.value(line, "K9_QTY"), quantity)}, entry.at)


def _launch(company: Company, model: ShopArticle, code: str, entry: JournalEntry) -> None:
    articles = company.table("ARTICLE")
    if articles.get(code) is None:
        novelty = {"ART_CODE": code, "ART_DESC1": f"{model.name[:32]} {code}", "K9_EAN": "", "K9_PARENT": ""}
        company.put(articles, {**books.article_values(model), **novelty}, entry.at)


def _change_if_there(company: Company, article: ShopArticle, values: Mapping[str, Value], entry: JournalEntry) -> None:
    articles = company.table("ARTICLE")
    row = articles.get(article.code)
    if row is not None:
        articles.change(row, values, entry.at)


def _increased(value: Value, more: int) -> Decimal:
    return (value if isinstance(value, Decimal) else Decimal(0)) + more


def must(table: Table, key: str) -> Row:
    """Return the row with this key. LookupError if there is none."""
    row = table.get(key)
    if row is None:
        raise LookupError(f"{table.definition.name} has no {key}")
    return row


def typed(table: Table, values: Mapping[str, Any]) -> dict[str, Value]:
    """Return values from outside in the form that the table stores."""
    typed = {}
    for name, value in values.items():
        field = table.definition.find(table.definition.local_name(name.upper()))
        if field is None:
            raise LookupError(f"{table.definition.name} has no field {name}")
        plain = Decimal(str(value)) if isinstance(value, int | float) and not isinstance(value, bool) else value
        typed[field.name] = posting.value_of(field, plain)
    return typed
