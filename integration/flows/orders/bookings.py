"""A document as the books should have it: its reference, its fields, and lines that add up exactly to the sale."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime

from integration.core.compiled import CompiledMapping
from integration.core.days.till import optional_amount
from integration.core.errors import Reason
from integration.core.links import Link
from integration.core.records import Kind, Record, Value, clean
from integration.core.rules import EMPTY, as_text, rule_error
from integration.core.totals.booked import TotalsComparison, as_parts
from integration.core.totals.sold import NOTHING, VatSum
from integration.core.traces import Trace, TraceStep, explained_trace
from integration.flows.orders.balances import Turnover
from integration.flows.orders.buyers import customer_name
from integration.flows.orders.chains import related
from integration.flows.orders.codes import VAT_CODES, Codes
from integration.flows.orders.explanations import OrderReasons
from integration.flows.orders.identity import operator_answer, till_id
from integration.flows.orders.lines import (
    NO_SUM,
    BookedLines,
    document_values,
    mapping_differs,
    order_lines,
    order_sums,
    posting_lines,
    posting_sums,
)
from integration.flows.orders.missing_rows import MissingRowCollector
from integration.flows.orders.parties import ZONE, CompletedDocument, Owner, require_mapped
from integration.flows.orders.payments import WITH_PAYMENTS, digest_of, paid_sum
from integration.flows.orders.references import FIRST_BOOKING, OrderReferences
from integration.flows.orders.shipping import FIELD
from integration.flows.orders.sold import line_vat_code, sale_lines, split_of
from integration.flows.orders.terms import terms_code
from integration.flows.periods import period_of
from integration.flows.settings import BOOKS, RecordRejected

# Fields that the mapping must have rules for. Without them the books would compute their own amounts.
REQUIRED_RULES = {
    Kind.SALES_ORDER: ("line.quantity", "line.price"),
    Kind.QUOTATION: ("line.quantity", "line.price"),
    Kind.POSTING: ("line.account", "line.amount", "line.vat"),
}
# Names of the target documents in the settings of the books.
HOLDERS = {"order": "sales_order", "invoice": "trade_invoice", "quotation": "quotation", "posting": "posting"}
NO_TURNOVER = Turnover()
ABOUT_CUSTOMER = ("email", "phone", "vat_number", "external_id", "code", "price_group", "payment_days")


@dataclass(frozen=True, slots=True)
class BookingContext:
    """Facts of both systems about bookings: turnover groups, periods, line fields and collective accounts.

    `till_ids` are the target documents with a column for the till's own id, named as in `HOLDERS`.
    """

    turnover: Turnover = NO_TURNOVER
    periods: Mapping[str, str] = field(default_factory=dict)  # first day to period number
    line_fields: Collection[str] = ()
    collective: Collection[str] = ()  # collective accounts of debtors
    till_ids: Collection[str] = ()


NO_CONTEXT = BookingContext()


class Bookings:
    """Builds bookings of one target kind, for one version of the settings, mapping and value tables."""

    def __init__(
        self,
        kind: Kind,
        headers: CompiledMapping,
        lines: CompiledMapping,
        tables: Codes,
        rules: Collection[str],
        context: BookingContext,
    ) -> None:
        """Prepare all values that do not depend on a document; `rules` are the target fields of the mapping.

        Raises ConfigurationError if the mapping leaves an amount to the books.
        """
        self._settings = tables.settings
        self._kind = kind
        self._references = OrderReferences(self._kind, tables.settings.reference_prefix)
        for target in REQUIRED_RULES[self._kind]:
            if target not in rules:
                raise rule_error(target, Reason("reason_no_rule"))
        if self._settings.shipping == "field" and kind is Kind.SALES_ORDER and FIELD not in rules:
            raise rule_error(FIELD, Reason("reason_no_rule"))
        self._headers = headers
        self._lines = lines
        self._tables = tables
        self._field = "line.amount" if self._kind is Kind.POSTING else "line.price"
        self._has_base = self._kind is Kind.POSTING and "vat_base" in context.line_fields
        self._periods = context.periods
        self._till_ids = context.till_ids
        self._groups = context.turnover.types
        self._discounts = "line.discount_percent" in rules

    # ---- the document itself

    def identity(self, record: Record, link: Link | None) -> Record:
        """Return the part of a document that identifies it in the books and shows whether it changed since.

        A linked document keeps the kind, reference and date of its booking, regardless of later changes at the till or
        in the settings.
        """
        values = record.values
        day, entered = values.get("date"), values.get("entered")
        if not isinstance(day, date) and isinstance(entered, datetime):
            day = entered.astimezone(ZONE).date()
        agreed = link.agreed.values if link is not None and link.agreed is not None else {}
        header: dict[str, Value] = {"date": agreed.get("date") or day}
        kind = self._kind if link is None else link.kind
        header |= (
            {"reference": reference} if (reference := agreed.get("reference")) else self._references_of(record, kind)
        )
        identifying = self._identifying_values(record, with_payments=agreed.get(WITH_PAYMENTS) is True)
        values, parts = {**header, **identifying}, _compared_totals(record)
        if link is None:
            return Record(kind, record.key, values, parts)
        return Record(kind, link.key, {**values, "booked_as": link.reference}, parts, source=record.key)

    def booking(
        self,
        document: CompletedDocument,
        owner: Owner,
        address: str,
        articles: Mapping[str, str],
        number: int = FIRST_BOOKING,
    ) -> Record:
        """Return the complete booking of a document; `number` counts its bookings. Raises RecordRejected.

        `articles` are the article codes of the books by line.
        """
        booked_lines = self._booked_lines(document, articles)
        source = self.header_source(document, booked_lines, number)
        mapped = self._headers.apply(source)
        require_mapped(mapped.issues, document)
        values: dict[str, Value] = {"date": document.values["date"]}
        fields = ((target.partition(".")[2], clean(value)) for target, value in mapped.values.items())
        values |= {name: value for name, value in fields if value not in EMPTY}
        values |= {**self._references_of(document.record, self._kind, number), **owner.values}
        if address:
            values["address"] = address
        if self._settings.becomes(document.record.kind) == "invoice":
            values["trade_invoice"] = True
        if booked_lines.shipping and values.get("shipping_cost") != booked_lines.shipping.price:
            raise RecordRejected(
                "required_field_empty", FIELD, field=FIELD, system=BOOKS.system, document=document.title
            )
        lines = tuple(self._line(document, source) for source in booked_lines.sources)
        self._require_exact(document, lines, booked_lines)
        identifying = self._identifying_values(document.record, with_payments=booked_lines.paid is not None)
        values |= {**identifying, "completed": document.completed, **_booked_totals(booked_lines)}
        return Record(
            self._kind, document.record.key, values, (*lines, *_compared_totals(document.record, booked_lines))
        )

    def _identifying_values(self, record: Record, *, with_payments: bool) -> dict[str, Value]:
        values = _identifying_values(record, with_payments=with_payments)
        if self._holds_id(record):
            values["till_id"] = till_id(record)
        return {**values, **related(record, self._groups), **operator_answer(record)}

    def _holds_id(self, record: Record) -> bool:
        """Return True if the books have a column for the till's own id on the target document."""
        return HOLDERS.get(self._settings.becomes(record.kind)) in self._till_ids

    def _references_of(self, record: Record, kind: Kind, number: int = FIRST_BOOKING) -> dict[str, Value]:
        """Return our reference. Raises RecordRejected."""
        return {"reference": OrderReferences(kind, self._settings.reference_prefix).reference_of(record, number)}

    def header_source(
        self, document: CompletedDocument, booked_lines: BookedLines | None = None, booking: int = FIRST_BOOKING
    ) -> Record:
        """Return the source record for the rules of the document: the till's values and the computed ones."""
        day, customer = document.values.get("date"), document.customer.values if document.customer else {}
        name = customer_name(document.customer)
        computed: dict[str, Value] = {
            "our_reference": self._references.reference_of(document.record, booking),
            "description": f"{document.title} {name}".strip(),
            "daybook": self._settings.daybook,
            "customer_name": name,
            **{f"customer_{name}": customer[name] for name in ABOUT_CUSTOMER if name in customer},
        }
        term = terms_code(document.values, customer.get("payment_days"), self._tables.terms)
        if term not in EMPTY:
            computed["payment_term"] = term
        if isinstance(day, date) and "period" in self._headers.reads:
            computed["period"] = period_of(day, self._periods)
        if booked_lines is not None:
            computed["gross"] = booked_lines.gross
            if booked_lines.shipping:
                computed["books_shipping"] = booked_lines.shipping.price
        references = (
            as_text(part.values.get("reference")) for part in document.record.parts if part.kind is Kind.PAYMENT
        )
        computed["payment_reference"] = next((reference for reference in references if reference), "")
        return Record(document.record.kind, document.record.key, {**document.values, **computed})

    def collect_missing_rows(self, document: CompletedDocument, collector: MissingRowCollector) -> None:
        """Add every row of a value table that the booking of a document lacks."""
        if self._kind is Kind.POSTING:
            collector.add_of_posting()
        else:
            collector.add_of_order()
        try:
            source = self.header_source(document)
        except RecordRejected:  # its reference is not possible; no row repairs that
            return
        total = optional_amount(document.values, "total_incl") or NOTHING
        collector.add_issues(self._headers.apply(source).issues, total)
        for line in sale_lines(document.record):
            values = {**document_values(document), **line.values}
            amount = optional_amount(line.values, "amount_incl") or NOTHING
            collector.add_issues(self._lines.apply(Record(Kind.LINE, line.key, values)).issues, amount)

    # ---- its lines

    def _booked_lines(self, document: CompletedDocument, articles: Mapping[str, str]) -> BookedLines:
        if self._kind is Kind.POSTING:
            return posting_lines(document, self._tables, discounts=self._discounts)
        return order_lines(document, articles, self._tables, discounts=self._discounts)

    def _line(self, document: CompletedDocument, source: Record) -> Record:
        mapped = self._lines.apply(source)
        require_mapped(mapped.issues, document)
        values = {target.partition(".")[2]: clean(value) for target, value in mapped.values.items()}
        if "books_article" in source.values:
            values["article"] = source.values["books_article"]
        if self._has_base and values.get("vat_code") not in EMPTY:
            values["vat_base"] = source.values.get("books_vat_base")
        return Record(Kind.LINE, source.key, {name: value for name, value in values.items() if value not in EMPTY})

    def _require_exact(self, document: CompletedDocument, lines: Sequence[Record], booked_lines: BookedLines) -> None:
        """Raise RecordRejected if rules of the mapping changed amounts, so that they no longer add up."""
        codes = (
            as_text(line.values.get("vat_code") or source.values.get("books_vat_code"))
            for line, source in zip(lines, booked_lines.sources, strict=True)
        )
        mapped = zip(codes, (line.values for line in lines), strict=True)
        if self._kind is Kind.POSTING:
            sums = posting_sums(mapped, gross=booked_lines.gross)
        else:
            sums = order_sums(mapped, self._tables, gross=booked_lines.gross, shipping=booked_lines.shipping)
        for code in dict.fromkeys([*booked_lines.sums, *sums]):
            expected, computed = booked_lines.sums.get(code, VatSum()), sums.get(code, VatSum())
            if expected != computed:
                raise mapping_differs(document, self._field, code, expected, computed, self._tables)

    # ---- why

    def trace(
        self,
        document: CompletedDocument,
        owner: Owner,
        address: tuple[str, str],
        articles: Mapping[str, str],
        number: int = FIRST_BOOKING,
    ) -> list[Trace]:
        """Return the traces of the fields of a document and its lines; `address` is a key and a place.

        Raises RecordRejected.
        """
        booked_lines, why = self._booked_lines(document, articles), OrderReasons(self._kind, self._tables)
        ruled = [
            why.head(document, trace)
            for trace in self._headers.trace(self.header_source(document, booked_lines, number))
        ]
        targets, reference = {trace.target for trace in ruled}, self._references.reference_of(document.record, number)
        traces = [
            trace for trace in why.pointers(document, owner, address, reference) if trace.target not in targets
        ] + ruled
        if self._holds_id(document.record):  # overrides a rule for this field
            target = f"{self._kind}.till_id"
            id_trace = explained_trace(target, till_id(document.record), "till_id", document=document.title)
            traces = [*(trace for trace in traces if trace.target != target), id_trace]
        for source in booked_lines.sources:
            first = TraceStep(f"line {source.key}", as_text(source.values.get("text")))
            for trace in self._lines.trace(source):
                line_trace = why.line(document, trace, source)
                steps = (first, *self._steps_before_rule(document, source, trace.target), *trace.steps)
                traces.append(replace(line_trace, steps=steps, part=source.key))
            if self._has_base and source.values.get("books_vat_code"):
                base = source.values.get("books_vat_base")
                traces.append(explained_trace("line.vat_base", base, "split", part=source.key))
        return traces

    def _steps_before_rule(self, document: CompletedDocument, source: Record, target: str) -> Iterator[TraceStep]:
        """Yield the steps computed before the rule for a field of a line."""
        values = source.values
        match target:
            case "line.vat_code" if code := line_vat_code(source):
                yield TraceStep("vat_code", code)
                if row := self._tables.vat_row(document, code):
                    yield TraceStep(f"table {VAT_CODES} {row}", self._tables.vat_codes[row])
            case "line.price":
                names = ("price_incl", "price_excl", "discount_percent", "amount_incl", "amount_excl")
                yield from (TraceStep(name, values[name]) for name in names if values.get(name) not in EMPTY)
            case "line.article" if values.get("books_article") != values.get("code"):
                yield TraceStep("code", values.get("code"))
            case _:
                return


def _identifying_values(document: Record, *, with_payments: bool) -> dict[str, Value]:
    """Return the fields that identify a document and are displayed; none of them is written."""
    values, split = document.values, split_of(document).values()
    incl, excl = optional_amount(values, "total_incl"), optional_amount(values, "total_excl")
    customer = next((part for part in document.parts if part.kind is Kind.RELATION), None)
    return {
        "number": as_text(values.get("number")),
        "customer": customer_name(customer),
        "branch": as_text(values.get("branch")),
        "digest": digest_of(document, with_payments=with_payments),
        "cancelled": values.get("cancelled") is True,
        "sold_incl": sum((vat_sum.incl for vat_sum in split), NOTHING) if incl is None else incl,
        "sold_excl": sum((vat_sum.excl for vat_sum in split), NOTHING) if excl is None else excl,
        **({WITH_PAYMENTS: True, "paid": paid_sum(document)} if with_payments else {}),
    }


def _booked_totals(booked_lines: BookedLines) -> dict[str, Value]:
    """Return the totals in the books, for display."""
    paid, open_sum = booked_lines.paid or NOTHING, sum(booked_lines.sums.values(), NO_SUM)
    totals: dict[str, Value] = {
        "booked_incl": open_sum.incl + booked_lines.redeemed.incl + paid,
        "booked_excl": open_sum.excl + booked_lines.redeemed.excl + paid,
    }
    if booked_lines.paid is not None:
        totals["open"] = open_sum.incl
    if booked_lines.redeemed:
        totals["redeemed"] = booked_lines.redeemed.incl
    return (
        totals | {"rounding": booked_lines.correction, "rounding_rule": booked_lines.rule}
        if booked_lines.rule
        else totals
    )


def _compared_totals(document: Record, booked_lines: BookedLines | None = None) -> tuple[Record, ...]:
    """Return the sold totals by the till's VAT code, with the booked totals if they can be distinguished."""
    booked = booked_lines.by_till if booked_lines else {}
    return as_parts(TotalsComparison(code, sold, booked.get(code)) for code, sold in split_of(document).items())
