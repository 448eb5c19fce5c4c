"""Articles and article groups as a source; articles with their stock per warehouse."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

from pydantic import BaseModel

from integration.connectors.accountview.client import AccountViewClient, Query, QueryFilter
from integration.connectors.accountview.codec import PRICE_PLACES, Row, has_hidden_signs, is_blank, number_or_none
from integration.connectors.accountview.configured_table import ConfiguredTable
from integration.connectors.accountview.layout import Layout, Layouts, named_columns
from integration.connectors.accountview.missing_key import split_unnamed
from integration.connectors.accountview.prices import BooksPrices
from integration.connectors.accountview.rows import row_decoder, whole_records
from integration.connectors.accountview.settings import AccountViewSettings, BusinessObject
from integration.connectors.accountview.source import Pages, Reading
from integration.connectors.hashing import hashing
from integration.connectors.protocol import UnparsedPage
from integration.core.errors import RejectedError
from integration.core.records import Batch, Field, FieldPresence, FieldType, Kind, Record

# ---- stock per warehouse, from an object that the settings name, as quantities of the articles


NONE = Decimal("0.0000")


class Warehouses(ConfiguredTable):
    """Reads the stock of articles per warehouse, where the settings configure it. Safe to share between threads."""

    def __init__(self, client: AccountViewClient, layouts: Layouts, settings: AccountViewSettings) -> None:
        columns = settings.warehouses.model_dump(include={"article", "warehouse", "quantity"})
        names = {name: column.upper() for name, column in columns.items()}
        super().__init__(client, layouts, settings, settings.warehouses, names)
        self._client = client
        self._settings = settings
        self._known_codes: frozenset[str] | None = None

    def forget(self) -> None:
        """Discard the list of warehouses, so that it is read again."""
        self._known_codes = None

    def codes(self, *, fresh: bool = False) -> list[str]:
        """Return the warehouses, read once; `fresh` reads them again. Empty where warehouses are not configured."""
        if not self.on:
            return []
        if fresh or self._known_codes is None:
            self._known_codes = self._read_codes()
        return sorted(self._known_codes)

    def _read_codes(self) -> frozenset[str]:
        """Return the warehouses on one page of rows, then repeatedly on a page without the known ones.

        No client is known to compare texts by `NotEqual`; if it is refused, the first page must suffice.
        """
        layout = self._layout()
        column = layout.column("warehouse").name
        query = Query(
            of=self.of, sort=layout.wire("article", "warehouse"), size=self._settings.page_size, fields=(column,)
        )
        codes = fresh = self._codes_on_page(layout, query)
        while fresh and len(codes) <= self._settings.conditions:
            others = tuple(QueryFilter(column, "NotEqual", "C", code) for code in sorted(codes))
            try:
                fresh = self._codes_on_page(layout, replace(query, filters=others)) - codes
            except RejectedError:
                break
            codes |= fresh
        return codes

    def _codes_on_page(self, layout: Layout, query: Query) -> frozenset[str]:
        return frozenset(_warehouse_of(layout, row) for row in self._client.page(query)) - {""}

    def with_stock(self, articles: Sequence[Record], *, fresh: bool = False) -> tuple[Record, ...]:
        """Return articles with `warehouse:<code>` for every warehouse: 0 if it has no row, the sum if it has several.

        A row without a quantity makes the value None, and an unknown warehouse has no value; neither is 0. `fresh`
        reads the list of warehouses again. Raises RejectedError for a column that does not exist.
        """
        if not self.on or not articles:
            return tuple(articles)
        quantities = self.of_articles([article.key for article in articles], fresh=fresh)
        return tuple(replace(article, values={**article.values, **quantities[article.key]}) for article in articles)

    def of_articles(self, keys: Collection[str], *, fresh: bool = False) -> dict[str, dict[str, Decimal | None]]:
        """Return `warehouse:<code>` for every warehouse, by article key; empty where warehouses are not configured."""
        if not self.on or not keys:
            return {key: {} for key in keys}
        listed_codes = self.codes(fresh=fresh)
        stock = self._stock(list(keys))
        codes = sorted({*listed_codes, *(code for quantities in stock.values() for code in quantities if code)})
        self._known_codes = frozenset(codes)
        return {key: _stock_values(stock.get(key.casefold(), {}), codes) for key in keys}

    def _stock(self, keys: Sequence[str]) -> dict[str, dict[str, Decimal | None]]:
        """Return the quantity per warehouse by case-folded article key; None where a row has no quantity."""
        layout = self._layout()
        article, warehouse, quantity = columns = tuple(layout.column(name).name for name in self.names)

        def ask(portion: Sequence[str]) -> list[Row]:
            values = layout.stored("article", portion)
            return self._reader.exact_rows(self.of, article, values, then=(warehouse,), fields=columns)

        answers, unnamed = split_unnamed(ask, keys)
        stock: dict[str, dict[str, Decimal | None]] = defaultdict(dict)
        for key, _ in unnamed:
            stock[key.casefold()][""] = None
        for row in (row for answer in answers for row in answer):
            quantities, code = stock[layout.text(row, "article").casefold()], _warehouse_of(layout, row)
            if code or not is_blank(row.get(warehouse)):
                quantities[code] = _sum(quantities.get(code, NONE), number_or_none(row.get(quantity), PRICE_PLACES))
        return stock

    def fields(self, *, fresh: bool) -> list[Field]:
        """Return a field of the article for each warehouse, captioned with the warehouse column and the code."""
        return list(self._fields(fresh=fresh)) if self.on else []

    def _fields(self, *, fresh: bool) -> Iterator[Field]:
        column = self._layout().column("warehouse")
        for code in self.codes(fresh=fresh):
            yield Field(
                f"warehouse:{code}", f"{column.caption} {code}", FieldType.NUMBER, Kind.ARTICLE, custom=column.custom
            )


def _warehouse_of(layout: Layout, row: Row) -> str:
    """Return the warehouse of a row, empty if the row names none or its code has invisible characters."""
    return "" if has_hidden_signs(row.get(layout.column("warehouse").name)) else layout.text(row, "warehouse")


def _sum(amount: Decimal | None, other: Decimal | None) -> Decimal | None:
    return None if amount is None or other is None else amount + other


def _stock_values(quantities: Mapping[str, Decimal | None], codes: Sequence[str]) -> dict[str, Decimal | None]:
    has_unknown_warehouse = "" in quantities
    return {f"warehouse:{code}": None if has_unknown_warehouse else quantities.get(code, NONE) for code in codes}


# ---- articles and their groups


class TableSource:
    """The articles of one installation, their groups, or another table that is read without additions."""

    def __init__(self, kind: Kind, of: BusinessObject, fields: BaseModel, pages: Pages, layouts: Layouts) -> None:
        names = named_columns(fields)
        self._reading = Reading(of, names, row_decoder(kind, names, lambda: layouts.columns(of.table)))
        self._pages = pages

    def extract(self, since: str | None, after: str | None) -> Batch:
        """Return one page of the records that changed."""
        return self._pages.page(self._reading, since, after)

    def estimate_count(self) -> int:
        """Return the approximate number of records, or 0 if it cannot be determined."""
        return self._pages.estimate_count(self._reading)

    def fetch(self, keys: Collection[str]) -> list[Record]:
        """Return the records with these codes."""
        return list(self.fetched(keys).records)

    def fetched(self, keys: Collection[str]) -> Batch:
        return self._pages.with_keys(self._reading, keys)

    def highest_records(self, name: str, count: int) -> list[Record]:
        """Return the records with the highest values of a field, highest first, without data of other tables."""
        return self._pages.most_with_field(self._reading, name, count)


class BooksArticles(TableSource):
    """The articles of one installation, with `warehouse:<code>` if warehouses are configured.

    They also have customer prices if those are configured; every extract then reads all articles.
    """

    def __init__(
        self, settings: AccountViewSettings, pages: Pages, layouts: Layouts, warehouses: Warehouses, prices: BooksPrices
    ) -> None:
        super().__init__(Kind.ARTICLE, settings.objects.articles, settings.article, pages, layouts)
        self._warehouses = warehouses
        self._prices = prices
        self._hash = hashing(settings)

    def extract_unparsed(self, since: str | None, after: str | None) -> UnparsedPage | None:
        """Return the page that `extract` would return, unparsed; None if customer prices are configured."""
        if self._prices.on:
            return None
        page, operation = self._pages.extract_unparsed(self._reading, since, after), self._reading.of.reading
        counts = Counter(raw_row.key for raw_row in page.rows)
        # Of rows with the same key and different content, none is known to be unchanged.
        keyed = [raw_row for raw_row in page.rows if raw_row.key and counts[raw_row.key] == 1]
        quantities = self._warehouses.of_articles([raw_row.key for raw_row in keyed], fresh=after is None)

        presence: list[FieldPresence] = [FieldPresence()]

        def read(without: Collection[str]) -> tuple[Record, ...]:
            all_rows = [raw_row.row(operation) for raw_row in page.rows if raw_row.key not in without]
            rows = self._reading.unique_rows(all_rows)
            ends = [raw_row.row(operation) for raw_row in (*page.rows[:1], *page.rows[-1:])] if rows else []
            presence[0] = self._reading.fields_of(rows)
            records = whole_records(rows, self._reading.decode, ends)
            return tuple(
                replace(record, values={**record.values, **quantities.get(record.key, {})}) for record in records
            )

        hashes = tuple((raw_row.key, self._hash(raw_row.content, repr(quantities[raw_row.key]))) for raw_row in keyed)
        return UnparsedPage(hashes, read, page.after, page.stamp, lambda: presence[0])

    def extract(self, since: str | None, after: str | None) -> Batch:
        """Return one page of the articles that changed, with stock per warehouse and customer prices."""
        batch = super().extract(None if self._prices.on else since, after)
        return self._prices.with_terms(
            replace(batch, records=self._warehouses.with_stock(batch.records, fresh=after is None))
        )

    def fetched(self, keys: Collection[str]) -> Batch:
        """Return the articles with these codes, with stock per warehouse and customer prices."""
        batch = super().fetched(keys)
        return replace(batch, records=self._prices.added(self._warehouses.with_stock(batch.records)))
