"""Open items of debtors: the amount that a daybook page booked under its number, and the payments on it.

A ledger row with a debtor and an item belongs to that item. Rows of sales daybooks are sales, rows of cash and bank
daybooks are payments, and all other rows are summed separately: how an opening balance carries an item into the next
year is not publicly known, so it is not guessed.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import partial
from itertools import chain

from integration.connectors.accountview.codec import Row, require_unique_columns
from integration.connectors.accountview.documents import by_references
from integration.connectors.accountview.layout import Layout
from integration.connectors.accountview.ledger_source import LedgerSource
from integration.connectors.accountview.rows import ledger_row_key, read_of, require_values, unique_rows
from integration.core.records import Field, FieldType, Kind, Record, Unreadable, Value

SOLD, CAME_IN = frozenset({"sales"}), frozenset({"cash", "bank"})  # types of daybooks
NOTHING = Decimal(0)
_T, _K = FieldType, Kind.ITEM
ITEM_FIELDS = (
    Field("item", "Number of the item", _T.CODE, _K),
    Field("debtor", "Debtor", _T.CODE, _K),
    Field("sold", "Amount of the sale", _T.MONEY, _K),
    Field("paid", "Received through cash or bank", _T.MONEY, _K),
    Field("other", "Sum of other rows", _T.MONEY, _K),
    Field("besides", "Number of other rows", _T.NUMBER, _K),
    Field("paid_on", "Day of the last payment", _T.DATE, _K),
)


@dataclass(frozen=True, slots=True)
class ItemQuery:
    """An open item by its key: its booking date, its number, and a suffix chosen by the caller."""

    key: str
    day: date
    number: str

    @classmethod
    def read(cls, key: str) -> "ItemQuery | None":
        """Return the item of a key such as `2026-10-17/MI60101000/8f3c`; None for any other text."""
        day, _, rest = key.partition("/")
        number, _, _ = rest.rpartition("/")
        try:
            return cls(key, date.fromisoformat(day), number) if number else None
        except ValueError:
            return None


class Items(LedgerSource):
    """The open items of one installation, by number; safe to share between threads."""

    kind = Kind.ITEM

    def fetch(self, keys: Collection[str]) -> list[Record]:
        """Return these items from the fiscal years from their date up to the current one.

        An item without rows has zero sums. Raises RejectedError where the settings name no object for the ledger.
        """
        queries = [query for key in dict.fromkeys(keys) if (query := ItemQuery.read(key)) is not None]
        if queries:
            self._require_ledger()
        (layout,) = self._layouts.layout_of_kind(Kind.ITEM)
        rows: dict[str, dict[tuple[str, ...], Row]] = {}
        for book_date, year_queries in self._queries_by_year(queries):
            for row in self._rows(layout, year_queries, book_date):
                for number in {text.casefold() for text in layout.texts(row, "item")}:
                    rows.setdefault(number, {})[_identity(layout, row)] = row
        types = self._types() if rows else {}
        return [_item(layout, query, [*rows.get(query.number.casefold(), {}).values()], types) for query in queries]

    def _queries_by_year(self, queries: Sequence[ItemQuery]) -> Iterator[tuple[date, list[ItemQuery]]]:
        """Yield a day of each fiscal year from the booking of an item to today, with the items to read in that year."""
        days = {query.key: set(_each_year(query.day, self._today())) for query in queries}
        for book_date, year_days in self._years.of_days(sorted({self._today(), *chain(*days.values())})):
            yield book_date, [query for query in queries if not days[query.key].isdisjoint(year_days)]

    def _rows(self, layout: Layout, queries: Sequence[ItemQuery], book_date: date) -> list[Row]:
        if not queries:
            return []
        column, numbers = layout.column("item").name, {query.number for query in queries}
        documents = by_references(
            self._reader,
            self._settings.objects.transactions,
            (column, layout.stored("item", numbers)),
            (),
            key=layout.wire("number", "page")[0],
            book_date=book_date,
        )
        folded_numbers = {number.casefold() for number in numbers}
        unique = unique_rows([row for row, _ in documents], partial(ledger_row_key, layout))
        return [
            row
            for row in unique
            if folded_numbers.intersection(text.casefold() for text in layout.texts(row, "item"))
            and any(layout.texts(row, "debtor"))
        ]


def _each_year(first: date, last: date) -> list[date]:
    """Return a day, the same day of each following year before another day, and that day."""
    day = min(first.day, 28)
    return [first, *(date(year, first.month, day) for year in range(first.year + 1, last.year)), last]


def _identity(layout: Layout, row: Row) -> tuple[str, ...]:
    """Return the identity of a row, so that a row found by two reads counts once."""
    names = ("number", "date", "daybook", "page", "account", "amount")
    return tuple(", ".join(sorted(layout.texts(row, name))) for name in names)


def _item(layout: Layout, query: ItemQuery, rows: Sequence[Row], types: Mapping[str, str]) -> Record:
    entries = [read_of(Kind.ITEM, query.key, row, partial(_entry, layout, query, row)) for row in rows]
    if wrong := next((entry for entry in entries if isinstance(entry, Unreadable)), None):
        return wrong
    sums = {"sold": NOTHING, "paid": NOTHING, "other": NOTHING}
    paid_on: date | None = None
    besides = 0
    for entry in entries:
        amount, day = entry.values.get("amount"), entry.values.get("date")
        daybook_type = types.get(str(entry.values.get("daybook") or ""), "").partition(" ")[0]
        name = "sold" if daybook_type in SOLD else "paid" if daybook_type in CAME_IN else "other"
        besides += name == "other"
        sums[name] += amount if isinstance(amount, Decimal) else NOTHING
        if name == "paid" and isinstance(day, date):
            paid_on = max(paid_on or day, day)
    debtors = sorted({str(entry.values.get("debtor") or "") for entry in entries})
    values: dict[str, Value] = {"item": query.number, "debtor": ", ".join(debtors), **sums, "paid": -sums["paid"]}
    return Record(Kind.ITEM, query.key, {**values, "besides": Decimal(besides), "paid_on": paid_on})


def _entry(layout: Layout, query: ItemQuery, row: Row) -> Record:
    require_unique_columns(row)
    require_values(layout, row, "amount", "date", "daybook")
    return Record(Kind.ITEM, query.key, layout.decoded(row, {}))
