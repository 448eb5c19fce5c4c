"""Logic of the flow `orders`: books orders, invoices and receipts of the till with their debtors and addresses.

They become sales orders, trade invoices or postings. A document is written once. A later change at the till is a
question for a person and never causes a second booking by itself.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any

from integration.core.booking_comparison import DocumentVersions
from integration.core.compiled import compile  # noqa: A004 - of a mapping
from integration.core.errors import Reason
from integration.core.flow import Stage
from integration.core.issues import Issue, Skip
from integration.core.links import Link
from integration.core.plan import Change
from integration.core.records import CurrentRecord, Kind, Record
from integration.core.rules import as_text, rules_from
from integration.core.staged_records import StagedRecord
from integration.core.traces import Trace
from integration.flows.booked_payments import AskBookedPayments, no_payments, without_booked_payments
from integration.flows.functions.toolbox import Tools
from integration.flows.orders.active_rules import document_policy, in_use, of_articles
from integration.flows.orders.address_changes import Ask, BilledAddresses, no_debtors, with_changed_address
from integration.flows.orders.articles import ARTICLES, LONGEST_ARTICLE, LineArticles
from integration.flows.orders.bookings import NO_CONTEXT, BookingContext, Bookings
from integration.flows.orders.buyers import COUNTRIES
from integration.flows.orders.chains import NO_CHAIN_QUERIES, SAME_SALE, ChainQueries, Chains, Verdict
from integration.flows.orders.codes import REVENUE_ACCOUNTS, Codes
from integration.flows.orders.credits import CREDIT, WITHOUT_CREDIT, credit
from integration.flows.orders.decisions import CurrentBooking, DecisionOption, Decisions, current_bookings, split_credit
from integration.flows.orders.explanations import owner_traces, party_traces
from integration.flows.orders.identity import alternative_bookings
from integration.flows.orders.missing_rows import ROW_CAUSES, MissingRowCollector, with_missing_codes
from integration.flows.orders.new_debtors import NewDebtors
from integration.flows.orders.objections import booking_objection, debtor_objection
from integration.flows.orders.outcomes import document_issue, document_title, staged, total_fact
from integration.flows.orders.parties import (
    CompletedDocument,
    Completion,
    Owner,
    Parties,
    kept_traces,
    shared_party,
)
from integration.flows.orders.references import CREDIT_ENDING, FIRST_BOOKING
from integration.flows.orders.refunds import require_sale, sales_of
from integration.flows.orders.settings import OrderSettings, documents
from integration.flows.orders.shipping import in_field
from integration.flows.orders.sold import sale_lines
from integration.flows.orders.terms import with_terms
from integration.flows.orders.vocabulary import require_known, require_no_exchange
from integration.flows.settings import BOOKS, RecordRejected, excluded_by_filter
from integration.flows.spec import FlowLogic, RenamedCode, TargetRecord

REQUIRED = ("name", "search_code", "account")  # fields that a new debtor must have


@dataclass(frozen=True, slots=True)
class _DocumentResult:
    """The results of one document in each stage."""

    booking: StagedRecord
    debtor: StagedRecord | None = None
    address: StagedRecord | None = None


class OrdersLogic(FlowLogic):
    """The logic of the flow `orders`, for one version of its settings, mapping and value tables."""

    def __init__(
        self,
        settings: OrderSettings,
        mapping_body: Mapping[str, Any],
        version: int,
        tables: Mapping[str, Mapping[str, str]],
        vat_rates: Mapping[str, Decimal],
        till_rates: Mapping[str, Decimal],
        find_articles: Callable[[Collection[str]], set[str]],
        linked: Callable[[Collection[str]], Mapping[str, Link]],
        context: BookingContext = NO_CONTEXT,
        asks: ChainQueries = NO_CHAIN_QUERIES,
        debtors: Ask = no_debtors,
        booked_payments: AskBookedPayments = no_payments,
        renamed: Callable[[], Mapping[str, RenamedCode]] = dict,
    ) -> None:
        """Prepare everything that does not depend on a document.

        `vat_rates` and `till_rates` are percentages by the VAT codes of the books and of the till. `find_articles`
        returns which article codes the books have, `linked` the links of booked documents. `context` has facts of both
        systems about bookings, `asks` queries other documents of the same sale, and `debtors` debtors in the books.
        `booked_payments` returns which payments came from the books, and `renamed` the article numbers of the till that
        now belong to another article than when their row was saved. Raises ConfigurationError for an unusable mapping.
        """
        tables = with_terms(tables)
        rules, tools = in_use(rules_from(mapping_body), tables), Tools(tables)
        self.flow = documents(settings.targets, unverifiable=settings.unproven)
        self.settings = settings
        self.resends = settings.resends
        self.mapping_version = version
        self._new_debtors = NewDebtors(settings, tables.get(REVENUE_ACCOUNTS, {}))
        self.policy = {**self._new_debtors.policy, **document_policy(rules)}
        self.max_records = settings.most
        self._filters = {kind: settings.all_filters(kind) for kind in settings.targets}
        self._complete = Completion(settings, tables.get(COUNTRIES, {}), tools.function("country", ()))
        self._debtors, self._addresses = (compile(rules, tools, {kind}) for kind in (Kind.DEBTOR, Kind.ADDRESS))
        self._parties = Parties(
            settings, self._debtors, self._addresses, self._complete, self._new_debtors.default_values
        )
        self._moves = BilledAddresses(self._parties, self.policy, settings.default_country, debtors)
        self._articles = LineArticles(
            of_articles(rules, tools), tables.get(ARTICLES, {}), settings.collective_article, renamed
        )
        self._codes = codes = Codes.from_tables(
            settings, tables, (vat_rates, till_rates), context.turnover, context.collective
        )
        lines, ruled = compile(rules, tools, {Kind.LINE}), {rule.target for rule in rules.rules}
        bookings_by_kind = {
            kind: Bookings(kind, compile(rules, tools, {kind}), lines, codes, ruled, context)
            for kind in settings.written
        }
        self._bookings = {source: bookings_by_kind[target] for source, target in settings.targets.items()}
        self._decisions = Decisions(settings, self.policy, context.periods)
        self._required = tuple(name for name in REQUIRED if f"debtor.{name}" in self.policy)
        self._find_articles = find_articles
        self._find_links = linked
        self._booked_payments = booked_payments
        self._chains = Chains(asks, settings.targets, context.turnover.types, settings.rounding_limit)
        self._known_articles: set[str] = set()
        self._page: tuple[Sequence[Record], list[_DocumentResult]] | None = None

    # ---- each document by itself

    def stage(self, stage: Stage, records: Sequence[Record]) -> list[StagedRecord]:
        """Return the result of each document in a stage; see `FlowLogic`. Debtors and addresses only where needed."""
        page = self._page
        if page is None or page[0] is not records:  # all stages ask for the same page one after the other
            page = self._page = (
                records,
                self._document_results(without_booked_payments(records, self._booked_payments)),
            )
        results = (
            {Kind.DEBTOR: result.debtor, Kind.ADDRESS: result.address}.get(stage.target, result.booking)
            for result in page[1]
        )
        return [result for result in results if result is not None]

    def _document_results(self, records: Sequence[Record]) -> list[_DocumentResult]:
        """Process a page of documents, with one query for bookings and one for articles."""
        sales = [key for record in records for key in sales_of(record)]
        booked = current_bookings([*(record.key for record in records), *sales], self._find_links)
        results: dict[str, _DocumentResult] = {}
        completed: dict[str, tuple[CompletedDocument, dict[str, str]]] = {}
        elsewhere = self._chains.verdicts_of(
            [
                record
                for record in records
                if record.key not in booked or booked[record.key].decision_option(record) is DecisionOption.BOOKED_AGAIN
            ]
        )
        booked_sales = self._chains.booked_or_planned({key for key in sales if key not in booked})
        booked_sales |= {key for key in sales if key in booked and not booked[key].is_reversed}
        for record in records:
            if (result := self._result_without_mapping(record, booked, elsewhere.get(record.key))) is not None:
                results[record.key] = result
                continue
            try:
                whole = self._complete(record)
                completed[record.key] = whole, self._article_codes(whole)
            except RecordRejected as rejected:
                results[record.key] = _DocumentResult(staged(record, issue=document_issue(rejected, record)))
        billed = self._moves.billed(
            {key: document for key, (document, _) in completed.items() if not self._is_posted(document)}
        )
        completed |= {key: (document, completed[key][1]) for key, document in billed.items()}
        self._query_articles(
            code for whole, articles in completed.values() for code in self._codes_to_query(whole, articles)
        )
        for record in sorted(records, key=lambda item: bool(item.values.get("credit_of"))):  # a sale before its refund
            if record.key in completed:
                results[record.key] = self._document_result(
                    *completed[record.key], booked.get(record.key), booked_sales, results
                )
        return [results[record.key] for record in records]

    def _result_without_mapping(
        self, record: Record, booked: Mapping[str, CurrentBooking], elsewhere: Verdict | None
    ) -> _DocumentResult | None:
        """Return the result of a document that needs no mapping; None if it must be mapped.

        These are documents with unknown words, excluded or booked documents, and documents whose sale is booked as
        another one. A filter never hides a booked document.
        """
        try:
            require_known(record, self.settings)
        except RecordRejected as rejected:
            return _DocumentResult(staged(record, issue=document_issue(rejected, record)))
        if record.key not in booked and (skip := excluded_by_filter(record, self._filters[record.kind])):
            return _DocumentResult(
                staged(record, skip=replace(skip, facts={**skip.facts, "key": document_title(record)}))
            )
        life = booked.get(record.key)
        is_new = life is None and record.values.get("cancelled") is not True
        if is_new and elsewhere is None:
            return None
        try:
            if is_new and elsewhere is not None:
                return self._result_booked_elsewhere(record, elsewhere)
            return (
                self._result_of_booked(record, life, elsewhere)
                if life
                else _DocumentResult(staged(record, self._identity(record, None)))
            )
        except RecordRejected as rejected:
            return _DocumentResult(staged(record, issue=document_issue(rejected, record)))

    def _result_booked_elsewhere(self, record: Record, verdict: Verdict) -> _DocumentResult:
        """Return the result of a document whose sale is or will be booked as another document.

        While the other document is only planned, the result is a booking without lines, so that no debtor is created
        for it. Raises RecordRejected.
        """
        if isinstance(verdict, Issue):
            return _DocumentResult(
                staged(record, issue=replace(verdict, facts={**verdict.facts, **total_fact(record)}))
            )
        if verdict.reason != "sale_planned":
            return _DocumentResult(staged(record, skip=verdict))
        identity = self._identity(record, None)
        return _DocumentResult(
            staged(record, replace(identity, values={**identity.values, SAME_SALE: verdict.facts["other"]}))
        )

    def conflicts_between(
        self, stage: Stage, desired: Sequence[Record], *, sending: bool = False
    ) -> Mapping[str, Issue | Skip]:
        """Return the documents that are not booked because their sale is or will be booked as another one, and why."""
        return self._chains.excluded_bookings(desired, sending=sending) if stage.write_once else {}

    def _identity(self, record: Record, link: Link | None) -> Record:
        return self._bookings[record.kind].identity(record, link)

    def _result_of_booked(
        self, record: Record, life: CurrentBooking, elsewhere: Verdict | None
    ) -> _DocumentResult | None:
        """Return the result of a booked document; None if it is to be booked again. Raises RecordRejected.

        A document that is booked again gets the same check of its sale being booked `elsewhere` as a new one. If the
        other document is only planned, `conflicts_between` decides.
        """
        match life.decision_option(record):
            case DecisionOption.STAYS:
                return _DocumentResult(staged(record, self._identity(record, life.latest)))
            case DecisionOption.CREDITED:
                result = staged(record, self._decisions.credit(record, life))
                return _DocumentResult(replace(result, title=result.title + CREDIT_ENDING))
            case DecisionOption.BOOKED_AGAIN:
                self._decisions.require_free_reference(record, life)
                is_said = isinstance(elsewhere, Issue) or (elsewhere and elsewhere.reason != "sale_planned")
                return self._result_booked_elsewhere(record, elsewhere) if elsewhere and is_said else None
            case DecisionOption.ASKED:
                return _DocumentResult(staged(record, issue=self._decisions.question(record, life)))
            case _:
                return _DocumentResult(staged(record, skip=self._decisions.skipped(record, life)))

    def _is_posted(self, document: CompletedDocument) -> bool:
        """Return True if a document becomes a posting, which has neither articles nor delivery addresses."""
        return self.settings.becomes(document.record.kind) == "posting"

    def _article_codes(self, document: CompletedDocument) -> dict[str, str]:
        """Return the articles that the lines name, except in postings and for lines booked in the shipping field."""
        if self._is_posted(document):
            return {}
        out = in_field(document, sale_lines(document.record), self.settings)
        return {key: code for key, code in self._articles.article_codes(document).items() if key not in out}

    def _codes_to_query(self, document: CompletedDocument, articles: Mapping[str, str]) -> list[str]:
        return [*articles.values(), *self._articles.stand_ins(document, articles).values()]

    def _query_articles(self, codes: Iterable[str]) -> None:
        """Query and cache which of these articles the books have."""
        new_codes = {code for code in codes if code and len(code) <= LONGEST_ARTICLE} - self._known_articles
        if new_codes:
            self._known_articles |= self._find_articles(new_codes)

    def _resolved_articles(self, document: CompletedDocument) -> dict[str, str]:
        """Return the articles on which the lines of one document are booked. Raises RecordRejected."""
        articles = self._article_codes(document)
        self._query_articles(self._codes_to_query(document, articles))
        return self._articles.resolved_articles(document, articles, self._known_articles)

    def _document_result(
        self,
        document: CompletedDocument,
        articles: Mapping[str, str],
        life: CurrentBooking | None,
        booked_sales: set[str],
        results: Mapping[str, _DocumentResult],
    ) -> _DocumentResult:
        record = document.record
        try:
            require_no_exchange(record)
            self._require_original(document, booked_sales, results)
            owner = self._parties.owner(document)
            resolved = self._articles.resolved_articles(document, articles, self._known_articles)
            address = self._address(document, owner)
            where = address.parent if address else ""
            booking = (
                self._next_booking(document, life, owner, where, resolved)
                if life
                else self._first_booking(document, owner, where, resolved)
            )
        except RecordRejected as rejected:
            return _DocumentResult(
                staged(record, issue=document_issue(self._with_missing_rows(document, rejected), record))
            )
        if not any(part.kind is Kind.LINE for part in booking.parts):
            facts = {"key": document.title, "document": document.title}
            return _DocumentResult(staged(record, skip=Skip("document_empty", record.key, facts)))
        debtor = self._parties.debtor(document) if owner.debtor else None
        return _DocumentResult(staged(record, booking), debtor, address)

    def _with_missing_rows(self, document: CompletedDocument, rejected: RecordRejected) -> RecordRejected:
        """Return the rejection of a document with all rows that it lacks, if a missing row is the reason."""
        if rejected.cause not in ROW_CAUSES:
            return rejected
        collector = MissingRowCollector(document, self._codes)
        self._bookings[document.record.kind].collect_missing_rows(document, collector)
        debtor = self._parties.debtor(document) if self._parties.owner(document).debtor else None
        if debtor is not None and debtor.issue is not None:
            collector.add(debtor.issue.cause, debtor.issue.facts, Decimal(0))
        return with_missing_codes(rejected, collector.codes, document.title)

    def _first_booking(
        self,
        document: CompletedDocument,
        owner: Owner,
        address: str,
        articles: Mapping[str, str],
        number: int = FIRST_BOOKING,
    ) -> Record:
        return self._bookings[document.record.kind].booking(document, owner, address, articles, number)

    def _next_booking(
        self, document: CompletedDocument, life: CurrentBooking, owner: Owner, address: str, articles: Mapping[str, str]
    ) -> Record:
        """Return the next booking of a document, together with the credit of the earlier booking if it needs one.

        Raises RecordRejected.
        """
        credit = None if life.is_reversed or life.stays else self._decisions.credit(document.record, life)
        booking = self._first_booking(self._with_next_date(document, life), owner, address, articles, life.booking + 1)
        is_empty = not any(part.kind is Kind.LINE for part in booking.parts)
        return credit if credit and is_empty else self._decisions.booked_again(booking, life, credit)

    def _with_next_date(self, document: CompletedDocument, life: CurrentBooking) -> CompletedDocument:
        """Return a document with the date of its next booking. Raises RecordRejected if that date is closed."""
        day = document.values["date"]
        if life.stays or not isinstance(day, date):
            return document
        on = self._decisions.open_day(day, document.title)
        return replace(document, values={**document.values, "date": on})

    def _address(self, document: CompletedDocument, owner: Owner) -> StagedRecord | None:
        """Return the delivery address; None for a posting."""
        return None if self._is_posted(document) else self._parties.address(document, owner)

    def _require_original(
        self, document: CompletedDocument, booked_sales: set[str], results: Mapping[str, _DocumentResult]
    ) -> None:
        """Raise RecordRejected for a refund whose sale is neither in `booked_sales` nor planned by this page.

        A sale that this page skips or parks does not count.
        """
        sales = {key: results[key].booking for key in sales_of(document.record) if key in results}
        planned = {
            key for key, sale in sales.items() if sale.record and sale.record.values.get("cancelled") is not True
        }
        title = next((sale.title for sale in sales.values()), "")
        require_sale(document.record, document.title, booked_sales | planned, title)

    # ---- what documents have in common

    def shape(
        self,
        stage: Stage,
        members: Sequence[StagedRecord],
        duplicates: Mapping[str, tuple[str, ...]],
        marks: Mapping[str, tuple[str, ...]],
    ) -> TargetRecord:
        """Return the target record of the members of one parent; debtors and addresses follow the newest document."""
        if not stage.write_once:
            return shared_party(members, stage.target)
        (member,) = members
        alone = TargetRecord.from_single_member(member)
        if alone.desired is None:
            return alone
        desired, ahead = split_credit(alone.desired)
        return replace(alone, desired=desired, prerequisite=ahead, prerequisite_title=alone.title + CREDIT_ENDING)

    def alternatives(self, stage: Stage, desired: Record) -> tuple[Record, ...]:
        """Return the other kinds under which the books may already have a document; see `alternative_bookings`."""
        return alternative_bookings(stage, desired, self.settings.reference_prefix) if stage.write_once else ()

    def objection(
        self, stage: Stage, desired: Record, current: CurrentRecord | None, link: Link | None
    ) -> Issue | None:
        """Return why the record in the books is not the intended one, or why a person must decide; see `FlowLogic`."""
        if stage.target is Kind.DEBTOR:
            return debtor_objection(self.settings, self._required, desired, current, link)
        if stage.target is Kind.ADDRESS:  # any of several equal addresses is suitable
            return None
        return booking_objection(stage, desired, current, link)

    def writable_part(self, stage: Stage, desired: Record, current: CurrentRecord | None) -> Record | Skip:
        """Return the record, or why a document is not booked: cancelled before booking, or already in the books.

        Linked documents pass, so that they count as unchanged.
        """
        if not stage.write_once:
            is_debtor = stage.target is Kind.DEBTOR
            return with_changed_address(desired, current, self.settings.default_country) if is_debtor else desired
        number = as_text(desired.values.get("number")) or desired.key
        facts = {"key": number, "document": number}
        if current is None:
            is_cancelled = desired.values.get("cancelled") is True
            return Skip("document_cancelled", desired.key, facts) if is_cancelled else desired
        if desired.values.get("booked_as"):
            return desired
        return Skip("already_in_target", desired.key, facts | {"reference": current.reference, "system": BOOKS.system})

    def withdraw(self, stage: Stage, change: Change) -> Change | Skip | Issue:
        """Return the credit of a booked document, dated on the first open day.

        Debtors and addresses stay because they may be in use. Quotations and credits stay too.
        """
        if change.kind in WITHOUT_CREDIT:
            facts = {"key": change.title, "document": change.title}
            facts |= {"reference": as_text(change.agreed.values.get("reference"))}
            return Skip("quotation_stays", change.key, facts)
        if not stage.write_once:
            return super().withdraw(stage, change)
        try:
            credited = credit(change, self._decisions.undone_on(change.agreed))
        except RecordRejected as rejected:
            return rejected.issue(change.key)
        return credited or super().withdraw(stage, change)

    def compare_booking(self, record: Record) -> DocumentVersions | None:
        """Return a document as it was booked and as it would be booked now; None if it is not booked."""
        (record,) = without_booked_payments([record], self._booked_payments)
        life = current_bookings([record.key], self._find_links).get(record.key)
        if life is None or life.latest.agreed is None or record.kind not in self._bookings:
            return None
        if record.values.get("cancelled") is True:
            return DocumentVersions(life.latest.agreed, None)
        try:
            document = self._complete(record)
            resolved = self._resolved_articles(document)
            return DocumentVersions(
                life.latest.agreed, self._first_booking(document, self._parties.owner(document), "", resolved)
            )
        except RecordRejected as rejected:
            identity = self._identity(record, life.latest)
            return DocumentVersions(life.latest.agreed, identity, document_issue(rejected, record))

    # ---- why

    def trace(self, stage: Stage, record: Record) -> list[Trace]:
        """Return the trace of every target field of this document, as far as the document can be mapped."""
        (record,) = without_booked_payments([record], self._booked_payments)
        try:
            document = self._complete(record)
            if stage.target is Kind.DEBTOR:
                customer = document.customer
                traces = self._debtors.trace(self._parties.debtor_source(document, customer)) if customer else []
                return self._new_debtors.traced(kept_traces(party_traces(document, customer, traces)))
            document = (
                self._moves.billed({record.key: document}).get(record.key, document)
                if not self._is_posted(document)
                else document
            )
            owner = self._parties.owner(document)
            if stage.target is Kind.ADDRESS:
                source = self._parties.address_source(document)
                owned = owner_traces(self.settings, document, owner, Kind.ADDRESS)
                where = document.part(Kind.ADDRESS)
                traces = self._addresses.trace(source) if source else []
                return [*owned, *kept_traces(party_traces(document, where, traces))] if traces else []
            return self._booking_traces(document, owner)
        except RecordRejected as rejected:
            target = rejected.field or f"{stage.target}.reference"
            return [Trace(target, (), None, document_issue(rejected, record))]

    def _booking_traces(self, document: CompletedDocument, owner: Owner) -> list[Trace]:
        """Return the traces of the booking that would be made now: the first one of the document, or the next."""
        address, life = (
            self._address(document, owner),
            current_bookings([document.record.key], self._find_links).get(document.record.key),
        )
        number = FIRST_BOOKING
        if life is not None and life.decision_option(document.record) is DecisionOption.BOOKED_AGAIN:
            number, document = life.booking + 1, self._with_next_date(document, life)
        where = (address.parent, address.title) if address else ("", "")
        return self._bookings[document.record.kind].trace(
            document, owner, where, self._resolved_articles(document), number
        )

    def change_reasons(self, change: Change) -> Mapping[str, Reason]:
        """Return the reason of a change that is a credit of an earlier booking."""
        return {"": Reason("because_credit")} if change.key.endswith(CREDIT) else {}
