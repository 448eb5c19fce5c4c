"""Carries out write requests: checks them, and stores the resulting rows."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

from integration.sandbox.accountview import daybooks, posting, stock_effects
from integration.sandbox.accountview.answers import Document
from integration.sandbox.accountview.company import NOUNS, Company, Late
from integration.sandbox.accountview.conventions import ColumnField, Value
from integration.sandbox.accountview.dictionary import Definition, SandboxObject
from integration.sandbox.accountview.query import Refusal
from integration.sandbox.accountview.tables import Row, Table, normal
from integration.sandbox.faults import Fault
from integration.sandbox.journal import JournalEntry

Change = tuple[Row, Mapping[str, Value]]

_SENT_THOUGH_BLOCKED: Final = frozenset({("DJ_PAGE", "DJ_CODE"), ("DJ_PAGE", "PAGE_NR")})
# Trade documents and their lines, with articles, prices and delivery addresses.
_TRADE: Final = frozenset({"SO_HDR", "SO_LINE", "K9_INV", "K9_INVL", "K9_QUO", "K9_QUOL"})
_DOCUMENTS: Final = _TRADE | {"DJ_PAGE", "DJ_LINE"}
_BLOCKING: Final = {"CONTACT": ("REC_BLK", "BLK_SP"), "ARTICLE": ("REC_BLK",), "LEDGER": ("REC_BLK", "CLT_BLK"),
             "DAILY": ("CLT_BLK",)}  # fmt: skip
_FROM_ARTICLE: Final = (("ART_PX", "PX_SELL"), ("ART_DESC1", "ART_DESC1"), ("VAT_CODE", "VAT_CODE"))
_FROM_HEADER: Final = ("DEL_DATE", "TRN_DATE", "DJ_CODE")


def check_insert(company: Company, document: posting.PostedDocument) -> None:
    """Refuse a new document that AccountView would not accept."""
    object_ = document.object
    if object_.detail:
        _check_period(company, document.book_date[:10])
    for header in document.headers:
        lines = document.details.get(header.row_id, ())
        if object_.detail and not lines:
            raise Refusal(f"{object_.caption}: een document zonder regels is niet mogelijk.")
        _check_new(company, object_, object_.table, header)
        for line in lines:
            _check_new(company, object_, object_.detail, line)
        if object_.table in _TRADE:
            _check_address(company, company.table(object_.table).definition, header)
        if object_.code == "DJ2":
            daybooks.require_balanced(company, header, lines)


def check_update(company: Company, document: posting.PostedDocument) -> list[Change]:
    """Return the rows to change with their new values. Raises Refusal if AccountView would not change them."""
    if document.details:
        raise Refusal(f"{document.object.caption}: regels wijzigen is niet mogelijk.")
    table = company.table(document.object.table)
    return [_intended_change(company, table, header) for header in document.headers]


def insert(company: Company, document: posting.PostedDocument, entry: JournalEntry, user: str) -> list[Document]:
    """Store new rows with their lines, visible now or later, and the ledger rows of pages; return them."""
    late = _delayed_rows(entry)
    documents = [_make(company, document, header, entry, user.upper()) for header in document.headers]
    for row, lines in documents:
        _show_document(company, document.object, row, lines, late)
        if document.object.detail:
            stock_effects.put(company, company.table(document.object.detail), lines)
        if document.object.code == "DJ2" and daybooks.is_posted_at_once(company, row):
            for ledger_row in daybooks.rows_of(company, row, lines, entry.at):
                _show(company.table("TRANSACT"), ledger_row, late)
    if late:
        company.late.append(late)
    return documents


def update(
    company: Company, document: posting.PostedDocument, changes: Sequence[Change], entry: JournalEntry
) -> list[Document]:
    """Change rows and return them; if the change becomes visible later, return copies with the new values."""
    table, late = company.table(document.object.table), _delayed_rows(entry)
    if late is None:
        for row, values in changes:
            table.change(row, values, entry.at)
        return [(row, ()) for row, _ in changes]
    late.changed += [(table, row, values, entry.at) for row, values in changes]
    company.late.append(late)
    return [(table.copy_with_values(row, values), ()) for row, values in changes]


def spoil(
    company: Company, document: posting.PostedDocument, documents: Sequence[Document], entry: JournalEntry
) -> None:
    """Store other values than those sent, if the journal entry says so: a changed number, or a damaged text."""
    if not entry.note.startswith(Fault.WRONG):
        return
    row, lines = documents[-1]
    if lines:
        sent_line = next(iter(document.details.values()))[-1]
        _mangle(company.table(document.object.detail), lines[-1], sent_line.values, entry)
        if document.object.code == "DJ2":
            daybooks.renew(company, row, entry.at)
    else:
        _mangle(company.table(document.object.table), row, document.headers[-1].values, entry)


def _check_period(company: Company, day: str) -> None:
    if day and day <= company.conventions.closed_until:
        raise Refusal(f"Periode {int(day[5:7])} van boekjaar {day[:4]} is afgesloten.")


def _check_new(company: Company, object_: SandboxObject, name: str, sent_row: posting.SentRow) -> None:
    table = company.table(name)
    definition = table.definition
    posting.check_required(object_, definition, sent_row)
    _check_pointers(company, definition, sent_row.values)
    key = sent_row.values.get(definition.key)
    if key and not _is_ignored(definition, definition.fields[definition.key]) and company.is_key_used(table, str(key)):
        raise Refusal(f"{NOUNS.get(name, definition.caption)} {key} bestaat al.")


def _check_pointers(company: Company, definition: Definition, values: Mapping[str, Value]) -> None:
    for name, value in values.items():
        target = definition.fields[name].points_to
        if target and value:
            _check_pointer(company.table(target), str(value), definition.name in _DOCUMENTS)


def _check_pointer(target: Table, key: str, in_document: bool) -> None:
    row, name = target.get(key), target.definition.name
    if row is None:
        raise Refusal(f"{NOUNS[name]} {key} bestaat niet.")
    if in_document and any(target.value(row, field) for field in _BLOCKING.get(name, ())):
        raise Refusal(f"{NOUNS[name]} {key} is geblokkeerd.")


def _check_address(company: Company, definition: Definition, header: posting.SentRow) -> None:
    """Refuse a delivery address that does not belong to the debtor of the document."""
    local_name = definition.local_name
    address = header.values.get(local_name("DEL_CODE"))
    debtor = header.values.get(local_name("RPL_DEL")) or header.values[local_name("RPL_INV")]
    if not address:
        return
    addresses = company.table("DEL_ADDR")
    owner = addresses.value(addresses.rows[normal(str(address))], "SUB_NR")
    if normal(str(owner)) != normal(str(debtor)):
        raise Refusal(f"Afleveradres {address} hoort niet bij debiteur {debtor}.")


def _intended_change(company: Company, table: Table, sent_row: posting.SentRow) -> Change:
    definition = table.definition
    key = sent_row.values.get(definition.key)
    if not key:
        raise Refusal(f"Veld {definition.key} ontbreekt; zonder sleutel is wijzigen niet mogelijk.")
    row = table.get(str(key))
    if row is None:
        noun = NOUNS.get(definition.name, definition.caption)
        raise Refusal(f"{noun} {key} bestaat niet.", company.conventions.missing_status)
    values = {name: value for name, value in sent_row.values.items() if name != definition.key}
    for name, value in values.items():
        _check_changeable(definition.fields[name], value)
    _check_pointers(company, definition, values)
    return row, values


def _check_changeable(field: ColumnField, value: Value) -> None:
    if field.blocked:
        raise Refusal(f"Veld {field.name} ({field.caption}) mag niet worden gewijzigd.")
    if field.required and value in {None, ""}:
        raise Refusal(f"Veld {field.name} ({field.caption}) is verplicht.")


def _make(
    company: Company, document: posting.PostedDocument, sent_row: posting.SentRow, entry: JournalEntry, user: str
) -> Document:
    object_ = document.object
    table = company.table(object_.table)
    values = _header(company, table, sent_row, entry)
    if not object_.detail:
        return _stamped_row(table, values, entry), ()
    detail = company.table(object_.detail)
    lines = [
        _line(company, detail, sent_line, (table, values), entry) for sent_line in document.details[sent_row.row_id]
    ]
    if object_.code == "DJ2":
        is_gross = bool(values.get(table.definition.local_name("GROSS_FLG")))
        lines = [daybooks.taxed(company, detail.definition, sent_line, is_gross=is_gross) for sent_line in lines]
        values |= daybooks.totals(detail.definition, lines, is_gross=is_gross)
        if company.conventions.concepts == "ignored":
            values[table.definition.local_name("NO_POST")] = False
        values |= dict.fromkeys((table.definition.local_name("CNG_USR"), table.definition.local_name("INP_USR")), user)
    return _stamped_row(table, values, entry), [_stamped_row(detail, line, entry) for line in lines]


def _stamped_row(table: Table, values: Mapping[str, Value], entry: JournalEntry) -> Row:
    row = table.row(values)
    table.stamp(row, entry.at, created=True)
    return row


def _show_document(company: Company, object_: SandboxObject, row: Row, lines: Sequence[Row], late: Late | None) -> None:
    _show(company.table(object_.table), row, late)
    for line in lines:
        _show(company.table(object_.detail), line, late)


def _show(table: Table, row: Row, late: Late | None) -> None:
    """Add a row to its table, or to the rows that become visible later."""
    if late:
        late.added.append((table, row))
    else:
        table.add(row)


_DATES = {"SO_HDR": "ORD_DATE", "K9_INV": "INV_DATE", "K9_QUO": "QT_DATE"}  # of documents for a customer


def _header(company: Company, table: Table, sent_row: posting.SentRow, entry: JournalEntry) -> dict[str, Value]:
    """Return a new header row with the values that AccountView adds: its number and derived fields."""
    values, local_name = _accepted_values(table.definition, sent_row), table.definition.local_name
    today = entry.at.strftime("%Y-%m-%dT00:00:00")
    if not values.get(table.definition.key):
        values[table.definition.key] = company.number(table, entry.at)
    if date_name := _DATES.get(table.definition.name):
        values.setdefault(local_name("RPL_DEL"), values[local_name("RPL_INV")])
        values.setdefault(local_name(date_name), today)
    match table.definition.name:
        case "K9_INV" if company.conventions.invoice_numbers == "added":
            values[local_name("INV_NR")] = f"F{values[table.definition.key]}"
        case "CONTACT":
            values.setdefault(
                local_name("BOX_CITY"), values.get(local_name("PO_CITY")) or values.get(local_name("CITY"))
            )
        case "DJ_PAGE":
            day = str(values.setdefault(local_name("TRN_DATE"), today))
            values.setdefault(local_name("PERIOD"), Decimal(company.period_of(date.fromisoformat(day[:10]))))
    return values


def _line(
    company: Company,
    detail: Table,
    sent_row: posting.SentRow,
    header: tuple[Table, Mapping[str, Value]],
    entry: JournalEntry,
) -> dict[str, Value]:
    """Return a new line with values from its header and its article."""
    table, of_header = header
    definition, above = detail.definition, table.definition
    values = _accepted_values(definition, sent_row)
    values[definition.parent_key] = of_header[above.key]
    values[definition.key] = company.number(detail, entry.at)
    if definition.name in _TRADE:
        articles = company.table("ARTICLE")
        article = articles.rows[normal(str(values[definition.local_name("ART_CODE")]))]
        for name, source in _FROM_ARTICLE:
            values.setdefault(definition.local_name(name), articles.value(article, source))
    for name in _FROM_HEADER:
        if definition.local_name(name) in definition.fields and above.local_name(name) in above.fields:
            values.setdefault(definition.local_name(name), of_header.get(above.local_name(name)))
    return values


def _accepted_values(definition: Definition, sent_row: posting.SentRow) -> dict[str, Value]:
    return {
        name: value
        for name, value in sent_row.values.items()
        if value is not None and not _is_ignored(definition, definition.fields[name])
    }


def _is_ignored(definition: Definition, field: ColumnField) -> bool:
    """Return True if a client may send the field but AccountView ignores it, because it fills the field itself."""
    return field.blocked and (definition.name, field.name) not in _SENT_THOUGH_BLOCKED


def _delayed_rows(entry: JournalEntry) -> Late | None:
    fault, _, seconds = entry.note.partition(" ")
    return Late(entry.at + timedelta(seconds=float(seconds))) if fault == Fault.LATE else None


def _mangle(table: Table, row: Row, sent_values: Mapping[str, Value], entry: JournalEntry) -> None:
    fields = table.definition.fields
    free = [name for name in sent_values if name != table.definition.key and not fields[name].points_to]
    numbers = [name for name in free if isinstance(sent_values[name], Decimal)]
    texts = [name for name in free if fields[name].type in "CM" and sent_values[name]]
    if numbers:
        table.change(row, {numbers[0]: _number(sent_values[numbers[0]]) + 1}, entry.at)
    elif texts:
        table.change(row, {texts[-1]: str(sent_values[texts[-1]])[:-1]}, entry.at)


def _number(value: Value) -> Decimal:
    return value if isinstance(value, Decimal) else Decimal(0)
