"""Maps our field names to the columns of a table in this installation."""

import math
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from pydantic import BaseModel

from integration.connectors.accountview.client import AccountViewClient, OfferedObject
from integration.connectors.accountview.codec import (
    Cell,
    RepeatedColumn,
    Row,
    calendar_day,
    cell_of,
    equivalent_value,
    key_text,
    text_or_none,
    typed_value,
)
from integration.connectors.accountview.settings import SYSTEM, AccountViewSettings, BusinessObject
from integration.connectors.protocol import DictionaryColumn, SourceTable
from integration.core.errors import MalformedAnswerError, RejectedError
from integration.core.records import Kind, Value, WrongValueError

_SENT_THOUGH_BLOCKED = frozenset({"daybook"})  # blocked in the dictionary, but public clients write them nevertheless

CACHE_SECONDS = 300.0  # seconds until the columns of a plan are read again: another process may have read newer ones

# Fields that AccountView fills itself.
NUMBERED = frozenset(
    {"number", "order_number", "invoice_number", "quotation_number", "page", "changed", "changed_by", "change_number"}
)

# Objects without a default code, by the kind of record they serve.
UNNAMED = {Kind.QUOTATION: "quotations"}


class FlowColumns(BaseModel, extra="allow"):
    """Columns of a kind of record that a flow defines."""


@dataclass(frozen=True, slots=True)
class Layout:
    """The layout of one table: `names` maps our names to configured columns, `columns` is the data dictionary."""

    table: str
    names: Mapping[str, str]
    columns: Mapping[str, DictionaryColumn]

    def has_field(self, name: str) -> bool:
        """Return True if this installation has the field."""
        return self.names.get(name) in self.columns

    def column(self, name: str) -> DictionaryColumn:
        """Return the column of one of our names. Raises RejectedError when there is none."""
        column = self.columns.get(self.names.get(name, ""))
        if column is None:
            raise RejectedError("field_unknown", system=SYSTEM, field=self.names.get(name) or name)
        return column

    def wire(self, *names: str) -> tuple[str, ...]:
        """Return the columns of these names, without those that do not exist."""
        return tuple(self.names[name] for name in names if self.has_field(name))

    def existing_columns(self) -> dict[str, str]:
        """Return our names with their columns, without those that do not exist."""
        return {name: column for name, column in self.names.items() if column in self.columns}

    def text(self, row: Row, name: str) -> str:
        """Return one value of a row as text, empty when there is none."""
        column = self.names.get(name, "")
        if column not in self.columns:
            return ""
        try:
            value = typed_value(self.columns[column], row.get(column))
        except WrongValueError:  # reading the record reports it; this text may be the record's key
            value = text_or_none(row.get(column))
        return "" if value is None else str(value)

    def texts(self, row: Row, name: str) -> set[str]:
        """Return the texts of one value of a row: several if the row has its column more than once."""
        raw_value = row.get(self.names.get(name, ""))
        if isinstance(raw_value, RepeatedColumn):
            return {text_or_none(value) or "" for value in raw_value}
        return {self.text(row, name)}

    def key(self, row: Row, name: str) -> str:
        """Return the key in a row as text, empty if there is none or if the row has its column more than once."""
        return self.text(row, name) if key_text(row.get(self.names.get(name, ""))) else ""

    def day(self, row: Row, name: str) -> date | None:
        """Return one value of a row as a date, or None, also if it is unreadable."""
        raw_value = row.get(self.names.get(name, ""))
        return None if isinstance(raw_value, RepeatedColumn) else calendar_day(raw_value)

    def value(self, row: Row, name: str) -> Value:
        """Return one value of a row, None if there is none. Raises WrongValueError if it does not fit its column."""
        column = self.names.get(name, "")
        return typed_value(self.columns[column], row.get(column)) if column in self.columns else None

    def stored(self, name: str, values: Iterable[str]) -> set[str]:
        """Return texts as the column stores them, because a comparison may be case-sensitive."""
        column = self.columns.get(self.names.get(name, ""))
        return {value.upper() if column is not None and column.upper else value for value in values}

    def decoded(self, row: Row, desired_values: Mapping[str, Value]) -> dict[str, Value]:
        """Return the values of a row under our names, in the wanted spelling where both are equivalent.

        Raises WrongValueError where a value does not fit the type of its column.
        """
        return {
            name: equivalent_value(
                self.columns[column], typed_value(self.columns[column], row[column]), desired_values.get(name)
            )
            for name, column in self.existing_columns().items()
            if column in row
        }

    def encoded(self, values: Mapping[str, Value], *, creating: bool = True) -> dict[str, Cell]:
        """Return the cells to write for these values; a new record leaves out empty values.

        Raises RejectedError for a value without a column, and for one that the column cannot hold.
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

    def require_required(self, cells: Mapping[str, Cell]) -> None:
        """Raise RejectedError when a new record leaves a required column empty."""
        for name, column in self.existing_columns().items():
            if self.columns[column].required and column not in cells and name not in NUMBERED:
                raise RejectedError("required_field_empty", system=SYSTEM, field=name)


class Layouts:
    """The layouts of one installation: configured names and dictionary columns. Safe to share between threads."""

    def __init__(
        self, client: AccountViewClient, settings: AccountViewSettings, reads: Sequence[SourceTable] = ()
    ) -> None:
        self._client = client
        self._settings = settings
        self.brought = {
            source_table.kind: (
                BusinessObject(code=source_table.object, table=source_table.table),
                FlowColumns(**source_table.columns),
            )
            for source_table in reads
        }
        self.read: dict[str, dict[str, DictionaryColumn]] = {}
        self.read_at: dict[str, float] = {}
        self.objects: dict[str, OfferedObject] = {}

    def forget(self) -> None:
        """Discard the objects and tables read so far, because the installation may have changed."""
        self.read = {}
        self.objects = {}

    def remember(self, before: "Layouts") -> None:
        """Copy the facts that were read of the same installation under other field names."""
        self.read, self.objects = dict(before.read), before.objects
        self.read_at = dict(before.read_at)

    def offered(self) -> dict[str, OfferedObject]:
        """Return the objects that the installation offers, by code; they are read once."""
        self.objects = self.objects or {
            offered_object.code: offered_object for offered_object in self._client.objects()
        }
        return self.objects

    def columns(self, table: str, *, fresh: bool = False) -> dict[str, DictionaryColumn]:
        """Return the columns of a table by name; they are read once from the dictionary, and again with `fresh`.

        Raises MalformedAnswerError if the dictionary contradicts itself about a column that the settings name.
        """
        tables = self.read  # a concurrent `forget` replaces the dict, so a late result does not come back
        if fresh or table not in tables:
            columns = {column.name: column for column in self._client.dictionary(table)}
            names = self._settings.model_dump_json().upper()
            for column in columns.values():
                if column.contradiction and f'"{column.name}"' in names:
                    field = f"{table}.{column.name} ({column.contradiction})"
                    raise MalformedAnswerError("column_repeated", system=SYSTEM, field=field)
            tables[table] = columns
            self.read_at[table] = time.monotonic()
        return tables[table]

    def described(self, table: str, *, fresh: bool = False) -> list[tuple[object, ...]]:
        """Return name, contradiction, type, length, required and blocked of each column of a table, sorted."""
        is_old = time.monotonic() - self.read_at.get(table, -math.inf) > CACHE_SECONDS
        columns = self.columns(table, fresh=fresh or is_old).values()
        return sorted(
            (column.name, column.contradiction, column.type, str(column.length), column.required, column.blocked)
            for column in columns
        )

    def layout_of_kind(self, kind: Kind, *, fresh: bool = False) -> tuple[Layout, ...]:
        """Return the layout of a kind: of its header and, for documents, of its lines."""
        of, fields, detail = self._require_configuration(kind)
        names = named_columns(fields)
        if kind is Kind.SALES_ORDER:
            names["reference"] = self._settings.order_reference_field.upper()
        layouts = [Layout(of.table, names, self.columns(of.table, fresh=fresh))]
        if detail is not None:
            columns = self.columns(of.detail, fresh=fresh) if of.detail else {}
            layouts.append(Layout(of.detail, named_columns(detail), columns))
        return tuple(layouts)

    def object_of(self, kind: Kind) -> BusinessObject:
        """Return the object of a kind. Raises RejectedError where the settings name none."""
        return self._require_configuration(kind)[0]

    def tables(self, kind: Kind, *, as_invoices: bool = False) -> tuple[str, ...]:
        """Return the tables that a kind is read from and written to; for orders also those that orders move to.

        Empty where the settings name no object for the kind.
        """
        of, objects = self._configuration_of(kind)[0], self._settings.objects
        tables = [of.table, of.detail] if of.code else []
        if kind is Kind.SALES_ORDER:
            invoices = objects.trade_invoices
            tables += [objects.history.table] if objects.history.code else []
            tables += [invoices.table, invoices.detail] if as_invoices and invoices.code else []
        return tuple(table for table in tables if table)

    def serves(self, kind: Kind) -> bool:
        """Return True if the settings name an object for a kind."""
        return bool(self._configuration_of(kind)[0].code)

    def chosen_names(self, kind: Kind) -> tuple[set[str], ...]:
        """Return the explicitly set column names of each layout of a kind; these columns must exist."""
        _, *field_groups = self._configuration_of(kind)
        return tuple(fields.model_fields_set for fields in field_groups if fields is not None)

    def column_names(self, kind: Kind) -> dict[str, str]:
        """Return our names of the fields of a kind with their configured columns, empty where there is none."""
        settings = self._settings
        lines = (
            settings.quotation_line, settings.day_page_line, settings.posting_line, settings.sales_order_line,
        )  # fmt: skip
        groups = lines if kind is Kind.LINE else self._configuration_of(kind)[1:2]
        return {name: column for group in groups if group is not None for name, column in group.model_dump().items()}

    def _configuration_of(self, kind: Kind) -> tuple[BusinessObject, BaseModel, BaseModel | None]:
        """Return the object of a kind, and the column names of its header and of its lines."""
        settings, objects = self._settings, self._settings.objects
        configured: dict[Kind, tuple[BusinessObject, BaseModel, BaseModel | None]] = {
            **{kind: (*flow_table, None) for kind, flow_table in self.brought.items()},
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

    def _require_configuration(self, kind: Kind) -> tuple[BusinessObject, BaseModel, BaseModel | None]:
        """Return the configuration of a kind. Raises RejectedError if the settings lack an object it needs."""
        configuration = self._configuration_of(kind)
        if kind in UNNAMED and not configuration[0].code:
            raise RejectedError("object_missing", system=SYSTEM, object=UNNAMED[kind], kind=kind)
        return configuration

    def invoices(self) -> tuple[Layout, Layout]:
        """Return the layouts of trade invoices. Raises RejectedError where the settings name no object for them."""
        of, settings = self._settings.objects.trade_invoices, self._settings
        if not of.code:
            raise RejectedError("object_missing", system=SYSTEM, object="trade_invoices", kind=Kind.SALES_ORDER)
        header = Layout(of.table, named_columns(settings.trade_invoice), self.columns(of.table))
        return header, Layout(of.detail, named_columns(settings.trade_invoice_line), self.columns(of.detail))

    def history(self) -> Layout:
        """Return the layout of the history: order lines with the columns of their header, prefixed with its name."""
        fields, table = self._settings.history, self._settings.objects.history.table
        of_lines = {"line_number", "article", "quantity", "price", "text"}
        names = {
            name: column.upper() if name in of_lines else f"{fields.header}_{column}".upper()
            for name, column in fields.model_dump(exclude={"header"}).items()
            if column
        }
        columns = self.columns(table)
        if names["reference"] not in columns:  # the dictionary lists the columns of the header under its own table
            header = self.columns(fields.header.upper()) if fields.header else {}
            joined = {f"{fields.header}_{name}".upper(): column for name, column in header.items()}
            columns = {**{name: replace(column, name=name) for name, column in joined.items()}, **columns}
        return Layout(table, names, columns)


def named_columns(fields: BaseModel) -> dict[str, str]:
    """Return our names with their columns in upper case, without names that have no column."""
    return {name: column.upper() for name, column in fields.model_dump().items() if column}
