"""Codes and captions of AccountView's code lists, for the questions of the set-up and the value tables."""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal

from integration.connectors.accountview.articles import Warehouses
from integration.connectors.accountview.client import AccountViewClient, Query
from integration.connectors.accountview.codec import (
    LONGEST_SHOWN,
    RepeatedColumn,
    Row,
    decode_flag,
    key_text,
    number_or_none,
    text_or_none,
)
from integration.connectors.accountview.fields import reserving
from integration.connectors.accountview.layout import Layouts
from integration.connectors.accountview.rows import unique_by_column
from integration.connectors.accountview.settings import AccountViewSettings, BusinessObject
from integration.connectors.accountview.years import FiscalYears
from integration.core.ledgers import LedgerRules
from integration.core.money import HUNDRED
from integration.core.records import Kind

HARVESTED_PAGES = 5  # pages of debtors that are searched for codes that have no list of their own


class BooksChoices:
    """Reads code lists on demand, without a cache.

    Payment conditions, shipping methods, salespersons, price lists and accounts of debtors are collected from debtors;
    warehouses exist where the settings name their object; article codes and debtors are one page of them, with names.
    Periods map their first day to their number. A VAT code with an unreadable percentage has no rate.
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
                code: f"{name} ({_rate_caption(row, rate)})" for code, name, row, rate in self._vat()
            },
            "vat_rates": lambda: {code: f"{rate:.2f}" for code, _, _, rate in self._vat() if rate is not None},
            "vat_accounts": lambda: self._codes(objects.vat, "VAT_CODE", "VAT_ACCT"),
            "ledgers": lambda: self._ledgers(lambda _: True),
            "revenue_accounts": lambda: self._ledgers(lambda row: _flag_value(row.get("STAT_SELL")) is True),
            "ledger_rules": self._ledger_rules,
            "collective_accounts": lambda: self._ledgers(_is_collective),
            "daybooks": lambda: self._codes(objects.daybooks, "DJ_CODE", "DJ_NAME"),
            "daybook_types": self._daybook_types,
            "day_daybooks": self._day_daybooks,
            "cost_centres": lambda: self._codes(objects.cost_centres, "COST_CODE", "COST_DESC"),
            "payment_conditions": lambda: self._debtor_values("payment_condition"),
            "shipping_methods": lambda: self._debtor_values("shipping_method"),
            "salespersons": lambda: self._debtor_values("salesperson"),
            "price_lists": lambda: self._debtor_values("price_list"),
            "debtor_accounts": lambda: self._debtor_values("account"),
            "debtors": lambda: self._names_by_code(Kind.DEBTOR, objects.debtors, "number"),
            "warehouses": lambda: {code: code for code in warehouses.codes(fresh=True)},
            "companies": lambda: {company.id: f"{company.name} ({company.code})" for company in client.companies()},
            "article_fields": lambda: {
                column.name: column.caption for column in client.dictionary(objects.articles.table)
            },
            "article_codes": lambda: self._names_by_code(Kind.ARTICLE, objects.articles, "code"),
            "article_groups": lambda: self._groups("name"),
            "article_group_parents": lambda: self._groups("parent"),
            "reservations": self._reservations,
            "periods": years.starts,
            "posting_line_fields": lambda: self._line_fields(Kind.POSTING),
            "day_line_fields": lambda: self._line_fields(Kind.DAY_PAGE),
            "till_ids": self._till_ids,
        }

    def list_codes(self, name: str) -> dict[str, str]:
        """Return the codes of one list with their captions, empty for an unknown list."""
        return self._lists[name]() if name in self._lists else {}

    def _ledgers(self, fits: Callable[[Row], bool]) -> dict[str, str]:
        return self._codes(self._settings.objects.ledgers, "ACCT_NR", "ACCT_NAME", fits)

    def _ledger_rules(self) -> dict[str, str]:
        """Return the LedgerRules of each account, as text."""
        rows = {
            text_or_none(row["ACCT_NR"]) or "": row for row in self._all_rows(self._settings.objects.ledgers, "ACCT_NR")
        }
        return {account: _rules_of(row).as_text() for account, row in rows.items()}

    def _daybook_types(self) -> dict[str, str]:
        """Return the type of each daybook, followed by `blocked` if it is; the type is empty for an unknown caption."""
        return {code: _type_of(row) for code, row in self._daybooks().items()}

    def _day_daybooks(self) -> dict[str, str]:
        """Return the daybooks that take a page of signed lines and are not blocked."""
        signed = {code: row for code, row in self._daybooks().items() if _type_of(row) in SIGNED}
        return {code: text_or_none(row.get("DJ_NAME")) or "" for code, row in signed.items()}

    def _daybooks(self) -> dict[str, Row]:
        return {
            text_or_none(row["DJ_CODE"]) or "": row
            for row in self._all_rows(self._settings.objects.daybooks, "DJ_CODE")
        }

    def _codes(
        self, of: BusinessObject, code: str, caption: str, fits: Callable[[Row], bool] = lambda _: True
    ) -> dict[str, str]:
        return {text_or_none(row[code]) or "": _caption(row, caption) for row in self._all_rows(of, code) if fits(row)}

    def _names_by_code(self, kind: Kind, of: BusinessObject, key: str) -> dict[str, str]:
        """Return one page of codes with their names, because there are too many to list all."""
        layout, size = self._layouts.layout_of_kind(kind)[0], self._settings.page_size
        columns = layout.wire(key, "name")
        rows = self._client.page(Query(of=of, sort=columns[:1], size=size, fields=columns))
        return {code: layout.text(row, "name") or code for row in rows if (code := layout.text(row, key))}

    def _groups(self, name: str) -> dict[str, str]:
        """Return a field of each article group: its name, or the code of its parent group."""
        layout = self._layouts.layout_of_kind(Kind.GROUP)[0]
        rows = self._all_rows(self._settings.objects.groups, layout.column("code").name)
        return {code: layout.text(row, name) for row in rows if (code := layout.text(row, "code"))}

    def _reservations(self) -> dict[str, str]:
        """Return the article field for stock reserved for sales if it has a column, otherwise the candidate columns.

        Candidates are chosen by their captions. The dictionary does not show whether a stock figure already excludes
        them.
        """
        layout = self._layouts.layout_of_kind(Kind.ARTICLE, fresh=True)[0]
        if layout.has_field("stock_reserved"):
            return {"stock_reserved": layout.column("stock_reserved").name}
        return {column.name: f"{column.caption} ({column.name})" for column in reserving(layout)}

    def _line_fields(self, kind: Kind) -> dict[str, str]:
        """Return our names of the writable fields of a daybook line, with their columns."""
        layout = self._layouts.layout_of_kind(kind)[1]
        return {
            name: column for name, column in layout.existing_columns().items() if not layout.columns[column].blocked
        }

    def _till_ids(self) -> dict[str, str]:
        """Return the document settings that have a column for the till's own id, with that column."""
        settings = self._settings
        layout_names = ("sales_order", "trade_invoice", "quotation", "posting")
        columns = {name: getattr(settings, name).model_dump()["till_id"] for name in layout_names}
        return {name: column.upper() for name, column in columns.items() if column}

    def _debtor_values(self, name: str) -> dict[str, str]:
        """Return the values that debtors have in a field, for codes whose object is not published."""
        layout = self._layouts.layout_of_kind(Kind.DEBTOR)[0]
        if not layout.has_field(name):
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
        values: set[str] = set()
        for page in range(1, HARVESTED_PAGES + 1):
            codes = [layout.text(row, name) for row in self._client.page(replace(query, number=page))]
            values |= set(codes)
            if not codes or not codes[-1]:  # those without a value come last
                break
            query = query if page > 1 else replace(query, size=min(len(codes), query.size))
        return {code: code for code in sorted(values) if code}

    def _vat(self) -> Iterator[tuple[str, str, Row, Decimal | None]]:
        """Yield every VAT code with its name, its row and its percentage; None if there is no valid percentage."""
        for row in self._all_rows(self._settings.objects.vat, "VAT_CODE"):
            code = text_or_none(row["VAT_CODE"]) or ""
            rate = None if isinstance(row.get(VAT_RATE), RepeatedColumn) else number_or_none(row.get(VAT_RATE), 2)
            yield (
                code,
                _caption(row, "VAT_NAME") or code,
                row,
                rate if rate is not None and 0 <= rate <= HUNDRED else None,
            )

    def _all_rows(self, of: BusinessObject, key: str) -> list[Row]:
        """Return all rows of a short list that have a key, each key once; see `unique_rows`."""
        rows = self._client.read_all_rows(Query(of=of, sort=(key,), size=self._settings.page_size))
        return unique_by_column([row for row in rows if key_text(row.get(key))], key)


def _caption(row: Row, column: str) -> str:
    """Return the text in a column, empty if rows of one code have different ones."""
    value = row.get(column)
    return "" if isinstance(value, RepeatedColumn) else text_or_none(value) or ""


def _rate_caption(row: Row, rate: Decimal | None) -> str:
    """Return a percentage for people; an unreadable one is shown as it came."""
    if rate is not None:
        return f"{rate.normalize():f} %"
    raw_rate = row.get(VAT_RATE)
    raw_text = ", ".join(map(str, raw_rate)) if isinstance(raw_rate, RepeatedColumn) else text_or_none(raw_rate) or ""
    return f"? % {raw_text}".strip()[:LONGEST_SHOWN]


VAT_RATE = "VAT_PCT"
SIGNED = ("memorial", "cash")  # types of daybooks whose pages have signed lines on any account
DEMANDS = {"vat": "VAT_MAND", "cost": "COST_MAND", "quantity": "QTY_MAND", "part": "PART_MAND"}
BLOCKS = ("REC_BLK", "CLT_BLK")
OWN_CURRENCY = "EUR"  # currency of the administration and of the till
# Types of daybooks by the caption of their type: the numbers of the types are not published.
DAYBOOK_TYPE_PATTERNS = {
    "cash": r"\bkas|\bcash",
    "bank": r"bank|giro",
    "purchase": r"inkoop|purchase|einkauf",
    "sales": r"verkoop|sales|verkauf",
    "memorial": r"memori|diverse|general",
}


def _rules_of(row: Row) -> LedgerRules:
    columns = (*DEMANDS.values(), *BLOCKS)
    marks = {column: _flag_value(row.get(column)) for column in columns}
    is_collective = _is_collective(row)
    unclear = next((column for column, mark in marks.items() if mark is None), "")
    if not unclear and not is_collective and _flag_value(row.get("ACCT_LINK")) is None:
        unclear = "ACCT_LINK"
    if not unclear and isinstance(row.get("CUR_CODE"), RepeatedColumn):
        unclear = "CUR_CODE"
    currency = _caption(row, "CUR_CODE").upper()
    return LedgerRules(
        demands=tuple(demand for demand, column in DEMANDS.items() if marks[column]),
        is_blocked=any(marks[column] for column in BLOCKS),
        is_collective=is_collective,
        currency="" if currency == OWN_CURRENCY else currency,
        unclear=(unclear, str(row.get(unclear)).strip()[:LONGEST_SHOWN]) if unclear else None,
    )


def _flag_value(value: object) -> bool | None:
    """Return a flag, which some columns hold as a number; None for an unknown word."""
    if isinstance(value, RepeatedColumn):
        return None
    number = number_or_none(value, 0)
    return bool(number) if number is not None else decode_flag(value)


def _type_of(row: Row) -> str:
    caption = (text_or_none(row.get("DJ_TYPEV")) or "").casefold()
    daybook_type = next(
        (daybook_type for daybook_type, pattern in DAYBOOK_TYPE_PATTERNS.items() if re.search(pattern, caption)), ""
    )
    return f"{daybook_type} blocked".strip() if decode_flag(row.get("CLT_BLK")) is not False else daybook_type


def _is_collective(row: Row) -> bool:
    return _flag_value(row.get("ACCT_LINK")) is True or _caption(row, "ACCT_NAME").casefold() == "debiteuren"
