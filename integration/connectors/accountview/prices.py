"""Customer prices, from an object that the settings name, as price terms of articles and of debtors.

A row gives a price or a percentage for a price list, a branch, an offer or a debtor; for an article or a discount
group; and from a minimum quantity on. A number that AccountView stores as 0 counts as absent. Only an offer has a
period; an offer that has ended is left out.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal

from integration.connectors.accountview.client import AccountViewClient
from integration.connectors.accountview.codec import LONGEST_SHOWN, PRICE_PLACES, Row, number_or_none
from integration.connectors.accountview.configured_table import ConfiguredTable
from integration.connectors.accountview.layout import Layout, Layouts, named_columns
from integration.connectors.accountview.missing_key import split_unnamed
from integration.connectors.accountview.rows import raw_row
from integration.connectors.accountview.settings import AccountViewSettings
from integration.core.prices import OfferPeriod, PriceScope, PriceTerm, PriceType, term_counts
from integration.core.records import Batch, Kind, Record, Unreadable, Value, WrongValueError, unreadable

_PRICE_FIELDS = {PriceType.PRICE: "price", PriceType.PERCENT: "percent"}
_ZERO = Decimal(0)


class BooksPrices(ConfiguredTable):
    """Reads customer prices where the settings configure them. Safe to share between threads."""

    def __init__(self, client: AccountViewClient, layouts: Layouts, settings: AccountViewSettings) -> None:
        names = {
            name: column for name, column in named_columns(settings.prices).items() if name not in ("object", "table")
        }
        super().__init__(client, layouts, settings, settings.prices, names)
        self._today = client.today

    def added(self, records: Sequence[Record]) -> tuple[Record, ...]:
        """Return articles or debtors with their price terms.

        A record whose rows contradict one another, or lack its key, becomes unreadable. Raises RejectedError for a
        column that does not exist.
        """
        readable = [record for record in records if not isinstance(record, Unreadable)]
        if not self.on or not readable:
            return tuple(records)
        by = "article" if readable[0].kind is Kind.ARTICLE else "debtor"
        answers, unnamed = split_unnamed(lambda keys: self._rows(by, keys), [record.key for record in readable])
        rows = {key: key_rows for answer in answers for key, key_rows in answer.items()}
        lacking = dict(unnamed)

        def with_terms(record: Record) -> Record:
            if isinstance(record, Unreadable):
                return record
            if record.key in lacking:
                return lacking[record.key].as_record(record.kind, record.key)
            return self._with_terms(record, rows.get(record.key.casefold(), ()))

        return tuple(map(with_terms, records))

    def with_terms(self, batch: Batch) -> Batch:
        """Return a page of articles or debtors with their price terms, and with the number of records of each list."""
        if not self.on:
            return batch
        records = self.added(batch.records)
        counts = {**batch.fields.counts, **term_counts(record.values for record in records)} if records else {}
        return replace(batch, records=records, fields=replace(batch.fields, counts=counts))

    def _rows(self, by: str, keys: Sequence[str]) -> dict[str, list[Row]]:
        if by not in self.names:
            return {}
        layout = self._layout()
        columns = tuple(layout.column(name).name for name in self.names)
        values = layout.stored(by, keys)
        rows_by_key: dict[str, list[Row]] = defaultdict(list)
        for row in self._reader.exact_rows(self.of, layout.column(by).name, values, then=(), fields=columns):
            rows_by_key[layout.text(row, by).casefold()].append(row)
        return rows_by_key

    def _with_terms(self, record: Record, rows: Sequence[Row]) -> Record:
        terms: dict[str, Value] = {}
        layout = self._layout()
        for row in rows:
            try:
                row_terms = {term.name: value for term, value in self._terms(record.kind, layout, row)}
            except WrongValueError as error:
                return unreadable(record.kind, record.key, error, raw_row(row))
            if twice := [name for name, value in row_terms.items() if terms.get(name, value) != value]:
                return unreadable(record.kind, record.key, WrongValueError(self.of.table, twice[0]), raw_row(row))
            terms |= row_terms
        return replace(record, values={**record.values, **terms}) if terms else record

    def _terms(self, kind: Kind, layout: Layout, row: Row) -> Iterator[tuple[PriceTerm, Value]]:
        """Yield the price terms of a row for a record of a kind; terms for the other kind are left out."""
        codes = {
            name: str(layout.value(row, name) or "").strip()
            for name in ("article", "debtor", "list", "branch", "offer", "group")
        }
        if kind is Kind.ARTICLE and codes["debtor"]:
            return
        places = [
            (PriceScope.PRICE_GROUP, codes["list"]),
            (PriceScope.BRANCH, codes["branch"]),
            (PriceScope.OFFER, codes["offer"]),
        ]
        if kind is Kind.DEBTOR:
            places = [(PriceScope.ARTICLE, codes["article"]), (PriceScope.DISCOUNT_GROUP, codes["group"])]
        used_places = [(scope, code) for scope, code in places if code]
        if len(used_places) != 1:
            raise WrongValueError(self.of.table, ", ".join(code for _, code in used_places))
        (scope, code), minimum = used_places[0], self._number(row, "minimum") or _ZERO
        period = self._period(layout, row, is_offer=scope is PriceScope.OFFER)
        if period and period.last < self._today():
            return
        for price_type, name in _PRICE_FIELDS.items():
            value = self._number(row, name)
            if value:
                yield PriceTerm(scope, price_type, minimum, code, period), value

    def _period(self, layout: Layout, row: Row, *, is_offer: bool) -> OfferPeriod | None:
        """Return the period of a row, None if it is no offer.

        Raises WrongValueError for an offer without both dates or with an end before its start, and for dates in any
        other row, which would apply forever.
        """
        first, last = (layout.value(row, name) for name in ("start", "end"))
        if is_offer and isinstance(first, date) and isinstance(last, date) and first <= last:
            return OfferPeriod(first, last)
        if is_offer or first or last:
            raise WrongValueError(self.of.table, f"{first or '-'}, {last or '-'}")
        return None

    def _number(self, row: Row, name: str) -> Decimal | None:
        column = self.names.get(name, "")
        raw_value = row.get(column)
        value = None if isinstance(raw_value, list | dict) else number_or_none(raw_value, PRICE_PLACES)
        if value is None and raw_value is not None and str(raw_value).strip():
            raise WrongValueError(column, str(raw_value)[:LONGEST_SHOWN])
        return value
