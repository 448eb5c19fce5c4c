"""Orders that were invoiced, as the history of their lines tells of them."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from itertools import groupby

from integration.connectors.accountview.codec import Row, text
from integration.connectors.accountview.documents import (
    by_references,
    by_year,
    from_earliest,
    lines_of,
    spelled,
)
from integration.connectors.accountview.layout import Layout, Layouts
from integration.connectors.accountview.reader import Reader
from integration.connectors.accountview.settings import AccountViewSettings
from integration.connectors.accountview.target import owner, owner_shown, rank, reference_of
from integration.connectors.protocol import References
from integration.core.records import Held, Record


class History:
    """The order lines of one installation that were invoiced."""

    def __init__(
        self, settings: AccountViewSettings, layouts: Layouts, reader: Reader, today: Callable[[], date]
    ) -> None:
        self._settings = settings
        self._layouts = layouts
        self._reader = reader
        self._today = today

    def lookup(self, wanted: Sequence[Record], references: References) -> dict[str, Held]:
        """Return what has left the orders for the history, with as much as the history tells."""
        layout = self._layouts.history()
        return by_year(
            wanted,
            self._today(),
            lambda waiting, book_date: self._rows(layout, waiting, book_date),
            lambda row: layout.text(row, "reference"),
            lambda record, rows: _from_history(layout, record, rows, references),
        )

    def _rows(self, layout: Layout, wanted: Sequence[Record], book_date: date | None) -> list[Row]:
        of, named = self._settings.objects.history, self._settings.history
        asked = (f"{named.header}.{named.reference}", layout.stored("reference", map(reference_of, wanted)))
        since = from_earliest(Layout("", {"date": named.invoice_date}, {}), "date", wanted, f"{named.header}.")
        key = layout.wire("line_number", "article")[0]
        found = by_references(self._reader, of, asked, since, key=key, book_date=book_date)
        return [row for row, _ in found]


def _from_history(layout: Layout, wanted: Record, rows: Sequence[Row], references: References) -> Held:
    """Return an order as the history has it; rows of several debtors are several documents."""

    def debtor(row: Row) -> str:
        return layout.text(row, "debtor")

    several = [list(group) for _, group in groupby(sorted(rows, key=debtor), key=debtor)]
    numbers = [_history_number(layout, group, wanted, references) for group in several]
    chosen = next((place for place, group in enumerate(several) if debtor(group[0]) == owner(wanted, references)), 0)
    row = several[chosen][0]
    of_header = ("order_number", "invoice_date", "delivery_date", "shipping_method", "remark")
    header = replace(layout, names={name: layout.names[name] for name in of_header if name in layout.names})
    of_lines = ("line_number", "article", "quantity", "price", "text")
    detail = replace(layout, names={name: layout.names[name] for name in of_lines if name in layout.names})
    values = header.decoded(row, wanted.values) | owner_shown(layout, row, wanted, references)
    values["reference"] = spelled(wanted, layout.text(row, "reference"))
    parts = lines_of(detail, "line_number", several[chosen], wanted)
    others = tuple(number for place, number in enumerate(numbers) if place != chosen)
    return Held(Record(wanted.kind, wanted.key, values, parts), numbers[chosen], evidence="history", others=others)


def _history_number(layout: Layout, rows: Sequence[Row], wanted: Record, references: References) -> str:
    told = layout.text(rows[0], "order_number") or references.reference(wanted.kind, wanted.key)
    return told or min((text(row.get("EXT_KEY")) or "" for row in rows), key=rank)
