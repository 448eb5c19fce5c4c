"""Which column of a table holds what in this installation: our names and its columns, both ways."""

import math
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from pydantic import BaseModel

from integration.connectors.accountview.client import AccountViewClient, Offered
from integration.connectors.accountview.codec import (
    Cell,
    Row,
    calendar_day,
    cell_of,
    equivalent_value,
    text_or_none,
    typed_value,
)
from integration.connectors.accountview.settings import SYSTEM, AccountViewSettings, BusinessObject
from integration.connectors.protocol import DictionaryColumn, SourceTable
from integration.core.errors import RejectedError
from integration.core.records import Kind, Value, WrongValueError

_SENT_THOUGH_BLOCKED = frozenset({"daybook"})  # the dictionary blocks them, and public clients write them all the same

KEPT_SECONDS = 300.0  # how long plans are made by fields as they were read: another process may know better by then

# What AccountView fills itself.
NUMBERED = frozenset(
    {"number", "order_number", "invoice_number", "quotation_number", "page", "changed", "changed_by", "change_number"}
)

# Objects that have no code without being told, by the kind of record they are for.
UNNAMED = {Kind.QUOTATION: "quotations"}


class BroughtColumns(BaseModel, extra="allow"):
    """Which column holds what of a kind of record that a flow brings."""


@dataclass(frozen=True, slots=True)
class Layout:
    """One table. `names` are our names with their columns as configured; `columns` what the dictionary has."""

    table: str
    names: Mapping[str, str]
    columns: Mapping[str, DictionaryColumn]

    def has(self, name: str) -> bool:
        """Tell whether this installation has such a field."""
        return self.names.get(name) in self.columns

    def column(self, name: str) -> DictionaryColumn:
        """Return the column behind one of our names. Raises RejectedError when there is none."""
        found = self.columns.get(self.names.get(name, ""))
        if found is None:
            raise RejectedError("field_unknown", system=SYSTEM, field=self.names.get(name) or name)
        return found

    def wire(self, *names: str) -> tuple[str, ...]:
        """Return the columns behind these names, as far as there are any."""
        return tuple(self.names[name] for name in names if self.has(name))

    def known(self) -> dict[str, str]:
        """Return our names of the columns that there are."""
        return {name: column for name, column in self.names.items() if column in self.columns}

    def text(self, row: Row, name: str) -> str:
        """Return one value of a row as text; empty when there is none."""
        column = self.names.get(name, "")
        if column not in self.columns:
            return ""
        try:
            value = typed_value(self.columns[column], row.get(column))
        except WrongValueError:  # whoever reads the record is told; this text may be what it is known by
            value = text_or_none(row.get(column))
        return "" if value is None else str(value)

    def day(self, row: Row, name: str) -> date | None:
        """Return one value of a row as a day; None where it holds none."""
        return calendar_day(row.get(self.names.get(name, "")))

    def stored(self, name: str, values: Iterable[str]) -> set[str]:
        """Return texts as the column keeps them: a comparison may mind capitals."""
        column = self.columns.get(self.names.get(name, ""))
        return {value.upper() if column is not None and column.upper else value for value in values}

    def decoded(self, row: Row, wanted: Mapping[str, Value]) -> dict[str, Value]:
        """Return what a row says under our names, as the wanted values spell it where that means the same.

        Raises WrongValueError where a column holds what is none of its type.
        """
        return {
            name: equivalent_value(
                self.columns[column], typed_value(self.columns[column], row[column]), wanted.get(name)
            )
            for name, column in self.known().items()
            if column in row
        }

    def encoded(self, values: Mapping[str, Value], *, creating: bool = True) -> dict[str, Cell]:
        """Return what has to be written for these values; what is empty is left out of a new record.

        Raises RejectedError for what this installation has no field for, and for what the field cannot hold.
        """
        cells = {}
        for name, value in values.items():
            if value in (None, "") and creating:
                continue
            column = self.column(name)
            if name in NUMBERED or (column.blocked and name not in _SENT_THOUGH_BLOCKED):
                raise RejectedError("field_unknown", system=SYSTEM, field=column.name)
            cells[column.name] = cell_of(name, column, value)
        return cells

    def expect_required(self, cells: Mapping[str, Cell]) -> None:
        """Raise RejectedError when a new record leaves a field empty that it must have."""
        for name, column in self.known().items():
            if self.columns[column].required and column not in cells and name not in NUMBERED:
                raise RejectedError("required_field_empty", system=SYSTEM, field=name)


class Layouts:
    """The layouts of one installation: names as configured, columns from the dictionary. Safe to share."""

    def __init__(
        self, client: AccountViewClient, settings: AccountViewSettings, reads: Sequence[SourceTable] = ()
    ) -> None:
        self._client = client
        self._settings = settings
        self.brought = {
            one.kind: (BusinessObject(code=one.object, table=one.table), BroughtColumns(**one.columns)) for one in reads
        }
        self.read: dict[str, dict[str, DictionaryColumn]] = {}
        self.read_at: dict[str, float] = {}
        self.objects: dict[str, Offered] = {}

    def forget(self) -> None:
        """Read objects and tables anew when they are asked for next: somebody may have changed what they have."""
        self.read = {}
        self.objects = {}

    def remember(self, before: "Layouts") -> None:
        """Count what has been read of the same installation under other names."""
        self.read, self.objects = dict(before.read), before.objects
        self.read_at = dict(before.read_at)

    def offered(self) -> dict[str, Offered]:
        """Return the objects that the installation offers, by their codes, as read once."""
        self.objects = self.objects or {one.code: one for one in self._client.objects()}
        return self.objects

    def columns(self, table: str, *, fresh: bool = False) -> dict[str, DictionaryColumn]:
        """Return the columns of a table by their names, as read once from the dictionary; `fresh` reads them again."""
        read = self.read  # what is forgotten meanwhile does not come back
        if fresh or table not in read:
            read[table] = {column.name: column for column in self._client.dictionary(table)}
            self.read_at[table] = time.monotonic()
        return read[table]

    def described(self, table: str, *, fresh: bool = False) -> list[tuple[object, ...]]:
        """Return what the dictionary says of each column of a table that decides what can be read of it, or written."""
        is_old = time.monotonic() - self.read_at.get(table, -math.inf) > KEPT_SECONDS
        columns = self.columns(table, fresh=fresh or is_old).values()
        return sorted((one.name, one.type, str(one.length), one.required, one.blocked) for one in columns)

    def of(self, kind: Kind, *, fresh: bool = False) -> tuple[Layout, ...]:
        """Return the layout of a kind: of its header and, for documents, of its lines."""
        of, named, detail = self._expect_named(kind)
        names = named_columns(named)
        if kind is Kind.SALES_ORDER:
            names["reference"] = self._settings.order_reference_field.upper()
        layouts = [Layout(of.table, names, self.columns(of.table, fresh=fresh))]
        if detail is not None:
            columns = self.columns(of.detail, fresh=fresh) if of.detail else {}
            layouts.append(Layout(of.detail, named_columns(detail), columns))
        return tuple(layouts)

    def object_of(self, kind: Kind) -> BusinessObject:
        """Return the object that serves records of a kind. Raises RejectedError where the settings name none."""
        return self._expect_named(kind)[0]

    def tables(self, kind: Kind, *, as_invoices: bool = False) -> tuple[str, ...]:
        """Return the tables that records of a kind are read from and written to, for orders also those they move to.

        Nothing where the settings name no object for them.
        """
        of, objects = self._configured(kind)[0], self._settings.objects
        found = [of.table, of.detail] if of.code else []
        if kind is Kind.SALES_ORDER:
            invoices = objects.trade_invoices
            found += [objects.history.table] if objects.history.code else []
            found += [invoices.table, invoices.detail] if as_invoices and invoices.code else []
        return tuple(table for table in found if table)

    def serves(self, kind: Kind) -> bool:
        """Tell whether the settings name an object for records of a kind."""
        return bool(self._configured(kind)[0].code)

    def chosen(self, kind: Kind) -> tuple[set[str], ...]:
        """Return the names whose columns somebody chose, beside each layout of a kind: those have to exist."""
        _, *named = self._configured(kind)
        return tuple(each.model_fields_set for each in named if each is not None)

    def named(self, kind: Kind) -> dict[str, str]:
        """Return our names of the fields of a kind with the columns they are given, empty where there is none."""
        settings = self._settings
        lines = (
            settings.quotation_line, settings.day_page_line, settings.posting_line, settings.sales_order_line,
        )  # fmt: skip
        groups = lines if kind is Kind.LINE else self._configured(kind)[1:2]
        return {name: column for group in groups if group is not None for name, column in group.model_dump().items()}

    def _configured(self, kind: Kind) -> tuple[BusinessObject, BaseModel, BaseModel | None]:
        """Return the object of a kind, and what its columns and those of its lines are called."""
        settings, objects = self._settings, self._settings.objects
        configured: dict[Kind, tuple[BusinessObject, BaseModel, BaseModel | None]] = {
            **{kind: (*told, None) for kind, told in self.brought.items()},
            Kind.GROUP: (objects.groups, settings.group, None),
            Kind.ARTICLE: (objects.articles, settings.article, None),
            Kind.DEBTOR: (objects.debtors, settings.debtor, None),
            Kind.ADDRESS: (objects.delivery_addresses, settings.address, None),
            Kind.SALES_ORDER: (objects.orders, settings.sales_order, settings.sales_order_line),
            Kind.QUOTATION: (objects.quotations, settings.quotation, settings.quotation_line),
            Kind.POSTING: (objects.postings, settings.posting, settings.posting_line),
            Kind.DAY_PAGE: (objects.postings, settings.day_page, settings.day_page_line),
            Kind.ENTRY: (objects.transactions, settings.transaction, None),
            Kind.ITEM: (objects.transactions, settings.transaction, None),
        }
        if kind not in configured:
            raise RejectedError("request_refused", system=SYSTEM, key=kind)
        return configured[kind]

    def _expect_named(self, kind: Kind) -> tuple[BusinessObject, BaseModel, BaseModel | None]:
        """Return what is configured for a kind. Raises RejectedError where it needs an object that nobody has named."""
        found = self._configured(kind)
        if kind in UNNAMED and not found[0].code:
            raise RejectedError("object_missing", system=SYSTEM, object=UNNAMED[kind], kind=kind)
        return found

    def invoices(self) -> tuple[Layout, Layout]:
        """Return the layouts of trade invoices. Raises RejectedError where the settings name no object for them."""
        of, settings = self._settings.objects.trade_invoices, self._settings
        if not of.code:
            raise RejectedError("object_missing", system=SYSTEM, object="trade_invoices", kind=Kind.SALES_ORDER)
        header = Layout(of.table, named_columns(settings.trade_invoice), self.columns(of.table))
        return header, Layout(of.detail, named_columns(settings.trade_invoice_line), self.columns(of.detail))

    def history(self) -> Layout:
        """Return the layout of the history: lines that carry the columns of their header under its name."""
        named, table = self._settings.history, self._settings.objects.history.table
        of_lines = {"line_number", "article", "quantity", "price", "text"}
        names = {
            name: column.upper() if name in of_lines else f"{named.header}_{column}".upper()
            for name, column in named.model_dump(exclude={"header"}).items()
            if column
        }
        columns = self.columns(table)
        if names["reference"] not in columns:  # the dictionary lists the columns of the header under its own table
            header = self.columns(named.header.upper()) if named.header else {}
            joined = {f"{named.header}_{name}".upper(): column for name, column in header.items()}
            columns = {**{name: replace(column, name=name) for name, column in joined.items()}, **columns}
        return Layout(table, names, columns)


def named_columns(fields: BaseModel) -> dict[str, str]:
    """Return which column feeds which of our names; names without a column are left out."""
    return {name: column.upper() for name, column in fields.model_dump().items() if column}
