"""Checks the connection, and whether the books meet the requirements of each kind of record."""

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress

from integration.connectors.accountview.articles import Warehouses
from integration.connectors.accountview.client import (
    LIKE_TABLE,
    AccountViewClient,
    Administration,
    OfferedObject,
    Query,
    QueryFilter,
)
from integration.connectors.accountview.configured_table import ConfiguredTable
from integration.connectors.accountview.documents import is_about_filter
from integration.connectors.accountview.fields import WITH_LINES, WRITTEN
from integration.connectors.accountview.layout import Layout, Layouts
from integration.connectors.accountview.places import invoice_tables
from integration.connectors.accountview.prices import BooksPrices
from integration.connectors.accountview.rows import STOCK
from integration.connectors.accountview.settings import SYSTEM, AccountViewSettings, BusinessObject
from integration.core.connections import Finding, FindingsCallback, ignore_progress
from integration.core.errors import AccessDeniedError, IntegrationError, RejectedError
from integration.core.records import Kind

# Default columns that an installation may lack without harm; a column named in the settings must exist.
USED_WHERE_PRESENT = frozenset({"vat_code", "unit", "blocked"}) | STOCK

SEARCHED_DOCUMENTS = 20  # number of latest documents that are searched for one with a reference

# Fields without which a kind cannot be looked up, written or read at all.
REQUIRED_FIELDS = {
    Kind.DEBTOR: {"number", "name", "search_code", "account"},
    Kind.ADDRESS: {"number", "debtor", "name", "street", "postcode", "city"},
    Kind.SALES_ORDER: {"reference", "debtor", "date", "article", "quantity", "price"},
    Kind.QUOTATION: {"reference", "debtor", "date", "article", "quantity", "price"},
    Kind.POSTING: {"reference", "debtor", "daybook", "date", "text", "account", "amount"},
    Kind.DAY_PAGE: {"reference", "daybook", "date", "text", "account", "amount"},
    Kind.ENTRY: {"date", "account", "amount", "daybook", "page"},
    Kind.ITEM: {"date", "amount", "daybook", "page", "item", "debtor"},
}


class BooksCheck:
    """Checks one installation; every fault becomes a finding, with the kind of record it concerns.

    Each table, and a row of each object, is read once until what was read is discarded.
    """

    def __init__(
        self,
        client: AccountViewClient,
        settings: AccountViewSettings,
        layouts: Layouts,
        warehouses: Warehouses,
        prices: BooksPrices,
    ) -> None:
        self._client = client
        self._settings = settings
        self._layouts = layouts
        self._warehouses = warehouses
        self._prices = prices
        self._companies: list[Administration] = []
        self._is_trusted = True

    def connection(self, on_progress: FindingsCallback = ignore_progress) -> list[Finding]:
        """Return the steps of the connection check up to the first one that fails. Never raises.

        One step finds all missing fields; each has a line of its own.
        """
        looks: dict[str, Callable[[], str]] = {
            "host": self._check_host,
            "certificate": self._check_certificate,
            "credentials": self._check_credentials,
            "company": self._check_company,
            "rights": self._check_rights,
            "fields": self._check_fields,
        }
        findings: list[Finding] = []
        coming = [Finding(name, None) for name in looks]
        while coming and all(finding.ok for finding in findings):
            on_progress([*findings, *coming])
            name = coming.pop(0).name
            findings += _run_step(name, looks[name])
        return [*findings, *coming]

    def _check_host(self) -> str:
        self._is_trusted = True
        try:
            self._client.probe()
        except IntegrationError as error:
            if error.code != "certificate_invalid":  # a server answers; the next step reports the certificate
                raise
            self._is_trusted = False
        return self._client.host

    def _check_certificate(self) -> str:
        if not self._is_trusted:
            self._client.probe()
        return ""

    def _check_credentials(self) -> str:
        self._companies = self._client.companies()
        return ""

    def _check_company(self) -> str:
        chosen = self._settings.company
        for company in self._companies:
            if company.id == chosen and chosen:
                return company.name
        raise AccessDeniedError("company_not_available", system=SYSTEM, company=chosen)

    def _check_rights(self) -> str:
        offered = self._layouts.offered()
        objects, settings = self._settings.objects, self._settings
        self._client.prove_readable(objects.fields, LIKE_TABLE, conditions=True)
        for of, key, kind in (
            (objects.groups, settings.group.code, Kind.GROUP),
            (objects.articles, settings.article.code, Kind.ARTICLE),
            (objects.vat, "VAT_CODE", Kind.ARTICLE),
        ):
            _require_offered(of.code, offered, kind)
            self._require_readable(of, key, conditions=of is not objects.vat)
        self._check_ledgers(offered)
        self._check_configured(self._warehouses, Kind.STOCK, offered)
        self._check_configured(self._prices, Kind.ARTICLE, offered)
        return ""

    def _check_ledgers(self, offered: Collection[str]) -> None:
        """Check the ledger accounts if they are offered and readable: only the choices of the set-up need them."""
        of = self._settings.objects.ledgers
        with suppress(AccessDeniedError, RejectedError):
            if of.code.upper() in offered:
                self._require_readable(of, "ACCT_NR", conditions=False)

    def _check_configured(self, table: ConfiguredTable, kind: Kind, offered: Collection[str]) -> None:
        if table.on:
            _require_offered(table.of.code, offered, kind)
            if not table.missing():  # missing columns are reported with the fields
                self._require_readable(table.of, table.names["article"])

    def _require_readable(self, of: BusinessObject, key: str, *, conditions: bool = True) -> None:
        """Read one row, because a missing right only shows when it is used. A missing key is reported with the fields.

        `conditions` must have an effect on the read.
        """
        if key.upper() in self._layouts.columns(of.table):
            self._client.prove_readable(of, key, conditions=conditions)

    def _check_fields(self) -> str:
        vat = self._settings.objects.vat
        columns = self._layouts.columns(vat.table)
        missing = [*self._missing_columns(Kind.GROUP), *self._missing_columns(Kind.ARTICLE)]
        missing += [
            _missing_column_error(vat.table, column, Kind.ARTICLE)
            for column in ("VAT_CODE", "VAT_PCT")
            if column not in columns
        ]
        _require_all([*missing, *self._missing_stock_columns()])
        return ""

    def _missing_columns(self, kind: Kind) -> list[RejectedError]:
        """Return an error for each column of a kind that the dictionary lacks."""
        layout = self._layouts.layout_of_kind(kind)[0]
        optional = USED_WHERE_PRESENT - self._settings.article.model_fields_set
        absent = (name for name in layout.names if not layout.has_field(name) and name not in optional)
        return [_missing_column_error(layout.table, layout.names[name], kind) for name in absent]

    def _missing_stock_columns(self) -> list[RejectedError]:
        shelves = [
            _missing_column_error(self._warehouses.of.table, column, Kind.STOCK)
            for column in self._warehouses.missing()
        ]
        return shelves + [
            _missing_column_error(self._prices.of.table, column, Kind.ARTICLE) for column in self._prices.missing()
        ]

    def needs(self, kind: Kind, *, for_insert: bool, as_invoices: bool) -> list[Finding]:
        """Return the missing requirements of a kind; see `AccountView.needs`."""
        as_invoices = as_invoices and kind is Kind.SALES_ORDER
        return [
            finding
            for name, look in self._needed_checks(kind, for_insert=for_insert, as_invoices=as_invoices)
            for finding in _run_step(name, look)
        ]

    def _needed_checks(
        self, kind: Kind, *, for_insert: bool, as_invoices: bool
    ) -> Iterator[tuple[str, Callable[[], str]]]:
        yield "rights", lambda: self._check_object(kind, for_insert=for_insert and not as_invoices)
        yield "fields", lambda: self._check_needed_fields(kind)
        if as_invoices:
            yield "rights", self._check_invoice_object
            yield "fields", self._check_invoice_fields

    def _check_invoice_object(self) -> str:
        tables = invoice_tables(self._layouts, self._settings.objects)
        offered = self._layouts.offered()
        _require_offered(tables.of.code, offered, Kind.SALES_ORDER)
        self._require_readable(tables.of, tables.sorted_by)
        return _require_insert(offered[tables.of.code.upper()])

    def _check_invoice_fields(self) -> str:
        settings = self._settings
        chosen = settings.trade_invoice.model_fields_set, settings.trade_invoice_line.model_fields_set
        _require_all(_missing_column_errors(Kind.SALES_ORDER, self._layouts.invoices(), chosen))
        return ""

    def _check_object(self, kind: Kind, *, for_insert: bool) -> str:
        of = self._layouts.object_of(kind)
        key = self.sorted_by(kind)
        offered = self._layouts.offered()
        _require_offered(of.code, offered, kind)
        self._require_readable(of, key)
        if kind is Kind.ARTICLE:
            self._check_configured(self._warehouses, Kind.STOCK, offered)
        history = self._settings.objects.history.code
        if kind is Kind.SALES_ORDER and history:
            _require_offered(history, offered, kind)
        if kind in WITH_LINES:
            self._require_findable(kind, of, key)
        offered_object = offered[of.code.upper()]
        return _require_insert(offered_object) if for_insert and kind in WRITTEN else offered_object.name

    def _require_findable(self, kind: Kind, of: BusinessObject, key: str) -> None:
        """Read a document that was just seen by its reference, as runs look up theirs.

        Raises RejectedError `known_not_found` if it is not found, because written documents would not be found either.
        """
        layout = self._layouts.layout_of_kind(kind)[0]
        if not (key and layout.has_field("reference")):  # reported with the fields
            return
        column = layout.column("reference").name
        rows = self._client.page(Query(of=of, sort=(key,), size=SEARCHED_DOCUMENTS, fields=(column,)))
        reference = next((text for row in rows if (text := layout.text(row, "reference"))), "")
        if not reference:  # no document has a reference yet; a run tests this itself before its first document
            return
        try:
            matches = self._client.page(
                Query(
                    of=of,
                    sort=(key,),
                    size=SEARCHED_DOCUMENTS,
                    fields=(column,),
                    filters=(QueryFilter(column, "Equal", "C", reference),),
                )
            )
        except RejectedError as error:
            if not is_about_filter(error, column):
                raise
            return  # runs then read all documents since a date instead
        if reference.casefold() not in {layout.text(row, "reference").casefold() for row in matches}:
            raise RejectedError("known_not_found", system=SYSTEM, object=of.code, field=column, kind=kind)

    def sorted_by(self, kind: Kind) -> str:
        """Return the column that sorts the records of a kind."""
        if kind not in REQUIRED_FIELDS:
            return self._layouts.column_names(kind)["code"]
        layout = self._layouts.layout_of_kind(kind)[0]
        return (*layout.wire("number", "order_number", "quotation_number", "page"), *layout.wire("reference"), "")[0]

    def _check_needed_fields(self, kind: Kind) -> str:
        if kind not in REQUIRED_FIELDS:
            _require_all([*self._missing_columns(kind), *self._missing_stock_columns()])
            return ""
        layouts = self._layouts.layout_of_kind(kind)
        lacking = _missing_column_errors(kind, layouts, self._layouts.chosen_names(kind))
        if kind is Kind.QUOTATION and "reference" not in layouts[0].names:  # it has no default column
            lacking.append(_missing_column_error(layouts[0].table, "quotation.reference", kind))
        if kind is Kind.SALES_ORDER and self._settings.objects.history.code:
            history = self._layouts.history()
            if not history.has_field("reference"):
                lacking.append(_missing_column_error(history.table, history.names["reference"], kind))
        _require_all(lacking)
        return ""


def _run_step(name: str, look: Callable[[], str]) -> list[Finding]:
    """Return the finding of one step, or one finding for each error."""
    wrong: list[Finding] = []
    try:
        return [Finding(name, ok=True, about=look())]
    except* IntegrationError as group:
        errors = [error for error in group.exceptions if isinstance(error, IntegrationError)]
        wrong = [Finding(name, ok=False, cause=error.code, facts=dict(error.facts)) for error in errors]
    return wrong


def _require_offered(code: str, offered: Collection[str], kind: Kind) -> None:
    if code.upper() not in offered:
        raise RejectedError("object_missing", system=SYSTEM, object=code, kind=kind)


def _require_insert(offered: OfferedObject) -> str:
    """Return the caption of an object. Raises AccessDeniedError if its records cannot be inserted."""
    if not offered.insert:
        raise AccessDeniedError("right_missing", system=SYSTEM, object=offered.code, action="insert")
    return offered.name


def _missing_column_errors(
    kind: Kind, layouts: Sequence[Layout], chosen: Sequence[Collection[str]]
) -> list[RejectedError]:
    """Return an error for each missing column that is needed or explicitly configured."""
    return [
        _missing_column_error(layout.table, column, kind)
        for layout, chosen_names in zip(layouts, chosen, strict=True)
        for name, column in layout.names.items()
        if not layout.has_field(name) and (name in REQUIRED_FIELDS[kind] or name in chosen_names)
    ]


def _missing_column_error(table: str, column: str, kind: Kind) -> RejectedError:
    return RejectedError("flow_field_unknown", system=SYSTEM, field=column, table=table, kind=kind)


def _require_all(missing: Sequence[RejectedError]) -> None:
    """Raise all errors together as an ExceptionGroup."""
    if missing:
        raise ExceptionGroup("fields", missing)
