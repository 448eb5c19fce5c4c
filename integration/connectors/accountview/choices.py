"""Codes and captions of AccountView's lists, for the questions of the set-up and the tables of values."""

from collections.abc import Callable
from dataclasses import replace
from itertools import count

from integration.connectors.accountview.answers import Seen
from integration.connectors.accountview.articles import Warehouses
from integration.connectors.accountview.client import AccountViewClient, Query
from integration.connectors.accountview.codec import Row, flag, number, text
from integration.connectors.accountview.layout import Layouts
from integration.connectors.accountview.settings import AccountViewSettings, BusinessObject
from integration.connectors.accountview.years import FiscalYears
from integration.core.records import Kind

HARVESTED_PAGES = 5  # of debtors, for codes that have no list of their own


class Choices:
    """Reads the lists when they are asked for; nothing is kept.

    Those of payment conditions and accounts of debtors are what debtors have; warehouses are there where the settings
    name their object; article codes are a page of them. Periods are told by their first day, with their number.
    """

    def __init__(
        self,
        client: AccountViewClient,
        layouts: Layouts,
        warehouses: Warehouses,
        years: FiscalYears,
        settings: AccountViewSettings,
    ) -> None:
        self._client = client
        self._layouts = layouts
        self._settings = settings
        objects = settings.objects
        self._lists: dict[str, Callable[[], dict[str, str]]] = {
            "vat_codes": lambda: {
                code: f"{caption} ({rate.rstrip('0').rstrip('.')} %)" for code, caption, rate in self._vat()
            },
            "vat_rates": lambda: {code: rate for code, _, rate in self._vat()},
            "ledgers": lambda: self._ledgers(lambda _: True),
            "revenue_accounts": lambda: self._ledgers(lambda row: flag(row.get("STAT_SELL"))),
            "collective_accounts": lambda: self._ledgers(_is_collective),
            "daybooks": lambda: self._codes(objects.daybooks, "DJ_CODE", "DJ_NAME"),
            "cost_centres": lambda: self._codes(objects.cost_centres, "COST_CODE", "COST_DESC"),
            "payment_conditions": lambda: self._of_debtors("payment_condition"),
            "debtor_accounts": lambda: self._of_debtors("account"),
            "warehouses": lambda: {code: code for code in warehouses.codes(fresh=True)},
            "companies": lambda: {one.id: f"{one.name} ({one.code})" for one in client.companies()},
            "article_fields": lambda: {one.name: one.caption for one in client.dictionary(objects.articles.table)},
            "article_codes": self._article_codes,
            "periods": years.starts,
            "posting_line_fields": self._of_posting_lines,
        }

    def of(self, name: str) -> dict[str, str]:
        """Return the codes of one list with their captions; nothing for a list that is not known."""
        return self._lists[name]() if name in self._lists else {}

    def _ledgers(self, fits: Callable[[Row], bool]) -> dict[str, str]:
        return self._codes(self._settings.objects.ledgers, "ACCT_NR", "ACCT_NAME", fits)

    def _codes(
        self, of: BusinessObject, code: str, caption: str, fits: Callable[[Row], bool] = lambda _: True
    ) -> dict[str, str]:
        return {text(row[code]) or "": text(row.get(caption)) or "" for row in self._all(of, code) if fits(row)}

    def _article_codes(self) -> dict[str, str]:
        """One page shows what codes look like; a catalogue has too many to list."""
        column, size = self._settings.article.code, self._settings.page_size
        rows = self._client.page(Query(of=self._settings.objects.articles, sort=(column,), size=size, fields=(column,)))
        return {code: code for row in rows if (code := text(row.get(column)))}

    def _of_posting_lines(self) -> dict[str, str]:
        """Our names of the fields of a posting line that can be written, with their columns."""
        layout = self._layouts.of(Kind.POSTING)[1]
        return {name: column for name, column in layout.known().items() if not layout.columns[column].blocked}

    def _of_debtors(self, name: str) -> dict[str, str]:
        """What the debtors have in a field: the object of payment conditions, for one, is not published."""
        layout = self._layouts.of(Kind.DEBTOR)[0]
        if not layout.has(name):
            return {}
        column, objects = layout.column(name).name, self._settings.objects
        query = Query(
            of=objects.debtors,
            sort=(column,),
            size=self._settings.page_size,
            fields=(column,),
            descending=True,
            key=self._settings.debtor.number,
        )
        found: set[str] = set()
        for page in range(1, HARVESTED_PAGES + 1):
            rows = self._client.page(replace(query, number=page))
            codes = [layout.text(row, name) for row in rows]
            found |= set(codes)
            if len(codes) < query.size or not codes[-1]:  # those without one come last
                break
        return {code: code for code in sorted(found) if code}

    def _vat(self) -> list[tuple[str, str, str]]:
        """Every VAT code with its name and its percentage, such as `21.00`."""
        found = []
        for row in self._all(self._settings.objects.vat, "VAT_CODE"):
            code, rate = text(row["VAT_CODE"]) or "", number(row.get("VAT_PCT"), 2)
            found.append((code, text(row.get("VAT_NAME")) or code, f"{rate or 0:.2f}"))
        return found

    def _all(self, of: BusinessObject, key: str) -> list[Row]:
        """Return all rows of a short list that have a key."""
        found: dict[str, Row] = {}
        seen = Seen(of, self._settings.page_size)
        for page in count(1):
            rows = self._client.page(Query(of=of, sort=(key,), size=self._settings.page_size, number=page))
            found = {code: row for row in rows if (code := text(row.get(key)))} | found
            if seen.is_last(rows):
                break
        return list(found.values())


def _is_collective(row: Row) -> bool:
    return bool(number(row.get("ACCT_LINK"), 0)) or (text(row.get("ACCT_NAME")) or "").casefold() == "debiteuren"
