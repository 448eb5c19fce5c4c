"""AccountView as a connector: which calls make up an extract, a check, a choice of the set-up.

What it is as a target is in `books`.
"""

import json
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from pydantic import BaseModel

from integration.connectors.accountview.answers import SYSTEM
from integration.connectors.accountview.books import DOCUMENTS, TARGETS, Books
from integration.connectors.accountview.choices import Choices
from integration.connectors.accountview.client import AccountViewClient, Filter, Query, utc_now
from integration.connectors.accountview.codec import (
    STOCK,
    Column,
    Row,
    article_names,
    decoder,
    group_names,
    literal,
    offered_fields,
    others,
    stamp,
    text,
)
from integration.connectors.accountview.layout import NUMBERED, Layout
from integration.connectors.accountview.reader import Reader
from integration.connectors.accountview.settings import AccountViewSettings, BusinessObject
from integration.connectors.accountview.warehouses import Warehouses
from integration.connectors.http import Line
from integration.connectors.protocol import Finding, References, Tell, unheard
from integration.core.errors import AccessDeniedError, IntegrationError, MalformedAnswerError, RejectedError
from integration.core.plan import Change
from integration.core.records import Batch, Field, Held, Kind, Record, Written
from integration.core.tokens import TokenKeeper

FLOW = "products"
USED_WHERE_PRESENT = frozenset({"vat_code", "unit", "blocked"}) | STOCK
"""Default columns that an installation may lack without harm; one named in the settings has to exist."""

CAPTIONS = {
    Kind.ARTICLE: {
        "ean": r"\bean|barcode|gtin|streepjescode|strichcode",
        "text": r"(lange|uitgebreide) omschrijving|artikeltekst|webtekst|langtext|long description",
        "short_text": r"korte omschrijving|kurztext|short description",
        "parent": r"hoofdartikel|moederartikel|\bmodel|parent|hauptartikel",
        "colour": r"\bkleur|colou?r|\bfarbe",
        "size": r"\bmaat\b|\bsize\b|größe",
        "currency": r"\bvaluta|currency|währung",
    },
    Kind.GROUP: {"parent": r"bovenliggend|hoofdgroep|parent|übergeordnet|obergruppe"},
    Kind.SALES_ORDER: {
        "order_number": r"^(verkoop)?ordernummer|^(sales )?order number|^auftragsnummer",
        "remark": r"externe notitie|external note|externe notiz",
        "note": r"interne notitie|internal note|interne notiz",
        "payment_condition": r"betalingsconditie|payment (condition|terms)|zahlungsbedingung",
        "payment_reference": r"betalingsreferentie|payment reference|zahlungsreferenz",
        "shipping_method": r"vervoersmethode|verzendwijze|shipping method|versandart",
        "gross": r"incl\.? btw weergeven|including vat|inkl\.? mwst",
        "cost_centre": r"kostenplaats|cost centre|kostenstelle",
    },
}
"""What captions of the dictionary suggest for fields that have no column by default; Dutch, German and English."""

NEEDED = {
    Kind.DEBTOR: {"number", "name", "search_code", "account"},
    Kind.ADDRESS: {"number", "debtor", "name", "street", "postcode", "city"},
    Kind.SALES_ORDER: {"reference", "debtor", "date", "article", "quantity", "price"},
    Kind.POSTING: {"reference", "debtor", "daybook", "date", "text", "account", "amount"},
}
"""Without which fields a kind cannot be looked up or written at all."""


@dataclass(frozen=True, slots=True)
class _Reading:
    """How records of one kind are read."""

    of: BusinessObject
    names: Mapping[str, str]
    decode: Callable[[Row], Record | None]
    code: str = "code"  # our name of the key

    @property
    def key(self) -> str:
        return self.names[self.code]

    @property
    def changed(self) -> str:
        return self.names.get("changed", "")


@dataclass(frozen=True, slots=True)
class _Mark:
    """Where an extract stands: handed out and back as text. `stamp` is from before its first page was read."""

    stamp: str | None
    page: int = 1
    read: int = 0
    first: str = ""
    last: str = ""

    def __str__(self) -> str:
        return json.dumps(asdict(self))


class AccountView:
    """AccountView: source of article groups, articles and debtors, target of debtors, addresses and documents.

    Safe to share, closed with `close()`. `client.login` holds the log-in of a person: `authorize_address` and
    `exchange`.
    """

    system = SYSTEM

    def __init__(
        self,
        settings: AccountViewSettings,
        keeper: TokenKeeper,
        *,
        line: Line | None = None,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self.settings = settings
        self.in_flight = settings.in_flight
        self.client = AccountViewClient(settings, keeper, line=line, now=now)
        self.books = Books(self.client, settings)
        self._warehouses = Warehouses(self.client, self.books, settings)
        self._reader = Reader(self.client, settings, sure=(settings.objects.articles, settings.article.code))
        self._choices = Choices(self.client, self.books, self._warehouses, settings)
        self._now = now

    def close(self) -> None:
        """Close all connections."""
        self.client.close()

    def check(self, tell: Tell = unheard) -> list[Finding]:
        """Return the connection check, stopping at the first look that finds something wrong. Never raises.

        Fields that are missing are all found by one look: each has a line.
        """
        looks: dict[str, Callable[[], str]] = {
            "host": self._look_at_host,
            "certificate": self._look_at_certificate,
            "credentials": self._look_at_credentials,
            "company": self._look_at_company,
            "rights": self._look_at_rights,
            "fields": self._look_at_fields,
        }
        findings: list[Finding] = []
        coming = [Finding(name, None) for name in looks]
        while coming and all(one.ok for one in findings):
            tell([*findings, *coming])
            name = coming.pop(0).name
            findings += _found(name, looks[name])
        return [*findings, *coming]

    def _look_at_host(self) -> str:
        try:
            self.client.greet()
        except IntegrationError as error:
            if error.code != "certificate_invalid":  # somebody is there; the next look says who it is not
                raise
        return self.client.host

    def _look_at_certificate(self) -> str:
        self.client.greet()
        return ""

    def _look_at_credentials(self) -> str:
        self.client.companies()
        return ""

    def _look_at_company(self) -> str:
        chosen = self.settings.company
        for company in self.client.companies():
            if company.id == chosen and chosen:
                return company.name
        raise AccessDeniedError("company_not_available", system=SYSTEM, company=chosen)

    def _look_at_rights(self) -> str:
        offered = {one.code for one in self.client.objects()}
        objects = self.settings.objects
        for of, key in (
            (objects.groups, self.settings.group.code),
            (objects.articles, self.settings.article.code),
            (objects.vat, "VAT_CODE"),
        ):
            if of.code.upper() not in offered:
                raise RejectedError("object_missing", system=SYSTEM, object=of.code, flow=FLOW)
            self._may_read(of, key)
        self._look_at_warehouses(offered)
        return ""

    def _look_at_warehouses(self, offered: Collection[str]) -> None:
        warehouses = self._warehouses
        if not warehouses.on:
            return
        if warehouses.of.code.upper() not in offered:
            raise RejectedError("object_missing", system=SYSTEM, object=warehouses.of.code, flow="stock")
        if not warehouses.missing():  # what is missing is told among the fields
            self._may_read(warehouses.of, warehouses.names["article"])

    def _may_read(self, of: BusinessObject, key: str) -> None:
        """Read one row: a missing right shows itself only when it is used. A missing key is told among the fields."""
        if key.upper() not in self.books.columns(of.table, fresh=True):
            return
        try:
            self.client.page(Query(of=of, sort=(key,), size=1))
        except RejectedError as error:
            said = error.facts.get("message", "")
        else:
            return
        raise AccessDeniedError("right_missing", system=SYSTEM, object=of.code, action="read", message=said)

    def _look_at_fields(self) -> str:
        vat = self.settings.objects.vat
        known = self.books.columns(vat.table)
        of_vat = [_without(vat.table, column, FLOW) for column in ("VAT_CODE", "VAT_PCT") if column not in known]
        _expect_all([*self._missing(Kind.GROUP, FLOW), *self._missing(Kind.ARTICLE, FLOW), *of_vat, *self._shelfless()])
        return ""

    def _missing(self, kind: Kind, flow: str) -> list[RejectedError]:
        """Return the columns of a kind that the dictionary does not show, each as what is wrong for a flow."""
        reading, given = self._reading(kind), self.settings.article.model_fields_set
        columns = self.books.columns(reading.of.table, fresh=True)
        optional = USED_WHERE_PRESENT - given
        absent = (column for name, column in reading.names.items() if column not in columns and name not in optional)
        return [_without(reading.of.table, column, flow) for column in absent]

    def _shelfless(self) -> list[RejectedError]:
        return [_without(self._warehouses.of.table, column, "stock") for column in self._warehouses.missing()]

    def needs(
        self, flow: str, kinds: Collection[Kind], *, writes: bool = False, as_invoices: bool = False
    ) -> list[Finding]:
        """Return what a flow needs beyond the check: for every kind the right to its object, and its fields.

        `kinds` are those the flow reads or `writes`; orders are written `as_invoices` where its settings say so. Never
        raises.
        """
        findings = []
        for kind in kinds:
            for name, look in self._looks(
                kind, flow, writes=writes, as_invoices=as_invoices and kind is Kind.SALES_ORDER
            ):
                findings += _found(name, look, flow=flow)
        return findings

    def _looks(
        self, kind: Kind, flow: str, *, writes: bool, as_invoices: bool
    ) -> Iterator[tuple[str, Callable[[], str]]]:
        yield "rights", lambda: self._look_at_object(kind, flow, writes=writes and not as_invoices)
        yield "fields", lambda: self._look_at_needed(kind, flow)
        if as_invoices:
            yield "rights", lambda: self._look_at_invoices(flow)
            yield "fields", lambda: self._look_at_invoicing(flow)

    def _look_at_invoices(self, flow: str) -> str:
        place = self.books.invoice_place()
        found = next((one for one in self.client.objects() if one.code == place.of.code.upper()), None)
        if found is None:
            raise RejectedError("object_missing", system=SYSTEM, object=place.of.code, flow=flow)
        self._may_read(place.of, place.sorted_by)
        if not found.insert:
            raise AccessDeniedError("right_missing", system=SYSTEM, object=place.of.code, action="insert")
        return found.name

    def _look_at_invoicing(self, flow: str) -> str:
        place, settings = self.books.invoice_place(), self.settings
        given = settings.trade_invoice.model_fields_set, settings.trade_invoice_line.model_fields_set
        _expect_all(_lacking(Kind.SALES_ORDER, (place.header, place.lines), given, flow))
        return ""

    def _look_at_object(self, kind: Kind, flow: str, *, writes: bool) -> str:
        of, key = self._object_of(kind)
        offered = {one.code: one for one in self.client.objects()}
        found = offered.get(of.code.upper())
        if found is None:
            raise RejectedError("object_missing", system=SYSTEM, object=of.code, flow=flow)
        self._may_read(of, key)
        if kind is Kind.ARTICLE:
            self._look_at_warehouses(offered)
        history = self.settings.objects.history.code.upper()
        if kind is Kind.SALES_ORDER and history and history not in offered:
            raise RejectedError("object_missing", system=SYSTEM, object=history, flow=flow)
        if writes and kind in TARGETS and not found.insert:
            raise AccessDeniedError("right_missing", system=SYSTEM, object=of.code, action="insert")
        return found.name

    def _object_of(self, kind: Kind) -> tuple[BusinessObject, str]:
        """Return the object of a kind, and the column its rows are sorted by."""
        if kind not in TARGETS:
            reading = self._reading(kind)
            return reading.of, reading.key
        layout, objects = self.books.layouts(kind)[0], self.settings.objects
        of = {
            Kind.DEBTOR: objects.debtors,
            Kind.ADDRESS: objects.delivery_addresses,
            Kind.SALES_ORDER: objects.orders,
            Kind.POSTING: objects.postings,
        }[kind]
        return of, (*layout.wire("number", "order_number", "page"), *layout.wire("reference"), "")[0]

    def _look_at_needed(self, kind: Kind, flow: str) -> str:
        if kind not in TARGETS:
            _expect_all([*self._missing(kind, flow), *self._shelfless()])
            return ""
        lacking = _lacking(kind, self.books.layouts(kind, fresh=True), self._given(kind), flow)
        if kind is Kind.SALES_ORDER and self.settings.objects.history.code:
            history = self.books.history_place()
            if not history.has("reference"):
                lacking.append(_without(history.table, history.names["reference"], flow))
        _expect_all(lacking)
        return ""

    def _given(self, kind: Kind) -> tuple[set[str], ...]:
        """Return the names whose columns somebody chose: those have to exist."""
        settings = self.settings
        match kind:
            case Kind.DEBTOR:
                return (settings.debtor.model_fields_set,)
            case Kind.ADDRESS:
                return (settings.address.model_fields_set,)
            case Kind.SALES_ORDER:
                return settings.sales_order.model_fields_set, settings.sales_order_line.model_fields_set
            case _:
                return settings.posting.model_fields_set, settings.posting_line.model_fields_set

    def fields(self, kind: Kind) -> list[Field]:
        """Return the fields of a kind: those with a meaning under our names, then all others of the dictionary.

        The lines of orders and of postings are one kind: a field of either is a field of LINE.
        """
        if kind in TARGETS:
            layout = self.books.layouts(kind, fresh=True)[0]
            return offered_fields(kind, list(layout.columns.values()), layout.known())
        if kind is Kind.LINE:
            layouts = [self.books.layouts(each, fresh=True)[1] for each in sorted(DOCUMENTS, reverse=True)]
            lines = [offered_fields(kind, list(layout.columns.values()), layout.known()) for layout in layouts]
            return list({field.name: field for each in reversed(lines) for field in reversed(each)}.values())[::-1]
        reading = self._reading(kind)
        offered = offered_fields(kind, self.client.dictionary(reading.of.table), reading.names)
        return offered + (self._warehouses.fields() if kind is Kind.ARTICLE else [])

    def unknown(self, kind: Kind, names: Collection[str]) -> dict[str, str]:
        """Return which of these fields records of a kind do not have, each with the column that should hold it.

        A field of ours that the settings leave without a column has "", a name that is none of ours itself.
        """
        known = {field.name for field in self.fields(kind)}
        named = self._named(kind)
        return {name: named[name].upper() if name in named else name for name in names if name not in known}

    def _named(self, kind: Kind) -> dict[str, str]:
        """Return our names of the fields of a kind with the columns they are given."""
        settings = self.settings
        of: dict[Kind, tuple[BaseModel, ...]] = {
            Kind.GROUP: (settings.group,),
            Kind.ARTICLE: (settings.article,),
            Kind.DEBTOR: (settings.debtor,),
            Kind.ADDRESS: (settings.address,),
            Kind.SALES_ORDER: (settings.sales_order,),
            Kind.POSTING: (settings.posting,),
            Kind.LINE: (settings.posting_line, settings.sales_order_line),
        }
        return {name: column for fields in of[kind] for name, column in fields.model_dump().items()}

    def choices(self, name: str) -> dict[str, str]:
        """Return codes and their captions; nothing for what is not known here.

        Known are vat_codes, vat_rates, ledgers, revenue_accounts, collective_accounts, daybooks, cost_centres,
        payment_conditions and debtor_accounts (as far as debtors have them), warehouses (where the settings name their
        object), companies, article_fields, article_codes (a page of them).
        """
        return self._choices.of(name)

    def propose_fields(self) -> dict[Kind, dict[str, str]]:
        """Return a column for each field that has none, where a caption of the dictionary suggests one."""
        proposed = {}
        for kind in CAPTIONS:
            if kind in TARGETS:
                layout = self.books.layouts(kind, fresh=True)[0]
                proposed[kind] = suggestions(kind, layout.known(), list(layout.columns.values()))
            else:
                reading = self._reading(kind)
                proposed[kind] = suggestions(kind, reading.names, self.client.dictionary(reading.of.table))
        return {kind: names for kind, names in proposed.items() if names}

    def extract(self, kind: Kind, since: str | None = None, after: str | None = None) -> Batch:
        """Return one page of what changed from the stamp `since` on, of everything when it is None.

        Stamps are moments of AccountView's own clock as text. Repeating a page is safe. Raises MalformedAnswerError
        when the server does not turn the page, for then nobody knows what is missing.

        Articles have what each warehouse has of them as `warehouse:<code>` where the settings name the object of that.
        """
        reading = self._reading(kind)
        mark = _Mark(**json.loads(after)) if after else _Mark(self._newest(reading) or since)
        rows = self.client.page(self._page_query(reading, since, mark))
        keys = [text(row.get(reading.key)) or "" for row in rows]
        if keys and after and keys[0] == mark.first:
            raise MalformedAnswerError("answer_incomplete", system=SYSTEM, count=mark.read, object=reading.of.code)
        records = tuple(record for row in rows if (record := reading.decode(row)) is not None)
        if kind is Kind.ARTICLE:
            records = self._warehouses.added(records, fresh=after is None)
        if len(rows) < self.settings.page_size:
            return Batch(records, None, mark.stamp)
        following = replace(mark, page=mark.page + 1, read=mark.read + len(rows), first=keys[0], last=keys[-1])
        return Batch(records, str(following), mark.stamp)

    def fetch(self, kind: Kind, keys: Collection[str]) -> list[Record]:
        """Return the records under these keys; a key that is gone is left out."""
        if kind is Kind.DEBTOR:
            reading, rows = self._reading(kind), self.books.debtor_rows(keys)
            return [record for row in rows if (record := reading.decode(row)) is not None]
        reading = self._reading(kind)
        rows = self._reader.exact_rows(reading.of, reading.key, keys, then=(), fields=())
        read = [record for row in rows if (record := reading.decode(row)) is not None]
        exact, alike = {one.key: one for one in read}, {one.key.casefold(): one for one in reversed(read)}
        found = {key: exact.get(key) or alike.get(key.casefold()) for key in sorted(set(keys))}
        records = [record for record in found.values() if record is not None]
        return list(self._warehouses.added(records)) if kind is Kind.ARTICLE else records

    def lookup(self, wanted: Sequence[Record], references: References) -> dict[str, Held]:
        """Return what AccountView holds now, by our keys; `Held.evidence` says by what it was found.

        Debtors are found by their link, else by external id, VAT number or e-mail; addresses by what stands on them;
        documents by our reference, orders also in the history of what was invoiced. Raises RejectedError where the
        field of the reference does not exist, for then nobody can tell what is there.
        """
        return self.books.lookup(wanted, references)

    def write(self, change: Change, held: Held | None, references: References, token: str) -> Written:
        """Create a debtor, address or document, or change a debtor.

        AccountView knows no token: whoever repeats looks first. Raises RejectedError before any call for a value that
        has no field or does not fit its field, and for a pointer to what is not there yet.
        """
        del token
        return self.books.write(change, held, references)

    def calls(self, change: Change) -> int:
        """Return 1 for everything that can be written: one record, with its lines, is one call."""
        return 1 if change.kind in TARGETS else 0

    def changed(self, kind: Kind, since: str, after: str | None = None) -> Batch:
        """Return nothing: the flow that writes to the books does not ask them for changes."""
        del since, after
        if kind not in TARGETS:
            raise RejectedError("request_refused", system=SYSTEM, key=kind)
        return Batch((), None, "")

    def _reading(self, kind: Kind) -> _Reading:
        objects, article, group = self.settings.objects, self.settings.article, self.settings.group
        match kind:
            case Kind.GROUP:
                return _Reading(objects.groups, names := group_names(group), decoder(kind, names))
            case Kind.ARTICLE:
                return _Reading(objects.articles, names := article_names(article), decoder(kind, names))
            case Kind.DEBTOR:
                layout = self.books.layouts(kind)[0]
                return _Reading(objects.debtors, layout.known(), lambda row: _debtor(layout, row), code="number")
            case _:
                raise RejectedError("request_refused", system=SYSTEM, key=kind)

    def _page_query(self, reading: _Reading, since: str | None, mark: _Mark) -> Query:
        filters: tuple[Filter, ...] = ()
        if since and reading.changed:
            start = datetime.fromisoformat(since) - timedelta(seconds=self.settings.overlap_seconds)
            filters = (Filter(reading.changed, "DateOnOrAfterDate", "T", literal(start)),)
        query = Query(of=reading.of, sort=(reading.key,), size=self.settings.page_size, filters=filters)
        if self.settings.page_strategy == "last_key":
            return replace(query, last_key=mark.last or None)
        return replace(query, number=mark.page)

    def _newest(self, reading: _Reading) -> str | None:
        """Return the highest stamp before the first page is read: what changes while pages turn comes next time.

        A stamp from the future, of a workstation with a wrong clock, would hide every change until then.
        """
        if not reading.changed:
            return None
        columns = (reading.key, reading.changed)
        rows = self.client.page(Query(of=reading.of, sort=(reading.changed,), size=1, fields=columns, descending=True))
        newest = stamp(rows[0].get(reading.changed)) if rows else None
        now = self._now().astimezone(ZoneInfo(self.settings.time_zone))
        return min(newest, f"{now:%Y-%m-%dT%H:%M:%S}") if newest else None


def _found(name: str, look: Callable[[], str], **facts: str) -> list[Finding]:
    """Return the line of one look, or one for each thing that is wrong; `facts` are what the looking is for."""
    wrong: list[Finding] = []
    try:
        return [Finding(name, ok=True, about=look())]
    except* IntegrationError as group:
        errors = [error for error in group.exceptions if isinstance(error, IntegrationError)]
        wrong = [Finding(name, ok=False, cause=error.code, facts={**error.facts, **facts}) for error in errors]
    return wrong


def _lacking(kind: Kind, layouts: Sequence[Layout], given: Sequence[Collection[str]], flow: str) -> list[RejectedError]:
    """Return what has to be there and is not: needed, or named by somebody."""
    return [
        _without(layout.table, column, flow)
        for layout, named in zip(layouts, given, strict=True)
        for name, column in layout.names.items()
        if not layout.has(name) and (name in NEEDED[kind] or name in named)
    ]


def _without(table: str, column: str, flow: str) -> RejectedError:
    return RejectedError("flow_field_unknown", system=SYSTEM, field=column, table=table, flow=flow)


def _expect_all(missing: Sequence[RejectedError]) -> None:
    """Raise everything that is missing together."""
    if missing:
        raise ExceptionGroup("fields", missing)


def _debtor(layout: Layout, row: Row) -> Record | None:
    number = layout.text(row, "number")
    return Record(Kind.DEBTOR, number, layout.decoded(row, {}) | others(row, layout.known())) if number else None


def suggestions(kind: Kind, names: Mapping[str, str], columns: Sequence[Column]) -> dict[str, str]:
    """Return a column for each field of a kind that `names` has none for, where a caption suggests one."""
    found = _proposed(names, columns, CAPTIONS.get(kind, {}))
    closed = {column.name for column in columns if column.blocked} if kind in TARGETS else set()
    return {name: column for name, column in found.items() if name in NUMBERED or column not in closed}


def _proposed(names: Mapping[str, str], columns: Sequence[Column], captions: Mapping[str, str]) -> dict[str, str]:
    taken = set(names.values())
    free = [column for column in columns if column.name not in taken]
    proposals: dict[str, str] = {}
    for name, pattern in captions.items():
        column = _first_with(pattern, free, "L" if name == "gross" else "CM") if name not in names else None
        if column is not None:
            proposals[name] = column.name
            free.remove(column)
    return proposals


def _first_with(pattern: str, columns: Sequence[Column], types: str) -> Column | None:
    """Return the first column of these types whose caption fits."""
    fits = re.compile(pattern, re.IGNORECASE)
    return next((column for column in columns if column.type in types and fits.search(column.caption)), None)
