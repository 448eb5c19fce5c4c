"""Stages and settings of the flow of documents."""

from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import Any, ClassVar, Literal

from pydantic import Field

from integration.core.errors import ConfigurationError
from integration.core.flow import Flow, Stage
from integration.core.guards import SIZE, Guard
from integration.core.plan import Action, Change
from integration.core.records import Kind
from integration.core.rules import Operator
from integration.core.totals.categories import Purpose
from integration.flows.periods import ClosedPeriods
from integration.flows.settings import BOOKS, TILL, Filter

# Document kinds of the till by the setting that chooses their target kind, in reading order.
SOURCES = {
    "orders": Kind.ORDER,
    "invoices": Kind.INVOICE,
    "receipts": Kind.RECEIPT,
    "proposals": Kind.PROPOSAL,
}
SETTINGS = {kind: name for name, kind in SOURCES.items()}
# Target kinds by setting value. A trade invoice is a sales order in another object of the books.
TARGETS = {
    "order": Kind.SALES_ORDER,
    "invoice": Kind.SALES_ORDER,
    "posting": Kind.POSTING,
    "quotation": Kind.QUOTATION,
}
# Target kinds of sources that are switched off but occur in an earlier plan.
DEFAULT_KINDS = {
    Kind.ORDER: Kind.SALES_ORDER,
    Kind.INVOICE: Kind.POSTING,
    Kind.RECEIPT: Kind.POSTING,
    Kind.PROPOSAL: Kind.QUOTATION,
}
LONGEST_REFERENCE = {Kind.SALES_ORDER: 40, Kind.QUOTATION: 40, Kind.POSTING: 12}  # lengths of the fields in the books
# Receipt types that move money and sell nothing.
NO_SALES = ("CASH-INFLOW", "CASH-OUTFLOW", "PAYMENT-METHOD-TRANSFER")
ORDER_TYPES = ("SALES-ORDER", "EXTERNAL-SALES-ORDER", "REPEAT-SALES-ORDER", "TABLE-ORDER", "CAFETERIA-ORDER")
INVOICE_TYPES = ("INVOICE", "DIRECT-INVOICE", "CREDIT-INVOICE", "REPEATING-INVOICE")
RECEIPT_TYPES = ("RECEIPT", "CREDIT-RECEIPT")
PROPOSAL_TYPES = ("PROPOSAL",)
# The till's document types by kind.
TYPES: Mapping[Kind, tuple[str, ...]] = {
    Kind.ORDER: ORDER_TYPES,
    Kind.INVOICE: INVOICE_TYPES,
    Kind.RECEIPT: (*RECEIPT_TYPES, *NO_SALES),
    Kind.PROPOSAL: PROPOSAL_TYPES,
}


def documents(becomes: Mapping[Kind, Kind], *, unverifiable: bool = False) -> Flow:
    """Return the flow of the till's documents; `becomes` gives the target kind of each active source kind.

    Every source kind always has its stage under the same name; stages of inactive kinds are off.
    """
    first = next(iter(becomes), Kind.ORDER)
    needs = {"debtor": Kind.DEBTOR, "address": Kind.ADDRESS}
    return Flow(
        "orders",
        source_role=TILL,
        target_role=BOOKS,
        stages=(
            Stage(
                "debtors", first, Kind.DEBTOR, is_counted=False, derived=True, not_idempotent=True, grouped_by="branch"
            ),
            Stage(
                "addresses",
                first,
                Kind.ADDRESS,
                is_counted=False,
                derived=True,
                not_idempotent=True,
                needs={"debtor": Kind.DEBTOR},
                grouped_by="branch",
            ),
            *(
                Stage(
                    f"{source}s",
                    source,
                    becomes.get(source, usual),
                    write_once=True,
                    unverifiable=unverifiable,
                    off=source not in becomes,
                    needs=needs,
                    grouped_by="branch",
                )
                for source, usual in DEFAULT_KINDS.items()
            ),
        ),
        other_links=(
            ("products", Kind.ARTICLE),
            ("customers", Kind.RELATION),
        ),  # the articles and debtors of a document
    )


State = Literal["nothing", "partial", "complete"]


def _new_debtors(change: Change, _: Any) -> int:
    return int(change.kind is Kind.DEBTOR and change.action is Action.CREATE)


NEW_DEBTORS = Guard("new_debtors", "brake_new_debtors", 50, _new_debtors)


class OrderSettings(ClosedPeriods):
    """Settings of the flow of documents. Raises ConfigurationError, naming the setting, for an invalid value."""

    flow: ClassVar[str] = "orders"
    guards = (*SIZE, NEW_DEBTORS)

    # The target of the documents of each kind. `invoice` is a trade invoice and needs its object; documents
    # set to `day` are booked by the flow of days.
    orders: Literal["nothing", "order", "invoice", "posting"] = "order"
    invoices: Literal["nothing", "order", "invoice", "posting", "day"] = "nothing"
    receipts: Literal["nothing", "order", "invoice", "posting", "day"] = "nothing"
    proposals: Literal["nothing", "quotation"] = "nothing"

    # Conditions for documents to take part. An empty value excludes none.
    types: tuple[str, ...] = ()  # SALES-ORDER, CREDIT-INVOICE, ...; empty: all types that sell something
    delivery: tuple[State, ...] = ()
    cancel: tuple[State, ...] = ()
    complete: tuple[State, ...] = ()
    paid: Literal["all", "only", "not"] = "all"
    categories: tuple[str, ...] = ()
    branches: tuple[str, ...] = ()
    date_from: date | None = None
    most: int = Field(500, ge=1)  # maximum number of documents that a run reads
    # The range of plausible document dates, relative to today.
    years_back: int = Field(10, ge=1, le=100)
    years_ahead: int = Field(1, ge=0, le=100)

    # Defaults for values that the till does not give.
    default_employee: str = "999999"
    default_branch: str = ""
    default_workplace: str = ""
    default_country: str = Field("NL", pattern=r"^[A-Z]{2}$")
    default_currency: str = Field("EUR", pattern=r"^[A-Z]{3}$")

    # Debtors and delivery addresses.
    default_debtor: Literal["off", "fallback", "forced"] = "off"
    debtor_number: str = ""
    default_debtors_by_branch: dict[str, str] = Field(default_factory=dict)
    default_debtors_by_country: dict[str, str] = Field(default_factory=dict)
    create_debtors: bool = True
    collective_account: str = ""  # the receivables account of new debtors
    debtor_vat_codes: dict[str, str] = Field(default_factory=dict)  # VAT code of new debtors by country
    debtor_accounts: bool = False  # whether new debtors get the revenue account of their country
    addresses: Literal["off", "when_different", "always"] = "when_different"

    # Booking.
    reference_prefix: str = Field("MP-", min_length=1, max_length=12)
    unproven: bool = False  # the books cannot show written documents, so they are never read back
    daybook: str = ""  # daybook of postings
    collective_article: str = ""  # for lines with an article unknown to the books; empty: such a document waits
    # Shipping costs on sales orders: lines, or a field of the document.
    shipping: Literal["line", "field"] = "line"
    shipping_articles: tuple[str, ...] = ()
    shipping_groups: tuple[str, ...] = ()  # turnover groups of the till that are shipping costs
    shipping_vat_code: str = ""  # VAT code of that field in the books
    gift_cards: dict[str, Purpose] = Field(default_factory=dict)  # payment methods whose purpose the till does not give

    # Where payments of posted documents are booked: with the document, with its day, or not at all.
    payments_of_orders: Literal["document", "day", "not"] = "not"
    payments_of_invoices: Literal["document", "day", "not"] = "not"
    payments_of_receipts: Literal["document", "day", "not"] = "not"

    # Amounts.
    price_basis: Literal["till", "incl", "excl"] = "till"  # till: the basis of the document itself
    rounding: Literal["line", "document"] = "document"  # level at which the books round VAT
    price_places: int = Field(2, ge=2, le=4)
    rounding_limit: Decimal = Field(Decimal("0.05"), ge=0)
    rounding_article: str = ""  # article for rounding differences on sales orders
    rounding_account: str = ""  # account for cash rounding in postings
    rounding_methods: tuple[str, ...] = ("ROUNDING",)  # payment methods with which the till reports cash rounding

    def becomes(self, kind: Kind) -> str:
        """Return the target of a till document kind: order, invoice, posting, quotation, day or nothing."""
        return str(getattr(self, SETTINGS[kind]))

    def books_payments(self, kind: Kind) -> bool:
        """Return True if documents of a kind are booked with their payments. Only postings can be."""
        is_told = getattr(self, f"payments_of_{SETTINGS[kind]}", "not") == "document"
        return is_told and self.becomes(kind) == "posting"

    @property
    def pays_any(self) -> bool:
        """True if documents of any kind are booked with their payments."""
        return any(map(self.books_payments, SETTINGS))

    @property
    def targets(self) -> dict[Kind, Kind]:
        """The source kinds that are read, each with its target kind."""
        return {kind: TARGETS[word] for kind in SETTINGS if (word := self.becomes(kind)) in TARGETS}

    @property
    def written(self) -> frozenset[Kind]:
        """The target kinds that are written."""
        return frozenset(self.targets.values())

    def all_filters(self, kind: Kind) -> tuple[Filter, ...]:
        """Return all conditions that an unbooked document of a kind must meet; the user's own filters come last."""
        return (*self._conditions(kind), *self.filters)

    def types_of(self, kind: Kind) -> tuple[str, ...]:
        """Return the chosen types of a document kind; empty means all types that sell something."""
        return tuple(document_type for document_type in self.types if document_type in TYPES[kind])

    def _conditions(self, kind: Kind) -> Iterator[Filter]:
        if types := self.types_of(kind):
            yield _membership_filter("type", types)
        else:
            yield Filter(field="type", operator=Operator.IN, value=NO_SALES, take="out")
        states = {"delivery_state": self.delivery, "cancel_state": self.cancel, "complete_state": self.complete}
        for field, allowed in states.items() if kind is Kind.ORDER else ():
            if allowed:
                yield _membership_filter(field, allowed)
        if self.paid != "all" and kind is not Kind.PROPOSAL:  # a proposal is never paid
            yield Filter(
                field="paid", operator=Operator.EQUAL, value="true", take="in" if self.paid == "only" else "out"
            )
        if self.categories:
            yield _membership_filter("category", self.categories)
        if self.branches:
            yield _membership_filter("branch", self.branches)
        if self.date_from:
            yield Filter(field="date", operator=Operator.LESS, value=self.date_from.isoformat(), take="out")

    def fixed_debtor(self, branch: str, country: str) -> str:
        """Return the default debtor of the branch, else of the country, else of all; empty if there is none."""
        return (
            self.default_debtors_by_branch.get(branch)
            or self.default_debtors_by_country.get(country)
            or self.debtor_number
        )

    def check(self) -> None:
        """Raise ConfigurationError for settings that contradict each other."""
        someone = self.debtor_number or self.default_debtors_by_branch or self.default_debtors_by_country
        for holds, setting, expected in (
            (self.default_debtor == "off" or someone, "debtor_number", "expected_debtor_number"),
            (self.targets, "orders", "expected_documents"),
            (Kind.POSTING not in self.written or self.daybook, "daybook", "expected_daybook"),
        ):
            if not holds:
                raise ConfigurationError("flow_setting_invalid", flow="orders", setting=setting, expected=expected)


def _membership_filter(field: str, allowed: tuple[str, ...]) -> Filter:
    return Filter(field=field, operator=Operator.IN, value=tuple(allowed))
