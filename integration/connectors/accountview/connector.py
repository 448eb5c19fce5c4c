"""AccountView as a connector: which part of it each kind of record belongs to."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import date, datetime
from functools import partial
from typing import NoReturn

from integration.connectors.accountview.articles import BooksArticles, Goods, Warehouses
from integration.connectors.accountview.check import BooksCheck
from integration.connectors.accountview.choices import BooksChoices
from integration.connectors.accountview.client import AccountViewClient, Query, utc_now
from integration.connectors.accountview.day_pages import BooksDayPages
from integration.connectors.accountview.debtors import Addresses, Debtors
from integration.connectors.accountview.documents import BooksDocuments, BooksHistory
from integration.connectors.accountview.entries import Entries
from integration.connectors.accountview.fields import BooksFields
from integration.connectors.accountview.items import Items
from integration.connectors.accountview.layout import Layouts
from integration.connectors.accountview.missing_key import split_unnamed
from integration.connectors.accountview.newest import NewestDocuments
from integration.connectors.accountview.places import Postings, Quotations, SalesOrders
from integration.connectors.accountview.prices import BooksPrices
from integration.connectors.accountview.reader import RowReader
from integration.connectors.accountview.settings import SYSTEM, AccountViewSettings
from integration.connectors.accountview.source import BooksSource, Pages, TellingSource
from integration.connectors.accountview.target import BooksTarget, translated
from integration.connectors.accountview.years import FiscalYears
from integration.connectors.call_health import HealthSnapshot
from integration.connectors.http import Gateway
from integration.connectors.protocol import DictionaryColumn, Document, References, SourceTable, Unread
from integration.core.connections import Finding, Tell, TokenKeeper, ignore_progress
from integration.core.errors import RejectedError
from integration.core.markers import UNKNOWN, ChangeRanges
from integration.core.plan import Action, Change
from integration.core.records import Batch, Field, Fields, Held, Kind, Record, Unreadable, Written
from integration.core.system_identity import SystemIdentity


class AccountView:
    """One AccountView: source of articles, groups, debtors and entries, target of debtors, addresses and documents.

    Safe to share, closed with `close()`. `client.login` holds the log-in of a person: `authorize_address` and
    `exchange`.
    """

    def __init__(
        self,
        settings: AccountViewSettings,
        keeper: TokenKeeper,
        *,
        gateway: Gateway | None = None,
        now: Callable[[], datetime] = utc_now,
        reads: Sequence[SourceTable] = (),
    ) -> None:
        """Take, beside what it takes to connect, where kinds of record are that flows bring."""
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
        self._entries = Entries(settings, layouts, reader, years, lambda: self._choices.of("daybook_types"))
        self._sources: Mapping[Kind, BooksSource] = {
            **{kind: Goods(kind, *told, pages) for kind, told in layouts.brought.items()},
            Kind.GROUP: Goods(Kind.GROUP, settings.objects.groups, settings.group, pages),
            Kind.ARTICLE: (articles := BooksArticles(settings, pages, warehouses, prices)),
            Kind.DEBTOR: self._debtors,
            Kind.ITEM: Items(settings, layouts, reader, years, client.today, lambda: self._choices.of("daybook_types")),
            Kind.ENTRY: self._entries,
        }
        self._articles = articles
        self._newest = NewestDocuments(client, settings, layouts, years)
        documents = BooksDocuments(client, reader, years)
        history = BooksHistory(settings, layouts, reader, years)
        self._sales_orders = SalesOrders(settings, layouts, documents, history)
        self._targets: Mapping[Kind, BooksTarget] = {
            Kind.DEBTOR: self._debtors,
            Kind.ADDRESS: Addresses(client, layouts, reader),
            Kind.SALES_ORDER: self._sales_orders,
            Kind.QUOTATION: Quotations(settings, layouts, documents),
            Kind.POSTING: Postings(settings, layouts, documents),
            Kind.DAY_PAGE: BooksDayPages(settings, layouts, documents),
        }

    def begin(self) -> None:
        """Learn anew how this installation says that there is nothing; see `Connector.begin`."""
        self.client.begin()

    def close(self) -> None:
        """Close all connections."""
        self.client.close()

    # ---- whether it answers

    def heard(self) -> HealthSnapshot:
        """Return whether AccountView answers, as the calls so far tell."""
        return self.client.answering.now()

    def look(self) -> None:
        """Make the least call there is; see `Answers.look`."""
        self.client.greet()

    def identity(self) -> SystemIdentity:
        """Return the company that calls are about, by its id, code and name."""
        chosen = [one for one in self.client.companies() if one.id == self.settings.company]
        return SystemIdentity({name: frozenset({text}) for one in chosen for name, text in one.evidence().items()})

    # ---- set-up

    def check(self, tell: Tell = ignore_progress) -> list[Finding]:
        """Return the connection check, stopping at the first look that finds something wrong; see `Connector.check`.

        Fields that are missing are all found by one look: each has a line.
        """
        return self._check.connection(tell)

    def forget(self) -> None:
        """Read what the installation has anew when it is asked for next; see `Configurable.forget`."""
        self.client.begin()
        self.layouts.forget()
        self._warehouses.forget()

    def remember(self, before: "AccountView") -> None:
        """Count what a connection has read of the same installation under other names of its fields."""
        self.client.remember(before.client)
        self.layouts.remember(before.layouts)

    def needs(self, kind: Kind, *, written: bool = False, as_invoices: bool = False) -> list[Finding]:
        """Return what a kind of record needs beyond the check: the right to its object, and its fields. Never raises.

        `written` records need the right to insert them; as trade invoices, that and the fields of another object.
        """
        return self._check.needs(kind, written=written, as_invoices=as_invoices)

    def newest(self, kind: Kind) -> list[list[Document]]:
        """Return the documents of a kind that were made last, place by place; see `NewestDocuments`."""
        return self._newest.of(kind)

    def fields(self, kind: Kind) -> list[Field]:
        """Return the fields of a kind: those with a meaning under our names, then all others of the dictionary."""
        return self._fields.of(kind)

    def unknown(self, kind: Kind, names: Collection[str]) -> dict[str, str]:
        """Return which of these fields records of a kind do not have, each with the column that should hold it."""
        return self._fields.unknown(kind, names)

    def described(
        self, kinds: Collection[Kind], *, as_invoices: bool = False, fresh: bool = False
    ) -> dict[str, list[tuple[object, ...]]]:
        """Return what the dictionary says of the fields that these kinds are kept in; see `Configurable.described`."""
        known = [kind for kind in kinds if kind in self._sources or kind in self._targets]
        tables = [table for kind in known for table in self.layouts.tables(kind, as_invoices=as_invoices)]
        if self._warehouses.on and Kind.ARTICLE in known:
            tables.append(self._warehouses.of.table)
        if self._prices.on and {Kind.ARTICLE, Kind.DEBTOR} & set(known):
            tables.append(self._prices.of.table)
        return {table: self.layouts.described(table, fresh=fresh) for table in sorted(set(tables))}

    def objects(self) -> dict[str, str]:
        """Return the codes of all objects with what they are called; see `Configurable.objects`."""
        return {one.code: one.name for one in self.client.objects()}

    def dictionary(self, table: str) -> list[DictionaryColumn]:
        """Return the columns of a table as they are now; see `Configurable.dictionary`."""
        return self.client.dictionary(table)

    def propose_fields(self) -> dict[Kind, dict[str, str]]:
        """Return a column for each field that has none, where a caption of the dictionary suggests one."""
        return self._fields.proposed()

    def choices(self, name: str) -> dict[str, str]:
        """Return codes and their captions; nothing for what is not known here. See `Choices` for the names."""
        return self._choices.of(name)

    def most(self, name: str, count: int) -> list[Record]:
        """Return the articles that have most of a field, most first; it may be a column without a meaning of ours."""
        return self._articles.most(name, count)

    def about(self, kind: Kind) -> int:
        """Return about how many records of a kind there are; see `Countable`."""
        source = self._sources.get(kind)
        return source.about() if isinstance(source, Goods) else 0

    def uninvoiced(self, orders: Sequence[Record], references: References) -> dict[str, Unreadable | None]:
        """Return which of these sales orders, by their keys, are not known to be invoiced; see `Invoicing`."""
        return self._sales_orders.uninvoiced(orders, references)

    def keeps_invoiced(self) -> bool:
        """Tell whether orders that were invoiced can still be found; see `Invoicing`."""
        return bool(self.settings.objects.history.code)

    # ---- the books as a source

    def extract(
        self,
        kind: Kind,
        since: str | None = None,
        after: str | None = None,
        most: int | None = None,  # noqa: ARG002 - what flows from the books is wanted whole
    ) -> Batch:
        """Return one page of what changed from the stamp `since` on, of everything when it is None.

        Stamps are moments of AccountView's own clock as text. Repeating a page is safe. Raises MalformedAnswerError
        when the server does not turn the page, for then nobody knows what is missing.
        """
        return self._source(kind).extract(since, after)

    def unread(self, kind: Kind, since: str | None = None, after: str | None = None) -> Unread | None:
        """Return the page that `extract` would, unread; see `HashedSource`."""
        source = self._source(kind)
        return source.unread(since, after) if isinstance(source, BooksArticles) else None

    def fetch(self, kind: Kind, keys: Collection[str]) -> list[Record]:
        """Return the records under these keys; a key that is gone is left out."""
        return list(self.fetched(kind, keys).records)

    def fetched(self, kind: Kind, keys: Collection[str]) -> Batch:
        """Return the same as one page, with which fields came."""
        source = self._source(kind)

        def ask(some: Sequence[str]) -> Batch:
            return source.fetched(some) if isinstance(source, TellingSource) else Batch(tuple(source.fetch(some)), None)

        answers, unnamed = split_unnamed(ask, sorted(set(keys)))
        read = [record for answer in answers for record in answer.records]
        records = (*read, *(error.as_record(kind, key) for key, error in unnamed))
        return Batch(records, None, fields=Fields.of_all(answer.fields for answer in answers))

    # ---- the books as a target

    def lookup(self, wanted: Sequence[Record], references: References) -> dict[str, Held]:
        """Return what AccountView holds now, by our keys; `Held.evidence` says by what it was found.

        Debtors are found by their link, else by external id, VAT number or e-mail; addresses by what stands on them;
        documents by our reference, orders also in the history of what was invoiced. Raises RejectedError where the
        field of the reference does not exist, for then nobody can tell what is there. One whose own row does not tell
        the column it was found by is one that cannot be read.
        """
        held: dict[str, Held] = {}
        for kind in dict.fromkeys(record.kind for record in wanted):
            look = partial(self._target(kind).lookup, references=references)
            answers, unnamed = split_unnamed(look, [record for record in wanted if record.kind is kind])
            for answer in answers:
                held |= answer
            for record, error in unnamed:
                known = references.reference(kind, record.key) or ""
                held[record.key] = Held(error.as_record(kind, record.key), known)
        return held

    def last_used(self, customers: Collection[str], since: date) -> dict[str, date | None]:
        """Return when something was last booked on each of these debtors; see `Entries.last_of`."""
        return self._entries.last_of(customers, since, self.client.today())

    def shows(self, kind: Kind) -> bool:
        """Tell whether the object of a kind has any row that may be read."""
        query = Query(of=self.layouts.object_of(kind), sort=(self._check.sorted_by(kind),), size=1)
        return bool(self.client.page(query))

    def write(self, change: Change, held: Held | None, references: References, token: str) -> Written:
        """Create a debtor, address or document, or change a debtor.

        AccountView knows no token: whoever repeats looks first. Raises RejectedError before any call for a value that
        has no field or does not fit its field, and for a pointer to what is not there yet.
        """
        del token
        target = self._target(change.kind)
        updates = change.action is Action.UPDATE and change.kind is Kind.DEBTOR
        if not updates and change.action is not Action.CREATE:
            raise RejectedError("request_refused", system=SYSTEM, key=change.key)
        try:
            if updates:
                return self._debtors.update(change, held)
            return self._created(target, change.wanted, references)
        except RejectedError as error:
            raise translated(error, change) from error

    def _created(self, target: BooksTarget, wanted: Record, references: References) -> Written:
        number = target.create(wanted, references)
        if not number:
            found = target.lookup([wanted], references).get(wanted.key)
            number = found.reference if found else ""
        return Written(number)

    def calls(self, change: Change) -> int:
        """Return 1 for everything that can be written: one record, with its lines, is one call."""
        return 1 if change.kind in self._targets else 0

    def changed(self, kind: Kind, since: str, after: str | None = None, known: ChangeRanges = UNKNOWN) -> Batch:
        """Return nothing: the flow that writes to the books does not ask them for changes."""
        del since, after, known
        self._target(kind)
        return Batch((), None, "")

    def _source(self, kind: Kind) -> BooksSource:
        return self._sources[kind] if kind in self._sources else not_in_books(kind)

    def _target(self, kind: Kind) -> BooksTarget:
        return self._targets[kind] if kind in self._targets else not_in_books(kind)


def not_in_books(kind: Kind) -> NoReturn:
    """Raise RejectedError: the books do not have this kind of record in this place."""
    raise RejectedError("request_refused", system=SYSTEM, key=kind)
