"""What the flow of documents is, and what it can be told."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import ClassVar, Literal

from pydantic import Field

from integration.core.errors import ConfigurationError
from integration.core.flow import Flow, Stage
from integration.core.records import Kind
from integration.core.rules import Operator
from integration.core.totals.sorts import Purpose
from integration.flows.settings import BOOKS, TILL, Filter, FlowSettings

SOURCES = {"order": Kind.ORDER, "invoice": Kind.INVOICE, "receipt": Kind.RECEIPT}
TARGETS = {"order": Kind.SALES_ORDER, "posting": Kind.POSTING, "invoice": Kind.SALES_ORDER}
LONGEST_REFERENCE = {Kind.SALES_ORDER: 40, Kind.POSTING: 12}  # characters of the books' fields
# Types of receipts that move money and sell nothing.
NO_SALES = ("CASH-INFLOW", "CASH-OUTFLOW", "PAYMENT-METHOD-TRANSFER")


def documents(source: Kind, target: Kind, *, unproven: bool = False) -> Flow:
    """Return the flow of the till's documents of one kind to documents of one kind in the books."""
    return Flow(
        "orders",
        source=TILL,
        target=BOOKS,
        stages=(
            Stage(source, Kind.DEBTOR, counted=False, derived=True, grouped_by="branch"),
            Stage(
                source, Kind.ADDRESS, counted=False, derived=True, needs={"debtor": Kind.DEBTOR}, grouped_by="branch"
            ),
            Stage(
                source,
                target,
                once=True,
                unproven=unproven,
                needs={"debtor": Kind.DEBTOR, "address": Kind.ADDRESS},
                grouped_by="branch",
            ),
        ),
    )


State = Literal["nothing", "partial", "complete"]


class OrderSettings(FlowSettings):
    """How documents flow. Raises ConfigurationError, naming the setting, for what cannot be used."""

    flow: ClassVar[str] = "orders"

    documents: Literal["order", "invoice", "receipt"] = "order"
    becomes: Literal["order", "posting", "invoice"] = "order"  # invoice: a trade invoice, where there is an object

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
    addresses: Literal["off", "when_different", "always"] = "when_different"

    # How it is booked.
    reference_prefix: str = Field("MP-", max_length=12)
    unproven: bool = False  # the books do not show documents: each is written once, and nobody can read it back
    daybook: str = ""  # of postings
    collective_article: str = ""  # for lines whose article the books do not have; empty: such a document waits
    gift_cards: dict[str, Purpose] = Field(default_factory=dict)  # payment methods of which the till does not say it

    # To the cent.
    price_basis: Literal["till", "incl", "excl"] = "till"  # till: as the document was counted
    rounding: Literal["line", "document"] = "document"  # where the books round VAT
    price_places: int = Field(2, ge=2, le=4)
    rounding_limit: Decimal = Field(Decimal("0.05"), ge=0)
    rounding_article: str = ""  # takes the difference on sales orders
    rounding_account: str = ""  # takes the difference in postings
    rounding_methods: tuple[str, ...] = ("ROUNDING",)  # payment methods by which the till tells the rounding of cash

    @property
    def source(self) -> Kind:
        """Return the kind of document that is read."""
        return SOURCES[self.documents]

    @property
    def target(self) -> Kind:
        """Return the kind of document that is written; a trade invoice is a sales order kept in another place."""
        return TARGETS[self.becomes]

    def sifting(self) -> tuple[Filter, ...]:
        """Return all conditions a document has to meet that is not booked yet, those set by hand last."""
        return (*self._conditions(), *self.filters)

    def _conditions(self) -> Iterator[Filter]:
        if self.types:
            yield _one_of("type", self.types)
        else:
            yield Filter(field="type", operator=Operator.IN, value=NO_SALES, take="out")
        states = {"delivery_state": self.delivery, "cancel_state": self.cancel, "complete_state": self.complete}
        for field, allowed in states.items() if self.documents == "order" else ():
            if allowed:
                yield _one_of(field, allowed)
        if self.paid != "all":
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
            (self.becomes != "posting" or self.daybook, "daybook", "expected_daybook"),
        ):
            if not holds:
                raise ConfigurationError("flow_setting_invalid", flow="orders", setting=setting, expected=expected)


def _one_of(field: str, allowed: tuple[str, ...]) -> Filter:
    return Filter(field=field, operator=Operator.IN, value=tuple(allowed))
