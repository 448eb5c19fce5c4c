"""What the flow of documents is, and what it can be told."""

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

# What kinds of documents of the till there are, by the setting that says what they become, in the order they are read.
SOURCES = {
    "orders": Kind.ORDER,
    "invoices": Kind.INVOICE,
    "receipts": Kind.RECEIPT,
    "proposals": Kind.PROPOSAL,
}
SETTINGS = {kind: name for name, kind in SOURCES.items()}
# What a document becomes in the books; a trade invoice is a sales order kept in another place.
TARGETS = {
    "order": Kind.SALES_ORDER,
    "invoice": Kind.SALES_ORDER,
    "posting": Kind.POSTING,
    "quotation": Kind.QUOTATION,
}
# What is written of a kind that is switched off, where a plan of before has it.
USUAL = {
    Kind.ORDER: Kind.SALES_ORDER,
    Kind.INVOICE: Kind.POSTING,
    Kind.RECEIPT: Kind.POSTING,
    Kind.PROPOSAL: Kind.QUOTATION,
}
LONGEST_REFERENCE = {Kind.SALES_ORDER: 40, Kind.QUOTATION: 40, Kind.POSTING: 12}  # characters of the books' fields
# Types of receipts that move money and sell nothing.
NO_SALES = ("CASH-INFLOW", "CASH-OUTFLOW", "PAYMENT-METHOD-TRANSFER")
ORDER_TYPES = ("SALES-ORDER", "EXTERNAL-SALES-ORDER", "REPEAT-SALES-ORDER", "TABLE-ORDER", "CAFETERIA-ORDER")
INVOICE_TYPES = ("INVOICE", "DIRECT-INVOICE", "CREDIT-INVOICE", "REPEATING-INVOICE")
RECEIPT_TYPES = ("RECEIPT", "CREDIT-RECEIPT")
PROPOSAL_TYPES = ("PROPOSAL",)
# The words of the till for the types of each kind.
TYPES: Mapping[Kind, tuple[str, ...]] = {
    Kind.ORDER: ORDER_TYPES,
    Kind.INVOICE: INVOICE_TYPES,
    Kind.RECEIPT: (*RECEIPT_TYPES, *NO_SALES),
    Kind.PROPOSAL: PROPOSAL_TYPES,
}


def documents(becomes: Mapping[Kind, Kind], *, unverifiable: bool = False) -> Flow:
    """Return the flow of the till's documents, by the kinds in the books that those of each of its kinds become.

    Every kind has its stage, under the same name however the flow is set; what becomes nothing is off.
    """
    first = next(iter(becomes), Kind.ORDER)
    needs = {"debtor": Kind.DEBTOR, "address": Kind.ADDRESS}
    return Flow(
        "orders",
        source=TILL,
        target=BOOKS,
        stages=(
            Stage("debtors", first, Kind.DEBTOR, counted=False, derived=True, not_idempotent=True, grouped_by="branch"),
            Stage(
                "addresses",
                first,
                Kind.ADDRESS,
                counted=False,
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
                for source, usual in USUAL.items()
            ),
        ),
    )


State = Literal["nothing", "partial", "complete"]


def _new_debtors(change: Change, _: Any) -> int:
    return int(change.kind is Kind.DEBTOR and change.action is Action.CREATE)


NEW_DEBTORS = Guard("new_debtors", "brake_new_debtors", 50, _new_debtors)


class OrderSettings(ClosedPeriods):
    """How documents flow. Raises ConfigurationError, naming the setting, for what cannot be used."""

    flow: ClassVar[str] = "orders"
    guards = (*SIZE, NEW_DEBTORS)

    # What the documents of each kind become. An invoice is a trade invoice, where the books have an object for them;
    # what is part of a day is booked with it, by the flow of days.
    orders: Literal["nothing", "order", "invoice", "posting"] = "order"
    invoices: Literal["nothing", "order", "invoice", "posting", "day"] = "nothing"
    receipts: Literal["nothing", "order", "invoice", "posting", "day"] = "nothing"
    proposals: Literal["nothing", "quotation"] = "nothing"

    # Which documents take part; what is empty leaves nobody out.
    types: tuple[str, ...] = ()  # SALES-ORDER, CREDIT-INVOICE, ...; empty: all that sell something
    delivery: tuple[State, ...] = ()
    cancel: tuple[State, ...] = ()
    complete: tuple[State, ...] = ()
    paid: Literal["all", "only", "not"] = "all"
    categories: tuple[str, ...] = ()
    branches: tuple[str, ...] = ()
    date_from: date | None = None
    most: int = Field(500, ge=1)  # documents a run reads
    # Between which days, counted from today, a date of a document is believed.
    years_back: int = Field(10, ge=1, le=100)
    years_ahead: int = Field(1, ge=0, le=100)

    # What is taken where the till says nothing.
    default_employee: str = "999999"
    default_branch: str = ""
    default_workplace: str = ""
    default_country: str = Field("NL", pattern=r"^[A-Z]{2}$")
    default_currency: str = Field("EUR", pattern=r"^[A-Z]{3}$")

    # For whom it is booked.
    default_debtor: Literal["off", "fallback", "forced"] = "off"
    debtor_number: str = ""
    default_debtors_by_branch: dict[str, str] = Field(default_factory=dict)
    default_debtors_by_country: dict[str, str] = Field(default_factory=dict)
    create_debtors: bool = True
    collective_account: str = ""  # the ledger account of receivables that new debtors get
    debtor_vat_codes: dict[str, str] = Field(default_factory=dict)  # that new debtors of a country get
    debtor_accounts: bool = False  # whether they get the account that their country has in the table of revenue
    addresses: Literal["off", "when_different", "always"] = "when_different"

    # How it is booked.
    reference_prefix: str = Field("MP-", min_length=1, max_length=12)
    unproven: bool = False  # the books do not show documents: each is written once, and nobody can read it back
    daybook: str = ""  # of postings
    collective_article: str = ""  # for lines whose article the books do not have; empty: such a document waits
    # What shipping costs, on sales orders: lines of theirs, or a field of the document.
    shipping: Literal["line", "field"] = "line"
    shipping_articles: tuple[str, ...] = ()
    shipping_groups: tuple[str, ...] = ()  # turnover groups of the till
    shipping_vat_code: str = ""  # under which the books tax that field
    gift_cards: dict[str, Purpose] = Field(default_factory=dict)  # payment methods of which the till does not say it

    # Payments of documents that become postings: on their page, on that of their day, or not at all.
    payments_of_orders: Literal["document", "day", "not"] = "not"
    payments_of_invoices: Literal["document", "day", "not"] = "not"
    payments_of_receipts: Literal["document", "day", "not"] = "not"

    # To the cent.
    price_basis: Literal["till", "incl", "excl"] = "till"  # till: as the document was counted
    rounding: Literal["line", "document"] = "document"  # where the books round VAT
    price_places: int = Field(2, ge=2, le=4)
    rounding_limit: Decimal = Field(Decimal("0.05"), ge=0)
    rounding_article: str = ""  # takes the difference on sales orders
    rounding_account: str = ""  # takes the rounding of cash in postings
    rounding_methods: tuple[str, ...] = ("ROUNDING",)  # payment methods by which the till tells the rounding of cash

    def becomes(self, kind: Kind) -> str:
        """Return what documents of a kind of the till become: order, invoice, posting, quotation, day or nothing."""
        return str(getattr(self, SETTINGS[kind]))

    def pays(self, kind: Kind) -> bool:
        """Tell whether documents of a kind are booked with their payments: only postings have lines for them."""
        is_told = getattr(self, f"payments_of_{SETTINGS[kind]}", "not") == "document"
        return is_told and self.becomes(kind) == "posting"

    @property
    def pays_any(self) -> bool:
        """Whether documents of any kind are booked with their payments."""
        return any(map(self.pays, SETTINGS))

    @property
    def targets(self) -> dict[Kind, Kind]:
        """The kinds of documents that are read, each with the kind that is written."""
        return {kind: TARGETS[word] for kind in SETTINGS if (word := self.becomes(kind)) in TARGETS}

    @property
    def written(self) -> frozenset[Kind]:
        """The kinds of documents that are written."""
        return frozenset(self.targets.values())

    def sifting(self, kind: Kind) -> tuple[Filter, ...]:
        """Return all conditions a document of a kind has to meet that is not booked yet, those set by hand last."""
        return (*self._conditions(kind), *self.filters)

    def types_of(self, kind: Kind) -> tuple[str, ...]:
        """Return the chosen types of a kind of documents; none where all that sell something take part."""
        return tuple(one for one in self.types if one in TYPES[kind])

    def _conditions(self, kind: Kind) -> Iterator[Filter]:
        if types := self.types_of(kind):
            yield _one_of("type", types)
        else:
            yield Filter(field="type", operator=Operator.IN, value=NO_SALES, take="out")
        states = {"delivery_state": self.delivery, "cancel_state": self.cancel, "complete_state": self.complete}
        for field, allowed in states.items() if kind is Kind.ORDER else ():
            if allowed:
                yield _one_of(field, allowed)
        if self.paid != "all" and kind is not Kind.PROPOSAL:  # which nobody pays
            yield Filter(
                field="paid", operator=Operator.EQUAL, value="true", take="in" if self.paid == "only" else "out"
            )
        if self.categories:
            yield _one_of("category", self.categories)
        if self.branches:
            yield _one_of("branch", self.branches)
        if self.date_from:
            yield Filter(field="date", operator=Operator.LESS, value=self.date_from.isoformat(), take="out")

    def fixed_debtor(self, branch: str, country: str) -> str:
        """Return the default debtor for a branch, else for a country, else for all; empty when there is none."""
        return (
            self.default_debtors_by_branch.get(branch)
            or self.default_debtors_by_country.get(country)
            or self.debtor_number
        )

    def check(self) -> None:
        """Raise ConfigurationError for settings that do not go together."""
        someone = self.debtor_number or self.default_debtors_by_branch or self.default_debtors_by_country
        for holds, setting, expected in (
            (self.default_debtor == "off" or someone, "debtor_number", "expected_debtor_number"),
            (self.targets, "orders", "expected_documents"),
            (Kind.POSTING not in self.written or self.daybook, "daybook", "expected_daybook"),
        ):
            if not holds:
                raise ConfigurationError("flow_setting_invalid", flow="orders", setting=setting, expected=expected)


def _one_of(field: str, allowed: tuple[str, ...]) -> Filter:
    return Filter(field=field, operator=Operator.IN, value=tuple(allowed))
