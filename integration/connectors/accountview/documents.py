"""AccountView as a target: what it holds of debtors, addresses and documents, and writing one of them."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import groupby

from integration.connectors.accountview.answers import SYSTEM, cause_of
from integration.connectors.accountview.client import AccountViewClient, Filter
from integration.connectors.accountview.codec.values import Cell, Column, Row, flag, stamp, text
from integration.connectors.accountview.codec.values import Document as Body
from integration.connectors.accountview.layout import Layout
from integration.connectors.accountview.reader import Document, Reader
from integration.connectors.accountview.settings import AccountViewSettings, BusinessObject
from integration.connectors.protocol import References
from integration.core.errors import RejectedError
from integration.core.plan import Action, Change, differences
from integration.core.records import Held, Kind, Record, Value, Written

DOCUMENTS = frozenset({Kind.SALES_ORDER, Kind.POSTING})
TARGETS = DOCUMENTS | {Kind.DEBTOR, Kind.ADDRESS}
PLACE = ("name", "street", "postcode", "city")
"""What makes a delivery address the same address; blanks and capitals do not."""
POINTERS = frozenset({"debtor", "debtor_number", "address"})
_NOT_SENT = POINTERS | {"trade_invoice"}


@dataclass(frozen=True, slots=True)
class _Evidence:
    """One way to recognise a debtor: what is asked for in which columns, and how both sides compare."""

    name: str
    columns: tuple[str, ...]
    of: Callable[[Record], str]
    mark: Callable[[str], str]
    spellings: Callable[[str], set[str]]


@dataclass(frozen=True, slots=True)
class _Place:
    """Where documents of one sort are: the object, and the layouts of its header and its lines."""

    of: BusinessObject
    header: Layout
    lines: Layout
    number: str  # our name of AccountView's own number
    invoices: bool = False

    @property
    def sorted_by(self) -> str:
        """Return the column that sorts the documents; the number of an invoice may be empty for a while."""
        names = ("reference", self.number) if self.invoices else (self.number, "reference")
        return self.header.wire(*names)[0]

    def number_of(self, row: Row) -> str:
        """Return AccountView's own number of a document; pages are numbered within their daybook."""
        number, daybook = self.header.text(row, self.number), self.header.text(row, "daybook")
        if number and daybook:
            return f"{daybook}/{number}"
        return number or text(row.get("EXT_KEY")) or ""


class Books:
    """Debtors, delivery addresses, sales orders and postings, looked up and written. Safe to share between threads."""

    def __init__(self, client: AccountViewClient, settings: AccountViewSettings) -> None:
        self.client = client
        self.settings = settings
        self.reader = Reader(client, settings)
        self._columns: dict[str, dict[str, Column]] = {}

    def columns(self, table: str, *, fresh: bool = False) -> dict[str, Column]:
        """Return the columns of a table by their names, as read once from the dictionary; `fresh` reads them again."""
        if fresh or table not in self._columns:
            self._columns[table] = {column.name: column for column in self.client.dictionary(table)}
        return self._columns[table]

    def layouts(self, kind: Kind, *, fresh: bool = False) -> tuple[Layout, ...]:
        """Return the layout of a kind: of its header and, for documents, of its lines."""
        settings, objects = self.settings, self.settings.objects
        of, named, detail = {
            Kind.DEBTOR: (objects.debtors, settings.debtor, None),
            Kind.ADDRESS: (objects.delivery_addresses, settings.address, None),
            Kind.SALES_ORDER: (objects.orders, settings.sales_order, settings.sales_order_line),
            Kind.POSTING: (objects.postings, settings.posting, settings.posting_line),
        }[kind]
        names = _columns_of(named.model_dump())
        if kind is Kind.SALES_ORDER:
            names["reference"] = settings.order_reference_field.upper()
        layouts = [Layout(of.table, names, self.columns(of.table, fresh=fresh))]
        if detail is not None:
            columns = self.columns(of.detail, fresh=fresh) if of.detail else {}
            layouts.append(Layout(of.detail, _columns_of(detail.model_dump()), columns))
        return tuple(layouts)

    # Looking up

    def lookup(self, wanted: Sequence[Record], references: References) -> dict[str, Held]:
        """Return what AccountView holds of these records, by their keys. Raises RejectedError for other kinds."""
        held: dict[str, Held] = {}
        for kind in {record.kind for record in wanted}:
            records = [record for record in wanted if record.kind is kind]
            match kind:
                case Kind.DEBTOR:
                    held |= self._debtors(records, references)
                case Kind.ADDRESS:
                    held |= self._addresses(records, references)
                case Kind.SALES_ORDER:
                    held |= self._orders(records, references)
                case Kind.POSTING:
                    held |= self._postings(records, references)
                case _:
                    raise RejectedError("request_refused", system=SYSTEM, key=records[0].key)
        return held

    def debtor_rows(self, numbers: Iterable[str]) -> list[Row]:
        """Return the debtors with these numbers, with all their columns."""
        layout = self.layouts(Kind.DEBTOR)[0]
        column = layout.column("number").name
        asked = layout.stored("number", numbers)
        rows = self.reader.rows(self.settings.objects.debtors, column, asked, key=column)
        return [row for row in rows if layout.text(row, "number") in asked]

    def _debtors(self, wanted: Sequence[Record], references: References) -> dict[str, Held]:
        """Match by link, else by external id, VAT number, e-mail; a link whose debtor is gone matches nothing."""
        layout = self.layouts(Kind.DEBTOR)[0]
        linked = {record.key: references.reference(Kind.DEBTOR, record.key) or "" for record in wanted}
        held: dict[str, Held] = {}
        for evidence in _evidence(linked):
            waiting = [r for r in wanted if r.key not in held and bool(linked[r.key]) is (evidence.name == "link")]
            for name in evidence.columns:
                found = self._debtors_with(layout, name, evidence, waiting) if layout.has(name) else {}
                held |= {
                    record.key: _debtor(layout, record, found[mark], evidence.name)
                    for record in waiting
                    if record.key not in held and (mark := evidence.mark(evidence.of(record))) in found
                }
        return held

    def _debtors_with(
        self, layout: Layout, name: str, evidence: _Evidence, wanted: Sequence[Record]
    ) -> dict[str, list[Row]]:
        """Return debtors by the mark of what stands in one column, as far as it is the mark of somebody wanted."""
        texts = [value for record in wanted if evidence.mark(value := evidence.of(record))]
        marks = {evidence.mark(value) for value in texts}
        asked = {spelling for value in texts for spelling in evidence.spellings(value)}
        fields = layout.wire(*layout.names)
        rows = self.reader.rows(
            self.settings.objects.debtors,
            layout.names[name],
            layout.stored(name, asked),
            key=layout.names["number"],
            fields=fields,
        )
        found: dict[str, dict[str, Row]] = {}
        for row in rows:
            mark = evidence.mark(layout.text(row, name))
            if mark in marks:
                found.setdefault(mark, {})[layout.text(row, "number")] = row
        return {mark: list(several.values()) for mark, several in found.items()}

    def _addresses(self, wanted: Sequence[Record], references: References) -> dict[str, Held]:
        layout = self.layouts(Kind.ADDRESS)[0]
        owners = {record.key: _owner(record, references) for record in wanted}
        rows = self.reader.rows(
            self.settings.objects.delivery_addresses,
            layout.column("debtor").name,
            layout.stored("debtor", owners.values()),
            key=layout.column("number").name,
            fields=layout.wire(*layout.names),
        )
        found: dict[tuple[str, ...], dict[str, Row]] = {}
        for row in rows:
            place = (layout.text(row, "debtor").casefold(), *(_squeezed(layout.text(row, name)) for name in PLACE))
            found.setdefault(place, {})[layout.text(row, "number")] = row
        held = {}
        for record in wanted:
            place = (owners[record.key].casefold(), *(_squeezed(str(record.values.get(name) or "")) for name in PLACE))
            if owners[record.key] and place in found:
                held[record.key] = _address(layout, record, found[place], references)
        return held

    def _orders(self, wanted: Sequence[Record], references: References) -> dict[str, Held]:
        held = self._documents(self.order_place(), wanted, references)
        if self.settings.objects.trade_invoices.code:
            held |= self._documents(self.invoice_place(), _without(wanted, held), references)
        waiting = _without(wanted, held)
        return held | (self._processed(waiting, references) if waiting and self.settings.objects.history.code else {})

    def order_place(self) -> _Place:
        """Return where sales orders are."""
        header, lines = self.layouts(Kind.SALES_ORDER)
        return _Place(self.settings.objects.orders, header, lines, "order_number")

    def invoice_place(self) -> _Place:
        """Return where trade invoices are. Raises RejectedError where the settings name no object for them."""
        of = self.settings.objects.trade_invoices
        if not of.code:
            raise RejectedError("object_missing", system=SYSTEM, object="trade_invoices", flow="orders")
        named, detail = self.settings.trade_invoice, self.settings.trade_invoice_line
        header = Layout(of.table, _columns_of(named.model_dump()), self.columns(of.table))
        lines = Layout(of.detail, _columns_of(detail.model_dump()), self.columns(of.detail))
        return _Place(of, header, lines, "invoice_number", invoices=True)

    def posting_place(self) -> _Place:
        """Return where postings are."""
        header, lines = self.layouts(Kind.POSTING)
        return _Place(self.settings.objects.postings, header, lines, "page")

    def _postings(self, wanted: Sequence[Record], references: References) -> dict[str, Held]:
        place = self.posting_place()
        held = self._documents(place, wanted, references)
        for of in self.settings.objects.posting_history:
            held |= self._documents(replace(place, of=of), _without(wanted, held), references)
        return held

    def _documents(self, place: _Place, wanted: Sequence[Record], references: References) -> dict[str, Held]:
        """Return the documents with our reference."""
        held: dict[str, Held] = {}
        for book_date, records in self._by_year(wanted):
            waiting = _without(records, held)
            found: dict[str, dict[str, Document]] = {}
            for document in self._with_references(place, waiting, book_date) if waiting else ():
                mark = place.header.text(document[0], "reference").casefold()
                found.setdefault(mark, {})[place.number_of(document[0])] = document
            for record in waiting:
                several = found.get(_reference(record).casefold())
                if several:
                    held[record.key] = _document(place, record, several, references)
        return held

    def _by_year(self, wanted: Sequence[Record]) -> list[tuple[date | None, list[Record]]]:
        """Documents live in their fiscal year, and a read looks into that of its book date: theirs, then this one."""
        today = self.client.today()
        years: dict[int, list[Record]] = {}
        for record in wanted:
            if _reference(record):
                years.setdefault((_date_of(record) or today).year, []).append(record)
        own = [(_date_of(records[0]), records) for year, records in years.items() if year != today.year]
        return [*own, (None, [record for records in years.values() for record in records])] if years else []

    def _with_references(self, place: _Place, wanted: Sequence[Record], book_date: date | None) -> list[Document]:
        column = place.header.column("reference").name
        key = place.sorted_by
        references = place.header.stored("reference", map(_reference, wanted))
        try:
            return self.reader.documents(place.of, column, references, key=key, book_date=book_date)
        except RejectedError as error:
            if _says_no_such_year(error):
                return []  # what has no year has no documents; writing one is refused for itself
            if not _is_about_filter(error, column):
                raise
        return self.reader.all_documents(
            place.of, self._since(place.header, "date", wanted), key=key, book_date=book_date
        )

    def _since(self, layout: Layout, name: str, wanted: Sequence[Record], prefix: str = "") -> tuple[Filter, ...]:
        """Return the condition that takes everything from the earliest day of some documents on."""
        days = [_date_of(record) for record in wanted]
        if None in days or name not in layout.names:
            return ()
        earliest = min(day for day in days if day is not None)
        return (Filter(prefix + layout.names[name], "DateOnOrAfterDate", "T", f"{{^{earliest.isoformat()}}}"),)

    def _processed(self, wanted: Sequence[Record], references: References) -> dict[str, Held]:
        """Return what has left the orders for the history, with as much as the history tells."""
        place = self.history_place()
        held: dict[str, Held] = {}
        for book_date, records in self._by_year(wanted):
            waiting = _without(records, held)
            found: dict[str, list[Row]] = {}
            for row in self._history_rows(place, waiting, book_date) if waiting else ():
                found.setdefault(place.text(row, "reference").casefold(), []).append(row)
            for record in waiting:
                rows = found.get(_reference(record).casefold())
                if rows:
                    held[record.key] = _from_history(place, record, rows, references)
        return held

    def history_place(self) -> Layout:
        """Return the layout of the history: lines that carry the columns of their header under its name."""
        named, table = self.settings.history, self.settings.objects.history.table
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

    def _history_rows(self, place: Layout, wanted: Sequence[Record], book_date: date | None) -> list[Row]:
        of, named = self.settings.objects.history, self.settings.history
        references = place.stored("reference", map(_reference, wanted))
        qualified, key = f"{named.header}.{named.reference}", place.wire("line_number", "article")[0]
        try:
            found = self.reader.documents(of, qualified, references, key=key, book_date=book_date)
        except RejectedError as error:
            if _says_no_such_year(error):
                return []
            if not _is_about_filter(error, named.reference):
                raise
            since = self._since(Layout("", {"date": named.invoice_date}, {}), "date", wanted, f"{named.header}.")
            found = self.reader.all_documents(of, since, key=key, book_date=book_date)
        return [row for row, _ in found]

    # Writing

    def write(self, change: Change, held: Held | None, references: References) -> Written:
        """Carry out one change and return AccountView's own number for it; see `Connector.write`."""
        fits = change.action is Action.CREATE or (change.action is Action.UPDATE and change.kind is Kind.DEBTOR)
        if change.kind not in TARGETS or not fits:
            raise RejectedError("request_refused", system=SYSTEM, key=change.key)
        try:
            if change.action is Action.UPDATE:
                return self._update_debtor(change, held)
            return self._create(change.wanted, references)
        except RejectedError as error:
            raise _translated(error, change) from error

    def _create(self, wanted: Record, references: References) -> Written:
        match wanted.kind:
            case Kind.DEBTOR | Kind.ADDRESS:
                number = self._create_master(wanted, references)
            case Kind.SALES_ORDER:
                invoice = wanted.values.get("trade_invoice") is True
                number = self._create_document(
                    self.invoice_place() if invoice else self.order_place(), wanted, references
                )
            case _:
                number = self._create_document(self.posting_place(), wanted, references)
        if not number:
            found = self.lookup([wanted], references).get(wanted.key)
            number = found.reference if found else ""
        return Written(number)

    def _create_master(self, wanted: Record, references: References) -> str:
        objects, layout = self.settings.objects, self.layouts(wanted.kind)[0]
        cells: dict[str, Cell] = {}
        if wanted.kind is Kind.ADDRESS:
            cells |= _pointer(layout, "debtor", _debtor_number(wanted, references))
        cells |= layout.encoded(_own(wanted))
        of = objects.debtors if wanted.kind is Kind.DEBTOR else objects.delivery_addresses
        layout.expect_required(cells)
        made = self.client.create(of, Body(cells), self.client.today())
        rows = made.get(of.table.upper()) or [{}]
        return layout.text(rows[0], "number")

    def _create_document(self, place: _Place, wanted: Record, references: References) -> str:
        debtor = _debtor_number(wanted, references)
        cells = place.header.encoded(_own(wanted))
        cells |= _pointer(place.header, "debtor", debtor)
        if place.header.has("delivery_debtor") and debtor:
            cells |= _pointer(place.header, "delivery_debtor", debtor)
        if address := wanted.values.get("address"):
            number = references.reference(Kind.ADDRESS, str(address))
            cells |= _pointer(place.header, "address", _there(number, "address", str(address)))
        place.header.expect_required(cells)
        lines = [self._line(place.lines, part, wanted) for part in wanted.parts if part.kind is Kind.LINE]
        body = Body(cells, {place.of.detail: lines})
        made = self.client.create(place.of, body, _date_of(wanted) or self.client.today())
        rows = made.get(place.of.table.upper())
        return place.number_of(rows[0]) if rows else ""

    def _line(self, layout: Layout, part: Record, document: Record) -> dict[str, Cell]:
        code, limit = str(part.values.get("article") or ""), None
        if "article" in part.values and layout.has("article"):
            limit = layout.column("article").length
        if limit and len(code) > limit:  # no article of the books has such a code
            raise RejectedError("article_missing", system=SYSTEM, article=code, document=_reference(document))
        cells = layout.encoded(part.values)
        layout.expect_required(cells)
        return cells

    def _update_debtor(self, change: Change, held: Held | None) -> Written:
        """Change the columns named, after looking once more whether they still hold what the plan showed."""
        if held is None:
            raise RejectedError("target_record_missing", system=SYSTEM)
        layout = self.layouts(Kind.DEBTOR)[0]
        rows = self.debtor_rows([held.reference])
        if not rows:
            raise RejectedError("target_record_missing", system=SYSTEM)
        before = change.before or Record(change.kind, change.key, {})
        now = Record(change.kind, change.key, layout.decoded(rows[0], before.values))
        if moved := differences(before, now):
            raise RejectedError("target_changed_since_plan", system=SYSTEM, fields=", ".join(moved))
        cells = layout.encoded(_own(change.wanted), creating=False)
        number = layout.text(rows[0], "number")
        body = Body({layout.column("number").name: Cell("C", number), **cells})
        self.client.update(self.settings.objects.debtors, body, self.client.today())
        return Written(number)


def _columns_of(named: Mapping[str, str]) -> dict[str, str]:
    return {name: column.upper() for name, column in named.items() if column}


def _without(wanted: Sequence[Record], held: Mapping[str, Held]) -> list[Record]:
    return [record for record in wanted if record.key not in held]


def _reference(record: Record) -> str:
    return str(record.values.get("reference") or "").strip()


def _date_of(record: Record) -> date | None:
    value = record.values.get("date")
    return value if isinstance(value, date) else None


def _own(record: Record) -> dict[str, Value]:
    """The values that go into columns as they are: no pointers, nothing that AccountView fills itself."""
    return {name: value for name, value in record.values.items() if name not in _NOT_SENT}


# Debtors


def _evidence(linked: Mapping[str, str]) -> tuple[_Evidence, ...]:
    """What tells who a debtor is, the strongest first."""
    return (
        _Evidence("link", ("number",), lambda record: linked[record.key], _folded, _as_it_is),
        _Evidence("external_id", ("external_id",), _external_id, _folded, _as_it_is),
        _Evidence("vat_number", ("vat_number",), lambda record: _text_of(record, "vat_number"), _bare, _vat_spellings),
        _Evidence(
            "email", ("email", "second_email"), lambda record: _text_of(record, "email"), _folded, _mail_spellings
        ),
    )


def _text_of(record: Record, name: str) -> str:
    return str(record.values.get(name) or "").strip()


def _external_id(record: Record) -> str:
    return _text_of(record, "external_id") or record.key


def _folded(value: str) -> str:
    return value.strip().casefold()


def _bare(value: str) -> str:
    return re.sub(r"[\s.]", "", value).casefold()


def _as_it_is(value: str) -> set[str]:
    return {value.strip()}


def _vat_spellings(value: str) -> set[str]:
    """How a VAT number is typed: as one word, with a blank after the country, Belgian ones in groups with dots."""
    bare = _bare(value).upper()
    country, rest = bare[:2], bare[2:]
    dotted = {f"{country}{rest[:4]}.{rest[4:7]}.{rest[7:]}"} if country == "BE" else set()
    return {bare, f"{country} {rest}", *dotted}


def _mail_spellings(value: str) -> set[str]:
    """Addresses are stored as typed, and a comparison may mind capitals."""
    return {value.strip(), value.strip().lower()}


def _debtor(layout: Layout, wanted: Record, rows: Sequence[Row], evidence: str) -> Held:
    first, *others = sorted(rows, key=lambda row: _preference(layout, row))
    return Held(
        Record(Kind.DEBTOR, wanted.key, layout.decoded(first, wanted.values)),
        layout.text(first, "number"),
        _marker(layout, first),
        evidence=evidence,
        others=tuple(layout.text(row, "number") for row in others),
    )


def _preference(layout: Layout, row: Row) -> tuple[bool, bool, int, str]:
    """Unblocked before blocked, then the lowest number."""
    number = layout.text(row, "number")
    blocked = any(flag(row.get(column)) for column in layout.wire("blocked", "blocked_for_orders"))
    return blocked, *_rank(number)


def _rank(number: str) -> tuple[bool, int, str]:
    return not number.isdecimal(), int(number) if number.isdecimal() else 0, number


def _marker(layout: Layout, row: Row) -> str:
    return stamp(row.get(layout.names.get("changed", ""))) or ""


# Addresses


def _squeezed(value: str) -> str:
    return re.sub(r"\s", "", value).casefold()


def _owner(record: Record, references: References) -> str:
    fixed = _text_of(record, "debtor_number")
    return fixed or references.reference(Kind.DEBTOR, _text_of(record, "debtor")) or ""


def _address(layout: Layout, wanted: Record, rows: Mapping[str, Row], references: References) -> Held:
    number, *others = sorted(rows, key=_rank)
    row = rows[number]
    values = layout.decoded(row, wanted.values)
    same = {
        name: wanted.values[name]
        for name in PLACE
        if name in wanted.values and _squeezed(_text_of(wanted, name)) == _squeezed(layout.text(row, name))
    }
    record = Record(Kind.ADDRESS, wanted.key, values | same | _owner_shown(layout, row, wanted, references))
    return Held(record, number, _marker(layout, row), evidence="content", others=tuple(others))


# Documents


def _owner_shown(layout: Layout, row: Row, wanted: Record, references: References) -> dict[str, Value]:
    """Return whose it is: the fixed number or our key as wanted, where that is the debtor found; else the number."""
    number, fixed = layout.text(row, "debtor"), _text_of(wanted, "debtor_number")
    shown: dict[str, Value] = {}
    if "debtor_number" in wanted.values:
        shown["debtor_number"] = fixed if _folded(fixed) == number.casefold() or not fixed else number
    if not fixed or wanted.values.get("debtor"):
        shown["debtor"] = _pointed(Kind.DEBTOR, wanted.values.get("debtor"), number, references)
    return shown


def _pointed(kind: Kind, key: Value, number: str, references: References) -> str:
    """Return our key when it stands for this number, else the number."""
    known = references.reference(kind, key) if isinstance(key, str) and key else None
    return str(key) if known is not None and known.casefold() == number.casefold() else number


def _document(place: _Place, wanted: Record, several: Mapping[str, Document], references: References) -> Held:
    number, *others = sorted(several, key=_rank)
    row, lines = several[number]
    header = place.header
    values: dict[str, Value] = header.decoded(row, wanted.values)
    values.pop("delivery_debtor", None)
    values["reference"] = _spelled(wanted, header.text(row, "reference"))
    values |= _owner_shown(header, row, wanted, references)
    if header.has("address"):
        values["address"] = _pointed(
            Kind.ADDRESS, wanted.values.get("address"), header.text(row, "address"), references
        )
    if "trade_invoice" in wanted.values:
        values["trade_invoice"] = place.invoices
    parts = _lines(place.lines, "number", lines, wanted)
    return Held(Record(wanted.kind, wanted.key, values, parts), number, _marker(header, row), others=tuple(others))


def _spelled(wanted: Record, found: str) -> str:
    reference = wanted.values.get("reference")
    return str(reference) if _folded(str(reference or "")) == found.casefold() else found


def _lines(layout: Layout, number: str, rows: Sequence[Row], wanted: Record) -> tuple[Record, ...]:
    """Return the lines, numbered in the order they were entered, which is that of their own numbers."""
    asked = {part.key: part.values for part in wanted.parts if part.kind is Kind.LINE}
    parts = []
    for place, row in enumerate(sorted(rows, key=lambda row: _order(layout.text(row, number))), start=1):
        values = layout.decoded(row, asked.get(str(place), {}))
        values.pop(number, None)
        parts.append(Record(Kind.LINE, str(place), values))
    return tuple(parts)


def _order(number: str) -> tuple[int, str]:
    return len(number), number


def _from_history(layout: Layout, wanted: Record, rows: Sequence[Row], references: References) -> Held:
    """Return an order as the history has it; rows of several debtors are several documents."""

    def debtor(row: Row) -> str:
        return layout.text(row, "debtor")

    several = [list(group) for _, group in groupby(sorted(rows, key=debtor), key=debtor)]
    numbers = [_history_number(layout, group, wanted, references) for group in several]
    chosen = next((place for place, group in enumerate(several) if debtor(group[0]) == _owner(wanted, references)), 0)
    row = several[chosen][0]
    of_header = ("order_number", "invoice_date", "delivery_date", "shipping_method", "remark")
    header = replace(layout, names={name: layout.names[name] for name in of_header if name in layout.names})
    of_lines = ("line_number", "article", "quantity", "price", "text")
    detail = replace(layout, names={name: layout.names[name] for name in of_lines if name in layout.names})
    values = header.decoded(row, wanted.values) | _owner_shown(layout, row, wanted, references)
    values["reference"] = _spelled(wanted, layout.text(row, "reference"))
    parts = _lines(detail, "line_number", several[chosen], wanted)
    others = tuple(number for place, number in enumerate(numbers) if place != chosen)
    return Held(Record(wanted.kind, wanted.key, values, parts), numbers[chosen], evidence="history", others=others)


def _history_number(layout: Layout, rows: Sequence[Row], wanted: Record, references: References) -> str:
    told = layout.text(rows[0], "order_number") or references.reference(wanted.kind, wanted.key)
    return told or min((text(row.get("EXT_KEY")) or "" for row in rows), key=_rank)


# Refusals


def _is_about_filter(error: RejectedError, column: str) -> bool:
    """Tell whether a refusal means that this column cannot be filtered on, as opposed to anything else."""
    if error.code != "read_refused":
        return error.code == "request_refused"
    said = error.facts.get("message", "").casefold()
    return column.casefold() in said or "filter" in said


def _says_no_such_year(error: RejectedError) -> bool:
    return cause_of(error.facts.get("message", ""))[0] == "period_closed"


def _debtor_number(wanted: Record, references: References) -> str:
    fixed = _text_of(wanted, "debtor_number")
    if fixed:
        return fixed
    key = _text_of(wanted, "debtor")
    return _there(references.reference(Kind.DEBTOR, key) if key else None, "debtor", key) if key else ""


def _there(number: str | None, field: str, key: str) -> str:
    if not number:
        raise RejectedError("needed_record_missing", system=SYSTEM, field=field, key=key)
    return number


def _pointer(layout: Layout, name: str, number: str) -> dict[str, Cell]:
    return layout.encoded({name: number}) if number else {}


def _translated(error: RejectedError, change: Change) -> RejectedError:
    """Return a refusal of the books under the name of its cause, where its text tells it."""
    values, facts = change.wanted.values, dict(error.facts)
    facts.setdefault("document", _reference(change.wanted) or change.title)
    if error.code == "email_too_long":
        facts.setdefault("customer", change.title)
    if error.code != "accountview_rejected":
        return RejectedError(error.code, **facts)
    code, told = cause_of(facts.get("message", ""))
    if code == "period_closed":
        day = values.get("date")
        told |= {
            "date": str(day or ""),
            "period": str(values.get("period") or (day.month if isinstance(day, date) else "")),
        }
    return RejectedError(code, **{**facts, **told})
