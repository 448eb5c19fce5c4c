"""One company of AccountView: its tables, the numbers it gives out, and what was accepted but is not shown yet."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from integration.sandbox.accountview.conventions import Conventions
from integration.sandbox.accountview.dictionary import Definition
from integration.sandbox.accountview.fields import Value
from integration.sandbox.accountview.tables import Row, Table, normal
from integration.sandbox.shop import books
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


@dataclass
class Late:
    """Rows that were accepted and are not shown before their time."""

    until: datetime
    added: list[tuple[Table, Row]] = field(default_factory=list)
    changed: list[tuple[Table, Row, Mapping[str, Value], datetime]] = field(default_factory=list)


class Company:
    """The tables of one company. A caller holds the lock of the server."""

    def __init__(self, definitions: Mapping[str, Definition], conventions: Conventions, shop: Shop) -> None:
        self.conventions = conventions
        self.shop = shop
        self.late: list[Late] = []
        self._stocked = True
        self._tables = {
            name: Table(definition, int(hashlib.sha256(name.encode()).hexdigest()[:4], 16))
            for name, definition in definitions.items()
        }

    def open_shop(self) -> None:
        """Fills the tables with everything the shop has."""
        books.fill(self._tables, self.shop)
        self._stocked = False

    def open_empty(self) -> None:
        """Fills the tables with no more than an administration cannot be without."""
        books.settle(self._tables, self.shop)

    def table(self, name: str) -> Table:
        """One table. The stock per branch is big, and made when it is first needed. LookupError for an unknown name."""
        table = self._tables[name.upper()]
        if table.definition.name == "K9_STOCK" and not self._stocked:
            self._stocked = True
            table.load(books.stock_by_branch(self.shop))
        return table

    def taken(self, table: Table, key: str) -> bool:
        """Whether a key is in use, shown or not."""
        return table.get(key) is not None or any(
            row.key == normal(key) for each in self.late for kept, row in each.added if kept is table
        )

    def number(self, table: Table, at: datetime) -> str:
        """The next free key of a table."""
        while True:
            table.serial += 1
            key = _numbered(table.definition.name, table.serial, at)
            if not self.taken(table, key):
                return key

    def put(self, table: Table, values: Mapping[str, Value], at: datetime) -> None:
        """Adds a row by hand."""
        row = table.row(values)
        table.stamp(row, at, created=True)
        table.add(row)

    def ripen(self, now: datetime) -> None:
        """Shows what was accepted and is due by now."""
        for each in [late for late in self.late if late.until <= now]:
            self.late.remove(each)
            for table, row in each.added:
                table.add(row)
            for table, row, values, moment in each.changed:
                table.change(row, values, moment)

    def plain(self, name: str) -> list[dict[str, object]]:
        """All rows of a table, also those that are not shown yet."""
        table = self.table(name)
        late = [row for each in self.late for kept, row in each.added if kept is table]
        return [table.plain(row) for row in (*table.rows.values(), *late)]


def _numbered(table: str, serial: int, at: datetime) -> str:
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
