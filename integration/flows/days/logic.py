"""Logic of the flow `days`: closed days of the till become balanced pages in the books, each written once.

A booked page is never changed. A later difference becomes a page of its own, after a person has decided so.
"""

import hashlib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from integration.core.compiled import compile  # noqa: A004 - of a mapping
from integration.core.days.books import DayBooks, DayLine, DayPage, Voucher
from integration.core.days.corrections import correction_lines, full_reversal, page_lines, same_postings
from integration.core.days.documents import HOME, DayDocument, documents_of, sums_of_documents, sums_of_journals
from integration.core.days.identities import CARRIED_OVER, failed_checks, with_cash_signs
from integration.core.days.page import page_of
from integration.core.days.report import GROUPS_WITHOUT_COST
from integration.core.days.till import DayRefusedError, MissingCodesError, TillDay, day_revenue, till_day
from integration.core.errors import ConfigurationError, Reason
from integration.core.flow import Ownership, Stage
from integration.core.issues import Issue, Skip
from integration.core.ledgers import NO_RULES, LedgerRules
from integration.core.links import Link
from integration.core.missing_codes import MissingCode
from integration.core.plan import Change
from integration.core.records import CurrentRecord, Kind, Record, Value
from integration.core.rows import row_value
from integration.core.rules import as_text, field_owners, rules_from
from integration.core.search_keys import document_total
from integration.core.staged_records import StagedRecord
from integration.core.totals.categories import GROUPS, LineCategory, Purpose
from integration.core.totals.sold import NOTHING
from integration.core.traces import Trace, TraceStep, explained_trace
from integration.flows.booked_payments import without_booked_payments
from integration.flows.day_pages import day_of_key, is_day_of_another_console, page_key, pages_of
from integration.flows.days.closing import Closing
from integration.flows.days.explanations import DayReasons
from integration.flows.days.manual_entries import (
    ManualEntries,
    apply_manual_entry_decision,
    find_manual_entries,
    rows_near,
    stored_totals,
)
from integration.flows.days.pages import DayPages, day_title, opposite_page
from integration.flows.days.queries import DayQueries
from integration.flows.days.separate_documents import SeparateDocuments
from integration.flows.days.settings import FLOW, DaySettings
from integration.flows.days.vat import DocumentVat
from integration.flows.deciding import AGAIN, KEEP, DecisionSubject, decision_mark, stored_decision
from integration.flows.functions.toolbox import Tools
from integration.flows.orders.balances import Turnover
from integration.flows.orders.buyers import Buyers
from integration.flows.orders.chains import BESIDE
from integration.flows.orders.codes import VatDecision
from integration.flows.settings import BOOKS, TILL, RecordRejected, excluded_by_filter
from integration.flows.spec import FlowLogic

DIFFERENCE = "difference"
DECISIONS = (DIFFERENCE, AGAIN, KEEP)
ONLY_BESIDE = (BESIDE,)  # if it is the same sale, a person reverses the other booking instead
NO_TURNOVER = "Geen omzet"  # Dutch: no turnover; a text in the books
COSTS = "costs"  # field of a page that includes the cost of sales
BELONGS = {Kind.INVOICE: "invoices", Kind.ORDER: "orders"}  # what a document may belong to, and the field for it
MAX_NAMED = 12  # maximum number of accounts or documents in one sentence


@dataclass(frozen=True, slots=True)
class SystemFacts:
    """Facts of both systems: accounts and periods of the books, turnover groups and gift cards of the till.

    `rates` and `till_rates` are percentages by the VAT codes of the books and of the till.
    """

    ledgers: Mapping[str, str] = field(default_factory=dict)
    ledger_rules: Mapping[str, LedgerRules] = field(default_factory=dict)
    periods: Mapping[str, str] = field(default_factory=dict)
    vat_accounts: Mapping[str, str] = field(default_factory=dict)
    line_fields: Collection[str] = ()
    rates: Mapping[str, Decimal] = field(default_factory=dict)
    till_rates: Mapping[str, Decimal] = field(default_factory=dict)
    turnover: Turnover = field(default_factory=Turnover)


@dataclass(frozen=True, slots=True)
class Tables:
    """The value tables of the flow: accounts, VAT codes, cost centres and countries."""

    accounts: Mapping[str, str]
    methods: Mapping[str, str]
    vat_codes: Mapping[str, str]
    purchase_vat_codes: Mapping[str, str]
    cost_centres: Mapping[str, str]
    costs: Mapping[str, str] = field(default_factory=dict)
    stock: Mapping[str, str] = field(default_factory=dict)
    countries: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ShopIdentity:
    """The prefix of the references of this console, and the ISO country code of its shop."""

    prefix: str
    home: str = HOME


class DaysLogic(FlowLogic):
    """The logic of the flow `days`, for one version of its settings, mapping and value tables."""

    def __init__(
        self,
        settings: DaySettings,
        mapping_body: Mapping[str, Any],
        version: int,
        tables: Tables,
        facts: SystemFacts,
        queries: DayQueries,
        shop: ShopIdentity,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Prepare everything that does not depend on a day.

        Raises ConfigurationError if the mapping cannot be used.
        """
        rules, tools = rules_from(mapping_body), Tools({})
        self.flow = FLOW
        self.settings = settings
        self.resends = settings.resends
        self.mapping_version = version
        self.policy = dict.fromkeys(field_owners(rules), Ownership.ON_CREATE)
        self.policy |= {f"day_page.{name}": Ownership.ON_CREATE for name in ("reference", "date")}
        header, lines = (compile(rules, tools, {kind}) for kind in (Kind.DAY_PAGE, Kind.LINE))
        self._prefix = shop.prefix
        self._pages = DayPages(settings, header, lines, facts.periods, facts.line_fields, shop.prefix)
        self._closing = Closing(settings, now)
        self._filters = settings.all_filters()
        self._queries = queries
        self._separate_documents = SeparateDocuments(
            queries.booked_alone, facts.turnover.types, queries.separate_booking_states
        )
        self._turnover, self._till_rates = facts.turnover, facts.till_rates
        buyers = Buyers(shop.home, tables.countries, tools.function("country", ()))
        self._vat = DocumentVat(VatDecision(tables.vat_codes, shop.home), buyers)
        self.books = self._books(settings, tables, facts, queries)

    def _books(
        self,
        settings: DaySettings,
        tables: Tables,
        facts: SystemFacts,
        queries: DayQueries,
    ) -> DayBooks:
        return DayBooks(
            systems=(TILL.system, BOOKS.system),
            home=self._vat.decision.home,
            accounts=tables.accounts,
            cost_accounts=tables.costs,
            stock_accounts=tables.stock,
            costs=settings.cost_of_sales,
            method_accounts=tables.methods,
            till_accounts=settings.till_accounts,
            vat_codes=tables.vat_codes,
            purchase_vat_codes=tables.purchase_vat_codes,
            rates=facts.rates,
            vat_accounts=facts.vat_accounts,
            ledgers=facts.ledgers,
            ledger_rules=facts.ledger_rules,
            vouchers=_vouchers_of(settings, facts.turnover, facts.till_rates),
            collective_account=settings.collective_account,
            collective_debtor=settings.collective_debtor,
            debtor=lambda relation: queries.debtors([relation]).get(relation, ""),
            item=queries.item,
            contents=settings.contents,
            mode=settings.mode,
            by_group=settings.lines == "group",
            drawer_account=settings.drawer_account,
            drawers=frozenset(settings.drawers),
            rounding=frozenset(settings.rounding_methods),
            difference_account=settings.difference_account,
            banked_account=settings.banked_account,
            banked_by=settings.banked_by,
            down_payments_account=settings.down_payments_account,
            own_use_account=settings.own_use_account,
            cost_centres=tables.cost_centres,
            credit_positive=settings.sign == "credit_positive",
        )

    # ---- each day by itself

    def stage(self, stage: Stage, records: Sequence[Record]) -> list[StagedRecord]:
        """Return the page of each day, or the reason that it has none; see `FlowLogic`.

        Raises ConfigurationError while no daybook is chosen.
        """
        if not self.settings.daybook:
            raise ConfigurationError(
                "flow_setting_invalid", flow=FLOW.name, setting="daybook", expected="expected_day_daybook"
            )
        booked = self._booked_pages([record.key for record in records])
        records = [with_costs(record) if self._has_costs(booked[record.key]) else record for record in records]
        staged = [(record, self._stage_day(record, booked[record.key])) for record in records]
        new = [(record, result.record) for record, result in staged if result.record and not booked[result.key]]
        typed = self._find_manual_entries([page for _, page in new])
        first = {record.key: self._stage_unbooked(record, page, typed.get(page.key)) for record, page in new}
        return [first.get(record.key, result) for record, result in staged]

    def _stage_unbooked(self, record: Record, page: Record, typed: ManualEntries | None) -> StagedRecord:
        """Return the result of a day that is not booked yet and that may have a manual entry in the books.

        A manual entry that a person already decided about is not asked about again.
        """
        result = StagedRecord(record.key, record.key, day_title(record))
        try:
            settled = apply_manual_entry_decision(record, page, typed) if typed else page
            if isinstance(settled, Skip):
                return replace(result, skip=settled)
            return replace(result, record=self._page_without_double_sales(record, settled))
        except RecordRejected as rejected:
            return replace(result, issue=_with_page_revenue(_titled_issue(rejected, result.key, result.title), page))

    def _find_manual_entries(self, pages: Sequence[Record]) -> dict[str, ManualEntries]:
        """Return possible manual entries for the days of some pages, by page key."""
        dates = {
            page.key: self.around(day for name in ("day", "date") if isinstance(day := page.values.get(name), date))
            for page in pages
        }
        rows = self._queries.foreign_ledger_rows(set().union(*dates.values())) if dates else ()
        entries = {}
        for page in pages if rows else ():
            lines = list(map(self._pages.as_read, page_lines(page)))
            if typed := find_manual_entries(
                page, lines, list(rows_near(rows, dates[page.key])), self.books, self._prefix
            ):
                entries[page.key] = typed
        return entries

    def around(self, days: Iterable[date]) -> set[date]:
        """Return the dates on which a manual entry about these days may be."""
        reach = range(-self.settings.days_around, self.settings.days_around + 1)
        return {day + timedelta(days=off) for day in days for off in reach}

    def is_of_another_console(self, reference: str) -> bool:
        return is_day_of_another_console(self._prefix, reference)

    def _booked_pages(self, days: Sequence[str]) -> dict[str, list[Link]]:
        """Return the booked pages of each of these days, ordered by serial."""
        return pages_of(self._queries.links, days)

    def _stage_day(self, record: Record, pages: Sequence[Link]) -> StagedRecord:
        title = day_title(record)
        try:
            result = self._page_or_skip(record, pages)
        except DayRefusedError as refused:
            facts = {"key": title, "document": title, **refused.facts}
            facts = {**_revenue_fact(record, facts.get("amount", "")), **facts}
            return StagedRecord(
                record.key, record.key, title, issue=Issue(refused.cause, record.key, refused.field, facts)
            )
        except RecordRejected as rejected:
            return StagedRecord(record.key, record.key, title, issue=_day_issue(rejected, record, title))
        if isinstance(result, Skip):
            return StagedRecord(record.key, record.key, title, skip=result)
        return StagedRecord(record.key, record.key, title, record=result)

    def _page_or_skip(self, record: Record, pages: Sequence[Link]) -> Record | Skip:
        facts = {"key": day_title(record), "document": day_title(record)}
        if not pages:
            if skip := excluded_by_filter(record, self._filters):
                return replace(skip, facts={**skip.facts, "key": facts["key"]})
            if skip := self._closing.wait_reason(record, facts):
                return skip
        day, page = self.page(record, pages)
        booked = [self._pages.as_read(line) for link in pages if link.agreed for line in page_lines(link.agreed)]
        self._require_booked(page, record)
        if not pages:
            if not page.lines and self.settings.empty_days == "skip":
                return Skip("day_empty", record.key, facts)
            return self._page_record(record, page, page.lines or (self._zero_line(day),), pages)
        off = correction_lines(page.lines, booked)
        if not off:
            return _booked_day(record.key, pages[0])
        return self._correction_page(record, page, booked, off, pages)

    def _require_clear(self, day: TillDay, document: str) -> None:
        """Raise DayRefusedError for a method that may accept vouchers taxed at their sale, if this is not known."""
        for payment in day.payments:
            account = row_value(self.books.method_accounts, payment.method) or payment.account
            is_settled = payment.method in self.books.vouchers or payment.method in self.books.rounding
            is_owed = self.books.ledger_rules.get(account, NO_RULES).is_collective
            may = bool(payment.amount) and self._turnover.may_take_vouchers(payment.type, self._till_rates)
            if may and not is_settled and not is_owed:
                raise DayRefusedError("gift_card_unclear", "account", document=document, method=payment.method)

    def _require_booked(self, page: DayPage, record: Record) -> None:
        """Raise RecordRejected while a separate document of the day is not in the books: its sale would be lost."""
        keys = {document.number: self._separate_documents.same_sale(document) for document in page.separate_documents}
        missing = set(self._queries.unbooked([key for sale_keys in keys.values() for key in sale_keys]))
        numbers = [number for number, sale_keys in keys.items() if missing.issuperset(sale_keys)]
        if numbers:
            raise RecordRejected(
                "day_document_apart", "contents", document=day_title(record), behind=", ".join(numbers[:MAX_NAMED])
            )

    def _page_without_double_sales(self, record: Record, page: Record) -> Record:
        """Return the page of a day if none of its sales may be booked separately, or if a person confirmed the page.

        Raises RecordRejected while a decision is missing.
        """
        if not (issues := self._queries.beyond_orders(page)):
            return page
        sales_mark = _sales_mark(issues)
        mark = decision_mark(record, sales_mark)
        if stored_decision(record, DecisionSubject.BESIDE, mark, ONLY_BESIDE).option:
            return replace(page, values={**page.values, BESIDE: sales_mark})
        behind, others = (
            ", ".join(sorted({issue.facts[name] for issue in issues})[:MAX_NAMED]) for name in ("document", "other")
        )
        facts = {"document": day_title(record), "behind": behind, "other": others, "mark": mark}
        raise RecordRejected("day_sale_elsewhere", DecisionSubject.BESIDE, **facts)

    def _zero_line(self, day: TillDay) -> DayLine:
        """Return the zero line of a day without turnover, because the books accept no page without lines."""
        methods = {count.method: count.account for count in day.counts}
        names = (*self.settings.drawers, *self.books.method_accounts)
        accounts = (row_value(self.books.method_accounts, name) or methods.get(name, "") for name in names)
        account = next(filter(None, accounts), "")
        if not account:
            facts = {"method": names[0], "kind": names[0], "account": ""}
            raise MissingCodesError([MissingCode("day_method_account_missing", facts, Decimal(0))])
        return DayLine(account, NO_TURNOVER, Decimal(0))

    def page(self, record: Record, pages: Sequence[Link] = ()) -> tuple[TillDay, DayPage]:
        """Return a day and its page from the till's data; `pages` are the booked pages of the day.

        Raises DayRefusedError, naming the failed check or the missing code.
        """
        day = self._vat.with_country_codes(with_cash_signs(till_day(record)))
        self._require_clear(day, day_title(record))
        documents, sums = documents_of(day), sums_of_journals(day)
        is_there = _has_booked_postings(pages)
        for gap in failed_checks(day, sums, documents, self.books.drawers):
            if gap.identity != CARRIED_OVER or not is_there:  # a recount of the previous day concerns that day
                raise gap.refusal
        till_documents = without_booked_payments(day.documents, self._queries.booked_payments)  # after all checks
        if till_documents != list(day.documents):
            remaining = documents_of(replace(day, documents=tuple(till_documents)))
            sums, documents = sums.minus(sums_of_documents(documents).minus(sums_of_documents(remaining))), remaining
        costs, alone = self._has_costs(pages), self._separate_documents.separate_bookings(documents)
        books = replace(self.books, separate_bookings=alone, costs=costs, decide_vat=self._vat.decider())
        return day, page_of(day, sums, documents, books)

    # ---- days that are booked already

    def _correction_page(
        self, record: Record, page: DayPage, booked: Sequence[DayLine], off: Sequence[DayLine], pages: Sequence[Link]
    ) -> Record | Skip:
        """Return the correction page that a person decided on, or a skip if the person keeps the booked pages.

        Raises RecordRejected without a decision. A decision holds for the current state of the day and its booked
        pages. If the correction was booked and then reversed, the question is asked again.
        """
        mark = decision_mark(record, f"{len(pages) - 1:02}" if len(pages) > 1 else "")
        decision = stored_decision(record, DecisionSubject.CHANGE, mark, DECISIONS).option
        facts = {
            "document": day_title(record),
            "reference": _reference(pages[0]),
        }
        difference = ", ".join(f"{line.account} {line.gross_amount}" for line in off[:MAX_NAMED])
        if decision == KEEP:
            return Skip("day_kept", record.key, {**facts, "key": facts["document"], "difference": difference})
        if not decision:
            size = str(max(abs(line.gross_amount) for line in off))
            numbers = set(page.documents) - _documents_in_pages(pages)
            late = [document for document in documents_of(till_day(record)) if document.number in numbers]
            of = self.belongs(late)
            late_documents = sorted(
                f"{document.number} ({of[document.number]})" if document.number in of else document.number
                for document in late
            )
            raise RecordRejected(
                self._change_cause(record, off), DecisionSubject.CHANGE, **facts, difference=difference, amount=size,
                mark=mark, behind=", ".join(late_documents[:MAX_NAMED]),
            )  # fmt: skip
        lines = off if decision == DIFFERENCE else full_reversal(booked, page.lines)
        return self._page_record(record, page, lines, pages)

    def belongs(self, documents: Sequence[DayDocument]) -> dict[str, str]:
        """Return the numbers of the invoices and orders to which documents belong, by document number."""
        keys_by_number = {
            document.number: related_keys for document in documents if (related_keys := _related_keys(document.record))
        }
        keys = {
            kind: sorted({key for keys_by_kind in keys_by_number.values() for key in keys_by_kind.get(kind, ())})
            for kind in BELONGS
        }
        records = [
            record
            for kind, kind_keys in keys.items()
            if kind_keys
            for record in self._queries.documents(kind, kind_keys)
        ]
        numbers = {record.key: as_text(record.values.get("number")) for record in records}
        of = {
            document: ", ".join(
                filter(None, (numbers.get(key, "") for kind_keys in related_keys.values() for key in kind_keys))
            )
            for document, related_keys in keys_by_number.items()
        }
        return {document: behind for document, behind in of.items() if behind}

    def _change_cause(self, record: Record, off: Sequence[DayLine]) -> str:
        """Return the cause of a changed day; it is a different one if VAT of a filed return changes."""
        filed, day = self.settings.vat_filed_through, record.values.get("date")
        is_filed = filed is not None and isinstance(day, date) and day <= filed and any(line.vat for line in off)
        return "day_changed_after_filing" if is_filed else "day_changed_after_booking"

    def _page_record(self, record: Record, page: DayPage, lines: Sequence[DayLine], pages: Sequence[Link]) -> Record:
        page_record = self._pages.record(record, page, lines, len(pages))
        cost_fields: dict[str, Value] = {COSTS: True} if self._has_costs(pages) else {}
        if page.groups_without_cost:
            cost_fields[GROUPS_WITHOUT_COST] = page.groups_without_cost
        return replace(
            page_record,
            values={
                **page_record.values,
                **self._separate_documents.stored_fields(page),
                **stored_totals(page.sold),
                **cost_fields,
            },
        )

    def _has_costs(self, pages: Sequence[Link]) -> bool:
        """Return True if the page of a day includes the cost of sales.

        A booked day keeps what its latest page has; a reversed day follows the current settings.
        """
        agreed = [link.agreed for link in pages if link.agreed]
        return agreed[-1].values.get(COSTS) is True if _has_booked_postings(pages) else self.books.costs

    def conflicts_between(
        self, stage: Stage, desired: Sequence[Record], *, sending: bool = False
    ) -> Mapping[str, Issue | Skip]:
        """Return the pages that are not sent because of events since the plan was made.

        A document in them was booked separately, or somebody entered the day in the books manually.
        """
        conflicts: dict[str, Issue | Skip] = {}
        for page in desired if sending else ():
            is_first = day_of_key(page.key) == page.key
            beyond = self._queries.beyond_orders(page) if is_first else ()
            if self._separate_documents.is_booked_meanwhile(page) or (
                beyond and page.values.get(BESIDE) != _sales_mark(beyond)
            ):
                facts = {
                    **dict.fromkeys(("key", "document"), as_text(page.values.get("number"))),
                    **_page_revenue_fact(page),
                }
                conflicts[page.key] = Issue("day_document_booked", day_of_key(page.key), "", facts)
        first = [page for page in desired if page.key == day_of_key(page.key)] if sending else []
        typed = self._find_manual_entries([page for page in first if page.key not in conflicts])
        pages_with_entries = {page.key: page for page in first if page.key in typed}
        return conflicts | {
            key: _with_page_revenue(
                _titled_issue(typed[key].question(page, next(iter(typed[key].names))), key, title), page
            )
            for key, page in pages_with_entries.items()
            for title in (as_text(page.values.get("number")),)
        }

    # ---- existing pages in the books

    def objection(
        self, stage: Stage, desired: Record, current: CurrentRecord | None, link: Link | None
    ) -> Issue | None:
        """Return an issue if several pages in the books have the reference, or a page with other postings has it."""
        if current is None:
            return None
        key = day_of_key(desired.key)  # a retry concerns the day, whichever of its pages is meant
        facts = {"key": key, "document": as_text(desired.values.get("number")), "reference": current.reference}
        facts |= _page_revenue_fact(desired)
        if current.other_references:
            candidates = ", ".join((current.reference, *current.other_references))
            cause = "document_doubled" if link else "reference_found_twice"
            return Issue(
                cause,
                key,
                "",
                {
                    **facts,
                    "candidates": candidates,
                    "number": current.reference,
                    "other": ", ".join(current.other_references),
                },
            )
        if link is None and not same_postings(current.record, desired):
            return Issue("day_page_differs", key, "", facts)
        return None

    def writable_part(self, stage: Stage, desired: Record, current: CurrentRecord | None) -> Record | Skip:
        """Return the page unchanged."""
        return desired

    def withdraw(self, stage: Stage, change: Change) -> Change | Skip | Issue:
        """Return the page that reverses a booked one, on the first open day, or why there is none."""
        key = day_of_key(change.key)
        pages = self._booked_pages([key])[key]
        day, branch = change.agreed.values.get("day"), as_text(change.agreed.values.get("branch"))
        serial = len(pages)
        ours = self._pages.reference(day, branch, serial) if isinstance(day, date) else None
        if ours is None:
            return super().withdraw(stage, change)
        try:
            turned = {"reference": ours, **self._pages.undone_on(change.agreed)}
        except RecordRejected as rejected:
            return rejected.issue(change.key)
        return replace(
            change,
            key=page_key(key, serial),
            title=f"{change.title} {serial:02}",
            desired=opposite_page(change.desired, page_key(key, serial), turned),
            agreed=opposite_page(change.agreed, page_key(key, serial), turned),
        )

    # ---- why

    def trace(self, stage: Stage, record: Record) -> list[Trace]:
        """Return the traces of all fields of the page and its lines, with the documents of each line."""
        try:
            pages = self._booked_pages([record.key])[record.key]
            _, page = self.page(record, pages)
            day, branch = record.values.get("date"), as_text(record.values.get("branch"))
            under = next((as_text(link.agreed.values.get("reference")) for link in pages if link.agreed), "")
            ours = under or (self._pages.reference(day, branch) if isinstance(day, date) else None)
            on = self._pages.booking_date(day, record) if isinstance(day, date) else None
        except DayRefusedError as refused:
            facts = {"key": day_title(record), "document": day_title(record), **refused.facts}
            return [Trace("day_page.reference", (), None, Issue(refused.cause, record.key, refused.field, facts))]
        except RecordRejected as rejected:
            return [Trace("day_page.reference", (), None, rejected.issue(record.key))]
        why, title = DayReasons(self.books), day_title(record)
        traces = []
        if ours and on:
            head = self._pages.header.trace(self._pages.header_source(record, on, ours, 0))
            traces += [why.head(trace, as_text(on), title) for trace in head]
            traces.append(explained_trace("day_page.reference", ours, "day_reference", document=title))
            traces.append(explained_trace("day_page.date", on, "day_date", document=title))
        for place, line in enumerate(page.lines, start=1):
            source, key = self._pages.line_source(place, line), str(place)
            first = TraceStep(f"line {key}", line.text)
            behind = (TraceStep("documents", ", ".join(line.documents)),) if line.documents else ()
            line_traces = (why.line(trace, line) for trace in self._pages.lines.trace(source))
            traces += [replace(trace, steps=(first, *behind, *trace.steps), part=key) for trace in line_traces]
        return traces

    def change_reasons(self, change: Change) -> Mapping[str, Reason]:
        """Return the reason of a page that corrects earlier pages of its day."""
        return {} if day_of_key(change.key) == change.key else {"": Reason("because_day_correction")}


def with_costs(record: Record) -> Record:
    """Return a day whose digest also changes with its cost of sales."""
    costs = [part.values for part in record.parts if part.values.get("book") == "cost"]
    shape = "\n".join(sorted(repr(sorted((name, str(value)) for name, value in values.items())) for values in costs))
    digest = hashlib.sha256(f"{as_text(record.values.get('digest'))}\n{shape}".encode()).hexdigest()
    return replace(record, values={**record.values, "digest": digest}) if costs else record


def _related_keys(document: Record) -> dict[Kind, tuple[str, ...]]:
    """Return the keys of the invoices and orders a document belongs to; none for an order."""
    related_keys = {
        kind: document.values.get(name) for kind, name in BELONGS.items() if document.kind is not Kind.ORDER
    }
    return {kind: tuple(map(str, keys)) for kind, keys in related_keys.items() if isinstance(keys, tuple) and keys}


def _sales_mark(issues: Iterable[Issue]) -> str:
    """Return a mark of the sales and documents that a person confirms to be separate sales."""
    return "+".join(sorted(issue.facts["mark"] + issue.key for issue in issues)).replace(" ", "")


def _has_booked_postings(pages: Sequence[Link]) -> bool:
    """Return True if any posting of a day is booked and not reversed."""
    return any(correction_lines((), [line for link in pages if link.agreed for line in page_lines(link.agreed)]))


def _date(record: Record) -> date | None:
    day = record.values.get("date")
    return day if isinstance(day, date) else None


def _revenue_fact(record: Record, amount: str = "") -> dict[str, str]:
    """Return the fact with the revenue of a parked day; without revenue, the `amount`."""
    return {"sold": str(abs(day_revenue(record) or Decimal(amount or 0)))}


def _page_revenue_fact(page: Record) -> dict[str, str]:
    """Return the fact with the revenue, including VAT, of a page that is not sent."""
    return {"sold": str(abs(document_total(page) or NOTHING))}


def _with_page_revenue(issue: Issue, page: Record) -> Issue:
    return replace(issue, facts={**issue.facts, **_page_revenue_fact(page)})


def _day_issue(rejected: RecordRejected, record: Record, title: str) -> Issue:
    """Return the issue of a day with the amount at stake: the difference of a changed day, else its revenue."""
    issue = _titled_issue(rejected, record.key, title)
    off = issue.facts.get("amount", "") if issue.field == DecisionSubject.CHANGE else ""
    return replace(issue, facts={**_revenue_fact(record), **issue.facts, **({"sold": off} if off else {})})


def _titled_issue(rejected: RecordRejected, key: str, title: str) -> Issue:
    issue = rejected.issue(key)
    return replace(issue, facts={**issue.facts, "key": title})


def _documents_in_pages(pages: Iterable[Link]) -> set[str]:
    documents: set[str] = set()
    for link in pages:
        page_documents = link.agreed.values.get("documents") if link.agreed else None
        documents |= set(page_documents) if isinstance(page_documents, tuple) else set()
    return documents


def _reference(link: Link) -> str:
    return as_text(link.agreed.values.get("reference")) if link.agreed else link.reference


def _booked_day(key: str, link: Link) -> Record:
    """Return a booked day that is unchanged: its page with the values that both sides agreed on."""
    agreed = link.agreed
    return Record(Kind.DAY_PAGE, link.key, {}, source=key) if agreed is None else replace(agreed, source=key)


def _vouchers_of(settings: DaySettings, turnover: Turnover, rates: Mapping[str, Decimal]) -> dict[str, Voucher]:
    """Return the purpose of each payment method's gift cards, as set by a person, else as the till gives it."""
    vouchers: dict[str, Voucher] = {}
    for method, group in turnover.cards.items():
        code = turnover.vat_codes.get(group, "")
        vouchers[method] = Voucher(Purpose.SINGLE if rates.get(code) else Purpose.MULTI, code)
    single = [group for group, word in turnover.types.items() if GROUPS.get(word) is LineCategory.GIFT_CARD]
    codes = [code for group in single if rates.get(code := turnover.vat_codes.get(group, ""))]
    for method, purpose in settings.gift_cards.items():
        vat_code = vouchers[method].vat_code if method in vouchers else codes[0] if len(codes) == 1 else ""
        vouchers[method] = Voucher(purpose, vat_code)
    return vouchers
