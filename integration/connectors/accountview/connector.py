"""The connector of AccountView, which passes each call to the part that handles the kind of record."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import date, datetime
from functools import partial
from typing import NoReturn

from integration.connectors.accountview.articles import BooksArticles, TableSource, Warehouses
from integration.connectors.accountview.check import BooksCheck
from integration.connectors.accountview.choices import BooksChoices
from integration.connectors.accountview.client import AccountViewClient, Query, utc_now
from integration.connectors.accountview.day_pages import BooksDayPages
from integration.connectors.accountview.debtors import Addresses, Debtors
from integration.connectors.accountview.documents import BooksDocuments, BooksHistory
from integration.connectors.accountview.entries import Entries
from integration.connectors.accountview.fields import BooksFields
from integration.connectors.accountview.items import Items
from integration.connectors.accountview.latest_documents import NewestDocuments
from integration.connectors.accountview.layout import Layouts
from integration.connectors.accountview.missing_key import split_unnamed
from integration.connectors.accountview.places import PlacedDocuments, SalesOrders
from integration.connectors.accountview.prices import BooksPrices
from integration.connectors.accountview.reader import RowReader
from integration.connectors.accountview.settings import SYSTEM, AccountViewSettings
from integration.connectors.accountview.source import BooksSource, FieldReportingSource, Pages
from integration.connectors.accountview.target import BooksTarget, with_cause
from integration.connectors.accountview.years import FiscalYears
from integration.connectors.call_health import HealthSnapshot
from integration.connectors.http import Gateway
from integration.connectors.protocol import DictionaryColumn, Document, References, SourceTable, UnparsedPage
from integration.core.connections import Finding, FindingsCallback, TokenStore, ignore_progress
from integration.core.errors import RejectedError
from integration.core.markers import UNKNOWN, ChangeRanges
from integration.core.plan import Action, Change
from integration.core.records import Batch, CurrentRecord, Field, FieldPresence, Kind, Record, Unreadable, WriteResult
from integration.core.system_identity import SystemIdentity


class AccountView:
    """One AccountView installation.

    It is the source of articles, groups, debtors and entries, and the target of debtors, addresses and documents. Safe
    to share between threads, closed with `close()`. `client.login` handles the log-in of a person: `authorize_address`
    and `exchange`.
    """

    def __init__(
        self,
        settings: AccountViewSettings,
        keeper: TokenStore,
        *,
        gateway: Gateway | None = None,
        now: Callable[[], datetime] = utc_now,
        reads: Sequence[SourceTable] = (),
    ) -> None:
        """Connect with these settings; `reads` names the tables of additional kinds that flows define."""
        self.settings = settings
        self.in_flight = settings.in_flight
        self.client = client = AccountViewClient(settings, keeper, gateway=gateway, now=now)
        self.layouts = layouts = Layouts(client, settings, reads)
        warehouses = Warehouses(client, layouts, settings)
        self._fields = BooksFields(layouts, warehouses)
        prices = BooksPrices(client, layouts, settings)
        self._warehouses, self._prices = warehouses, prices
        self._check = BooksCheck(client, settings, layouts, warehouses, prices)
        years = FiscalYears(client, settings)
        self._choices = BooksChoices(client, layouts, warehouses, years, settings)
        probe = (settings.objects.articles, settings.article.code)
        pages = Pages(client, settings, RowReader(client, settings, probe=probe), now)
        reader = RowReader(client, settings)
        self._debtors = Debtors(client, layouts, reader, pages, prices)
        ledger = (
            settings, layouts, reader, years, client.today, lambda: self._choices.list_codes("daybook_types"),
        )  # fmt: skip
        self._entries = Entries(*ledger)
        self._sources: Mapping[Kind, BooksSource] = {
            **{kind: TableSource(kind, *flow_table, pages, layouts) for kind, flow_table in layouts.brought.items()},
            Kind.GROUP: TableSource(Kind.GROUP, settings.objects.groups, settings.group, pages, layouts),
            Kind.ARTICLE: (articles := BooksArticles(settings, pages, layouts, warehouses, prices)),
            Kind.DEBTOR: self._debtors,
            Kind.ITEM: Items(*ledger),
            Kind.ENTRY: self._entries,
        }
        self._articles = articles
        self._newest = NewestDocuments(client, settings, layouts, years)
        documents = BooksDocuments(client, reader, years)
        history = BooksHistory(settings, layouts, reader, years)
        self._sales_orders = SalesOrders(settings, layouts, documents, history)
        pages_in = settings.objects.postings, "page", settings.objects.posting_history
        self._targets: Mapping[Kind, BooksTarget] = {
            Kind.DEBTOR: self._debtors,
            Kind.ADDRESS: Addresses(client, layouts, reader),
            Kind.SALES_ORDER: self._sales_orders,
            Kind.QUOTATION: PlacedDocuments(
                layouts, documents, Kind.QUOTATION, settings.objects.quotations, "quotation_number"
            ),
            Kind.POSTING: PlacedDocuments(layouts, documents, Kind.POSTING, *pages_in),
            Kind.DAY_PAGE: BooksDayPages(PlacedDocuments(layouts, documents, Kind.DAY_PAGE, *pages_in)),
        }

    def begin(self) -> None:
        """Mark the knowledge about empty answers as stale; see `Connector.begin`."""
        self.client.begin()

    def close(self) -> None:
        self.client.close()

    # ---- health

    def health_snapshot(self) -> HealthSnapshot:
        return self.client.answering.snapshot()

    def probe(self) -> None:
        """Make the cheapest call; see `HealthCheckable.probe`."""
        self.client.probe()

    def identity(self) -> SystemIdentity:
        """Return the id, code and name of the company that calls are made for."""
        chosen = [company for company in self.client.companies() if company.id == self.settings.company]
        return SystemIdentity(
            {name: frozenset({text}) for company in chosen for name, text in company.evidence().items()}
        )

    # ---- set-up

    def check(self, on_progress: FindingsCallback = ignore_progress) -> list[Finding]:
        """Return the steps of the connection check up to the first one that fails; see `Connector.check`.

        One step finds all missing fields; each has a line of its own.
        """
        return self._check.connection(on_progress)

    def forget(self) -> None:
        """Discard the stored structure of the installation; see `Configurable.forget`."""
        self.client.begin()
        self.layouts.forget()
        self._warehouses.forget()

    def remember(self, before: "AccountView") -> None:
        self.client.remember(before.client)
        self.layouts.remember(before.layouts)

    def needs(self, kind: Kind, *, for_insert: bool = False, as_invoices: bool = False) -> list[Finding]:
        return self._check.needs(kind, for_insert=for_insert, as_invoices=as_invoices)

    def newest_documents(self, kind: Kind, daybook: str = "") -> list[list[Document]]:
        """Return the latest documents of a kind for each place; see `NewestDocuments`."""
        return self._newest.newest_of_kind(kind, daybook)

    def fields(self, kind: Kind) -> list[Field]:
        """Return the fields of a kind: first those with a name of ours, then all others of the dictionary."""
        return self._fields.list_fields(kind)

    def missing_fields(self, kind: Kind, names: Collection[str]) -> dict[str, str]:
        """Return the fields that records of a kind lack, each with the column that should hold it."""
        return self._fields.missing_fields(kind, names)

    def described(
        self, kinds: Collection[Kind], *, as_invoices: bool = False, fresh: bool = False
    ) -> dict[str, list[tuple[object, ...]]]:
        """Return the dictionary's description of the columns of these kinds; see `Configurable.described`."""
        served_kinds = [kind for kind in kinds if kind in self._sources or kind in self._targets]
        tables = [table for kind in served_kinds for table in self.layouts.tables(kind, as_invoices=as_invoices)]
        if self._warehouses.on and Kind.ARTICLE in served_kinds:
            tables.append(self._warehouses.of.table)
        if self._prices.on and {Kind.ARTICLE, Kind.DEBTOR} & set(served_kinds):
            tables.append(self._prices.of.table)
        return {table: self.layouts.described(table, fresh=fresh) for table in sorted(set(tables))}

    def objects(self) -> dict[str, str]:
        """Return the codes of all objects with their captions; see `Configurable.objects`."""
        return {offered_object.code: offered_object.name for offered_object in self.client.objects()}

    def dictionary(self, table: str) -> list[DictionaryColumn]:
        """Return the current columns of a table; see `Configurable.dictionary`."""
        return self.client.dictionary(table)

    def propose_fields(self) -> dict[Kind, dict[str, str]]:
        """Return a column for each unnamed field for which a caption of the dictionary suggests one."""
        return self._fields.proposed()

    def choices(self, name: str) -> dict[str, str]:
        """Return codes and captions of a list, empty for an unknown list; see `BooksChoices` for the names."""
        return self._choices.list_codes(name)

    def highest_records(self, name: str, count: int) -> list[Record]:
        """Return the articles with the highest values of a field or of any other column, highest first."""
        return self._articles.highest_records(name, count)

    def estimate_count(self, kind: Kind) -> int:
        """Return the approximate number of records of a kind; see `Countable`."""
        source = self._sources.get(kind)
        return source.estimate_count() if isinstance(source, TableSource) else 0

    def uninvoiced(self, orders: Sequence[Record], references: References) -> dict[str, Unreadable | None]:
        """Return the sales orders, by key, that are not known to be invoiced; see `Invoicing`."""
        return self._sales_orders.uninvoiced(orders, references)

    def keeps_invoiced(self) -> bool:
        """Return True if invoiced orders can still be found; see `Invoicing`."""
        return bool(self.settings.objects.history.code)

    # ---- the books as a source

    def extract(
        self,
        kind: Kind,
        since: str | None = None,
        after: str | None = None,
        limit: int | None = None,  # noqa: ARG002 - flows from the books read all records
    ) -> Batch:
        """Return one page of the records that changed since the stamp `since`, or of all records when it is None.

        Stamps are timestamps of AccountView's own clock as text. Repeating a page is safe. Raises MalformedAnswerError
        when the server repeats a page instead of returning the next one, because records would be missing.
        """
        return self._source(kind).extract(since, after)

    def extract_unparsed(self, kind: Kind, since: str | None = None, after: str | None = None) -> UnparsedPage | None:
        """Return the page that `extract` would return, unparsed; see `HashedSource`."""
        source = self._source(kind)
        return source.extract_unparsed(since, after) if isinstance(source, BooksArticles) else None

    def fetch(self, kind: Kind, keys: Collection[str]) -> list[Record]:
        return list(self.fetched(kind, keys).records)

    def fetched(self, kind: Kind, keys: Collection[str]) -> Batch:
        """Return the records that `fetch` returns as one page, with the fields they had."""
        source = self._source(kind)

        def ask(portion: Sequence[str]) -> Batch:
            return (
                source.fetched(portion)
                if isinstance(source, FieldReportingSource)
                else Batch(tuple(source.fetch(portion)), None)
            )

        answers, unnamed = split_unnamed(ask, sorted(set(keys)))
        readable_records = [record for answer in answers for record in answer.records]
        records = (*readable_records, *(error.as_record(kind, key) for key, error in unnamed))
        return Batch(records, None, fields=FieldPresence.combine_pages(answer.fields for answer in answers))

    # ---- the books as a target

    def lookup(self, records: Sequence[Record], references: References) -> dict[str, CurrentRecord]:
        """Return AccountView's current records, by our keys; `CurrentRecord.evidence` says how each was matched.

        Debtors match by their link, otherwise by external id, VAT number or e-mail; addresses by their content;
        documents by our reference, orders also in the history of invoiced orders. Raises RejectedError if the column of
        the reference does not exist, because nothing could then be found. A record whose row lacks the column it was
        found by is unreadable.
        """
        current: dict[str, CurrentRecord] = {}
        for kind in dict.fromkeys(record.kind for record in records):
            look = partial(self._target(kind).lookup, references=references)
            answers, unnamed = split_unnamed(look, [record for record in records if record.kind is kind])
            for answer in answers:
                current |= answer
            for record, error in unnamed:
                reference = references.reference(kind, record.key) or ""
                current[record.key] = CurrentRecord(error.as_record(kind, record.key), reference)
        return current

    def last_activity_dates(self, customers: Collection[str], since: date) -> dict[str, date | None]:
        """Return the date of the last booking on each of these debtors; see `Entries.last_booking_days`."""
        return self._entries.last_booking_days(customers, since)

    def shows(self, kind: Kind) -> bool:
        """Return True if the object of a kind has at least one readable row."""
        query = Query(of=self.layouts.object_of(kind), sort=(self._check.sorted_by(kind),), size=1)
        return bool(self.client.page(query))

    def write(self, change: Change, current: CurrentRecord | None, references: References, token: str) -> WriteResult:
        """Create a debtor, address or document, or change a debtor.

        AccountView has no idempotency key: a caller that repeats a write must look the record up first. Raises
        RejectedError before any call for a value that has no column or does not fit it, and for a reference to a record
        that does not exist yet.
        """
        del token
        target = self._target(change.kind)
        updates = change.action is Action.UPDATE and change.kind is Kind.DEBTOR
        if not updates and change.action is not Action.CREATE:
            raise RejectedError("request_refused", system=SYSTEM, key=change.key)
        try:
            if updates:
                return self._debtors.update(change, current)
            return self._create(target, change.desired, references)
        except RejectedError as error:
            raise with_cause(error, change) from error

    def require_storable(self, change: Change) -> None:
        """Raise RejectedError for a value that has no column, does not fit it or is missing; see `ChecksValues`."""
        try:
            self._target(change.kind).require_storable(change.desired, is_new=change.action is Action.CREATE)
        except RejectedError as error:
            raise with_cause(error, change) from error

    def _create(self, target: BooksTarget, desired: Record, references: References) -> WriteResult:
        number = target.create(desired, references)
        if not number:
            current = target.lookup([desired], references).get(desired.key)
            number = current.reference if current else ""
        return WriteResult(number)

    def calls(self, change: Change) -> int:
        """Return 1 for every kind that can be written: one record, with its lines, is one call."""
        return 1 if change.kind in self._targets else 0

    def read_changes(
        self, kind: Kind, since: str, after: str | None = None, known_ranges: ChangeRanges = UNKNOWN
    ) -> Batch:
        """Return an empty page: flows that write to the books do not read changes from them."""
        del since, after, known_ranges
        self._target(kind)
        return Batch((), None, "")

    def _source(self, kind: Kind) -> BooksSource:
        return self._sources[kind] if kind in self._sources else not_in_books(kind)

    def _target(self, kind: Kind) -> BooksTarget:
        return self._targets[kind] if kind in self._targets else not_in_books(kind)


def not_in_books(kind: Kind) -> NoReturn:
    """Raise RejectedError: the books cannot read or write this kind of record."""
    raise RejectedError("request_refused", system=SYSTEM, key=kind)
