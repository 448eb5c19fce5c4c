"""A document as the books should have it: its reference, its fields, and lines that add up exactly to the sale."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime

from integration.core.compiled import CompiledMapping
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
from integration.flows.orders.parties import ZONE, CompletedDocument, Owner, expect_mapped
from integration.flows.orders.payments import WITH_PAYMENTS, digest_of, paid_sum
from integration.flows.orders.references import FIRST_BOOKING, OrderReferences
from integration.flows.orders.shipping import FIELD
from integration.flows.orders.sold import decimal_value, line_vat_code, sale_lines, split_of
from integration.flows.orders.terms import terms_code
from integration.flows.periods import period_of
from integration.flows.settings import BOOKS, RecordRejected

# Fields that the mapping must have rules for. Without them the books would compute their own amounts.
NEEDED = {
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
        """Prepare what does not depend on a document; `rules` are the target fields of the mapping.

        Raises ConfigurationError if the mapping leaves an amount to the books.
        """
        self._settings = tables.settings
        self._kind = kind
        self._references = OrderReferences(self._kind, tables.settings.reference_prefix)
        for target in NEEDED[self._kind]:
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
        told: dict[str, Value] = {"date": agreed.get("date") or day}
        kind = self._kind if link is None else link.kind
        told |= (
            {"reference": reference} if (reference := agreed.get("reference")) else self._references_of(record, kind)
        )
        known = self._known_by(record, with_payments=agreed.get(WITH_PAYMENTS) is True)
        values, parts = {**told, **known}, _compared(record)
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
        made = self._booked_lines(document, articles)
        source = self.header_source(document, made, number)
        mapped = self._headers.apply(source)
        expect_mapped(mapped.issues, document)
        values: dict[str, Value] = {"date": document.values["date"]}
        named = ((target.partition(".")[2], clean(value)) for target, value in mapped.values.items())
        values |= {name: value for name, value in named if value not in EMPTY}
        values |= {**self._references_of(document.record, self._kind, number), **owner.values}
        if address:
            values["address"] = address
        if self._settings.becomes(document.record.kind) == "invoice":
            values["trade_invoice"] = True
        if made.shipping and values.get("shipping_cost") != made.shipping.price:
            raise RecordRejected(
                "required_field_empty", FIELD, field=FIELD, system=BOOKS.system, document=document.title
            )
        lines = tuple(self._line(document, source) for source in made.sources)
        self._expect_exact(document, lines, made)
        known = self._known_by(document.record, with_payments=made.paid is not None)
        values |= {**known, "completed": document.completed, **_shown(made)}
        return Record(self._kind, document.record.key, values, (*lines, *_compared(document.record, made)))

    def _known_by(self, record: Record, *, with_payments: bool) -> dict[str, Value]:
        known = _known_by(record, with_payments=with_payments)
        if self._holds_id(record):
            known["till_id"] = till_id(record)
        return {**known, **related(record, self._groups), **operator_answer(record)}

    def _holds_id(self, record: Record) -> bool:
        """Return whether the books have a column for the till's own id on the target document."""
        return HOLDERS.get(self._settings.becomes(record.kind)) in self._till_ids

    def _references_of(self, record: Record, kind: Kind, number: int = FIRST_BOOKING) -> dict[str, Value]:
        """Return our reference. Raises RecordRejected."""
        return {"reference": OrderReferences(kind, self._settings.reference_prefix).reference_of(record, number)}

    def header_source(
        self, document: CompletedDocument, made: BookedLines | None = None, booking: int = FIRST_BOOKING
    ) -> Record:
        """Return the source record for the rules of the document: the till's values and the computed ones."""
        day, customer = document.values.get("date"), document.customer.values if document.customer else {}
        name = customer_name(document.customer)
        computed: dict[str, Value] = {
            "our_reference": self._references.reference_of(document.record, booking),
            "description": f"{document.title} {name}".strip(),
            "daybook": self._settings.daybook,
            "customer_name": name,
            **{f"customer_{each}": customer[each] for each in ABOUT_CUSTOMER if each in customer},
        }
        term = terms_code(document.values, customer.get("payment_days"), self._tables.terms)
        if term not in EMPTY:
            computed["payment_term"] = term
        if isinstance(day, date):
            computed["period"] = period_of(day, self._periods)
        if made is not None:
            computed["gross"] = made.gross
            if made.shipping:
                computed["books_shipping"] = made.shipping.price
        references = (
            as_text(part.values.get("reference")) for part in document.record.parts if part.kind is Kind.PAYMENT
        )
        computed["payment_reference"] = next((each for each in references if each), "")
        return Record(document.record.kind, document.record.key, {**document.values, **computed})

    def collect_missing_rows(self, document: CompletedDocument, found: MissingRowCollector) -> None:
        """Add every row of a value table that the booking of a document lacks."""
        if self._kind is Kind.POSTING:
            found.add_of_posting()
        else:
            found.add_of_order()
        try:
            source = self.header_source(document)
        except RecordRejected:  # its reference is not possible; no row repairs that
            return
        total = decimal_value(document.values, "total_incl") or NOTHING
        found.add_issues(self._headers.apply(source).issues, total)
        for line in sale_lines(document.record):
            values = {**document_values(document), **line.values}
            amount = decimal_value(line.values, "amount_incl") or NOTHING
            found.add_issues(self._lines.apply(Record(Kind.LINE, line.key, values)).issues, amount)

    # ---- its lines

    def _booked_lines(self, document: CompletedDocument, articles: Mapping[str, str]) -> BookedLines:
        if self._kind is Kind.POSTING:
            return posting_lines(document, self._tables, discounts=self._discounts)
        return order_lines(document, articles, self._tables, discounts=self._discounts)

    def _line(self, document: CompletedDocument, source: Record) -> Record:
        mapped = self._lines.apply(source)
        expect_mapped(mapped.issues, document)
        named = {target.partition(".")[2]: clean(value) for target, value in mapped.values.items()}
        if "books_article" in source.values:
            named["article"] = source.values["books_article"]
        if self._has_base and named.get("vat_code") not in EMPTY:
            named["vat_base"] = source.values.get("books_vat_base")
        return Record(Kind.LINE, source.key, {name: value for name, value in named.items() if value not in EMPTY})

    def _expect_exact(self, document: CompletedDocument, lines: Sequence[Record], made: BookedLines) -> None:
        """Raise RecordRejected if rules of the mapping changed amounts, so that they no longer add up."""
        codes = (
            as_text(line.values.get("vat_code") or source.values.get("books_vat_code"))
            for line, source in zip(lines, made.sources, strict=True)
        )
        mapped = zip(codes, (line.values for line in lines), strict=True)
        if self._kind is Kind.POSTING:
            sums = posting_sums(mapped, gross=made.gross)
        else:
            sums = order_sums(mapped, self._tables, gross=made.gross, shipping=made.shipping)
        for code in dict.fromkeys([*made.sums, *sums]):
            expected, found = made.sums.get(code, VatSum()), sums.get(code, VatSum())
            if expected != found:
                raise mapping_differs(document, self._field, code, expected, found, self._tables)

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
        made, why = self._booked_lines(document, articles), OrderReasons(self._kind, self._tables)
        ruled = [why.head(document, each) for each in self._headers.trace(self.header_source(document, made, number))]
        targets, reference = {each.target for each in ruled}, self._references.reference_of(document.record, number)
        traces = [one for one in why.pointers(document, owner, address, reference) if one.target not in targets] + ruled
        if self._holds_id(document.record):  # overrides a rule for this field
            target = f"{self._kind}.till_id"
            told = explained_trace(target, till_id(document.record), "till_id", document=document.title)
            traces = [*(one for one in traces if one.target != target), told]
        for source in made.sources:
            first = TraceStep(f"line {source.key}", as_text(source.values.get("text")))
            for trace in self._lines.trace(source):
                told_by = why.line(document, trace, source)
                steps = (first, *self._before(document, source, trace.target), *trace.steps)
                traces.append(replace(told_by, steps=steps, part=source.key))
            if self._has_base and source.values.get("books_vat_code"):
                base = source.values.get("books_vat_base")
                traces.append(explained_trace("line.vat_base", base, "split", part=source.key))
        return traces

    def _before(self, document: CompletedDocument, source: Record, target: str) -> Iterator[TraceStep]:
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


def _known_by(document: Record, *, with_payments: bool) -> dict[str, Value]:
    """Return the fields that identify a document and are displayed; none of them is written."""
    values, split = document.values, split_of(document).values()
    incl, excl = decimal_value(values, "total_incl"), decimal_value(values, "total_excl")
    customer = next((part for part in document.parts if part.kind is Kind.RELATION), None)
    return {
        "number": as_text(values.get("number")),
        "customer": customer_name(customer),
        "branch": as_text(values.get("branch")),
        "digest": digest_of(document, with_payments=with_payments),
        "cancelled": values.get("cancelled") is True,
        "sold_incl": sum((each.incl for each in split), NOTHING) if incl is None else incl,
        "sold_excl": sum((each.excl for each in split), NOTHING) if excl is None else excl,
        **({WITH_PAYMENTS: True, "paid": paid_sum(document)} if with_payments else {}),
    }


def _shown(made: BookedLines) -> dict[str, Value]:
    """Return the totals in the books, for display."""
    paid, left = made.paid or NOTHING, sum(made.sums.values(), NO_SUM)
    shown: dict[str, Value] = {
        "booked_incl": left.incl + made.redeemed.incl + paid,
        "booked_excl": left.excl + made.redeemed.excl + paid,
    }
    if made.paid is not None:
        shown["open"] = left.incl
    if made.redeemed:
        shown["redeemed"] = made.redeemed.incl
    return shown | {"rounding": made.correction, "rounding_rule": made.rule} if made.rule else shown


def _compared(document: Record, made: BookedLines | None = None) -> tuple[Record, ...]:
    """Return the sold totals by the till's VAT code, with the booked totals if they can be distinguished."""
    booked = made.by_till if made else {}
    return as_parts(TotalsComparison(code, sold, booked.get(code)) for code, sold in split_of(document).items())
